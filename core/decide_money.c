/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first money of an order is its own, whatever came of the order before; all other money is due
 * back. An authorization counts for confirming and is not paid: what is due back of it is due once,
 * however often it is reported.
 */
#include "core/decide_money.h"

#include "core/check.h"

enum { MONEY_RESULTS = 1u << RESULT_AUTHORIZED | 1u << RESULT_CAPTURED };

bool money_is_own(const struct payment *payment)
{
    return payment->results & MONEY_RESULTS && !(payment->results & PAYMENT_DUE_BACK);
}

bool money_has_own(const struct engine *engine, const struct order *order)
{
    uint32_t link = order->payments_first;
    for (uint32_t i = 0; i < order->payment_count; i++) {
        const struct payment *payment = pool_at(&engine->payments, link - 1);
        if (money_is_own(payment))
            return true;
        link = payment->next;
    }
    return false;
}

bool money_has_any(const struct engine *engine, const struct order *order)
{
    uint32_t link = order->payments_first;
    for (uint32_t i = 0; i < order->payment_count; i++) {
        const struct payment *payment = pool_at(&engine->payments, link - 1);
        if (payment->results & MONEY_RESULTS)
            return true;
        link = payment->next;
    }
    return false;
}

int64_t money_of_cancelled(const struct event *event)
{
    int64_t value = 0, total = event->fact.order.total;
    bool whole = true;
    for (uint32_t i = 0; i < event->line_count; i++) {
        const struct event_line *line = &event->lines[i];
        value += line->unit_price * (int64_t)line->cancelled;
        whole = whole && line->cancelled == line->quantity;
    }
    return whole || value > total ? total : value;
}

static enum outcome money_overflows(struct decision *decision)
{
    image_reset(decision->engine, decision->event);
    return decision_bound(decision, OUTCOME_INVALID, "amount", INT64_MAX);
}

/* Captured money of the order's own; false: its sum is beyond 64 bits. */
static bool take_payment(const struct decision *decision, struct fact_order *fact)
{
    if (decision->command->result != RESULT_CAPTURED)
        return true;
    fact->paid_wall_ms = decision->now->wall_ms;
    return !__builtin_add_overflow(fact->paid, decision->command->amount, &fact->paid);
}

enum outcome money_confirms(struct decision *decision, uint32_t order_index)
{
    order_event_begin(decision, order_index, EVENT_ORDER_CONFIRMED);
    struct fact_order *fact = &decision->event->fact.order;
    order_event_confirm(decision);
    /* What was cancelled before the money came is due back at once. */
    bool captured = decision->command->result == RESULT_CAPTURED;
    int64_t due = captured ? money_of_cancelled(decision->event) : 0;
    if (!take_payment(decision, fact) ||
        __builtin_add_overflow(fact->refund_due, due, &fact->refund_due))
        return money_overflows(decision);
    return OUTCOME_OK;
}

/* An authorization that was counted is not counted again when it is captured, unless it was given
 * back meanwhile. */
enum outcome money_comes_back(
    struct decision *decision, uint32_t order_index, const struct payment *known)
{
    bool counted = known != NULL && known->results & PAYMENT_DUE_BACK;
    order_event_begin(decision, order_index, EVENT_ORDER_REFUND_REQUIRED);
    struct fact_order *fact = &decision->event->fact.order;
    int64_t amount = decision->command->amount;
    int64_t due = counted && fact->status != ORDER_REFUNDED ? 0 : amount;
    if (__builtin_add_overflow(fact->refund_due, due, &fact->refund_due) ||
        (decision->command->result == RESULT_CAPTURED &&
            __builtin_add_overflow(fact->paid, amount, &fact->paid)))
        return money_overflows(decision);
    /* An order that stands goes on standing; nothing is due of an order that costs nothing. */
    if (fact->status == ORDER_CONFIRMED || fact->status == ORDER_REVIEW)
        return OUTCOME_OK;
    if (fact->refund_due > 0)
        fact->status = ORDER_REFUND_REQUIRED;
    return OUTCOME_REFUND_REQUIRED;
}

enum outcome money_in_review(
    struct decision *decision, uint32_t order_index, const struct payment *known)
{
    struct engine *engine = decision->engine;
    const struct order *order = order_at(engine, order_index);
    struct fact_order *fact = &decision->event->fact.order;
    bool own = (known != NULL && money_is_own(known)) || !money_has_own(engine, order);
    if (!own) {
        enum outcome outcome = money_comes_back(decision, order_index, known);
        if (outcome != OUTCOME_OK)
            return outcome;
    } else {
        order_event_begin(decision, order_index, EVENT_ORDER_REVIEW);
        if (!take_payment(decision, fact))
            return money_overflows(decision);
    }
    /* A decline adds the order's own money, and nobody is there then to be refused. */
    int64_t most;
    if (__builtin_add_overflow(fact->refund_due, fact->total, &most))
        return money_overflows(decision);
    return OUTCOME_OK;
}
