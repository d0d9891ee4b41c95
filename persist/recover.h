/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recover - every journal of a data directory read once at start: replayed, judged, and where each
 * goes on.
 *
 * Shard 0 first, then the others, each batch in order; `replay` sees every event. A shard's journal
 * ends at the first batch that is not valid. That is a torn tail, cut and overwritten later, only
 * if nothing vouches for what is missing:
 *     a later batch in the shard's own files, even its header alone (one write is in flight at a
 *     time, so a later batch was begun only after the missing one was acknowledged);
 *     a batch of any shard that names the missing one durable.
 * Otherwise it is damage, and the start is refused with file, offset, batch number and reason.
 * PostgreSQL vouches too: the caller compares its position with `seq` (rule S1).
 *
 * Ownership  The caller owns struct recovery; buffers are mapped and unmapped inside.
 * Threads    One, before any journal is open; holds each segment's lock while it reads.
 * Units      See batch.h.
 * Errors     -EBADMSG damage, -ENOENT a file is missing, other -errno of reading; `error` is a
 *            sentence. After an error replay may have run for a part: throw that state away.
 * Cost       Reads what was written, then looks for vouchers in the rest of the last segment, in
 *            the one after and in the first batch of each later one.
 */
#ifndef HOTSHELF_PERSIST_RECOVER_H
#define HOTSHELF_PERSIST_RECOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/event.h"
#include "persist/batch.h"
#include "persist/datadir.h"

struct recovered_shard {
    struct chain chain;      /* where journal_open() goes on */
    bool torn;               /* bytes of an unfinished batch were found at the end, and cut */
    bool closed;             /* its last batch is a closing mark */
    enum batch_verdict tail; /* why the journal ends there */
    uint32_t tail_segment;
    uint32_t tail_offset;
};

struct recovery {
    struct recovered_shard shards[SHARDS_MAX];
    uint64_t shelf_ms;           /* latest of all shards: the shelf clock goes on here */
    int64_t wall_ms;             /* latest of all shards */
    uint64_t incarnation;        /* to use now: one more than the latest found */
    uint64_t records;            /* replayed */
    uint64_t bytes;              /* of batches read */
    bool empty;                  /* no batch at all: a fresh directory */
    bool clean;                  /* every journal ends with a closing mark (or is empty) */
    uint64_t postgres_system_id; /* of the PostgreSQL that the journal has met; 0 none */
};

struct recover_options {
    const struct datadir *directory;
    /* Called for each event, in each shard's order. */
    void (*replay)(void *context, uint32_t shard, const struct event *event);
    /* Called after each segment; may be NULL. */
    void (*progress)(void *context, uint32_t shard, uint64_t bytes);
    void *context;
};

int recover(struct recovery *recovery, const struct recover_options *options, char *error,
    size_t error_size);

#endif
