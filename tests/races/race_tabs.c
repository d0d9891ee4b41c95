/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One customer at several tabs: whatever they do at once, he gets the limit and never more (Q1-Q4).
 *
 * two tabs: the same SKU of three per customer from two connections at once, by checkout, by cart,
 * or one by each, until both have had enough; then exactly three units are his.
 *
 * limits: four tabs want baskets of three SKUs with limits of 2, 3 and 4 and cancel orders between;
 * what was acknowledged and not cancelled is what is held, no limit is passed, and afterwards the
 * rest of each allowance, and not one unit more, can still be had.
 */
#include <stdio.h>
#include <string.h>

#include "tests/races/race.h"

enum { TAB_WIRES = 16, LIMIT = 3, STOCK = 50, TABS = 4, TURNS = 3, LIMITED_SKUS = 3 };

struct tabs {
    struct wire *first, *second;
    char customer[NAME_SIZE], sku[NAME_SIZE];
    uint32_t keys;
};

static struct tabs open_tabs(struct race *race, uint32_t sku)
{
    struct tabs tabs = {.first = &race->front.wire[dice_below(&race->dice, TAB_WIRES)]};
    do
        tabs.second = &race->front.wire[dice_below(&race->dice, TAB_WIRES)];
    while (tabs.second == tabs.first);
    race_customer(race, 0, tabs.customer);
    race_sku(race, race->round, sku, tabs.sku);
    return tabs;
}

static void buy(struct tabs *tabs, struct wire *wire, uint32_t quantity)
{
    char key[NAME_SIZE], body[BODY_SIZE];
    snprintf(key, sizeof key, "k%u", tabs->keys++);
    ask_checkout(wire, tabs->customer, key, items_of(body, tabs->sku, quantity), false);
}

static void judge_answer(struct race *race, struct wire *wire, int64_t used)
{
    race_count_answer(race, wire);
    if (wire->status == 200 || wire->status == 201)
        return;
    JUDGE(race, "Q3", wire_is(wire, 409, "limit_exceeded"), "an answer at a tab");
    JUDGE(race, "Q3", wire_number(wire, "limit") == LIMIT, "the limit told");
    JUDGE(race, "Q3", used < 0 || wire_number(wire, "used") == used, "the units told");
}

/* Both buy one unit at a time; a refusal can only mean that all three are his. */
static void at_the_checkout(struct race *race, struct tabs *tabs)
{
    uint32_t bought = 0;
    for (uint32_t turn = 0; turn < LIMIT; turn++) {
        buy(tabs, tabs->first, 1);
        buy(tabs, tabs->second, 1);
        wires_settle(&race->front);
        judge_answer(race, tabs->first, LIMIT);
        judge_answer(race, tabs->second, LIMIT);
        bought += tabs->first->status == 201;
        bought += tabs->second->status == 201;
    }
    JUDGE(race, "Q2", bought == LIMIT, "%u were bought", bought);
}

static void in_the_cart(struct race *race, struct tabs *tabs)
{
    for (uint32_t turn = 0; turn < 2; turn++) {
        ask_put(tabs->first, tabs->customer, tabs->sku, LIMIT);
        ask_put(tabs->second, tabs->customer, tabs->sku, LIMIT + 1);
        wires_settle(&race->front);
        judge_answer(race, tabs->first, -1);
        judge_answer(race, tabs->second, -1);
        JUDGE(race, "Q2", tabs->first->status == 200 && tabs->second->status == 409,
            "the limit in the cart");
    }
}

/* A checkout takes what the cart holds first (K8), so the last turn always fills the allowance. */
static void in_the_cart_and_at_the_checkout(struct race *race, struct tabs *tabs)
{
    for (uint32_t quantity = LIMIT - 1; quantity > 0; quantity--) {
        ask_put(tabs->first, tabs->customer, tabs->sku, quantity);
        buy(tabs, tabs->second, quantity);
        wires_settle(&race->front);
        judge_answer(race, tabs->first, -1);
        judge_answer(race, tabs->second, -1);
        JUDGE(race, "Q2", tabs->second->status == 201, "the checkout fits in any order");
    }
}

void run_two_tabs(const struct race_options *options)
{
    struct race race;
    race_open(&race, options, TAB_WIRES);
    race_sell(&race, 0, 1, &(struct offer_terms){.stock = STOCK, .limit = LIMIT});
    race_sell(&race, 1, 1,
        &(struct offer_terms){.stock = STOCK, .limit = LIMIT, .reserve_on_cart = true});
    for (race.round = 0; race.round < options->rounds; race.round++) {
        uint32_t kind = race.round % 3;
        struct tabs tabs = open_tabs(&race, kind > 0);
        if (kind == 0)
            at_the_checkout(&race, &tabs);
        else if (kind == 1)
            in_the_cart(&race, &tabs);
        else
            in_the_cart_and_at_the_checkout(&race, &tabs);
        struct numbers numbers = race_stock(&race, tabs.sku);
        JUDGE(&race, "Q2, V2", numbers.held == LIMIT && numbers.sold == 0, "exactly the limit");
    }
    race_end(&race);
}

