/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory - an arena of its own for a test.
 *
 * Ownership  memory_open() takes zero bytes from the heap, memory_close() gives them back: what a
 *            test overruns, AddressSanitizer sees at the end of the arena.
 * Threads    One.
 * Units      Bytes; size is rounded up to a cache line.
 * Errors     Out of memory ends the process.
 * Cost       Touches all of it.
 */
#ifndef HOTSHELF_TESTS_LIB_MEMORY_H
#define HOTSHELF_TESTS_LIB_MEMORY_H

#include <stdlib.h>
#include <string.h>

#include "core/arena.h"

static inline void memory_open(struct arena *arena, size_t size)
{
    size = (size + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
    void *base = aligned_alloc(ARENA_ALIGNMENT, size);
    if (base == NULL)
        abort();
    memset(base, 0, size);
    arena_init(arena, base, size);
}

static inline void memory_close(struct arena *arena)
{
    free(arena->base);
    arena->base = NULL;
}

#endif
