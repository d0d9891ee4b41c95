/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/simulate/actors.h"

#include <string.h>

static uint32_t below(struct world *world, uint32_t bound)
{
    return dice_below(&world->dice, bound);
}

static bool once_in(struct world *world, uint32_t times)
{
    return below(world, times) == 0;
}

static int some_sku(struct world *world)
{
    return (int)below(world, world->setting.skus);
}

/* Half of the time one of a few: they have carts, orders, allowances. */
static int some_customer(struct world *world)
{
    uint32_t all = world->setting.customers;
    return (int)below(world, all > 64 && once_in(world, 2) ? 64 : all);
}

static int some_currency(struct world *world)
{
    return once_in(world, 12) ? 2 : once_in(world, 4) ? 1 : 0;
}

/* An order that is kept, from a random place on. */
static bool kept_order(struct world *world, struct ask *ask)
{
    const struct model *model = &world->model;
    uint32_t shard = below(world, model->shards), most = model->capacity.orders;
    uint32_t slot = below(world, most);
    for (uint32_t i = 0; i < most && i < 32; i++, slot++) {
        const struct sold_order *order = &model->orders[shard][slot % most + 1];
        if (!order->used)
            continue;
        memcpy(ask->order_id, order->id, 16);
        ask->order_slot = slot % most + 1;
        return true;
    }
    return false;
}

/* An order that is kept, or was seen before and may be gone, or never was. */
static void some_order(struct world *world, struct ask *ask)
{
    if (once_in(world, 2) && kept_order(world, ask))
        return;
    uint64_t known = world->orders_seen_count;
    uint64_t kept = 2 * world->setting.capacity.orders;
    if (known > ORDERS_SEEN_AT_MOST)
        known = ORDERS_SEEN_AT_MOST;
    if (known > kept)
        known = kept;
    if (known == 0 || once_in(world, 100)) {
        memset(ask->order_id, (int)below(world, 256), 16);
        return;
    }
    /* Mostly one of the latest. */
    uint32_t back = below(world, (uint32_t)known);
    if (!once_in(world, 3))
        back = below(world, back + 1);
    uint64_t at = (world->orders_seen_count - 1 - back) % ORDERS_SEEN_AT_MOST;
    memcpy(ask->order_id, world->orders_seen[at].id, 16);
    ask->order_slot = world->orders_seen[at].slot;
}

static const struct sold_order *order_asked(const struct world *world, const struct ask *ask)
{
    return model_order(&world->model, ask->order_slot, ask->order_id);
}

static uint32_t some_key(struct world *world)
{
    return once_in(world, 6) ? below(world, 20) : 20 + world->keys_given++;
}

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
    terms->price[1] = some_price(world, sku);
    terms->price[2] = once_in(world, 2) || terms->own_currency == 2 ? some_price(world, sku) : 0;
    if (!first && once_in(world, 6))
        terms->starts_wall_ms = now + (int64_t)below(world, 4000) - 2000;
    if (!first && once_in(world, 6))
        terms->ends_wall_ms = now + (int64_t)below(world, 60000) - 2000;
    ask.stock = below(world, world->setting.stock_at_most + 1);
    const struct product *product = &model->products[sku];
    if (product->exists && once_in(world, 2)) /* the same again, or nearly */
        *terms = product->terms;
    if (once_in(world, 5))
        ask.expected_version = product->version + below(world, 2);
    ask.in_import = model->importing && !model->import_ending && once_in(world, 2);
    return ask;
}

static void merchant_changes_product(struct world *world)
{
    int sku = some_sku(world);
    const struct model *model = &world->model;
    /* A row of an import that is under way is no product that could be changed. */
    if (model->products[sku].in_import)
        return;
    struct ask ask = merchant_product(world, sku, false);
    world_ask(world, &ask);
}

static void merchant_imports(struct world *world)
{
    struct ask ask = {.role = ROLE_OPERATOR, .customer = NOBODY};
    ask.kind =
        world->model.importing == once_in(world, 10) ? COMMAND_IMPORT_BEGIN : COMMAND_IMPORT_END;
    world_ask(world, &ask);
}

static void merchant_changes_stock(struct world *world)
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

static void merchant_reads_stock(struct world *world)
{
    struct ask ask = {.kind = COMMAND_STOCK_READ,
        .role = ROLE_OPERATOR,
        .customer = NOBODY,
        .sku = some_sku(world)};
    world_ask(world, &ask);
}

