/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply - the one place where a shard's tables change, for live traffic and recovery alike. It
 * reads nothing but the event and the tables, and cannot fail: decide asked for the room, and an
 * event that does not fit the tables is a bug (or damage that recovery must not accept).
 */
#include "core/bugs.h"
#include "core/check.h"
#include "core/engine_steps.h"
#include "core/kills.h"
#include "core/removal.h"
#include "core/restate_catalog.h"
#include "core/restate_images.h"

static void timer_set(struct engine *engine, uint32_t id, uint64_t deadline_shelf_ms)
{
    deadlines_set(&engine->deadlines, id, deadline_shelf_ms);
}

/* Units of holds that became an order's: the whole cart, or what its items used of a hold. */
static void holds_into_order(
    struct engine *engine, uint32_t customer_index, const struct event *event)
{
    struct customer *customer = customer_at(engine, customer_index);
    for (uint32_t i = 0; i < event->line_count; i++) {
        const struct event_line *line = &event->lines[i];
        if (line->from_hold == 0)
            continue;
        uint32_t hold_index = hold_find(engine, customer, line->sku_number);
        CHECK(hold_index != NONE);
        struct hold *hold = hold_at(engine, hold_index);
        CHECK(hold->state == LINE_HELD);
        CHECK(hold->quantity >= line->from_hold);
        hold->quantity -= line->from_hold;
        if (hold->quantity > 0)
            continue;
        hold_set_state(engine, hold_index, LINE_NONE);
        hold_remove(engine, hold_index);
    }
    if (event->fact.order.from_cart) {
        while (customer->holds_first != 0)
            hold_remove(engine, customer->holds_first - 1);
        memcpy(customer->last_order, event->fact.order.id, 16);
    }
    cart_touched(engine, customer_index, event->fact.order.cart_version);
}

static void key_note(struct engine *engine, const struct event *event, uint32_t order_index)
{
    const struct fact_order *fact = &event->fact.order;
    if (!hash128_is_set(fact->key_hash))
        return;
    uint32_t index = key_add(engine, fact->key_hash);
    struct request_key *key = pool_at(&engine->keys, index);
    key->request = fact->request_hash;
    key->keep_shelf_ms = fact->keep_shelf_ms;
    key->order_index = order_index;
    order_at(engine, order_index)->key_count++;
    key->kind = event->kind == EVENT_ORDER_PLACED ? REQUEST_CHECKOUT : REQUEST_CANCEL;
    timer_set(engine, engine->keys_base + index, fact->keep_shelf_ms);
    if (bug(BUG_KEY_FORGOTTEN_EARLY))
        timer_set(engine, engine->keys_base + index,
            fact->now_shelf_ms + (fact->keep_shelf_ms - fact->now_shelf_ms) / 2);
}

static void order_count_open(
    struct engine *engine, struct customer *customer, const struct fact_order *fact)
{
    uint32_t before = order_is_open(fact->status_before), after = order_is_open(fact->status);
    CHECK(customer->open_orders + after >= before);
    CHECK(engine->live_holds + after >= before);
    customer->open_orders = customer->open_orders + after - before;
    engine->live_holds = engine->live_holds + after - before;
}

/* What the order waits for next: its payment, its late payment, to be forgotten, or nothing. It is
 * kept a millisecond past its keys: none of them may be left when the order goes. */
void order_timer(struct engine *engine, uint32_t order_index)
{
    const struct order *order = order_at(engine, order_index);
    const struct policy *policy = &engine->policy;
    uint32_t id = engine->orders_base + order_index;
    bool expired = order->status == ORDER_EXPIRED;
    uint64_t keep = order->changed_shelf_ms +
                    (expired ? policy->late_payment_seconds : policy->order_keep_seconds) * 1000ull;
    if (order_is_open(order->status))
        timer_set(engine, id, order->payment_due_shelf_ms);
    else if (order->refund_due > 0 || order->status == ORDER_REFUND_REQUIRED)
        deadlines_clear(&engine->deadlines, id);
    else
        timer_set(engine, id, keep > order->keep_shelf_ms ? keep : order->keep_shelf_ms + 1);
}

