/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many there are is known or bounded first, so that the list is taken once.
 *
 * The crowd of a drop thins out as exp(-t / tau). Sorted random moments need no sorting: n + 1
 * exponential gaps, summed up and divided by their sum, are n sorted uniform numbers; each goes
 * through the inverse of the share that has come by t.
 */
#include "loadtest/arrivals.h"

#include "loadtest/chance.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define NS_PER_SECOND 1e9
#define CHANCE_ROW 1
#define BISECTIONS 100

const char *arrivals_kind_name(enum arrivals_kind kind)
{
    static const char *const name[ARRIVALS_KINDS] = {
        "at_once", "constant", "ramp", "poisson", "drop"};
    return name[kind];
}

double arrivals_expected(const struct arrivals_plan *plan)
{
    double rate = plan->kind == ARRIVALS_RAMP ? (plan->rate + plan->rate_end) / 2 : plan->rate;
    return rate * plan->seconds;
}

const char *arrivals_reason(const struct arrivals_plan *plan)
{
    bool has_rate = plan->rate > 0 || (plan->kind == ARRIVALS_RAMP && plan->rate_end > 0);
    if (plan->kind == ARRIVALS_AT_ONCE)
        return plan->visits > 0 ? NULL : "at_once needs visits";
    if (plan->kind == ARRIVALS_RAMP && plan->seconds <= 0)
        return "a ramp needs seconds";
    if (plan->kind == ARRIVALS_DROP && plan->seconds <= 0)
        return "a drop needs seconds";
    if (plan->kind == ARRIVALS_DROP && plan->visits == 0 && !has_rate)
        return "a drop needs visits, or the rate that its seconds have on average";
    if (plan->kind == ARRIVALS_DROP &&
        plan->first_percent * plan->seconds <= 100 * plan->first_seconds)
        return "first_percent within first_seconds is no more than an even share of seconds";
    if (plan->kind != ARRIVALS_DROP && !has_rate)
        return "a rate is missing";
    if (plan->visits == 0 && plan->seconds <= 0)
        return "neither visits nor seconds: it would never end";
    if (plan->visits == 0 && arrivals_expected(plan) < 1)
        return "not one visit in these seconds at this rate";
    return plan->visits == 0 && arrivals_expected(plan) > ARRIVALS_MAX / 2 ? "too many visits"
                                                                           : NULL;
}

/* At least as many as will come; Poisson's number strays by a few of its standard deviations. */
static uint32_t room(const struct arrivals_plan *plan)
{
    double count = arrivals_expected(plan);
    if (plan->kind == ARRIVALS_POISSON)
        count += 10 * sqrt(count) + 10;
    count = floor(count + 1e-6);
    if (plan->kind == ARRIVALS_DROP || plan->kind == ARRIVALS_AT_ONCE || plan->seconds <= 0)
        return plan->visits > 0 ? plan->visits : (uint32_t)count;
    return plan->visits > 0 && plan->visits < count ? plan->visits : (uint32_t)count;
}

static void come_evenly(struct arrivals *arrivals, const struct arrivals_plan *plan)
{
    double slope = plan->kind == ARRIVALS_RAMP ? (plan->rate_end - plan->rate) / plan->seconds : 0;
    for (uint32_t at = 0; at < arrivals->count; at++) {
        /* at = rate * t + slope * t * t / 2, solved without losing digits when slope is small. */
        double root = sqrt(fmax(plan->rate * plan->rate + 2 * slope * at, 0));
        double seconds = at == 0 ? 0 : 2 * at / (plan->rate + root);
        arrivals->due_ns[at] = (uint64_t)(seconds * NS_PER_SECOND);
    }
}

static void come_at_random(struct arrivals *arrivals, const struct arrivals_plan *plan)
{
    struct chance chance = chance_of(plan->seed, CHANCE_ROW);
    double seconds = 0;
    uint32_t count = 0;
    for (; count < arrivals->count; count++) {
        seconds += chance_exponential(&chance) / plan->rate;
        if (plan->seconds > 0 && seconds >= plan->seconds)
            break;
        arrivals->due_ns[count] = (uint64_t)(seconds * NS_PER_SECOND);
    }
    arrivals->count = count;
}

/* The part of the crowd that has come after so many seconds, if it thins out with tau. */
static double come_by(double seconds, double tau, double end)
{
    return expm1(-seconds / tau) / expm1(-end / tau);
}

static double find_tau(const struct arrivals_plan *plan)
{
    double low = plan->first_seconds / 1000;
    double high = plan->seconds * 1000;
    for (int bisection = 0; bisection < BISECTIONS; bisection++) {
        double middle = (low + high) / 2;
        bool too_many =
            come_by(plan->first_seconds, middle, plan->seconds) > plan->first_percent / 100;
        *(too_many ? &low : &high) = middle;
    }
    return high;
}

static void come_as_a_drop(struct arrivals *arrivals, const struct arrivals_plan *plan)
{
    double tau = find_tau(plan);
    double all = -expm1(-plan->seconds / tau);
    struct chance chance = chance_of(plan->seed, CHANCE_ROW);
    double sum = 0;
    for (uint32_t at = 0; at <= arrivals->count; at++)
        sum += chance_exponential(&chance);
    chance = chance_of(plan->seed, CHANCE_ROW);
    double gone = 0;
    for (uint32_t at = 0; at < arrivals->count; at++) {
        gone += chance_exponential(&chance);
        double seconds = -tau * log1p(-gone / sum * all);
        arrivals->due_ns[at] = (uint64_t)(seconds * NS_PER_SECOND);
    }
}

int arrivals_make(struct arrivals *arrivals, const struct arrivals_plan *plan)
{
    *arrivals = (struct arrivals){0};
    if (arrivals_reason(plan) != NULL)
        return -EINVAL;
    arrivals->count = room(plan);
    if (arrivals->count > ARRIVALS_MAX)
        return -E2BIG;
    arrivals->due_ns = calloc(arrivals->count, sizeof *arrivals->due_ns);
    if (arrivals->due_ns == NULL)
        return -ENOMEM;
    switch (plan->kind) {
    case ARRIVALS_AT_ONCE:
    case ARRIVALS_KINDS:
        return 0;
    case ARRIVALS_CONSTANT:
    case ARRIVALS_RAMP:
        come_evenly(arrivals, plan);
        return 0;
    case ARRIVALS_POISSON:
        come_at_random(arrivals, plan);
        return 0;
    case ARRIVALS_DROP:
        come_as_a_drop(arrivals, plan);
        return 0;
    }
    return 0;
}

void arrivals_free(struct arrivals *arrivals)
{
    free(arrivals->due_ns);
    *arrivals = (struct arrivals){0};
}
