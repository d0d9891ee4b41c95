/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table - from a 32-bit hash to the index of an entry that lives elsewhere (a pool, a catalog).
 *
 * Open addressing with linear probing in one array of 8-byte slots, eight to a cache line, at most
 * three quarters full. The table compares hashes only; the caller compares keys:
 *
 *     uint32_t position = table_start(table, hash);
 *     uint32_t index;
 *     while ((index = table_next(table, hash, &position)) != TABLE_NONE)
 *         if (equal(entries[index].key, key))
 *             return index;
 *
 * Removal shifts the run behind it back, so that there are no tombstones and a table that is full
 * for a year is as fast as on its first day.
 *
 * Ownership  The slots live in the arena.
 * Threads    One: a table belongs to its shard.
 * Units      index is the caller's slot; hash is any 32 well-mixed bits, from a seeded hash where
 *            a customer chooses the key.
 * Errors     None. Inserting into a full table or removing what is not there is a bug (check.h):
 *            the caller's pool has the same capacity and says "full" first.
 * Cost       A look-up reads one cache line, seldom two. table_check(): O(slots).
 */
#ifndef HOTSHELF_CORE_TABLE_H
#define HOTSHELF_CORE_TABLE_H

#include <stdint.h>

#include "core/arena.h"

#define TABLE_NONE UINT32_MAX

struct table_slot {
    uint32_t hash;
    uint32_t link; /* index + 1; 0: the slot is free */
};

struct table {
    struct table_slot *slots;
    uint32_t mask; /* slots - 1; the number of slots is a power of two */
    uint32_t capacity;
    uint32_t used;
};

/* Room for `capacity` entries, at least 1. */
void table_init(struct table *table, struct arena *arena, const char *name, uint32_t capacity);

/* The pair must not be in the table yet; the same hash with another index may. */
void table_insert(struct table *table, uint32_t hash, uint32_t index);

/* The pair must be in the table. Invalidates every position got before. */
void table_remove(struct table *table, uint32_t hash, uint32_t index);

/* Proves that every entry can be reached from its home and that `used` counts them. */
void table_check(const struct table *table);

/* Where to begin looking for `hash`. */
static inline uint32_t table_start(const struct table *table, uint32_t hash)
{
    return hash & table->mask;
}

/* Brings the slot of `hash` near, for a look-up soon after. */
static inline void table_prefetch(const struct table *table, uint32_t hash)
{
    __builtin_prefetch(&table->slots[hash & table->mask]);
}

/* The next index inserted under `hash`, or TABLE_NONE. Ends at the first free slot of the run:
 * there always is one, since the table is never full. */
static inline uint32_t table_next(const struct table *table, uint32_t hash, uint32_t *position)
{
    for (;;) {
        struct table_slot slot = table->slots[*position];
        if (slot.link == 0)
            return TABLE_NONE;
        *position = (*position + 1) & table->mask;
        if (slot.hash == hash)
            return slot.link - 1;
    }
}

#endif
