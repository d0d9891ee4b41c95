/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generation - the happy path: files of zeros, then per shard batch after batch into the first
 * segments, a sync of each, and last a closing mark that vouches for the walks of all shards.
 *
 * Batches are written through the page cache: nothing counts before all is synced. One segment is
 * left empty, since a journal that goes on wants a next one.
 */
#include "persist/generation.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/bugs.h"
#include "core/check.h"
#include "persist/current.h"
#include "persist/disk.h"
#include "persist/record.h"
#include "persist/segment.h"

static uint32_t header_size(const struct generation *generation)
{
    return batch_header_size(generation->directory.shards);
}

static int take_buffers(struct generation *generation, char *error, size_t error_size)
{
    const struct datadir *directory = &generation->directory;
    for (uint32_t i = 0; i < directory->shards; i++) {
        const struct journal_origin origin = datadir_origin(directory, i);
        struct generation_shard *shard = &generation->shards[i];
        shard->chain = chain_start(&origin);
        shard->batch = aligned_alloc(BATCH_BLOCK_SIZE, directory->geometry.batch_size);
        if (shard->batch != NULL)
            continue;
        (void)snprintf(error, error_size, "no memory for the batches of %" PRIu32 " shards",
            directory->shards);
        return -ENOMEM;
    }
    return 0;
}

int generation_begin(struct generation *generation, const struct generation_options *options,
    char *error, size_t error_size)
{
    *generation = (struct generation){.directory = *options->directory, .options = *options};
    struct datadir *directory = &generation->directory;
    directory->generation++;
    directory->shards = options->files.shards;
    directory->created = false;
    for (uint32_t i = 0; i < SHARDS_MAX; i++)
        generation->shards[i].file = -1;
    int result = generation_sweep(options->directory, error, error_size);
    if (result == 0)
        result = datadir_choose(&options->files, &directory->geometry, error, error_size);
    if (result == 0)
        result = take_buffers(generation, error, error_size);
    return result == 0 ? datadir_make(directory, 1, &options->files, error, error_size) : result;
}

/* Names the file that the shard's chain has got to. */
static int complain(const struct generation *generation, uint32_t shard, int result,
    const char *what, char *error, size_t error_size)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    uint32_t segment = generation->shards[shard].chain.segment;
    datadir_segment_path(&generation->directory, shard, segment, path);
    (void)snprintf(error, error_size, "cannot %s %s: %s", what, path, strerror(-result));
    return result;
}

static int sync_file(struct generation *generation, uint32_t number, char *error, size_t error_size)
{
    struct generation_shard *shard = &generation->shards[number];
    if (shard->file < 0)
        return 0;
    int result = bug(BUG_GENERATION_NOT_SYNCED) ? 0 : disk_sync(shard->file);
    disk_forget(shard->file);
    int closed = disk_close(shard->file);
    shard->file = -1;
    result = result != 0 ? result : closed;
    return result == 0 ? 0 : complain(generation, number, result, "sync", error, error_size);
}

static int next_segment(
    struct generation *generation, uint32_t number, char *error, size_t error_size)
{
    struct generation_shard *shard = &generation->shards[number];
    int result = sync_file(generation, number, error, error_size);
    if (result != 0)
        return result;
    if (shard->chain.segment + 1 >= generation->directory.geometry.segments) {
        (void)snprintf(error, error_size,
            "data.journal_bytes = %" PRIu64 " is too small for what shard %" PRIu32 " of %" PRIu32
            " has to keep",
            generation->options.files.journal_bytes, number, generation->directory.shards);
        return -EFBIG;
    }
    shard->chain.segment++;
    shard->chain.offset = SEGMENT_HEADER_SIZE;
    return 0;
}

static int write_all(int file, const uint8_t *data, uint32_t size, uint32_t offset)
{
    while (size > 0) {
        int64_t written = disk_write(file, data, size, offset);
        if (written <= 0)
            return written < 0 ? (int)written : -EIO;
        data += written;
        size -= (uint32_t)written;
        offset += (uint32_t)written;
    }
    return 0;
}

