/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payment providers: they report right and wrong, twice, late and out of order.
 */
#include "tests/simulate/actors_parts.h"
#include "tests/simulate/model_parts.h"

static void choose_payment(struct world *world, const struct sold_order *order, struct ask *ask)
{
    if (order != NULL && order->payment_count > 0 && once_in(world, 2)) {
        const struct paying *paying = &order->payments[below(world, order->payment_count)];
        ask->payment = paying->payment;
        ask->refund = paying->refund;
    } else if (once_in(world, 10) && world->payments_given > 0) {
        uint32_t back = world->payments_given < 60 ? world->payments_given : 60;
        ask->payment = (world->payments_given - 1 - below(world, back)) % PAYMENTS_AT_MOST;
    } else {
        ask->payment = world->payments_given++ % PAYMENTS_AT_MOST;
    }
    if (ask->refund == 0 || once_in(world, 2))
        ask->refund = 1 + world->payments_given;
}

/* The bank's page added shipping, or says again what stands (K7). */
static void bank_adjusts(struct world *world, const struct sold_order *order, struct ask *ask)
{
    if (once_in(world, 8)) {
        ask->adjusting = some_adjustments(world);
        wide total = (wide)order->items_total + ask->adjusting.sum;
        if (total >= 0 && total <= INT64_MAX)
            ask->amount = (int64_t)total;
    } else if (once_in(world, 8)) {
        ask->adjusting.set = true;
        ask->adjusting.size = order->adjustment_size;
        ask->adjusting.sum = order->total - order->items_total;
    }
}

void bank_reports(struct world *world)
{
    struct ask ask = {.kind = COMMAND_PAYMENT, .role = ROLE_SERVICE, .customer = NOBODY};
    some_order(world, &ask);
    const struct sold_order *order = order_asked(world, &ask);
    ask.result = (uint8_t)(once_in(world, 2) ? RESULT_CAPTURED : 1 + below(world, 6));
    if (order != NULL && order->status == ORDER_PENDING_PAYMENT && once_in(world, 3))
        ask.result = (uint8_t)(once_in(world, 2) ? RESULT_PENDING : RESULT_DECLINED);
    ask.currency = 1;
    ask.amount = 1;
    choose_payment(world, order, &ask);
    if (order != NULL) {
        ask.currency = order->currency;
        ask.amount = order->total;
        bank_adjusts(world, order, &ask);
        if (ask.result != RESULT_REFUNDED && order->refund_due > 0 && once_in(world, 3))
            ask.result = RESULT_REFUNDED;
        if (ask.result == RESULT_REFUNDED && order->refund_due > 0)
            ask.amount = once_in(world, 3) && order->refund_due < 1000000
                             ? 1 + (int64_t)below(world, (uint32_t)order->refund_due)
                             : order->refund_due;
        if (once_in(world, 30))
            ask.customer = order->customer + (once_in(world, 2) && order->customer == 0);
    }
    if (once_in(world, 30))
        ask.amount += ask.amount < INT64_MAX;
    if (once_in(world, 60))
        ask.currency = 3 - ask.currency;
    if (once_in(world, 100))
        ask.role = ROLE_CUSTOMER;
    world_ask(world, &ask);
}
