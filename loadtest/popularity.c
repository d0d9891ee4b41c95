/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ranks are a shuffle of all SKUs. When every SKU is hot there is no tail, and all wishes are
 * for hot ones.
 */
#include "loadtest/popularity.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define CHANCE_ROW 2

int popularity_open(struct popularity *popularity, const struct scenario_baskets *baskets,
    uint32_t sku_count, uint64_t seed)
{
    uint32_t hot = baskets->hot_skus < sku_count ? baskets->hot_skus : sku_count;
    *popularity = (struct popularity){
        .sku = calloc(sku_count, sizeof(uint32_t)),
        .cumulative = calloc(sku_count, sizeof(double)),
        .sku_count = sku_count,
        .hot_count = hot,
        .hot_percent = hot == sku_count ? 100
                       : hot == 0       ? 0
                                        : baskets->hot_percent,
    };
    if (popularity->sku == NULL || popularity->cumulative == NULL) {
        popularity_close(popularity);
        return -ENOMEM;
    }
    struct chance chance = chance_of(seed, CHANCE_ROW);
    for (uint32_t at = 0; at < sku_count; at++) {
        uint32_t other = (uint32_t)chance_below(&chance, at + 1);
        popularity->sku[at] = popularity->sku[other];
        popularity->sku[other] = at;
    }
    double sum = 0;
    for (uint32_t at = hot; at < sku_count; at++)
        popularity->cumulative[at] = sum += pow(at - hot + 1, -baskets->zipf);
    return 0;
}

void popularity_close(struct popularity *popularity)
{
    free(popularity->sku);
    free(popularity->cumulative);
    *popularity = (struct popularity){0};
}

/* The first rank of the tail whose cumulative weight is above the mark. */
static uint32_t find_rank(const struct popularity *popularity, double mark)
{
    uint32_t low = popularity->hot_count;
    uint32_t high = popularity->sku_count - 1;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (popularity->cumulative[middle] > mark)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

uint32_t popularity_draw(const struct popularity *popularity, struct chance *chance)
{
    if (chance_below(chance, 100) < popularity->hot_percent)
        return popularity->sku[chance_below(chance, popularity->hot_count)];
    double all = popularity->cumulative[popularity->sku_count - 1];
    return popularity->sku[find_rank(popularity, chance_unit(chance) * all)];
}

uint32_t popularity_draw_hot(const struct popularity *popularity, struct chance *chance)
{
    if (popularity->hot_count == 0)
        return popularity_draw(popularity, chance);
    return popularity->sku[chance_below(chance, popularity->hot_count)];
}
