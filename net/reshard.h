/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reshard - another number of shards at this start: the journals in force are recovered by as many
 * engines as wrote them, in memory that is given back, and what these keep is written for the new
 * number beside them.
 *
 *     reshard: recover, PostgreSQL gets the rest, does it fit, write gN+1
 *        -> the start recovers gN+1 and opens its journals as it would any
 *        -> reshard_publish: nothing has changed, there is room to go on: CURRENT names gN+1
 *
 * Until then gN is in force, and a start that ends in any way has changed nothing of it.
 *
 * Ownership  The caller's directory, locked, becomes the new one.
 * Threads    The main thread, before any shard or stream runs; a stream runs inside.
 * Units      See config.h.
 * Errors     -errno and a sentence with the remedy. -EBUSY: something is under way that has to end
 *            first, or PostgreSQL has not everything.
 * Cost       A recovery, the memory of the old shards' tables, the disk space of both journals.
 */
#ifndef HOTSHELF_NET_RESHARD_H
#define HOTSHELF_NET_RESHARD_H

#include "net/config.h"
#include "net/loop/shard.h"
#include "persist/datadir.h"

struct reshard {
    struct datadir before; /* what is in force until reshard_publish() */
    uint64_t digest;       /* of what the old shards had: redivide.h */
    void (*progress)(void *context, uint64_t bytes_done, uint64_t bytes_total);
    void *context;
};

/* Writes journals for so many shards beside those in force; `directory` is then the new one. */
int reshard(struct reshard *reshard, struct datadir *directory, const struct config *config,
    uint32_t shards, char *error, size_t error_size);

/* The new journals are recovered and open: puts them in force. After an error they are gone. */
int reshard_publish(const struct reshard *reshard, const struct datadir *directory,
    const struct shards *shards, char *error, size_t error_size);

#endif
