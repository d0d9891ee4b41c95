/* SPDX-License-Identifier: Apache-2.0 */
/*
 * datadir - first start: lock, make the files of generation 1, name them in CURRENT. Later starts:
 * lock, read CURRENT, refuse what does not fit, add segments when the budget has grown.
 *
 * A first start that was cut short leaves files that no CURRENT names and that hold no batch: they
 * are made again. Files that hold batches while CURRENT is gone are somebody's sales: refused.
 */
#include "persist/datadir.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "core/bugs.h"
#include "core/check.h"
#include "persist/current.h"
#include "persist/disk.h"
#include "persist/segment.h"

/* Zeros written so far, of all segments to make. */
struct making {
    const struct datadir_options *options;
    uint64_t done, total;
};

static void note_progress(void *context, uint64_t bytes)
{
    struct making *making = context;
    making->done += bytes;
    if (making->options->progress != NULL)
        making->options->progress(making->options->context, making->done, making->total);
}

int datadir_divide(
    uint64_t journal_bytes, uint32_t shards, struct datadir_geometry *geometry, uint64_t *least)
{
    CHECK(shards > 0);
    CHECK(shards <= SHARDS_MAX);
    uint64_t per_shard = journal_bytes / shards;
    uint32_t size = SEGMENT_SIZE_DEFAULT;
    *least = (uint64_t)SEGMENT_SIZE_MIN * DATADIR_SEGMENTS_MIN * shards;
    if (journal_bytes < *least)
        return -EINVAL;
    /* Small budgets have small segments: what is left over at the end of one is a small part. */
    while (size > SEGMENT_SIZE_MIN && per_shard / size < 8)
        size /= 2;
    /* Large ones have large segments: every start opens every file. */
    while (size < SEGMENT_SIZE_MAX && per_shard / size > DATADIR_SEGMENTS_WANTED)
        size *= 2;
    *geometry = (struct datadir_geometry){
        .segments = (uint32_t)(per_shard / size),
        .segment_size = size,
        .batch_size = BATCH_SIZE_DEFAULT,
    };
    return 0;
}

struct journal_origin datadir_origin(const struct datadir *directory, uint32_t shard)
{
    CHECK(shard < directory->shards);
    return (struct journal_origin){
        .directory = directory->directory,
        .generation = directory->generation,
        .segment_size = directory->geometry.segment_size,
        .batch_size = directory->geometry.batch_size,
        .node = directory->node,
        .shard = (uint16_t)shard,
        .shard_count = (uint16_t)directory->shards,
    };
}

void datadir_segment_path(const struct datadir *directory, uint32_t shard, uint32_t slot,
    char path[DATADIR_FILE_PATH_SIZE_MAX])
{
    (void)snprintf(path, DATADIR_FILE_PATH_SIZE_MAX,
        "%s/g%" PRIu32 "/shard-%02" PRIu32 "/segment-%06" PRIu32, directory->path,
        directory->generation, shard, slot);
}

void datadir_generation_path(
    const struct datadir *directory, uint32_t generation, char path[DATADIR_FILE_PATH_SIZE_MAX])
{
    (void)snprintf(path, DATADIR_FILE_PATH_SIZE_MAX, "%s/g%" PRIu32, directory->path, generation);
}

uint32_t datadir_generation_of(const char *name)
{
    char again[16];
    uint32_t generation = 0;
    if (sscanf(name, "g%9" SCNu32, &generation) != 1)
        return 0;
    (void)snprintf(again, sizeof(again), "g%" PRIu32, generation);
    return strcmp(name, again) == 0 ? generation : 0;
}

static void shard_path(
    const struct datadir *directory, uint32_t shard, char path[DATADIR_FILE_PATH_SIZE_MAX])
{
    (void)snprintf(path, DATADIR_FILE_PATH_SIZE_MAX, "%s/g%" PRIu32 "/shard-%02" PRIu32,
        directory->path, directory->generation, shard);
}

