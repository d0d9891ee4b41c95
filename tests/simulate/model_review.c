/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders in review: P11, O3.
 */
#include "tests/simulate/model_parts.h"

void expect_review(const struct model *model, const struct ask *ask, struct expect *expect)
{
    const struct sold_order *order = model_order(model, ask->order_slot, ask->order_id);
    if (ask->role != ROLE_OPERATOR) {
        expect->refusals = BIT(OUTCOME_FORBIDDEN);
        return;
    }
    if (order == NULL) {
        expect->refusals = BIT(OUTCOME_NOT_FOUND);
        return;
    }
    expect->order = ask->order_slot;
    if (order->review_decision == ask->risk)
        return;
    expect->has_effect = true;
    if (order->status != ORDER_REVIEW)
        expect->refusals = BIT(OUTCOME_INVALID_TRANSITION);
}

void order_confirms(const struct model *model, struct sold_order *order)
{
    order->status = ORDER_CONFIRMED;
    if (order->confirmed_wall_ms != 0)
        return;
    order->confirmed_wall_ms = model->now.wall_ms;
    order->cancel_until_wall_ms = model->now.wall_ms + (int64_t)model->policy.cancel_seconds * 1000;
}

void order_closes(struct model *model, uint32_t shard, struct sold_order *order)
{
    struct buyer *buyer = buyer_change(model, shard, order->customer);
    order_units_leave(model, shard, order, WAY_FREE);
    for (uint32_t i = 0; i < order->line_count; i++)
        order->lines[i].cancelled = order->lines[i].quantity;
    if (order->status == ORDER_REVIEW)
        order->due_shelf_ms = 0;
    if (order->paid_wall_ms != 0)
        order->refund_due += order->total;
    bool due = order->refund_due > 0;
    order->status = due ? ORDER_REFUND_REQUIRED : ORDER_CANCELLED;
    model->happened = due ? EVENT_ORDER_REFUND_REQUIRED : EVENT_ORDER_CANCELLED;
    buyer->open_orders--;
}

static void approve(struct model *model, uint32_t shard, struct sold_order *order)
{
    struct buyer *buyer = buyer_change(model, shard, order->customer);
    if (order->mode != PAYMENT_DEFERRED && !has_own_money(order)) {
        order->status = ORDER_PENDING_PAYMENT;
        order->due_shelf_ms = model->now.shelf_ms + order->payment_seconds * UINT64_C(1000);
        model->happened = EVENT_ORDER_REVIEW;
        return;
    }
    order_units_leave(model, shard, order, WAY_SELL);
    order->due_shelf_ms = 0;
    order_confirms(model, order);
    model->happened = EVENT_ORDER_CONFIRMED;
    buyer->open_orders--;
}

void happen_review(
    struct model *model, uint32_t shard, const struct ask *ask, const struct seen *seen)
{
    struct sold_order *order = order_change(model, shard, ask->order_slot);
    if (ask->risk == RISK_APPROVE)
        approve(model, shard, order);
    else
        order_closes(model, shard, order);
    order->review_decision = ask->risk;
    order->version++;
    order->changed_shelf_ms = model->now.shelf_ms;
    order->stream_seq = seen->stream_seq;
}
