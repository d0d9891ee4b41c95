/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two hundred connections want one unit: one gets it, everybody else hears why not (V3, K3, A4).
 *
 *     checkout, to be paid    while the winner has not paid, the unit is held: nobody hears
 *                             sold_out
 *     checkout, sold at once  held until the winner's record is durable, then sold: who asks after
 *                             the first sold_out was heard hears it too, for it is final
 *     cart                    as the first
 *     behind baskets          every fourth wants it together with another product of which nothing
 *                             is left: those attempts claim the unit and must give it back, and
 *                             yet one of the others wins and nobody hears sold_out of the unit
 */
#include <stdio.h>
#include <string.h>

#include "tests/races/race.h"

enum { CROWD = 200, LATE = 8 };

enum kind { TO_BE_PAID, SOLD_AT_ONCE, IN_CART, BEHIND_BASKETS, KINDS };

struct crowd {
    enum kind kind;
    char sku[NAME_SIZE], empty[NAME_SIZE];
    uint64_t sold_out_ns; /* when it was first heard; 0 never */
};

static void want_it(struct race *race, const struct crowd *crowd, uint32_t buyer)
{
    struct wire *wire = &race->front.wire[buyer];
    char customer[NAME_SIZE], body[BODY_SIZE];
    race_customer(race, buyer, customer);
    switch (crowd->kind) {
    case TO_BE_PAID:
    case SOLD_AT_ONCE:
        ask_checkout(
            wire, customer, "k", items_of(body, crowd->sku, 1), crowd->kind == SOLD_AT_ONCE);
        return;
    case IN_CART:
        ask_put(wire, customer, crowd->sku, 1);
        return;
    case BEHIND_BASKETS:
        if (buyer % 4 == 0)
            ask_checkout(wire, customer, "k", items_of_two(body, crowd->empty, crowd->sku), false);
        else
            ask_checkout(wire, customer, "k", items_of(body, crowd->sku, 1), false);
        return;
    case KINDS:
        break;
    }
}

/* A basket fails for the product of which there is nothing; of the unit it may hear that it is
 * held, never that it is sold out. */
static void judge_basket(struct race *race, const struct crowd *crowd, struct wire *wire)
{
    char sku[NAME_SIZE], code[WIRE_CODE_SIZE], path[32];
    JUDGE(race, "K2", wire->status == 409, "%s", wire->code);
    for (int line = 0; line < 2; line++) {
        snprintf(path, sizeof path, "lines.%d.sku", line);
        wire_text(wire, path, sku, sizeof sku);
        snprintf(path, sizeof path, "lines.%d.code", line);
        wire_text(wire, path, code, sizeof code);
        JUDGE(race, "K3", strcmp(sku, crowd->sku) != 0 || strcmp(code, "held_by_others") == 0,
            "%s of the unit", code);
    }
}

static bool is_basket(const struct crowd *crowd, uint32_t buyer)
{
    return crowd->kind == BEHIND_BASKETS && buyer % 4 == 0;
}

static void judge_one(struct race *race, struct crowd *crowd, struct wire *wire, uint32_t buyer)
{
    race_count_answer(race, wire);
    if (is_basket(crowd, buyer)) {
        judge_basket(race, crowd, wire);
        return;
    }
    if (wire->status == 200 || wire->status == 201)
        return;
    bool sold_out = wire_is(wire, 409, "sold_out");
    JUDGE(race, "A4", sold_out || wire_is(wire, 409, "held_by_others"), "buyer %u", buyer);
    JUDGE(race, "K3", !sold_out || crowd->kind == SOLD_AT_ONCE, "buyer %u", buyer);
    if (sold_out && (crowd->sold_out_ns == 0 || crowd->sold_out_ns > wire->heard_ns))
        crowd->sold_out_ns = wire->heard_ns;
}

/* What was final stays final: asked after it was heard, the answer is the same. */
static void judge_finality(struct race *race, const struct crowd *crowd)
{
    for (uint32_t buyer = 0; buyer < CROWD && crowd->sold_out_ns > 0; buyer++) {
        const struct wire *wire = &race->front.wire[buyer];
        JUDGE(race, "A4", wire->asked_ns < crowd->sold_out_ns || wire_is(wire, 409, "sold_out"),
            "buyer %u asked after sold_out was heard", buyer);
    }
}

static uint32_t winners(const struct race *race)
{
    uint32_t count = 0;
    for (uint32_t buyer = 0; buyer < CROWD; buyer++)
        count += race->front.wire[buyer].status == 200 || race->front.wire[buyer].status == 201;
    return count;
}

/* A few ask once more, when all is over. */
static void ask_again(struct race *race, const struct crowd *crowd)
{
    uint32_t order[CROWD], late[LATE], count = 0;
    race_shuffle(race, order, CROWD);
    for (uint32_t i = 0; i < CROWD && count < LATE; i++) {
        if (race->front.wire[order[i]].status < 400 || is_basket(crowd, order[i]))
            continue;
        late[count++] = order[i];
        want_it(race, crowd, order[i]);
    }
    wires_settle(&race->front);
    const char *code = crowd->kind == SOLD_AT_ONCE ? "sold_out" : "held_by_others";
    for (uint32_t i = 0; i < count; i++)
        JUDGE(race, "A4", wire_is(&race->front.wire[late[i]], 409, code), "buyer %u, asked again",
            late[i]);
}

static void race_once(struct race *race)
{
    struct crowd crowd = {.kind = (enum kind)(race->round % KINDS)};
    uint32_t order[CROWD];
    race_sku(race, race->round, crowd.kind == IN_CART ? 2 : 0, crowd.sku);
    race_sku(race, race->round, 1, crowd.empty);
    race_shuffle(race, order, CROWD);
    for (uint32_t i = 0; i < CROWD; i++)
        want_it(race, &crowd, order[i]);
    wires_settle(&race->front);
    for (uint32_t buyer = 0; buyer < CROWD; buyer++)
        judge_one(race, &crowd, &race->front.wire[buyer], buyer);
    uint32_t won = winners(race);
    JUDGE(race, "V3, V4", won == 1, "%u got the unit", won);
    judge_finality(race, &crowd);
    ask_again(race, &crowd);
    struct numbers numbers = race_stock(race, crowd.sku);
    bool sold = crowd.kind == SOLD_AT_ONCE;
    JUDGE(race, "V2", numbers.held == !sold && numbers.sold == sold, "the unit is the winner's");
}

void run_last_unit(const struct race_options *options)
{
    struct race race;
    race_open(&race, options, CROWD);
    race_sell(&race, 0, 1, &(struct offer_terms){.stock = 1});
    race_sell(&race, 1, 1, &(struct offer_terms){.stock = 0});
    race_sell(&race, 2, 1, &(struct offer_terms){.stock = 1, .reserve_on_cart = true});
    for (race.round = 0; race.round < options->rounds; race.round++)
        race_once(&race);
    race_end(&race);
}
