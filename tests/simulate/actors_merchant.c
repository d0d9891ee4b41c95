/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The merchant: products, sales, stock, reviews.
 */
#include "tests/simulate/actors_parts.h"

static int64_t some_price(struct world *world, int sku)
{
    if (world->setting.huge_prices && sku == 1)
        return INT64_MAX / 4 - (int64_t)below(world, 3);
    return 100 + sku + (int64_t)below(world, 4);
}

struct ask merchant_product(struct world *world, int sku, bool first)
{
    const struct model *model = &world->model;
    struct ask ask = {
        .kind = COMMAND_PRODUCT_SET, .role = ROLE_OPERATOR, .customer = NOBODY, .sku = sku};
    struct terms *terms = &ask.terms;
    int64_t now = world->shop.now.wall_ms;
    terms->sale = (int)below(world, SALES_AT_MOST);
    terms->seller = (int)below(world, SALES_AT_MOST);
    terms->limit = once_in(world, 2) ? 1 + below(world, 5) : 0;
    terms->reserve_on = (uint8_t)(once_in(world, 3) ? RESERVE_CHECKOUT : RESERVE_CART);
    terms->reserve_on = once_in(world, 8) ? RESERVE_UNSET : terms->reserve_on;
    terms->hold_seconds = once_in(world, 2) ? 1 + below(world, 20) : 0;
    terms->own_currency = once_in(world, 10) ? 2 : 1;
    if (once_in(world, 3))
        terms->limit = 0, terms->reserve_on = RESERVE_UNSET; /* the sale's */
    terms->price[1] = some_price(world, sku);
    terms->price[2] = once_in(world, 2) || terms->own_currency == 2 ? some_price(world, sku) : 0;
    if (!first && once_in(world, 10))
        terms->starts_wall_ms = now + (int64_t)below(world, 4000) - 2000;
    if (!first && once_in(world, 10))
        terms->ends_wall_ms = now + (int64_t)below(world, 60000) - 2000;
    ask.stock = below(world, world->setting.stock_at_most + 1);
    const struct product *product = &model->products[sku];
    if (product->exists && once_in(world, 2)) /* the same again, or nearly */
        *terms = product->terms;
    if (product->exists && once_in(world, 4))
        terms->limit = below(world, 5); /* also of what is held already (Q1) */
    if (once_in(world, 5))
        ask.expected_version = product->version + below(world, 2);
    ask.in_import = model->importing && !model->import_ending && once_in(world, 2);
    return ask;
}

void merchant_changes_product(struct world *world)
{
    int sku = some_sku(world);
    const struct model *model = &world->model;
    /* A row of an import that is under way is no product that could be changed. */
    if (model->products[sku].in_import)
        return;
    struct ask ask = merchant_product(world, sku, false);
    world_ask(world, &ask);
}

void merchant_changes_sale(struct world *world)
{
    struct ask ask = {.kind = COMMAND_SALE_SET, .role = ROLE_OPERATOR, .customer = NOBODY};
    struct sale_terms *terms = &ask.sale_terms;
    int64_t now = world->shop.now.wall_ms;
    ask.sale = 1 + (int)below(world, SALES_AT_MOST - 1);
    const struct sale_of *sale = &world->model.sales[ask.sale];
    if (sale->version == 0 || !once_in(world, 3)) {
        terms->limit = once_in(world, 2) ? 1 + below(world, 6) : 0;
        terms->hold_seconds = once_in(world, 2) ? 1 + below(world, 40) : 0;
        terms->payment_seconds = once_in(world, 2) ? 1 + below(world, 50) : 0;
        terms->review_seconds = once_in(world, 2) ? 1 + below(world, 50) : 0;
        terms->reserve_on = (uint8_t)below(world, 3);
        terms->payment_mode = (uint8_t)below(world, 3);
        terms->counts = (uint8_t)(once_in(world, 2) ? COUNTS_EXACT : below(world, 3));
        terms->counts_cap = terms->counts == COUNTS_CAPPED ? 1 + below(world, 3) : 0;
        if (once_in(world, 6))
            terms->starts_wall_ms = now + (int64_t)below(world, 6000) - 3000;
        if (once_in(world, 6))
            terms->ends_wall_ms = now + (int64_t)below(world, 60000) - 2000;
    } else {
        *terms = sale->terms; /* the same again, or nearly */
        terms->hold_seconds += below(world, 2);
        terms->limit = once_in(world, 2) ? below(world, 6) : terms->limit;
    }
    if (once_in(world, 5))
        ask.expected_version = sale->version + below(world, 2);
    world_ask(world, &ask);
}