static int set_path(struct datadir *directory, const char *path, char *error, size_t error_size)
{
    *directory = (struct datadir){.lock_fd = -1};
    if (strlen(path) >= sizeof(directory->path)) {
        (void)snprintf(
            error, error_size, "data.dir is longer than %d bytes", DATADIR_PATH_SIZE_MAX - 1);
        return -ENAMETOOLONG;
    }
    memcpy(directory->path, path, strlen(path) + 1);
    return 0;
}

/* A server that was killed holds its lock until the kernel has taken its memory apart, which takes
 * longer the more there is of it: its successor waits a little before it believes in a rival. The
 * kernel tells nobody when a lock is free but who waits without end, so it is asked now and then.
 */
static int wait_for_lock(int file, const char *path)
{
    enum { PAUSE_MS = 10 };
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000};
    int result = bug(BUG_DIRECTORY_NOT_LOCKED) ? 0 : disk_lock(file, false);
    if (result == -EBUSY)
        (void)fprintf(stderr,
            "hotshelf: %s is in use; waiting up to %d ms for its last server to end\n", path,
            DATADIR_LOCK_WAIT_MS);
    for (int waited = 0; result == -EBUSY && waited < DATADIR_LOCK_WAIT_MS; waited += PAUSE_MS) {
        nanosleep(&pause, NULL);
        result = disk_lock(file, false);
    }
    return result;
}

static int lock(struct datadir *directory, char *error, size_t error_size)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    (void)snprintf(path, sizeof(path), "%s/LOCK", directory->path);
    int file = disk_open_or_create(path);
    int result = file < 0 ? file : wait_for_lock(file, directory->path);
    if (result == -EBUSY)
        (void)snprintf(error, error_size, "%s is in use by another hotshelf", directory->path);
    else if (result != 0)
        (void)snprintf(error, error_size, "cannot lock %s: %s", path, strerror(-result));
    if (result != 0 && file >= 0)
        (void)disk_close(file);
    directory->lock_fd = result == 0 ? file : -1;
    return result;
}

/* Whether a segment file has anything after its header: then it is not from an unfinished start. */
static bool holds_a_batch(const struct datadir *directory, uint32_t shard, uint32_t segment)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    uint8_t block[BATCH_BLOCK_SIZE];
    datadir_segment_path(directory, shard, segment, path);
    int file = disk_open(path, DISK_READ);
    if (file < 0)
        return false;
    int64_t size = disk_read(file, block, sizeof(block), SEGMENT_HEADER_SIZE);
    (void)disk_close(file);
    uint8_t seen = 0;
    for (int64_t i = 0; i < size; i++)
        seen |= block[i];
    return seen != 0;
}

/* The search for a journal that somebody may have sold from. */
struct lost {
    struct datadir directory;
    uint32_t generation; /* that has one; 0: none does */
    uint32_t shard;
};

/* Every journal begins in slot 1, and what follows the header is never zero again: looking there is
 * enough. */
static void look_for_batches(void *context, const char *name)
{
    struct lost *lost = context;
    lost->directory.generation = datadir_generation_of(name);
    if (lost->directory.generation == 0 || lost->generation != 0)
        return;
    for (uint32_t shard = 0; shard < SHARDS_MAX; shard++) {
        if (!holds_a_batch(&lost->directory, shard, 1))
            continue;
        lost->generation = lost->directory.generation;
        lost->shard = shard;
        return;
    }
}

int datadir_has_records(const char *path)
{
    struct lost lost = {.generation = 0};
    if (strlen(path) >= sizeof(lost.directory.path))
        return -ENAMETOOLONG;
    memcpy(lost.directory.path, path, strlen(path) + 1);
    int result = disk_list(path, look_for_batches, &lost);
    return result < 0 ? result : lost.generation != 0;
}

