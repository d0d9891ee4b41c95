/* SPDX-License-Identifier: Apache-2.0 */
/*
 * testimony - what the batches of all shards say was durable of each shard, gathered while they are
 * read: who names a batch that cannot be found proves that it is lost.
 *
 *     begin_shard -> note_batch, note_event, .. -> end_shard -> the next shard -> .. -> claims
 *
 * What a shard has said before it recorded that the batches were given up (EVENT_SALVAGED) is void.
 * For salvage.h it is also noted what cannot stay when others are cut.
 *
 * Ownership  The caller's memory; `salvage` may be NULL.
 * Threads    One, at start.
 * Units      Batch numbers; 0 is none.
 * Errors     None.
 * Cost       Some steps for each shard in each batch.
 */
#ifndef HOTSHELF_PERSIST_TESTIMONY_H
#define HOTSHELF_PERSIST_TESTIMONY_H

#include "core/event.h"
#include "persist/batch.h"
#include "persist/recover.h"

/* The highest batch of a shard that any batch calls durable, and which batch that is. */
struct claim {
    uint64_t batch;
    uint64_t named_by_batch;
    uint32_t named_by_shard;
};

struct testimony {
    struct claim claims[SHARDS_MAX]; /* of the shards read */
    struct recover_salvage *salvage;
    /* of the shard that is read now */
    struct claim said[SHARDS_MAX];
    uint64_t beyond[SHARDS_MAX]; /* its first batch that names one beyond a limit */
    uint64_t unknown;            /* its first batch with a record of what shard 0 has lost */
};

void testimony_begin_shard(struct testimony *testimony);
/* After its events. */
void testimony_note_batch(struct testimony *testimony, const uint8_t *batch, uint32_t shard,
    const struct batch_header *header);
/* `known`: the last batch of shard 0 that was read. */
void testimony_note_event(struct testimony *testimony, const uint8_t *batch, uint32_t shard,
    const struct event *event, uint64_t known);
void testimony_end_shard(struct testimony *testimony, uint32_t shard);

#endif
