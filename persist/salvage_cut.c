/* SPDX-License-Identifier: Apache-2.0 */
/*
 * salvage - the carrying out. Zeros first, in the order in which it was written, so that as long as
 * anything is left of it the last of it vouches for the whole; then the records, those of the
 * shards that are cut before those of the witnesses. Until a witness has its record what it has
 * said of the lost batches stands, and no start takes the cut for the end.
 *
 * The header of a slot that holds a later segment stays: it may be the one that names the walk from
 * which the journal is read.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/bugs.h"
#include "core/check.h"
#include "persist/disk.h"
#include "persist/journal.h"
#include "persist/reader.h"
#include "persist/salvage.h"
#include "persist/segment_map.h"

/* The cutting of one shard. */
struct cutting {
    const struct datadir *directory;
    const struct chain *chain; /* of what is kept */
    struct journal_origin origin;
    struct segment_map map;
    uint8_t *buffer; /* READER_CHUNK_SIZE, then the map */
    char *error;
    size_t error_size;
};

static int complain(const struct cutting *cutting, uint32_t slot, int result)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    datadir_segment_path(cutting->directory, cutting->origin.shard, slot, path);
    (void)snprintf(cutting->error, cutting->error_size, "cannot overwrite what is lost in %s: %s",
        path, strerror(-result));
    return result;
}

static int open_slot(const struct cutting *cutting, uint32_t slot, struct segment_file *file)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    datadir_segment_path(cutting->directory, cutting->origin.shard, slot, path);
    return segment_open(file, path, SEGMENT_WRITE, cutting->directory->buffered);
}

/* Zeros over all of a slot from an offset on. */
static int wipe(const struct cutting *cutting, uint32_t slot, uint32_t from)
{
    struct segment_file file;
    int result = open_slot(cutting, slot, &file);
    int64_t wiped = result;
    if (result == 0)
        wiped = segment_wipe(
            &file, cutting->buffer, READER_CHUNK_SIZE, from, cutting->origin.segment_size);
    segment_close(&file);
    return wiped < 0 ? complain(cutting, slot, (int)wiped) : 0;
}

/* A slot whose header is damaged is free from here on. */
static int free_slot(const struct cutting *cutting, uint32_t slot)
{
    struct segment_file file;
    const struct walk_place none = {.number = 0};
    int result = open_slot(cutting, slot, &file);
    segment_header_put(cutting->buffer, &cutting->origin, slot, 0, &none, 0);
    if (result == 0)
        result = segment_write(&file, cutting->buffer, SEGMENT_HEADER_SIZE, 0);
    segment_close(&file);
    return result == 0 ? 0 : complain(cutting, slot, result);
}

/* The lowest number above `after` in any slot; 0: there is none. */
static uint32_t next_number(const struct segment_map *map, uint32_t after)
{
    uint32_t next = 0;
    for (uint32_t i = 0; i < map->count; i++) {
        uint32_t number = map->slots[i].number;
        if (number > after && (next == 0 || number < next))
            next = number;
    }
    return next;
}

/* Headers that went astray into what is kept would vouch for ever. */
static int wipe_strays(const struct cutting *cutting, uint32_t slot)
{
    struct segment_file file;
    uint8_t *buffer = cutting->buffer;
    uint32_t number = cutting->map.slots[slot - 1].number;
    uint32_t size, end = cutting->origin.segment_size;
    int result = open_slot(cutting, slot, &file);
    for (uint32_t from = SEGMENT_HEADER_SIZE; result == 0 && from < end; from += size) {
        size = end - from < READER_CHUNK_SIZE ? end - from : READER_CHUNK_SIZE;
        result = segment_read(&file, buffer, size, from);
        for (uint32_t at = 0; result == 0 && at < size; at += BATCH_BLOCK_SIZE) {
            struct batch_header header = {.number = 0};
            (void)batch_check_header(buffer + at, &cutting->origin, number, from + at, &header);
            if (header.directory == cutting->origin.directory &&
                header.number > cutting->chain->number)
                result = segment_blank(&file, buffer + at, from + at);
        }
    }
    segment_close(&file);
    return result == 0 ? 0 : complain(cutting, slot, result);
}

