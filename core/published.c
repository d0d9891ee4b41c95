/* SPDX-License-Identifier: Apache-2.0 */
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
    uint32_t slots = power_of_two_at_least(2 * capacity);
    published->slots = arena_take(arena, name, slots, sizeof(uint64_t));
    published->mask = slots - 1;
}

uint32_t published_start(const struct published *published, uint32_t hash)
{
    return hash & published->mask;
}

void published_insert(struct published *published, uint32_t hash, uint32_t index)
{
    uint32_t position = published_start(published, hash);
    for (uint32_t tried = 0; tried <= published->mask; tried++) {
        if (atomic_load_explicit(&published->slots[position], memory_order_relaxed) == 0) {
            uint64_t word = (uint64_t)hash << 32 | (index + 1);
            atomic_store_explicit(&published->slots[position], word, memory_order_release);
            return;
        }
        position = (position + 1) & published->mask;
    }
    CHECK(!"an index that is at most half full has an empty slot");
}

uint32_t published_next(const struct published *published, uint32_t hash, uint32_t *position)
{
    for (uint32_t tried = 0; tried <= published->mask; tried++) {
        uint64_t word = atomic_load_explicit(&published->slots[*position], memory_order_acquire);
        if (word == 0)
            return PUBLISHED_NONE;
        *position = (*position + 1) & published->mask;
        if ((uint32_t)(word >> 32) == hash)
            return (uint32_t)word - 1;
    }
    return PUBLISHED_NONE;
}
