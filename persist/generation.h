/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generation - journals written anew beside those in force: gN+1 beside gN, for another number of
 * shards or from another source.
 *
 *     begin -> put, put, .. -> end -> (recovered by the caller) -> publish -> sweep
 *                                \--> drop: gN stands as it was
 *
 * Each journal is one restating walk (event_image.h), then a closing mark. Stream numbers and
 * clocks go on. Only CURRENT says which generation is in force: until it is renamed the new files
 * are nobody's, after that the old ones are, and the next start removes what is nobody's.
 *
 * Ownership  generation_begin() takes heap memory, generation_end() and generation_drop() give it
 *            back. The data directory is locked by the caller.
 * Threads    One, before any journal is open.
 * Units      Bytes, milliseconds.
 * Errors     Negative errno, and a sentence in `error`; then call generation_drop(). -ENOSPC: the
 *            disk has no room, the sentence says for how many bytes. -EFBIG: data.journal_bytes is
 *            too small for what is put.
 * Cost       Writes journal_bytes of zeros, then what is put; both generations need their space.
 */
#ifndef HOTSHELF_PERSIST_GENERATION_H
#define HOTSHELF_PERSIST_GENERATION_H

#include "core/event.h"
#include "persist/datadir.h"

struct generation_options {
    const struct datadir *directory; /* the one in force: its place, lock, node and identity stay */
    struct datadir_options files;    /* of the new one: shards, journal_bytes, progress, .. */
    uint64_t shelf_ms;               /* of every batch */
    int64_t wall_ms;
    uint64_t incarnation;
};

struct generation_shard {
    struct chain chain;
    uint8_t *batch; /* the one that fills */
    uint32_t used, records;
    uint64_t images;
    int file; /* of chain.segment; -1: not open */
};

struct generation {
    struct datadir directory; /* the new one */
    struct generation_options options;
    struct generation_shard shards[SHARDS_MAX];
};

/* Makes the files; what an attempt before has left is removed first. */
int generation_begin(struct generation *generation, const struct generation_options *options,
    char *error, size_t error_size);

/* A shard's first record is WALK_BEGUN with number 1 and WALK_GENESIS, the others are images; what
 * an image hangs on comes before it. */
int generation_put(struct generation *generation, uint32_t shard, const struct event *event,
    char *error, size_t error_size);

/* Ends every walk and syncs everything: from here on the journals can be recovered. */
int generation_end(struct generation *generation, char *error, size_t error_size);

/* Puts what `directory` says in force. After an error CURRENT may say either. */
int generation_publish(const struct datadir *directory, char *error, size_t error_size);

/* After an error, or because the caller will not have it: its files go. */
void generation_drop(struct generation *generation);

/* Removes every generation but the one that `directory` says. */
int generation_sweep(const struct datadir *directory, char *error, size_t error_size);

#endif
