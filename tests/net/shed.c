/* SPDX-License-Identifier: Apache-2.0 */
/* When somebody is refused, who, and when no more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "net/loop/shed.h"
#include "tests/lib/dice.h"

static const struct shed_scale scale = {{100, 200, 400, 1600}};

/* A look every step_ms with that load, for so long; the level after the last one. */
static uint32_t look(
    struct shed_gauge *gauge, uint64_t *now_ms, uint32_t load, uint32_t step_ms, uint32_t for_ms)
{
    for (uint64_t end_ms = *now_ms + for_ms; *now_ms < end_ms; *now_ms += step_ms)
        shed_look(gauge, &scale, *now_ms, load);
    return gauge->level;
}

static void a_load_that_stands_raises_as_far_as_it_goes(void **state)
{
    (void)state;
    static const struct {
        uint32_t load, level;
    } table[] = {{0, 0}, {99, 0}, {100, 1}, {199, 1}, {200, 2}, {399, 2}, {400, 3}, {1599, 3},
        {1600, 4}, {UINT32_MAX, 4}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct shed_gauge gauge = {0};
        uint64_t now_ms = 5000;
        assert_int_equal(look(&gauge, &now_ms, table[i].load, 1, SHED_WINDOW_MS), 0);
        assert_int_equal(look(&gauge, &now_ms, table[i].load, 1, 2), table[i].level);
    }
}

/* However high it is: one look in each window finds the work done. */
static void a_burst_that_is_worked_off_raises_nothing(void **state)
{
    (void)state;
    struct shed_gauge gauge = {0};
    uint64_t now_ms = 5000;
    for (uint32_t i = 0; i < 100; i++) {
        assert_int_equal(look(&gauge, &now_ms, 5000, 1, SHED_WINDOW_MS - 2), 0);
        assert_int_equal(look(&gauge, &now_ms, 99, 1, 1), 0);
    }
}

/* A process that was stopped for a second has a late look or two, and is not overloaded. */
static void few_looks_prove_nothing(void **state)
{
    (void)state;
    struct shed_gauge gauge = {0};
    uint64_t now_ms = 5000;
    for (uint32_t i = 0; i < 100; i++) {
        assert_int_equal(look(&gauge, &now_ms, 1000, 1000, (SHED_LOOKS_MIN - 1) * 1000), 0);
        assert_int_equal(look(&gauge, &now_ms, 0, 1, 1), 0);
    }
    assert_int_equal(look(&gauge, &now_ms, 1000, 1000, (SHED_LOOKS_MIN + 1) * 1000), 3);
}

static void it_falls_level_by_level_when_it_is_calm(void **state)
{
    (void)state;
    struct shed_gauge gauge = {0};
    uint64_t now_ms = 5000;
    assert_int_equal(look(&gauge, &now_ms, 1600, 1, 2 * SHED_WINDOW_MS), 4);
    assert_int_equal(look(&gauge, &now_ms, 0, 1, SHED_CALM_MS - 1), 4);
    for (uint32_t level = 4; level-- > 0;)
        assert_int_equal(look(&gauge, &now_ms, 0, 1, SHED_CALM_MS), level);
}

/* What it bore before it rose is not yet calm: it would rise again at once. */
static void half_way_down_it_stays(void **state)
{
    (void)state;
    struct shed_gauge gauge = {0};
    uint64_t now_ms = 5000;
    assert_int_equal(look(&gauge, &now_ms, 100, 1, 2 * SHED_WINDOW_MS), 1);
    assert_int_equal(look(&gauge, &now_ms, 50, 1, 100 * SHED_CALM_MS), 1);
    assert_int_equal(look(&gauge, &now_ms, 49, 1, SHED_CALM_MS + 1), 0);
    assert_int_equal(look(&gauge, &now_ms, 99, 1, 100 * SHED_CALM_MS), 0);
}

