/* SPDX-License-Identifier: Apache-2.0 */
/*
 * current - one rename decides. Whatever happens before it, the old CURRENT (or none) stands and
 * the new files are ignored; after it they are complete.
 */
#include "persist/current.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "core/bugs.h"
#include "persist/disk.h"
#include "persist/segment.h"

enum { CURRENT_SIZE_MAX = 512, CURRENT_VERSION = 1 };

/* Bytes written to `text`, which has CURRENT_SIZE_MAX. */
static uint32_t render(const struct datadir *directory, char *text)
{
    const struct datadir_geometry *geometry = &directory->geometry;
    int size = snprintf(text, CURRENT_SIZE_MAX,
        "hotshelf %d\ngeneration %" PRIu32 "\ndirectory %016" PRIx64 "\nnode %u\nshards %" PRIu32
        "\nsegments %" PRIu32 "\nsegment_size %" PRIu32 "\nbatch_size %" PRIu32 "\n",
        CURRENT_VERSION, directory->generation, directory->directory, (unsigned)directory->node,
        directory->shards, geometry->segments, geometry->segment_size, geometry->batch_size);
    uint64_t check = XXH3_64bits(text, (size_t)size);
    size += snprintf(text + size, CURRENT_SIZE_MAX - (size_t)size, "check %016" PRIx64 "\n", check);
    return (uint32_t)size;
}

static bool possible(const struct datadir *directory)
{
    const struct datadir_geometry *geometry = &directory->geometry;
    return directory->generation > 0 && directory->directory != 0 && directory->shards > 0 &&
           directory->shards <= SHARDS_MAX && geometry->segments >= DATADIR_SEGMENTS_MIN &&
           geometry->segment_size % BATCH_BLOCK_SIZE == 0 &&
           geometry->batch_size % BATCH_BLOCK_SIZE == 0 && geometry->batch_size > 0 &&
           geometry->segment_size <= SEGMENT_SIZE_MAX &&
           geometry->segment_size > geometry->batch_size + SEGMENT_HEADER_SIZE;
}

static int parse(struct datadir *directory, const char *text, uint32_t size)
{
    char again[CURRENT_SIZE_MAX];
    struct datadir_geometry *geometry = &directory->geometry;
    int version;
    uint64_t check;
    int fields = sscanf(text,
        "hotshelf %d\ngeneration %" SCNu32 "\ndirectory %" SCNx64 "\nnode %" SCNu16
        "\nshards %" SCNu32 "\nsegments %" SCNu32 "\nsegment_size %" SCNu32 "\nbatch_size %" SCNu32
        "\ncheck %" SCNx64,
        &version, &directory->generation, &directory->directory, &directory->node,
        &directory->shards, &geometry->segments, &geometry->segment_size, &geometry->batch_size,
        &check);
    if (fields != 9 || !possible(directory))
        return -EBADMSG;
    return render(directory, again) == size && memcmp(again, text, size) == 0 ? 0 : -EBADMSG;
}

int current_read(struct datadir *directory)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    char text[CURRENT_SIZE_MAX] = {0};
    (void)snprintf(path, sizeof(path), "%s/CURRENT", directory->path);
    int file = disk_open(path, DISK_READ);
    if (file < 0)
        return file;
    int64_t size = disk_read(file, text, sizeof(text) - 1, 0);
    (void)disk_close(file);
    return size < 0 ? (int)size : parse(directory, text, (uint32_t)size);
}

static int write_aside(const char *path, const char *text, uint32_t size)
{
    int file = disk_create(path);
    if (file < 0)
        return file;
    int64_t written = disk_write(file, text, size, 0);
    int result = written == size ? 0 : written < 0 ? (int)written : -EIO;
    if (result == 0 && !bug(BUG_CURRENT_NOT_SYNCED))
        result = disk_sync(file);
    int closed = disk_close(file);
    return result != 0 ? result : closed;
}

int current_publish(const struct datadir *directory)
{
    char text[CURRENT_SIZE_MAX];
    char aside[DATADIR_FILE_PATH_SIZE_MAX];
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    (void)snprintf(aside, sizeof(aside), "%s/CURRENT.new", directory->path);
    (void)snprintf(path, sizeof(path), "%s/CURRENT", directory->path);
    int result = write_aside(aside, text, render(directory, text));
    if (result == 0)
        result = disk_rename(aside, path);
    if (bug(BUG_RENAME_NOT_SYNCED))
        return result;
    return result == 0 ? disk_sync_directory(directory->path) : result;
}
