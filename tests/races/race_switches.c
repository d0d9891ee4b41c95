/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The merchant stops selling while a crowd takes units, checks out and pays: after his reply nobody
 * gets a unit more, and what was his before is still what the rules say (W3 to W6).
 *
 *     pause    a SKU, or its sale, which each program has for itself
 *     kill     the same; the reply tells exactly what came back
 *     freeze   everything: frozen, paused or killed, so one program at a time
 *
 *     crowd    | take | more | check out | pay | ..
 *     merchant       |---- pause ----|look|        judge       |- resume -|
 *
 * He looks at the counters as soon as he has his reply, and again when the crowd is answered: no
 * unit was taken in between, also by none who asked before.
 */
#include <stdio.h>
#include <string.h>

#include "tests/races/race.h"

enum {
    CROWD_WIRES = 8,
    BUYERS_MAX = 256,
    STOCK = 2000,
    UNITS_MAX = 2,
    ASKS_BEFORE_MAX = 2, /* the merchant asks after so many answers a wire, at most */
    ASKS_DURING = 3,     /* of each wire, while he waits for his reply */
    ASKS_AFTER = 2,      /* and after it */
};

enum action { PAUSE, FREEZE, KILL };
enum scope { SCOPE_OF_SKU, SCOPE_OF_SALE, SCOPE_OF_ALL };

static const char *const action_names[] = {[PAUSE] = "pause", [FREEZE] = "freeze", [KILL] = "kill"};

struct stop {
    enum action action;
    enum scope scope;
};

struct plan {
    struct stop stops[4]; /* in turn */
    uint32_t count;
};

static const struct plan plan_pause = {
    .stops = {{PAUSE, SCOPE_OF_SKU}, {PAUSE, SCOPE_OF_SALE}}, .count = 2};
static const struct plan plan_kill = {
    .stops = {{KILL, SCOPE_OF_SKU}, {KILL, SCOPE_OF_SALE}}, .count = 2};
static const struct plan plan_freeze = {.stops = {{FREEZE, SCOPE_OF_ALL}, {PAUSE, SCOPE_OF_ALL},
                                            {FREEZE, SCOPE_OF_ALL}, {KILL, SCOPE_OF_ALL}},
    .count = 4};

/* A buyer is one customer with one cart and at most one order. */
enum has { HAS_NOTHING, HAS_HOLD, HAS_UNPAID, HAS_BOUGHT };
enum move { TAKE_HOLD, TAKE_ORDER, TAKE_NOW, TAKE_MORE, CHECK_OUT, PAY };

struct buyer {
    char customer[NAME_SIZE], order_id[ORDER_ID_SIZE_TEXT];
    enum has has;
    uint32_t units;
    enum move move; /* asked and not answered */
    uint32_t wants;
    uint32_t keys;
    bool refund;          /* paid for an order that the kill had cancelled */
    int64_t remaining_ms; /* of a frozen hold */
};

struct crowd {
    struct race *race;
    struct stop stop;
    char sku[NAME_SIZE], scope[NAME_SIZE + 8];
    struct buyer buyers[BUYERS_MAX];
    uint32_t buyer_count;
    uint32_t asks_during[CROWD_WIRES], asks_after[CROWD_WIRES];
    uint32_t answers, answers_before;
    bool asked, stopped, looked;
    uint64_t stopped_ns;
    struct numbers at_reply; /* looked at after it */
    int64_t released, cancelled;
};

/* What was left by earlier rounds and is in the scope of a kill of their sale. */
struct leftover {
    int64_t units, orders;
};

static bool takes(enum move move)
{
    return move == TAKE_HOLD || move == TAKE_ORDER || move == TAKE_NOW || move == TAKE_MORE;
}

