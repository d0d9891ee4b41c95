/* SPDX-License-Identifier: Apache-2.0 */
/* Carts, keys, bounds and lists where they are easily half true. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/core/counter.h"

/* I2: the key is the order's, whoever sends it; I4 */
static void a_cancel_is_replayed_whoever_calls(void **state)
{
    (void)state;
    struct id id = bought("ann", "k", "S1", 1);
    assert_int_equal(shop_cancel(&shop, "ann", id.bytes, "c"), OUTCOME_OK);
    assert_int_equal(shop_cancel(&shop, NULL, id.bytes, "c"), OUTCOME_OK);
    assert_true(shop.answer.replayed);
    assert_int_equal(cancel_units(id, "c", 1), OUTCOME_KEY_REUSED);
    struct id other = bought("bob", "k", "S1", 1);
    assert_int_equal(shop_cancel(&shop, NULL, other.bytes, "c"), OUTCOME_OK);
    assert_false(shop.answer.replayed);
}

/* I6: keys of checkout, cancel and stock live until a day after the end of the sale */
static void keys_outlive_the_sale_by_a_day(void **state)
{
    (void)state;
    product("E", 10, 0, 0, shop.now.wall_ms + 3 * (int64_t)DAY_MS);
    struct id id = bought("ann", "k", "E", 1);
    assert_int_equal(shop_cancel(&shop, NULL, id.bytes, "c"), OUTCOME_OK);
    assert_int_equal(shop_stock(&shop, "E", 1, "s"), OUTCOME_OK);
    for (uint32_t i = 0; i < 4; i++)
        shop_pass(&shop, DAY_MS - 1000);
    assert_int_equal(shop_cancel(&shop, NULL, id.bytes, "c"), OUTCOME_OK);
    assert_true(shop.answer.replayed);
    assert_int_equal(shop_stock(&shop, "E", 1, "s"), OUTCOME_OK);
    assert_true(shop.answer.replayed);
    assert_int_equal(shop_checkout(&shop, "ann", "k", "E", 1), OUTCOME_OK);
    assert_true(shop.answer.replayed);
    shop_pass(&shop, 5000);
    assert_int_equal(shop.engines[0]->keys.used, 0);
    assert_int_equal(shop_cancel(&shop, NULL, id.bytes, "c"), OUTCOME_NOT_FOUND);
}

/* I3: after a long pause all of it is due at once, and still in this order */
static void after_a_long_pause_keys_still_go_before_their_order(void **state)
{
    (void)state;
    product("E", 10, 0, 0, shop.now.wall_ms + 3 * (int64_t)DAY_MS);
    bought("ann", "k", "E", 1);
    shop_pass(&shop, 600 * 1000);
    struct engine *engine = shop.engines[shop.last_shard];
    assert_int_equal(engine->orders.used, 1);
    shop.now.shelf_ms += 9 * DAY_MS;
    while (engine->keys.used > 0) {
        struct event event;
        assert_true(engine_due(engine, &shop.now, &event));
        shop_happen(&shop, shop.last_shard, &event);
        assert_int_equal(engine->orders.used, 1);
    }
    shop_settle(&shop);
}

/* I3: also while the first waits for the disk, and as born */
static void a_replayed_checkout_shows_the_order_as_born(void **state)
{
    (void)state;
    shop.settles_by_itself = false;
    struct id id = bought("ann", "k", "S3", 2);
    assert_int_equal(shop_checkout(&shop, "ann", "k", "S3", 2), OUTCOME_OK);
    assert_true(shop.answer.replayed);
    assert_memory_equal(shop_order_id(&shop), id.bytes, 16);
    assert_int_equal(shop_pay(&shop, id.bytes, RESULT_CAPTURED, "p", 500), OUTCOME_OK);
    assert_int_equal(cancel_units(id, "c", 1), OUTCOME_OK);
    shop_settle(&shop);
    shop_reopen(&shop);
    assert_int_equal(shop_checkout(&shop, "ann", "k", "S3", 2), OUTCOME_OK);
    assert_true(shop.answer.replayed);
    struct event event;
    engine_order_image(shop.engines[0], shop.answer.order_index, true, &event);
    const struct fact_order *fact = &event.fact.order;
    assert_int_equal(fact->status, ORDER_PENDING_PAYMENT);
    assert_int_equal(fact->paid + fact->refund_due + fact->confirmed_wall_ms, 0);
    assert_int_equal(fact->cancel_until_wall_ms + fact->paid_wall_ms, 0);
    assert_int_equal(fact->total, 500);
    assert_int_equal(event.lines[0].cancelled + event.lines[0].restocked, 0);
    assert_int_equal(event.text[TEXT_PAYMENT_ID].size, 0);
    engine_order_image(shop.engines[0], shop.answer.order_index, false, &event);
    assert_int_equal(event.fact.order.paid, 500);
    assert_int_equal(event.fact.order.refund_due, 250);
    assert_int_equal(event.lines[0].cancelled, 1);
}

