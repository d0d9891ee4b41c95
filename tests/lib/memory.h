/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory - an arena of its own for a test.
 *
 * Some blocks are kept when they are closed, and zeroed only as far as they were used: tests open
 * shops by the thousand, and fresh pages each time cost more than the tests.
 *
 * Ownership  memory_open() takes zero bytes from the heap, memory_close() takes them back: what a
 *            test overruns, AddressSanitizer sees at the end of the arena, and what it touches
 *            after closing it, too.
 * Threads    One.
 * Units      Bytes; size is rounded up to a cache line.
 * Errors     Out of memory ends the process.
 * Cost       What the arena before had used.
 */
#ifndef HOTSHELF_TESTS_LIB_MEMORY_H
#define HOTSHELF_TESTS_LIB_MEMORY_H

#include <stdlib.h>
#include <string.h>

#include "core/arena.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(data, size) ((void)(data), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(data, size) ((void)(data), (void)(size))
#endif

enum { MEMORY_KEPT_MAX = 4 };

/* Closed blocks: poisoned, and zero behind `used`. */
static struct memory_block {
    uint8_t *base;
    size_t size, used;
} memory_kept[MEMORY_KEPT_MAX];

static inline void *memory_again(size_t size)
{
    for (uint32_t i = 0; i < MEMORY_KEPT_MAX; i++) {
        struct memory_block *block = &memory_kept[i];
        if (block->base == NULL || block->size != size)
            continue;
        uint8_t *base = block->base;
        ASAN_UNPOISON_MEMORY_REGION(base, size);
        memset(base, 0, block->used);
        block->base = NULL;
        return base;
    }
    return NULL;
}

static inline void memory_open(struct arena *arena, size_t size)
{
    size = (size + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
    void *base = memory_again(size);
    if (base == NULL) {
        base = aligned_alloc(ARENA_ALIGNMENT, size);
        if (base == NULL)
            abort();
        memset(base, 0, size);
    }
    arena_init(arena, base, size);
}

static inline void memory_close(struct arena *arena)
{
    for (uint32_t i = 0; i < MEMORY_KEPT_MAX && arena->base != NULL; i++) {
        if (memory_kept[i].base != NULL)
            continue;
        memory_kept[i] = (struct memory_block){arena->base, arena->size, arena->used};
        ASAN_POISON_MEMORY_REGION(arena->base, arena->size);
        arena->base = NULL;
    }
    free(arena->base);
    arena->base = NULL;
}

#endif
