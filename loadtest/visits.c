/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each visit draws from a row of chance of its own, so that one more line for one of them leaves
 * all others as they were.
 */
#include "loadtest/visits.h"

#include "loadtest/popularity.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHANCE_ROW_FIRST 1000 /* of visit 0; that of visit n is n further */
#define CUSTOMER_SIZE 64
#define DRAWS_A_LINE 8 /* until a SKU is found that is not in the basket yet */

static int complain(uint32_t count)
{
    fprintf(stderr, "hotshelf-loadtest: no memory for %u visits\n", count);
    return -1;
}

int visits_assign(struct visits *visits, const struct scenario *scenario, uint32_t count)
{
    *visits = (struct visits){.behaviour = calloc(count, 1), .count = count};
    if (visits->behaviour == NULL)
        return complain(count);
    uint64_t shares = 0;
    for (int kind = 0; kind < BEHAVIOURS; kind++)
        shares += scenario->share[kind];
    for (uint32_t visit = 0; visit < count; visit++) {
        struct chance chance = chance_of(scenario->arrivals.seed, CHANCE_ROW_FIRST + visit);
        uint64_t mark = chance_below(&chance, shares);
        uint8_t kind = 0;
        while (mark >= scenario->share[kind])
            mark -= scenario->share[kind++];
        visits->behaviour[visit] = kind;
        visits->count_of[kind]++;
    }
    return 0;
}

static uint32_t find_line(const struct baskets *baskets, const struct basket *basket, uint32_t sku)
{
    for (uint32_t at = basket->first_line; at < baskets->line_count; at++) {
        if (baskets->line[at].sku == sku)
            return at;
    }
    return BASKETS_NONE;
}

static void fill(struct baskets *baskets, struct basket *basket,
    const struct scenario_baskets *wishes, const struct popularity *popularity, bool is_bot,
    struct chance *chance)
{
    uint32_t lines = 1 + (uint32_t)chance_below(chance, wishes->lines_max);
    for (uint32_t draw = 0; basket->line_count < lines && draw < lines * DRAWS_A_LINE; draw++) {
        uint32_t sku =
            is_bot ? popularity_draw_hot(popularity, chance) : popularity_draw(popularity, chance);
        uint32_t quantity = 1 + (uint32_t)chance_below(chance, wishes->quantity_max);
        if (find_line(baskets, basket, sku) != BASKETS_NONE)
            continue;
        baskets->line[baskets->line_count++] =
            (struct basket_line){.sku = sku, .quantity = is_bot ? wishes->quantity_max : quantity};
        basket->line_count++;
    }
}

/* "RUN-17", one of "RUN-c0" to "RUN-c99", or of "RUN-b0" to "RUN-b9". */
static uint32_t name_customer(struct baskets *baskets, const struct scenario *scenario,
    uint32_t visit, bool is_bot, const char *run, struct chance *chance)
{
    char name[CUSTOMER_SIZE];
    uint32_t pool = is_bot ? scenario->bot_customers : scenario->baskets.customers;
    uint64_t number = pool == 0 ? visit : chance_below(chance, pool);
    const char *kind = pool == 0 ? "" : is_bot ? "b" : "c";
    int size = snprintf(name, sizeof name, "%s-%s%llu", run, kind, (unsigned long long)number);
    return names_add(&baskets->customers, name, (size_t)size);
}

static void make_basket(struct baskets *baskets, const struct scenario *scenario,
    const struct popularity *popularity, enum behaviour behaviour, const char *run)
{
    uint32_t visit = baskets->count++;
    struct chance chance = chance_of(scenario->arrivals.seed, CHANCE_ROW_FIRST + visit);
    chance_next(&chance); /* said what kind of visitor it is */
    bool is_bot = behaviour == BEHAVIOUR_BOT;
    struct basket *basket = &baskets->basket[visit];
    *basket = (struct basket){
        .customer = name_customer(baskets, scenario, visit, is_bot, run, &chance),
        .first_line = baskets->line_count,
        .next = BASKETS_NONE,
    };
    if (behaviour != BEHAVIOUR_SEARCHER)
        fill(baskets, basket, &scenario->baskets, popularity, is_bot, &chance);
}

int visits_make(struct visits *visits, struct baskets *baskets, const struct scenario *scenario,
    uint32_t count, const char *run)
{
    struct popularity popularity;
    size_t lines = (size_t)count * scenario->baskets.lines_max;
    size_t text_size = (size_t)count * (strlen(run) + 16);
    if (visits_assign(visits, scenario, count) < 0)
        return -1;
    if (popularity_open(
            &popularity, &scenario->baskets, baskets->skus.count, scenario->arrivals.seed) < 0)
        return complain(count);
    baskets->basket = calloc(count, sizeof *baskets->basket);
    baskets->line = calloc(lines, sizeof *baskets->line);
    bool has_room = baskets->basket != NULL && baskets->line != NULL &&
                    names_open(&baskets->customers, count, text_size) == 0 && lines < BASKETS_NONE;
    for (uint32_t visit = 0; has_room && visit < count; visit++)
        make_basket(baskets, scenario, &popularity, (enum behaviour)visits->behaviour[visit], run);
    popularity_close(&popularity);
    baskets->order_count = baskets->count;
    return has_room && baskets_chain(baskets) == 0 ? 0 : complain(count);
}

void visits_free(struct visits *visits)
{
    free(visits->behaviour);
    *visits = (struct visits){0};
}