/* A text that found no room is in the record, and stays empty here: decide has looked, since there
 * is more room when the same records are read again without what was before them. */
static void text_replace(struct engine *engine, struct text *text, struct bytes bytes, bool lost)
{
    if (text_equal(&engine->texts, *text, bytes))
        return;
    text_give(&engine->texts, text);
    if (!lost)
        *text = text_put(&engine->texts, bytes);
}

/* Room for them was asked for. What the checkout said is kept once it is replaced, and before that
 * nothing besides (I3). */
static void order_texts_write(struct engine *engine, struct order *order, const struct event *event)
{
    const struct fact_order *fact = &event->fact.order;
    if (event->kind == EVENT_ORDER_PLACED) {
        order->references = text_put(&engine->texts, event->text[TEXT_REFERENCES]);
        order->adjustments = text_put(&engine->texts, event->text[TEXT_ADJUSTMENTS]);
        order->identities = text_put(&engine->texts, event->text[TEXT_IDENTITIES]);
    }
    if (fact->adjusted && !order->adjusted) {
        CHECK(event->kind != EVENT_ORDER_PLACED);
        order->adjustments_born = order->adjustments;
        order->adjustments = text_put(&engine->texts, event->text[TEXT_ADJUSTMENTS]);
    }
    order->adjusted = fact->adjusted;
    text_replace(engine, &order->provider, event->text[TEXT_PROVIDER],
        fact->texts_lost & ORDER_TEXT_PROVIDER);
    text_replace(engine, &order->payment_id, event->text[TEXT_PAYMENT_ID],
        fact->texts_lost & ORDER_TEXT_PAYMENT_ID);
}

void order_write_terms(struct order *order, const struct fact_order *fact)
{
    memcpy(order->currency, fact->currency, 4);
    order->version = fact->version;
    order->status = fact->status;
    order->status_born = fact->status_born;
    order->mode = fact->mode;
    order->reclaimed = fact->reclaimed;
    order->extended = fact->extended;
    order->review_decision = fact->review_decision;
    order->payment_seconds = fact->payment_seconds;
    order->items_total = fact->items_total;
    order->total = fact->total;
    order->born_total = fact->born_total;
    order->paid = fact->paid;
    order->refund_due = fact->refund_due;
    order->payment_due_shelf_ms = fact->payment_due_shelf_ms;
    order->born_due_shelf_ms = fact->born_due_shelf_ms;
    order->created_shelf_ms = fact->created_shelf_ms;
    order->created_wall_ms = fact->created_wall_ms;
    order->confirmed_wall_ms = fact->confirmed_wall_ms;
    order->paid_wall_ms = fact->paid_wall_ms;
    order->cancel_until_wall_ms = fact->cancel_until_wall_ms;
    order->changed_shelf_ms = fact->now_shelf_ms;
    if (fact->keep_shelf_ms > order->keep_shelf_ms)
        order->keep_shelf_ms = fact->keep_shelf_ms;
}

static void order_write(struct engine *engine, struct order *order, const struct event *event)
{
    order_write_terms(order, &event->fact.order);
    order->stream_seq = event->stream_seq + event->stream_count - 1;
    order_texts_write(engine, order, event);
}

static void order_lines_write(struct engine *engine, uint32_t customer_index,
    const struct order *order, const struct event *event)
{
    const struct fact_order *fact = &event->fact.order;
    bool expires = event->kind == EVENT_ORDER_EXPIRED;
    bool taken_again = fact->status_before == ORDER_EXPIRED && fact->status == ORDER_CONFIRMED;
    CHECK(event->line_count == order->line_count);
    uint32_t link = order->lines_first;
    for (uint32_t i = 0; i < event->line_count; i++) {
        const struct event_line *from = &event->lines[i];
        struct order_line *line = line_at(engine, link - 1);
        CHECK(line->sku_number == from->sku_number);
        CHECK(line->quantity == from->quantity);
        CHECK(line->cancelled <= from->cancelled);
        /* What is cancelled is not bought any more, restocked or not (Q4). */
        CHECK(expires || from->uncounted == from->cancelled - line->cancelled);
        line->cancelled = from->cancelled;
        line->restocked = from->restocked;
        allowance_return(engine, customer_index, from, from->uncounted);
        if (taken_again)
            allowance_add(engine, customer_index, from, from->moved);
        link = line->next;
    }
}

