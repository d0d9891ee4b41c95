/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of selling, one sentence per test, on engines in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/tables.h"
#include "tests/core/shop.h"

static const struct capacity small = {
    .skus = 16,
    .customers = 64,
    .orders = 64,
    .holds = 64,
    .lines = 256,
    .text_bytes = 65536,
    .idempotency_keys = 128,
    .claims = 256,
    .allowances = 64,
    .names = 16,
    .connections = 1,
    .requests = 1,
};

static struct shop shop;

static int open_two_shards(void **state)
{
    (void)state;
    shop_open(&shop, 2, &small);
    shop.policy.reserve_on = RESERVE_CART;
    shop.engines[0]->policy.reserve_on = shop.engines[1]->policy.reserve_on = RESERVE_CART;
    shop_product(&shop, "S1", 500, 1);
    shop_product(&shop, "S3", 250, 3);
    return 0;
}

static int check_and_close(void **state)
{
    (void)state;
    shop_check(&shop);
    shop_reopen(&shop);
    shop_close(&shop);
    return 0;
}

static void assert_stock(const char *sku, uint32_t available, uint32_t held, uint32_t sold)
{
    struct stock_numbers numbers = shop_numbers(&shop, sku);
    assert_int_equal(numbers.available, available);
    assert_int_equal(numbers.held, held);
    assert_int_equal(numbers.sold, sold);
}

static void defer_payment(void)
{
    shop.policy.payment_mode = PAYMENT_DEFERRED;
    shop.engines[0]->policy.payment_mode = shop.engines[1]->policy.payment_mode = PAYMENT_DEFERRED;
}

/* A4, A6, L2, L3 */
static void a_hold_takes_the_last_unit_and_gives_it_back_at_its_deadline(void **state)
{
    (void)state;
    assert_int_equal(shop_cart(&shop, "ann", "S1", 1), OUTCOME_OK);
    assert_int_equal(shop_cart(&shop, "bob", "S1", 1), OUTCOME_HELD_BY_OTHERS);
    assert_int_equal(shop_cart(&shop, "ann", "S1", 1), OUTCOME_OK);
    assert_stock("S1", 0, 1, 0);
    shop_pass(&shop, 600 * 1000 - 1);
    assert_int_equal(shop_cart(&shop, "bob", "S1", 1), OUTCOME_HELD_BY_OTHERS);
    shop_pass(&shop, 1);
    assert_int_equal(shop_cart(&shop, "bob", "S1", 1), OUTCOME_OK);
    assert_int_equal(shop_checkout_cart(&shop, "ann", "k"), OUTCOME_HELD_BY_OTHERS);
    assert_stock("S1", 0, 1, 0);
}

/* L2: dead for its owner too, even before the timer's tick */
static void no_command_sees_a_dead_hold_of_its_own(void **state)
{
    (void)state;
    assert_int_equal(shop_cart(&shop, "ann", "S1", 1), OUTCOME_OK);
    shop.now.shelf_ms += 600 * 1000;
    struct command read = {
        .kind = COMMAND_CART_READ, .role = ROLE_CUSTOMER, .customer = BYTES("ann")};
    assert_int_equal(shop_run(&shop, &read), OUTCOME_OK);
    struct cart_view cart;
    engine_cart(shop.engines[shop.last_shard], shop.answer.customer_index, &cart);
    assert_int_equal(cart.line_count, 1);
    assert_int_equal(cart.lines[0].state, LINE_EXPIRED);
    assert_stock("S1", 1, 0, 0);
}

/* C2 */
static void a_cart_line_is_raised_lowered_and_removed(void **state)
{
    (void)state;
    assert_int_equal(shop_cart(&shop, "ann", "S3", 1), OUTCOME_OK);
    assert_int_equal(shop_cart(&shop, "ann", "S3", 3), OUTCOME_OK);
    assert_stock("S3", 0, 3, 0);
    assert_int_equal(shop_cart(&shop, "ann", "S3", 4), OUTCOME_INSUFFICIENT);
    assert_int_equal(shop.answer.available, 3);
    assert_stock("S3", 0, 3, 0);
    assert_int_equal(shop_cart(&shop, "ann", "S3", 2), OUTCOME_OK);
    assert_stock("S3", 1, 2, 0);
    assert_int_equal(shop_cart(&shop, "ann", "S3", 0), OUTCOME_OK);
    assert_stock("S3", 3, 0, 0);
    assert_int_equal(shop_cart(&shop, "ann", "S3", 0), OUTCOME_OK);
    assert_int_equal(shop.last_event, EVENT_NONE);
}