/* I4: any difference that can change the effect */
static void a_key_belongs_to_one_request(void **state)
{
    (void)state;
    bought("ann", "k", "S3", 2);
    assert_int_equal(shop_checkout(&shop, "ann", "k", "S3", 1), OUTCOME_KEY_REUSED);
    assert_int_equal(shop_checkout(&shop, "ann", "k", "S1", 2), OUTCOME_KEY_REUSED);
    assert_int_equal(shop_checkout_cart(&shop, "ann", "k"), OUTCOME_KEY_REUSED);
    assert_int_equal(shop_checkout(&shop, "bob", "k", "S3", 1), OUTCOME_OK);
    assert_int_equal(shop_stock(&shop, "S3", 1, "s"), OUTCOME_OK);
    assert_int_equal(shop_stock(&shop, "S3", 2, "s"), OUTCOME_KEY_REUSED);
    assert_int_equal(shop_stock(&shop, "S1", 2, "s"), OUTCOME_OK);
}

/* I3, design 6: an order is kept as long as its keys, however soon it could be forgotten */
static void an_expired_order_outlives_its_key(void **state)
{
    (void)state;
    shop.engines[0]->policy.late_payment_seconds = 60;
    struct id id = bought("ann", "k", "S1", 1);
    shop_pass(&shop, 10 * MINUTE_MS);
    shop_pass(&shop, 2 * MINUTE_MS);
    assert_int_equal(shop_checkout(&shop, "ann", "k", "S1", 1), OUTCOME_OK);
    assert_true(shop.answer.replayed);
    assert_memory_equal(shop_order_id(&shop), id.bytes, 16);
    shop_pass(&shop, DAY_MS);
    assert_int_equal(shop.engines[0]->orders.used, 0);
}

/* I5: what had no effect may be tried again with its key */
static void a_refusal_costs_no_key(void **state)
{
    (void)state;
    assert_int_equal(shop_checkout(&shop, "ann", "k", "S1", 2), OUTCOME_INSUFFICIENT);
    assert_int_equal(shop.engines[0]->keys.used, 0);
    assert_int_equal(shop_checkout(&shop, "ann", "k", "S1", 1), OUTCOME_OK);
}

static enum outcome cart_in(const char *sku, const char *currency)
{
    struct command command = {
        .kind = COMMAND_CART_SET,
        .role = ROLE_CUSTOMER,
        .customer = BYTES("ann"),
        .sku = bytes_of_string(sku),
        .quantity = 1,
    };
    memcpy(command.currency, currency, 4);
    return shop_run(&shop, &command);
}

