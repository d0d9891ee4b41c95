/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cancels: O1, O2, O3, I3.
 */
#include "tests/simulate/model_parts.h"

static uint64_t lines_reason(const struct sold_order *order, const struct ask *ask)
{
    uint32_t asked[ORDER_LINES_AT_MOST] = {0};
    for (uint32_t i = 0; i < ask->item_count; i++) {
        uint32_t line = ask->items[i].line;
        if (line == 0 || line > order->line_count)
            return BIT(OUTCOME_INVALID);
        asked[line - 1] += ask->items[i].quantity;
        if (asked[line - 1] > order->lines[line - 1].quantity - order->lines[line - 1].cancelled)
            return BIT(OUTCOME_INVALID);
    }
    return 0;
}

/* Units of a line that this cancel is about. */
static uint32_t units_asked(const struct sold_order *order, const struct ask *ask, uint32_t index)
{
    if (ask->item_count == 0)
        return order->lines[index].quantity - order->lines[index].cancelled;
    uint32_t units = 0;
    for (uint32_t i = 0; i < ask->item_count; i++)
        units += ask->items[i].line == index + 1 ? ask->items[i].quantity : 0;
    return units;
}

static bool is_whole(const struct sold_order *order, const struct ask *ask)
{
    for (uint32_t i = 0; i < order->line_count; i++) {
        if (units_asked(order, ask, i) + order->lines[i].cancelled != order->lines[i].quantity)
            return false;
    }
    return true;
}

/* What more of its total is due back. */
static int64_t value_asked(const struct sold_order *order, const struct ask *ask)
{
    struct sold_order after = *order;
    for (uint32_t i = 0; i < order->line_count; i++)
        after.lines[i].cancelled += units_asked(order, ask, i);
    return cancelled_value(&after) - cancelled_value(order);
}

static void judge(const struct model *model, const struct ask *ask, const struct sold_order *order,
    struct expect *expect)
{
    bool late =
        order->status == ORDER_CONFIRMED && model->now.wall_ms >= order->cancel_until_wall_ms;
    if (ask->role == ROLE_CUSTOMER && ask->restock_none)
        expect->refusals |= BIT(OUTCOME_FORBIDDEN);
    if (ask->role == ROLE_CUSTOMER && late)
        expect->refusals |= BIT(OUTCOME_INVALID_TRANSITION);
    if (model->used[model->home[order->customer]].keys >= model->capacity.idempotency_keys)
        expect->refusals |= BIT(OUTCOME_CAPACITY_EXHAUSTED);
    if (order->status == ORDER_CONFIRMED && model->now.journal_full)
        expect->refusals |= BIT(OUTCOME_JOURNAL_FULL); /* S5 */
    if (order->status != ORDER_CONFIRMED && !sold_is_open(order)) {
        expect->refusals |= BIT(OUTCOME_INVALID_TRANSITION);
        return;
    }
    uint64_t reason = lines_reason(order, ask);
    if (reason == 0 && sold_is_open(order) && !is_whole(order, ask))
        reason = BIT(OUTCOME_INVALID_TRANSITION);
    expect->refusals |= reason;
    if (expect->refusals == 0 && order->paid_wall_ms != 0 &&
        (wide)order->refund_due + value_asked(order, ask) > INT64_MAX)
        expect->refusals |= BIT(OUTCOME_INVALID);
}

void expect_cancel(const struct model *model, const struct ask *ask, struct expect *expect)
{
    const struct sold_order *order = model_order(model, ask->order_slot, ask->order_id);
    if (order == NULL || (ask->customer != NOBODY && ask->customer != order->customer)) {
        expect->refusals = BIT(OUTCOME_NOT_FOUND);
        return;
    }
    uint32_t shard = model->home[order->customer];
    uint32_t slot = key_of(model, shard, order->first_key, ask->key);
    expect->order = ask->order_slot;
    if (slot != NO_SLOT) {
        expect->replayed = ask_same(&model->keys[shard][slot].ask, ask);
        expect->refusals = expect->replayed ? 0 : BIT(OUTCOME_KEY_REUSED);
        return;
    }
    expect->has_effect = true;
    judge(model, ask, order, expect);
}

static int64_t latest_end(const struct model *model, const struct sold_order *order)
{
    int64_t latest = 0;
    for (uint32_t i = 0; i < order->line_count; i++) {
        int64_t ends = selling_now(model, order->lines[i].sku).ends_wall_ms;
        latest = ends > latest ? ends : latest;
    }
    return latest;
}

static void cancel_confirmed(
    struct model *model, uint32_t shard, struct sold_order *order, const struct ask *ask)
{
    bool whole = true;
    if (order->paid_wall_ms != 0)
        order->refund_due += value_asked(order, ask);
    for (uint32_t i = 0; i < order->line_count; i++) {
        struct sold_line *line = &order->lines[i];
        uint32_t units = units_asked(order, ask, i);
        line->cancelled += units;
        whole = whole && line->cancelled == line->quantity;
        bought_less(model, shard, order, line, units);
        if (ask->restock_none)
            continue;
        line->restocked += units;
        model->units[line->sku].bought -= units;
        record_move(model, shard, WAY_RESTOCK, line->sku, units);
    }
    model->happened = EVENT_ORDER_LINES_CANCELLED;
    if (!whole)
        return;
    bool due = order->refund_due > 0;
    order->status = due ? ORDER_REFUND_REQUIRED : ORDER_CANCELLED;
    model->happened = due ? EVENT_ORDER_REFUND_REQUIRED : EVENT_ORDER_CANCELLED;
}

void happen_cancel(
    struct model *model, uint32_t shard, const struct ask *ask, const struct seen *seen)
{
    struct sold_order *order = order_change(model, shard, ask->order_slot);
    (void)buyer_change(model, shard, order->customer);
    uint64_t keep_shelf_ms = keep_until(model, latest_end(model, order));
    if (sold_is_open(order))
        order_closes(model, shard, order);
    else
        cancel_confirmed(model, shard, order, ask);
    order->version++;
    order->changed_shelf_ms = model->now.shelf_ms;
    order->stream_seq = seen->stream_seq;
    if (keep_shelf_ms > order->keep_shelf_ms)
        order->keep_shelf_ms = keep_shelf_ms;
    key_note(model, shard, &order->first_key, ask, seen, keep_shelf_ms)->order = ask->order_slot;
}
