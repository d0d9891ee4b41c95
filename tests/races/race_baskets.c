/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Baskets that want the same last units in another order: one gets all of its lines, the others
 * none of theirs, and nothing is stranded (K1, K2, V4).
 *
 *     two      {A, B} against {B, A} from customers of different shards
 *     three    {A, B}, {B, C}, {C, A}: each pair fights for one unit, so one basket can win
 *
 * Afterwards the winner cancels, and every unit is on sale again.
 */
#include <stdio.h>
#include <string.h>

#include "tests/races/race.h"

enum { BASKET_WIRES = 24, SKUS = 3, BASKETS_MAX = 3 };

struct basket {
    char customer[NAME_SIZE];
    struct wire *wire;
    uint32_t first, second;
};

struct contest {
    char sku[SKUS][NAME_SIZE];
    struct basket baskets[BASKETS_MAX];
    uint32_t count;
};

static void judge_loser(struct race *race, const struct contest *contest, struct wire *wire)
{
    char sku[NAME_SIZE];
    JUDGE(race, "K2", wire_is(wire, 409, "held_by_others"), "a basket that lost");
    wire_text(wire, "lines.0.sku", sku, sizeof sku);
    bool known = false;
    for (uint32_t i = 0; i < SKUS; i++)
        known = known || strcmp(sku, contest->sku[i]) == 0;
    JUDGE(race, "K2", known, "the failing line is named: %s", sku);
}

static const struct basket *judge_answers(struct race *race, const struct contest *contest)
{
    const struct basket *winner = NULL;
    for (uint32_t i = 0; i < contest->count; i++) {
        struct wire *wire = contest->baskets[i].wire;
        race_count_answer(race, wire);
        if (wire->status != 201) {
            judge_loser(race, contest, wire);
            continue;
        }
        JUDGE(race, "K1, V3", winner == NULL, "two baskets won");
        winner = &contest->baskets[i];
    }
    JUDGE(race, "K1", winner != NULL, "no basket won");
    return winner;
}

static void run_contest(struct race *race, const struct contest *contest)
{
    char body[BODY_SIZE], id[ORDER_ID_SIZE_TEXT];
    uint32_t order[BASKETS_MAX];
    race_shuffle(race, order, contest->count);
    for (uint32_t i = 0; i < contest->count; i++) {
        const struct basket *basket = &contest->baskets[order[i]];
        ask_checkout(basket->wire, basket->customer, "k",
            items_of_two(body, contest->sku[basket->first], contest->sku[basket->second]), false);
    }
    wires_settle(&race->front);
    const struct basket *winner = judge_answers(race, contest);
    for (uint32_t i = 0; i < SKUS; i++) {
        struct numbers numbers = race_stock(race, contest->sku[i]);
        bool won = i == winner->first || i == winner->second;
        JUDGE(race, "V2, K1", numbers.held == won && numbers.available == !won, "SKU %u", i);
    }
    wire_text(winner->wire, "id", id, sizeof id);
    ask_cancel(winner->wire, winner->customer, id, "c");
    wires_settle(&race->front);
    for (uint32_t i = 0; i < SKUS; i++)
        JUDGE(race, "V4", race_stock(race, contest->sku[i]).available == 1, "SKU %u", i);
}

void run_baskets(const struct race_options *options)
{
    static const uint32_t wants[BASKETS_MAX][2] = {{0, 1}, {1, 2}, {2, 0}};
    struct race race;
    race_open(&race, options, BASKET_WIRES);
    race_sell(&race, 0, SKUS, &(struct offer_terms){.stock = 1});
    for (race.round = 0; race.round < options->rounds; race.round++) {
        struct contest contest = {.count = race.round % 2 == 0 ? 2 : 3};
        uint32_t order[BASKET_WIRES];
        race_shuffle(&race, order, BASKET_WIRES);
        for (uint32_t i = 0; i < SKUS; i++)
            race_sku(&race, race.round, i, contest.sku[i]);
        for (uint32_t i = 0; i < contest.count; i++) {
            struct basket *basket = &contest.baskets[i];
            basket->wire = &race.front.wire[order[i]];
            basket->first = wants[i][0];
            basket->second = wants[i][1];
            race_customer_of(&race, i % options->shards, basket->customer);
        }
        if (contest.count == 2) {
            contest.baskets[1].first = 1;
            contest.baskets[1].second = 0;
        }
        run_contest(&race, &contest);
    }
    race_end(&race);
}