static int refuse_lost_current(const struct datadir *directory, char *error, size_t error_size)
{
    struct lost lost = {.directory = *directory};
    int result = disk_list(directory->path, look_for_batches, &lost);
    if (result != 0) {
        (void)snprintf(error, error_size, "cannot list %s: %s", directory->path, strerror(-result));
        return result;
    }
    if (lost.generation == 0)
        return 0;
    (void)snprintf(error, error_size,
        "%s/CURRENT is missing, but %s/g%" PRIu32 "/shard-%02" PRIu32
        " holds a journal with records: restore CURRENT, or use another data.dir",
        directory->path, directory->path, lost.generation, lost.shard);
    return -EBADMSG;
}

/* The first lap of a new journal is numbered at once; slots that are added later wait. */
static int make_shard(
    const struct datadir *directory, uint32_t shard, uint32_t first, struct making *making)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    shard_path(directory, shard, path);
    const struct journal_origin origin = datadir_origin(directory, shard);
    int result = disk_make_directory(path);
    for (uint32_t i = first; result == 0 && i <= directory->geometry.segments; i++) {
        char segment[DATADIR_FILE_PATH_SIZE_MAX];
        datadir_segment_path(directory, shard, i, segment);
        result = segment_create(segment, &origin, i, first == 1 ? i : 0, note_progress, making);
    }
    if (bug(BUG_FILES_NOT_SYNCED))
        return result;
    return result == 0 ? disk_sync_directory(path) : result;
}

/* The data directory's own name must last, too. */
static int sync_parent(const struct datadir *directory)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    (void)snprintf(path, sizeof(path), "%s/..", directory->path);
    return disk_sync_directory(path);
}

int datadir_make(const struct datadir *directory, uint32_t first,
    const struct datadir_options *options, char *error, size_t error_size)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    struct making making = {
        .options = options,
        .total = (uint64_t)(directory->geometry.segments - first + 1) * directory->shards *
                 directory->geometry.segment_size,
    };
    datadir_generation_path(directory, directory->generation, path);
    int result = disk_make_directory(path);
    for (uint32_t shard = 0; result == 0 && shard < directory->shards; shard++)
        result = make_shard(directory, shard, first, &making);
    if (result == 0)
        result = disk_sync_directory(path);
    if (result == 0)
        result = disk_sync_directory(directory->path);
    if (result == 0)
        result = sync_parent(directory);
    if (result == -ENOSPC)
        (void)snprintf(error, error_size,
            "cannot make the journal in %s: No space left on device: of %" PRIu64 " bytes %" PRIu64
            " are missing on its disk",
            path, making.total, making.total - making.done);
    else if (result != 0)
        (void)snprintf(error, error_size,
            "cannot make the journal in %s (%" PRIu64 " of %" PRIu64 " bytes written): %s", path,
            making.done, making.total, strerror(-result));
    return result;
}

/* Makes the segments from number `first` of every shard, then names them in CURRENT. */
static int make_and_publish(struct datadir *directory, uint32_t first,
    const struct datadir_options *options, char *error, size_t error_size)
{
    int result = datadir_make(directory, first, options, error, error_size);
    if (result != 0)
        return result;
    result = current_publish(directory);
    if (result != 0)
        (void)snprintf(
            error, error_size, "cannot write %s/CURRENT: %s", directory->path, strerror(-result));
    return result;
}

int datadir_choose(const struct datadir_options *options, struct datadir_geometry *geometry,
    char *error, size_t error_size)
{
    uint64_t least;
    if (options->segment_size != 0) {
        *geometry = (struct datadir_geometry){
            .segments =
                (uint32_t)(options->journal_bytes / options->shards / options->segment_size),
            .segment_size = options->segment_size,
            .batch_size = options->batch_size,
        };
        return 0;
    }
    int result = datadir_divide(options->journal_bytes, options->shards, geometry, &least);
    if (result != 0)
        (void)snprintf(error, error_size,
            "data.journal_bytes = %" PRIu64 " is too small: %" PRIu32
            " shards need at least %" PRIu64,
            options->journal_bytes, options->shards, least);
    return result;
}

