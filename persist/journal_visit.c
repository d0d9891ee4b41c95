/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Happy path: each shard is read to its end, nothing vouches for more, and every batch that any
 * shard calls durable was there. Shards that are called to have more are then read on: a batch
 * names only what was durable when it was sealed, so following the names leads back in time and
 * ends.
 */
#include "persist/journal_visit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "persist/voucher.h"

struct visit {
    const struct visit_options *options;
    struct visit_end *ends;
    struct reader *readers;
    uint8_t *voucher_buffer;
    uint64_t (*said)[SHARDS_MAX]; /* by each shard, in its last batch: what is durable of each */
    char *problem;
    size_t problem_size;
    int result;
};

static bool is_visited(const struct visit_options *options, uint32_t shard)
{
    return options->shard == VISIT_EVERY_SHARD || options->shard == shard;
}

/* Keeps the first sentence; answers `result`. */
static int note(struct visit *visit, uint32_t shard, int result, const char *sentence)
{
    visit->ends[shard].result = result;
    if (visit->result == 0)
        (void)snprintf(visit->problem, visit->problem_size, "%s", sentence);
    if (visit->result == 0)
        visit->result = result;
    return result;
}

static int note_damage(struct visit *visit, uint32_t shard, const char *reason)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    char sentence[DATADIR_FILE_PATH_SIZE_MAX + 512];
    const struct reader *reader = &visit->readers[shard];
    datadir_segment_path(visit->options->directory, shard, reader->end_slot, path);
    (void)snprintf(sentence, sizeof(sentence),
        "%s at offset %" PRIu32 ": batch %" PRIu64 " %s, but %s: the journal is damaged, not torn",
        path, reader->end_offset, reader->chain.number + 1, batch_verdict_text(reader->end),
        reason);
    return note(visit, shard, -EBADMSG, sentence);
}

/* Shows the next batch: 1, 0 when there is none now, or negative. */
static int show_batch(struct visit *visit, uint32_t shard)
{
    struct reader *reader = &visit->readers[shard];
    int ready = reader_next_batch(reader, READER_NO_LIMIT);
    if (ready == -ERANGE) { /* the server was faster: go on with what it keeps now */
        ready = reader_oldest(reader);
        ready = ready == 0 ? reader_next_batch(reader, READER_NO_LIMIT) : ready;
    }
    if (ready < 0)
        return note(visit, shard, ready, reader_problem(reader));
    if (ready == 0)
        return 0;
    /* It is less than the batch before has said only if that was salvaged since. */
    for (uint32_t i = 0; i < reader->header.shard_count; i++)
        visit->said[shard][i] = batch_durable(reader->batch, i);
    visit->ends[shard].batches++;
    visit->options->batch(visit->options->context, shard, reader);
    return 1;
}

/* Shows batches until the one of that number has been shown: 1, 0 when they end before it. */
static int show_until(struct visit *visit, uint32_t shard, uint64_t number)
{
    int ready = 1;
    while (ready == 1 && visit->readers[shard].chain.number < number)
        ready = show_batch(visit, shard);
    return ready;
}

/* What stands behind the end: if it vouches for more, more must be there by now. */
static int judge_end(struct visit *visit, uint32_t shard)
{
    struct reader *reader = &visit->readers[shard];
    struct batch_header voucher;
    char reason[128];
    if (!batch_can_be_torn(reader->end))
        return note_damage(visit, shard, "it is whole");
    int result = voucher_find(visit->options->directory, shard, &reader->map, &reader->chain,
        visit->voucher_buffer, &voucher);
    if (result <= 0)
        return result == 0 ? 0 : note(visit, shard, result, strerror(-result));
    uint64_t wanted =
        voucher.number - 1 > reader->chain.number ? voucher.number - 1 : reader->chain.number + 1;
    result = show_until(visit, shard, wanted);
    if (result != 0)
        return result < 0 ? result : 0;
    (void)snprintf(reason, sizeof(reason),
        "batch %" PRIu64 " was begun after it, in segment %" PRIu32 " at offset %" PRIu32,
        voucher.number, voucher.segment, voucher.offset);
    return note_damage(visit, shard, reason);
}