static int write_at_chain(
    struct generation *generation, uint32_t number, uint32_t size, char *error, size_t error_size)
{
    struct generation_shard *shard = &generation->shards[number];
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    if (shard->file < 0) {
        datadir_segment_path(&generation->directory, number, shard->chain.segment, path);
        shard->file = disk_open(path, DISK_WRITE);
    }
    int result = shard->file < 0 ? shard->file
                                 : write_all(shard->file, shard->batch, size, shard->chain.offset);
    return result == 0 ? 0 : complain(generation, number, result, "write", error, error_size);
}

/* Its stream numbers are all used by what was before. */
static struct batch_header header_of(
    const struct generation *generation, const struct generation_shard *shard, uint32_t number)
{
    const struct journal_origin origin = datadir_origin(&generation->directory, number);
    return (struct batch_header){
        .directory = origin.directory,
        .previous = shard->chain.hash,
        .number = shard->chain.number + 1,
        .first_record = shard->chain.record + 1,
        .first_seq = shard->chain.seq + 1,
        .last_seq = shard->chain.seq,
        .shelf_ms = generation->options.shelf_ms,
        .wall_ms = generation->options.wall_ms,
        .incarnation = generation->options.incarnation,
        .generation = origin.generation,
        .segment = shard->chain.segment,
        .offset = shard->chain.offset,
        .used = shard->used,
        .record_count = shard->records,
        .node = origin.node,
        .shard = origin.shard,
        .shard_count = origin.shard_count,
    };
}

/* Writes the batch that fills; `vouches`: for all that the other shards have written. */
static int write_batch(
    struct generation *generation, uint32_t number, bool vouches, char *error, size_t error_size)
{
    struct generation_shard *shard = &generation->shards[number];
    uint64_t durable[SHARDS_MAX] = {0};
    uint32_t filled = header_size(generation) + shard->used;
    uint32_t size = (filled + BATCH_BLOCK_SIZE - 1) / BATCH_BLOCK_SIZE * BATCH_BLOCK_SIZE;
    int result = 0;
    if (size > generation->directory.geometry.segment_size - shard->chain.offset)
        result = next_segment(generation, number, error, error_size);
    if (result != 0)
        return result;
    for (uint32_t i = 0; vouches && i < generation->directory.shards; i++)
        durable[i] = generation->shards[i].chain.number;
    durable[number] = shard->chain.number;
    struct batch_header header = header_of(generation, shard, number);
    CHECK(batch_seal(shard->batch, &header, durable) == size);
    result = write_at_chain(generation, number, size, error, error_size);
    if (result != 0)
        return result;
    chain_advance(&shard->chain, &header);
    shard->used = shard->records = 0;
    return 0;
}

static int append(struct generation *generation, uint32_t number, const struct event *event,
    char *error, size_t error_size)
{
    struct generation_shard *shard = &generation->shards[number];
    uint32_t size = record_size(event), room = generation->directory.geometry.batch_size;
    CHECK(event->stream_count == 0);
    CHECK(size <= room - header_size(generation));
    if (size > room - header_size(generation) - shard->used) {
        int result = write_batch(generation, number, false, error, error_size);
        if (result != 0)
            return result;
    }
    record_encode(event, shard->batch + header_size(generation) + shard->used);
    shard->used += size;
    shard->records++;
    return 0;
}

int generation_put(struct generation *generation, uint32_t number, const struct event *event,
    char *error, size_t error_size)
{
    struct generation_shard *shard = &generation->shards[number];
    bool first = shard->chain.number == 0 && shard->records == 0;
    CHECK(number < generation->directory.shards);
    CHECK(first == (event->kind == EVENT_WALK_BEGUN));
    if (first) {
        CHECK(event->fact.walk.number == 1);
        CHECK(event->fact.walk.flags & WALK_GENESIS);
        shard->chain.seq = event->fact.walk.stream_seq;
    } else {
        CHECK(event_is_image(event->kind));
        shard->images++;
    }
    return append(generation, number, event, error, error_size);
}

