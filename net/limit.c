/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A word that lies in the past is an allowance that is full again, so nothing ever has to be swept
 * out of the table, and zero is as good as any other past. "Past" is what is not within reach
 * ahead: no word is ever written further ahead than the deepest burst, so a difference beyond it,
 * modulo 2^64, is a time gone by. Shards read the clock once a tick, and theirs differ by less than
 * a tick: who comes with an older time finds the word a little further ahead, and is judged a
 * little more strictly.
 *
 * Nanoseconds, not microseconds: at the highest rate of the configuration requests are 100 ns
 * apart, and a microsecond would round many rates by tens of percent.
 */
#include "net/limit.h"

#include <stdatomic.h>
#include <xxhash.h>

#include "core/check.h"

#define SECOND_NS 1000000000ULL
/* The deepest burst, at one request per second. */
#define AHEAD_MAX (LIMIT_NUMBER_MAX * SECOND_NS)

void limit_init(struct limit *limit, struct arena *arena, uint32_t words, uint64_t key)
{
    CHECK(words > 0 && (words & (words - 1)) == 0);
    *limit = (struct limit){
        .words = arena_take(arena, "rate limits", words, sizeof(*limit->words)),
        .mask = words - 1,
        .key = key,
    };
}

struct limit_rate limit_rate(uint32_t per_second, uint32_t burst)
{
    CHECK(per_second <= LIMIT_NUMBER_MAX);
    CHECK(burst >= 1 && burst <= LIMIT_NUMBER_MAX);
    if (per_second == 0)
        return (struct limit_rate){0};
    uint64_t interval = SECOND_NS / per_second;
    return (struct limit_rate){.interval_ns = interval, .depth_ns = interval * burst};
}

static struct limit_verdict judge(const struct limit_rate *rate, uint64_t ahead)
{
    if (ahead + rate->interval_ns > rate->depth_ns)
        return (struct limit_verdict){
            .retry_ns = ahead + rate->interval_ns - rate->depth_ns,
            .full_ns = ahead,
        };
    ahead += rate->interval_ns;
    return (struct limit_verdict){
        .allowed = true,
        .remaining = (uint32_t)((rate->depth_ns - ahead) / rate->interval_ns),
        .full_ns = ahead,
    };
}

struct limit_verdict limit_ask(struct limit *limit, const struct limit_rate *rate,
    enum limit_kind kind, struct bytes name, uint64_t now_ns)
{
    if (rate->interval_ns == 0)
        return (struct limit_verdict){.allowed = true, .remaining = UINT32_MAX};
    uint64_t hash = XXH3_64bits_withSeed(name.data, name.size, limit->key + (uint64_t)kind);
    _Atomic uint64_t *word = &limit->words[hash & limit->mask];
    uint64_t seen = atomic_load_explicit(word, memory_order_relaxed);
    for (;;) {
        uint64_t ahead = seen - now_ns;
        if (ahead > AHEAD_MAX)
            ahead = 0;
        struct limit_verdict verdict = judge(rate, ahead);
        if (!verdict.allowed ||
            atomic_compare_exchange_weak_explicit(
                word, &seen, now_ns + verdict.full_ns, memory_order_relaxed, memory_order_relaxed))
            return verdict;
    }
}
