/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The customer cancels while the payment is reported: in whatever order the two took effect, the
 * order ends where O3 says, its units are on sale again, and what was paid is due back (P7, O3).
 *
 *     captured     payment first: confirmed, then refund_required; cancel first: cancelled, then
 *                  refund_required. All of the money is due back.
 *     authorized   payment first: confirmed, then cancelled, the authorization is void; cancel
 *                  first: refund_required
 *     paid twice   two payments of the same order: twice the money is due back
 */
#include <stdio.h>
#include <string.h>

#include "tests/races/race.h"

enum { CANCEL_WIRES = 24, STOCK = 3, UNITS = 2, TOTAL = UNITS * PRICE };

enum kind { CAPTURED, AUTHORIZED, CAPTURED_TWICE, KINDS };

struct dispute {
    enum kind kind;
    char sku[NAME_SIZE], customer[NAME_SIZE], order_id[ORDER_ID_SIZE_TEXT];
    struct wire *cancel, *payment, *second;
};

static struct dispute begin(struct race *race)
{
    struct dispute dispute = {.kind = (enum kind)(race->round % KINDS)};
    char body[BODY_SIZE];
    uint32_t order[CANCEL_WIRES];
    race_sku(race, race->round, 0, dispute.sku);
    race_customer(race, 0, dispute.customer);
    race_shuffle(race, order, CANCEL_WIRES);
    dispute.cancel = &race->front.wire[order[0]];
    dispute.payment = &race->front.wire[order[1]];
    dispute.second = &race->front.wire[order[2]];
    ask_checkout(dispute.cancel, dispute.customer, "k", items_of(body, dispute.sku, UNITS), false);
    wires_settle(&race->front);
    JUDGE(race, "the set-up", dispute.cancel->status == 201, "%s", dispute.sku);
    wire_text(dispute.cancel, "id", dispute.order_id, sizeof dispute.order_id);
    return dispute;
}

static void ask_one(struct race *race, const struct dispute *dispute, uint32_t which)
{
    char id[NAME_SIZE + 8];
    snprintf(id, sizeof id, "pay-%u-%s", which, dispute->customer);
    const char *result = dispute->kind == AUTHORIZED ? "authorized" : "captured";
    if (which == 0)
        ask_cancel(dispute->cancel, dispute->customer, dispute->order_id, "c");
    else if (which == 1)
        ask_payment(dispute->payment, dispute->customer, dispute->order_id, result, id, TOTAL);
    else if (dispute->kind == CAPTURED_TWICE)
        ask_payment(dispute->second, dispute->customer, dispute->order_id, result, id, TOTAL);
    (void)race;
}

static void race_them(struct race *race, const struct dispute *dispute)
{
    uint32_t order[3];
    race_shuffle(race, order, 3);
    for (uint32_t i = 0; i < 3; i++)
        ask_one(race, dispute, order[i]);
    wires_settle(&race->front);
}

/* What the replies told must be steps of one order of effects. */
static void judge_replies(struct race *race, const struct dispute *dispute)
{
    char told[32];
    struct wire *payment = dispute->payment;
    JUDGE(race, "O1", dispute->cancel->status == 200, "a cancel");
    wire_text(dispute->cancel, "status", told, sizeof told);
    bool cancelled_first = payment->status == 409;
    JUDGE(race, "P7", payment->status == 200 || wire_is(payment, 409, "refund_required"), "-");
    race_count(race, cancelled_first ? "cancel first" : "payment first", 1);
    if (dispute->kind == CAPTURED_TWICE)
        return; /* the second payment may have come between */
    bool due_at_once = !cancelled_first && dispute->kind == CAPTURED;
    JUDGE(race, "O3", strcmp(told, due_at_once ? "refund_required" : "cancelled") == 0, "%s", told);
    wire_text(payment, cancelled_first ? "order_status" : "status", told, sizeof told);
    JUDGE(race, "O3, P7", strcmp(told, cancelled_first ? "refund_required" : "confirmed") == 0,
        "%s", told);
}

static void judge_end(struct race *race, const struct dispute *dispute)
{
    char status[32];
    struct wire *order = dispute->cancel;
    bool void_authorization = dispute->kind == AUTHORIZED && dispute->payment->status == 200;
    int64_t paid = dispute->kind == CAPTURED         ? TOTAL
                   : dispute->kind == CAPTURED_TWICE ? 2 * TOTAL
                                                     : 0;
    int64_t due = dispute->kind == AUTHORIZED && !void_authorization ? TOTAL : paid;
    ask_order(order, dispute->customer, dispute->order_id);
    wires_settle(&race->front);
    wire_text(order, "status", status, sizeof status);
    JUDGE(race, "O3, P7", strcmp(status, due > 0 ? "refund_required" : "cancelled") == 0, "%s",
        status);
    JUDGE(race, "P7", wire_number(order, "paid") == paid, "paid");
    JUDGE(race, "P7", wire_number(order, "refund_due") == due, "refund_due");
    JUDGE(race, "S2", wire_number(order, "version") == 3 + (dispute->kind == CAPTURED_TWICE),
        "one version for each effect");
    struct numbers numbers = race_stock(race, dispute->sku);
    JUDGE(race, "V4, O2", numbers.available == STOCK, "all units on sale again");
    race_count(race, status, 1);
}

void run_cancel(const struct race_options *options)
{
    struct race race;
    race_open(&race, options, CANCEL_WIRES);
    race_sell(&race, 0, 1, &(struct offer_terms){.stock = STOCK});
    for (race.round = 0; race.round < options->rounds; race.round++) {
        struct dispute dispute = begin(&race);
        race_them(&race, &dispute);
        judge_replies(&race, &dispute);
        judge_end(&race, &dispute);
    }
    race_end(&race);
}
