/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settle - what had to wait for the disk: units come back, allotments rise, products become
 * visible, claims become firm. It runs in the order of the journal, once for each event, and
 * touches only what all shards share.
 */
#include "core/check.h"
#include "core/engine_steps.h"

void settle_moves(struct shelf *shelf, const struct event *event, enum stock_move move)
{
    if (move == MOVE_NONE)
        return;
    for (uint32_t i = 0; i < event->line_count; i++) {
        uint32_t units = event->lines[i].moved;
        if (units == 0)
            continue;
        uint32_t sku_index = catalog_find_number(&shelf->catalog, event->lines[i].sku_number);
        CHECK(sku_index != SKU_NONE);
        if (move == MOVE_GIVE)
            stock_give(&shelf->stock, sku_index, units);
        else if (move == MOVE_SELL)
            stock_sell(&shelf->stock, sku_index, units);
        else
            stock_restock(&shelf->stock, sku_index, units);
    }
}

static void settle_order(struct engine *engine, const struct event *event)
{
    const struct fact_order *fact = &event->fact.order;
    settle_moves(engine->shelf, event, (enum stock_move)fact->move);
    if (hash128_is_set(fact->payment_hash) && fact->result != RESULT_REFUNDED)
        claims_settle(&engine->shelf->claims, fact->payment_hash, order_owner(fact->id));
}

/* The payment ids of forgotten orders are free again. */
static void settle_forgotten(struct engine *engine, const struct event *event)
{
    struct bytes claims = event->text[TEXT_CLAIMS];
    CHECK(claims.size % 32 == 0);
    for (uint32_t at = 0; at < claims.size; at += 32) {
        struct hash128 hash;
        memcpy(&hash, claims.data + at + 16, sizeof(hash));
        claims_drop(&engine->shelf->claims, hash, order_owner(claims.data + at));
    }
}

static void settle_stock(struct engine *engine, const struct event *event)
{
    const struct fact_stock *fact = &event->fact.stock;
    uint32_t sku_index = catalog_find_number(&engine->shelf->catalog, fact->sku_number);
    CHECK(sku_index != SKU_NONE);
    if (fact->delta > 0) {
        CHECK(engine->shelf->catalog.records[sku_index].raising >= (uint64_t)fact->delta);
        engine->shelf->catalog.records[sku_index].raising -= (uint64_t)fact->delta;
        stock_allot(&engine->shelf->stock, sku_index, (uint32_t)fact->delta);
    }
    if (fact->delta < 0)
        stock_lowered(&engine->shelf->stock, sku_index, (uint32_t)-fact->delta);
}

static void settle_product(struct engine *engine, const struct event *event)
{
    const struct fact_product *fact = &event->fact.product;
    struct shelf *shelf = engine->shelf;
    uint32_t sku_index = catalog_find_number(&shelf->catalog, fact->sku_number);
    /* The allotment first: a product that can be seen has its stock. */
    if (fact->created && fact->allotment > 0)
        stock_allot(&shelf->stock, sku_index, fact->allotment);
    catalog_publish(&shelf->catalog, event);
}

void engine_settle(struct engine *engine, const struct event *event)
{
    switch (event->kind) {
    case EVENT_CART_LINE_SET:
    case EVENT_HOLD_EXPIRED:
    case EVENT_CART_CLEARED:
        settle_moves(engine->shelf, event, (enum stock_move)event->fact.cart.move);
        return;
    case EVENT_ORDER_PLACED:
    case EVENT_ORDER_CONFIRMED:
    case EVENT_ORDER_PAYMENT_DECLINED:
    case EVENT_ORDER_LINES_CANCELLED:
    case EVENT_ORDER_CANCELLED:
    case EVENT_ORDER_EXPIRED:
    case EVENT_ORDER_REVIEW:
    case EVENT_ORDER_REFUND_REQUIRED:
    case EVENT_ORDER_REFUNDED:
        settle_order(engine, event);
        return;
    case EVENT_PRODUCT_SET:
        settle_product(engine, event);
        return;
    case EVENT_STOCK_ADJUSTED:
        settle_stock(engine, event);
        return;
    case EVENT_SALE_SET:
        catalog_publish_sale(&engine->shelf->catalog, event);
        engine->sales_due_wall_ms = 0; /* look at all again, from the first */
        engine->sales_at = 0;
        return;
    case EVENT_IMPORT_DONE:
        catalog_publish_import(&engine->shelf->catalog);
        return;
    case EVENT_ORDERS_FORGOTTEN:
        settle_forgotten(engine, event);
        return;
    case EVENT_SWITCH_SET:
        switches_publish(&engine->shelf->switches, &engine->shelf->catalog, event);
        return;
    case EVENT_KILL_ENDED:
        switches_kill_ended(&engine->shelf->switches, engine->shard, event);
        return;
    case EVENT_KILL_BEGUN:
    case EVENT_CART_EXTENDED:
    case EVENT_KEYS_FORGOTTEN:
    case EVENT_CUSTOMER_FORGOTTEN:
    case EVENT_PAYMENT_UNMATCHED:
    case EVENT_IMPORT_BEGUN:
    case EVENT_SALE_OPENED:
    case EVENT_SALE_CLOSED:
    case EVENT_STREAM_ATTACHED:
    case EVENT_CLOSED:
        return;
    case EVENT_CART_MOVED_OUT:
    case EVENT_CART_MERGED:
    case EVENT_CART_MERGE_ENDED:
    case EVENT_ALLOWANCES_FORGOTTEN:
    case EVENT_SALE_PART_REMOVED:
    case EVENT_SALE_CLOSING:
    case EVENT_SALE_REMOVED:
    case EVENT_NONE:
        CHECK(!"an event that happens has a kind");
        return;
    }
    CHECK(!"every kind of event is listed");
}
