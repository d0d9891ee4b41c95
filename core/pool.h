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
 * Ownership  The slots live in the arena; a taken slot is the caller's until pool_give().
 * Threads    One: a pool belongs to its shard.
 * Units      index of a slot, from 0; slot_size in bytes, a multiple of 4.
 * Errors     None. Ask pool_room() first: taking from a full pool is a bug (check.h), and so is an
 *            index that is out of range or was never taken.
 * Cost       take clears one slot; everything else is O(1). pool_check(): O(slots).
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

#endif