static enum move next_move(struct race *race, const struct buyer *buyer)
{
    switch (buyer->has) {
    case HAS_NOTHING:
        return (enum move)(TAKE_HOLD + dice_below(&race->dice, 3));
    case HAS_HOLD:
        return dice_below(&race->dice, 2) == 0 ? TAKE_MORE : CHECK_OUT;
    case HAS_UNPAID:
    case HAS_BOUGHT:
        break;
    }
    return PAY;
}

static void ask_buyer(struct crowd *crowd, struct wire *wire, struct buyer *buyer)
{
    char key[16], body[BODY_SIZE], id[NAME_SIZE + 8];
    buyer->move = next_move(crowd->race, buyer);
    buyer->wants =
        buyer->units + (takes(buyer->move) ? 1 + dice_below(&crowd->race->dice, UNITS_MAX) : 0);
    snprintf(key, sizeof key, "k%u", buyer->keys++);
    snprintf(id, sizeof id, "pay-%s", buyer->customer);
    wire->owner = buyer;
    switch (buyer->move) {
    case TAKE_HOLD:
    case TAKE_MORE:
        ask_put(wire, buyer->customer, crowd->sku, buyer->wants);
        break;
    case TAKE_ORDER:
    case TAKE_NOW:
        ask_checkout(wire, buyer->customer, key, items_of(body, crowd->sku, buyer->wants),
            buyer->move == TAKE_NOW);
        break;
    case CHECK_OUT:
        ask_checkout(wire, buyer->customer, key, NULL, false);
        break;
    case PAY:
        ask_payment(
            wire, buyer->customer, buyer->order_id, "captured", id, (int64_t)buyer->units * PRICE);
        break;
    }
}

static void new_buyer(struct crowd *crowd, struct wire *wire)
{
    if (crowd->buyer_count == BUYERS_MAX)
        return;
    struct buyer *buyer = &crowd->buyers[crowd->buyer_count];
    race_customer(crowd->race, crowd->buyer_count++, buyer->customer);
    ask_buyer(crowd, wire, buyer);
}

/* What the buyer has now; false when it was refused. */
static bool take_answer(struct buyer *buyer, struct wire *wire)
{
    if (buyer->move == PAY) {
        buyer->refund = wire_is(wire, 409, "refund_required");
        buyer->has = wire->status == 200 ? HAS_BOUGHT : buyer->has;
        return wire->status == 200;
    }
    if (wire->status != 200 && wire->status != 201)
        return false;
    buyer->units = buyer->wants;
    buyer->has = wire->status == 200 ? HAS_HOLD : buyer->move == TAKE_NOW ? HAS_BOUGHT : HAS_UNPAID;
    if (wire->status == 201)
        wire_text(wire, "id", buyer->order_id, sizeof buyer->order_id);
    return true;
}

static void judge_answer(
    const struct crowd *crowd, const struct buyer *buyer, const struct wire *wire, bool granted)
{
    struct race *race = crowd->race;
    bool after = crowd->stopped && wire->asked_ns > crowd->stopped_ns;
    bool killed = crowd->stop.action == KILL;
    if (takes(buyer->move)) {
        JUDGE(race, "W3, W6", !after || !granted, "a take that was asked for after the reply");
        JUDGE(race, "W3", granted || (crowd->asked && wire_is(wire, 503, "paused")), "a refusal");
    } else if (buyer->move == CHECK_OUT) {
        JUDGE(race, "W5", !after || !killed || !granted, "a dead hold was checked out");
        JUDGE(race, "W3, W5", granted || (killed && crowd->asked && wire_is(wire, 503, "paused")),
            "checkout of units already held goes on");
    } else {
        JUDGE(race, "W5, P7", !after || !killed || !granted, "a dead order was paid for");
        JUDGE(race, "W3, P7", granted || (killed && crowd->asked && buyer->refund),
            "confirmations go on");
    }
}

static void ask_merchant(struct crowd *crowd)
{
    crowd->asked = true;
    ask_switch(&crowd->race->desk.wire[0], action_names[crowd->stop.action], crowd->scope);
}

