/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A merchant decides about an order in review. Approved, it waits for its payment as a new order
 * does, with the whole time to pay from now on, also past max_life: it could not be paid before. A
 * deferred order and one that is paid or authorized is confirmed at once. Declined, it ends as at
 * the deadline (P11). The same decision again finds the order as it is.
 */
#include "core/check.h"
#include "core/decide_money.h"

static void review_approve(struct decision *decision, uint32_t order_index)
{
    const struct order *order = order_at(decision->engine, order_index);
    if (order->mode == PAYMENT_DEFERRED || money_has_own(decision->engine, order)) {
        order_event_begin(decision, order_index, EVENT_ORDER_CONFIRMED);
        order_event_due(decision, 0);
        order_event_confirm(decision);
        order_event_move(decision->event, MOVE_SELL);
        return;
    }
    order_event_begin(decision, order_index, EVENT_ORDER_REVIEW);
    decision->event->fact.order.status = ORDER_PENDING_PAYMENT;
    order_event_due(decision, decision->now->shelf_ms + order->payment_seconds * 1000ull);
    order_event_note_releases(decision);
}

enum outcome decide_review(struct decision *decision)
{
    const struct command *command = decision->command;
    struct engine *engine = decision->engine;
    CHECK(command->review_decision == RISK_APPROVE || command->review_decision == RISK_DECLINE);
    if (command->role != ROLE_OPERATOR)
        return OUTCOME_FORBIDDEN;
    uint32_t order_index = order_find(engine, command->order_id);
    if (order_index == NONE)
        return OUTCOME_NOT_FOUND;
    decision->answer->order_index = order_index;
    const struct order *order = order_at(engine, order_index);
    if (order->review_decision == command->review_decision)
        return OUTCOME_OK;
    if (order->status != ORDER_REVIEW)
        return OUTCOME_INVALID_TRANSITION;
    if (command->review_decision == RISK_APPROVE)
        review_approve(decision, order_index);
    else
        order_event_close(decision, order_index);
    decision->event->fact.order.review_decision = command->review_decision;
    decision->event->text[TEXT_ACTOR] = command->actor;
    decision->event->text[TEXT_REASON] = command->reason;
    return OUTCOME_OK;
}