static int cut_shard(const struct cutting *cutting)
{
    const struct segment_map *map = &cutting->map;
    uint32_t slot = segment_map_find(map, cutting->chain->segment);
    CHECK(slot != 0);
    int result = cutting->chain->offset < cutting->origin.segment_size
                     ? wipe(cutting, slot, cutting->chain->offset)
                     : 0;
    for (uint32_t number = cutting->chain->segment; result == 0 &&
                                                    (number = next_number(map, number)) != 0 &&
                                                    !bug(BUG_SALVAGE_LEAVES_VOUCHERS);)
        result = wipe(cutting, segment_map_find(map, number), SEGMENT_HEADER_SIZE);
    for (slot = 1; result == 0 && slot <= map->count; slot++) {
        const struct segment_slot *is = &map->slots[slot - 1];
        if (is->number == 0)
            result = wipe(cutting, slot, SEGMENT_HEADER_SIZE);
        else if (is->number <= cutting->chain->segment)
            result = wipe_strays(cutting, slot);
        if (result == 0 && is->damaged)
            result = free_slot(cutting, slot);
    }
    return result;
}

static int cut_all(struct salvage *salvage, char *error, size_t error_size)
{
    const struct datadir *directory = salvage->options.directory;
    uint64_t size = READER_CHUNK_SIZE + segment_map_size(&directory->geometry);
    size = (size + BATCH_BLOCK_SIZE - 1) / BATCH_BLOCK_SIZE * BATCH_BLOCK_SIZE;
    struct cutting cutting = {.directory = directory,
        .buffer = aligned_alloc(BATCH_BLOCK_SIZE, size),
        .error = error,
        .error_size = error_size};
    if (cutting.buffer == NULL)
        return -ENOMEM;
    cutting.map.slots = (void *)(cutting.buffer + READER_CHUNK_SIZE);
    int result = 0;
    for (uint32_t i = 0; result == 0 && i < directory->shards; i++) {
        if (!salvage->shards[i].cut)
            continue;
        cutting.chain = &salvage->recovery.shards[i].chain;
        cutting.origin = datadir_origin(directory, i);
        result = segment_map_read(
            &cutting.map, directory, i, SEGMENT_MAP_SETTLE, cutting.buffer, error, error_size);
        if (result == 0)
            result = cut_shard(&cutting);
    }
    free(cutting.buffer);
    return result;
}

/* The journals, open once more to record what was done. */
struct recording {
    const struct salvage *salvage;
    struct journal_shared shared;
    struct journal *journals; /* [shard] */
    uint32_t open;
    struct arena arena;
    void *memory;
    char *error;
    size_t error_size;
};

static int open_journal(struct recording *recording, uint32_t shard)
{
    const struct salvage *salvage = recording->salvage;
    const struct journal_options options = {
        .directory = salvage->options.directory,
        .shard = shard,
        .start = salvage->recovery.shards[shard].chain,
        .walk = salvage->recovery.shards[shard].walk,
        .incarnation = salvage->recovery.incarnation,
        .streamed = salvage->options.streamed != NULL || salvage->recovery.postgres_system_id != 0,
    };
    struct journal_mark *mark = &recording->shared.marks[shard];
    if (salvage->options.streamed != NULL) {
        atomic_store(&mark->streamed_seq, salvage->options.streamed[shard]);
        atomic_store(&mark->known, true);
    }
    int result = journal_open(&recording->journals[shard], &recording->arena, &recording->shared,
        &options, recording->error, recording->error_size);
    recording->open += result == 0;
    return result;
}

static struct event record_of(const struct salvage *salvage, uint32_t shard)
{
    const struct salvage_shard *is = &salvage->shards[shard];
    const struct chain *chain = &salvage->recovery.shards[shard].chain;
    return (struct event){
        .kind = EVENT_SALVAGED,
        .fact.salvaged =
            {
                .from = chain->number + 1,
                .to = is->lost_to,
                .seq = chain->seq,
                .seq_to = is->lost_seq,
                .now_wall_ms = salvage->options.now_wall_ms,
                .shard = shard,
            },
    };
}

static int write_durably(const struct journal_write *write)
{
    const uint8_t *data = write->data;
    for (uint32_t at = 0; at < write->size;) {
        int64_t written =
            disk_write(write->fd, data + at, write->size - at, (uint32_t)write->offset + at);
        if (written <= 0)
            return written < 0 ? (int)written : -EIO;
        at += (uint32_t)written;
    }
    return disk_sync_data(write->fd);
}

