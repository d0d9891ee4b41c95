/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool - a fixed number of slots of one size, taken and given back in any order.
 *
 *     take: the slot given back last, else the next one never used      give: back on the free list
 *
 * The slot given back last is the one still in the cache, and a pool that was never full never
 * touches the rest of its memory. A free slot's first four bytes link to the next free one; a bit
 * map beside the slots knows which are in use, so that giving back twice is noticed.
 *
 * A walk goes over all that is in use, a piece at a time, while slots come and go. A second bit map
 * knows where it has been: what is taken during a walk needs none. Which sense of a bit means that
 * is turned when a walk begins, so that it begins without a pass over the pool.
 *
 * Ownership  The slots live in the arena; a taken slot is the caller's until pool_give().
 * Threads    One: a pool belongs to its shard.
 * Units      index of a slot, from 0; slot_size in bytes, a multiple of 4.
 * Errors     None. Ask pool_room() first: taking from a full pool is a bug (check.h), and so is an
 *            index that is out of range or was never taken.
 * Cost       take clears one slot; everything else is O(1). pool_check(): O(slots);
 *            pool_walk_next(): a word for each 64 slots passed over.
 */
#ifndef HOTSHELF_CORE_POOL_H
#define HOTSHELF_CORE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/check.h"

struct pool {
    uint8_t *slots;
    uint64_t *used_bits;
    uint64_t *walked_bits;
    uint64_t walked_sense; /* what a word of walked_bits is when all its slots were walked */
    uint32_t slot_size;
    uint32_t capacity;
    uint32_t used;
    uint32_t fresh;     /* slots taken at least once: the first of the rest is next */
    uint32_t free_link; /* index + 1 of the slot given back last; 0 none */
};

void pool_init(struct pool *pool, struct arena *arena, const char *name, uint32_t capacity,
    uint32_t slot_size);

/* A slot, all zero. There must be room. */
uint32_t pool_take(struct pool *pool);

/* The slot must be in use. */
void pool_give(struct pool *pool, uint32_t index);

/* Proves that used and free slots together are all that were ever taken. */
void pool_check(const struct pool *pool);

/* How many more slots can be taken. */
static inline uint32_t pool_room(const struct pool *pool)
{
    return pool->capacity - pool->used;
}

/* Any index below the capacity may be asked: this is how to walk a pool. */
static inline bool pool_is_used(const struct pool *pool, uint32_t index)
{
    CHECK(index < pool->capacity);
    return (pool->used_bits[index / 64] >> (index % 64)) & 1;
}

static inline void *pool_at(const struct pool *pool, uint32_t index)
{
    CHECK(index < pool->fresh);
    return pool->slots + (size_t)index * pool->slot_size;
}

/* A walk begins: the one before must have been everywhere, or be given up. */
void pool_walk_begin(struct pool *pool);
/* Nobody goes on with the walk: a pass over its bits. */
void pool_walk_give_up(struct pool *pool);
/* The first slot in use, at this index or behind, where the walk has not been; the capacity when
 * there is none. */
uint32_t pool_walk_next(const struct pool *pool, uint32_t index);
/* The walk has been at this slot, which is in use. */
void pool_walked(struct pool *pool, uint32_t index);

/* Of a slot in use. Between walks all are. */
static inline bool pool_is_walked(const struct pool *pool, uint32_t index)
{
    CHECK(pool_is_used(pool, index));
    return !(((pool->walked_bits[index / 64] ^ pool->walked_sense) >> (index % 64)) & 1);
}

#endif
