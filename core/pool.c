/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool - a free list, and behind it a line that only moves up: the slots never used so far.
 *
 * Those are zero as the arena gave them, a slot from the free list is cleared when it is taken. The
 * bit map is the truth about which are in use; the free list is checked against it. A slot's walked
 * bit says something only while it is in use.
 */
#include "core/pool.h"

#include <string.h>

#include "core/prefetch.h"

static uint32_t *link_of(const struct pool *pool, uint32_t index)
{
    return (uint32_t *)pool_at(pool, index);
}

static void flip_used(struct pool *pool, uint32_t index)
{
    pool->used_bits[index / 64] ^= UINT64_C(1) << (index % 64);
}

void pool_init(
    struct pool *pool, struct arena *arena, const char *name, uint32_t capacity, uint32_t slot_size)
{
    CHECK(capacity >= 1);
    CHECK(capacity < UINT32_MAX);
    CHECK(slot_size >= sizeof(uint32_t));
    CHECK(slot_size % sizeof(uint32_t) == 0);
    *pool = (struct pool){
        .slots = arena_take(arena, name, capacity, slot_size),
        .used_bits = arena_take(arena, "bit maps of pools", ((uint64_t)capacity + 63) / 64, 8),
        .walked_bits = arena_take(arena, "bit maps of pools", ((uint64_t)capacity + 63) / 64, 8),
        .slot_size = slot_size,
        .capacity = capacity,
    };
}

static uint32_t take_freed(struct pool *pool)
{
    uint32_t index = pool->free_link - 1;
    pool->free_link = *link_of(pool, index);
    memset(pool_at(pool, index), 0, pool->slot_size);
    return index;
}

static void set_walked(struct pool *pool, uint32_t index)
{
    uint64_t bit = UINT64_C(1) << (index % 64);
    uint64_t *word = &pool->walked_bits[index / 64];
    *word = (*word & ~bit) | (pool->walked_sense & bit);
}

/* Brings near what the next take will find: nobody else asks for it, so it lies in the slowest
 * memory, some 300 ns away. */
static void prefetch_next(const struct pool *pool)
{
    uint32_t index = pool->free_link != 0 ? pool->free_link - 1 : pool->fresh;
    prefetch_to_write(pool->slots + (size_t)index * pool->slot_size, pool->slot_size);
}

uint32_t pool_take(struct pool *pool)
{
    CHECK(pool->used < pool->capacity);

    uint32_t index = pool->free_link != 0 ? take_freed(pool) : pool->fresh++;
    CHECK(!pool_is_used(pool, index));
    flip_used(pool, index);
    set_walked(pool, index);
    pool->used++;
    prefetch_next(pool);
    return index;
}

void pool_give(struct pool *pool, uint32_t index)
{
    CHECK(pool_is_used(pool, index));

    flip_used(pool, index);
    *link_of(pool, index) = pool->free_link;
    pool->free_link = index + 1;
    pool->used--;
}

void pool_walk_begin(struct pool *pool)
{
    pool->walked_sense = ~pool->walked_sense;
}

void pool_walk_give_up(struct pool *pool)
{
    for (uint32_t word = 0; word < (pool->fresh + 63) / 64; word++)
        pool->walked_bits[word] = pool->walked_sense;
}

uint32_t pool_walk_next(const struct pool *pool, uint32_t index)
{
    while (index < pool->fresh) {
        uint32_t word = index / 64;
        uint64_t left = pool->used_bits[word] & (pool->walked_bits[word] ^ pool->walked_sense);
        left &= UINT64_MAX << (index % 64);
        if (left != 0)
            return 64 * word + (uint32_t)__builtin_ctzll(left);
        index = 64 * (word + 1);
    }
    return pool->capacity;
}

void pool_walked(struct pool *pool, uint32_t index)
{
    CHECK(pool_is_used(pool, index));
    set_walked(pool, index);
}

void pool_check(const struct pool *pool)
{
    uint32_t used = 0;
    for (uint32_t i = 0; i < pool->capacity; i++) {
        if (!pool_is_used(pool, i))
            continue;
        CHECK(i < pool->fresh);
        used++;
    }
    CHECK(used == pool->used);

    /* A list that runs in a circle would count more free slots than there can be. */
    uint32_t freed = 0;
    for (uint32_t link = pool->free_link; link != 0; link = *link_of(pool, link - 1)) {
        CHECK(!pool_is_used(pool, link - 1));
        CHECK(freed < pool->fresh - used);
        freed++;
    }
    CHECK(used + freed == pool->fresh);
    CHECK(pool->fresh <= pool->capacity);
}
