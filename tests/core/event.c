/* SPDX-License-Identifier: Apache-2.0 */
/* Which kinds are an order's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/event.h"

static void numbers_that_are_no_kind_are_no_order(void **state)
{
    (void)state;
    const uint32_t numbers[] = {0, 25, 31, 42, 47, 50, 255, 65535};
    for (uint32_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        assert_false(event_is_order((enum event_kind)numbers[i]));
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
        cmocka_unit_test(numbers_that_are_no_kind_are_no_order),
        cmocka_unit_test(order_kinds_are_those_whose_fact_is_an_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