static void customer_fills_cart(struct world *world)
{
    struct ask ask = {
        .kind = COMMAND_CART_SET,
        .role = ROLE_CUSTOMER,
        .customer = some_customer(world),
        .sku = some_sku(world),
        .quantity = below(world, once_in(world, 20) ? 9 : 4),
        .currency = some_currency(world),
    };
    world_ask(world, &ask);
}

static void customer_looks(struct world *world)
{
    static const enum command_kind kinds[] = {
        COMMAND_CART_READ, COMMAND_ORDERS_LIST, COMMAND_ORDER_READ, COMMAND_CART_CLEAR};
    struct ask ask = {.kind = kinds[below(world, 4)], .role = ROLE_CUSTOMER};
    ask.customer = some_customer(world);
    if (ask.kind == COMMAND_ORDER_READ)
        some_order(world, &ask);
    const struct sold_order *order = order_asked(world, &ask);
    if (order != NULL && once_in(world, 2))
        ask.customer = order->customer;
    world_ask(world, &ask);
}

static void fill_basket(struct world *world, struct ask *ask)
{
    ask->item_count = once_in(world, 2) ? 0 : 1 + below(world, once_in(world, 10) ? 4 : 3);
    for (uint32_t i = 0; i < ask->item_count; i++) {
        ask->items[i].sku = some_sku(world);
        ask->items[i].quantity = 1 + below(world, once_in(world, 20) ? 8 : 3);
    }
}

/* A key that the customer used before, with the same request or nearly. */
static bool repeat_key(struct world *world, struct ask *ask)
{
    const struct model *model = &world->model;
    uint32_t slot = model->buyers[ask->customer].first_key;
    uint32_t shard = model->home[ask->customer];
    if (slot == NO_SLOT || !once_in(world, 8))
        return false;
    while (once_in(world, 2) && model->keys[shard][slot].next != NO_SLOT)
        slot = model->keys[shard][slot].next;
    *ask = model->keys[shard][slot].ask;
    if (once_in(world, 3) && ask->item_count > 0)
        ask->items[0].quantity++;
    if (once_in(world, 6))
        ask->currency = some_currency(world);
    return true;
}

/* Quotes what the basket would cost, right or wrong (K4). */
static void expect_total(struct world *world, struct ask *ask)
{
    struct expect expect;
    struct moment now = world->model.now;
    world->model.now = world->shop.now;
    model_expect(&world->model, ask, &expect);
    world->model.now = now;
    ask->expected_total_set = true;
    ask->expected_total = expect.total + (once_in(world, 4) ? 1 : 0);
}

static void customer_buys(struct world *world)
{
    struct ask ask = {
        .kind = COMMAND_CHECKOUT,
        .role = once_in(world, 2) ? ROLE_CUSTOMER : ROLE_SERVICE,
        .customer = some_customer(world),
    };
    if (!repeat_key(world, &ask)) {
        ask.key = some_key(world);
        ask.currency = some_currency(world);
        if (ask.role == ROLE_SERVICE || once_in(world, 50))
            ask.mode = (uint8_t)below(world, 3);
        if (once_in(world, 8))
            ask.reference_size = 1 + below(world, once_in(world, 4) ? 1500 : 60);
        fill_basket(world, &ask);
        if (once_in(world, 5))
            expect_total(world, &ask);
    }
    world_ask(world, &ask);
}

static void choose_payment(struct world *world, const struct sold_order *order, struct ask *ask)
{
    if (order != NULL && order->payment_count > 0 && once_in(world, 2)) {
        const struct paying *paying = &order->payments[below(world, order->payment_count)];
        ask->payment = paying->payment;
        ask->refund = paying->refund;
    } else if (once_in(world, 10) && world->payments_given > 0) {
        uint32_t back = world->payments_given < 60 ? world->payments_given : 60;
        ask->payment = (world->payments_given - 1 - below(world, back)) % PAYMENTS_AT_MOST;
    } else {
        ask->payment = world->payments_given++ % PAYMENTS_AT_MOST;
    }
    if (ask->refund == 0 || once_in(world, 2))
        ask->refund = 1 + world->payments_given;
}

