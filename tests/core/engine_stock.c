/* SPDX-License-Identifier: Apache-2.0 */
/* Stock, limits and full tables where they are easily half true; sale windows, imports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/core/counter.h"

/* L8: full is exact: a customer who is known needs no text, an allowance that exists no slot */
static void a_table_refuses_only_who_needs_a_slot(void **state)
{
    (void)state;
    struct capacity capacity = roomy;
    capacity.text_bytes = 32;
    capacity.allowances = 1;
    reopen_with(&capacity);
    product("L", 10, 3, 0, 0);
    product("M", 10, 3, 0, 0);
    assert_int_equal(shop_cart(&shop, "ann", "L", 1), OUTCOME_OK);
    assert_int_equal(shop_checkout(&shop, "ann", "k", "L", 2), OUTCOME_OK);
    assert_int_equal(shop_cart(&shop, "ann", "L", 1), OUTCOME_OK);
    assert_int_equal(shop_cart(&shop, "ann", "M", 1), OUTCOME_CAPACITY_EXHAUSTED);
    assert_string_equal(shop.answer.bound, "allowances");
    assert_int_equal(shop_checkout(&shop, "ann", "l", "M", 1), OUTCOME_CAPACITY_EXHAUSTED);
    assert_stock("M", 10, 0, 0);
    assert_int_equal(shop_checkout(&shop, "bob", "k", "S3", 1), OUTCOME_CAPACITY_EXHAUSTED);
    assert_string_equal(shop.answer.bound, "text_bytes");
}

/* L8, I6: every table says its own name, and nothing is left behind */
static void each_full_table_has_its_name(void **state)
{
    (void)state;
    struct capacity capacity = roomy;
    capacity.orders = 1;
    capacity.holds = 1;
    reopen_with(&capacity);
    assert_int_equal(shop_cart(&shop, "ann", "S3", 1), OUTCOME_OK);
    assert_int_equal(shop_cart(&shop, "bob", "S1", 1), OUTCOME_CAPACITY_EXHAUSTED);
    assert_string_equal(shop.answer.bound, "holds");
    assert_int_equal(shop_checkout(&shop, "bob", "k", "S1", 1), OUTCOME_OK);
    assert_int_equal(shop_checkout_cart(&shop, "ann", "k"), OUTCOME_CAPACITY_EXHAUSTED);
    assert_string_equal(shop.answer.bound, "orders");
    capacity = roomy;
    capacity.idempotency_keys = 1;
    reopen_with(&capacity);
    struct id id = bought("ann", "k", "S3", 1);
    assert_int_equal(shop_checkout(&shop, "bob", "k", "S3", 1), OUTCOME_CAPACITY_EXHAUSTED);
    assert_string_equal(shop.answer.bound, "idempotency_keys");
    assert_int_equal(shop_cancel(&shop, NULL, id.bytes, "c"), OUTCOME_CAPACITY_EXHAUSTED);
    assert_int_equal(shop_stock(&shop, "S3", 1, "s"), OUTCOME_CAPACITY_EXHAUSTED);
    capacity = roomy;
    capacity.lines = 1;
    reopen_with(&capacity);
    assert_int_equal(shop_cart(&shop, "ann", "S3", 1), OUTCOME_OK);
    assert_int_equal(shop_checkout(&shop, "ann", "k", "S3", 2), OUTCOME_CAPACITY_EXHAUSTED);
    assert_string_equal(shop.answer.bound, "lines");
    capacity = roomy;
    capacity.text_bytes = 2 * 32;
    reopen_with(&capacity);
    struct command_item item = {.sku = BYTES("S3"), .quantity = 1};
    struct command command = {
        .kind = COMMAND_CHECKOUT,
        .role = ROLE_CUSTOMER,
        .customer = BYTES("ann"),
        .key = BYTES("k"),
        .items = &item,
        .item_count = 1,
        .references = BYTES("{\"basket\":\"a text that needs two blocks\"}"),
    };
    assert_int_equal(shop_run(&shop, &command), OUTCOME_CAPACITY_EXHAUSTED);
    assert_string_equal(shop.answer.bound, "text_bytes");
    capacity = roomy;
    capacity.claims = 2 * PAYMENTS_PER_ORDER;
    reopen_with(&capacity);
    bought("ann", "k1", "S3", 1);
    bought("ann", "k2", "S3", 1);
    assert_int_equal(shop_checkout(&shop, "ann", "k3", "S3", 1), OUTCOME_CAPACITY_EXHAUSTED);
    assert_string_equal(shop.answer.bound, "claims");
    assert_stock("S3", 1, 2, 0);
}