/* The escrow law: what comes back, comes back after the record is durable */
static void units_come_back_only_when_the_record_is_durable(void **state)
{
    (void)state;
    shop_cart(&shop, "ann", "S1", 1);
    shop.settles_by_itself = false;
    assert_int_equal(shop_cart(&shop, "ann", "S1", 0), OUTCOME_OK);
    assert_int_equal(shop_cart(&shop, "bob", "S1", 1), OUTCOME_HELD_BY_OTHERS);
    shop_settle(&shop);
    assert_int_equal(shop_cart(&shop, "bob", "S1", 1), OUTCOME_OK);
}

/* V3, V7: a crash before the give-back is durable */
static void a_crash_loses_what_was_not_durable_and_nothing_else(void **state)
{
    (void)state;
    shop_cart(&shop, "ann", "S1", 1);
    shop_cart(&shop, "ann", "S3", 2);
    shop.settles_by_itself = false;
    shop_cart(&shop, "ann", "S1", 0);
    shop_cart(&shop, "bob", "S3", 1);
    shop_reopen(&shop);
    assert_stock("S1", 0, 1, 0);
    assert_stock("S3", 1, 2, 0);
    assert_int_equal(shop_checkout_cart(&shop, "ann", "k"), OUTCOME_OK);
}

/* K6, P1, I3 */
static void one_cart_yields_one_order_and_its_key_repeats_it(void **state)
{
    (void)state;
    shop_cart(&shop, "ann", "S1", 1);
    assert_int_equal(shop_checkout_cart(&shop, "ann", "k1"), OUTCOME_OK);
    assert_int_equal(shop_order_status(&shop), ORDER_PENDING_PAYMENT);
    uint8_t id[16];
    memcpy(id, shop_order_id(&shop), 16);
    assert_int_equal(shop_checkout_cart(&shop, "ann", "k1"), OUTCOME_OK);
    assert_true(shop.answer.replayed);
    assert_memory_equal(shop_order_id(&shop), id, 16);
    assert_int_equal(shop_checkout_cart(&shop, "ann", "k2"), OUTCOME_CART_EMPTY);
    assert_memory_equal(shop.answer.order_id, id, 16);
    assert_int_equal(shop_checkout(&shop, "ann", "k1", "S3", 1), OUTCOME_KEY_REUSED);
    assert_stock("S1", 0, 1, 0);
}

/* P2, P3, P4 */
static void a_payment_confirms_its_order_once(void **state)
{
    (void)state;
    assert_int_equal(shop_checkout(&shop, "ann", "k", "S1", 1), OUTCOME_OK);
    uint8_t id[16];
    memcpy(id, shop_order_id(&shop), 16);
    assert_int_equal(shop_pay(&shop, id, RESULT_CAPTURED, "p1", 499), OUTCOME_PAYMENT_MISMATCH);
    assert_int_equal(shop_pay(&shop, id, RESULT_DECLINED, "p0", 500), OUTCOME_OK);
    assert_int_equal(shop_order_status(&shop), ORDER_PENDING_PAYMENT);
    assert_int_equal(shop_pay(&shop, id, RESULT_AUTHORIZED, "p1", 500), OUTCOME_OK);
    assert_int_equal(shop_order_status(&shop), ORDER_CONFIRMED);
    assert_stock("S1", 0, 0, 1);
    assert_int_equal(shop_pay(&shop, id, RESULT_AUTHORIZED, "p1", 500), OUTCOME_OK);
    assert_true(shop.answer.replayed);
    assert_int_equal(shop_pay(&shop, id, RESULT_CAPTURED, "p1", 500), OUTCOME_OK);
    assert_int_equal(shop.last_event, EVENT_ORDER_CONFIRMED);
    assert_int_equal(shop_cart(&shop, "bob", "S1", 1), OUTCOME_SOLD_OUT);
    assert_int_equal(shop_checkout(&shop, "bob", "k", "S3", 2), OUTCOME_OK);
    uint8_t other[16];
    memcpy(other, shop_order_id(&shop), 16);
    assert_int_equal(shop_pay(&shop, other, RESULT_CAPTURED, "p1", 500), OUTCOME_PAYMENT_ID_USED);
}