/* What is over leaves; a day after its end nothing but orders keeps it. */
void merchant_removes_sale(struct world *world)
{
    struct ask ask = {.kind = COMMAND_SALE_REMOVE, .role = ROLE_OPERATOR, .customer = NOBODY};
    ask.sale = 1 + (int)below(world, SALES_AT_MOST - 1);
    if (world->model.shown_sales[ask.sale].terms.ends_wall_ms == 0 && once_in(world, 2)) {
        ask.kind = COMMAND_SALE_SET;
        ask.sale_terms = world->model.sales[ask.sale].terms;
        ask.sale_terms.ends_wall_ms = world->shop.now.wall_ms - (int64_t)below(world, 90000000);
    }
    world_ask(world, &ask);
}

/* What is not open, so that selling goes on again. */
static bool some_stopped(struct world *world, struct ask *ask)
{
    struct model *model = &world->model;
    for (uint32_t i = 0; i < 12; i++) {
        ask->switch_scope = (uint8_t)(1 + below(world, 3));
        ask->sku = some_sku(world);
        ask->sale = 1 + (int)below(world, SALES_AT_MOST - 1);
        int target = ask->switch_scope == SCOPE_SALE ? ask->sale : ask->sku;
        if (model_scope(model, ask->switch_scope, target)->newest != 0)
            return true;
    }
    return false;
}

void merchant_switches(struct world *world)
{
    struct ask ask = {.kind = COMMAND_SWITCH, .role = ROLE_OPERATOR, .customer = NOBODY};
    bool stopped = some_stopped(world, &ask);
    ask.switch_action = (uint8_t)(stopped && !once_in(world, 8) ? SWITCH_RESUME : SWITCH_PAUSE);
    if (!stopped && ask.switch_scope == SCOPE_ALL && once_in(world, 2))
        ask.switch_scope = SCOPE_SKU;
    if (ask.switch_action == SWITCH_PAUSE && once_in(world, 2))
        ask.switch_action = SWITCH_KILL;
    if (ask.switch_action == SWITCH_PAUSE && ask.switch_scope == SCOPE_ALL && once_in(world, 2))
        ask.switch_action = SWITCH_FREEZE;
    world_ask(world, &ask);
}

/* The oldest first, mostly: a review has a deadline. */
void merchant_decides(struct world *world)
{
    struct ask ask = {.kind = COMMAND_REVIEW, .role = ROLE_OPERATOR, .customer = NOBODY};
    for (uint32_t i = 0; i < 8; i++) {
        some_order(world, &ask);
        const struct sold_order *order = order_asked(world, &ask);
        if (order != NULL && order->status == ORDER_REVIEW)
            break;
    }
    ask.risk = (uint8_t)(once_in(world, 2) ? RISK_APPROVE : RISK_DECLINE);
    if (once_in(world, 50))
        ask.role = ROLE_SERVICE;
    world_ask(world, &ask);
}

void merchant_imports(struct world *world)
{
    struct ask ask = {.role = ROLE_OPERATOR, .customer = NOBODY};
    ask.kind =
        world->model.importing == once_in(world, 10) ? COMMAND_IMPORT_BEGIN : COMMAND_IMPORT_END;
    world_ask(world, &ask);
}

void merchant_changes_stock(struct world *world)
{
    const struct model *model = &world->model;
    int most = (int)world->setting.stock_at_most;
    struct ask ask = {
        .kind = COMMAND_STOCK_CHANGE,
        .role = ROLE_OPERATOR,
        .customer = NOBODY,
        .sku = some_sku(world),
        .key = some_key(world),
        .stock_floor = once_in(world, 3),
    };
    const struct units *units = &model->units[ask.sku];
    uint32_t allotment = units->allotment + units->raising - units->lowering;
    ask.stock_delta = (int64_t)below(world, (uint32_t)most + 1) - most / 2;
    /* The more was sold, the more comes: stock neither runs dry for good nor without end. */
    if (allotment > 20u * (uint32_t)most)
        ask.stock_delta = -(int64_t)below(world, 10u * (uint32_t)most);
    if (once_in(world, 4)) {
        ask.stock_set = true;
        ask.stock_compare = allotment + (once_in(world, 5) ? 1 : 0);
        ask.stock_value = allotment + below(world, (uint32_t)most) / 2;
        ask.stock_delta = 0;
    }
    if (once_in(world, 100))
        ask.stock_delta = UINT32_MAX;
    world_ask(world, &ask);
}

void merchant_reads_stock(struct world *world)
{
    struct ask ask = {.kind = COMMAND_STOCK_READ,
        .role = ROLE_OPERATOR,
        .customer = NOBODY,
        .sku = some_sku(world)};
    world_ask(world, &ask);
}