static void payment_of(struct engine *engine, const struct event *event, uint32_t order_index)
{
    const struct fact_order *fact = &event->fact.order;
    if (!hash128_is_set(fact->payment_hash))
        return;
    uint8_t results = (uint8_t)(1u << fact->result);
    if (event->kind == EVENT_ORDER_REFUND_REQUIRED)
        results |= PAYMENT_DUE_BACK;
    payment_note(engine, order_index, fact->payment_hash, results);
}

static void apply_order(struct engine *engine, const struct event *event)
{
    const struct fact_order *fact = &event->fact.order;
    uint32_t customer_index = apply_customer(engine, event, fact->now_shelf_ms);
    uint32_t order_index = order_find(engine, fact->id);
    if (event->kind == EVENT_ORDER_PLACED) {
        CHECK(order_index == NONE);
        order_index = order_add(engine, customer_index, fact->id);
        for (uint32_t i = 0; i < event->line_count; i++) {
            const struct event_line *line = &event->lines[i];
            order_add_line(engine, order_index, line);
            allowance_add(engine, customer_index, line, line->quantity - line->from_hold);
        }
        holds_into_order(engine, customer_index, event);
    } else {
        CHECK(order_index != NONE);
        promises_take(engine, order_at(engine, order_index));
        order_lines_write(engine, customer_index, order_at(engine, order_index), event);
    }
    engine->applied_order = order_index;
    order_write(engine, order_at(engine, order_index), event);
    promises_add(engine, order_at(engine, order_index));
    order_count_open(engine, customer_at(engine, customer_index), fact);
    if (order_is_open(fact->status_before) && !order_is_open(fact->status))
        kill_note(engine, event, 1);
    payment_of(engine, event, order_index);
    key_note(engine, event, order_index);
    order_timer(engine, order_index);
}

static void apply_stock(struct engine *engine, const struct event *event)
{
    const struct fact_stock *fact = &event->fact.stock;
    struct catalog *catalog = &engine->shelf->catalog;
    uint32_t sku_index = catalog_find_number(catalog, fact->sku_number);
    CHECK(sku_index != SKU_NONE);
    catalog->records[sku_index].allotment = fact->allotment;
    if (fact->delta > 0)
        catalog->records[sku_index].raising += (uint64_t)fact->delta;
    if (fact->delta > 0 && bug(BUG_RAISED_BEFORE_DURABLE))
        stock_allot(&engine->shelf->stock, sku_index, (uint32_t)fact->delta);
    if (!hash128_is_set(fact->key_hash))
        return;
    uint32_t index = key_add(engine, fact->key_hash);
    struct request_key *key = pool_at(&engine->keys, index);
    key->request = fact->request_hash;
    key->keep_shelf_ms = fact->keep_shelf_ms;
    key->order_index = NONE;
    key->kind = REQUEST_STOCK;
    key->noted.allotment = fact->allotment;
    key->noted.available = fact->available;
    key->noted.held = fact->held;
    key->noted.sold = fact->sold;
    timer_set(engine, engine->keys_base + index, fact->keep_shelf_ms);
}

static void apply_product(struct engine *engine, const struct event *event)
{
    struct catalog *catalog = &engine->shelf->catalog;
    catalog_reserve(catalog, event);
    if (!event->fact.product.created)
        return;
    uint32_t sku_index = catalog_find_number(catalog, event->fact.product.sku_number);
    catalog->records[sku_index].allotment = event->fact.product.allotment;
}

