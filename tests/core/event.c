/* SPDX-License-Identifier: Apache-2.0 */
/* Every kind has its fixed part, and a number from the disk that is no kind has none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/event.h"

static void every_kind_has_the_size_of_its_fact(void **state)
{
    (void)state;
    assert_int_equal(event_fact_size(EVENT_CART_LINE_SET), sizeof(struct fact_cart));
    assert_int_equal(event_fact_size(EVENT_HOLD_EXPIRED), sizeof(struct fact_cart));
    assert_int_equal(event_fact_size(EVENT_CART_CLEARED), sizeof(struct fact_cart));
    assert_int_equal(event_fact_size(EVENT_CART_EXTENDED), sizeof(struct fact_cart));
    for (uint32_t kind = EVENT_ORDER_PLACED; kind <= EVENT_ORDER_REFUNDED; kind++)
        assert_int_equal(event_fact_size((enum event_kind)kind), sizeof(struct fact_order));
    assert_int_equal(event_fact_size(EVENT_PAYMENT_UNMATCHED), sizeof(struct fact_unmatched));
    assert_int_equal(event_fact_size(EVENT_ORDERS_FORGOTTEN), sizeof(struct fact_forgotten));
    assert_int_equal(event_fact_size(EVENT_KEYS_FORGOTTEN), sizeof(struct fact_forgotten));
    assert_int_equal(event_fact_size(EVENT_CUSTOMER_FORGOTTEN), sizeof(struct fact_forgotten));
    assert_int_equal(event_fact_size(EVENT_CART_MOVED_OUT), sizeof(struct fact_merge));
    assert_int_equal(event_fact_size(EVENT_CART_MERGED), sizeof(struct fact_merge));
    assert_int_equal(event_fact_size(EVENT_ALLOWANCES_FORGOTTEN), sizeof(struct fact_forgotten));
    assert_int_equal(event_fact_size(EVENT_PRODUCT_SET), sizeof(struct fact_product));
    assert_int_equal(event_fact_size(EVENT_STOCK_ADJUSTED), sizeof(struct fact_stock));
    assert_int_equal(event_fact_size(EVENT_SALE_SET), sizeof(struct fact_sale));
    assert_int_equal(event_fact_size(EVENT_SALE_CLOSING), sizeof(struct fact_removal));
    assert_int_equal(event_fact_size(EVENT_SALE_REMOVED), sizeof(struct fact_removal));
    assert_int_equal(event_fact_size(EVENT_SALE_PART_REMOVED), sizeof(struct fact_part));
    assert_int_equal(event_fact_size(EVENT_IMPORT_BEGUN), sizeof(struct fact_import));
    assert_int_equal(event_fact_size(EVENT_IMPORT_DONE), sizeof(struct fact_import));
    assert_int_equal(event_fact_size(EVENT_SWITCH_SET), sizeof(struct fact_switch));
    assert_int_equal(event_fact_size(EVENT_KILL_BEGUN), sizeof(struct fact_kill));
    assert_int_equal(event_fact_size(EVENT_KILL_ENDED), sizeof(struct fact_kill));
    assert_int_equal(event_fact_size(EVENT_STREAM_ATTACHED), sizeof(struct fact_mark));
    assert_int_equal(event_fact_size(EVENT_CLOSED), sizeof(struct fact_mark));
}

static void numbers_that_are_no_kind_have_no_size(void **state)
{
    (void)state;
    const uint32_t numbers[] = {0, 25, 31, 42, 47, 50, 255, 65535};
    for (uint32_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        assert_int_equal(event_fact_size((enum event_kind)numbers[i]), 0);
        assert_false(event_is_order((enum event_kind)numbers[i]));
    }
}

static void no_fact_is_larger_than_the_union_and_all_fill_whole_words(void **state)
{
    (void)state;
    for (uint32_t kind = 0; kind < 256; kind++) {
        uint32_t size = event_fact_size((enum event_kind)kind);
        assert_true(size <= sizeof(union event_fact));
        assert_int_equal(size % 8, 0);
    }
}

static void order_kinds_are_those_whose_fact_is_an_order(void **state)
{
    (void)state;
    assert_true(event_is_order(EVENT_ORDER_PLACED));
    assert_true(event_is_order(EVENT_ORDER_EXPIRED));
    assert_true(event_is_order(EVENT_ORDER_REFUNDED));
    assert_false(event_is_order(EVENT_CART_CLEARED));
    assert_false(event_is_order(EVENT_PAYMENT_UNMATCHED));
    assert_false(event_is_order(EVENT_ORDERS_FORGOTTEN));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_the_size_of_its_fact),
        cmocka_unit_test(numbers_that_are_no_kind_have_no_size),
        cmocka_unit_test(no_fact_is_larger_than_the_union_and_all_fill_whole_words),
        cmocka_unit_test(order_kinds_are_those_whose_fact_is_an_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
