/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settle - what had to wait for the disk: units come back, allotments rise, products become
 * visible, claims become firm. It runs in the order of the journal, once for each event, and
 * touches only what all shards share.
 */
#include "core/bugs.h"
#include "core/check.h"
#include "core/engine_steps.h"
#include "core/identities.h"

void settle_moves(struct shelf *shelf, const struct event *event, enum stock_move move)
{
    if (move == MOVE_NONE || (move == MOVE_GIVE && bug(BUG_GIVE_BEFORE_DURABLE)))
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
    identities_give(engine->shelf, event);
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

/* A rise waits for the disk no longer. */
static void settle_raise(struct engine *engine, const struct fact_stock *fact)
{
    struct catalog *catalog = &engine->shelf->catalog;
    uint32_t sku_index = catalog_find_number(catalog, fact->sku_number);
    CHECK(sku_index != SKU_NONE);
    if (fact->delta <= 0)
        return;
    CHECK(catalog->records[sku_index].raising >= (uint64_t)fact->delta);
    catalog->records[sku_index].raising -= (uint64_t)fact->delta;
}

static void settle_stock(struct engine *engine, const struct event *event)
{
    const struct fact_stock *fact = &event->fact.stock;
    uint32_t sku_index = catalog_find_number(&engine->shelf->catalog, fact->sku_number);
    CHECK(sku_index != SKU_NONE);
    settle_raise(engine, fact);
    if (fact->delta > 0 && !bug(BUG_RAISED_BEFORE_DURABLE))
        stock_allot(&engine->shelf->stock, sku_index, (uint32_t)fact->delta);
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

/* Nobody has anything of its products any more: no units, no orders, no lines. */
static void settle_removed(struct engine *engine, uint32_t sale_number)
{
    struct shelf *shelf = engine->shelf;
    uint32_t end = catalog_walk_end(&shelf->catalog);
    for (uint32_t index = 0; index < end; index++) {
        if (catalog_sale_of(&shelf->catalog, index) != sale_number)
            continue;
        CHECK(stock_numbers(&shelf->stock, index).sold == 0);
        switches_forget_sku(&shelf->switches, index, catalog_number(&shelf->catalog, index));
        catalog_take_out(&shelf->catalog, index);
        stock_reset(&shelf->stock, index);
    }
    switches_forget_sale(&shelf->switches, sale_number);
    catalog_publish_removed(&shelf->catalog, sale_number);
}

static void settle_merge(struct engine *engine, const struct event *event)
{
    settle_moves(engine->shelf, event, (enum stock_move)event->fact.merge.move);
}

static void settle_sale(struct engine *engine, const struct event *event)
{
    catalog_publish_sale(&engine->shelf->catalog, event);
    engine->sales_due_wall_ms = 0; /* look at all again, from the first */
    engine->sales_at = 0;
}

static void settle_part(struct engine *engine, const struct event *event)
{
    const struct fact_part *fact = &event->fact.part;
    if (fact->part == PART_ALL)
        catalog_part_is_done(&engine->shelf->catalog, fact->sale_number, engine->shard);
}

/* Read back, an image stands for the records of the ends that it tells of. */
static void settle_kills_image(struct engine *engine, const struct event *event)
{
    for (uint32_t i = 0; i < event->fact.images.count; i++) {
        struct kill_entry entry;
        memcpy(&entry, event->text[TEXT_ENTRIES].data + i * sizeof(entry), sizeof(entry));
        const struct fact_kill ended = {
            .released = entry.released, .cancelled = entry.cancelled, .kill = entry.kill};
        if (entry.ended)
            switches_kill_ended(&engine->shelf->switches, engine->shard, &ended);
    }
}

void settle_catalog(struct engine *engine, const struct event *event)
{
    struct shelf *shelf = engine->shelf;
    if (event->kind == EVENT_PRODUCT_SET)
        catalog_publish(&shelf->catalog, event);
    if (event->kind == EVENT_STOCK_ADJUSTED)
        settle_raise(engine, &event->fact.stock);
    if (event->kind == EVENT_SALE_SET)
        settle_sale(engine, event);
    if (event->kind == EVENT_IMPORT_DONE)
        catalog_publish_import(&shelf->catalog);
    if (event->kind == EVENT_SWITCH_SET || event->kind == EVENT_SWITCH_IMAGE)
        switches_publish(&shelf->switches, &shelf->catalog, event);
    if (event->kind == EVENT_KILL_ENDED)
        switches_kill_ended(&shelf->switches, engine->shard, &event->fact.kill);
    if (event->kind == EVENT_WALK_BEGUN)
        catalog_part_is_done(&shelf->catalog, event->fact.walk.removal_sale, engine->shard);
    if (event->kind == EVENT_KILLS_IMAGE)
        settle_kills_image(engine, event);
    if (event->kind == EVENT_SALE_CLOSING)
        catalog_publish_closing(&shelf->catalog, event->fact.removal.sale_number);
    if (event->kind == EVENT_SALE_PART_REMOVED)
        settle_part(engine, event);
    if (event->kind == EVENT_SALE_REMOVED)
        settle_removed(engine, event->fact.removal.sale_number);
}

static void settle_cart(struct engine *engine, const struct event *event)
{
    settle_moves(engine->shelf, event, (enum stock_move)event->fact.cart.move);
}

static void settle_part_removed(struct engine *engine, const struct event *event)
{
    settle_moves(engine->shelf, event, MOVE_RESTOCK);
    settle_part(engine, event);
}

/* What has nothing here only changed the shard's own tables. */
static void (*const settle_kinds[])(struct engine *, const struct event *) = {
    [EVENT_CART_LINE_SET] = settle_cart,
    [EVENT_HOLD_EXPIRED] = settle_cart,
    [EVENT_CART_CLEARED] = settle_cart,
    [EVENT_CART_MERGED] = settle_merge,
    [EVENT_CART_MERGE_ENDED] = settle_merge,
    [EVENT_ORDER_PLACED] = settle_order,
    [EVENT_ORDER_CONFIRMED] = settle_order,
    [EVENT_ORDER_PAYMENT_DECLINED] = settle_order,
    [EVENT_ORDER_LINES_CANCELLED] = settle_order,
    [EVENT_ORDER_CANCELLED] = settle_order,
    [EVENT_ORDER_EXPIRED] = settle_order,
    [EVENT_ORDER_REVIEW] = settle_order,
    [EVENT_ORDER_REFUND_REQUIRED] = settle_order,
    [EVENT_ORDER_REFUNDED] = settle_order,
    [EVENT_ORDERS_FORGOTTEN] = settle_forgotten,
    [EVENT_SALE_PART_REMOVED] = settle_part_removed,
    [EVENT_KILL_ENDED] = settle_catalog,
    [EVENT_PRODUCT_SET] = settle_product,
    [EVENT_STOCK_ADJUSTED] = settle_stock,
    [EVENT_SALE_SET] = settle_catalog,
    [EVENT_IMPORT_DONE] = settle_catalog,
    [EVENT_SWITCH_SET] = settle_catalog,
    [EVENT_SALE_CLOSING] = settle_catalog,
    [EVENT_SALE_REMOVED] = settle_catalog,
    [EVENT_CLOSED] = NULL,
    [EVENT_IMPORT_IMAGE] = NULL, /* the last kind */
};

void engine_settle(struct engine *engine, const struct event *event)
{
    CHECK(event->kind != EVENT_NONE);
    CHECK(event->kind < sizeof(settle_kinds) / sizeof(settle_kinds[0]));
    identities_give_counts(engine->shelf, event->text[TEXT_COUNTS]);
    if (settle_kinds[event->kind] != NULL)
        settle_kinds[event->kind](engine, event);
}
