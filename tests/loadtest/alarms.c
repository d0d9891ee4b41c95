/* SPDX-License-Identifier: Apache-2.0 */
/* Who must be woken next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "loadtest/alarms.h"
#include "loadtest/chance.h"

static void alarms_ring_in_the_order_of_their_moments(void **state)
{
    (void)state;
    struct alarms alarms;
    assert_int_equal(alarms_open(&alarms, 4), 0);
    assert_int_equal(alarms_next_ns(&alarms), ALARMS_NEVER);
    alarms_set(&alarms, 2, 20);
    alarms_set(&alarms, 0, 30);
    alarms_set(&alarms, 3, 10);
    assert_int_equal(alarms_next_ns(&alarms), 10);
    assert_int_equal(alarms_take(&alarms, 9), ALARMS_NONE);
    assert_int_equal(alarms_take(&alarms, 25), 3);
    assert_int_equal(alarms_take(&alarms, 25), 2);
    assert_int_equal(alarms_take(&alarms, 25), ALARMS_NONE);
    assert_int_equal(alarms_take(&alarms, 30), 0);
    assert_int_equal(alarms_take(&alarms, 1000), ALARMS_NONE);
    alarms_close(&alarms);
}

static void an_alarm_may_be_moved_either_way_and_cleared(void **state)
{
    (void)state;
    struct alarms alarms;
    assert_int_equal(alarms_open(&alarms, 3), 0);
    alarms_set(&alarms, 0, 10);
    alarms_set(&alarms, 1, 20);
    alarms_set(&alarms, 2, 30);
    alarms_set(&alarms, 0, 40); /* later */
    alarms_set(&alarms, 2, 5);  /* earlier */
    alarms_set(&alarms, 1, ALARMS_NEVER);
    assert_int_equal(alarms_take(&alarms, 39), 2);
    assert_int_equal(alarms_take(&alarms, 39), ALARMS_NONE);
    alarms_set(&alarms, 1, 39); /* cleared, and set again */
    assert_int_equal(alarms_take(&alarms, 40), 1);
    assert_int_equal(alarms_take(&alarms, 40), 0);
    assert_int_equal(alarms_next_ns(&alarms), ALARMS_NEVER);
    alarms_close(&alarms);
}

enum { THINGS = 97, STEPS = 50000 };

/* Beside a list that is searched from end to end. */
static void many_alarms_are_those_of_a_plain_list(void **state)
{
    (void)state;
    struct alarms alarms;
    uint64_t list[THINGS];
    struct chance chance = chance_of(1, 1);
    assert_int_equal(alarms_open(&alarms, THINGS), 0);
    for (uint32_t at = 0; at < THINGS; at++)
        list[at] = ALARMS_NEVER;
    uint64_t now = 0;
    for (uint32_t step = 0; step < STEPS; step++) {
        uint32_t thing = (uint32_t)chance_below(&chance, THINGS);
        uint64_t at_ns =
            chance_below(&chance, 10) == 0 ? ALARMS_NEVER : now + chance_below(&chance, 500);
        alarms_set(&alarms, thing, at_ns);
        list[thing] = at_ns;
        now += chance_below(&chance, 8);
        for (uint32_t rang = 0; (rang = alarms_take(&alarms, now)) != ALARMS_NONE;) {
            assert_true(list[rang] <= now);
            list[rang] = ALARMS_NEVER;
        }
        for (uint32_t at = 0; at < THINGS; at++) {
            assert_true(list[at] > now);
            assert_true(alarms_next_ns(&alarms) <= list[at]);
        }
    }
    alarms_close(&alarms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alarms_ring_in_the_order_of_their_moments),
        cmocka_unit_test(an_alarm_may_be_moved_either_way_and_cleared),
        cmocka_unit_test(many_alarms_are_those_of_a_plain_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