static void forget_order(struct engine *engine, const uint8_t id[16])
{
    uint32_t index = order_find(engine, id);
    CHECK(index != NONE);
    const struct order *order = order_at(engine, index);
    CHECK(!order_is_open(order->status));
    bool sold = order->confirmed_wall_ms != 0;
    uint32_t link = order->lines_first;
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct order_line *line = line_at(engine, link - 1);
        if (sold)
            gone_add(engine, line->sku_number,
                (line->quantity - line->restocked) * (bug(BUG_FORGOTTEN_COUNTS_TWICE) ? 2 : 1));
        link = line->next;
    }
    order_remove(engine, index);
}

static void apply_forgotten(struct engine *engine, const struct event *event)
{
    struct bytes ids = event->text[TEXT_IDS];
    CHECK(ids.size == 16 * event->fact.forgotten.count);
    for (uint32_t i = 0; i < event->fact.forgotten.count; i++) {
        const uint8_t *id = ids.data + 16 * i;
        if (event->kind == EVENT_ORDERS_FORGOTTEN) {
            forget_order(engine, id);
            continue;
        }
        struct hash128 key;
        memcpy(&key, id, sizeof(key));
        uint32_t index = key_find(engine, key);
        CHECK(index != NONE);
        key_remove(engine, index);
    }
}

static void apply_customer_forgotten(struct engine *engine, const struct event *event)
{
    uint32_t index = customer_find(engine, event->text[TEXT_CUSTOMER]);
    CHECK(index != NONE);
    customer_remove(engine, index);
}

static void apply_allowances_forgotten(struct engine *engine, const struct event *event)
{
    uint32_t index = customer_find(engine, event->text[TEXT_CUSTOMER]);
    CHECK(index != NONE);
    for (uint32_t i = 0; i < event->line_count; i++)
        allowance_drop(engine, index, &event->lines[i], event->lines[i].quantity);
}

static void apply_sale(struct engine *engine, const struct event *event)
{
    catalog_reserve_sale(&engine->shelf->catalog, event);
}

static void apply_removal(struct engine *engine, const struct event *event)
{
    catalog_reserve_removal(&engine->shelf->catalog, event);
}

static void apply_sale_told(struct engine *engine, const struct event *event)
{
    catalog_told_sale(&engine->shelf->catalog, event);
}

static void apply_import_begun(struct engine *engine, const struct event *event)
{
    catalog_begin_import(&engine->shelf->catalog, event);
}

static void apply_import_done(struct engine *engine, const struct event *event)
{
    (void)event;
    catalog_end_import(&engine->shelf->catalog);
}

/* Nothing of the shard's own tables. */
static void apply_nothing(struct engine *engine, const struct event *event)
{
    (void)engine;
    (void)event;
}

static void apply_switch(struct engine *engine, const struct event *event)
{
    switches_apply(&engine->shelf->switches, event);
}

