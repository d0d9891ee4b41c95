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

static uint64_t at_once[4];
static uint64_t ten_a_second[] = {0, 100000000, 200000000, 300000000};

static struct schedule open_schedule(
    const struct baskets *baskets, const struct arrivals *arrivals, uint64_t start_ns)
{
    struct schedule schedule;
    assert_int_equal(schedule_open(&schedule, baskets, arrivals, start_ns), 0);
    return schedule;
}

static void a_customer_buys_one_basket_after_another(void **state)
{
    (void)state;
    struct baskets baskets = baskets_of_two();
    struct arrivals arrivals = {.due_ns = at_once, .count = 4};
    struct schedule schedule = open_schedule(&baskets, &arrivals, 0);
    assert_int_equal(schedule_take(&schedule, 0), 0);
    assert_int_equal(schedule_take(&schedule, 0), 1);
    assert_int_equal(schedule_take(&schedule, 0), BASKETS_NONE);
    assert_int_equal(schedule_due_ns(&schedule), SCHEDULE_NEVER);
    schedule_done(&schedule, 1, 0);
    assert_int_equal(schedule_take(&schedule, 0), BASKETS_NONE);
    schedule_done(&schedule, 0, 0);
    assert_int_equal(schedule_take(&schedule, 0), 2);
    schedule_done(&schedule, 2, 0);
    assert_false(schedule_is_over(&schedule));
    assert_int_equal(schedule_take(&schedule, 0), 3);
    schedule_done(&schedule, 3, 0);
    assert_true(schedule_is_over(&schedule));
    schedule_close(&schedule);
}

static void arrivals_make_baskets_due_one_by_one(void **state)
{
    (void)state;
    struct baskets baskets = baskets_of_two();
    struct arrivals arrivals = {.due_ns = ten_a_second, .count = 4};
    struct schedule schedule = open_schedule(&baskets, &arrivals, 1000);
    assert_int_equal(schedule_take(&schedule, 999), BASKETS_NONE);
    assert_int_equal(schedule_take(&schedule, 1000), 0);
    assert_int_equal(schedule_due_ns(&schedule), 100001000);
    assert_int_equal(schedule_take(&schedule, 100000999), BASKETS_NONE);
    assert_int_equal(schedule_take(&schedule, 100001000), 1);
    schedule_close(&schedule);
}

static void a_basket_that_waits_for_its_customer_is_due_when_he_is_done(void **state)
{
    (void)state;
    struct baskets baskets = baskets_of_two();
    struct arrivals arrivals = {.due_ns = ten_a_second, .count = 4};
    struct schedule schedule = open_schedule(&baskets, &arrivals, 1000);
    assert_int_equal(schedule_take(&schedule, 1000), 0);
    schedule_done(&schedule, 0, 1500);
    assert_int_equal(schedule_take(&schedule, 100001000), 1);
    assert_int_equal(schedule_due_ns(&schedule), 200001000); /* its own moment: he was free then */
    assert_int_equal(schedule_take(&schedule, 200001000), 2);
    schedule_done(&schedule, 2, 900001000);
    assert_int_equal(schedule_due_ns(&schedule), 900001000);
    assert_int_equal(schedule_take(&schedule, 900000999), BASKETS_NONE);
    assert_int_equal(schedule_take(&schedule, 900001000), 3);
    schedule_close(&schedule);
}

static void arrivals_are_told_once_whoever_waits(void **state)
{
    (void)state;
    struct baskets baskets = baskets_of_two();
    struct arrivals arrivals = {.due_ns = ten_a_second, .count = 4};
    struct schedule schedule = open_schedule(&baskets, &arrivals, 1000);
    assert_int_equal(schedule_plan(&schedule, 200001000), 1000);
    assert_int_equal(schedule_plan(&schedule, 200001000), 100001000);
    assert_int_equal(schedule_plan(&schedule, 200001000), 200001000);
    assert_int_equal(schedule_plan(&schedule, 200001000), SCHEDULE_NEVER);
    assert_int_equal(schedule_plan(&schedule, 400000000), 300001000);
    assert_int_equal(schedule_plan(&schedule, 400000000), SCHEDULE_NEVER);
    schedule_close(&schedule);
}

static void once_stopped_it_is_over_when_all_that_began_is_done(void **state)
{
    (void)state;
    struct baskets baskets = baskets_of_two();
    struct arrivals arrivals = {.due_ns = at_once, .count = 4};
    struct schedule schedule = open_schedule(&baskets, &arrivals, 0);
    assert_int_equal(schedule_take(&schedule, 0), 0);
    schedule_stop(&schedule);
    assert_int_equal(schedule_take(&schedule, 0), BASKETS_NONE);
    assert_int_equal(schedule_due_ns(&schedule), SCHEDULE_NEVER);
    assert_false(schedule_is_over(&schedule));
    schedule_done(&schedule, 0, 0);
    assert_true(schedule_is_over(&schedule));
    assert_int_equal(schedule_take(&schedule, 0), BASKETS_NONE);
    schedule_close(&schedule);
}

enum { COUNT = 1000 };

static void of_many_ready_baskets_the_one_due_first_goes_first(void **state)
{
    (void)state;
    struct basket *basket = calloc(COUNT, sizeof *basket);
    uint64_t *due_ns = calloc(COUNT, sizeof *due_ns);
    for (uint32_t at = 0; at < COUNT; at++) {
        basket[at] = (struct basket){.customer = (at * 7) % COUNT, .next = BASKETS_NONE};
        due_ns[at] = at / 10;
    }
    struct baskets baskets = {.basket = basket, .count = COUNT, .customers = {.count = COUNT}};
    struct arrivals arrivals = {.due_ns = due_ns, .count = COUNT};
    struct schedule schedule = open_schedule(&baskets, &arrivals, 0);
    for (uint32_t at = 0; at < COUNT; at++)
        assert_int_equal(schedule_take(&schedule, COUNT), at);
    schedule_close(&schedule);
    free(basket);
    free(due_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_customer_buys_one_basket_after_another),
        cmocka_unit_test(arrivals_make_baskets_due_one_by_one),
        cmocka_unit_test(a_basket_that_waits_for_its_customer_is_due_when_he_is_done),
        cmocka_unit_test(arrivals_are_told_once_whoever_waits),
        cmocka_unit_test(once_stopped_it_is_over_when_all_that_began_is_done),
        cmocka_unit_test(of_many_ready_baskets_the_one_due_first_goes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
