/* SPDX-License-Identifier: Apache-2.0 */
/*
 * budget - a fixed amount of memory for a library that insists on malloc.
 *
 * A region is taken and touched at start. A jemalloc arena gets all its extents from it, and the
 * thread that calls the library is bound to that arena. When the region is used up malloc answers
 * NULL, the library reports an error, and its caller drops the connection and tries again; nobody
 * else's memory is touched.
 *
 * Ownership  The region belongs to the budget until budget_give(); nothing allocated from it may be
 *            used, freed or handed to another thread's free after that.
 * Threads    take and give: one. bind: the thread to be bound. The hooks lock by themselves.
 * Units      Bytes, in whole blocks of BUDGET_BLOCK_SIZE.
 * Errors     Negative errno.
 * Cost       An extent is found by first fit in a bit map; jemalloc asks for few and keeps them.
 *
 * Without jemalloc (sanitizer builds) take and bind do nothing and answer 0.
 */
#ifndef HOTSHELF_PERSIST_BUDGET_H
#define HOTSHELF_PERSIST_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    BUDGET_BLOCK_SIZE = 16384, /* jemalloc's extents of small sizes are a few pages */
    BUDGET_SIZE_MAX = 64 << 20,
    BUDGET_BLOCKS_MAX = BUDGET_SIZE_MAX / BUDGET_BLOCK_SIZE,
};

struct budget {
    uint8_t *base;
    uint32_t block_count;
    uint32_t arena;         /* jemalloc's index of it */
    _Atomic uint32_t used;  /* blocks */
    _Atomic uint64_t refusals;
    atomic_flag locked;
    uint64_t taken[BUDGET_BLOCKS_MAX / 64];
    void *hooks; /* handed to jemalloc by address: lives as long as the arena */
};

/* `budget` must not move afterwards. */
int budget_take(struct budget *budget, uint64_t size);
/* From now on what this thread allocates comes from the budget. */
int budget_bind(struct budget *budget);
uint64_t budget_used(const struct budget *budget);
/* Destroys the arena: the bound thread has ended. */
void budget_give(struct budget *budget);

#endif
