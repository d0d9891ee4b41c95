/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each shard's journal is read by its own reader; of the events that stand next, the one that
 * happened first is printed, so that the lines of a sale read in the order of the sale. Shards are
 * never compared otherwise: a consumer keeps one position for each.
 */
#include "persist/orders_print.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/check.h"
#include "persist/payload.h"
#include "persist/reader.h"

enum { FOLLOW_MS = 250 };

struct source {
    struct reader reader;
    struct event next; /* borrows the reader's buffer */
    bool has_next;
    bool in_batch;
    bool positioned;
    uint64_t from; /* numbers below it are not shown */
    uint64_t seen; /* the last number that needs no showing any more; 0: none */
};

struct print {
    struct datadir directory;
    struct source *sources;
    uint8_t *line;
    FILE *out;
};

static bool parse_number(const char **text, char end, uint64_t max, uint64_t *number)
{
    *number = 0;
    if (**text < '0' || **text > '9')
        return false;
    for (; **text >= '0' && **text <= '9'; (*text)++) {
        uint64_t digit = (uint64_t)(**text - '0');
        if (*number > (max - digit) / 10)
            return false;
        *number = *number * 10 + digit;
    }
    bool ended = **text == end;
    *text += end != 0;
    return ended;
}

bool orders_position_parse(const char *text, struct orders_position *position)
{
    uint64_t node = 0, shard = 0, seq = 0;
    if (!parse_number(&text, '/', UINT16_MAX, &node) ||
        !parse_number(&text, '/', UINT16_MAX, &shard) || !parse_number(&text, 0, INT64_MAX, &seq))
        return false;
    *position = (struct orders_position){(uint16_t)node, (uint16_t)shard, seq};
    return true;
}

static int complain(const struct reader *reader)
{
    fprintf(stderr, "hotshelf: orders: %s\n", reader_problem(reader));
    return 1;
}

/* Makes source->next the next streamed event: 1, 0 at the end of what is there now, or negative. */
static int advance(struct source *source)
{
    while (!source->has_next) {
        if (source->in_batch && reader_next(&source->reader, &source->next, NULL)) {
            source->has_next = source->next.stream_count > 0;
            continue;
        }
        int ready = reader_next_batch(&source->reader, READER_NO_LIMIT);
        source->in_batch = ready == 1;
        if (ready <= 0)
            return ready;
    }
    return 1;
}

/* The server was faster, and has used the file again that was read. What is to be shown next may be
 * kept all the same; if not, the sentence names the oldest number that is. */
static int advance_elsewhere(struct source *source)
{
    uint64_t oldest = 0;
    source->in_batch = false;
    int result = source->seen == 0 ? reader_oldest(&source->reader)
                                   : reader_seek(&source->reader, source->seen, &oldest);
    return result == 0 ? advance(source) : result;
}

static int print_event(const struct print *print, struct source *source, uint16_t shard)
{
    for (uint32_t i = 0; i < source->next.stream_count; i++) {
        if (source->next.stream_seq + i < source->from)
            continue;
        struct payload_place place = {print->directory.node, shard, i};
        struct json_writer json = json_writer_of(print->line, PAYLOAD_SIZE_MAX);
        payload_put(&json, &source->next, &place);
        CHECK(!json.overflow);
        fwrite(json.data, 1, json.size, print->out);
        fputc('\n', print->out);
    }
    source->seen = source->next.stream_seq + source->next.stream_count - 1;
    return ferror(print->out) ? -EPIPE : 0;
}

/* The shard whose next event happened first; -1: none has one. Negative errno is complained of. */
static int choose(struct print *print, int *status)
{
    int chosen = -1;
    for (uint32_t i = 0; i < print->directory.shards; i++) {
        struct source *source = &print->sources[i];
        int ready = advance(source);
        if (ready == -ERANGE)
            ready = advance_elsewhere(source);
        if (ready < 0) {
            *status = complain(&source->reader);
            return -1;
        }
        if (source->has_next && (chosen < 0 || payload_wall_ms(&source->next) <
                                                   payload_wall_ms(&print->sources[chosen].next)))
            chosen = (int)i;
    }
    return chosen;
}

/* A consumer that has heard more than there is. All batches were read, shown or passed over. */
static int look_for_what_is_missing(const struct print *print)
{
    for (uint32_t i = 0; i < print->directory.shards; i++) {
        const struct source *source = &print->sources[i];
        uint64_t newest = source->reader.chain.seq;
        uint16_t node = print->directory.node;
        if (source->from <= newest + 1)
            continue;
        fprintf(stderr,
            "hotshelf: orders: %u/%u/%" PRIu64 " is not there yet, the newest is %u/%u/%" PRIu64
            ": the position is of another directory, or this one has lost events\n",
            node, i, source->from, node, i, newest);
        return 1;
    }
    return 0;
}

