/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redivide - what the shards of one number keep, as records for the journals of another number.
 *
 *     N engines, recovered --images--> WALK_BEGUN, images ..      of each of M shards
 *
 * Whose it is follows from the partition (partition.h): a customer with cart and allowances, his
 * orders, and the keys that lead to them; the key of a merge says its partition. Catalog, switches
 * and keys of stock calls are shard 0's. Units sold in forgotten orders are added up and go to any
 * one shard.
 *
 * Orders lose their stream number: what the old shards had is streamed before, and the numbers of
 * another shard are not comparable.
 *
 * Ownership  The engines are read and walked through; they are thrown away afterwards.
 * Threads    One, while nobody else uses the engines.
 * Units      See tables.h.
 * Errors     What `put` answers; else none.
 * Cost       A pass over all tables for redivide_full(), another for redivide_write().
 */
#ifndef HOTSHELF_CORE_REDIVIDE_H
#define HOTSHELF_CORE_REDIVIDE_H

#include "core/engine.h"
#include "core/event.h"
#include "core/shelf.h"

struct redivide {
    struct engine *const *engines; /* recovered and derived; all their records are settled */
    uint32_t count;
    /* An engine of the new number, empty, on an empty shelf: what one shard of it can hold. */
    struct engine *share;
    uint32_t shares;
    /* Takes the next record of a shard; not 0: it ends here. */
    int (*put)(void *context, uint32_t shard, const struct event *event);
    void *context;
};

/* A table of a new shard that its part of what there is does not fit. */
struct redivide_full {
    const char *setting; /* of [capacity] */
    uint32_t shard;
    uint64_t needed, room;
};

/* What is under way and has to end first: "a kill", ..; NULL: nothing. */
const char *redivide_obstacle(struct engine *const engines[], uint32_t count);
bool redivide_is_full(const struct redivide *redivide, struct redivide_full *full);

/* system_id: of the PostgreSQL that has all events; 0: none is known. */
int redivide_write(const struct redivide *redivide, const struct moment *now, uint64_t system_id);

/* A hash of the stock of every SKU, of the catalog and of how much there is of all that one shard
 * alone has: the same before and after. */
uint64_t redivide_digest(struct engine *const engines[], uint32_t count);

#endif