/* C1, M3, M4 */
static void a_cart_has_one_currency_and_its_holds_keep_their_price(void **state)
{
    (void)state;
    product("U", 10, 0, 0, 0);
    assert_int_equal(cart_in("U", "USD"), OUTCOME_OK);
    assert_int_equal(cart_in("U", "GBP"), OUTCOME_CURRENCY_MISMATCH);
    assert_int_equal(cart_in("S3", "GBP"), OUTCOME_CURRENCY_MISMATCH);
    assert_int_equal(shop_cart(&shop, "ann", "S3", 1), OUTCOME_CURRENCY_MISMATCH);
    struct command_item item = {.sku = BYTES("U"), .quantity = 2};
    struct command command = {
        .kind = COMMAND_CHECKOUT,
        .role = ROLE_CUSTOMER,
        .customer = BYTES("ann"),
        .key = BYTES("k"),
        .items = &item,
        .item_count = 1,
        .currency = "GBP",
    };
    assert_int_equal(shop_run(&shop, &command), OUTCOME_CURRENCY_MISMATCH);
    struct product_image dearer = {
        .sku = BYTES("U"),
        .title = BYTES("A thing"),
        .price_count = 1,
        .prices = {{.currency = "USD", .amount = 200}},
    };
    shop_product_as(&shop, &dearer);
    memset(command.currency, 0, 4);
    command.expected_total_set = true;
    command.expected_total = 260;
    assert_int_equal(shop_run(&shop, &command), OUTCOME_PRICE_CHANGED);
    assert_int_equal(shop.answer.items_total, 330);
    command.item_count = 0;
    memcpy(command.currency, "GBP", 4);
    assert_int_equal(shop_run(&shop, &command), OUTCOME_CURRENCY_MISMATCH);
    memset(command.currency, 0, 4);
    command.item_count = 1;
    command.expected_total = 330;
    assert_int_equal(shop_run(&shop, &command), OUTCOME_OK);
    struct id id;
    memcpy(id.bytes, shop_order_id(&shop), 16);
    assert_int_equal(order(id)->total, 330);
    assert_memory_equal(order(id)->currency, "USD", 4);
    assert_int_equal(cart_in("S3", "GBP"), OUTCOME_OK);
}

/* C3, P1: each refusal names its bound */
static void bounds_are_named(void **state)
{
    (void)state;
    struct policy *policy = &shop.engines[0]->policy;
    policy->lines_per_cart = 1;
    policy->units_per_line = 2;
    policy->max_open_orders = 1;
    assert_int_equal(shop_cart(&shop, "ann", "S3", 3), OUTCOME_QUANTITY_TOO_LARGE);
    assert_string_equal(shop.answer.bound, "units_per_line");
    assert_int_equal(shop_cart(&shop, "ann", "S3", 1), OUTCOME_OK);
    assert_int_equal(shop_cart(&shop, "ann", "S1", 1), OUTCOME_TOO_MANY_LINES);
    assert_string_equal(shop.answer.bound, "lines_per_cart");
    struct command_item items[2] = {
        {.sku = BYTES("S3"), .quantity = 2},
        {.sku = BYTES("S3"), .quantity = 1},
    };
    struct command command = {
        .kind = COMMAND_CHECKOUT,
        .role = ROLE_CUSTOMER,
        .customer = BYTES("ann"),
        .key = BYTES("k"),
        .items = items,
        .item_count = 2,
    };
    assert_int_equal(shop_run(&shop, &command), OUTCOME_QUANTITY_TOO_LARGE);
    policy->lines_per_order = 1;
    assert_int_equal(shop_run(&shop, &command), OUTCOME_TOO_MANY_LINES);
    assert_int_equal(shop_checkout_cart(&shop, "ann", "k"), OUTCOME_OK);
    assert_int_equal(shop_checkout(&shop, "ann", "l", "S3", 1), OUTCOME_TOO_MANY_OPEN_ORDERS);
    command.items = items + 1;
    command.item_count = 1;
    command.mode = PAYMENT_DEFERRED;
    assert_int_equal(shop_run(&shop, &command), OUTCOME_KEY_REUSED);
    command.key = BYTES("m");
    assert_int_equal(shop_run(&shop, &command), OUTCOME_FORBIDDEN);
    command.role = ROLE_SERVICE;
    assert_int_equal(shop_run(&shop, &command), OUTCOME_OK);
    assert_int_equal(shop_order_status(&shop), ORDER_CONFIRMED);
}

/* C2, L9, C6: with reserve_on = checkout a cart is a wish */
static void a_wish_takes_no_stock_and_competes_at_checkout(void **state)
{
    (void)state;
    shop.engines[0]->policy.reserve_on = RESERVE_CHECKOUT;
    assert_int_equal(shop_cart(&shop, "ann", "S3", 9), OUTCOME_OK);
    assert_stock("S3", 3, 0, 0);
    assert_int_equal(shop_cart(&shop, "ann", "S3", 9), OUTCOME_OK);
    assert_int_equal(shop.last_event, EVENT_NONE);
    assert_int_equal(shop_checkout_cart(&shop, "ann", "k"), OUTCOME_INSUFFICIENT);
    assert_int_equal(shop_cart(&shop, "ann", "S3", 2), OUTCOME_OK);
    assert_int_equal(shop_checkout_cart(&shop, "ann", "k"), OUTCOME_OK);
    assert_stock("S3", 1, 2, 0);
}

