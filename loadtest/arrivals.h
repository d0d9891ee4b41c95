/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arrivals - when visits come: a list of moments, known before the first of them.
 *
 *     at_once    all at the start: as fast as connections take them (a closed loop)
 *     constant   one every 1 / rate seconds
 *     ramp       evenly, at a rate that moves from rate to rate_end
 *     poisson    at random: each moment is as likely as the next, `rate` a second on average
 *     drop       `visits` at random, first_percent of them within first_seconds, the rest in an
 *                ever thinner tail up to `seconds`
 *
 * The server has no say in it: whoever is due comes, however slow the answers are (an open loop).
 *
 * Ownership  arrivals_make() takes the memory, arrivals_free() gives it back.
 * Threads    Read-only once made.
 * Units      Nanoseconds after the start of the run, never falling; rates in visits a second.
 * Errors     arrivals_make(): -ENOMEM; -E2BIG for more than ARRIVALS_MAX, -EINVAL for a plan that
 *            has no end or no visits. arrivals_reason() says which, in words.
 * Cost       8 bytes and about 50 ns a visit.
 */
#ifndef HOTSHELF_LOADTEST_ARRIVALS_H
#define HOTSHELF_LOADTEST_ARRIVALS_H

#include <stdint.h>

#define ARRIVALS_MAX 20000000u

enum arrivals_kind {
    ARRIVALS_AT_ONCE,
    ARRIVALS_CONSTANT,
    ARRIVALS_RAMP,
    ARRIVALS_POISSON,
    ARRIVALS_DROP,
    ARRIVALS_KINDS
};

struct arrivals_plan {
    enum arrivals_kind kind;
    double rate;
    double rate_end;
    double seconds;  /* 0: until all visits have come */
    uint32_t visits; /* at most; 0: as many as come within `seconds` */
    double first_percent;
    double first_seconds;
    uint64_t seed;
};

struct arrivals {
    uint64_t *due_ns;
    uint32_t count;
};

const char *arrivals_kind_name(enum arrivals_kind kind);

/* How many come in its seconds, on average; visits do not bound it. */
double arrivals_expected(const struct arrivals_plan *plan);

/* Why no arrivals can be made of this plan; NULL when they can. */
const char *arrivals_reason(const struct arrivals_plan *plan);

int arrivals_make(struct arrivals *arrivals, const struct arrivals_plan *plan);
void arrivals_free(struct arrivals *arrivals);

#endif
