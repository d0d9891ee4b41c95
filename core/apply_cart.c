/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply, for carts: a line is set, loses its hold, has it prolonged, or goes. See apply.c.
 */
#include "core/check.h"
#include "core/engine_steps.h"
#include "core/kills.h"

uint32_t apply_customer(struct engine *engine, const struct event *event, uint64_t now_shelf_ms)
{
    struct bytes id = event->text[TEXT_CUSTOMER];
    uint32_t index = customer_find(engine, id);
    if (index == NONE) {
        index = customer_add(engine, id, now_shelf_ms);
        /* Moved on when it fires and not at each touch: most customers are busy, few are idle. */
        deadlines_set(&engine->deadlines, engine->customers_base + index,
            now_shelf_ms + engine->policy.cart_idle_seconds * 1000ull);
    }
    customer_at(engine, index)->touched_shelf_ms = now_shelf_ms;
    engine->applied_customer = index;
    return index;
}

void hold_set_state(struct engine *engine, uint32_t hold_index, uint8_t state)
{
    struct hold *hold = hold_at(engine, hold_index);
    struct customer *customer = customer_at(engine, hold->customer_index);
    if (hold->state == LINE_HELD) {
        CHECK(customer->live_holds > 0);
        CHECK(engine->live_holds > 0);
        customer->live_holds--;
        engine->live_holds--;
        deadlines_clear(&engine->deadlines, engine->holds_base + hold_index);
    }
    engine->promises.moved_lines -= hold->state == LINE_MOVED;
    engine->promises.moved_lines += state == LINE_MOVED;
    hold->state = state;
    if (state == LINE_HELD) {
        customer->live_holds++;
        engine->live_holds++;
        deadlines_set(&engine->deadlines, engine->holds_base + hold_index, hold->deadline_shelf_ms);
        if (hold->deadline_shelf_ms > engine->promises.latest_shelf_ms)
            engine->promises.latest_shelf_ms = hold->deadline_shelf_ms;
    }
}

void cart_touched(struct engine *engine, uint32_t customer_index, uint32_t version)
{
    struct customer *customer = customer_at(engine, customer_index);
    customer->cart_version = version;
    if (customer->hold_count == 0)
        memset(customer->currency, 0, sizeof(customer->currency));
}

void hold_write(struct engine *engine, uint32_t customer_index, const struct event_line *line,
    const struct event_hold *image)
{
    const struct customer *customer = customer_at(engine, customer_index);
    uint32_t hold_index = hold_find(engine, customer, line->sku_number);
    if (hold_index == NONE)
        hold_index = hold_add(engine, customer_index, line->sku_number);
    struct hold *hold = hold_at(engine, hold_index);
    hold->sale_number = line->sale_number;
    hold->seller_number = line->seller_number;
    hold->quantity = line->quantity;
    hold->limit = line->limit;
    hold->unit_price = line->unit_price;
    hold->deadline_shelf_ms = image->deadline_shelf_ms;
    hold->created_shelf_ms = image->created_shelf_ms;
    hold->extensions = image->extensions;
    hold_set_state(engine, hold_index, image->state);
}

void apply_cart_line(struct engine *engine, const struct event *event)
{
    const struct fact_cart *fact = &event->fact.cart;
    const struct event_line *line = &event->lines[0];
    CHECK(event->line_count == 1);
    uint32_t customer_index = apply_customer(engine, event, fact->now_shelf_ms);
    struct customer *customer = customer_at(engine, customer_index);
    allowance_add(engine, customer_index, line, fact->taken);
    allowance_subtract(engine, customer_index, line, line->moved);
    if (line->quantity == 0) {
        uint32_t hold_index = hold_find(engine, customer, line->sku_number);
        CHECK(hold_index != NONE);
        hold_set_state(engine, hold_index, LINE_NONE);
        hold_remove(engine, hold_index);
    } else {
        const struct event_hold image = {
            .deadline_shelf_ms = fact->deadline_shelf_ms,
            .created_shelf_ms = fact->created_shelf_ms,
            .state = fact->state,
            .extensions = fact->extensions,
        };
        hold_write(engine, customer_index, line, &image);
        memcpy(customer->currency, fact->currency, 4);
    }
    cart_touched(engine, customer_index, fact->cart_version);
    if (event->kind == EVENT_HOLD_EXPIRED)
        kill_note(engine, event, 0);
}

void apply_cart_cleared(struct engine *engine, const struct event *event)
{
    const struct fact_cart *fact = &event->fact.cart;
    uint32_t customer_index = apply_customer(engine, event, fact->now_shelf_ms);
    struct customer *customer = customer_at(engine, customer_index);
    CHECK(event->line_count == customer->hold_count);
    for (uint32_t i = 0; i < event->line_count; i++) {
        uint32_t hold_index = hold_find(engine, customer, event->lines[i].sku_number);
        CHECK(hold_index != NONE);
        allowance_subtract(engine, customer_index, &event->lines[i], event->lines[i].moved);
        hold_set_state(engine, hold_index, LINE_NONE);
        hold_remove(engine, hold_index);
    }
    cart_touched(engine, customer_index, fact->cart_version);
}

void apply_cart_extended(struct engine *engine, const struct event *event)
{
    const struct fact_cart *fact = &event->fact.cart;
    uint32_t customer_index = apply_customer(engine, event, fact->now_shelf_ms);
    for (uint32_t i = 0; i < event->line_count; i++) {
        struct event_hold image = event_hold_at(event, i);
        uint32_t hold_index =
            hold_find(engine, customer_at(engine, customer_index), event->lines[i].sku_number);
        CHECK(hold_index != NONE);
        struct hold *hold = hold_at(engine, hold_index);
        CHECK(hold->state == LINE_HELD);
        CHECK(hold->deadline_shelf_ms <= image.deadline_shelf_ms);
        hold->deadline_shelf_ms = image.deadline_shelf_ms;
        hold->extensions = image.extensions;
        hold_set_state(engine, hold_index, LINE_HELD);
    }
    cart_touched(engine, customer_index, fact->cart_version);
}