/* Q1: a limit set while units are held counts them */
static void a_new_limit_counts_what_is_held(void **state)
{
    (void)state;
    product("L", 10, 0, 0, 0);
    assert_int_equal(shop_cart(&shop, "ann", "L", 2), OUTCOME_OK);
    product("L", 0, 3, 0, 0);
    assert_int_equal(shop_cart(&shop, "ann", "L", 4), OUTCOME_LIMIT_EXCEEDED);
    assert_int_equal(shop.answer.used, 2);
    assert_int_equal(shop_checkout(&shop, "ann", "k", "L", 4), OUTCOME_LIMIT_EXCEEDED);
    assert_int_equal(shop.answer.used, 2);
    assert_stock("L", 8, 2, 0);
    assert_int_equal(shop_cart(&shop, "ann", "L", 3), OUTCOME_OK);
    assert_int_equal(shop_checkout_cart(&shop, "ann", "k"), OUTCOME_OK);
}

/* T1, V1: the numbers of a reply add up, also when changes before it wait for the disk */
static void stock_replies_add_up(void **state)
{
    (void)state;
    shop_cart(&shop, "ann", "S3", 1);
    shop.settles_by_itself = false;
    assert_int_equal(shop_stock(&shop, "S3", 5, "a"), OUTCOME_OK);
    assert_int_equal(shop_stock(&shop, "S3", -1, "b"), OUTCOME_OK);
    assert_int_equal(shop_stock(&shop, "S3", 2, "c"), OUTCOME_OK);
    assert_int_equal(shop.answer.allotment, 9);
    assert_int_equal(shop.answer.stock_available, 8);
    assert_int_equal(shop.answer.stock_available + shop.answer.held + shop.answer.sold, 9);
    shop_settle(&shop);
    assert_stock("S3", 8, 1, 0);
    shop.settles_by_itself = true;
    assert_int_equal(shop_stock(&shop, "S3", -3, "d"), OUTCOME_OK);
    assert_int_equal(shop.answer.stock_available, 5);
    assert_int_equal(shop.answer.held, 1);
}

/* T2: refused by how much; with floor what is free goes, and the rest is told */
static void an_allotment_goes_down_to_what_is_held_and_sold(void **state)
{
    (void)state;
    shop_cart(&shop, "ann", "S3", 2);
    assert_int_equal(shop_stock(&shop, "S3", -3, "a"), OUTCOME_INSUFFICIENT);
    assert_int_equal(shop.answer.short_units, 2);
    struct command command = {
        .kind = COMMAND_STOCK_CHANGE,
        .role = ROLE_OPERATOR,
        .sku = BYTES("S3"),
        .key = BYTES("b"),
        .stock_set = true,
        .stock_compare = 2,
        .stock_floor = true,
    };
    assert_int_equal(shop_run(&shop, &command), OUTCOME_VERSION_CONFLICT);
    command.stock_compare = 3;
    assert_int_equal(shop_run(&shop, &command), OUTCOME_OK);
    assert_int_equal(shop.answer.short_units, 2);
    assert_int_equal(shop.answer.allotment, 2);
    assert_stock("S3", 0, 2, 0);
    assert_int_equal(shop_stock(&shop, "S3", UINT32_MAX, "c"), OUTCOME_INVALID);
}

