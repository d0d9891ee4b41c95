/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The merchant lowers an allotment while a crowd takes units: after his reply nothing is taken
 * beyond the new allotment (T1, T2, T3, V1).
 *
 *     delta              by so many, or not at all: then it is said how many were missing
 *     set, compare       the same in other words
 *     delta, floor       by what is free: with `short` told, selling stops with the reply
 *     all, floor         to what is held and sold
 *
 * At the end the merchant raises it by one unit, and whoever asks after his reply gets it.
 */
#include <stdio.h>
#include <string.h>

#include "tests/races/race.h"

enum { LOWER_WIRES = 24, STOCK = 70, ASKS_MAX = 3, MISSING = 25 };

enum kind { DELTA, SET, FLOOR, ALL, KINDS };

struct lowering {
    struct race *race;
    enum kind kind;
    char sku[NAME_SIZE];
    uint32_t asked[LOWER_WIRES]; /* questions of each wire */
    uint32_t units[LOWER_WIRES]; /* of its last one */
    uint32_t answers_before;     /* the merchant asks after so many answers */
    uint32_t answers;
    uint32_t customers;
    bool lowered;
    int64_t taken;
    bool selling_stops;
    uint64_t stopped_ns;
};

static void want_units(struct lowering *lowering, uint32_t at)
{
    struct race *race = lowering->race;
    char customer[NAME_SIZE], body[BODY_SIZE];
    race_customer(race, lowering->customers++, customer);
    lowering->asked[at]++;
    lowering->units[at] = 1 + dice_below(&race->dice, 2);
    ask_checkout(&race->front.wire[at], customer, "k",
        items_of(body, lowering->sku, lowering->units[at]), at % 4 == 0);
}

static void lower(struct lowering *lowering)
{
    static const char *const bodies[KINDS] = {
        [DELTA] = "{\"delta\":-25}",
        [SET] = "{\"set\":45,\"compare\":70}",
        [FLOOR] = "{\"delta\":-25,\"floor\":true}",
        [ALL] = "{\"delta\":-70,\"floor\":true}",
    };
    lowering->lowered = true;
    ask_stock_change(&lowering->race->desk.wire[0], lowering->sku, "lower", bodies[lowering->kind]);
}

static void on_answer(void *context, struct wire *wire)
{
    struct lowering *lowering = context;
    struct race *race = lowering->race;
    uint32_t at = (uint32_t)(wire - race->front.wire);
    race_count_answer(race, wire);
    if (wire->status == 201) {
        lowering->taken += lowering->units[at];
        JUDGE(race, "T2", !lowering->selling_stops || wire->asked_ns < lowering->stopped_ns,
            "a take after the reply that stopped selling");
    } else {
        JUDGE(race, "A4",
            wire_is(wire, 409, "sold_out") || wire_is(wire, 409, "held_by_others") ||
                wire_is(wire, 409, "insufficient"),
            "-");
        if (strcmp(wire->code, "insufficient") == 0)
            JUDGE(race, "A4",
                wire_number(wire, "available") > 0 &&
                    wire_number(wire, "available") < lowering->units[at],
                "some are left, fewer than asked");
    }
    lowering->answers++;
    if (!lowering->lowered && lowering->answers >= lowering->answers_before)
        lower(lowering);
    if (lowering->asked[at] < ASKS_MAX)
        want_units(lowering, at);
}

/* Both listeners at once, until nobody waits. */
static void settle(struct race *race, struct lowering *lowering)
{
    const struct wire *desk = &race->desk.wire[0];
    while (race->front.waiting > 0 || race->desk.waiting > 0) {
        wires_hear(&race->front, 1000);
        if (!lowering->lowered || desk->waiting || desk->status != 200)
            continue;
        lowering->selling_stops = wire_number(&race->desk.wire[0], "short") > 0;
        lowering->stopped_ns = desk->heard_ns;
    }
}

static void judge_merchant(struct race *race, const struct lowering *lowering)
{
    struct wire *desk = &race->desk.wire[0];
    struct numbers told = wire_numbers(desk), now;
    char words[NAME_SIZE + WIRE_CODE_SIZE];
    snprintf(words, sizeof words, "lowered: %d%s%s%s", desk->status, desk->code[0] ? " " : "",
        desk->code, lowering->selling_stops ? " short" : "");
    race_count(race, words, 1);
    bool floor = lowering->kind == FLOOR || lowering->kind == ALL;
    JUDGE(race, "T2", desk->status == 200 || (!floor && desk->status == 409), "the merchant");
    JUDGE(race, "T1", told.available + told.held + told.sold == told.allotment, "what he heard");
    if (desk->status == 200 && !floor)
        JUDGE(race, "T1", told.allotment == STOCK - MISSING, "the new allotment");
    if (desk->status == 200 && floor)
        JUDGE(race, "T2",
            told.allotment + (lowering->kind == ALL ? STOCK : MISSING) -
                    wire_number(desk, "short") ==
                STOCK,
            "lowered by all but what is short");
    int64_t allotment = told.allotment;
    now = race_stock(race, lowering->sku);
    JUDGE(race, "T2", now.allotment == allotment, "the allotment is what was told");
    JUDGE(race, "T2, V3", lowering->taken <= allotment, "%lld taken", (long long)lowering->taken);
    JUDGE(race, "V2", now.held + now.sold == lowering->taken, "%lld taken",
        (long long)lowering->taken);
}

static void raise_by_one(struct race *race, struct lowering *lowering)
{
    struct wire *desk = &race->desk.wire[0];
    struct wire *wire = &race->front.wire[dice_below(&race->dice, LOWER_WIRES)];
    char customer[NAME_SIZE], body[BODY_SIZE];
    ask_stock_change(desk, lowering->sku, "raise", "{\"delta\":1}");
    wires_settle(&race->desk);
    JUDGE(race, "T1", desk->status == 200, "a raise");
    race_customer(race, lowering->customers++, customer);
    ask_checkout(wire, customer, "k", items_of(body, lowering->sku, 1), false);
    wires_settle(&race->front);
    JUDGE(race, "T3", wire->status == 201, "a restock is visible before its reply leaves");
}

void run_lowering(const struct race_options *options)
{
    struct race race;
    race_open(&race, options, LOWER_WIRES);
    race_sell(&race, 0, 1, &(struct offer_terms){.stock = STOCK});
    for (race.round = 0; race.round < options->rounds; race.round++) {
        struct lowering lowering = {.race = &race,
            .kind = (enum kind)(race.round % KINDS),
            .answers_before = 1 + dice_below(&race.dice, LOWER_WIRES)};
        race_sku(&race, race.round, 0, lowering.sku);
        race.front.on_answer = on_answer;
        race.front.context = &lowering;
        for (uint32_t at = 0; at < LOWER_WIRES; at++)
            want_units(&lowering, at);
        settle(&race, &lowering);
        race.front.on_answer = NULL;
        judge_merchant(&race, &lowering);
        raise_by_one(&race, &lowering);
    }
    race_end(&race);
}
