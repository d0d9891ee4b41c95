/* SPDX-License-Identifier: Apache-2.0 */
/* C4 with carts as large as they may be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/merge.h"
#include "tests/core/counter.h"

static int open_large(void **state)
{
    (void)state;
    struct capacity large = roomy;
    large.skus = LINES_PER_ORDER_MAX + 2;
    large.holds = large.allowances = 4 * LINES_PER_ORDER_MAX;
    large.lines = large.identities = LINES_PER_ORDER_MAX;
    open_with(&large);
    return 0;
}

static void name_sku(char sku[16], uint32_t number)
{
    (void)snprintf(sku, 16, "L%u", number);
}

/* Two of each, and no more than two for one customer. */
static void stock_shelves(void)
{
    char sku[16];
    for (uint32_t i = 0; i < LINES_PER_ORDER_MAX; i++) {
        name_sku(sku, i);
        struct product_image image = {
            .sku = bytes_of_string(sku),
            .title = BYTES("thing"),
            .stock = 2,
            .max_per_customer = 2,
            .reserve_on = RESERVE_CART,
            .price_count = 1,
            .prices = {{.currency = "GBP", .amount = 100}},
        };
        shop_product_as(&shop, &image);
    }
}

static void put_all(const char *who, uint32_t quantity)
{
    char sku[16];
    for (uint32_t i = 0; i < LINES_PER_ORDER_MAX; i++) {
        name_sku(sku, i);
        assert_int_equal(shop_cart(&shop, who, sku, quantity), OUTCOME_OK);
    }
}

static enum outcome merge(void)
{
    const struct command command = {
        .kind = COMMAND_CART_MERGE,
        .role = ROLE_CUSTOMER,
        .customer = BYTES("ann"),
        .guest_id = BYTES("guest"),
        .carry = shop.carry,
        .carry_size_max = sizeof(shop.carry),
    };
    return shop_run(&shop, &command);
}

/* The limit takes one unit of each line, and another one is held by somebody else */
static void every_line_may_lose_units_for_two_reasons(void **state)
{
    (void)state;
    stock_shelves();
    put_all("ann", 2);
    shop_pass(&shop, 11 * MINUTE_MS);
    uint32_t ann = customer_find(shop.engines[0], BYTES("ann"));
    while (customer_at(shop.engines[0], ann)->live_holds > 0)
        shop_pass(&shop, 1); /* a bounded number dies at a time (L3) */
    put_all("guest", 1);
    put_all("bob", 1);
    assert_int_equal(merge(), OUTCOME_OK);
    assert_int_equal(shop.answer.line_count, 2 * LINES_PER_ORDER_MAX);
    for (uint32_t i = 0; i < shop.answer.line_count; i++) {
        const struct answer_line *line = &shop.answer.lines[i];
        assert_int_equal(line->quantity, 1);
        assert_int_equal(
            line->outcome, i % 2 == 0 ? OUTCOME_LIMIT_EXCEEDED : OUTCOME_HELD_BY_OTHERS);
    }
    assert_int_equal(customer_at(shop.engines[0], ann)->live_holds, LINES_PER_ORDER_MAX);
}

/* Q4: an order of as many lines as there may be is handed over and given back, every line of it; a
 * cart besides leaves no room for the last line, which goes in a round of its own */
static void an_order_of_all_lines_counts_and_comes_back(void **state)
{
    (void)state;
    stock_shelves();
    put_all("guest", 1);
    assert_int_equal(shop_checkout_cart(&shop, "guest", "k"), OUTCOME_OK);
    struct id id;
    memcpy(id.bytes, shop_order_id(&shop), 16);
    assert_int_equal(shop_cart(&shop, "guest", "L0", 1), OUTCOME_OK);
    assert_int_equal(merge(), OUTCOME_OK);
    const _Atomic uint32_t *counters = &shop.shelf->claims.supply->counts;
    assert_int_equal(atomic_load(counters), LINES_PER_ORDER_MAX);
    for (uint32_t i = 0; i < LINES_PER_ORDER_MAX; i++) {
        char sku[16];
        name_sku(sku, i);
        assert_int_equal(shop_cart(&shop, "ann", sku, 2), OUTCOME_LIMIT_EXCEEDED);
        assert_int_equal(shop.answer.used, i == 0 ? 2 : 1);
    }
    shop_check(&shop);
    shop_reopen(&shop);
    assert_int_equal(shop_cancel(&shop, "guest", id.bytes, "c"), OUTCOME_OK);
    assert_int_equal(atomic_load(counters), 0);
    assert_int_equal(shop_cart(&shop, "ann", "L0", 2), OUTCOME_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            every_line_may_lose_units_for_two_reasons, open_large, check_and_close),
        cmocka_unit_test_setup_teardown(
            an_order_of_all_lines_counts_and_comes_back, open_large, check_and_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
