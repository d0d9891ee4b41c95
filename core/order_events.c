/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all events of an order begin with: its image, one version further, with the clocks of now.
 * Who decides then changes in it what is to change. An open order ends in one way whoever ends it:
 * its units come back, and money that was taken meanwhile is due back (P6, P11).
 */
#include "core/check.h"
#include "core/engine_steps.h"

/* A report that replaces the adjustments was found to fit; see decide_payment.c. */
static void take_adjustments(const struct decision *decision, struct event *event)
{
    struct fact_order *fact = &event->fact.order;
    CHECK(!fact->adjusted);
    fact->adjusted = 1;
    fact->total = decision->total;
    event->text[TEXT_ADJUSTMENTS_BORN] = event->text[TEXT_ADJUSTMENTS];
    event->text[TEXT_ADJUSTMENTS] = decision->command->adjustments;
}

/* Whether a text finds room in place of an order's; takes it off the room. */
static bool text_is_lost(
    const struct engine *engine, struct text text, struct bytes bytes, uint32_t *room)
{
    if (text_equal(&engine->texts, text, bytes))
        return false;
    *room += text_blocks(text.size);
    if (text_blocks(bytes.size) > *room)
        return true;
    *room -= text_blocks(bytes.size);
    return false;
}

/* In the order in which apply puts them. */
static uint8_t texts_lost(
    const struct decision *decision, const struct order *order, const struct event *event)
{
    const struct engine *engine = decision->engine;
    uint32_t room = text_room(&engine->texts);
    uint8_t lost = 0;
    if (decision->adjusts)
        room -= text_blocks(event->text[TEXT_ADJUSTMENTS].size);
    if (text_is_lost(engine, order->provider, event->text[TEXT_PROVIDER], &room))
        lost |= ORDER_TEXT_PROVIDER;
    if (text_is_lost(engine, order->payment_id, event->text[TEXT_PAYMENT_ID], &room))
        lost |= ORDER_TEXT_PAYMENT_ID;
    return lost;
}

static void take_report(
    const struct decision *decision, const struct order *order, struct event *event)
{
    const struct command *command = decision->command;
    event->fact.order.amount = command->amount;
    event->fact.order.result = command->result;
    event->text[TEXT_PROVIDER] = command->provider;
    event->text[TEXT_PAYMENT_ID] = command->payment_id;
    if (command->result == RESULT_REFUNDED)
        event->text[TEXT_REFUND_ID] = command->refund_id;
    if (decision->adjusts)
        take_adjustments(decision, event);
    event->fact.order.texts_lost = texts_lost(decision, order, event);
}

void order_event_begin(struct decision *decision, uint32_t order_index, enum event_kind kind)
{
    const struct command *command = decision->command;
    struct event *event = decision->event;
    const struct moment *now = decision->now;
    image_order(decision->engine, order_index, event);
    event->kind = kind;
    struct fact_order *fact = &event->fact.order;
    const struct order *order = order_at(decision->engine, order_index);
    fact->now_shelf_ms = now->shelf_ms;
    fact->now_wall_ms = now->wall_ms;
    fact->cart_version = customer_at(decision->engine, order->customer_index)->cart_version;
    order_event_due(decision, fact->payment_due_shelf_ms);
    if (command != NULL && command->kind == COMMAND_PAYMENT)
        take_report(decision, order, event);
    fact->version++;
    decision_stream(decision, 1);
}

void order_event_due(struct decision *decision, uint64_t due_shelf_ms)
{
    const struct moment *now = decision->now;
    struct fact_order *fact = &decision->event->fact.order;
    fact->payment_due_shelf_ms = due_shelf_ms;
    fact->payment_due_wall_ms = 0;
    if (due_shelf_ms > now->shelf_ms)
        fact->payment_due_wall_ms = decision_wall_of(decision, due_shelf_ms);
}

void order_event_move(struct event *event, enum stock_move move)
{
    struct event_line *lines = (struct event_line *)event->lines;
    event->fact.order.move = (uint8_t)move;
    for (uint32_t i = 0; i < event->line_count; i++) {
        lines[i].moved = lines[i].quantity - lines[i].cancelled;
        lines[i].uncounted = move == MOVE_SELL ? 0 : lines[i].moved;
    }
}

void order_event_cancel(struct event *event, enum stock_move move)
{
    struct event_line *lines = (struct event_line *)event->lines;
    order_event_move(event, move);
    event->fact.order.status = ORDER_CANCELLED;
    for (uint32_t i = 0; i < event->line_count; i++) {
        lines[i].cancelled += lines[i].moved;
        if (move == MOVE_RESTOCK)
            lines[i].restocked += lines[i].moved;
    }
}

void order_event_confirm(struct decision *decision)
{
    struct fact_order *fact = &decision->event->fact.order;
    fact->status = ORDER_CONFIRMED;
    if (fact->confirmed_wall_ms != 0)
        return;
    fact->confirmed_wall_ms = decision->now->wall_ms;
    fact->cancel_until_wall_ms =
        decision->now->wall_ms + (int64_t)decision->engine->policy.cancel_seconds * 1000;
}

void order_event_close(struct decision *decision, uint32_t order_index)
{
    order_event_begin(decision, order_index, EVENT_ORDER_CANCELLED);
    struct event *event = decision->event;
    struct fact_order *fact = &event->fact.order;
    CHECK(order_is_open(fact->status));
    order_event_cancel(event, MOVE_GIVE);
    if (fact->status_before == ORDER_REVIEW)
        order_event_due(decision, 0);
    if (fact->paid_wall_ms != 0) {
        bool too_large = __builtin_add_overflow(fact->refund_due, fact->total, &fact->refund_due);
        CHECK(!too_large); /* money in review is refused before it comes to that */
    }
    if (fact->refund_due == 0)
        return;
    event->kind = EVENT_ORDER_REFUND_REQUIRED;
    fact->status = ORDER_REFUND_REQUIRED;
}

void order_event_note_releases(struct decision *decision)
{
    struct shelf *shelf = decision->engine->shelf;
    const struct event *event = decision->event;
    for (uint32_t i = 0; i < event->line_count; i++) {
        uint32_t sku_index = catalog_find_number(&shelf->catalog, event->lines[i].sku_number);
        if (sku_index != SKU_NONE)
            stock_note_release(&shelf->stock, sku_index, event->fact.order.payment_due_shelf_ms,
                decision->now->shelf_ms);
    }
}

void decide_order_due(struct decision *decision, uint32_t order_index)
{
    /* No decision by now is a decline (P11). */
    if (order_at(decision->engine, order_index)->status == ORDER_REVIEW) {
        order_event_close(decision, order_index);
        decision->event->fact.order.review_decision = RISK_DECLINE;
        return;
    }
    order_event_begin(decision, order_index, EVENT_ORDER_EXPIRED);
    order_event_move(decision->event, MOVE_GIVE);
    decision->event->fact.order.status = ORDER_EXPIRED;
}