/* Of the smallest scale, too: no load at all is calm. */
static void a_millisecond_has_a_half(void **state)
{
    (void)state;
    static const struct shed_scale least = {{1, 2, 4, 16}};
    struct shed_gauge gauge = {0};
    uint64_t now_ms = 5000;
    for (uint64_t end_ms = now_ms + 2 * SHED_WINDOW_MS; now_ms < end_ms; now_ms++)
        shed_look(&gauge, &least, now_ms, 1);
    assert_int_equal(gauge.level, 1);
    for (uint64_t end_ms = now_ms + 2 * SHED_CALM_MS; now_ms < end_ms; now_ms++)
        shed_look(&gauge, &least, now_ms, 0);
    assert_int_equal(gauge.level, 0);
}

static void one_peak_keeps_it_up(void **state)
{
    (void)state;
    struct shed_gauge gauge = {0};
    uint64_t now_ms = 5000;
    assert_int_equal(look(&gauge, &now_ms, 400, 1, 2 * SHED_WINDOW_MS), 3);
    for (uint32_t i = 0; i < 20; i++) {
        assert_int_equal(look(&gauge, &now_ms, 0, 1, SHED_CALM_MS / 2), 3);
        assert_int_equal(look(&gauge, &now_ms, 200, 1, 1), 3);
    }
}

/* The first look after a long sleep finds a shop that is open to all. */
static void who_has_slept_refuses_nobody(void **state)
{
    (void)state;
    struct shed_gauge gauge = {0};
    uint64_t now_ms = 5000;
    assert_int_equal(look(&gauge, &now_ms, 1600, 1, 2 * SHED_WINDOW_MS), 4);
    now_ms += 4 * SHED_CALM_MS;
    assert_int_equal(look(&gauge, &now_ms, 0, 1, 1), 0);
}

static void reads_go_first_and_payments_last(void **state)
{
    (void)state;
    static const enum shed_work order[] = {SHED_READ, SHED_HOLD, SHED_CHECKOUT, SHED_CONFIRMATION};
    for (uint32_t level = 0; level <= SHED_LEVELS; level++) {
        for (uint32_t i = 0; i < SHED_LEVELS; i++) {
            assert_int_equal(shed_refused(level, false) >> order[i] & 1, i < level);
            assert_int_equal(shed_refused(level, true) >> order[i] & 1, i < level);
        }
        assert_int_equal(shed_refused(level, true) >> SHED_LOOK & 1, level > 0);
        assert_int_equal(shed_refused(level, false) >> SHED_LOOK & 1, 0);
        assert_int_equal(shed_refused(level, true) >> SHED_NEVER & 1, 0);
    }
}

/* Whatever it is shown: no level without a window in which the load stood as high. */
static void no_level_without_a_load(void **state)
{
    (void)state;
    struct dice dice = dice_of(9);
    for (uint32_t run = 0; run < 200; run++) {
        struct shed_gauge gauge = {0};
        uint64_t now_ms = dice_next(&dice) % 3 == 0 ? 0 : dice_next(&dice) >> 20;
        uint32_t most = 0;
        for (uint32_t i = 0; i < 500; i++) {
            static const uint32_t most_of[] = {50, 150, 300, 1000, 5000};
            uint32_t load = (uint32_t)(dice_next(&dice) % most_of[dice_next(&dice) % 5]);
            most = load > most ? load : most;
            now_ms += dice_next(&dice) % 40;
            shed_look(&gauge, &scale, now_ms, load);
            assert_true(gauge.level <= SHED_LEVELS);
            assert_true(gauge.level == 0 || most >= scale.rises[gauge.level - 1]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_load_that_stands_raises_as_far_as_it_goes),
        cmocka_unit_test(a_burst_that_is_worked_off_raises_nothing),
        cmocka_unit_test(few_looks_prove_nothing),
        cmocka_unit_test(it_falls_level_by_level_when_it_is_calm),
        cmocka_unit_test(half_way_down_it_stays),
        cmocka_unit_test(a_millisecond_has_a_half),
        cmocka_unit_test(one_peak_keeps_it_up),
        cmocka_unit_test(who_has_slept_refuses_nobody),
        cmocka_unit_test(reads_go_first_and_payments_last),
        cmocka_unit_test(no_level_without_a_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