/* The latest batch of a shard that any batch calls durable, and whose batch that is. */
static uint64_t named(const struct visit *visit, uint32_t shard, uint32_t *by)
{
    uint64_t latest = 0;
    for (uint32_t i = 0; i < visit->options->directory->shards; i++) {
        if (visit->said[i][shard] <= latest)
            continue;
        latest = visit->said[i][shard];
        *by = i;
    }
    return latest;
}

/* Reads what other shards call durable: 1 when there was anything, 0 not, or negative. */
static int show_named(struct visit *visit, uint32_t shard)
{
    char reason[128];
    uint32_t by = 0;
    uint64_t before = visit->readers[shard].chain.number;
    uint64_t wanted = named(visit, shard, &by);
    if (visit->ends[shard].result != 0 || wanted <= before)
        return 0;
    int result = show_until(visit, shard, wanted);
    if (result != 0)
        return result;
    (void)snprintf(reason, sizeof(reason),
        "shard %" PRIu32 " wrote that batch %" PRIu64 " was durable", by, wanted);
    return note_damage(visit, shard, reason);
}

static void show_all(struct visit *visit)
{
    const struct visit_options *options = visit->options;
    uint32_t shards = options->directory->shards;
    for (uint32_t i = 0; i < shards; i++)
        if (is_visited(options, i) && show_until(visit, i, UINT64_MAX) == 0)
            (void)judge_end(visit, i);
    for (bool any = options->shard == VISIT_EVERY_SHARD; any;) {
        any = false;
        for (uint32_t i = 0; i < shards; i++)
            any = show_named(visit, i) == 1 || any;
    }
}

static void note_ends(struct visit *visit)
{
    for (uint32_t i = 0; i < visit->options->directory->shards; i++) {
        const struct reader *reader = &visit->readers[i];
        visit->ends[i].number = reader->chain.number;
        visit->ends[i].verdict = reader->end;
        visit->ends[i].segment = reader->end_segment;
        visit->ends[i].offset = reader->end_offset;
    }
}

static int open_readers(struct visit *visit)
{
    const struct datadir *directory = visit->options->directory;
    uint32_t size = reader_buffer_size(directory);
    visit->voucher_buffer = aligned_alloc(BATCH_BLOCK_SIZE, size);
    for (uint32_t i = 0; i < directory->shards; i++) {
        void *buffer = aligned_alloc(BATCH_BLOCK_SIZE, size);
        if (buffer == NULL || visit->voucher_buffer == NULL)
            return note(visit, i, -ENOMEM, "out of memory");
        int result = reader_open(&visit->readers[i], directory, i, buffer);
        if (result == 0)
            result = reader_oldest(&visit->readers[i]);
        if (result < 0)
            return note(visit, i, result, reader_problem(&visit->readers[i]));
    }
    return 0;
}

static void close_readers(struct visit *visit)
{
    for (uint32_t i = 0; i < visit->options->directory->shards; i++) {
        uint8_t *buffer = visit->readers[i].buffer;
        if (buffer != NULL)
            reader_close(&visit->readers[i]);
        free(buffer);
    }
    free(visit->voucher_buffer);
}

int journal_visit(
    const struct visit_options *options, struct visit_end *ends, char *problem, size_t problem_size)
{
    CHECK(options->batch != NULL);
    CHECK(problem_size > 0);
    struct visit visit = {.options = options,
        .ends = ends,
        .readers = calloc(options->directory->shards, sizeof(*visit.readers)),
        .said = calloc(options->directory->shards, sizeof(*visit.said)),
        .problem = problem,
        .problem_size = problem_size};
    memset(ends, 0, SHARDS_MAX * sizeof(*ends));
    problem[0] = 0;
    if (visit.readers == NULL || visit.said == NULL) {
        free(visit.readers);
        free(visit.said);
        return note(&visit, 0, -ENOMEM, "out of memory");
    }
    if (open_readers(&visit) == 0) {
        show_all(&visit);
        note_ends(&visit);
    }
    close_readers(&visit);
    free(visit.readers);
    free(visit.said);
    return visit.result;
}