/* The batch, and the header of a segment before it where one is due. */
static int write_batch(struct recording *recording, uint32_t shard)
{
    struct journal *journal = &recording->journals[shard];
    const struct recovery *recovery = &recording->salvage->recovery;
    const struct moment now = {
        .shelf_ms = recovery->shelf_ms, .wall_ms = recording->salvage->options.now_wall_ms};
    struct journal_write write = {.offset = 0};
    struct event event;
    int result = 0;
    while (result == 0 && write.offset == 0 && journal_commit(journal, &now, false, &write)) {
        result = write_durably(&write);
        if (result == 0)
            journal_written(journal, (int32_t)write.size);
        while (result == 0 && journal_settle_next(journal, &event))
            continue;
    }
    if (result != 0)
        (void)snprintf(recording->error, recording->error_size,
            "cannot write the record of it into the journal of shard %" PRIu32 ": %s", shard,
            strerror(-result));
    return result;
}

static int record(struct recording *recording, uint32_t shard)
{
    const struct salvage *salvage = recording->salvage;
    struct journal *journal = &recording->journals[shard];
    if (journal_exhausted(journal)) {
        (void)snprintf(recording->error, recording->error_size,
            "the journal of shard %" PRIu32
            " has no room for the record of it: raise data.journal_bytes",
            shard);
        return -ENOSPC;
    }
    for (uint32_t i = 0; i < salvage->options.directory->shards; i++) {
        if (!salvage->shards[i].cut)
            continue;
        const struct event event = record_of(salvage, i);
        journal_append(journal, &event);
    }
    return write_batch(recording, shard);
}

static int record_all(struct recording *recording)
{
    const struct salvage *salvage = recording->salvage;
    uint32_t shards = salvage->options.directory->shards;
    int result = journal_shared_open(&recording->shared);
    if (result != 0)
        return result;
    for (uint32_t i = 0; result == 0 && i < shards; i++)
        result = open_journal(recording, i);
    for (uint32_t round = 0; round < 2; round++)
        for (uint32_t i = 0; result == 0 && i < shards; i++)
            if (salvage->shards[i].cut == (round == 0))
                result = record(recording, i);
    for (uint32_t i = 0; i < recording->open; i++) {
        recording->journals[i].phase = JOURNAL_FREE;
        journal_close(&recording->journals[i]);
    }
    journal_shared_close(&recording->shared);
    return result;
}

static int write_records(const struct salvage *salvage, char *error, size_t error_size)
{
    const struct datadir *directory = salvage->options.directory;
    uint64_t size =
        directory->shards * (journal_memory(&directory->geometry) + 2 * BATCH_BLOCK_SIZE);
    struct recording recording = {.salvage = salvage,
        .journals = calloc(directory->shards, sizeof(*recording.journals)),
        .memory = aligned_alloc(BATCH_BLOCK_SIZE, size),
        .error = error,
        .error_size = error_size};
    int result = -ENOMEM;
    if (recording.journals != NULL && recording.memory != NULL) {
        memset(recording.memory, 0, size);
        arena_init(&recording.arena, recording.memory, size);
        result = record_all(&recording);
    }
    free(recording.memory);
    free(recording.journals);
    return result;
}

static void ignore(void *context, uint32_t shard, const struct event *event)
{
    (void)context, (void)shard, (void)event;
}

/* What a start will find. */
static int look_again(const struct salvage *salvage, char *error, size_t error_size)
{
    const struct recover_options options = {
        .directory = salvage->options.directory, .replay = ignore};
    struct recovery *recovery = calloc(1, sizeof(*recovery));
    int result = recovery == NULL ? -ENOMEM : recover(recovery, &options, error, error_size);
    free(recovery);
    return result;
}

int salvage_carry_out(struct salvage *salvage, char *error, size_t error_size)
{
    error[0] = 0;
    int result = cut_all(salvage, error, error_size);
    if (result == 0)
        result = write_records(salvage, error, error_size);
    if (result == 0)
        result = look_again(salvage, error, error_size);
    if (result != 0 && error[0] == 0)
        (void)snprintf(error, error_size, "%s", strerror(-result));
    return result;
}
