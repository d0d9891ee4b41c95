/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heads first, then one link for each index; both are words of the same form, so that the entry
 * most often asked for is found with one load, as the first of its chain. A new entry is put in
 * front. One that is taken out keeps its own link: who stands on it finds the rest of the chain.
 *
 * Open addressing was tried and simulated: its marks of removed entries never go away while names
 * come and go, and within some 10 rounds every search for an unknown name saw the whole table.
 */
#include "core/published.h"

#include "core/check.h"

static uint32_t power_of_two_at_least(uint32_t count)
{
    uint32_t power = 8;
    while (power < count)
        power *= 2;
    return power;
}

void published_init(
    struct published *published, struct arena *arena, const char *name, uint32_t capacity)
{
    CHECK(capacity > 0);
    CHECK(capacity <= UINT32_MAX / 4);
    uint32_t heads = power_of_two_at_least(2 * capacity);
    published->words = arena_take(arena, name, heads + (uint64_t)capacity, sizeof(uint64_t));
    published->mask = heads - 1;
    published->capacity = capacity;
}

uint32_t published_start(const struct published *published, uint32_t hash)
{
    return hash & published->mask;
}

/* Of the entry that follows this one in its chain. */
static uint32_t link_of(const struct published *published, uint32_t index)
{
    CHECK(index < published->capacity);
    return published->mask + 1 + index;
}

static uint64_t load(const struct published *published, uint32_t position)
{
    return atomic_load_explicit(&published->words[position], memory_order_acquire);
}

static void store(struct published *published, uint32_t position, uint64_t word)
{
    atomic_store_explicit(&published->words[position], word, memory_order_release);
}

void published_insert(struct published *published, uint32_t hash, uint32_t index)
{
    uint32_t head = published_start(published, hash);
    store(published, link_of(published, index), load(published, head));
    store(published, head, (uint64_t)hash << 32 | (index + 1));
}

void published_remove(struct published *published, uint32_t hash, uint32_t index)
{
    uint32_t position = published_start(published, hash);
    for (uint32_t passed = 0; passed < published->capacity; passed++) {
        uint64_t word = load(published, position);
        CHECK((uint32_t)word != 0);
        uint32_t found = (uint32_t)word - 1;
        if (found == index) {
            store(published, position, load(published, link_of(published, index)));
            return;
        }
        position = link_of(published, found);
    }
    CHECK(!"what is taken out was put in");
}

uint32_t published_next(const struct published *published, uint32_t hash, uint32_t *position)
{
    for (uint32_t passed = 0; passed <= published->capacity; passed++) {
        uint64_t word = load(published, *position);
        if ((uint32_t)word == 0)
            return PUBLISHED_NONE;
        uint32_t index = (uint32_t)word - 1;
        *position = link_of(published, index);
        if ((uint32_t)(word >> 32) == hash)
            return index;
    }
    return PUBLISHED_NONE;
}
