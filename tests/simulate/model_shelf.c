/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products, imports, allotments: T1 to T4, L9 for what a product says.
 */
#include "tests/simulate/model_parts.h"

static bool same_terms(const struct terms *a, const struct terms *b)
{
    bool same = a->sale == b->sale && a->seller == b->seller && a->limit == b->limit &&
                a->reserve_on == b->reserve_on && a->hold_seconds == b->hold_seconds &&
                a->own_currency == b->own_currency && a->starts_wall_ms == b->starts_wall_ms &&
                a->ends_wall_ms == b->ends_wall_ms;
    for (int i = 1; same && i < CURRENCIES; i++)
        same = a->price[i] == b->price[i];
    return same;
}

static void expect_import(const struct model *model, const struct ask *ask, struct expect *expect)
{
    bool begins = ask->kind == COMMAND_IMPORT_BEGIN;
    if (model->now.journal_full)
        expect->refusals |= BIT(OUTCOME_JOURNAL_FULL);
    expect->has_effect = true;
    if (begins == model->importing || model->import_ending || (begins && model->leaving != 0))
        expect->refusals = BIT(OUTCOME_VERSION_CONFLICT);
}

void expect_product(const struct model *model, const struct ask *ask, struct expect *expect)
{
    const struct product *product = &model->products[ask->sku];
    const struct terms *terms = &ask->terms;
    if (ask->kind != COMMAND_PRODUCT_SET) {
        expect_import(model, ask, expect);
        return;
    }
    uint32_t names = terms->sale != 0 && model->sales[terms->sale].version == 0;
    names += terms->seller != 0 && !model->seller_named[terms->seller];
    uint32_t products = model->resting_products;
    for (uint32_t sku = 0; sku < model->skus; sku++)
        products += model->products[sku].exists;
    if (product->version != model->shown[ask->sku].version ||
        (ask->expected_version != 0 && ask->expected_version != product->version))
        expect->refusals |= BIT(OUTCOME_VERSION_CONFLICT);
    if (model->leaving != 0 &&
        (terms->sale == model->leaving || model->shown[ask->sku].terms.sale == model->leaving))
        expect->refusals |= BIT(OUTCOME_VERSION_CONFLICT);
    if (names_used(model) + names > model->capacity.names ||
        products + !product->exists > model->capacity.skus)
        expect->refusals |= BIT(OUTCOME_CAPACITY_EXHAUSTED);
    if (model->now.journal_full)
        expect->refusals |= BIT(OUTCOME_JOURNAL_FULL);
    expect->unchanged = product->exists && same_terms(&product->terms, terms);
    expect->has_effect = !expect->unchanged;
    expect->version = product->version + expect->has_effect;
}

/* Only these records keep them: an end that is durable must not be undone with a later record. */
static void happen_import(struct model *model, struct record *record, const struct ask *ask)
{
    bool begins = ask->kind == COMMAND_IMPORT_BEGIN;
    keep(model, 0, &model->importing, sizeof(model->importing));
    keep(model, 0, &model->import_ending, sizeof(model->import_ending));
    model->happened = begins ? EVENT_IMPORT_BEGUN : EVENT_IMPORT_DONE;
    model->importing = true;
    model->import_ending = record->ends_import = !begins;
}

void happen_product(struct model *model, struct record *record, const struct ask *ask)
{
    if (ask->kind != COMMAND_PRODUCT_SET) {
        happen_import(model, record, ask);
        return;
    }
    struct product *product = &model->products[ask->sku];
    keep(model, 0, product, sizeof(*product));
    keep(model, 0, model->sales, sizeof(model->sales));
    keep(model, 0, model->seller_named, sizeof(model->seller_named));
    model->seller_named[ask->terms.seller] = true;
    if (ask->terms.sale != 0 && model->sales[ask->terms.sale].version == 0)
        model->sales[ask->terms.sale].version = 1;
    if (!product->exists) {
        record_move(model, 0, WAY_RAISE, ask->sku, ask->stock);
        product->in_import = ask->in_import;
    }
    model->happened = EVENT_PRODUCT_SET;
    product->exists = true;
    product->terms = ask->terms;
    product->version++;
    record->publishes = ask->sku;
}

