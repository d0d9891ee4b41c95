/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why the second round of reading ends: a batch names only batches that were durable when it was
 * sealed, so following the names leads back in time.
 */
#include "persist/audit_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "persist/reader.h"
#include "persist/recover.h"

struct cut {
    const struct datadir *directory;
    struct audit_model *model;
    struct reader *readers;
    uint64_t named[SHARDS_MAX]; /* the latest batch of each shard that any batch calls durable */
    char *problem;
    size_t problem_size;
};

static int note_problem(struct cut *cut, const struct reader *reader, int failure)
{
    (void)snprintf(cut->problem, cut->problem_size, "%s", reader_problem(reader));
    return failure;
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
    for (uint32_t i = 0; i < reader->header.shard_count; i++) {
        uint64_t durable = batch_durable(reader->batch, i);
        if (durable > cut->named[i])
            cut->named[i] = durable;
    }
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

/* Reads what is named and not yet read: 1 when there was anything. */
static int read_named(struct cut *cut, uint32_t shard)
{
    int any = 0;
    while (cut->readers[shard].chain.number < cut->named[shard]) {
        int ready = read_batch(cut, shard);
        if (ready < 0)
            return ready;
        if (ready == 0) {
            (void)snprintf(cut->problem, cut->problem_size,
                "shard %u: batch %llu is called durable by another shard, but the journal ends "
                "at batch %llu",
                shard, (unsigned long long)cut->named[shard],
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
    return 0;
}

static int open_readers(struct cut *cut)
{
    uint32_t size = reader_buffer_size(cut->directory);
    for (uint32_t i = 0; i < cut->directory->shards; i++) {
        void *buffer = aligned_alloc(BATCH_BLOCK_SIZE, size);
        if (buffer == NULL)
            return -ENOMEM;
        int failure = reader_open(&cut->readers[i], cut->directory, i, buffer);
        if (failure < 0)
            return note_problem(cut, &cut->readers[i], failure);
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

/* The lock of the directory, or -1 when a server has it. */
static int try_lock(const struct datadir *directory)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    (void)snprintf(path, sizeof(path), "%s/LOCK", directory->path);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

int audit_journal(
    const struct datadir *directory, struct audit_model *model, char *problem, size_t problem_size)
{
    struct cut cut = {
        .directory = directory, .model = model, .problem = problem, .problem_size = problem_size};
    (void)snprintf(problem, problem_size, "out of memory");
    int lock_fd = try_lock(directory);
    int failure = lock_fd >= 0 ? judge(directory, problem, problem_size) : 0;
    cut.readers = calloc(directory->shards, sizeof(*cut.readers));
    if (failure == 0)
        failure = cut.readers == NULL ? -ENOMEM : open_readers(&cut);
    if (failure == 0)
        failure = read_cut(&cut);
    if (cut.readers != NULL)
        close_readers(&cut);
    free(cut.readers);
    if (lock_fd >= 0)
        close(lock_fd);
    return failure;
}
