/* SPDX-License-Identifier: Apache-2.0 */
/*
 * popularity - which SKU somebody wants: a few that all are after, then an ever longer tail.
 *
 *     hot_percent of all wishes --> one of hot_skus, each as likely
 *     the others                --> the n-th of the rest, 1 / n^zipf as likely as its first
 *
 * Which SKUs are hot, and in what order the rest follow, is drawn from the seed.
 *
 * Ownership  popularity_open() takes the memory, popularity_close() gives it back.
 * Threads    Read-only once opened.
 * Units      Numbers of SKUs, 0 to sku_count - 1.
 * Errors     popularity_open(): -ENOMEM.
 * Cost       12 bytes a SKU; a draw is a binary search.
 */
#ifndef HOTSHELF_LOADTEST_POPULARITY_H
#define HOTSHELF_LOADTEST_POPULARITY_H

#include "loadtest/chance.h"
#include "loadtest/scenario.h"

struct popularity {
    uint32_t *sku;      /* by rank, the hot ones first */
    double *cumulative; /* by rank behind the hot ones: the weight of it and all before */
    uint32_t sku_count;
    uint32_t hot_count;
    uint32_t hot_percent;
};

int popularity_open(struct popularity *popularity, const struct scenario_baskets *baskets,
    uint32_t sku_count, uint64_t seed);
void popularity_close(struct popularity *popularity);

uint32_t popularity_draw(const struct popularity *popularity, struct chance *chance);

/* What a bot is after: a hot SKU where there are some. */
uint32_t popularity_draw_hot(const struct popularity *popularity, struct chance *chance);

#endif