/* Every kind of event is listed. */
static void (*const apply_kinds[])(struct engine *, const struct event *) = {
    [EVENT_CART_LINE_SET] = apply_cart_line,
    [EVENT_HOLD_EXPIRED] = apply_cart_line,
    [EVENT_CART_CLEARED] = apply_cart_cleared,
    [EVENT_CART_EXTENDED] = apply_cart_extended,
    [EVENT_CART_MOVED_OUT] = apply_cart_moved_out,
    [EVENT_CART_MERGED] = apply_cart_merged,
    [EVENT_CART_MERGE_ENDED] = apply_cart_merge_ended,
    [EVENT_ORDER_PLACED] = apply_order,
    [EVENT_ORDER_CONFIRMED] = apply_order,
    [EVENT_ORDER_PAYMENT_DECLINED] = apply_order,
    [EVENT_ORDER_LINES_CANCELLED] = apply_order,
    [EVENT_ORDER_CANCELLED] = apply_order,
    [EVENT_ORDER_EXPIRED] = apply_order,
    [EVENT_ORDER_REVIEW] = apply_order,
    [EVENT_ORDER_REFUND_REQUIRED] = apply_order,
    [EVENT_ORDER_REFUNDED] = apply_order,
    [EVENT_PAYMENT_UNMATCHED] = apply_nothing,
    [EVENT_ORDERS_FORGOTTEN] = apply_forgotten,
    [EVENT_KEYS_FORGOTTEN] = apply_forgotten,
    [EVENT_CUSTOMER_FORGOTTEN] = apply_customer_forgotten,
    [EVENT_ALLOWANCES_FORGOTTEN] = apply_allowances_forgotten,
    [EVENT_KILL_BEGUN] = kill_begin,
    [EVENT_KILL_ENDED] = kill_end,
    [EVENT_SALE_PART_REMOVED] = apply_part_removed,
    [EVENT_PRODUCT_SET] = apply_product,
    [EVENT_STOCK_ADJUSTED] = apply_stock,
    [EVENT_SALE_SET] = apply_sale,
    [EVENT_SALE_OPENED] = apply_sale_told,
    [EVENT_SALE_CLOSED] = apply_sale_told,
    [EVENT_IMPORT_BEGUN] = apply_import_begun,
    [EVENT_IMPORT_DONE] = apply_import_done,
    [EVENT_SALE_CLOSING] = apply_removal,
    [EVENT_SALE_REMOVED] = apply_removal,
    [EVENT_SWITCH_SET] = apply_switch,
    [EVENT_STREAM_ATTACHED] = apply_nothing,
    [EVENT_CLOSED] = apply_nothing,
    [EVENT_SALVAGED] = apply_nothing,
    [EVENT_NAME_IMAGE] = apply_name_image,
    [EVENT_PRODUCT_IMAGE] = apply_product_image,
    [EVENT_SWITCH_IMAGE] = apply_switch_image,
    [EVENT_IMPORT_IMAGE] = apply_import_image,
    [EVENT_WALK_BEGUN] = apply_walk_begun,
    [EVENT_WALK_ENDED] = apply_walk_ended,
    [EVENT_CUSTOMER_IMAGE] = apply_customer_image,
    [EVENT_ORDER_IMAGE] = apply_order_image,
    [EVENT_KEYS_IMAGE] = apply_keys_image,
    [EVENT_ALLOWANCES_IMAGE] = apply_allowances_image,
    [EVENT_GONE_IMAGE] = apply_gone_image,
    [EVENT_KILLS_IMAGE] = apply_kills_image,
};

/* Units of lines that come back at once. In a replay nothing is held that could. */
static void give_early(struct engine *engine, const struct event *event)
{
    struct shelf *shelf = engine->shelf;
    bool is_cart = event->kind == EVENT_CART_LINE_SET || event->kind == EVENT_HOLD_EXPIRED;
    bool gives = (is_cart && event->fact.cart.move == MOVE_GIVE) ||
                 (event_is_order(event->kind) && event->fact.order.move == MOVE_GIVE);
    for (uint32_t i = 0; gives && i < event->line_count; i++) {
        const struct event_line *line = &event->lines[i];
        uint32_t sku_index = catalog_find_number(&shelf->catalog, line->sku_number);
        if (line->moved > 0 && stock_numbers(&shelf->stock, sku_index).held >= line->moved)
            stock_give(&shelf->stock, sku_index, line->moved);
    }
}

void engine_apply(struct engine *engine, const struct event *event)
{
    CHECK(event->kind < sizeof(apply_kinds) / sizeof(apply_kinds[0]));
    CHECK(apply_kinds[event->kind] != NULL);
    if (event->stream_count > 0) {
        CHECK(event->stream_seq == engine->stream_seq + 1);
        engine->stream_seq += event->stream_count;
    }
    apply_kinds[event->kind](engine, event);
    engine->walk.images += event_is_image(event->kind);
    if (bug(BUG_GIVE_BEFORE_DURABLE))
        give_early(engine, event);
}