/* C6: a dead hold's line competes again; C2: a change moves no deadline */
static void a_line_outlives_its_hold(void **state)
{
    (void)state;
    assert_int_equal(shop_cart(&shop, "ann", "S3", 1), OUTCOME_OK);
    shop_pass(&shop, 9 * MINUTE_MS);
    assert_int_equal(shop_cart(&shop, "ann", "S3", 2), OUTCOME_OK);
    shop_pass(&shop, MINUTE_MS - 1);
    assert_stock("S3", 1, 2, 0);
    shop_pass(&shop, 1);
    assert_stock("S3", 3, 0, 0);
    struct cart_view cart;
    engine_cart(shop.engines[0], customer_find(shop.engines[0], BYTES("ann")), &cart);
    assert_int_equal(cart.lines[0].state, LINE_EXPIRED);
    assert_int_equal(shop_cart(&shop, "ann", "S3", 2), OUTCOME_OK);
    assert_stock("S3", 1, 2, 0);
    struct command clear = {
        .kind = COMMAND_CART_CLEAR, .role = ROLE_CUSTOMER, .customer = BYTES("ann")};
    assert_int_equal(shop_run(&shop, &clear), OUTCOME_OK);
    assert_stock("S3", 3, 0, 0);
    assert_int_equal(shop_run(&shop, &clear), OUTCOME_OK);
    assert_int_equal(shop.last_event, EVENT_NONE);
}

static uint32_t cart_version_of(const char *who)
{
    uint32_t customer = customer_find(shop.engines[0], bytes_of_string(who));
    return customer == NONE ? 0 : customer_at(shop.engines[0], customer)->cart_version;
}

/* design 6: a customer who is busy is not forgotten, one who is idle is, and may come back, with
 * cart versions that nobody has seen before (C5) */
static void idle_customers_are_forgotten_and_come_back(void **state)
{
    (void)state;
    shop.engines[0]->policy.reserve_on = RESERVE_CHECKOUT;
    assert_int_equal(shop_cart(&shop, "ann", "S3", 1), OUTCOME_OK);
    shop_pass(&shop, 20 * MINUTE_MS);
    assert_int_equal(shop_cart(&shop, "ann", "S3", 2), OUTCOME_OK);
    uint32_t seen = cart_version_of("ann");
    shop_pass(&shop, 20 * MINUTE_MS);
    assert_int_equal(shop.engines[0]->customers.used, 1);
    shop_pass(&shop, 10 * MINUTE_MS);
    assert_int_equal(shop.engines[0]->customers.used, 0);
    assert_int_equal(shop.engines[0]->holds.used, 0);
    assert_int_equal(shop_checkout_cart(&shop, "ann", "k"), OUTCOME_CART_EMPTY);
    assert_int_equal(shop_cart(&shop, "ann", "S3", 1), OUTCOME_OK);
    uint32_t again = cart_version_of("ann");
    assert_true(again > seen);
    shop_reopen(&shop);
    assert_int_equal(cart_version_of("ann"), again);
}

/* O4: the list of orders goes on where it stood when the order it stood at is gone */
static void a_list_of_orders_skips_none(void **state)
{
    (void)state;
    defer_payment();
    struct id first = bought("ann", "k1", "S3", 1);
    assert_int_equal(shop_pay(&shop, first.bytes, RESULT_CAPTURED, "p1", 250), OUTCOME_OK);
    assert_int_equal(shop_pay(&shop, first.bytes, RESULT_CAPTURED, "p2", 250), OUTCOME_OK);
    shop_pass(&shop, 1);
    bought("ann", "k2", "S3", 1);
    shop_pass(&shop, 1);
    bought("ann", "k3", "S3", 1);
    uint32_t ann = customer_find(shop.engines[0], BYTES("ann")), indexes[8];
    uint8_t cursor[16] = {0};
    assert_int_equal(engine_orders_of(shop.engines[0], ann, 0, 0, cursor, 1, indexes), 1);
    assert_false(order_id_is_none(cursor));
    for (uint32_t i = 0; i < 3; i++)
        shop_pass(&shop, DAY_MS);
    assert_int_equal(engine_orders_of(shop.engines[0], ann, 0, 0, cursor, 8, indexes), 1);
    assert_memory_equal(order_at(shop.engines[0], indexes[0])->id, first.bytes, 16);
    assert_true(order_id_is_none(cursor));
}