/* P5, P6, L1 */
static void a_late_payment_takes_the_units_again_or_is_due_back(void **state)
{
    (void)state;
    assert_int_equal(shop_checkout(&shop, "ann", "k", "S1", 1), OUTCOME_OK);
    uint8_t first[16], second[16];
    memcpy(first, shop_order_id(&shop), 16);
    shop_pass(&shop, 600 * 1000);
    assert_stock("S1", 1, 0, 0);
    assert_int_equal(shop_checkout(&shop, "bob", "k", "S1", 1), OUTCOME_OK);
    memcpy(second, shop_order_id(&shop), 16);
    assert_int_equal(shop_pay(&shop, first, RESULT_CAPTURED, "p1", 500), OUTCOME_REFUND_REQUIRED);
    assert_int_equal(shop_order_status(&shop), ORDER_REFUND_REQUIRED);
    assert_int_equal(shop_pay(&shop, first, RESULT_CAPTURED, "p1", 500), OUTCOME_OK);
    assert_true(shop.answer.replayed);
    shop_pass(&shop, 600 * 1000);
    assert_int_equal(shop_pay(&shop, second, RESULT_CAPTURED, "p2", 500), OUTCOME_OK);
    assert_int_equal(shop_order_status(&shop), ORDER_CONFIRMED);
    assert_stock("S1", 0, 0, 1);
    assert_int_equal(shop_pay(&shop, first, RESULT_REFUNDED, "r1", 500), OUTCOME_OK);
    assert_int_equal(shop_order_status(&shop), ORDER_REFUNDED);
}

/* P1, O1, O2 */
static void a_deferred_order_is_confirmed_at_once_and_a_cancel_restocks_it(void **state)
{
    (void)state;
    defer_payment();
    assert_int_equal(shop_checkout(&shop, "ann", "k", "S3", 2), OUTCOME_OK);
    assert_int_equal(shop_order_status(&shop), ORDER_CONFIRMED);
    assert_stock("S3", 1, 0, 2);
    uint8_t id[16];
    memcpy(id, shop_order_id(&shop), 16);
    assert_int_equal(shop_cancel(&shop, "bob", id, "c"), OUTCOME_NOT_FOUND);
    assert_int_equal(shop_cancel(&shop, "ann", id, "c"), OUTCOME_OK);
    assert_int_equal(shop_order_status(&shop), ORDER_CANCELLED);
    assert_stock("S3", 3, 0, 0);
    assert_int_equal(shop_cancel(&shop, "ann", id, "c"), OUTCOME_OK);
    assert_true(shop.answer.replayed);
    assert_int_equal(shop_cancel(&shop, "ann", id, "d"), OUTCOME_INVALID_TRANSITION);
    assert_stock("S3", 3, 0, 0);
}

/* K1, K2, V5, V6 */
static void a_basket_is_sold_whole_or_not_at_all(void **state)
{
    (void)state;
    struct command_item items[3] = {
        {.sku = BYTES("S3"), .quantity = 2},
        {.sku = BYTES("S1"), .quantity = 1},
        {.sku = BYTES("S3"), .quantity = 2},
    };
    struct command command = {
        .kind = COMMAND_CHECKOUT,
        .role = ROLE_CUSTOMER,
        .customer = BYTES("ann"),
        .key = BYTES("k"),
        .items = items,
        .item_count = 3,
    };
    assert_int_equal(shop_run(&shop, &command), OUTCOME_INSUFFICIENT);
    assert_int_equal(shop.answer.line_count, 1);
    assert_int_equal(shop.answer.lines[0].available, 3);
    assert_stock("S3", 3, 0, 0);
    assert_stock("S1", 1, 0, 0);
    items[2] = (struct command_item){.sku = BYTES("S9"), .quantity = 1};
    assert_int_equal(shop_cart(&shop, "bob", "S1", 1), OUTCOME_OK);
    assert_int_equal(shop_run(&shop, &command), OUTCOME_LINES_REFUSED);
    assert_int_equal(shop.answer.line_count, 2);
    assert_int_equal(shop.answer.lines[0].outcome, OUTCOME_HELD_BY_OTHERS);
    assert_int_equal(shop.answer.lines[1].outcome, OUTCOME_UNKNOWN_SKU);
    items[2] = (struct command_item){.sku = BYTES("S3"), .quantity = 1};
    shop_cart(&shop, "bob", "S1", 0);
    assert_int_equal(shop_run(&shop, &command), OUTCOME_OK);
    assert_stock("S3", 0, 3, 0);
}

