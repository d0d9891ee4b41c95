/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All live holds of a cart that can be extended end later: hold_seconds from now, but never past
 * max_life_seconds since they began (L6), and not once the sale of their SKU is over (W2). A hold
 * that would end earlier keeps its extension for later. When no hold can be extended the refusal
 * says what stands in the way of the last one.
 */
#include "core/check.h"
#include "core/engine_steps.h"

/* What a hold would be after one more extension; not OK: why it has none. */
static enum outcome extended(
    struct decision *decision, const struct hold *hold, struct event_hold *image)
{
    const struct engine *engine = decision->engine;
    const struct policy *policy = &engine->policy;
    uint32_t sku_index = catalog_find_number(&engine->shelf->catalog, hold->sku_number);
    CHECK(sku_index != SKU_NONE);
    struct selling selling;
    int64_t starts_wall_ms;
    selling_terms(engine, sku_index, &selling);
    uint64_t end = hold->created_shelf_ms + policy->max_life_seconds * 1000ull;
    uint64_t wanted = decision->now->shelf_ms + selling.hold_seconds * 1000ull;
    *image = (struct event_hold){
        .deadline_shelf_ms = wanted < end ? wanted : end,
        .created_shelf_ms = hold->created_shelf_ms,
        .state = LINE_HELD,
        .extensions = (uint8_t)(hold->extensions + 1),
    };
    if (hold->extensions >= policy->max_extensions)
        return decision_bound(
            decision, OUTCOME_RESERVATION_EXPIRED, "max_extensions", policy->max_extensions);
    if (selling_window(&selling, decision->now->wall_ms, &starts_wall_ms) == OUTCOME_SALE_ENDED)
        return OUTCOME_SALE_ENDED;
    if (hold->deadline_shelf_ms >= end)
        return decision_bound(
            decision, OUTCOME_RESERVATION_EXPIRED, "max_life_seconds", policy->max_life_seconds);
    if (image->deadline_shelf_ms < hold->deadline_shelf_ms)
        return decision_bound(
            decision, OUTCOME_RESERVATION_EXPIRED, "hold_seconds", selling.hold_seconds);
    stock_note_release(
        &engine->shelf->stock, sku_index, image->deadline_shelf_ms, decision->now->shelf_ms);
    return OUTCOME_OK;
}

/* Lines and images of the holds that are extended; their number. */
static uint32_t extend_holds(struct decision *decision, const struct customer *customer,
    struct event_hold *images, enum outcome *refused)
{
    struct engine *engine = decision->engine;
    uint32_t count = 0, link = customer->holds_first;
    for (uint32_t i = 0; i < customer->hold_count; i++) {
        const struct hold *hold = hold_at(engine, link - 1);
        link = hold->next;
        if (hold->state != LINE_HELD)
            continue;
        enum outcome outcome = extended(decision, hold, &images[count]);
        if (outcome == OUTCOME_OK)
            engine->scratch->room.lines[count++] = image_hold_line(hold);
        else
            *refused = outcome;
    }
    return count;
}

enum outcome decide_cart_extend(struct decision *decision)
{
    struct engine *engine = decision->engine;
    struct event *event = decision->event;
    CHECK(decision->command->customer.size > 0);
    if (cart_is_stale(decision))
        return OUTCOME_STALE_VERSION;
    if (decision->customer_index == NONE)
        return OUTCOME_RESERVATION_EXPIRED;
    if (decision->now->journal_full)
        return OUTCOME_JOURNAL_FULL;
    const struct customer *customer = customer_at(engine, decision->customer_index);
    CHECK(customer->hold_count <= LINES_PER_ORDER_MAX);
    enum outcome refused = OUTCOME_RESERVATION_EXPIRED;
    uint32_t count = extend_holds(decision, customer, engine->scratch->room.images, &refused);
    if (count == 0)
        return refused;
    decision->answer->bound = NULL;
    decision->answer->bound_value = 0;
    event->kind = EVENT_CART_EXTENDED;
    event->lines = engine->scratch->room.lines;
    event->line_count = count;
    event->text[TEXT_CUSTOMER] = decision->command->customer;
    event->text[TEXT_HOLDS] =
        bytes_of(engine->scratch->room.images, count * (uint32_t)sizeof(struct event_hold));
    event->fact.cart = (struct fact_cart){
        .now_shelf_ms = decision->now->shelf_ms,
        .cart_version = cart_version_next(decision),
    };
    memcpy(event->fact.cart.currency, customer->currency, 4);
    return OUTCOME_OK;
}