static void go_on(struct crowd *crowd, struct wire *wire, struct buyer *buyer)
{
    uint32_t at = (uint32_t)(wire - crowd->race->front.wire);
    if (crowd->stopped ? crowd->asks_after[at]++ == ASKS_AFTER
                       : crowd->asked && crowd->asks_during[at]++ >= ASKS_DURING)
        return;
    bool done = buyer->has == HAS_BOUGHT || buyer->refund;
    if (done || (buyer->has != HAS_NOTHING && dice_below(&crowd->race->dice, 3) == 0))
        new_buyer(crowd, wire);
    else
        ask_buyer(crowd, wire, buyer);
}

static void on_answer(void *context, struct wire *wire)
{
    struct crowd *crowd = context;
    struct buyer *buyer = wire->owner;
    race_count_answer(crowd->race, wire);
    judge_answer(crowd, buyer, wire, take_answer(buyer, wire));
    crowd->answers++;
    go_on(crowd, wire, buyer); /* first: the merchant's answer may come at once and wake the idle */
    if (!crowd->asked && crowd->answers >= crowd->answers_before)
        ask_merchant(crowd);
}

static void on_desk(void *context, struct wire *wire)
{
    struct crowd *crowd = context;
    struct race *race = crowd->race;
    if (wire != &race->desk.wire[0]) {
        crowd->at_reply = wire_numbers(wire);
        crowd->looked = true;
        return;
    }
    JUDGE(race, "W6", wire->status == 200, "the merchant");
    crowd->stopped = true;
    crowd->stopped_ns = wire->heard_ns;
    crowd->released = wire_number(wire, "released");
    crowd->cancelled = wire_number(wire, "cancelled");
    ask_stock(&race->desk.wire[1], crowd->sku);
    for (uint32_t at = 0; at < CROWD_WIRES; at++)
        if (!race->front.wire[at].waiting)
            go_on(crowd, &race->front.wire[at], race->front.wire[at].owner);
}

static void run_crowd(struct crowd *crowd)
{
    struct race *race = crowd->race;
    race->front.on_answer = on_answer;
    race->desk.on_answer = on_desk;
    race->front.context = race->desk.context = crowd;
    for (uint32_t at = 0; at < CROWD_WIRES; at++)
        new_buyer(crowd, &race->front.wire[at]);
    while (!crowd->looked || race->front.waiting > 0) {
        wires_settle(&race->front);
        wires_settle(&race->desk);
    }
    race->front.on_answer = race->desk.on_answer = NULL;
}

/* Units, and orders that are not paid for. */
static int64_t count_of(const struct crowd *crowd, enum has has, int64_t *orders)
{
    int64_t units = 0;
    for (uint32_t i = 0; i < crowd->buyer_count; i++) {
        const struct buyer *buyer = &crowd->buyers[i];
        units += buyer->has == has ? buyer->units : 0;
        if (orders != NULL)
            *orders += buyer->has == has;
    }
    return units;
}

static void judge_kill(struct crowd *crowd, struct numbers now, struct leftover *left)
{
    struct race *race = crowd->race;
    int64_t orders = 0;
    int64_t units = count_of(crowd, HAS_HOLD, NULL) + count_of(crowd, HAS_UNPAID, &orders);
    JUDGE(race, "W5", crowd->at_reply.held == 0, "the reply comes when all units are back");
    JUDGE(race, "V2, W5", now.held == 0, "held %lld", (long long)now.held);
    if (crowd->stop.scope == SCOPE_OF_ALL) {
        JUDGE(race, "W5", crowd->released >= units && crowd->cancelled >= orders, "%lld, %lld",
            (long long)units, (long long)orders);
        return;
    }
    if (crowd->stop.scope == SCOPE_OF_SALE) {
        units += left->units;
        orders += left->orders;
        *left = (struct leftover){0};
    }
    JUDGE(race, "W5", crowd->released == units && crowd->cancelled == orders, "%lld, %lld",
        (long long)units, (long long)orders);
}