static int end_walk(struct generation *generation, uint32_t number, char *error, size_t error_size)
{
    const struct event ended = {
        .kind = EVENT_WALK_ENDED,
        .fact.walk_end = {.number = 1, .images = generation->shards[number].images},
    };
    CHECK(generation->shards[number].records > 0 || generation->shards[number].chain.number > 0);
    int result = append(generation, number, &ended, error, error_size);
    if (result == 0)
        result = write_batch(generation, number, false, error, error_size);
    return result == 0 ? sync_file(generation, number, error, error_size) : result;
}

static int close_journal(
    struct generation *generation, uint32_t number, char *error, size_t error_size)
{
    const struct event mark = {
        .kind = EVENT_CLOSED, .fact.mark.now_wall_ms = generation->options.wall_ms};
    int result = append(generation, number, &mark, error, error_size);
    if (result == 0)
        result = write_batch(generation, number, true, error, error_size);
    return result == 0 ? sync_file(generation, number, error, error_size) : result;
}

static void give_back(struct generation *generation)
{
    for (uint32_t i = 0; i < SHARDS_MAX; i++) {
        if (generation->shards[i].file >= 0)
            (void)disk_close(generation->shards[i].file);
        free(generation->shards[i].batch);
        generation->shards[i] = (struct generation_shard){.file = -1};
    }
}

int generation_end(struct generation *generation, char *error, size_t error_size)
{
    uint32_t shards = generation->directory.shards;
    int result = 0;
    for (uint32_t i = 0; result == 0 && i < shards; i++)
        result = end_walk(generation, i, error, error_size);
    for (uint32_t i = 0; result == 0 && i < shards; i++)
        result = close_journal(generation, i, error, error_size);
    if (result == 0)
        give_back(generation);
    return result;
}

int generation_publish(const struct datadir *directory, char *error, size_t error_size)
{
    int result = current_publish(directory);
    if (result != 0)
        (void)snprintf(
            error, error_size, "cannot write %s/CURRENT: %s", directory->path, strerror(-result));
    return result;
}

/* Where something is removed, with what is in it down to some depth. */
struct clearing {
    const char *path;
    uint32_t depth;
    int result;
};

static int clear(const char *path, uint32_t depth);

static void clear_entry(void *context, const char *name)
{
    struct clearing *clearing = context;
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    int size = snprintf(path, sizeof(path), "%s/%s", clearing->path, name);
    int result = size < (int)sizeof(path) ? clear(path, clearing->depth - 1) : -ENAMETOOLONG;
    if (clearing->result == 0)
        clearing->result = result;
}

static int clear(const char *path, uint32_t depth)
{
    struct clearing clearing = {.path = path, .depth = depth};
    int result = depth == 0 ? 0 : disk_list(path, clear_entry, &clearing);
    if (result == -ENOENT)
        return 0;
    if (result == 0)
        result = clearing.result;
    return result == 0 ? disk_remove(path) : result;
}

/* gN, its shards, their files. */
static int clear_generation(const struct datadir *directory, uint32_t generation)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    datadir_generation_path(directory, generation, path);
    return clear(path, 2);
}

void generation_drop(struct generation *generation)
{
    give_back(generation);
    (void)clear_generation(&generation->directory, generation->directory.generation);
}

struct sweep {
    const struct datadir *directory;
    int result;
};

static void sweep_entry(void *context, const char *name)
{
    struct sweep *sweep = context;
    uint32_t generation = datadir_generation_of(name);
    if (generation == 0 || generation == sweep->directory->generation)
        return;
    int result = clear_generation(sweep->directory, generation);
    if (sweep->result == 0)
        sweep->result = result;
}

int generation_sweep(const struct datadir *directory, char *error, size_t error_size)
{
    struct sweep sweep = {.directory = directory};
    int result = disk_list(directory->path, sweep_entry, &sweep);
    result = result != 0 ? result : sweep.result;
    if (result != 0)
        (void)snprintf(error, error_size,
            "cannot remove the journals in %s that are not in use: %s", directory->path,
            strerror(-result));
    return result;
}
