/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest's cart is merged into a customer's while the carts are checked out, wherever both live
 * (C4, K6, V4, Q1, Q4).
 *
 *     guest pays      the guest's cart becomes an order or a part of the customer's, never both
 *     customer pays   his order has what was in his cart until then, the rest is in his cart
 *     both pay        the same at once
 *     two tabs        the same merge twice
 *     rivals          two customers merge one guest: one gets all of it
 *
 * Every unit that both had is in one order or in one cart, or was told as dropped for the limit; no
 * unit is anywhere else. When all have left, all of them are on sale again, and so is the limit.
 */
#include <stdio.h>
#include <string.h>

#include "loadtest/clock.h"
#include "tests/races/race.h"

enum { MERGE_WIRES = 24, STOCK = 12, LIMIT = 3, GUEST_UNITS = 2, SPREAD_US = 2500, ACTORS = 4 };

enum kind { GUEST_PAYS, CUSTOMER_PAYS, BOTH_PAY, TWO_TABS, RIVALS, KINDS };
enum actor { MERGER, SECOND_MERGER, GUEST, CUSTOMER };

struct meeting {
    enum kind kind;
    bool limited;
    uint32_t units; /* in the customer's cart */
    char sku[NAME_SIZE], customer[NAME_SIZE], rival[NAME_SIZE], guest[NAME_SIZE * 2];
    struct wire *wire[ACTORS];
    int64_t guest_ordered, customer_ordered, dropped;
};

static void ask_guest(struct wire *wire)
{
    wire_ask(wire, &(struct question){.method = "POST", .path = "/v1/guests"});
}

static void ask_merge(struct wire *wire, const char *customer, const char *guest)
{
    char body[BODY_SIZE];
    snprintf(body, sizeof body, "{\"guest_token\":\"%s\"}", guest);
    wire_ask(
        wire, &(struct question){
                  .method = "POST", .path = "/v1/cart/merge", .customer = customer, .body = body});
}

static void ask_clear(struct wire *wire, const char *customer)
{
    wire_ask(
        wire, &(struct question){.method = "DELETE", .path = "/v1/cart", .customer = customer});
}

static struct meeting meet(struct race *race)
{
    struct meeting meeting = {.kind = (enum kind)(race->round % KINDS),
        .limited = race->round / KINDS % 2 == 1,
        .units = dice_below(&race->dice, GUEST_UNITS + 1)};
    uint32_t order[MERGE_WIRES];
    race_sku(race, race->round, meeting.limited, meeting.sku);
    race_customer(race, 0, meeting.customer);
    race_customer(race, 1, meeting.rival);
    race_shuffle(race, order, MERGE_WIRES);
    for (uint32_t i = 0; i < ACTORS; i++)
        meeting.wire[i] = &race->front.wire[order[i]];
    ask_guest(meeting.wire[GUEST]);
    if (meeting.units > 0)
        ask_put(meeting.wire[CUSTOMER], meeting.customer, meeting.sku, meeting.units);
    wires_settle(&race->front);
    JUDGE(race, "the set-up",
        meeting.wire[GUEST]->status == 201 &&
            (meeting.units == 0 || meeting.wire[CUSTOMER]->status == 200),
        "%s", meeting.sku);
    wire_text(meeting.wire[GUEST], "guest_token", meeting.guest, sizeof meeting.guest);
    ask_put(meeting.wire[GUEST], meeting.guest, meeting.sku, GUEST_UNITS);
    wires_settle(&race->front);
    JUDGE(race, "the set-up", meeting.wire[GUEST]->status == 200, "%s", meeting.sku);
    return meeting;
}

static bool takes_part(const struct meeting *meeting, enum actor actor)
{
    enum kind kind = meeting->kind;
    switch (actor) {
    case MERGER:
        return true;
    case SECOND_MERGER:
        return kind == TWO_TABS || kind == RIVALS;
    case GUEST:
        return kind == GUEST_PAYS || kind == BOTH_PAY;
    case CUSTOMER:
        return kind == CUSTOMER_PAYS || kind == BOTH_PAY;
    }
    return false;
}

static void act(struct race *race, const struct meeting *meeting, enum actor actor)
{
    struct wire *wire = meeting->wire[actor];
    bool deferred = dice_below(&race->dice, 2) == 0;
    switch (actor) {
    case MERGER:
        ask_merge(wire, meeting->customer, meeting->guest);
        break;
    case SECOND_MERGER:
        ask_merge(
            wire, meeting->kind == RIVALS ? meeting->rival : meeting->customer, meeting->guest);
        break;
    case GUEST:
        ask_checkout(wire, meeting->guest, "k", NULL, deferred);
        break;
    case CUSTOMER:
        ask_checkout(wire, meeting->customer, "k", NULL, deferred);
        break;
    }
}

/* Each at a moment of its own, so that the others also come between the visits of the merge. */
static void act_at_once(struct race *race, const struct meeting *meeting)
{
    uint64_t begun_ns = clock_now_ns(), due_ns[ACTORS];
    bool asked[ACTORS] = {false};
    for (uint32_t i = 0; i < ACTORS; i++) {
        uint32_t spread_us = i == CUSTOMER ? 3 * SPREAD_US : SPREAD_US; /* his comes last */
        due_ns[i] = begun_ns + (uint64_t)dice_below(&race->dice, spread_us) * 1000;
    }
    for (uint32_t left = ACTORS; left > 0; wires_hear(&race->front, 0)) {
        uint64_t now_ns = clock_now_ns();
        for (uint32_t i = 0; i < ACTORS; i++) {
            if (asked[i] || now_ns < due_ns[i])
                continue;
            asked[i] = true;
            left--;
            if (takes_part(meeting, (enum actor)i))
                act(race, meeting, (enum actor)i);
        }
    }
    wires_settle(&race->front);
}

