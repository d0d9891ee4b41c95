/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena - all memory of the process, carved once at the start, billed by name, then sealed.
 *
 *     | catalog | stock | claims | shard 0: customers, holds, orders, ... | shard 1: ... | unused |
 *     base                                                                         used       size
 *
 * Whoever takes memory promises in turn that zero bytes are his valid empty state, so that an
 * `_init` writes only its own small struct and the tables are first touched when they are used.
 *
 * Ownership  The caller maps the memory and keeps it as long as the process lives; nothing taken
 *            is ever given back. `name` must outlive the arena (a literal).
 * Threads    One, at the start. After arena_seal() the arena is read only.
 * Units      Bytes; count is in items. What is taken is 64-byte aligned, a cache line.
 * Errors     None: the sizes were summed before the memory was mapped, so running out, an unknown
 *            bill line or taking after the seal is a bug (check.h).
 * Cost       O(lines of the bill) per take.
 */
#ifndef HOTSHELF_CORE_ARENA_H
#define HOTSHELF_CORE_ARENA_H

#include <stdbool.h>
#include <stdint.h>

enum {
    ARENA_ALIGNMENT = 64, /* bytes: a cache line, so that no two holders share one */
    ARENA_LINES_MAX = 80, /* names on the bill: about two for each kind of table */
};

/* One line of the bill: everything taken under one name. */
struct arena_line {
    const char *name;
    uint64_t count;
    uint64_t item_size; /* of the first take under this name */
    uint64_t bytes;     /* with what alignment costs */
};

struct arena {
    uint8_t *base;
    uint64_t size;
    uint64_t used;
    bool sealed;
    uint32_t line_count;
    struct arena_line lines[ARENA_LINES_MAX];
};

/* `base` is 64-byte aligned and holds `size` zero bytes. */
void arena_init(struct arena *arena, void *base, uint64_t size);

/* Room for `count` items of `item_size` bytes, all zero; the same name again adds to its line. */
void *arena_take(struct arena *arena, const char *name, uint64_t count, uint64_t item_size);

/* From here on, taking stops the process. */
void arena_seal(struct arena *arena);

#endif