static void check_list(const struct engine *engine, const struct customer *customer)
{
    uint32_t before = 0, link = customer->orders_newest;
    for (uint32_t i = 0; i < customer->order_count; i++) {
        const struct order *order = order_at(engine, link - 1);
        assert_int_equal(order->prev, before);
        if (before != 0)
            assert_true(order_at(engine, before - 1)->id[0] > order->id[0]);
        before = link;
        link = order->next;
    }
    assert_int_equal(link, 0);
    assert_int_equal(before, customer->orders_oldest);
}

/* O4: in whatever order they come and go, a customer's orders stand newest first */
static void orders_stand_newest_first_however_they_came(void **state)
{
    (void)state;
    const uint8_t coming[] = {40, 50, 30, 45, 20, 60, 10, 35};
    const uint8_t going[] = {10, 60, 45, 20, 50, 30, 35, 40};
    struct engine *engine = shop.engines[0];
    uint32_t index = customer_add(engine, BYTES("ann"), 1);
    const struct customer *ann = customer_at(engine, index);
    for (uint32_t i = 0; i < sizeof(coming); i++) {
        order_add(engine, index, (uint8_t[16]){coming[i]});
        assert_int_equal(ann->order_count, i + 1);
        check_list(engine, ann);
    }
    for (uint32_t i = 0; i < sizeof(going); i++) {
        order_remove(engine, order_find(engine, (uint8_t[16]){going[i]}));
        assert_int_equal(ann->order_count, sizeof(coming) - i - 1);
        check_list(engine, ann);
    }
    assert_int_equal(ann->orders_newest, 0);
    customer_remove(engine, index);
}

/* K5: what PostgreSQL cannot confirm takes no effect; what it may have confirmed is asked again */
static void a_checkout_that_cannot_be_confirmed_takes_nothing(void **state)
{
    (void)state;
    bought("ann", "k", "S1", 1);
    assert_int_equal(shop_cart(&shop, "ann", "S3", 2), OUTCOME_OK);
    shop.now.postgres_down = 1;
    assert_int_equal(shop_checkout_cart(&shop, "ann", "l"), OUTCOME_UNCONFIRMED);
    assert_int_equal(shop.engines[shop.last_shard]->orders.used, 1);
    assert_int_equal(shop.engines[shop.last_shard]->keys.used, 1);
    assert_int_equal(shop_checkout(&shop, "ann", "k", "S1", 1), OUTCOME_OK);
    assert_true(shop.answer.replayed);
    assert_int_equal(shop_checkout(&shop, "ann", "k", "S1", 2), OUTCOME_KEY_REUSED);
    shop.now.postgres_down = 0;
    assert_int_equal(shop_checkout_cart(&shop, "ann", "l"), OUTCOME_OK);
    assert_false(shop.answer.replayed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(a_cancel_is_replayed_whoever_calls),
        RULE(keys_outlive_the_sale_by_a_day),
        RULE(after_a_long_pause_keys_still_go_before_their_order),
        RULE(a_replayed_checkout_shows_the_order_as_born),
        RULE(a_key_belongs_to_one_request),
        RULE(an_expired_order_outlives_its_key),
        RULE(a_refusal_costs_no_key),
        RULE(a_cart_has_one_currency_and_its_holds_keep_their_price),
        RULE(bounds_are_named),
        RULE(a_wish_takes_no_stock_and_competes_at_checkout),
        RULE(a_line_outlives_its_hold),
        RULE(idle_customers_are_forgotten_and_come_back),
        RULE(a_list_of_orders_skips_none),
        RULE(orders_stand_newest_first_however_they_came),
        RULE(a_checkout_that_cannot_be_confirmed_takes_nothing),
    };
    return cmocka_run_group_tests_name("engine_rules", tests, NULL, NULL);
}