static int create(struct datadir *directory, const struct datadir_options *options, char *error,
    size_t error_size)
{
    directory->generation = 1;
    directory->node = options->node;
    directory->shards = options->shards;
    directory->created = true;
    int result = refuse_lost_current(directory, error, error_size);
    if (result == 0)
        result = datadir_choose(options, &directory->geometry, error, error_size);
    if (result != 0)
        return result;
    while (directory->directory == 0)
        if (getrandom(&directory->directory, sizeof(directory->directory), 0) < 0)
            directory->directory = 0;
    return make_and_publish(directory, 1, options, error, error_size);
}

/* A larger budget adds segments after the last; a smaller one is left as it is. */
static int grow(struct datadir *directory, const struct datadir_options *options, char *error,
    size_t error_size)
{
    uint32_t before = directory->geometry.segments;
    if (directory->shards != options->shards)
        return 0;
    uint64_t wanted = options->journal_bytes / directory->shards / directory->geometry.segment_size;
    if (wanted <= before || wanted > UINT32_MAX)
        return 0;
    directory->geometry.segments = (uint32_t)wanted;
    return make_and_publish(directory, before + 1, options, error, error_size);
}

static int refuse_other_server(const struct datadir *directory,
    const struct datadir_options *options, char *error, size_t error_size)
{
    if (directory->node != options->node) {
        (void)snprintf(error, error_size,
            "%s belongs to node %u, and server.node is %u: a node starts on its own journal",
            directory->path, (unsigned)directory->node, (unsigned)options->node);
        return -EINVAL;
    }
    if (directory->shards != options->shards && !options->any_shards) {
        (void)snprintf(error, error_size,
            "the journal in %s was written by %" PRIu32 " shards, and server.shards is %" PRIu32
            ": start with server.shards = %" PRIu32,
            directory->path, directory->shards, options->shards, directory->shards);
        return -EINVAL;
    }
    return 0;
}

static int read_current(struct datadir *directory, char *error, size_t error_size)
{
    int result = current_read(directory);
    if (result == -EBADMSG)
        (void)snprintf(error, error_size,
            "%s/CURRENT is damaged: its lines and its check do not fit", directory->path);
    else if (result != 0)
        (void)snprintf(
            error, error_size, "cannot read %s/CURRENT: %s", directory->path, strerror(-result));
    return result;
}

static int open_locked(struct datadir *directory, const struct datadir_options *options,
    char *error, size_t error_size)
{
    int result = read_current(directory, error, error_size);
    if (result == -ENOENT)
        return create(directory, options, error, error_size);
    if (result == 0)
        result = refuse_other_server(directory, options, error, error_size);
    return result == 0 ? grow(directory, options, error, error_size) : result;
}

int datadir_open(struct datadir *directory, const struct datadir_options *options, char *error,
    size_t error_size)
{
    CHECK(options->shards > 0);
    CHECK(options->shards <= SHARDS_MAX);
    int result = set_path(directory, options->path, error, error_size);
    if (result != 0)
        return result;
    directory->buffered = options->buffered;
    result = disk_make_directory(directory->path);
    if (result != 0) {
        (void)snprintf(error, error_size, "cannot make the data directory %s: %s", directory->path,
            strerror(-result));
        return result;
    }
    result = lock(directory, error, error_size);
    if (result == 0)
        result = open_locked(directory, options, error, error_size);
    if (result != 0)
        datadir_close(directory);
    return result;
}

int datadir_read(struct datadir *directory, const char *path, char *error, size_t error_size)
{
    int result = set_path(directory, path, error, error_size);
    return result == 0 ? read_current(directory, error, error_size) : result;
}

bool datadir_try_lock(struct datadir *directory)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    CHECK(directory->lock_fd < 0);
    (void)snprintf(path, sizeof(path), "%s/LOCK", directory->path);
    int file = disk_open(path, DISK_WRITE);
    if (file >= 0 && disk_lock(file, false) != 0) {
        (void)disk_close(file);
        file = -1;
    }
    directory->lock_fd = file >= 0 ? file : -1;
    return file >= 0;
}

void datadir_close(struct datadir *directory)
{
    if (directory->lock_fd >= 0)
        (void)disk_close(directory->lock_fd);
    directory->lock_fd = -1;
}