/* What one customer of the second race has, as his answers tell. */
struct usage {
    char customer[NAME_SIZE];
    char sku[LIMITED_SKUS][NAME_SIZE];
    uint32_t units[LIMITED_SKUS];
    char orders[TABS * TURNS][ORDER_ID_SIZE_TEXT];
    uint32_t masks[TABS * TURNS]; /* the SKUs of the order, a bit each */
    uint32_t order_count;
    uint32_t keys;
};

static const uint32_t limits[LIMITED_SKUS] = {2, 3, 4};

static const char *basket_of(const struct usage *usage, uint32_t mask, char body[BODY_SIZE])
{
    int size = snprintf(body, BODY_SIZE, "[");
    for (uint32_t i = 0; i < LIMITED_SKUS; i++) {
        if (mask & 1u << i)
            size += snprintf(body + size, BODY_SIZE - (size_t)size,
                "%s{\"sku\":\"%s\",\"quantity\":1}", size == 1 ? "" : ",", usage->sku[i]);
    }
    snprintf(body + size, BODY_SIZE - (size_t)size, "]");
    return body;
}

static void want(struct usage *usage, struct wire *wire, uint32_t mask)
{
    char key[NAME_SIZE], body[BODY_SIZE];
    snprintf(key, sizeof key, "k%u", usage->keys++);
    ask_checkout(wire, usage->customer, key, basket_of(usage, mask, body), false);
}

/* One turn: every tab wants a basket or gives its last order back. */
static void turn(struct race *race, struct usage *usage, const uint32_t *order)
{
    uint32_t wanted[TABS] = {0};
    bool gave_back = false;
    for (uint32_t tab = 0; tab < TABS; tab++) {
        struct wire *wire = &race->front.wire[order[tab]];
        uint32_t last = usage->order_count - 1;
        if (usage->order_count > 0 && !gave_back && dice_below(&race->dice, 4) == 0) {
            gave_back = true;
            ask_cancel(wire, usage->customer, usage->orders[last], "give back");
            for (uint32_t i = 0; i < LIMITED_SKUS; i++)
                usage->units[i] -= (usage->masks[last] >> i) & 1;
            usage->order_count--;
        } else {
            wanted[tab] = 1 + dice_below(&race->dice, (1u << LIMITED_SKUS) - 1);
            want(usage, wire, wanted[tab]);
        }
    }
    wires_settle(&race->front);
    for (uint32_t tab = 0; tab < TABS; tab++) {
        struct wire *wire = &race->front.wire[order[tab]];
        race_count_answer(race, wire);
        if (wanted[tab] == 0) {
            JUDGE(race, "O3", wire->status == 200, "a cancel");
            continue;
        }
        JUDGE(race, "Q3, K2", wire->status == 201 || wire_is(wire, 409, "limit_exceeded"), "-");
        if (wire->status != 201)
            continue;
        wire_text(wire, "id", usage->orders[usage->order_count], ORDER_ID_SIZE_TEXT);
        usage->masks[usage->order_count++] = wanted[tab];
        for (uint32_t i = 0; i < LIMITED_SKUS; i++)
            usage->units[i] += (wanted[tab] >> i) & 1;
    }
}

/* The allowance is what is left of it: so many can be had, and not one more (Q4). */
static void use_it_up(struct race *race, struct usage *usage)
{
    struct wire *wire = &race->front.wire[0];
    for (uint32_t i = 0; i < LIMITED_SKUS; i++) {
        JUDGE(race, "Q1", usage->units[i] <= limits[i], "SKU %u: %u units", i, usage->units[i]);
        struct numbers numbers = race_stock(race, usage->sku[i]);
        JUDGE(race, "V2", numbers.held == usage->units[i], "SKU %u: %u units", i, usage->units[i]);
        for (; usage->units[i] < limits[i]; usage->units[i]++) {
            want(usage, wire, 1u << i);
            wires_settle(&race->front);
            JUDGE(race, "Q4", wire->status == 201, "SKU %u: %u units", i, usage->units[i]);
        }
        want(usage, wire, 1u << i);
        wires_settle(&race->front);
        JUDGE(race, "Q1", wire_is(wire, 409, "limit_exceeded"), "SKU %u: one more", i);
        JUDGE(race, "V5", race_stock(race, usage->sku[i]).held == limits[i], "SKU %u", i);
    }
}

void run_limits(const struct race_options *options)
{
    struct race race;
    race_open(&race, options, TAB_WIRES);
    for (uint32_t i = 0; i < LIMITED_SKUS; i++)
        race_sell(&race, i, 1, &(struct offer_terms){.stock = STOCK, .limit = limits[i]});
    for (race.round = 0; race.round < options->rounds; race.round++) {
        struct usage usage = {0};
        uint32_t order[TAB_WIRES];
        race_customer(&race, 0, usage.customer);
        for (uint32_t i = 0; i < LIMITED_SKUS; i++)
            race_sku(&race, race.round, i, usage.sku[i]);
        for (uint32_t i = 0; i < TURNS; i++) {
            race_shuffle(&race, order, TAB_WIRES);
            turn(&race, &usage, order);
        }
        use_it_up(&race, &usage);
    }
    race_end(&race);
}
