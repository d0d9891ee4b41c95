/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a shard cannot keep up with is measured twice in each tick, and each measure has a gauge:
 *
 *     turns   milliseconds that the oldest bytes have waited for their turn, or that the last tick
 *             has worked, since what came during it had to wait as long: we lack CPU
 *     slots   per mille of the shard's requests under way: they wait for a disk, for other shards
 *             or for clients to take their replies
 *
 * Looks at products and availability wait for no disk, so they are refused for want of turns alone.
 */
#include <stdio.h>

#include "core/check.h"
#include "net/loop/shard.h"

static uint32_t capped(uint64_t ms)
{
    return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

static uint32_t oldest_turn_ms(const struct shard *shard)
{
    const struct connections *connections = &shard->connections;
    uint32_t first = connections->lists[LIST_INTAKE].first;
    if (first == CONNECTION_NONE)
        return 0;
    CHECK(connections->slots[first].turn_ms <= shard->monotonic_ms);
    return capped(shard->monotonic_ms - connections->slots[first].turn_ms);
}

/* Each level bears twice the wait of the one below; payments are worth four times that of a
 * checkout. */
void shard_weigh(struct shard *shard)
{
    static const struct shed_scale of_slots = {{500, 650, 800, UINT32_MAX}};
    uint32_t ms = shard->all->config->limits.overload_ms;
    if (ms == 0)
        return;
    struct shed_scale of_turns = {{ms, 2 * ms, 4 * ms, 16 * ms}};
    uint32_t turn_ms = oldest_turn_ms(shard);
    if (turn_ms < shard->worked_ms)
        turn_ms = shard->worked_ms;
    shed_look(&shard->turns, &of_turns, shard->monotonic_ms, turn_ms);
    shed_look(&shard->slots, &of_slots, shard->monotonic_ms,
        (uint32_t)((uint64_t)shard->requests.in_use * 1000 / shard->requests.count));
    shard->http.refused =
        shed_refused(shard->turns.level, true) | shed_refused(shard->slots.level, false);
    uint32_t level =
        shard->turns.level > shard->slots.level ? shard->turns.level : shard->slots.level;
    if (level != atomic_load_explicit(&shard->shed_level, memory_order_relaxed))
        atomic_store_explicit(&shard->shed_level, level, memory_order_relaxed);
}

void shard_note_work(struct shard *shard)
{
    shard->worked_ms = capped(io_now(shard->io).monotonic_ms - shard->monotonic_ms);
}

void shards_tell_shedding(struct shards *shards)
{
    static const char *const words[SHED_LEVELS + 1] = {
        "nobody is refused any more",
        "reads are refused",
        "reads and new holds are refused",
        "all but payments and cancels are refused",
        "all are refused",
    };
    for (uint32_t i = 0; i < shards->count; i++) {
        struct shard *shard = shards->shard[i];
        uint32_t level = atomic_load_explicit(&shard->shed_level, memory_order_relaxed);
        if (level == shard->shed_told)
            continue;
        shard->shed_told = level;
        fprintf(stderr, "hotshelf: shard %u %s overloaded: %s\n", i,
            level > 0 ? "is" : "is no more", words[level]);
    }
}