/* A4: the hint speaks of unpaid orders too, moves with them, and survives a crash */
static void the_next_release_is_known_of_holds_and_unpaid_orders(void **state)
{
    (void)state;
    struct id id = bought("ann", "k", "S1", 1);
    uint64_t due = order(id)->payment_due_shelf_ms;
    assert_int_equal(next_release("S1"), due);
    assert_int_equal(shop_cart(&shop, "bob", "S3", 1), OUTCOME_OK);
    shop_reopen(&shop);
    assert_int_equal(next_release("S1"), due);
    assert_int_equal(next_release("S3"), due);
    assert_int_equal(shop_cart(&shop, "bob", "S1", 1), OUTCOME_HELD_BY_OTHERS);
    assert_int_equal(shop.answer.next_release_shelf_ms, due);
    shop_pass(&shop, 5 * MINUTE_MS);
    assert_int_equal(shop_pay(&shop, id.bytes, RESULT_PENDING, "p", 500), OUTCOME_OK);
    shop_pass(&shop, 6 * MINUTE_MS);
    assert_int_equal(next_release("S1"), 0);
    assert_int_equal(shop_pay(&shop, id.bytes, RESULT_PENDING, "q", 500), OUTCOME_OK);
    assert_int_equal(next_release("S1"), due + 5 * MINUTE_MS);
}

/* A4, A6: nothing left and nothing held is final; own units count for their owner alone */
static void the_three_negative_answers(void **state)
{
    (void)state;
    defer_payment();
    bought("zoe", "k", "S1", 1);
    assert_int_equal(shop_cart(&shop, "ann", "S1", 1), OUTCOME_SOLD_OUT);
    assert_int_equal(shop_checkout(&shop, "ann", "k", "S1", 1), OUTCOME_SOLD_OUT);
    assert_int_equal(shop_cart(&shop, "ann", "S3", 3), OUTCOME_OK);
    assert_int_equal(shop_cart(&shop, "bob", "S3", 1), OUTCOME_HELD_BY_OTHERS);
    assert_int_equal(shop_cart(&shop, "ann", "S3", 4), OUTCOME_INSUFFICIENT);
    assert_int_equal(shop.answer.available, 3);
    assert_int_equal(shop_checkout(&shop, "ann", "k", "S3", 5), OUTCOME_INSUFFICIENT);
    assert_int_equal(shop.answer.lines[0].available, 3);
    shop.settles_by_itself = false;
    assert_int_equal(shop_cart(&shop, "ann", "S3", 0), OUTCOME_OK);
    assert_int_equal(shop_cart(&shop, "ann", "S3", 1), OUTCOME_HELD_BY_OTHERS);
}

static void sale(const char *name, uint8_t mode, uint32_t payment_seconds)
{
    const struct sale_image image = {
        .payment_mode = mode, .payment_seconds = payment_seconds, .hold_seconds = 60};
    struct command command = {
        .kind = COMMAND_SALE_SET,
        .role = ROLE_OPERATOR,
        .sale = bytes_of_string(name),
        .sale_image = &image,
    };
    assert_int_equal(shop_run(&shop, &command), OUTCOME_OK);
}

static void product_of(const char *sku, const char *sale_name, uint32_t hold_seconds)
{
    struct product_image image = {
        .sku = bytes_of_string(sku),
        .title = BYTES("A thing"),
        .seller = BYTES("seller-1"),
        .sale = bytes_of_string(sale_name),
        .stock = 5,
        .hold_seconds = hold_seconds,
        .reserve_on = hold_seconds > 0 ? RESERVE_CART : RESERVE_CHECKOUT,
        .price_count = 1,
        .prices = {{.currency = "GBP", .amount = 100}},
    };
    shop_product_as(&shop, &image);
}

