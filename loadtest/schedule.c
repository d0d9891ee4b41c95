/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heap holds at most one basket of each customer, the earliest not yet bought.
 */
#include "loadtest/schedule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_before(const struct schedule *schedule, uint32_t a, uint32_t b)
{
    uint64_t first = schedule->due_ns[a];
    uint64_t second = schedule->due_ns[b];
    return first < second || (first == second && a < b);
}

static void swap(uint32_t *a, uint32_t *b)
{
    uint32_t kept = *a;
    *a = *b;
    *b = kept;
}

static void push(struct schedule *schedule, uint32_t basket)
{
    uint32_t *ready = schedule->ready;
    uint32_t at = schedule->ready_count++;
    ready[at] = basket;
    for (; at > 0 && is_before(schedule, ready[at], ready[(at - 1) / 2]); at = (at - 1) / 2)
        swap(&ready[at], &ready[(at - 1) / 2]);
}

static uint32_t pop(struct schedule *schedule)
{
    uint32_t *ready = schedule->ready;
    uint32_t top = ready[0];
    uint32_t count = --schedule->ready_count;
    ready[0] = ready[count];
    for (uint32_t at = 0, child = 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && is_before(schedule, ready[child + 1], ready[child]))
            child++;
        if (!is_before(schedule, ready[child], ready[at]))
            break;
        swap(&ready[at], &ready[child]);
        at = child;
    }
    return top;
}

int schedule_open(struct schedule *schedule, const struct baskets *baskets,
    const struct arrivals *arrivals, uint64_t start_ns)
{
    uint32_t customers = baskets->customers.count;
    bool *met = calloc(customers, sizeof *met);
    *schedule = (struct schedule){
        .baskets = baskets,
        .arrivals = arrivals,
        .due_ns = calloc(baskets->count, sizeof(uint64_t)),
        .ready = calloc(customers, sizeof(uint32_t)),
        .start_ns = start_ns,
    };
    if (met == NULL || schedule->due_ns == NULL || schedule->ready == NULL) {
        free(met);
        schedule_close(schedule);
        return -ENOMEM;
    }
    memcpy(schedule->due_ns, arrivals->due_ns, baskets->count * sizeof(uint64_t));
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
    free(schedule->due_ns);
    free(schedule->ready);
    *schedule = (struct schedule){0};
}

uint64_t schedule_due_ns(const struct schedule *schedule)
{
    if (schedule->ready_count == 0 || schedule->stopped)
        return SCHEDULE_NEVER;
    return schedule->start_ns + schedule->due_ns[schedule->ready[0]];
}

uint32_t schedule_take(struct schedule *schedule, uint64_t now_ns)
{
    if (schedule_due_ns(schedule) > now_ns)
        return BASKETS_NONE;
    schedule->begun_count++;
    return pop(schedule);
}

void schedule_done(struct schedule *schedule, uint32_t basket, uint64_t now_ns)
{
    uint32_t next = schedule->baskets->basket[basket].next;
    schedule->done_count++;
    if (next == BASKETS_NONE)
        return;
    if (now_ns > schedule->start_ns + schedule->due_ns[next])
        schedule->due_ns[next] = now_ns - schedule->start_ns;
    push(schedule, next);
}

uint64_t schedule_plan(struct schedule *schedule, uint64_t now_ns)
{
    uint32_t at = schedule->planned_count;
    if (at == schedule->baskets->count || schedule->stopped ||
        schedule->start_ns + schedule->arrivals->due_ns[at] > now_ns)
        return SCHEDULE_NEVER;
    schedule->planned_count++;
    return schedule->start_ns + schedule->arrivals->due_ns[at];
}

void schedule_stop(struct schedule *schedule)
{
    schedule->stopped = true;
}

bool schedule_is_over(const struct schedule *schedule)
{
    uint32_t all = schedule->stopped ? schedule->begun_count : schedule->baskets->count;
    return schedule->done_count == all;
}
