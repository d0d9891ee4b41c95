/* SPDX-License-Identifier: Apache-2.0 */
#include "core/view.h"

#include "core/check.h"
#include "core/image.h"

static int64_t line_price(
    const struct engine *engine, const struct hold *hold, const uint8_t currency[4])
{
    if (hold->state == LINE_HELD)
        return hold->unit_price;
    struct product_terms terms;
    int64_t price;
    uint32_t sku_index = catalog_find_number(&engine->shelf->catalog, hold->sku_number);
    CHECK(sku_index != SKU_NONE);
    catalog_terms(&engine->shelf->catalog, sku_index, &terms);
    return product_price(&terms, currency, &price) ? price : hold->unit_price;
}

static void line_view(const struct engine *engine, const struct hold *hold,
    const uint8_t currency[4], struct cart_line_view *view)
{
    uint32_t sku_index = catalog_find_number(&engine->shelf->catalog, hold->sku_number);
    CHECK(sku_index != SKU_NONE);
    *view = (struct cart_line_view){
        .sku = catalog_sku(&engine->shelf->catalog, sku_index),
        .quantity = hold->quantity,
        .state = hold->state == LINE_MOVED ? LINE_EXPIRED : hold->state, /* merge.h */
        .unit_price = line_price(engine, hold, currency),
    };
    if (__builtin_mul_overflow(view->unit_price, (int64_t)view->quantity, &view->line_total))
        view->line_total = INT64_MAX;
    if (hold->state != LINE_HELD)
        return;
    view->deadline_shelf_ms = hold->deadline_shelf_ms;
    if (engine->policy.max_extensions > hold->extensions)
        view->extensions_left = (uint8_t)(engine->policy.max_extensions - hold->extensions);
}

void engine_cart(const struct engine *engine, uint32_t customer_index, struct cart_view *view)
{
    *view = (struct cart_view){.lines = engine->scratch->views};
    if (customer_index == NONE)
        return;
    const struct customer *customer = customer_at(engine, customer_index);
    CHECK(customer->hold_count <= LINES_PER_ORDER_MAX);
    memcpy(view->currency, customer->currency, 4);
    view->version = customer->cart_version;
    view->line_count = customer->hold_count;
    uint32_t link = customer->holds_first;
    for (uint32_t i = 0; i < customer->hold_count; i++) {
        const struct hold *hold = hold_at(engine, link - 1);
        struct cart_line_view *line = &engine->scratch->views[i];
        line_view(engine, hold, view->currency, line);
        if (__builtin_add_overflow(view->items_total, line->line_total, &view->items_total))
            view->items_total = INT64_MAX;
        link = hold->next;
    }
}

uint32_t engine_cart_lines(const struct engine *engine, struct bytes customer)
{
    uint32_t index = customer_find(engine, customer);
    return index == NONE ? 0 : customer_at(engine, index)->hold_count;
}

uint32_t engine_order_lines(const struct engine *engine, const uint8_t order_id[16])
{
    uint32_t index = order_find(engine, order_id);
    return index == NONE ? 0 : order_at(engine, index)->line_count;
}

uint32_t engine_order_texts(const struct engine *engine, const uint8_t order_id[16])
{
    uint32_t index = order_find(engine, order_id);
    if (index == NONE)
        return 0;
    const struct order *order = order_at(engine, index);
    return order->references.size + order->adjustments.size;
}

void engine_order_image(
    const struct engine *engine, uint32_t order_index, bool born, struct event *event)
{
    image_order(engine, order_index, event);
    event->kind = EVENT_ORDER_PLACED; /* an image tells of no event: any order's kind will do */
    if (!born)
        return;
    struct fact_order *fact = &event->fact.order;
    struct event_line *lines = (struct event_line *)event->lines;
    for (uint32_t i = 0; i < event->line_count; i++)
        lines[i].cancelled = lines[i].restocked = 0;
    fact->status = fact->status_before = fact->status_born;
    fact->version = fact->status_born == ORDER_PENDING_PAYMENT ? 1 : 2;
    fact->total = fact->born_total;
    if (fact->adjusted)
        event->text[TEXT_ADJUSTMENTS] = event->text[TEXT_ADJUSTMENTS_BORN];
    fact->paid = fact->refund_due = 0;
    fact->paid_wall_ms = 0;
    fact->reclaimed = 0;
    fact->payment_due_shelf_ms = fact->born_due_shelf_ms;
    if (fact->status_born != ORDER_CONFIRMED) {
        fact->confirmed_wall_ms = 0;
        fact->cancel_until_wall_ms = 0;
    }
    event->text[TEXT_PROVIDER] = event->text[TEXT_PAYMENT_ID] = (struct bytes){0};
}

const struct event *engine_order_of(
    const struct engine *engine, const struct answer *answer, bool born, struct event *room)
{
    if (answer->placed != NULL)
        return answer->placed;
    CHECK(answer->order_index != NONE);
    engine_order_image(engine, answer->order_index, born, room);
    return room;
}

/* The first order of the customer that is older than the cursor's, which may be gone. */
static uint32_t orders_below(
    const struct engine *engine, uint32_t customer_index, const uint8_t cursor[16])
{
    uint32_t link = customer_at(engine, customer_index)->orders_newest;
    if (order_id_is_none(cursor))
        return link;
    uint32_t index = order_find(engine, cursor);
    if (index != NONE && order_at(engine, index)->customer_index == customer_index)
        return order_at(engine, index)->next;
    while (link != 0 && memcmp(order_at(engine, link - 1)->id, cursor, 16) >= 0)
        link = order_at(engine, link - 1)->next;
    return link;
}

uint32_t engine_orders_of(const struct engine *engine, uint32_t customer_index,
    int64_t from_wall_ms, int64_t to_wall_ms, uint8_t cursor[16], uint32_t limit,
    uint32_t *order_indexes)
{
    uint32_t link = 0, count = 0;
    if (customer_index != NONE)
        link = orders_below(engine, customer_index, cursor);
    memset(cursor, 0, 16);
    for (; link != 0 && count < limit; link = order_at(engine, link - 1)->next) {
        const struct order *order = order_at(engine, link - 1);
        bool wanted = (from_wall_ms == 0 || order->created_wall_ms >= from_wall_ms) &&
                      (to_wall_ms == 0 || order->created_wall_ms < to_wall_ms);
        if (wanted)
            order_indexes[count++] = link - 1;
    }
    if (link != 0)
        memcpy(cursor, order_at(engine, order_indexes[count - 1])->id, 16);
    return count;
}

struct bytes order_status_name(uint8_t status)
{
    switch ((enum order_status)status) {
    case ORDER_PENDING_PAYMENT:
        return BYTES("pending_payment");
    case ORDER_REVIEW:
        return BYTES("review");
    case ORDER_CONFIRMED:
        return BYTES("confirmed");
    case ORDER_CANCELLED:
        return BYTES("cancelled");
    case ORDER_EXPIRED:
        return BYTES("expired");
    case ORDER_REFUND_REQUIRED:
        return BYTES("refund_required");
    case ORDER_REFUNDED:
        return BYTES("refunded");
    }
    CHECK(!"every status has a name");
    return BYTES("");
}
