/* SPDX-License-Identifier: Apache-2.0 */
/* Who buys next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loadtest/schedule.h"

/* Baskets 0, 2 and 3 are ann's (0), basket 1 is bob's (1). */
static struct basket four[] = {
    {.customer = 0, .next = 2},
    {.customer = 1, .next = BASKETS_NONE},
    {.customer = 0, .next = 3},
    {.customer = 0, .next = BASKETS_NONE},
};

static struct baskets baskets_of_two(void)
{
    return (struct baskets){.basket = four, .count = 4, .customers = {.count = 2}};
}

static void a_customer_buys_one_basket_after_another(void **state)
{
    (void)state;
    struct baskets baskets = baskets_of_two();
    struct schedule schedule;
    assert_int_equal(schedule_open(&schedule, &baskets, 0, 0), 0);
    assert_int_equal(schedule_take(&schedule, 0), 0);
    assert_int_equal(schedule_take(&schedule, 0), 1);
    assert_int_equal(schedule_take(&schedule, 0), BASKETS_NONE);
    assert_int_equal(schedule_due_ns(&schedule), SCHEDULE_NEVER);
    schedule_done(&schedule, 1);
    assert_int_equal(schedule_take(&schedule, 0), BASKETS_NONE);
    schedule_done(&schedule, 0);
    assert_int_equal(schedule_take(&schedule, 0), 2);
    schedule_done(&schedule, 2);
    assert_false(schedule_is_over(&schedule));
    assert_int_equal(schedule_take(&schedule, 0), 3);
    schedule_done(&schedule, 3);
    assert_true(schedule_is_over(&schedule));
    schedule_close(&schedule);
}

static void a_rate_makes_baskets_due_one_by_one(void **state)
{
    (void)state;
    struct baskets baskets = baskets_of_two();
    struct schedule schedule;
    assert_int_equal(schedule_open(&schedule, &baskets, 10, 1000), 0);
    assert_int_equal(schedule_take(&schedule, 999), BASKETS_NONE);
    assert_int_equal(schedule_take(&schedule, 1000), 0);
    assert_int_equal(schedule_due_ns(&schedule), 100001000);
    assert_int_equal(schedule_take(&schedule, 100000999), BASKETS_NONE);
    assert_int_equal(schedule_take(&schedule, 100001000), 1);
    schedule_close(&schedule);
}

static void of_many_ready_baskets_the_earliest_goes_first(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    struct basket *basket = calloc(COUNT, sizeof *basket);
    for (uint32_t at = 0; at < COUNT; at++)
        basket[at] = (struct basket){.customer = (at * 7) % COUNT, .next = BASKETS_NONE};
    struct baskets baskets = {.basket = basket, .count = COUNT, .customers = {.count = COUNT}};
    struct schedule schedule;
    assert_int_equal(schedule_open(&schedule, &baskets, 0, 0), 0);
    for (uint32_t at = 0; at < COUNT; at++)
        assert_int_equal(schedule_take(&schedule, 0), at);
    schedule_close(&schedule);
    free(basket);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_customer_buys_one_basket_after_another),
        cmocka_unit_test(a_rate_makes_baskets_due_one_by_one),
        cmocka_unit_test(of_many_ready_baskets_the_earliest_goes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