static void judge_numbers(struct crowd *crowd, struct leftover *left)
{
    struct race *race = crowd->race;
    struct numbers now = race_stock(race, crowd->sku), then = crowd->at_reply;
    int64_t held = count_of(crowd, HAS_HOLD, NULL) + count_of(crowd, HAS_UNPAID, NULL);
    JUDGE(race, "W6", now.available == then.available, "%lld when the reply had come, now %lld",
        (long long)then.available, (long long)now.available);
    JUDGE(race, "V2, V3", now.sold == count_of(crowd, HAS_BOUGHT, NULL), "sold %lld",
        (long long)now.sold);
    if (crowd->stop.action == KILL) {
        judge_kill(crowd, now, left);
    } else {
        JUDGE(race, "V2, V4", now.held == held, "held %lld, not %lld", (long long)now.held,
            (long long)held);
    }
}

static void judge_hold(struct crowd *crowd, struct buyer *buyer, struct wire *wire, bool open)
{
    struct race *race = crowd->race;
    char state[16], until[64];
    wire_text(wire, "lines.0.reservation.state", state, sizeof state);
    wire_text(wire, "lines.0.reservation.expires_at", until, sizeof until);
    int64_t left_ms = wire_number(wire, "lines.0.reservation.expires_in_ms");
    bool killed = crowd->stop.action == KILL, frozen = crowd->stop.action == FREEZE && !open;
    JUDGE(race, "W3, W4, W5",
        strcmp(state, killed   ? "expired"
                      : frozen ? "frozen"
                               : "held") == 0,
        "%s", state);
    JUDGE(race, "C2", wire_number(wire, "lines.0.quantity") == buyer->units, "%u", buyer->units);
    if (crowd->stop.action != FREEZE)
        return;
    JUDGE(race, "W4", (until[0] == '\0') == frozen, "%s", until);
    JUDGE(race, "W4", left_ms > 0, "no time is left");
    JUDGE(race, "W4",
        buyer->remaining_ms == 0 ||
            (open ? left_ms <= buyer->remaining_ms : left_ms == buyer->remaining_ms),
        "its clock: %lld ms, then %lld", (long long)buyer->remaining_ms, (long long)left_ms);
    buyer->remaining_ms = left_ms;
}

static void judge_order(
    struct crowd *crowd, const struct buyer *buyer, struct wire *wire, bool open)
{
    struct race *race = crowd->race;
    char status[32], due[64];
    bool killed = crowd->stop.action == KILL, frozen = crowd->stop.action == FREEZE && !open;
    wire_text(wire, "status", status, sizeof status);
    wire_text(wire, "payment_due_at", due, sizeof due);
    const char *expected = buyer->has == HAS_BOUGHT ? "confirmed"
                           : !killed                ? "pending_payment"
                           : buyer->refund          ? "refund_required"
                                                    : "cancelled";
    JUDGE(race, "O3, P7, W5", strcmp(status, expected) == 0, "%s, not %s", status, expected);
    if (buyer->has == HAS_UNPAID && !killed)
        JUDGE(race, "W4", (due[0] == '\0') == frozen, "%s", due);
}

/* What some of the buyers see, while selling is stopped and after. */
static void judge_buyers(struct crowd *crowd, bool open)
{
    struct wire *wires = crowd->race->front.wire;
    uint32_t looks = 0;
    for (uint32_t i = 0; i < crowd->buyer_count && looks < CROWD_WIRES; i++) {
        struct buyer *buyer = &crowd->buyers[i];
        if (buyer->has == HAS_NOTHING)
            continue;
        wires[looks].owner = buyer;
        if (buyer->has == HAS_HOLD)
            ask_cart(&wires[looks++], buyer->customer);
        else
            ask_order(&wires[looks++], buyer->customer, buyer->order_id);
    }
    wires_settle(&crowd->race->front);
    for (uint32_t i = 0; i < looks; i++) {
        struct buyer *buyer = wires[i].owner;
        if (buyer->has == HAS_HOLD)
            judge_hold(crowd, buyer, &wires[i], open);
        else
            judge_order(crowd, buyer, &wires[i], open);
    }
}

