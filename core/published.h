/* SPDX-License-Identifier: Apache-2.0 */
/*
 * published - a fixed hash index that one thread changes while all others look things up.
 *
 *     head [hash | index + 1] -> link of that index [hash | index + 1] -> 0
 *
 * A word is written with release after what it points to is complete, so a reader needs no lock.
 * Who takes an entry out may use again what it pointed to, and put its index in again, when every
 * reader has been elsewhere since: one may stand on it.
 *
 * Ownership  Words in the shared arena.
 * Threads    One writer (shard 0), any readers.
 * Units      index: a slot of the caller's table, below the capacity, in the index at most once.
 * Errors     None.
 * Cost       One or two cache lines; chains have less than one entry on average.
 */
#ifndef HOTSHELF_CORE_PUBLISHED_H
#define HOTSHELF_CORE_PUBLISHED_H

#include <stdatomic.h>

#include "core/arena.h"

#define PUBLISHED_NONE UINT32_MAX

struct published {
    _Atomic uint64_t *words; /* heads, then a link for each index */
    uint32_t mask;           /* heads - 1 */
    uint32_t capacity;
};

void published_init(
    struct published *published, struct arena *arena, const char *name, uint32_t capacity);
void published_insert(struct published *published, uint32_t hash, uint32_t index);
/* The entry is there. */
void published_remove(struct published *published, uint32_t hash, uint32_t index);

/* Entries with this hash, one after another: start with position = published_start(), until NONE.
 * The caller compares keys. */
uint32_t published_start(const struct published *published, uint32_t hash);
uint32_t published_next(const struct published *published, uint32_t hash, uint32_t *position);

#endif