static void bank_reports(struct world *world)
{
    struct ask ask = {.kind = COMMAND_PAYMENT, .role = ROLE_SERVICE, .customer = NOBODY};
    some_order(world, &ask);
    const struct sold_order *order = order_asked(world, &ask);
    ask.result = (uint8_t)(once_in(world, 2) ? RESULT_CAPTURED : 1 + below(world, 6));
    ask.currency = 1;
    ask.amount = 1;
    choose_payment(world, order, &ask);
    if (order != NULL) {
        ask.currency = order->currency;
        ask.amount = order->total;
        if (ask.result != RESULT_REFUNDED && order->refund_due > 0 && once_in(world, 3))
            ask.result = RESULT_REFUNDED;
        if (ask.result == RESULT_REFUNDED && order->refund_due > 0)
            ask.amount = once_in(world, 3) && order->refund_due < 1000000
                             ? 1 + (int64_t)below(world, (uint32_t)order->refund_due)
                             : order->refund_due;
        if (once_in(world, 30))
            ask.customer = order->customer + (once_in(world, 2) && order->customer == 0);
    }
    if (once_in(world, 30))
        ask.amount += ask.amount < INT64_MAX;
    if (once_in(world, 60))
        ask.currency = 3 - ask.currency;
    if (once_in(world, 100))
        ask.role = ROLE_CUSTOMER;
    world_ask(world, &ask);
}

static void somebody_cancels(struct world *world)
{
    struct ask ask = {.kind = COMMAND_CANCEL, .role = ROLE_SERVICE, .customer = NOBODY};
    some_order(world, &ask);
    const struct sold_order *order = order_asked(world, &ask);
    ask.key = once_in(world, 3) ? below(world, 4) : some_key(world);
    ask.restock_none = once_in(world, 8);
    if (once_in(world, 2)) {
        ask.role = ROLE_CUSTOMER;
        ask.customer = order == NULL || once_in(world, 20) ? some_customer(world) : order->customer;
    }
    ask.item_count = once_in(world, 2) ? 0 : 1 + below(world, 2);
    for (uint32_t i = 0; i < ask.item_count; i++) {
        uint32_t lines = order == NULL ? 1 : order->line_count;
        ask.items[i].line = once_in(world, 30) ? below(world, 9) : 1 + below(world, lines);
        ask.items[i].quantity = 1 + below(world, 2);
    }
    world_ask(world, &ask);
}

/* A client that heard nothing sends the same once more. */
static void somebody_retries(struct world *world)
{
    uint64_t known = world->asks_seen_count;
    if (known == 0)
        return;
    uint32_t most = known < ASKS_SEEN_AT_MOST ? (uint32_t)known : ASKS_SEEN_AT_MOST;
    struct ask ask = world->asks_seen[(known - 1 - below(world, most)) % ASKS_SEEN_AT_MOST];
    world_ask(world, &ask);
}

/* To the deadline of somebody's hold or order, or to just before it (L2). */
static bool pass_to_deadline(struct world *world)
{
    const struct model *model = &world->model;
    const struct buyer *buyer = &model->buyers[some_customer(world)];
    uint64_t now = world->shop.now.shelf_ms, deadline = 0;
    if (buyer->line_count > 0)
        deadline = buyer->lines[below(world, buyer->line_count)].deadline_shelf_ms;
    if (deadline <= now)
        return false;
    world_pass(world, deadline - now - (once_in(world, 2) ? 1 : 0));
    return true;
}

static void clock_runs(struct world *world)
{
    if (once_in(world, 3) && pass_to_deadline(world))
        return;
    if (once_in(world, 30))
        world_pass(world, below(world, 90000000)); /* to the next day */
    else if (once_in(world, 10))
        world_pass(world, below(world, 120000));
    else
        world_pass(world, below(world, 3000));
}

/* The journal is nearly full, or is not; PostgreSQL is behind, or is not. */
static void world_changes(struct world *world)
{
    struct moment *now = &world->shop.now;
    now->journal_full = !now->journal_full && once_in(world, 8);
    now->streamed_seq = once_in(world, 4) ? below(world, 1000) : UINT64_MAX;
}

void actors_step(struct world *world)
{
    uint32_t turn = below(world, 100);
    if (turn < 33)
        customer_fills_cart(world);
    else if (turn < 56)
        customer_buys(world);
    else if (turn < 75)
        bank_reports(world);
    else if (turn < 81)
        somebody_cancels(world);
    else if (turn < 84)
        customer_looks(world);
    else if (turn < 88)
        merchant_changes_stock(world);
    else if (turn < 90)
        merchant_changes_product(world);
    else if (turn < 92)
        somebody_retries(world);
    else if (turn < 99)
        clock_runs(world);
    else if (once_in(world, 4))
        merchant_imports(world);
    else if (once_in(world, 2))
        merchant_reads_stock(world);
    else
        world_changes(world);
}
