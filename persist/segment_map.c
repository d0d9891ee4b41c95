/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segment_map - a header that cannot be read tells nothing, so its slot holds no number; whether
 * one is missing then is for those to say who need it. A header that is whole and belongs to
 * somebody else was put there by somebody: refused.
 */
#include "persist/segment_map.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/bugs.h"
#include "core/check.h"
#include "persist/disk.h"

uint64_t segment_map_size(const struct datadir_geometry *geometry)
{
    return (uint64_t)geometry->segments * sizeof(struct segment_slot);
}

uint32_t segment_map_find(const struct segment_map *map, uint32_t number)
{
    CHECK(number > 0);
    for (uint32_t slot = 1; slot <= map->count; slot++)
        if (map->slots[slot - 1].number == number)
            return slot;
    return 0;
}

uint32_t segment_map_oldest(const struct segment_map *map)
{
    uint32_t oldest = 0;
    for (uint32_t i = 0; i < map->count; i++) {
        uint32_t number = map->slots[i].number;
        if (number != 0 && (oldest == 0 || number < oldest))
            oldest = number;
    }
    return oldest;
}

uint32_t segment_map_damaged(const struct segment_map *map)
{
    for (uint32_t slot = 1; slot <= map->count; slot++)
        if (map->slots[slot - 1].damaged)
            return slot;
    return 0;
}

uint32_t segment_map_reusable(const struct segment_map *map, uint32_t oldest)
{
    uint32_t chosen = 0;
    for (uint32_t slot = 1; slot <= map->count; slot++) {
        uint32_t number = map->slots[slot - 1].number;
        if (number < oldest && (chosen == 0 || number < map->slots[chosen - 1].number))
            chosen = slot;
    }
    return chosen;
}

/* What is read next is what the disk will still have after a power cut. */
static int settle(const struct segment_file *file)
{
    int result = bug(BUG_READ_NOT_SYNCED) ? 0 : disk_sync_data(file->fd);
    if (result == 0 && !file->direct)
        disk_forget(file->fd);
    return result;
}

/* Reads the last block, to see that the file is whole; then the header and the block after it. */
static int read_blocks(
    const struct datadir *directory, const char *path, enum segment_map_care care, uint8_t *blocks)
{
    bool settles = care == SEGMENT_MAP_SETTLE;
    struct segment_file file;
    int result =
        segment_open(&file, path, settles ? SEGMENT_WRITE : SEGMENT_READ, directory->buffered);
    if (result != 0)
        return result;
    if (settles)
        result = settle(&file);
    if (result == 0 && settles)
        result = segment_read(
            &file, blocks, BATCH_BLOCK_SIZE, directory->geometry.segment_size - BATCH_BLOCK_SIZE);
    if (result == 0)
        result = segment_read(&file, blocks, SEGMENT_MAP_BUFFER_SIZE, 0);
    segment_close(&file);
    return result;
}

static const char *read_problem(int result)
{
    return result == -ENOENT ? "is missing"
           : result == -EIO  ? "cannot be read to its end: it was cut short, or the disk fails"
                             : strerror(-result);
}

static int complain(const char *path, int result, const char *text, char *error, size_t error_size)
{
    (void)snprintf(error, error_size, "%.400s %s", path, text);
    return result;
}

/* Notes what a slot holds. */
static int take_slot(struct segment_map *map, uint32_t slot, const struct journal_origin *origin,
    const uint8_t *blocks, const char *path, char *error, size_t error_size)
{
    struct segment_header header = {.number = 0};
    struct batch_header first;
    struct segment_slot *is = &map->slots[slot - 1];
    enum segment_verdict verdict = segment_check(blocks, origin, slot, &header);
    *is = (struct segment_slot){.damaged = verdict == SEGMENT_DAMAGED};
    if (is->damaged)
        return 0;
    if (verdict != SEGMENT_VALID)
        return complain(path, -EBADMSG, segment_verdict_text(verdict), error, error_size);
    if (header.number == 0)
        return 0;
    if (segment_map_find(map, header.number) != 0)
        return complain(
            path, -EBADMSG, "has the same number as a segment before it", error, error_size);
    is->number = header.number;
    if (batch_check_header(blocks + SEGMENT_HEADER_SIZE, origin, header.number, SEGMENT_HEADER_SIZE,
            &first) == BATCH_VALID)
        is->first_seq = first.first_seq;
    if (header.walk.number > map->named.number)
        map->named = header.walk;
    if (header.freed > map->freed)
        map->freed = header.freed;
    return 0;
}

int segment_map_read(struct segment_map *map, const struct datadir *directory, uint32_t shard,
    enum segment_map_care care, uint8_t *buffer, char *error, size_t error_size)
{
    const struct journal_origin origin = datadir_origin(directory, shard);
    map->named = (struct walk_place){.number = 0};
    map->freed = 0;
    map->count = 0;
    for (uint32_t slot = 1; slot <= directory->geometry.segments; slot++) {
        char path[DATADIR_FILE_PATH_SIZE_MAX];
        datadir_segment_path(directory, shard, slot, path);
        int result = read_blocks(directory, path, care, buffer);
        if (result != 0)
            return complain(path, result, read_problem(result), error, error_size);
        result = take_slot(map, slot, &origin, buffer, path, error, error_size);
        if (result != 0)
            return result;
        map->count = slot;
    }
    return 0;
}

int segment_map_missing(const struct segment_map *map, const struct datadir *directory,
    uint32_t shard, uint32_t number, char *error, size_t error_size)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    char text[96];
    uint32_t slot = segment_map_damaged(map);
    if (slot == 0) {
        (void)snprintf(error, error_size,
            "no file of shard %" PRIu32 " holds segment %" PRIu32 " of its journal", shard, number);
        return -EBADMSG;
    }
    datadir_segment_path(directory, shard, slot, path);
    (void)snprintf(
        text, sizeof(text), "has a damaged header, and segment %" PRIu32 " is missing", number);
    return complain(path, -EBADMSG, text, error, error_size);
}
