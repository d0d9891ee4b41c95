/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why the second round of reading ends: a batch names only batches that were durable when it was
 * sealed, so following the names leads back in time.
 */
#include "persist/audit_journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "persist/reader.h"
#include "persist/recover.h"

struct cut {
    const struct datadir *directory;
    enum audit_from from;
    struct audit_model *model;
    struct reader *readers;
    uint64_t (*said)[SHARDS_MAX]; /* by each shard, in its last batch: what is durable of each */
    struct walk_place *starts;
    uint8_t *block; /* a segment's header */
    char *problem;
    size_t problem_size;
};

static int note_problem(struct cut *cut, const struct reader *reader, int failure)
{
    (void)snprintf(cut->problem, cut->problem_size, "%s", reader_problem(reader));
    return failure;
}

static int complain_of_walk(struct cut *cut, uint32_t shard, const char *what)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    const struct walk_place *start = &cut->starts[shard];
    uint32_t slot = segment_map_find(&cut->readers[shard].map, start->segment);
    datadir_segment_path(cut->directory, shard, slot == 0 ? 1 : slot, path);
    (void)snprintf(cut->problem, cut->problem_size,
        "%s at offset %" PRIu32 ": walk %" PRIu64 ", which a header names, %s", path, start->offset,
        start->number, what);
    return -EBADMSG;
}

/* What stands before the walk in its batch happened before it. */
static int pass_to_walk(struct cut *cut, uint32_t shard)
{
    const struct walk_place *start = &cut->starts[shard];
    struct event event;
    while (reader_next(&cut->readers[shard], &event, NULL)) {
        if (event.kind != EVENT_WALK_BEGUN || event.fact.walk.number != start->number)
            continue;
        audit_model_event(cut->model, shard, &event);
        return 0;
    }
    return complain_of_walk(cut, shard, "does not begin there");
}

/* The next batch of a shard into the model: 1, 0 when there is none, or negative. */
static int read_batch(struct cut *cut, uint32_t shard)
{
    struct reader *reader = &cut->readers[shard];
    int ready = reader_next_batch(reader, READER_NO_LIMIT);
    if (ready < 0)
        return note_problem(cut, reader, ready);
    if (ready == 0)
        return 0;
    /* It is less than the batch before has said only if that was salvaged since. */
    for (uint32_t i = 0; i < reader->header.shard_count; i++)
        cut->said[shard][i] = batch_durable(reader->batch, i);
    if (cut->starts[shard].number != 0 && !cut->model->shards[shard].begun &&
        pass_to_walk(cut, shard) < 0)
        return -EBADMSG;
    struct event event;
    while (reader_next(reader, &event, NULL))
        audit_model_event(cut->model, shard, &event);
    return 1;
}

static int read_to_end(struct cut *cut, uint32_t shard)
{
    int ready = 1;
    while (ready == 1)
        ready = read_batch(cut, shard);
    return ready;
}

/* The latest batch of a shard that any batch calls durable. */
static uint64_t named(const struct cut *cut, uint32_t shard)
{
    uint64_t latest = 0;
    for (uint32_t i = 0; i < cut->directory->shards; i++)
        latest = cut->said[i][shard] > latest ? cut->said[i][shard] : latest;
    return latest;
}

/* Reads what is named and not yet read: 1 when there was anything. */
static int read_named(struct cut *cut, uint32_t shard)
{
    int any = 0;
    while (cut->readers[shard].chain.number < named(cut, shard)) {
        int ready = read_batch(cut, shard);
        if (ready < 0)
            return ready;
        if (ready == 0) {
            (void)snprintf(cut->problem, cut->problem_size,
                "shard %u: batch %llu is called durable by another shard, but the journal ends "
                "at batch %llu",
                shard, (unsigned long long)named(cut, shard),
                (unsigned long long)cut->readers[shard].chain.number);
            return -EBADMSG;
        }
        any = 1;
    }
    return any;
}

static int read_cut(struct cut *cut)
{
    for (uint32_t i = 0; i < cut->directory->shards; i++) {
        int failure = read_to_end(cut, i);
        if (failure < 0)
            return failure;
    }
    for (int any = 1; any == 1;) {
        any = 0;
        for (uint32_t i = 0; i < cut->directory->shards; i++) {
            int read = read_named(cut, i);
            if (read < 0)
                return read;
            any |= read;
        }
    }
    for (uint32_t i = 0; i < cut->directory->shards; i++)
        if (cut->starts[i].number != 0 && cut->model->shards[i].is_base)
            return complain_of_walk(cut, i, "does not end");
    return 0;
}

