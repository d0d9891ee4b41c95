/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schedule - which basket is bought next, and when.
 *
 *     waiting --the customer's earlier basket is done--> ready --due, taken--> being bought
 *
 * Baskets are due by the arrivals (arrivals.h), whether the server keeps up or not. A customer buys
 * one basket after another; one that was due meanwhile is due when the earlier one is done.
 * Customers do not wait for each other. Of the baskets that are due the earliest goes first.
 *
 * Ownership  Takes memory in schedule_open(), gives it back in schedule_close(); the baskets stay
 *            the caller's and must outlive it.
 * Threads    One at a time.
 * Units      Nanoseconds of CLOCK_MONOTONIC.
 * Errors     schedule_open(): -ENOMEM.
 * Cost       O(log baskets) to take or finish one; 12 bytes a basket.
 */
#ifndef HOTSHELF_LOADTEST_SCHEDULE_H
#define HOTSHELF_LOADTEST_SCHEDULE_H

#include "loadtest/arrivals.h"
#include "loadtest/baskets.h"

#include <stdbool.h>

#define SCHEDULE_NEVER UINT64_MAX

struct schedule {
    const struct baskets *baskets;
    const struct arrivals *arrivals;
    uint64_t *due_ns; /* by basket, after the start */
    uint32_t *ready;  /* a binary heap of baskets, the one due first on top */
    uint32_t ready_count;
    uint32_t begun_count;
    uint32_t done_count;
    uint32_t planned_count; /* see schedule_plan() */
    uint64_t start_ns;
    bool stopped;
};

/* There is an arrival for each basket. */
int schedule_open(struct schedule *schedule, const struct baskets *baskets,
    const struct arrivals *arrivals, uint64_t start_ns);
void schedule_close(struct schedule *schedule);

/* When the next basket may be taken: a moment not after now, a later one, or SCHEDULE_NEVER. */
uint64_t schedule_due_ns(const struct schedule *schedule);

/* The next basket that is due, or BASKETS_NONE. */
uint32_t schedule_take(struct schedule *schedule, uint64_t now_ns);

/* The basket is bought or given up: its customer turns to the next one. */
void schedule_done(struct schedule *schedule, uint32_t basket, uint64_t now_ns);

/* The moment of the next arrival up to now that was not told yet; SCHEDULE_NEVER: none. */
uint64_t schedule_plan(struct schedule *schedule, uint64_t now_ns);

/* Nothing more begins. */
void schedule_stop(struct schedule *schedule);

/* All that begins has begun, and is done. */
bool schedule_is_over(const struct schedule *schedule);

#endif