static int64_t ordered(struct race *race, const struct meeting *meeting, enum actor actor)
{
    struct wire *wire = meeting->wire[actor];
    if (!takes_part(meeting, actor))
        return 0;
    race_count_answer(race, wire);
    bool on_its_way = actor == GUEST && wire_is(wire, 409, "version_conflict");
    JUDGE(race, "C4, K6", wire->status == 201 || wire_is(wire, 409, "cart_empty") || on_its_way,
        "a checkout");
    return wire->status == 201 ? wire_number(wire, "lines.0.quantity") : 0;
}

static int64_t dropped(struct race *race, const struct meeting *meeting, enum actor actor)
{
    struct wire *wire = meeting->wire[actor];
    char code[WIRE_CODE_SIZE];
    if (!takes_part(meeting, actor))
        return 0;
    JUDGE(race, "C4", wire->status == 200, "a merge");
    int64_t units = wire_number(wire, "dropped.0.quantity");
    if (units < 0)
        return 0;
    wire_text(wire, "dropped.0.code", code, sizeof code);
    JUDGE(race, "C4, Q1", meeting->limited && strcmp(code, "limit_exceeded") == 0, "%s", code);
    return units;
}

static int64_t in_cart(struct race *race, const char *customer, const struct meeting *meeting)
{
    char state[16];
    struct wire *wire = meeting->wire[MERGER];
    ask_cart(wire, customer);
    wires_settle(&race->front);
    JUDGE(race, "C1", wire->status == 200, "a cart");
    int64_t units = wire_number(wire, "lines.0.quantity");
    if (units < 0)
        return 0;
    wire_text(wire, "lines.0.reservation.state", state, sizeof state);
    JUDGE(race, "C4", strcmp(state, "held") == 0, "a line of %lld is %s", (long long)units, state);
    return units;
}

static void judge_units(struct race *race, struct meeting *meeting)
{
    meeting->dropped = dropped(race, meeting, MERGER) + dropped(race, meeting, SECOND_MERGER);
    meeting->guest_ordered = ordered(race, meeting, GUEST);
    meeting->customer_ordered = ordered(race, meeting, CUSTOMER);
    int64_t carts[] = {in_cart(race, meeting->customer, meeting),
        in_cart(race, meeting->rival, meeting), in_cart(race, meeting->guest, meeting)};
    int64_t all = meeting->guest_ordered + meeting->customer_ordered + carts[0] + carts[1];
    struct numbers numbers = race_stock(race, meeting->sku);
    JUDGE(race, "C4", carts[2] == 0, "the guest's cart is empty: %lld", (long long)carts[2]);
    JUDGE(race, "V2, V4", numbers.held + numbers.sold == all, "%lld in carts and orders",
        (long long)all);
    JUDGE(race, "C4", all + meeting->dropped == meeting->units + GUEST_UNITS,
        "%lld units, %lld dropped", (long long)all, (long long)meeting->dropped);
    JUDGE(race, "C4", carts[1] == 0 || carts[1] == GUEST_UNITS, "a rival gets all of it");
    JUDGE(race, "Q1", !meeting->limited || meeting->customer_ordered + carts[0] <= LIMIT,
        "the limit");
    race_count(race,
        meeting->guest_ordered > 0                            ? "guest first"
        : carts[1] > 0                                        ? "rival first"
        : meeting->customer_ordered > (int64_t)meeting->units ? "merge then order"
        : meeting->customer_ordered > 0                       ? "order then merge"
                                                              : "in the cart",
        1);
}

static void cancel(struct race *race, struct meeting *meeting, enum actor actor, int64_t units)
{
    char id[ORDER_ID_SIZE_TEXT];
    struct wire *wire = meeting->wire[actor];
    if (units == 0)
        return;
    wire_text(wire, "id", id, sizeof id);
    ask_cancel(wire, actor == GUEST ? meeting->guest : meeting->customer, id, "c");
    wires_settle(&race->front);
    JUDGE(race, "O1", wire->status == 200, "a cancel");
}

/* All go, and the customer begins anew. */
static void judge_end(struct race *race, struct meeting *meeting)
{
    cancel(race, meeting, GUEST, meeting->guest_ordered);
    cancel(race, meeting, CUSTOMER, meeting->customer_ordered);
    ask_clear(meeting->wire[MERGER], meeting->customer);
    ask_clear(meeting->wire[SECOND_MERGER], meeting->rival);
    wires_settle(&race->front);
    JUDGE(race, "V4", race_stock(race, meeting->sku).available == STOCK, "all are on sale again");
    if (!meeting->limited || meeting->guest_ordered > 0)
        return;
    ask_put(meeting->wire[CUSTOMER], meeting->customer, meeting->sku, LIMIT);
    wires_settle(&race->front);
    JUDGE(race, "Q4", meeting->wire[CUSTOMER]->status == 200, "the allowance is back");
}

void run_merge(const struct race_options *options)
{
    struct race race;
    struct offer_terms terms = {.stock = STOCK, .reserve_on_cart = true};
    race_open(&race, options, MERGE_WIRES);
    race_sell(&race, 0, 1, &terms);
    terms.limit = LIMIT;
    race_sell(&race, 1, 1, &terms);
    for (race.round = 0; race.round < options->rounds; race.round++) {
        struct meeting meeting = meet(&race);
        act_at_once(&race, &meeting);
        judge_units(&race, &meeting);
        judge_end(&race, &meeting);
    }
    race_end(&race);
}
