/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schedule - which basket is bought next, and when.
 *
 *     waiting --the customer's earlier basket is done--> ready --taken--> being bought --done-->
 *
 * A customer buys one basket after another; customers do not wait for each other. Of the ready
 * baskets the earliest goes first. With a rate, basket number n is due n / rate seconds after the
 * start, whether the server keeps up or not.
 *
 * Ownership  Takes memory in schedule_open(), gives it back in schedule_close(); the baskets stay
 *            the caller's and must outlive it.
 * Threads    One at a time.
 * Units      Nanoseconds of CLOCK_MONOTONIC; rate in baskets per second, 0 = as fast as it goes.
 * Errors     schedule_open(): -ENOMEM.
 * Cost       O(log baskets) to take or finish one.
 */
#ifndef HOTSHELF_LOADTEST_SCHEDULE_H
#define HOTSHELF_LOADTEST_SCHEDULE_H

#include "loadtest/baskets.h"

#include <stdbool.h>

#define SCHEDULE_NEVER UINT64_MAX

struct schedule {
    const struct baskets *baskets;
    uint32_t *ready; /* a binary heap of basket indices, the smallest on top */
    uint32_t ready_count;
    uint32_t done_count;
    uint64_t start_ns;
    double rate;
};

int schedule_open(
    struct schedule *schedule, const struct baskets *baskets, double rate, uint64_t start_ns);
void schedule_close(struct schedule *schedule);

/* When the next basket may be taken: a moment not after now, a later one, or SCHEDULE_NEVER. */
uint64_t schedule_due_ns(const struct schedule *schedule);

/* How many baskets are due and not taken, but those of customers who buy another one now. Without a
 * rate nothing is due before there is a buyer for it: 0. */
uint32_t schedule_due_count(const struct schedule *schedule, uint64_t now_ns);

/* The next basket that is due, or BASKETS_NONE. */
uint32_t schedule_take(struct schedule *schedule, uint64_t now_ns);

/* The basket is bought or given up: its customer turns to the next one. */
void schedule_done(struct schedule *schedule, uint32_t basket);

bool schedule_is_over(const struct schedule *schedule);

#endif