/* And whoever asks after the merchant's next reply gets a unit. */
static void resume(struct crowd *crowd, struct leftover *left)
{
    struct race *race = crowd->race;
    struct wire *wire = &race->front.wire[dice_below(&race->dice, CROWD_WIRES)];
    struct wire *desk = &race->desk.wire[0];
    char customer[NAME_SIZE], body[BODY_SIZE];
    struct numbers before = crowd->at_reply;
    ask_switch(desk, "resume", crowd->scope);
    wires_settle(&race->desk);
    JUDGE(race, "W6", desk->status == 200, "a resume");
    race_customer(race, BUYERS_MAX, customer);
    ask_checkout(wire, customer, "k", items_of(body, crowd->sku, 1), true);
    wires_settle(&race->front);
    JUDGE(race, "W6", wire->status == 201, "in force before the reply of the resume leaves");
    struct numbers now = race_stock(race, crowd->sku);
    JUDGE(race, "V4", now.available == before.available - 1, "all else is as it was");
    if (crowd->stop.action != KILL)
        left->units += count_of(crowd, HAS_HOLD, NULL) + count_of(crowd, HAS_UNPAID, &left->orders);
}

static void name_scope(struct crowd *crowd, const char *sale)
{
    switch (crowd->stop.scope) {
    case SCOPE_OF_SKU:
        snprintf(crowd->scope, sizeof crowd->scope, "sku:%s", crowd->sku);
        break;
    case SCOPE_OF_SALE:
        snprintf(crowd->scope, sizeof crowd->scope, "sale:%s", sale);
        break;
    case SCOPE_OF_ALL:
        snprintf(crowd->scope, sizeof crowd->scope, "all");
        break;
    }
}

static void run_plan(const struct race_options *options, const struct plan *plan)
{
    static const char *const scope_names[] = {
        [SCOPE_OF_SKU] = "a SKU", [SCOPE_OF_SALE] = "a sale", [SCOPE_OF_ALL] = "everything"};
    struct race race;
    struct leftover left = {0};
    char sale[NAME_SIZE], words[NAME_SIZE];
    race_open(&race, options, CROWD_WIRES);
    snprintf(sale, sizeof sale, "%s-%llu", options->name, (unsigned long long)options->seed);
    race_sell(
        &race, 0, 1, &(struct offer_terms){.stock = STOCK, .reserve_on_cart = true, .sale = sale});
    for (race.round = 0; race.round < options->rounds; race.round++) {
        struct crowd crowd = {.race = &race,
            .stop = plan->stops[race.round % plan->count],
            .answers_before = 1 + dice_below(&race.dice, ASKS_BEFORE_MAX * CROWD_WIRES)};
        race_sku(&race, race.round, 0, crowd.sku);
        name_scope(&crowd, sale);
        snprintf(words, sizeof words, "%s of %s", action_names[crowd.stop.action],
            scope_names[crowd.stop.scope]);
        race_count(&race, words, 1);
        run_crowd(&crowd);
        judge_numbers(&crowd, &left);
        judge_buyers(&crowd, false);
        if (crowd.stop.action == FREEZE)
            judge_buyers(&crowd, false);
        resume(&crowd, &left);
        if (crowd.stop.action == FREEZE || dice_below(&race.dice, 4) == 0)
            judge_buyers(&crowd, true);
    }
    race_end(&race);
}

void run_pause(const struct race_options *options)
{
    run_plan(options, &plan_pause);
}

void run_kill(const struct race_options *options)
{
    run_plan(options, &plan_kill);
}

void run_freeze(const struct race_options *options)
{
    run_plan(options, &plan_freeze);
}
