/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The number of visits: as many as arrive, but no more than a file has baskets.
 */
#include "loadtest/plan.h"

#include "loadtest/shelf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define REPLAY_CONNECTIONS 64

static int read_scenario(struct scenario *scenario, const struct options *options)
{
    char path[PATH_MAX];
    if (options->verb == VERB_RUN)
        return scenario_find(path, options->subject) < 0 ? -1 : scenario_read(scenario, path);
    *scenario = scenario_default();
    scenario->share[BEHAVIOUR_BUYER] = 1;
    scenario->connections = REPLAY_CONNECTIONS;
    scenario->give_up_seconds = 0;
    scenario->arrivals.visits = ARRIVALS_MAX;
    snprintf(scenario->name, sizeof scenario->name, "replay");
    snprintf(scenario->baskets.file, sizeof scenario->baskets.file, "%s", options->subject);
    scenario->arrivals.kind = options->rate > 0 ? ARRIVALS_CONSTANT : ARRIVALS_AT_ONCE;
    return 0;
}

static void put_over(uint32_t *value, uint32_t said)
{
    if (said != OPTIONS_UNSET)
        *value = said;
}

/* The rate of the command line is that of the whole run: of a ramp its end, of a drop its mean. */
static void put_rate_over(struct arrivals_plan *arrivals, double rate)
{
    switch (arrivals->kind) {
    case ARRIVALS_RAMP:
        arrivals->rate = arrivals->rate_end > 0 ? arrivals->rate * rate / arrivals->rate_end : 0;
        arrivals->rate_end = rate;
        return;
    case ARRIVALS_DROP:
        arrivals->visits = 0;
        arrivals->rate = rate;
        return;
    case ARRIVALS_AT_ONCE:
        arrivals->kind = ARRIVALS_CONSTANT;
        arrivals->rate = rate;
        return;
    case ARRIVALS_CONSTANT:
    case ARRIVALS_POISSON:
    case ARRIVALS_KINDS:
        arrivals->rate = rate;
        return;
    }
}

/* A drop keeps its shape. */
static void put_seconds_over(struct arrivals_plan *arrivals, double seconds)
{
    if (arrivals->seconds > 0)
        arrivals->first_seconds *= seconds / arrivals->seconds;
    arrivals->seconds = seconds;
}

/* Rate 0: as many as would have come, as fast as it goes. */
static void come_at_once(struct arrivals_plan *arrivals)
{
    double expected = arrivals_expected(arrivals);
    if (arrivals->visits == 0 && expected < ARRIVALS_MAX)
        arrivals->visits = (uint32_t)expected;
    arrivals->kind = ARRIVALS_AT_ONCE;
}

/* A list that is cut off wants other products than were asked for. */
static int put_text_over(char *text, size_t size, const char *name, const char *said)
{
    if (said == NULL)
        return 0;
    if (strlen(said) >= size) {
        fprintf(stderr, "hotshelf-loadtest: %s: at most %zu characters\n", name, size - 1);
        return -1;
    }
    memcpy(text, said, strlen(said) + 1);
    return 0;
}

/* RESP has no products pages. */
static int check_protocol(const struct scenario *scenario, const struct options *options)
{
    if (options->resp == NULL || scenario->share[BEHAVIOUR_SEARCHER] == 0)
        return 0;
    fprintf(stderr, "hotshelf-loadtest: scenario %s: searchers need HTTP, not --resp\n",
        scenario->name);
    return -1;
}

int plan_scenario(struct plan *plan, const struct options *options)
{
    *plan = (struct plan){0};
    struct scenario *scenario = &plan->scenario;
    if (read_scenario(scenario, options) < 0)
        return -1;
    struct arrivals_plan *arrivals = &scenario->arrivals;
    arrivals->seed = options->seed;
    if (options->seconds >= 0)
        put_seconds_over(arrivals, options->seconds);
    if (options->rate > 0)
        put_rate_over(arrivals, options->rate);
    if (options->rate == 0)
        come_at_once(arrivals);
    put_over(&arrivals->visits, options->visits);
    put_over(&scenario->connections, options->connections);
    put_over(&scenario->cart_percent, options->cart_percent);
    put_over(&scenario->cancel_percent, options->cancel_percent);
    put_over(&scenario->baskets.orders_max, options->orders_max);
    struct scenario_baskets *baskets = &scenario->baskets;
    if (put_text_over(scenario->mode, sizeof scenario->mode, "--mode", options->mode) < 0 ||
        put_text_over(baskets->sale, sizeof baskets->sale, "--sale", options->sale) < 0 ||
        put_text_over(baskets->skus, sizeof baskets->skus, "--skus", options->skus) < 0)
        return -1;
    return scenario_check(scenario) < 0 ? -1 : check_protocol(scenario, options);
}

bool plan_is_open_loop(const struct plan *plan)
{
    return plan->scenario.arrivals.kind != ARRIVALS_AT_ONCE;
}

static int make_arrivals(struct plan *plan, uint32_t visits_max)
{
    struct arrivals_plan arrivals = plan->scenario.arrivals;
    if (visits_max > 0 && (arrivals.visits == 0 || arrivals.visits > visits_max))
        arrivals.visits = visits_max;
    int result = arrivals_make(&plan->arrivals, &arrivals);
    if (result < 0)
        fprintf(stderr, "hotshelf-loadtest: %s: its arrivals cannot be made: %s\n",
            plan->scenario.name, strerror(-result));
    return result;
}

static int take_file(struct plan *plan)
{
    struct scenario *scenario = &plan->scenario;
    if (baskets_read(&plan->baskets, scenario->baskets.file, scenario->baskets.orders_max) < 0 ||
        make_arrivals(plan, plan->baskets.count) < 0)
        return -1;
    if (baskets_keep(&plan->baskets, plan->arrivals.count) < 0)
        return -1;
    return visits_assign(&plan->visits, scenario, plan->baskets.count);
}

static int make_up(struct plan *plan, const struct options *options)
{
    struct scenario *scenario = &plan->scenario;
    if (make_arrivals(plan, 0) < 0)
        return -1;
    if (shelf_read(
            &plan->baskets.skus, &scenario->baskets, options->url, options->patience_seconds) < 0)
        return -1;
    return visits_make(&plan->visits, &plan->baskets, scenario, plan->arrivals.count, options->run);
}

int plan_open(struct plan *plan, const struct options *options)
{
    bool has_file = plan->scenario.baskets.file[0] != '\0';
    int result = has_file ? take_file(plan) : make_up(plan, options);
    if (result < 0)
        plan_close(plan);
    return result < 0 ? -1 : 0;
}

void plan_close(struct plan *plan)
{
    arrivals_free(&plan->arrivals);
    visits_free(&plan->visits);
    baskets_free(&plan->baskets);
}
