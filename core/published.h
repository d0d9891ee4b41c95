/* SPDX-License-Identifier: Apache-2.0 */
/*
 * published - a fixed hash index that one thread fills while all others look things up.
 *
 * A slot is one 64-bit word (hash 32, index + 1 32), written once with release after what it points
 * to is complete. Slots never move, so a reader needs no lock.
 *
 * Ownership  Slots in the shared arena.
 * Threads    One writer (shard 0), any readers.
 * Units      index: a slot of the caller's table.
 * Errors     None: capacity is the caller's, checked there; the index is at most half full.
 * Cost       One or two cache lines.
 */
#ifndef HOTSHELF_CORE_PUBLISHED_H
#define HOTSHELF_CORE_PUBLISHED_H

#include <stdatomic.h>

#include "core/arena.h"

#define PUBLISHED_NONE UINT32_MAX

struct published {
    _Atomic uint64_t *slots;
    uint32_t mask;
};

void published_init(
    struct published *published, struct arena *arena, const char *name, uint32_t capacity);
void published_insert(struct published *published, uint32_t hash, uint32_t index);

/* Entries with this hash, one after another: start with position = published_start(), until NONE.
 * The caller compares keys. */
uint32_t published_start(const struct published *published, uint32_t hash);
uint32_t published_next(const struct published *published, uint32_t hash, uint32_t *position);

#endif
