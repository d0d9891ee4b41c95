/* SPDX-License-Identifier: Apache-2.0 */
/* Happy path: a line for each record. When nobody reads any more it ends, without a complaint. */
#include "persist/journal_print.h"

#include <inttypes.h>
#include <stdlib.h>

#include "core/check.h"
#include "persist/event_print.h"
#include "persist/journal_visit.h"

struct print {
    uint64_t from;
    uint8_t *line;
    FILE *out;
};

static void print_batch(void *context, uint32_t shard, struct reader *reader)
{
    struct print *print = context;
    struct event event;
    struct reader_place place;
    (void)shard;
    if (reader->header.number < print->from || ferror(print->out))
        return;
    while (reader_next(reader, &event, &place)) {
        struct json_writer json = json_writer_of(print->line, EVENT_PRINT_SIZE_MAX);
        event_print(&json, &event, &place);
        CHECK(!json.overflow);
        fwrite(json.data, 1, json.size, print->out);
        fputc('\n', print->out);
    }
}

static int complain(const char *problem)
{
    fprintf(stderr, "hotshelf: journal dump: %s\n", problem);
    return 1;
}

static int print_shards(const struct datadir *directory, uint32_t shard, struct print *print)
{
    struct visit_end ends[SHARDS_MAX];
    char problem[1024];
    const struct visit_options options = {
        .directory = directory, .shard = shard, .batch = print_batch, .context = print};
    int result = journal_visit(&options, ends, problem, sizeof(problem));
    if (fflush(print->out) != 0)
        return 0; /* nobody reads any more */
    return result == 0 ? 0 : complain(problem);
}

int journal_print(const char *dir, uint32_t shard, uint64_t from, FILE *out)
{
    struct datadir directory;
    char problem[1024];
    if (datadir_read(&directory, dir, problem, sizeof(problem)) < 0)
        return complain(problem);
    if (shard != VISIT_EVERY_SHARD && shard >= directory.shards) {
        (void)snprintf(problem, sizeof(problem),
            "there is no shard %" PRIu32 ": the directory has %" PRIu32, shard, directory.shards);
        datadir_close(&directory);
        return complain(problem);
    }
    struct print print = {.from = from, .line = malloc(EVENT_PRINT_SIZE_MAX), .out = out};
    int status =
        print.line == NULL ? complain("out of memory") : print_shards(&directory, shard, &print);
    free(print.line);
    datadir_close(&directory);
    return status;
}