/* P1: external stands over deferred whatever the order of the lines; the shortest time counts */
static void a_basket_over_two_sales_takes_the_stricter_terms(void **state)
{
    (void)state;
    product_of("A", "drop", 0);
    product_of("B", "rest", 0);
    sale("drop", PAYMENT_EXTERNAL, 300);
    sale("rest", PAYMENT_DEFERRED, 100);
    struct command_item items[2] = {
        {.sku = BYTES("A"), .quantity = 1}, {.sku = BYTES("B"), .quantity = 1}};
    struct command command = {
        .kind = COMMAND_CHECKOUT,
        .role = ROLE_CUSTOMER,
        .customer = BYTES("ann"),
        .key = BYTES("k"),
        .items = items,
        .item_count = 2,
    };
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(shop_run(&shop, &command), OUTCOME_OK);
        const struct order *made = order_at(shop.engines[0], shop.answer.order_index);
        assert_int_equal(made->status, ORDER_PENDING_PAYMENT);
        assert_int_equal(made->payment_due_shelf_ms, shop.now.shelf_ms + 100 * 1000);
        struct command_item first = items[0];
        items[0] = items[1];
        items[1] = first;
        command.key = BYTES("l");
    }
    assert_int_equal(shop_checkout(&shop, "bob", "k", "B", 1), OUTCOME_OK);
    assert_int_equal(shop_order_status(&shop), ORDER_CONFIRMED);
}

/* L9: the SKU's value over its sale's, the sale's over the configuration's */
static void terms_of_a_sku_stand_over_its_sales(void **state)
{
    (void)state;
    product_of("A", "drop", 0);
    product_of("B", "drop", 30);
    sale("drop", PAYMENT_EXTERNAL, 0);
    assert_int_equal(shop_cart(&shop, "ann", "A", 1), OUTCOME_OK);
    assert_stock("A", 5, 0, 0);
    assert_int_equal(shop_cart(&shop, "ann", "B", 1), OUTCOME_OK);
    assert_int_equal(next_release("B"), shop.now.shelf_ms + 30 * 1000);
    assert_int_equal(shop_checkout(&shop, "ann", "k", "A", 1), OUTCOME_OK);
    assert_int_equal(next_release("A"), shop.now.shelf_ms + 600 * 1000);
}

/* W1, W2 */
static void a_sale_is_open_from_its_start_until_its_end(void **state)
{
    (void)state;
    int64_t starts = shop.now.wall_ms + 1000, ends = starts + 1000;
    product("W", 10, 0, starts, ends);
    assert_int_equal(shop_cart(&shop, "ann", "W", 1), OUTCOME_SALE_NOT_STARTED);
    assert_int_equal(shop.answer.starts_wall_ms, starts);
    assert_int_equal(shop_checkout(&shop, "ann", "k", "W", 1), OUTCOME_SALE_NOT_STARTED);
    assert_int_equal(shop.answer.lines[0].starts_wall_ms, starts);
    shop_pass(&shop, 1000);
    assert_int_equal(shop_cart(&shop, "ann", "W", 1), OUTCOME_OK);
    shop_pass(&shop, 1000);
    assert_int_equal(shop_cart(&shop, "ann", "W", 2), OUTCOME_SALE_ENDED);
    assert_int_equal(shop_checkout(&shop, "bob", "k", "W", 1), OUTCOME_SALE_ENDED);
    assert_int_equal(shop_checkout_cart(&shop, "ann", "k"), OUTCOME_OK);
    assert_stock("W", 9, 1, 0);
}

static enum outcome import_step(enum command_kind kind)
{
    struct command command = {.kind = kind, .role = ROLE_OPERATOR, .import = {.rows = 2}};
    return shop_run(&shop, &command);
}

static void import_row(const char *sku)
{
    struct product_image image = {
        .sku = bytes_of_string(sku),
        .title = BYTES("row"),
        .seller = BYTES("seller-9"),
        .stock = 5,
        .in_import = 1,
        .price_count = 1,
        .prices = {{.currency = "GBP", .amount = 100}},
    };
    shop_product_as(&shop, &image);
}

