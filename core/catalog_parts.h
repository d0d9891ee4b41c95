/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog_parts - what the files of the catalog share: hashes, names in place, and the sequence
 * lock of a record.
 *
 * The lock goes word by word: a store that releases cannot pass the odd number before it, a load
 * that acquires cannot be passed by the second look at the number. No fence stands alone, so
 * ThreadSanitizer understands it; on x86 the words cost plain moves.
 *
 * Ownership  Everything is the catalog's.
 * Threads    write_whole(): shard 0; read_whole(): any.
 * Units      Sizes in bytes, whole words.
 * Errors     None.
 * Cost       A copy.
 */
#ifndef HOTSHELF_CORE_CATALOG_PARTS_H
#define HOTSHELF_CORE_CATALOG_PARTS_H

#include "core/catalog.h"
#include "core/check.h"

/* Slots of names, and how often one is used. */
enum { CATALOG_NAMES_MAX = 1 << 20, NAME_USES = 1 << 12 };

uint32_t catalog_hash(struct bytes bytes);

static inline struct bytes name_bytes(const struct name *name)
{
    return bytes_of(name->data, name->size);
}

static inline void name_set(struct name *name, struct bytes bytes)
{
    CHECK(bytes.size <= NAME_SIZE_MAX);
    name->size = (uint8_t)bytes.size;
    if (bytes.size > 0)
        memcpy(name->data, bytes.data, bytes.size);
}

static inline void write_whole(
    _Atomic uint32_t *lock, void *target, const void *source, uint32_t size)
{
    uint32_t sequence = atomic_load_explicit(lock, memory_order_relaxed);
    CHECK(sequence % 2 == 0);
    CHECK(size % sizeof(uint64_t) == 0);
    atomic_store_explicit(lock, sequence + 1, memory_order_relaxed);
    uint64_t *to = target;
    for (uint32_t i = 0; i < size / sizeof(uint64_t); i++) {
        uint64_t word;
        memcpy(&word, (const uint8_t *)source + i * sizeof(word), sizeof(word));
        if (to[i] != word) /* names are read without the lock: they stay as they are */
            __atomic_store_n(&to[i], word, __ATOMIC_RELEASE);
    }
    atomic_store_explicit(lock, sequence + 2, memory_order_release);
}

/* Copies `size` bytes that shard 0 may be writing; the copy is whole. */
static inline void read_whole(
    const _Atomic uint32_t *lock, const void *source, void *target, uint32_t size)
{
    const uint64_t *from = source;
    for (;;) {
        uint32_t before = atomic_load_explicit(lock, memory_order_acquire);
        for (uint32_t i = 0; i < size / sizeof(uint64_t); i++) {
            uint64_t word = __atomic_load_n(&from[i], __ATOMIC_ACQUIRE);
            memcpy((uint8_t *)target + i * sizeof(word), &word, sizeof(word));
        }
        uint32_t after = atomic_load_explicit(lock, memory_order_relaxed);
        if (before == after && before % 2 == 0)
            return;
    }
}

/* The slot of a name's number; a new name takes the slot that its number says. */
struct catalog_sale *name_slot(const struct catalog *catalog, uint32_t number);
void name_reserve(struct catalog *catalog, uint32_t number, struct bytes text);
/* A slot beyond those used so far counts as used from now on; false: it was. */
bool name_use_slot(struct catalog *catalog, uint32_t slot);
void name_write(struct catalog *catalog, uint32_t number, struct bytes text);
/* A slot may be taken again, those given back before it first; one whose last number was used rests
 * for good. */
void name_release(struct catalog *catalog, uint32_t slot);
void sale_write(struct catalog *catalog, struct catalog_sale *slot, const struct sale *sale);
/* Terms that only grow: what an order may have been promised by earlier ones. */
void catalog_note_longest(_Atomic uint32_t *longest, uint32_t seconds);
/* A sale that a product names exists from then on, with the configuration's values. */
void sale_named(struct catalog *catalog, uint32_t number);
/* A slot of a product that nobody looks at any more may be taken again. */
void catalog_release_slot(struct catalog *catalog, uint32_t index);

#endif
