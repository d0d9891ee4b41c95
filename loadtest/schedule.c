/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heap holds at most one basket of each customer, the earliest not yet bought.
 */
#include "loadtest/schedule.h"

#include <errno.h>
#include <stdlib.h>

#define NS_PER_SECOND 1e9

static void swap(uint32_t *a, uint32_t *b)
{
    uint32_t kept = *a;
    *a = *b;
    *b = kept;
}

static void push(struct schedule *schedule, uint32_t basket)
{
    uint32_t at = schedule->ready_count++;
    schedule->ready[at] = basket;
    while (at > 0 && schedule->ready[at] < schedule->ready[(at - 1) / 2]) {
        swap(&schedule->ready[at], &schedule->ready[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

static uint32_t pop(struct schedule *schedule)
{
    uint32_t *ready = schedule->ready;
    uint32_t top = ready[0];
    uint32_t count = --schedule->ready_count;
    ready[0] = ready[count];
    for (uint32_t at = 0, child = 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && ready[child + 1] < ready[child])
            child++;
        if (ready[at] <= ready[child])
            break;
        swap(&ready[at], &ready[child]);
        at = child;
    }
    return top;
}

int schedule_open(
    struct schedule *schedule, const struct baskets *baskets, double rate, uint64_t start_ns)
{
    uint32_t customers = baskets->customers.count;
    bool *met = calloc(customers, sizeof *met);
    *schedule = (struct schedule){
        .baskets = baskets,
        .ready = calloc(customers, sizeof(uint32_t)),
        .start_ns = start_ns,
        .rate = rate,
    };
    if (met == NULL || schedule->ready == NULL) {
        free(met);
        schedule_close(schedule);
        return -ENOMEM;
    }
    for (uint32_t at = 0; at < baskets->count; at++) {
        uint32_t customer = baskets->basket[at].customer;
        if (!met[customer])
            push(schedule, at);
        met[customer] = true;
    }
    free(met);
    return 0;
}

void schedule_close(struct schedule *schedule)
{
    free(schedule->ready);
    *schedule = (struct schedule){0};
}

uint64_t schedule_due_ns(const struct schedule *schedule)
{
    if (schedule->ready_count == 0)
        return SCHEDULE_NEVER;
    if (schedule->rate <= 0)
        return schedule->start_ns;
    return schedule->start_ns + (uint64_t)(schedule->ready[0] / schedule->rate * NS_PER_SECOND);
}

uint32_t schedule_due_count(const struct schedule *schedule, uint64_t now_ns)
{
    if (schedule->rate <= 0)
        return 0;
    double due = (double)(now_ns - schedule->start_ns) / NS_PER_SECOND * schedule->rate;
    uint32_t count = 0;
    for (uint32_t at = 0; at < schedule->ready_count; at++)
        count += schedule->ready[at] <= due;
    return count;
}

uint32_t schedule_take(struct schedule *schedule, uint64_t now_ns)
{
    return schedule_due_ns(schedule) <= now_ns ? pop(schedule) : BASKETS_NONE;
}

void schedule_done(struct schedule *schedule, uint32_t basket)
{
    schedule->done_count++;
    if (schedule->baskets->basket[basket].next != BASKETS_NONE)
        push(schedule, schedule->baskets->basket[basket].next);
}

bool schedule_is_over(const struct schedule *schedule)
{
    return schedule->done_count == schedule->baskets->count;
}
