/* SPDX-License-Identifier: Apache-2.0 */
/*
 * datadir - the data directory: who may use it, which journal is in force, where its files are.
 *
 *     DIR/LOCK                       locked (flock) by the server that uses it
 *     DIR/CURRENT                    the generation in force, its identity and geometry, as text
 *     DIR/gN/shard-NN/segment-NNNNNN  generation N
 *
 * A generation is complete before CURRENT names it: files are written and synced first, then
 * CURRENT is written under another name, synced, renamed, and the directory synced.
 *
 * Ownership  datadir_close() gives the lock back. The server keeps it open for its whole life.
 * Threads    Read by all; opened and closed by one.
 * Units      Bytes; segments are counted per shard.
 * Errors     Negative errno, and a sentence with the path and the remedy in `error`.
 * Cost       The first start writes journal_bytes of zeros. A directory in use costs a short wait.
 */
#ifndef HOTSHELF_PERSIST_DATADIR_H
#define HOTSHELF_PERSIST_DATADIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "persist/batch.h"

enum {
    DATADIR_PATH_SIZE_MAX = 1024,
    DATADIR_FILE_PATH_SIZE_MAX = DATADIR_PATH_SIZE_MAX + 64,
    DATADIR_SEGMENTS_MIN = 2,       /* per shard: one is written, one is next */
    DATADIR_SEGMENTS_WANTED = 1024, /* at most, as long as segments can be larger */
    DATADIR_LOCK_WAIT_MS = 2000, /* for a killed server to let go: gigabytes are unmapped in less */
};

struct datadir_geometry {
    uint32_t segments; /* per shard */
    uint32_t segment_size;
    uint32_t batch_size;
};

struct datadir_options {
    const char *path;
    uint64_t journal_bytes; /* of all shards together */
    uint32_t shards;
    uint16_t node;
    bool buffered; /* never direct I/O */
    /* One that was made for another number of shards is opened as it is: see generation.h. */
    bool any_shards;
    /* 0: chosen from journal_bytes. Tests make them small. */
    uint32_t segment_size;
    uint32_t batch_size;
    /* Called now and then while zeros are written; may be NULL. */
    void (*progress)(void *context, uint64_t bytes_done, uint64_t bytes_total);
    void *context;
};

struct datadir {
    char path[DATADIR_PATH_SIZE_MAX];
    int lock_fd; /* of disk.h; -1: opened to read only */
    bool buffered;
    bool created;       /* by this call: the journal is empty */
    uint64_t directory; /* identity, random, never 0 */
    uint32_t generation;
    uint32_t shards;
    uint16_t node;
    struct datadir_geometry geometry;
};

/* How journal_bytes would be divided: -EINVAL when they are too few, `least` says how many. */
int datadir_divide(
    uint64_t journal_bytes, uint32_t shards, struct datadir_geometry *geometry, uint64_t *least);

/* The same for the options of a start; -EINVAL with a sentence. */
int datadir_choose(const struct datadir_options *options, struct datadir_geometry *geometry,
    char *error, size_t error_size);

/* Locks the directory; creates the journal when there is none; adds segments when journal_bytes
 * has grown. -EBUSY: another process has it, and still had it after DATADIR_LOCK_WAIT_MS.
 * -EINVAL: it was made for other shards or another node, or the budget is too small. -EBADMSG:
 * CURRENT cannot be trusted, or is gone while journals with records are there. */
int datadir_open(struct datadir *directory, const struct datadir_options *options, char *error,
    size_t error_size);

/* Makes the files from slot `first` of every shard, each synced with its name. CURRENT stays as it
 * is. Of the options: progress, context. */
int datadir_make(const struct datadir *directory, uint32_t first,
    const struct datadir_options *options, char *error, size_t error_size);

/* Reads CURRENT without the lock: for a reader beside a running server. */
int datadir_read(struct datadir *directory, const char *path, char *error, size_t error_size);

/* After datadir_read(): locks it until datadir_close(), unless a server has it. */
bool datadir_try_lock(struct datadir *directory);

void datadir_close(struct datadir *directory);

/* The directory of a generation, in force or not. */
void datadir_generation_path(
    const struct datadir *directory, uint32_t generation, char path[DATADIR_FILE_PATH_SIZE_MAX]);
/* The generation that a directory of this name in DIR is of; 0: none. */
uint32_t datadir_generation_of(const char *name);

struct journal_origin datadir_origin(const struct datadir *directory, uint32_t shard);

/* 1: some generation in DIR has a journal with records, whatever CURRENT says. 0: none has. */
int datadir_has_records(const char *path);

/* The path of a slot: the file of a segment (segment_map.h). */
void datadir_segment_path(const struct datadir *directory, uint32_t shard, uint32_t slot,
    char path[DATADIR_FILE_PATH_SIZE_MAX]);

#endif