/* K8: a live hold is used first, at its price, and its line shrinks */
static void items_use_a_hold_of_the_same_sku_first(void **state)
{
    (void)state;
    assert_int_equal(shop_cart(&shop, "ann", "S3", 2), OUTCOME_OK);
    assert_int_equal(shop_checkout(&shop, "ann", "k", "S3", 3), OUTCOME_OK);
    assert_stock("S3", 0, 3, 0);
    struct command read = {
        .kind = COMMAND_CART_READ, .role = ROLE_CUSTOMER, .customer = BYTES("ann")};
    shop_run(&shop, &read);
    struct cart_view cart;
    engine_cart(shop.engines[shop.last_shard], shop.answer.customer_index, &cart);
    assert_int_equal(cart.line_count, 0);
}

static void limited_product(void)
{
    struct product_image image = {
        .sku = BYTES("L2"),
        .title = BYTES("Two each"),
        .seller = BYTES("seller-1"),
        .stock = 10,
        .max_per_customer = 2,
        .price_count = 1,
        .prices = {{.currency = "GBP", .amount = 100}},
    };
    shop_product_as(&shop, &image);
}

/* Q1, Q2, Q3, Q4 */
static void a_limit_counts_what_is_held_and_bought(void **state)
{
    (void)state;
    limited_product();
    assert_int_equal(shop_cart(&shop, "ann", "L2", 1), OUTCOME_OK);
    assert_int_equal(shop_checkout_cart(&shop, "ann", "k1"), OUTCOME_OK);
    uint8_t id[16];
    memcpy(id, shop_order_id(&shop), 16);
    assert_int_equal(shop_cart(&shop, "ann", "L2", 2), OUTCOME_LIMIT_EXCEEDED);
    assert_int_equal(shop.answer.limit, 2);
    assert_int_equal(shop.answer.used, 1);
    assert_stock("L2", 9, 1, 0);
    assert_int_equal(shop_cart(&shop, "ann", "L2", 1), OUTCOME_OK);
    assert_int_equal(shop_checkout(&shop, "ann", "k2", "L2", 2), OUTCOME_LIMIT_EXCEEDED);
    assert_int_equal(shop_cancel(&shop, "ann", id, "c"), OUTCOME_OK);
    assert_int_equal(shop_checkout(&shop, "ann", "k3", "L2", 2), OUTCOME_OK);
    shop_pass(&shop, 600 * 1000);
    assert_int_equal(shop_checkout(&shop, "ann", "k4", "L2", 2), OUTCOME_OK);
}

/* L8, I6: full is a refusal with a name, and leaves nothing behind */
static void a_full_table_refuses_and_leaves_no_trace(void **state)
{
    (void)state;
    defer_payment();
    limited_product();
    char who[32];
    enum outcome outcome = OUTCOME_OK;
    for (uint32_t i = 0; i < 200 && outcome == OUTCOME_OK; i++) {
        shop_stock(&shop, "S3", 1, (snprintf(who, sizeof(who), "key-%u", i), who));
        snprintf(who, sizeof(who), "customer-%u", i);
        outcome = shop_checkout(&shop, who, "k", "S3", 1);
    }
    assert_int_equal(outcome, OUTCOME_CAPACITY_EXHAUSTED);
    assert_non_null(shop.answer.bound);
    assert_int_equal(shop_numbers(&shop, "S3").held, 0);
}

/* design 6: everything has an end, and units of forgotten orders stay sold */
static void final_orders_keys_and_customers_are_forgotten(void **state)
{
    (void)state;
    defer_payment();
    assert_int_equal(shop_checkout(&shop, "ann", "k", "S3", 2), OUTCOME_OK);
    uint8_t id[16];
    memcpy(id, shop_order_id(&shop), 16);
    shop.now.streamed_seq = 0;
    shop_pass(&shop, 86400ull * 1000 + 1);
    struct command read = {.kind = COMMAND_ORDER_READ, .role = ROLE_SERVICE};
    memcpy(read.order_id, id, 16);
    assert_int_equal(shop_run(&shop, &read), OUTCOME_OK);
    shop.now.streamed_seq = UINT64_MAX;
    shop_pass(&shop, 2000);
    assert_int_equal(shop_run(&shop, &read), OUTCOME_NOT_FOUND);
    assert_stock("S3", 1, 0, 2);
    shop_pass(&shop, 2 * 86400ull * 1000);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(shop.engines[i]->customers.used, 0);
        assert_int_equal(shop.engines[i]->keys.used, 0);
        assert_int_equal(shop.engines[i]->lines.used, 0);
    }
    assert_int_equal(shop_pay(&shop, id, RESULT_CAPTURED, "p", 500), OUTCOME_ARCHIVED);
    assert_int_equal(shop.last_event, EVENT_PAYMENT_UNMATCHED);
}

