/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recover - every journal of a data directory read once at start: replayed, judged, and where each
 * goes on.
 *
 * Shard 0 first, then the others, each batch in order, from the last walk that a header names as
 * complete, or from segment 1; `replay` sees every event from its WALK_BEGUN on. A walk that a
 * header names had ended on the disk before: that it is there whole is proved. A shard's journal
 * ends at the first batch that is not valid. That is a torn tail, cut and overwritten later, only
 * if nothing vouches for what is missing:
 *     a later batch in the shard's own files, even its header alone (one write is in flight at a
 *     time, so a later batch was begun only after the missing one was acknowledged);
 *     a batch of any shard that names the missing one durable.
 * Otherwise it is damage, and the start is refused with file, offset, batch number and reason.
 * PostgreSQL vouches too: the caller compares its position with `seq` (rule S1).
 *
 * A record can be valid and yet contradict those before it. Then `replay` meets a CHECK that does
 * not hold, or `prove` does when all is replayed; the start is refused with that fact.
 *
 * Claims that a shard wrote before it recorded that what they name was given up (EVENT_SALVAGED)
 * are void. salvage.h has damage at an end noted instead of refused, and may have a shard read only
 * up to a batch.
 *
 * Ownership  The caller owns struct recovery; buffers are mapped and unmapped inside.
 * Threads    One, before any journal is open; holds each segment's lock while it reads.
 * Units      See batch.h.
 * Errors     -EBADMSG damage, -ENOENT a file is missing, other -errno of reading; `error` is a
 *            sentence. After an error replay may have run for a part: throw that state away.
 * Cost       Reads what was written, then looks for vouchers in the rest of the last segment, in
 *            the one after and in the first block of each other file.
 */
#ifndef HOTSHELF_PERSIST_RECOVER_H
#define HOTSHELF_PERSIST_RECOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/event.h"
#include "persist/batch.h"
#include "persist/datadir.h"
#include "persist/segment.h"

/* A walk that a stop or a crash has cut off. */
struct walk_cut {
    struct walk_place begun; /* number 0: there is none */
    uint64_t bytes;          /* of its records so far */
};

struct recovered_shard {
    struct chain chain;     /* where journal_open() goes on */
    struct walk_place walk; /* the last complete one, and the same */
    struct walk_cut cut;    /* the one behind it that has begun and not ended: walker_resume() */
    bool torn;   /* bytes of an unfinished batch, or of an earlier lap, were found at the end */
    bool closed; /* its last batch is a closing mark */
    enum batch_verdict tail; /* why the journal ends there */
    uint32_t tail_slot;
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

enum { RECOVER_REASON_SIZE = 512 };

/* For salvage.h: what a start would be refused for. */
struct recover_salvage {
    /* in: the last batch of each shard to read; UINT64_MAX: all that are whole */
    uint64_t limits[SHARDS_MAX];
    struct recover_loss {
        bool damaged; /* more was written than could be read, or than was asked for */
        uint64_t to;  /* the highest batch that something vouches for, as far as it was looked */
        char reason[RECOVER_REASON_SIZE]; /* the sentence of the refusal; empty: asked for */
    } losses[SHARDS_MAX];
    /* The last batch before the first that names one beyond the limits; UINT64_MAX: none does. */
    uint64_t needs[SHARDS_MAX];
    bool contradicts; /* with -EBADMSG: it is the records that cannot be, and not a file */
};

struct recover_options {
    const struct datadir *directory;
    /* Called for each event, in each shard's order; inside an attempt. */
    void (*replay)(void *context, uint32_t shard, const struct event *event);
    /* Called when all are replayed: CHECKs what they add up to, inside an attempt. May be NULL. */
    void (*prove)(void *context);
    /* Called after each segment, with bytes of files; may be NULL. */
    void (*progress)(void *context, uint64_t done, uint64_t total);
    void *context;
    struct recover_salvage *salvage; /* NULL: a start */
};

int recover(struct recovery *recovery, const struct recover_options *options, char *error,
    size_t error_size);

#endif
