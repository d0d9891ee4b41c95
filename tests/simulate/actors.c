/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Customers and the clock, and who of all is next.
 */
#include "tests/simulate/actors.h"

#include <string.h>

#include "tests/simulate/actors_parts.h"
#include "tests/simulate/model_parts.h"

/* If-Match, right or wrong (C5). */
static void some_version(struct world *world, struct ask *ask)
{
    const struct buyer *buyer = &world->model.buyers[ask->customer];
    ask->if_version_set = once_in(world, 12);
    ask->if_version = (buyer->known ? buyer->cart_version : 0) - (once_in(world, 3) ? 1 : 0);
}

static void customer_extends(struct world *world)
{
    struct ask ask = {.kind = COMMAND_CART_EXTEND, .role = ROLE_CUSTOMER};
    ask.customer = some_customer(world);
    some_version(world, &ask);
    world_ask(world, &ask);
}

/* Somebody, more often one who has something in the cart. */
static int some_cart(struct world *world)
{
    int customer = some_customer(world);
    for (uint32_t i = 0; i < 8 && world->model.buyers[customer].line_count == 0; i++)
        customer = some_customer(world);
    return customer;
}

/* A guest turns out to be somebody (C4). */
static void guest_becomes_customer(struct world *world)
{
    struct ask ask = {.kind = COMMAND_CART_MERGE, .role = ROLE_CUSTOMER};
    ask.customer = once_in(world, 2) ? some_customer(world) : some_cart(world);
    ask.guest = some_cart(world);
    some_version(world, &ask);
    if (world->merge_asked.kind == COMMAND_CART_MERGE && once_in(world, 5))
        ask = world->merge_asked; /* nobody answered, or he does not believe it */
    world->merge_asked = ask;
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
    some_version(world, &ask);
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
    if (ask.kind == COMMAND_CART_CLEAR)
        some_version(world, &ask);
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

/* What a service knows of a checkout. */
static void service_says(struct world *world, struct ask *ask)
{
    if (once_in(world, 4))
        ask->adjusting = some_adjustments(world);
    if (once_in(world, 6))
        ask->risk = (uint8_t)(1 + below(world, 3));
    if (once_in(world, 6))
        ask->score = below(world, 100);
    if (!once_in(world, 3))
        return;
    ask->identity_count = 1 + below(world, IDENTITIES_AT_MOST);
    for (uint32_t i = 0; i < ask->identity_count; i++)
        ask->identities[i] = (int)(i * IDENTITIES / 2 + below(world, once_in(world, 3) ? 6 : 2));
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
        some_version(world, &ask);
        if (ask.role == ROLE_SERVICE || once_in(world, 100))
            service_says(world, &ask);
        if (once_in(world, 8))
            ask.reference_size = 1 + below(world, once_in(world, 4) ? 1500 : 60);
        fill_basket(world, &ask);
        if (once_in(world, 5))
            expect_total(world, &ask);
    }
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

/* Half of the time the shards cannot keep up with what is due. */
static void pass(struct world *world, uint64_t ms)
{
    if (once_in(world, 2))
        world_lag(world, ms, below(world, 6));
    else
        world_pass(world, ms);
}

/* To the deadline of somebody's hold or order, or to just before it (L2). */
static bool pass_to_deadline(struct world *world)
{
    const struct model *model = &world->model;
    int customer = some_customer(world);
    const struct buyer *buyer = &model->buyers[customer];
    uint64_t now = world->shop.now.shelf_ms, deadline = 0;
    const struct visit *visit = &world->visits[below(world, VISITS_AT_MOST)];
    if (visit->used && visit->merging.line_count > 0) /* of what is on the way */
        deadline = visit->merging.lines[0].was.deadline_shelf_ms;
    else if (buyer->line_count > 0)
        deadline = buyer->lines[below(world, buyer->line_count)].deadline_shelf_ms;
    if (deadline <= now)
        return false;
    world->customer_in_mind = customer;
    pass(world, deadline - now - (once_in(world, 2) ? 1 : 0));
    return true;
}

/* To the deadline of an order, or to the end of its customer's right to cancel (L2, O1). */
static bool pass_to_order(struct world *world)
{
    const struct sold_order *order = bear_in_mind(world);
    const struct moment *now = &world->shop.now;
    int64_t ms = 0;
    if (order != NULL && sold_is_open(order))
        ms = (int64_t)(order->due_shelf_ms - now->shelf_ms);
    else if (order != NULL && order->status == ORDER_CONFIRMED)
        ms = order->cancel_until_wall_ms - now->wall_ms;
    if (ms <= 0)
        return false;
    pass(world, (uint64_t)ms - (once_in(world, 2) ? 1 : 0));
    return true;
}

static void clock_runs(struct world *world)
{
    if (once_in(world, 6) && pass_to_order(world))
        return;
    if (once_in(world, 3) && pass_to_deadline(world))
        return;
    if (once_in(world, 30))
        world_pass(world, below(world, 100000000)); /* to the next day, or a little more */
    else if (once_in(world, 10))
        pass(world, below(world, 120000));
    else
        pass(world, below(world, 3000));
}

/* The journal is nearly full, or is not; PostgreSQL is away or behind, or is not. */
static void world_changes(struct world *world)
{
    struct moment *now = &world->shop.now;
    bool full = !now->journal_full && once_in(world, 5);
    now->journal_full = !full ? JOURNAL_HAS_ROOM : once_in(world, 4) ? JOURNAL_SPENT : JOURNAL_FULL;
    now->postgres_down = !now->postgres_down && once_in(world, 8);
    now->streamed_seq = once_in(world, 4) ? below(world, 1000) : UINT64_MAX;
}

void actors_step(struct world *world)
{
    uint32_t turn = below(world, 100);
    if (once_in(world, 20))
        (void)bear_in_mind(world);
    if (turn < 31)
        customer_fills_cart(world);
    else if (turn < 33)
        guest_becomes_customer(world);
    else if (turn < 56)
        customer_buys(world);
    else if (turn < 75)
        bank_reports(world);
    else if (turn < 80)
        somebody_cancels(world);
    else if (turn < 81)
        merchant_decides(world);
    else if (turn < 83)
        customer_looks(world);
    else if (turn < 84)
        customer_extends(world);
    else if (turn < 88)
        merchant_changes_stock(world);
    else if (turn < 90)
        merchant_changes_product(world);
    else if (turn < 92)
        somebody_retries(world);
    else if (turn < 98)
        clock_runs(world);
    else if (turn < 99)
        merchant_switches(world);
    else if (once_in(world, 3))
        once_in(world, 2) ? merchant_removes_sale(world) : merchant_changes_sale(world);
    else if (once_in(world, 4))
        merchant_imports(world);
    else if (once_in(world, 2))
        merchant_reads_stock(world);
    else
        world_changes(world);
}