/* P4 and design 2: a claim of an order that is not yet durable cannot be answered */
static void a_payment_id_claimed_but_not_durable_answers_try_again(void **state)
{
    (void)state;
    uint8_t ids[2][16];
    assert_int_equal(shop_checkout(&shop, "ann", "k", "S3", 1), OUTCOME_OK);
    memcpy(ids[0], shop_order_id(&shop), 16);
    assert_int_equal(shop_checkout(&shop, "bob", "k", "S3", 1), OUTCOME_OK);
    memcpy(ids[1], shop_order_id(&shop), 16);
    shop.settles_by_itself = false;
    assert_int_equal(shop_pay(&shop, ids[0], RESULT_CAPTURED, "p", 250), OUTCOME_OK);
    assert_int_equal(
        shop_pay(&shop, ids[1], RESULT_CAPTURED, "p", 250), OUTCOME_PAYMENT_ID_PENDING);
    shop_settle(&shop);
    assert_int_equal(shop_pay(&shop, ids[1], RESULT_CAPTURED, "p", 250), OUTCOME_PAYMENT_ID_USED);
}

/* T1, T2, T3, I3 */
static void an_allotment_is_raised_and_lowered_once_per_key(void **state)
{
    (void)state;
    assert_int_equal(shop_stock(&shop, "S3", 2, "a"), OUTCOME_OK);
    assert_int_equal(shop.answer.allotment, 5);
    assert_int_equal(shop_stock(&shop, "S3", 2, "a"), OUTCOME_OK);
    assert_true(shop.answer.replayed);
    assert_stock("S3", 5, 0, 0);
    assert_int_equal(shop_stock(&shop, "S3", 3, "a"), OUTCOME_KEY_REUSED);
    assert_int_equal(shop_cart(&shop, "ann", "S3", 4), OUTCOME_OK);
    assert_int_equal(shop_stock(&shop, "S3", -2, "b"), OUTCOME_INSUFFICIENT);
    assert_int_equal(shop.answer.short_units, 1);
    assert_int_equal(shop_stock(&shop, "S3", -1, "b"), OUTCOME_OK);
    assert_stock("S3", 0, 4, 0);
    assert_int_equal(shop_numbers(&shop, "S3").allotment, 4);
}

/* I3, I6: a checkout and a cancel in one millisecond; what is forgotten first must be the keys */
static void an_order_outlives_every_key_that_leads_to_it(void **state)
{
    (void)state;
    defer_payment();
    assert_int_equal(shop_checkout(&shop, "ann", "k", "S3", 2), OUTCOME_OK);
    uint8_t id[16];
    memcpy(id, shop_order_id(&shop), 16);
    assert_int_equal(shop_cancel(&shop, "ann", id, "c"), OUTCOME_OK);
    struct engine *engine = shop.engines[shop.last_shard];
    shop.now.shelf_ms += 86400ull * 1000;
    struct event event;
    while (engine->keys.used > 0) {
        assert_true(engine_due(engine, &shop.now, &event));
        assert_int_equal(event.kind, EVENT_KEYS_FORGOTTEN);
        shop_happen(&shop, shop.last_shard, &event);
    }
    assert_int_equal(engine->orders.used, 1);
    shop_settle(&shop);
}

#define RULE(test) cmocka_unit_test_setup_teardown(test, open_two_shards, check_and_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(a_hold_takes_the_last_unit_and_gives_it_back_at_its_deadline),
        RULE(no_command_sees_a_dead_hold_of_its_own),
        RULE(a_cart_line_is_raised_lowered_and_removed),
        RULE(units_come_back_only_when_the_record_is_durable),
        RULE(a_crash_loses_what_was_not_durable_and_nothing_else),
        RULE(one_cart_yields_one_order_and_its_key_repeats_it),
        RULE(a_payment_confirms_its_order_once),
        RULE(a_late_payment_takes_the_units_again_or_is_due_back),
        RULE(a_deferred_order_is_confirmed_at_once_and_a_cancel_restocks_it),
        RULE(a_basket_is_sold_whole_or_not_at_all),
        RULE(items_use_a_hold_of_the_same_sku_first),
        RULE(a_limit_counts_what_is_held_and_bought),
        RULE(a_full_table_refuses_and_leaves_no_trace),
        RULE(an_order_outlives_every_key_that_leads_to_it),
        RULE(final_orders_keys_and_customers_are_forgotten),
        RULE(a_payment_id_claimed_but_not_durable_answers_try_again),
        RULE(an_allotment_is_raised_and_lowered_once_per_key),
    };
    return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