static int print_all(struct print *print, bool follow)
{
    int status = 0;
    bool looked = false;
    while (status == 0) {
        int chosen = choose(print, &status);
        if (chosen < 0 && status == 0 && !looked) {
            looked = true;
            status = look_for_what_is_missing(print);
        }
        if (chosen >= 0) {
            if (print_event(print, &print->sources[chosen], (uint16_t)chosen) < 0)
                return 0; /* nobody reads any more */
            print->sources[chosen].has_next = false;
        } else if (fflush(print->out) != 0 || !follow) {
            return status;
        } else if (status == 0) {
            nanosleep(&(struct timespec){.tv_nsec = FOLLOW_MS * 1000000L}, NULL);
        }
    }
    return status;
}

static int seek(struct print *print, const struct orders_position *position)
{
    uint64_t oldest = 0;
    if (position->node != print->directory.node || position->shard >= print->directory.shards) {
        fprintf(stderr,
            "hotshelf: orders: %u/%u is not here: the directory has node %u with %u shards\n",
            position->node, position->shard, print->directory.node, print->directory.shards);
        return 1;
    }
    struct source *source = &print->sources[position->shard];
    source->positioned = true;
    source->from = position->seq;
    source->seen = position->seq == 0 ? 0 : position->seq - 1;
    int failure = reader_seek(&source->reader, position->seq == 0 ? 0 : position->seq - 1, &oldest);
    if (failure == -ERANGE) {
        fprintf(stderr,
            "hotshelf: orders: %u/%u/%" PRIu64 " is no longer kept, the oldest is %u/%u/%" PRIu64
            "\n",
            position->node, position->shard, position->seq, position->node, position->shard,
            oldest);
        return 1;
    }
    return failure < 0 ? complain(&source->reader) : 0;
}

/* Without a position: everything that is kept, and said so when that is not all. */
static int start_at_oldest(const struct print *print, struct reader *reader)
{
    const struct datadir *directory = &print->directory;
    int failure = reader_oldest(reader);
    if (failure < 0)
        return complain(reader);
    uint32_t oldest = segment_map_oldest(&reader->map);
    if (oldest > 1)
        fprintf(stderr, "hotshelf: orders: the oldest kept of shard %u is %u/%u/%" PRIu64 "\n",
            reader->origin.shard, directory->node, reader->origin.shard,
            reader->map.slots[segment_map_find(&reader->map, oldest) - 1].first_seq);
    return 0;
}

static int open_sources(struct print *print)
{
    uint32_t size = reader_buffer_size(&print->directory);
    for (uint32_t i = 0; i < print->directory.shards; i++) {
        void *buffer = aligned_alloc(BATCH_BLOCK_SIZE, size);
        if (buffer == NULL)
            return -ENOMEM;
        int failure = reader_open(&print->sources[i].reader, &print->directory, i, buffer);
        if (failure < 0)
            return complain(&print->sources[i].reader);
    }
    return 0;
}

static void close_sources(struct print *print)
{
    for (uint32_t i = 0; i < print->directory.shards; i++) {
        uint8_t *buffer = print->sources[i].reader.buffer;
        if (buffer != NULL)
            reader_close(&print->sources[i].reader);
        free(buffer);
    }
}

int orders_print(const char *dir, bool follow, const struct orders_position *from,
    uint32_t from_count, FILE *out)
{
    char error[1024];
    struct print print = {.out = out};
    if (datadir_read(&print.directory, dir, error, sizeof(error)) < 0) {
        fprintf(stderr, "hotshelf: orders: %s\n", error);
        return 1;
    }
    print.sources = calloc(print.directory.shards, sizeof(*print.sources));
    print.line = malloc(PAYLOAD_SIZE_MAX);
    int status = print.sources == NULL || print.line == NULL ? -ENOMEM : open_sources(&print);
    for (uint32_t i = 0; i < from_count && status == 0; i++)
        status = seek(&print, &from[i]);
    for (uint32_t i = 0; i < print.directory.shards && status == 0; i++)
        if (!print.sources[i].positioned)
            status = start_at_oldest(&print, &print.sources[i].reader);
    if (status == 0)
        status = print_all(&print, follow);
    if (status == -ENOMEM)
        fprintf(stderr, "hotshelf: orders: out of memory\n");
    if (print.sources != NULL)
        close_sources(&print);
    free(print.sources);
    free(print.line);
    datadir_close(&print.directory);
    return status == 0 ? 0 : 1;
}
