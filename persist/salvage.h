/* SPDX-License-Identifier: Apache-2.0 */
/*
 * salvage - a journal that recovery refuses goes back to work with what of it is whole.
 *
 *     plan:      where each shard's journal ends, what is lost behind it; nothing is changed
 *     carry_out: zeros over all that is behind, then the record of it in every shard's journal
 *
 * Each shard is cut where it is damaged, and the others stay whole, if what is left adds up. If it
 * does not (a unit that one shard has sold was given back by a record that another has lost) all
 * shards are cut together: before the first batch that was written when something lost was known to
 * be durable. That is a state in which a power cut could have left the journal.
 *
 * What cannot be cut is refused: a walk from which a shard is read, files that are missing or
 * cannot be read, records that contradict each other though nothing is lost.
 *
 * A crash in the middle leaves damage, or a journal that ends where it was to be cut; plan and
 * carry out again.
 *
 * Ownership  The caller has the directory locked and open; struct salvage is large: heap.
 * Threads    One.
 * Units      See batch.h.
 * Errors     -EBADMSG refused, other -errno of the files; `error` is a sentence.
 * Cost       plan: some recoveries, and the reading of all files of the shards that are cut.
 */
#ifndef HOTSHELF_PERSIST_SALVAGE_H
#define HOTSHELF_PERSIST_SALVAGE_H

#include "core/engine.h"
#include "core/shelf.h"
#include "persist/recover.h"

struct salvage_options {
    const struct datadir *directory;
    /* As in recover.h; `restart` comes before each replay: what was replayed until then is void. */
    void (*restart)(void *context);
    void (*replay)(void *context, uint32_t shard, const struct event *event);
    void (*prove)(void *context);
    void (*progress)(void *context, uint64_t done, uint64_t total);
    void *context;
    int64_t now_wall_ms;
    const uint64_t *streamed; /* what PostgreSQL has of each shard; NULL: there is none */
};

struct salvage_shard {
    bool cut;
    bool together;        /* it is whole, and cut for the others' sake */
    uint64_t lost_to;     /* batches from chain.number + 1 of its recovery on */
    uint64_t lost_seq;    /* the last stream number that a lost batch names; chain.seq: none does */
    int64_t lost_wall_ms; /* when the last one that was found was written; 0: none was found */
    char reason[RECOVER_REASON_SIZE];
};

struct salvage {
    struct salvage_options options;
    struct recovery recovery; /* of what is kept */
    struct recover_salvage recover;
    struct salvage_shard shards[SHARDS_MAX];
    bool together;
    char misfit[RECOVER_REASON_SIZE]; /* why the others could not stay whole */
};

/* What must hold of what is kept: `prove` of the options, when all is replayed. What a start
 * proves, and that no shard has parted from a sale that shard 0 does not know to be removed. */
void salvage_prove(struct shelf *shelf, struct engine *const engines[], uint32_t count);

/* 1: there is something to cut. 0: the journal is whole. */
int salvage_plan(
    struct salvage *salvage, const struct salvage_options *options, char *error, size_t error_size);

/* After a plan that answered 1. */
int salvage_carry_out(struct salvage *salvage, char *error, size_t error_size);

#endif