static uint32_t newest_allotment(const struct model *model, int sku)
{
    const struct units *units = &model->units[sku];
    return units->allotment + units->raising - units->lowering;
}

/* The numbers as they are once this change, and those before it, are durable. */
static struct numbers numbers_after(const struct model *model, int sku, int64_t delta)
{
    const struct units *units = &model->units[sku];
    struct numbers now = model_numbers(model, sku);
    uint32_t up = delta > 0 ? (uint32_t)delta : 0, down = delta < 0 ? (uint32_t)-delta : 0;
    return (struct numbers){
        .allotment = newest_allotment(model, sku) + up - down,
        .available = now.available - down + units->raising + up,
        .held = now.held - units->lowering,
        .sold = now.sold,
    };
}

static void expect_change(const struct model *model, const struct ask *ask, struct expect *expect)
{
    uint32_t allotment = newest_allotment(model, ask->sku);
    uint32_t available = model_numbers(model, ask->sku).available;
    int64_t delta = ask->stock_delta;
    expect->has_effect = true;
    if (ask->stock_set && ask->stock_compare != allotment)
        expect->refusals |= BIT(OUTCOME_VERSION_CONFLICT);
    if (ask->stock_set)
        delta = (int64_t)ask->stock_value - allotment;
    if (allotment + delta > UINT32_MAX || delta < -(int64_t)UINT32_MAX)
        expect->refusals |= BIT(OUTCOME_INVALID);
    if (model->used[0].keys >= model->capacity.idempotency_keys)
        expect->refusals |= BIT(OUTCOME_CAPACITY_EXHAUSTED);
    if (model->now.journal_full)
        expect->refusals |= BIT(OUTCOME_JOURNAL_FULL);
    if (delta < -(int64_t)available) { /* T2 */
        expect->short_units = (uint32_t)(-delta - available);
        if (!ask->stock_floor)
            expect->refusals |= BIT(OUTCOME_INSUFFICIENT);
        delta = -(int64_t)available;
    }
    expect->delta = delta;
    if (expect->refusals == 0)
        expect->numbers = numbers_after(model, ask->sku, delta);
}

void expect_stock(const struct model *model, const struct ask *ask, struct expect *expect)
{
    if (!model->shown[ask->sku].visible) {
        expect->refusals = BIT(OUTCOME_NOT_FOUND);
        return;
    }
    if (ask->kind == COMMAND_STOCK_READ) {
        expect->numbers = model_numbers(model, ask->sku);
        return;
    }
    uint32_t slot = key_of(model, 0, model->products[ask->sku].first_key, ask->key);
    if (slot == NO_SLOT) {
        expect_change(model, ask, expect);
        return;
    }
    expect->replayed = ask_same(&model->keys[0][slot].ask, ask);
    expect->refusals = expect->replayed ? 0 : BIT(OUTCOME_KEY_REUSED);
    expect->numbers = model->keys[0][slot].numbers;
}

void happen_stock(struct model *model, const struct ask *ask, const struct expect *expect,
    const struct seen *seen)
{
    struct product *product = &model->products[ask->sku];
    uint64_t keep_shelf_ms = keep_until(model, selling_now(model, ask->sku).ends_wall_ms);
    model->happened = EVENT_STOCK_ADJUSTED;
    if (expect->delta > 0)
        record_move(model, 0, WAY_RAISE, ask->sku, (uint32_t)expect->delta);
    if (expect->delta < 0)
        record_move(model, 0, WAY_LOWER, ask->sku, (uint32_t)-expect->delta);
    keep(model, 0, product, sizeof(*product));
    key_note(model, 0, &product->first_key, ask, seen, keep_shelf_ms)->numbers = expect->numbers;
}
