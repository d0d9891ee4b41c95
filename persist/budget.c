/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The extent hooks hand out the region from its start and take nothing back: `dalloc` and the
 * purges decline, so jemalloc keeps freed extents for itself, splits and joins them as it likes
 * (the region is one piece), and what it has once is never asked for again. jemalloc first asks for
 * more than it needs, in growing steps; refused, it asks for exactly what it needs.
 */
#include "persist/budget.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>

uint64_t budget_used(const struct budget *budget)
{
    return atomic_load_explicit(&budget->used, memory_order_relaxed);
}

uint64_t budget_refusals(const struct budget *budget)
{
    return atomic_load_explicit(&budget->refusals, memory_order_relaxed);
}

#ifdef HAVE_JEMALLOC

#include <jemalloc/jemalloc.h>

/* At the start of the region: jemalloc knows the hooks by address, and hands that address back. */
struct budget_hooks {
    extent_hooks_t hooks;
    struct budget *budget;
};

static void *extent_alloc(extent_hooks_t *hooks, void *wanted, size_t size, size_t alignment,
    bool *zero, bool *commit, unsigned arena)
{
    (void)arena;
    struct budget *budget = ((struct budget_hooks *)hooks)->budget;
    uint64_t used = atomic_load(&budget->used), start = 0;
    do {
        uint64_t address = (uint64_t)(uintptr_t)budget->base + used;
        start = used + ((alignment - address % alignment) % alignment);
        bool elsewhere = wanted != NULL && wanted != budget->base + start;
        if (elsewhere || start > budget->size || size > budget->size - start) {
            if (!elsewhere)
                atomic_fetch_add(&budget->refusals, 1);
            return NULL;
        }
    } while (!atomic_compare_exchange_weak(&budget->used, &used, start + size));
    *zero = true; /* never handed out before */
    *commit = true;
    return budget->base + start;
}

static bool extent_keep(
    extent_hooks_t *hooks, void *address, size_t size, bool committed, unsigned arena)
{
    (void)hooks, (void)address, (void)size, (void)committed, (void)arena;
    return true; /* declined: jemalloc keeps it */
}

static bool extent_commit(
    extent_hooks_t *hooks, void *address, size_t size, size_t offset, size_t length, unsigned arena)
{
    (void)hooks, (void)address, (void)size, (void)offset, (void)length, (void)arena;
    return false; /* done: all of it always is */
}

static bool extent_stay(
    extent_hooks_t *hooks, void *address, size_t size, size_t offset, size_t length, unsigned arena)
{
    (void)hooks, (void)address, (void)size, (void)offset, (void)length, (void)arena;
    return true; /* declined: memory taken at start stays */
}

static bool extent_split(extent_hooks_t *hooks, void *address, size_t size, size_t first,
    size_t second, bool committed, unsigned arena)
{
    (void)hooks, (void)address, (void)size, (void)first, (void)second, (void)committed, (void)arena;
    return false;
}

static bool extent_merge(extent_hooks_t *hooks, void *first, size_t first_size, void *second,
    size_t second_size, bool committed, unsigned arena)
{
    (void)hooks, (void)first, (void)first_size, (void)second, (void)second_size, (void)committed;
    (void)arena;
    return false;
}

static struct budget_hooks *place_hooks(struct budget *budget)
{
    struct budget_hooks *hooks = (struct budget_hooks *)budget->base;
    *hooks = (struct budget_hooks){
        .hooks = {.alloc = extent_alloc,
            .dalloc = extent_keep,
            .commit = extent_commit,
            .decommit = extent_stay,
            .purge_lazy = extent_stay,
            .purge_forced = extent_stay,
            .split = extent_split,
            .merge = extent_merge},
        .budget = budget,
    };
    budget->used = sizeof(*hooks);
    return hooks;
}

int budget_take(struct budget *budget, uint64_t size)
{
    *budget = (struct budget){.size = size};
    void *base =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (base == MAP_FAILED)
        return -errno;
    budget->base = base;
    extent_hooks_t *hooks = &place_hooks(budget)->hooks;
    size_t index_size = sizeof(budget->arena);
    int failure = mallctl("arenas.create", &budget->arena, &index_size, &hooks, sizeof(hooks));
    return -failure;
}

int budget_bind(struct budget *budget)
{
    int failure = mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
    if (failure != 0 && failure != EFAULT) /* EFAULT: this thread has no cache */
        return -failure;
    return -mallctl("thread.arena", NULL, NULL, &budget->arena, sizeof(budget->arena));
}

#else

int budget_take(struct budget *budget, uint64_t size)
{
    *budget = (struct budget){.size = size};
    return 0;
}

int budget_bind(struct budget *budget)
{
    (void)budget;
    return 0;
}

#endif
