/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters are never stored: after every journal is replayed, what is held and sold is added up
 * once over the tables of all shards, and available is what remains of the allotment.
 */
#include "core/shelf.h"

#include "core/bugs.h"
#include "core/check.h"
#include "core/engine_steps.h"
#include "core/handed.h"
#include "core/identities.h"

void shelf_init(struct shelf *shelf, struct arena *arena, const struct capacity *capacity)
{
    catalog_init(&shelf->catalog, arena, capacity->skus, capacity->names);
    stock_init(&shelf->stock, arena, capacity->skus);
    claims_init(&shelf->claims, arena, capacity->claims, capacity->identities);
    switches_init(&shelf->switches, arena, capacity->skus, capacity->names);
}

static void note_release(struct shelf *shelf, uint32_t sku_number, uint64_t deadline_shelf_ms)
{
    uint32_t sku_index = catalog_find_number(&shelf->catalog, sku_number);
    if (sku_index != SKU_NONE)
        stock_note_release(&shelf->stock, sku_index, deadline_shelf_ms, 0);
}

/* Adds the units of one shard to `held` and `sold`, which stand in the stock lines until the end:
 * the line's own words serve as the sums, so that recovery needs no memory of its own. */
static void add_units(struct shelf *shelf, uint32_t sku_number, uint64_t held, uint64_t sold)
{
    uint32_t sku_index = catalog_find_number(&shelf->catalog, sku_number);
    /* Units of a number that is gone from the shelf are dropped. */
    if (sku_index == SKU_NONE)
        return;
    struct stock_numbers sums = stock_numbers(&shelf->stock, sku_index);
    CHECK(held + sold + sums.held + sums.sold <= sums.allotment);
    stock_derive(&shelf->stock, sku_index, sums.allotment, (uint32_t)(sums.held + held),
        (uint32_t)(sums.sold + sold));
}

/* What is sold is on the shelf, and its seller and its sale have been named; a shard that has no
 * part of a sale any more has nothing of it. */
static void check_names(
    const struct engine *engine, uint32_t sku_number, uint32_t seller_number, uint32_t sale_number)
{
    const struct catalog *catalog = &engine->shelf->catalog;
    const struct removal *removal = &engine->removal;
    uint32_t sku_index = catalog_find_number(catalog, sku_number);
    CHECK(sku_index != SKU_NONE);
    CHECK(seller_number == 0 || catalog_name_was_used(catalog, seller_number));
    CHECK(sale_number == 0 || catalog_name_was_used(catalog, sale_number));
    CHECK(!removal->done || removal->sale_number != catalog->leaving ||
          removal->sale_number != catalog_sale_of(catalog, sku_index));
}

static void add_order(struct shelf *shelf, const struct engine *engine, const struct order *order)
{
    bool open = order->status == ORDER_PENDING_PAYMENT || order->status == ORDER_REVIEW;
    bool sold = order->confirmed_wall_ms != 0;
    uint32_t link = order->lines_first;
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct order_line *line = line_at(engine, link - 1);
        check_names(engine, line->sku_number, line->seller_number, line->sale_number);
        if (open) {
            add_units(shelf, line->sku_number, line->quantity - line->cancelled, 0);
            note_release(shelf, line->sku_number, order->payment_due_shelf_ms);
        }
        if (sold)
            add_units(shelf, line->sku_number, 0, line->quantity - line->restocked);
        link = line->next;
    }
}

/* What is taken and not yet durable, or given back and not yet durable, is counted anew here. */
static void add_counts(struct shelf *shelf, const struct engine *engine, const struct order *order)
{
    uint8_t identities[IDENTITIES_SIZE_MAX];
    CHECK(order->identities.size <= sizeof(identities));
    struct bytes bytes =
        bytes_of(identities, text_copy(&engine->texts, order->identities, identities));
    uint32_t link = order->lines_first;
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct order_line *line = line_at(engine, link - 1);
        identities_derive(shelf, bytes, line, order_line_counts(order, line));
        link = line->next;
    }
}

static void add_claims(struct shelf *shelf, const struct engine *engine, const struct order *order)
{
    uint32_t link = order->payments_first;
    for (uint32_t i = 0; i < order->payment_count; i++) {
        const struct payment *payment = pool_at(&engine->payments, link - 1);
        link = payment->next;
        if (!payment_is_claim(payment) || bug(BUG_CLAIMS_NOT_ADDED))
            continue;
        uint64_t owner = order_owner(order->id);
        CHECK(claims_take(&shelf->claims, payment->hash, owner) == CLAIM_TAKEN);
        claims_settle(&shelf->claims, payment->hash, owner);
    }
}

/* No shard has begun a kill that nobody asked for; every one that it has yet to begin has its
 * entry. */
static void check_kills(const struct engine *engine)
{
    CHECK(engine->kill_begun <= atomic_load(&engine->shelf->switches.kills_published));
    struct kill_scope next = {.kill = engine->kill_begun};
    while (switches_next_kill(&engine->shelf->switches, next.kill, &next))
        continue;
}

static void add_engine(struct shelf *shelf, const struct engine *engine)
{
    for (uint32_t i = 0; i < engine->holds.fresh; i++) {
        if (!pool_is_used(&engine->holds, i))
            continue;
        const struct hold *hold = hold_at(engine, i);
        check_names(engine, hold->sku_number, hold->seller_number, hold->sale_number);
        if (hold->state != LINE_HELD)
            continue;
        add_units(shelf, hold->sku_number, hold->quantity, 0);
        note_release(shelf, hold->sku_number, hold->deadline_shelf_ms);
    }
    for (uint32_t i = 0; i < engine->orders.fresh; i++) {
        if (!pool_is_used(&engine->orders, i))
            continue;
        add_order(shelf, engine, order_at(engine, i));
        add_claims(shelf, engine, order_at(engine, i));
        add_counts(shelf, engine, order_at(engine, i));
    }
    for (uint32_t i = 0; i < engine->allowances.fresh; i++) {
        const struct allowance *allowance = pool_at(&engine->allowances, i);
        if (!pool_is_used(&engine->allowances, i))
            continue;
        check_names(engine, allowance->sku_number, 0, allowance->sale_number);
        handed_derive(shelf, allowance);
    }
    for (uint32_t i = 0; i < engine->gone.fresh; i++) {
        if (!pool_is_used(&engine->gone, i))
            continue;
        const struct gone *gone = pool_at(&engine->gone, i);
        check_names(engine, gone->sku_number, 0, 0);
        if (!bug(BUG_FORGOTTEN_NOT_ADDED))
            add_units(shelf, gone->sku_number, 0, gone->units);
    }
}

void shelf_derive(struct shelf *shelf, struct engine *const engines[], uint32_t engine_count)
{
    CHECK(engine_count >= 1);
    uint32_t end = catalog_walk_end(&shelf->catalog);
    for (uint32_t index = 0; index < end; index++)
        stock_derive(&shelf->stock, index, shelf->catalog.records[index].allotment, 0, 0);
    engine_count -= engine_count > 1 && bug(BUG_SHARD_NOT_ADDED);
    for (uint32_t i = 0; i < engine_count; i++) {
        if (engines[i]->removal.sale_number != shelf->catalog.leaving)
            engines[i]->removal = (struct removal){.done = false};
        add_engine(shelf, engines[i]);
    }
    stock_check(&shelf->stock);
    claims_check(&shelf->claims);
    for (uint32_t i = 0; i < engine_count; i++)
        check_kills(engines[i]);
    switches_check(&shelf->switches, &shelf->catalog);
}