/* T4: rows are seen together at the end, also when a crash comes between; one import at a time */
static void an_import_goes_on_after_a_crash(void **state)
{
    (void)state;
    assert_int_equal(import_step(COMMAND_IMPORT_END), OUTCOME_VERSION_CONFLICT);
    assert_int_equal(import_step(COMMAND_IMPORT_BEGIN), OUTCOME_OK);
    assert_int_equal(import_step(COMMAND_IMPORT_BEGIN), OUTCOME_VERSION_CONFLICT);
    import_row("I1");
    assert_int_equal(shop_cart(&shop, "ann", "I1", 1), OUTCOME_NOT_FOUND);
    shop_reopen(&shop);
    assert_true(shop.shelf->catalog.importing);
    import_row("I1");
    assert_true(shop.answer.unchanged);
    assert_true(shop.answer.stock_ignored);
    import_row("I2");
    assert_int_equal(shop_checkout(&shop, "ann", "k", "I1", 1), OUTCOME_UNKNOWN_SKU);
    shop.settles_by_itself = false;
    assert_int_equal(import_step(COMMAND_IMPORT_END), OUTCOME_OK);
    assert_int_equal(import_step(COMMAND_IMPORT_END), OUTCOME_VERSION_CONFLICT);
    assert_int_equal(import_step(COMMAND_IMPORT_BEGIN), OUTCOME_VERSION_CONFLICT);
    shop_settle(&shop);
    shop.settles_by_itself = true;
    assert_int_equal(shop_cart(&shop, "ann", "I1", 5), OUTCOME_OK);
    assert_int_equal(shop_cart(&shop, "ann", "I2", 5), OUTCOME_OK);
    assert_int_equal(import_step(COMMAND_IMPORT_BEGIN), OUTCOME_OK);
    assert_int_equal(import_step(COMMAND_IMPORT_END), OUTCOME_OK);
}

/* design 2: what waits for the disk cannot be seen: products, allotments, changes */
static void a_product_waits_for_the_disk(void **state)
{
    (void)state;
    shop.settles_by_itself = false;
    shop_product(&shop, "N", 100, 5);
    assert_int_equal(shop_cart(&shop, "ann", "N", 1), OUTCOME_NOT_FOUND);
    struct product_image again = {
        .sku = BYTES("N"), .price_count = 1, .prices = {{.currency = "GBP", .amount = 1}}};
    struct command command = {
        .kind = COMMAND_PRODUCT_SET, .role = ROLE_OPERATOR, .product = &again};
    assert_int_equal(shop_run(&shop, &command), OUTCOME_VERSION_CONFLICT);
    assert_int_equal(shop_stock(&shop, "S1", 4, "s"), OUTCOME_OK);
    assert_stock("S1", 1, 0, 0);
    assert_int_equal(shop_stock(&shop, "S3", -2, "t"), OUTCOME_OK);
    assert_int_equal(shop_cart(&shop, "ann", "S3", 2), OUTCOME_INSUFFICIENT);
    shop_settle(&shop);
    assert_stock("S1", 5, 0, 0);
    assert_int_equal(shop_cart(&shop, "ann", "N", 5), OUTCOME_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(a_table_refuses_only_who_needs_a_slot),
        RULE(each_full_table_has_its_name),
        RULE(a_new_limit_counts_what_is_held),
        RULE(stock_replies_add_up),
        RULE(an_allotment_goes_down_to_what_is_held_and_sold),
        RULE(the_next_release_is_known_of_holds_and_unpaid_orders),
        RULE(the_three_negative_answers),
        RULE(a_basket_over_two_sales_takes_the_stricter_terms),
        RULE(terms_of_a_sku_stand_over_its_sales),
        RULE(a_sale_is_open_from_its_start_until_its_end),
        RULE(an_import_goes_on_after_a_crash),
        RULE(a_product_waits_for_the_disk),
    };
    return cmocka_run_group_tests_name("engine_stock", tests, NULL, NULL);
}