/* The walk that the header in a slot names; number 0: none, or the header cannot be read. */
static struct walk_place walk_of_slot(struct cut *cut, const struct reader *reader, uint32_t slot)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    struct segment_file file;
    struct segment_header header;
    struct walk_place walk = {.number = 0};
    datadir_segment_path(cut->directory, reader->origin.shard, slot, path);
    if (segment_open(&file, path, SEGMENT_READ, cut->directory->buffered) != 0)
        return walk;
    if (segment_read(&file, cut->block, SEGMENT_HEADER_SIZE, 0) == 0 &&
        segment_check(cut->block, &reader->origin, slot, &header) == SEGMENT_VALID)
        walk = header.walk;
    segment_close(&file);
    return walk;
}

/* Positions a reader whose map is read. */
static void choose_start(struct cut *cut, uint32_t shard)
{
    struct reader *reader = &cut->readers[shard];
    struct walk_place *start = &cut->starts[shard];
    uint32_t oldest = segment_map_oldest(&reader->map);
    *start = reader->map.named;
    if (cut->from == AUDIT_FROM_OLDEST && oldest == 1)
        *start = (struct walk_place){.number = 0};
    for (uint32_t i = 1; cut->from == AUDIT_FROM_OLDEST && i <= reader->map.count; i++) {
        struct walk_place walk = walk_of_slot(cut, reader, i);
        if (walk.number != 0 && walk.number < start->number && walk.segment >= oldest)
            *start = walk;
    }
    reader_start(reader, start);
}

static int open_readers(struct cut *cut)
{
    uint32_t size = reader_buffer_size(cut->directory);
    cut->block = aligned_alloc(BATCH_BLOCK_SIZE, SEGMENT_HEADER_SIZE);
    if (cut->block == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < cut->directory->shards; i++) {
        void *buffer = aligned_alloc(BATCH_BLOCK_SIZE, size);
        if (buffer == NULL)
            return -ENOMEM;
        int failure = reader_open(&cut->readers[i], cut->directory, i, buffer);
        if (failure == 0)
            failure = reader_oldest(&cut->readers[i]);
        if (failure < 0)
            return note_problem(cut, &cut->readers[i], failure);
        choose_start(cut, i);
    }
    return 0;
}

static void close_readers(struct cut *cut)
{
    for (uint32_t i = 0; i < cut->directory->shards; i++) {
        uint8_t *buffer = cut->readers[i].buffer;
        if (buffer != NULL)
            reader_close(&cut->readers[i]);
        free(buffer);
    }
    free(cut->block);
}

static void ignore_event(void *context, uint32_t shard, const struct event *event)
{
    (void)context, (void)shard, (void)event;
}

/* As a start would: damage, and a file that is missing, are found only like this. */
static int judge(const struct datadir *directory, char *problem, size_t problem_size)
{
    const struct recover_options options = {.directory = directory, .replay = ignore_event};
    struct recovery *recovery = calloc(1, sizeof(*recovery));
    int failure = recovery == NULL ? -ENOMEM : recover(recovery, &options, problem, problem_size);
    free(recovery);
    return failure;
}

int audit_journal(const struct datadir *directory, enum audit_from from, struct audit_model *model,
    struct walk_place *starts, char *problem, size_t problem_size)
{
    struct cut cut = {.directory = directory,
        .from = from,
        .model = model,
        .starts = starts,
        .problem = problem,
        .problem_size = problem_size};
    (void)snprintf(problem, problem_size, "out of memory");
    struct datadir locked = *directory;
    int failure = datadir_try_lock(&locked) ? judge(directory, problem, problem_size) : 0;
    cut.readers = calloc(directory->shards, sizeof(*cut.readers));
    cut.said = calloc(directory->shards, sizeof(*cut.said));
    if (failure == 0)
        failure = cut.readers == NULL || cut.said == NULL ? -ENOMEM : open_readers(&cut);
    if (failure == 0)
        failure = read_cut(&cut);
    if (cut.readers != NULL)
        close_readers(&cut);
    free(cut.readers);
    free(cut.said);
    datadir_close(&locked);
    return failure;
}
