/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan - all of a run that is known before its first request: who comes when, wanting what.
 *
 *     scenario (a file, or what replay means) + the command line over it
 *         --> arrivals: when    --> visits: who    --> baskets: what
 *
 * Ownership  plan_open() takes the memory, plan_close() gives it back.
 * Threads    Read-only once opened.
 * Units      As arrivals.h and baskets.h.
 * Errors     plan_scenario(), plan_open(): -1 after one line on stderr; nothing then needs closing.
 * Cost       O(visits + lines); the SKUs of the shop are asked for page by page.
 */
#ifndef HOTSHELF_LOADTEST_PLAN_H
#define HOTSHELF_LOADTEST_PLAN_H

#include "loadtest/arrivals.h"
#include "loadtest/baskets.h"
#include "loadtest/options.h"
#include "loadtest/scenario.h"
#include "loadtest/visits.h"

#include <stdbool.h>

struct plan {
    struct scenario scenario;
    struct arrivals arrivals;
    struct visits visits;
    struct baskets baskets;
};

/* The scenario that the options name, with what they say put over it; comes first. */
int plan_scenario(struct plan *plan, const struct options *options);

int plan_open(struct plan *plan, const struct options *options);
void plan_close(struct plan *plan);

/* Visits come when they are due; otherwise they come when a connection is free. */
bool plan_is_open_loop(const struct plan *plan);

#endif
