/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cancel frees what is unpaid, and restocks what was confirmed, whole or in part. Its key lives
 * with the order (I2); the same key answers with the order of today.
 */
#include "core/bugs.h"
#include "core/check.h"
#include "core/decide_money.h"
#include "core/key_hash.h"

static enum outcome cancel_allowed(const struct decision *decision, const struct order *order)
{
    const struct command *command = decision->command;
    if (command->role != ROLE_CUSTOMER)
        return OUTCOME_OK;
    if (command->restock_none)
        return OUTCOME_FORBIDDEN;
    /* As a hold at its deadline, the right to cancel is over at that very millisecond. */
    if (order->status == ORDER_CONFIRMED && decision->now->wall_ms >= order->cancel_until_wall_ms)
        return OUTCOME_INVALID_TRANSITION;
    return OUTCOME_OK;
}

/* Lines named by the caller: each at most what is left of it; all that is left without lines. */
static enum outcome cancel_lines(const struct command *command, struct event *event, bool *whole)
{
    struct event_line *lines = (struct event_line *)event->lines;
    for (uint32_t i = 0; i < event->line_count; i++)
        lines[i].moved = command->item_count == 0 ? lines[i].quantity - lines[i].cancelled : 0;
    for (uint32_t i = 0; i < command->item_count; i++) {
        const struct command_item *item = &command->items[i];
        if (item->line == 0 || item->line > event->line_count)
            return OUTCOME_INVALID;
        struct event_line *line = &lines[item->line - 1];
        uint32_t left = line->quantity - line->cancelled - line->moved;
        if (item->quantity > left)
            return OUTCOME_INVALID;
        line->moved += item->quantity;
    }
    *whole = true;
    for (uint32_t i = 0; i < event->line_count; i++)
        *whole = *whole && lines[i].cancelled + lines[i].moved == lines[i].quantity;
    return OUTCOME_OK;
}

static void cancel_apply_lines(struct event *event, bool restock)
{
    struct event_line *lines = (struct event_line *)event->lines;
    for (uint32_t i = 0; i < event->line_count; i++) {
        lines[i].cancelled += lines[i].moved;
        lines[i].uncounted = lines[i].moved;
        lines[i].restocked += restock ? lines[i].moved : 0;
        /* What is not restocked stays sold: no unit moves. */
        lines[i].moved = restock ? lines[i].moved : 0;
        if (bug(BUG_CANCEL_STRANDS) && lines[i].cancelled < lines[i].quantity)
            lines[i].moved = 0;
    }
}

static enum outcome cancel_refused(struct decision *decision, enum outcome outcome)
{
    image_reset(decision->engine, decision->event);
    return decision_bound(decision, outcome, "lines", 0);
}

static enum outcome cancel_confirmed(struct decision *decision, uint32_t order_index)
{
    struct event *event = decision->event;
    bool whole = false, restock = !decision->command->restock_none;
    order_event_begin(decision, order_index, EVENT_ORDER_LINES_CANCELLED);
    struct fact_order *fact = &event->fact.order;
    enum outcome outcome = cancel_lines(decision->command, event, &whole);
    if (outcome != OUTCOME_OK)
        return cancel_refused(decision, outcome);
    int64_t before = money_of_cancelled(event);
    cancel_apply_lines(event, restock);
    int64_t due = fact->paid_wall_ms != 0 ? money_of_cancelled(event) - before : 0;
    CHECK(due >= 0);
    if (__builtin_add_overflow(fact->refund_due, due, &fact->refund_due))
        return cancel_refused(decision, OUTCOME_INVALID);
    fact->move = restock ? MOVE_RESTOCK : MOVE_NONE;
    if (whole) {
        bool is_due = fact->refund_due > 0;
        event->kind = is_due ? EVENT_ORDER_REFUND_REQUIRED : EVENT_ORDER_CANCELLED;
        fact->status = is_due ? ORDER_REFUND_REQUIRED : ORDER_CANCELLED;
    }
    return OUTCOME_OK;
}

/* Of an order that is not confirmed all or nothing is cancelled. */
static enum outcome cancel_open(struct decision *decision, uint32_t order_index)
{
    struct event *event = decision->event;
    bool whole = false;
    image_order(decision->engine, order_index, event);
    enum outcome outcome = cancel_lines(decision->command, event, &whole);
    if (outcome != OUTCOME_OK)
        return cancel_refused(decision, outcome);
    image_reset(decision->engine, event);
    if (!whole)
        return OUTCOME_INVALID_TRANSITION;
    order_event_close(decision, order_index);
    return OUTCOME_OK;
}

/* The latest end of the sales of an order's lines. */
static int64_t cancel_ends(const struct decision *decision)
{
    const struct engine *engine = decision->engine;
    const struct event *event = decision->event;
    int64_t latest = 0;
    for (uint32_t i = 0; i < event->line_count; i++) {
        uint32_t number = event->lines[i].sku_number;
        uint32_t sku_index = catalog_find_number(&engine->shelf->catalog, number);
        if (sku_index == SKU_NONE)
            continue;
        struct selling selling;
        selling_terms(engine, sku_index, &selling);
        int64_t ends = selling_ends(&selling);
        latest = ends > latest ? ends : latest;
    }
    return latest;
}

static void cancel_note(struct decision *decision, struct hash128 key)
{
    const struct command *command = decision->command;
    struct event *event = decision->event;
    event->fact.order.key_hash = key;
    event->fact.order.request_hash = command_hash(command);
    event->fact.order.keep_shelf_ms = decision_keep_ms(decision, cancel_ends(decision));
    event->text[TEXT_KEY] = command->key;
    event->text[TEXT_ACTOR] = command->actor;
    event->text[TEXT_REASON] = command->reason;
}

enum outcome decide_cancel(struct decision *decision)
{
    const struct command *command = decision->command;
    struct engine *engine = decision->engine;
    CHECK(command->key.size > 0);
    uint32_t order_index = order_find(engine, command->order_id);
    if (order_index == NONE || !order_may_see(engine, order_index, command))
        return OUTCOME_NOT_FOUND;
    decision->answer->order_index = order_index;
    struct hash128 key = key_of_cancel(command->order_id, command->key);
    uint32_t key_index = key_find(engine, key);
    if (key_index != NONE) {
        const struct request_key *entry = pool_at(&engine->keys, key_index);
        if (!key_is_of(entry, command_hash(command)))
            return OUTCOME_KEY_REUSED;
        decision->answer->replayed = true;
        return OUTCOME_OK;
    }
    const struct order *order = order_at(engine, order_index);
    enum outcome outcome = cancel_allowed(decision, order);
    if (outcome != OUTCOME_OK)
        return outcome;
    if (pool_room(&engine->keys) == 0)
        return decision_full(decision, "idempotency_keys");
    if (order->status == ORDER_CONFIRMED && decision->now->journal_full)
        return OUTCOME_JOURNAL_FULL;
    if (order->status == ORDER_CONFIRMED)
        outcome = cancel_confirmed(decision, order_index);
    else if (order_is_open(order->status))
        outcome = cancel_open(decision, order_index);
    else
        outcome = OUTCOME_INVALID_TRANSITION;
    if (outcome == OUTCOME_OK)
        cancel_note(decision, key);
    return outcome;
}
