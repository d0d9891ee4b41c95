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

static int open_largest(void **state)
{
    (void)state;
    struct capacity large = roomy;
    large.skus = LINES_PER_ORDER_MAX + 2;
    large.lines = large.allowances = LINES_PER_ORDER_MAX;
    large.identities = (IDENTITIES_MAX + 1) * LINES_PER_ORDER_MAX;
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

static enum outcome merge(struct bytes guest)
{
    const struct command command = {
        .kind = COMMAND_CART_MERGE,
        .role = ROLE_CUSTOMER,
        .customer = BYTES("ann"),
        .guest_id = guest,
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
    assert_int_equal(merge(BYTES("guest")), OUTCOME_OK);
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
    assert_int_equal(merge(BYTES("guest")), OUTCOME_OK);
    assert_int_equal(counters_used(), LINES_PER_ORDER_MAX);
    for (uint32_t i = 0; i < LINES_PER_ORDER_MAX; i++) {
        char sku[16];
        name_sku(sku, i);
        assert_int_equal(shop_cart(&shop, "ann", sku, 2), OUTCOME_LIMIT_EXCEEDED);
        assert_int_equal(shop.answer.used, i == 0 ? 2 : 1);
    }
    shop_check(&shop);
    shop_reopen(&shop);
    assert_int_equal(shop_cancel(&shop, "guest", id.bytes, "c"), OUTCOME_OK);
    assert_int_equal(counters_used(), 0);
    assert_int_equal(shop_cart(&shop, "ann", "L0", 2), OUTCOME_OK);
}

/* A text of so many letters. */
static struct bytes filled(uint32_t size)
{
    static uint8_t letters[ADJUSTMENTS_SIZE_MAX];
    memset(letters, 'x', sizeof(letters));
    return bytes_of(letters, size);
}

/* Products whose names are as long as they may be, and a basket with one of each. */
static void largest_items(struct command_item items[LINES_PER_ORDER_MAX])
{
    static char skus[LINES_PER_ORDER_MAX][SKU_SIZE_MAX + 1];
    for (uint32_t i = 0; i < LINES_PER_ORDER_MAX; i++) {
        (void)snprintf(skus[i], sizeof(skus[i]), "%0*u", SKU_SIZE_MAX, i);
        items[i] = (struct command_item){.sku = bytes_of_string(skus[i]), .quantity = 1};
        struct product_image image = {
            .sku = items[i].sku,
            .title = BYTES("thing"),
            .seller = filled(NAME_SIZE_MAX),
            .sale = filled(NAME_SIZE_MAX),
            .stock = 1,
            .max_per_customer = 1,
            .price_count = 1,
            .prices = {{.currency = "GBP", .amount = 100}},
        };
        shop_product_as(&shop, &image);
    }
}

static struct id largest_order(void)
{
    static struct command_item items[LINES_PER_ORDER_MAX];
    static const struct hash128 identities[IDENTITIES_MAX] = {{1, 1}, {2, 2}, {3, 3}, {4, 4}};
    struct id id;
    largest_items(items);
    const struct command command = {
        .kind = COMMAND_CHECKOUT,
        .role = ROLE_SERVICE,
        .customer = filled(CUSTOMER_SIZE_MAX),
        .key = filled(KEY_SIZE_MAX),
        .items = items,
        .item_count = LINES_PER_ORDER_MAX,
        .token = filled(TOKEN_SIZE_MAX),
        .references = filled(REFERENCES_SIZE_MAX),
        .adjustments_set = true,
        .adjustments = filled(ADJUSTMENTS_SIZE_MAX),
        .identities = identities,
        .identity_count = IDENTITIES_MAX,
    };
    assert_int_equal(shop_run(&shop, &command), OUTCOME_OK);
    memcpy(id.bytes, shop_order_id(&shop), 16);
    struct command money = {
        .kind = COMMAND_PAYMENT,
        .role = ROLE_SERVICE,
        .provider = filled(PAYMENT_TEXT_SIZE_MAX),
        .payment_id = filled(PAYMENT_TEXT_SIZE_MAX),
        .result = RESULT_CAPTURED,
        .amount = 100 * LINES_PER_ORDER_MAX,
        .currency = "GBP",
        .adjustments_set = true,
        .adjustments = filled(ADJUSTMENTS_SIZE_MAX - 1),
    };
    memcpy(money.order_id, id.bytes, 16);
    assert_int_equal(shop_run(&shop, &money), OUTCOME_OK);
    return id;
}

/* Q4, V7: the record that ends the largest order also gives back what each line was handed on */
static void the_largest_order_of_a_guest_comes_back_whole(void **state)
{
    (void)state;
    struct id id = largest_order();
    const struct claim_supply *supply = shop.shelf->claims.supply;
    assert_int_equal(merge(filled(CUSTOMER_SIZE_MAX)), OUTCOME_OK);
    assert_int_equal(supply->counts, (IDENTITIES_MAX + 1) * LINES_PER_ORDER_MAX);
    struct command cancel = {
        .kind = COMMAND_CANCEL,
        .role = ROLE_SERVICE,
        .key = filled(KEY_SIZE_MAX),
        .actor = filled(ACTOR_SIZE_MAX),
        .reason = filled(255),
    };
    memcpy(cancel.order_id, id.bytes, 16);
    assert_int_equal(shop_run(&shop, &cancel), OUTCOME_OK);
    assert_int_equal(supply->counts, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            every_line_may_lose_units_for_two_reasons, open_large, check_and_close),
        cmocka_unit_test_setup_teardown(
            an_order_of_all_lines_counts_and_comes_back, open_large, check_and_close),
        cmocka_unit_test_setup_teardown(
            the_largest_order_of_a_guest_comes_back_whole, open_largest, check_and_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
