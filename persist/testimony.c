/* SPDX-License-Identifier: Apache-2.0 */
/*
 * testimony - durable numbers never fall within one shard's journal, but where it was told that
 * another was cut: the batch with that record is the first to name the new numbers.
 */
#include "persist/testimony.h"

#include <string.h>

#include "core/bugs.h"

void testimony_begin_shard(struct testimony *testimony)
{
    memset(testimony->said, 0, sizeof(testimony->said));
    memset(testimony->beyond, 0, sizeof(testimony->beyond));
    testimony->unknown = 0;
}

void testimony_note_batch(struct testimony *testimony, const uint8_t *batch, uint32_t shard,
    const struct batch_header *header)
{
    const struct recover_salvage *salvage = testimony->salvage;
    for (uint32_t i = 0; i < header->shard_count; i++) {
        uint64_t durable = batch_durable(batch, i);
        if (durable > testimony->said[i].batch)
            testimony->said[i] = (struct claim){durable, header->number, shard};
        if (salvage != NULL && i != shard && durable > salvage->limits[i] &&
            testimony->beyond[i] == 0)
            testimony->beyond[i] = header->number;
    }
}

/* What a shard has said of batches that it knows to be given up does not count any more. */
static void forgive(struct testimony *testimony, const struct fact_salvaged *fact)
{
    if (testimony->said[fact->shard].batch > fact->to)
        return;
    testimony->said[fact->shard] = (struct claim){.batch = 0};
    if (bug(BUG_SALVAGE_FORGIVES_ALL))
        testimony->claims[fact->shard].batch = 0;
    testimony->beyond[fact->shard] = 0;
    if (fact->shard == 0)
        testimony->unknown = 0;
}

/* What a shard records of a kill or a removal stands on a record of shard 0, and no sum shows when
 * that one is missing: then the number of the kill would be given to another, and units that a sale
 * took with it would be for sale again. */
static bool stands_on_shard_0(enum event_kind kind)
{
    return kind == EVENT_KILL_BEGUN || kind == EVENT_KILL_ENDED || kind == EVENT_SALE_PART_REMOVED;
}

void testimony_note_event(struct testimony *testimony, const uint8_t *batch, uint32_t shard,
    const struct event *event, uint64_t known)
{
    struct batch_header header;
    memcpy(&header, batch, sizeof(header));
    if (event->kind == EVENT_SALVAGED)
        forgive(testimony, &event->fact.salvaged);
    if (shard > 0 && testimony->unknown == 0 && stands_on_shard_0(event->kind) &&
        batch_durable(batch, 0) > known)
        testimony->unknown = header.number;
}

void testimony_end_shard(struct testimony *testimony, uint32_t shard)
{
    struct recover_salvage *salvage = testimony->salvage;
    for (uint32_t i = 0; i < SHARDS_MAX; i++) {
        if (testimony->said[i].batch > testimony->claims[i].batch)
            testimony->claims[i] = testimony->said[i];
        if (salvage != NULL && testimony->beyond[i] != 0 &&
            testimony->beyond[i] <= salvage->needs[shard])
            salvage->needs[shard] = testimony->beyond[i] - 1;
    }
}
