/* SPDX-License-Identifier: Apache-2.0 */
#include "net/loop/places.h"

#include <stdatomic.h>
#include <xxhash.h>

#include "core/check.h"

void places_init(struct places *places, struct arena *arena, uint32_t most, uint64_t key)
{
    *places = (struct places){.most = most, .key = key};
    if (most > 0)
        places->counts =
            arena_take(arena, "connections of addresses", PLACES_WORDS, sizeof(*places->counts));
}

/* Two who come at once for the last place may both be refused; never are both let in. */
uint32_t places_take(struct places *places, struct bytes name)
{
    CHECK(places->most > 0);
    uint64_t hash = XXH3_64bits_withSeed(name.data, name.size, places->key);
    uint32_t index = (uint32_t)hash & (PLACES_WORDS - 1);
    uint32_t before = atomic_fetch_add_explicit(&places->counts[index], 1, memory_order_relaxed);
    if (before < places->most)
        return index + 1;
    atomic_fetch_sub_explicit(&places->counts[index], 1, memory_order_relaxed);
    return PLACES_NONE;
}

void places_give(struct places *places, uint32_t place)
{
    CHECK(place != PLACES_NONE);
    CHECK(place <= PLACES_WORDS);
    uint32_t before =
        atomic_fetch_sub_explicit(&places->counts[place - 1], 1, memory_order_relaxed);
    CHECK(before > 0);
}
