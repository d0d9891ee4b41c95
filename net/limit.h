/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limit - how often somebody may ask: a steady rate and a burst above it, for any number of
 * customers and addresses in one table of fixed size (GCRA, the generic cell rate algorithm).
 *
 *     rate = limit_rate(100, 50);                      100 a second, 50 at once
 *     verdict = limit_ask(limit, &rate, LIMIT_ADDRESS, address, now_ns)
 *     allowed -> verdict.remaining more at once        refused -> again after verdict.retry_ns
 *
 * One word for each name's hash: the time at which all that was asked so far would be worked off
 * at the steady rate. Names that share a word share an allowance: stricter, never looser.
 *
 * Ownership  The table is in the arena; struct limit outlives all who ask.
 * Threads    Any; one compare-and-swap, no lock.
 * Units      Nanoseconds of the monotonic clock, modulo 2^64; rates in requests per second.
 * Errors     None.
 * Cost       One hash, one cache line; a refusal writes nothing.
 */
#ifndef HOTSHELF_NET_LIMIT_H
#define HOTSHELF_NET_LIMIT_H

#include "core/arena.h"
#include "core/bytes.h"

enum {
    /* 8 MiB. Of names active at once, 10,000 leave one in a hundred sharing a word. */
    LIMIT_WORDS = 1 << 20,
    LIMIT_NUMBER_MAX = 10000000, /* of rate and burst, as the configuration has it */
};

/* What a name is of: equal bytes of two kinds are two names. */
enum limit_kind { LIMIT_CUSTOMER, LIMIT_ADDRESS, LIMIT_GUEST, LIMIT_CONNECTION };

struct limit {
    _Atomic uint64_t *words;
    uint32_t mask;
    uint64_t key;
};

struct limit_rate {
    uint64_t interval_ns; /* between two at the steady rate; 0: no limit */
    uint64_t depth_ns;    /* what a burst may take in advance */
};

struct limit_verdict {
    bool allowed;
    uint32_t remaining; /* that would be allowed right after this one */
    uint64_t retry_ns;  /* until one would be allowed; 0 when this was */
    uint64_t full_ns;   /* until the whole burst is there again */
};

/* What a reply says of it: of the allowance that has least left. */
struct limit_told {
    uint8_t policy; /* enum rate_policy, http/rate.h; 0: nobody was asked */
    bool pauses;    /* it was refused, and whoever sent it is alone on its connection */
    uint32_t remaining;
    uint32_t full_seconds;
};

/* `words` is a power of two; `key` is random and secret, so that nobody can aim at a word. */
void limit_init(struct limit *limit, struct arena *arena, uint32_t words, uint64_t key);
/* per_second 0: no limit. burst is at least 1. */
struct limit_rate limit_rate(uint32_t per_second, uint32_t burst);
/* Takes one from the allowance of `name`, if there is one. */
struct limit_verdict limit_ask(struct limit *limit, const struct limit_rate *rate,
    enum limit_kind kind, struct bytes name, uint64_t now_ns);

#endif
