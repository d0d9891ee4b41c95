/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena - a pointer that only moves forward, and the bill of who moved it.
 *
 * Each take finds or opens the bill line of its name, moves `used` to the next cache line boundary
 * behind the items, and hands out what lies between. The sizes were summed before the mapping was
 * made, so everything that can go wrong here is a wrong sum: a bug.
 */
#include "core/arena.h"

#include <string.h>

#include "core/check.h"

static struct arena_line *find_or_open_line(struct arena *arena, const char *name)
{
    for (uint32_t i = 0; i < arena->line_count; i++)
        if (strcmp(arena->lines[i].name, name) == 0)
            return &arena->lines[i];

    CHECK(arena->line_count < ARENA_LINES_MAX);
    struct arena_line *line = &arena->lines[arena->line_count++];
    *line = (struct arena_line){.name = name};
    return line;
}

void arena_init(struct arena *arena, void *base, uint64_t size)
{
    CHECK((uintptr_t)base % ARENA_ALIGNMENT == 0);
    *arena = (struct arena){.base = base, .size = size};
}

void *arena_take(struct arena *arena, const char *name, uint64_t count, uint64_t item_size)
{
    uint64_t left = arena->size - arena->used;
    CHECK(!arena->sealed);
    CHECK(count > 0);
    CHECK(item_size > 0);
    CHECK(count <= left / item_size);

    uint64_t bytes = count * item_size;
    uint64_t padding = (ARENA_ALIGNMENT - bytes % ARENA_ALIGNMENT) % ARENA_ALIGNMENT;
    CHECK(padding <= left - bytes);
    void *memory = arena->base + arena->used;
    arena->used += bytes + padding;

    struct arena_line *line = find_or_open_line(arena, name);
    if (line->item_size == 0)
        line->item_size = item_size;
    line->count += count;
    line->bytes += bytes + padding;
    return memory;
}

void arena_seal(struct arena *arena)
{
    CHECK(!arena->sealed);
    arena->sealed = true;
}
