/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same key at once on several connections, each of which may have landed on another shard: one
 * effect, and everybody hears of it (I1-I4).
 *
 *     same checkout      one 201, the others 201 replayed, one order, its units held once
 *     different bodies   one 201, the others 422, and what is held is the winner's
 *     same cancel        one 200, the others 200 replayed, the units back once
 *     same stock change  one 200, the others 200 replayed with the same numbers, added once
 */
#include <stdio.h>
#include <string.h>

#include "tests/races/race.h"

enum { CLICK_WIRES = 32, CLICKS_MAX = 5, STOCK = 20, FOUND = 7 };

struct clicks {
    char customer[NAME_SIZE], sku[NAME_SIZE], key[NAME_SIZE];
    struct wire *wire[CLICKS_MAX];
    uint32_t count;
};

static uint32_t count_of(const struct clicks *clicks, int status, bool replayed)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < clicks->count; i++)
        count += clicks->wire[i]->status == status && clicks->wire[i]->replayed == replayed;
    return count;
}

static void settle(struct race *race, const struct clicks *clicks)
{
    wires_settle(clicks->wire[0]->all);
    for (uint32_t i = 0; i < clicks->count; i++)
        race_count_answer(race, clicks->wire[i]);
}

/* The order that all who were answered 201 heard of. */
static void only_order(struct race *race, const struct clicks *clicks, char id[ORDER_ID_SIZE_TEXT])
{
    id[0] = '\0';
    for (uint32_t i = 0; i < clicks->count; i++) {
        char other[ORDER_ID_SIZE_TEXT];
        if (clicks->wire[i]->status != 201)
            continue;
        wire_text(clicks->wire[i], "id", other, sizeof other);
        JUDGE(race, "I3", id[0] == '\0' || strcmp(id, other) == 0, "%s and %s", id, other);
        memcpy(id, other, sizeof other);
    }
}

static void same_checkout(struct race *race, struct clicks *clicks, char id[ORDER_ID_SIZE_TEXT])
{
    char body[BODY_SIZE];
    for (uint32_t i = 0; i < clicks->count; i++)
        ask_checkout(clicks->wire[i], clicks->customer, clicks->key, items_of(body, clicks->sku, 2),
            race->round % 4 == 0);
    settle(race, clicks);
    JUDGE(race, "I3", count_of(clicks, 201, false) == 1, "one checkout");
    JUDGE(race, "I3", count_of(clicks, 201, true) == clicks->count - 1, "the others replays");
    only_order(race, clicks, id);
    struct numbers numbers = race_stock(race, clicks->sku);
    JUDGE(race, "I3", numbers.held + numbers.sold == 2, "one effect");
}

static void different_bodies(struct race *race, struct clicks *clicks)
{
    char body[BODY_SIZE];
    for (uint32_t i = 0; i < clicks->count; i++)
        ask_checkout(clicks->wire[i], clicks->customer, clicks->key,
            items_of(body, clicks->sku, i + 1), false);
    settle(race, clicks);
    uint32_t won = 0;
    for (uint32_t i = 0; i < clicks->count; i++) {
        won += clicks->wire[i]->status == 201 ? i + 1 : 0;
        JUDGE(race, "I4",
            clicks->wire[i]->status == 201 ||
                wire_is(clicks->wire[i], 422, "idempotency_key_reused"),
            "click %u", i);
    }
    JUDGE(race, "I4", count_of(clicks, 201, false) == 1 && count_of(clicks, 201, true) == 0, "-");
    JUDGE(race, "I4", race_stock(race, clicks->sku).held == won, "the winner's %u units", won);
}

/* Of an unpaid order or of a confirmed one, as it came. */
static void same_cancel(struct race *race, struct clicks *clicks)
{
    char id[ORDER_ID_SIZE_TEXT];
    same_checkout(race, clicks, id);
    for (uint32_t i = 0; i < clicks->count; i++)
        ask_cancel(clicks->wire[i], clicks->customer, id, clicks->key);
    settle(race, clicks);
    JUDGE(race, "I3", count_of(clicks, 200, false) == 1, "one cancel");
    JUDGE(race, "I3", count_of(clicks, 200, true) == clicks->count - 1, "the others replays");
    struct numbers numbers = race_stock(race, clicks->sku);
    JUDGE(race, "O2, V4", numbers.available == STOCK, "the units are back once");
}

static void same_stock_change(struct race *race, struct clicks *clicks)
{
    char body[BODY_SIZE];
    clicks->count = clicks->count < DESK_WIRES ? clicks->count : DESK_WIRES;
    snprintf(body, sizeof body, "{\"delta\":%d,\"reason\":\"found\"}", FOUND);
    for (uint32_t i = 0; i < clicks->count; i++) {
        clicks->wire[i] = &race->desk.wire[i];
        ask_stock_change(clicks->wire[i], clicks->sku, clicks->key, body);
    }
    settle(race, clicks);
    JUDGE(race, "I1", count_of(clicks, 200, false) == 1, "one change");
    JUDGE(race, "I3", count_of(clicks, 200, true) == clicks->count - 1, "the others replays");
    for (uint32_t i = 0; i < clicks->count; i++)
        JUDGE(race, "I3", wire_number(clicks->wire[i], "allotment") == STOCK + FOUND, "-");
    JUDGE(race, "T1", race_stock(race, clicks->sku).allotment == STOCK + FOUND, "added once");
}

static struct clicks new_clicks(struct race *race)
{
    struct clicks clicks = {.count = 2 + dice_below(&race->dice, CLICKS_MAX - 1)};
    uint32_t order[CLICK_WIRES];
    if (race->round % 2 == 0)
        clicks.count = 2;
    race_shuffle(race, order, CLICK_WIRES);
    for (uint32_t i = 0; i < clicks.count; i++)
        clicks.wire[i] = &race->front.wire[order[i]];
    race_customer(race, 0, clicks.customer);
    race_sku(race, race->round, 0, clicks.sku);
    snprintf(clicks.key, sizeof clicks.key, "click-%u", race->round);
    return clicks;
}

void run_double_clicks(const struct race_options *options)
{
    struct race race;
    race_open(&race, options, CLICK_WIRES);
    race_sell(&race, 0, 1, &(struct offer_terms){.stock = STOCK});
    for (race.round = 0; race.round < options->rounds; race.round++) {
        struct clicks clicks = new_clicks(&race);
        char id[ORDER_ID_SIZE_TEXT];
        switch (dice_below(&race.dice, 5)) {
        case 0:
            different_bodies(&race, &clicks);
            break;
        case 1:
            same_cancel(&race, &clicks);
            break;
        case 2:
            same_stock_change(&race, &clicks);
            break;
        default:
            same_checkout(&race, &clicks, id);
            break;
        }
    }
    race_end(&race);
}
