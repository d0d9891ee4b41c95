/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_index - finds the number of a thing by a 128-bit key; grows as it must.
 *
 * Ownership  Heap memory; audit_index_free() gives it back.
 * Threads    One.
 * Units      Numbers are the caller's, below UINT32_MAX - 1.
 * Errors     Out of memory ends the process (fatal.h).
 * Cost       O(1).
 */
#ifndef HOTSHELF_PERSIST_AUDIT_INDEX_H
#define HOTSHELF_PERSIST_AUDIT_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "core/event.h"

#define AUDIT_NONE UINT32_MAX

struct audit_slot {
    struct hash128 key;
    uint32_t number_plus_1; /* 0: empty */
};

struct audit_index {
    struct audit_slot *slots;
    uint32_t slot_count; /* a power of two */
    uint32_t used;
};

/* AUDIT_NONE when it is not there. */
uint32_t audit_index_find(const struct audit_index *index, struct hash128 key);
void audit_index_add(struct audit_index *index, struct hash128 key, uint32_t number);
void audit_index_free(struct audit_index *index);

/* A list that doubles when `count` items fill it: the list as it is afterwards, the new items
 * zero. */
void *audit_grow(void *items, uint32_t count, size_t item_size);

#endif
