/* SPDX-License-Identifier: Apache-2.0 */
/* A run from its first second to its last, in rows that never become more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loadtest/series.h"

#define START_NS UINT64_C(7000000000)
#define STEP_NS SERIES_STEP_NS_FIRST
#define TABLE_NS (SERIES_ROWS * STEP_NS)

static int open_series(void **state)
{
    struct series *series = malloc(sizeof *series);
    assert_non_null(series);
    assert_int_equal(series_open(series), 0);
    series_start(series, START_NS);
    *state = series;
    return 0;
}

static int close_series(void **state)
{
    series_close(*state);
    free(*state);
    return 0;
}

static void answer(struct series *series, uint64_t at_ns, uint64_t us, enum series_outcome outcome)
{
    series_answer(series, REQUEST_CHECKOUT, at_ns, us, us / 2, outcome);
}

static uint64_t sum_begun(const struct series *series)
{
    uint64_t sum = 0;
    for (uint32_t at = 0; at < series->row_count; at++)
        sum += series->row[at].begun;
    return sum;
}

static void a_moment_finds_its_row(void **state)
{
    struct series *series = *state;
    series_begun(series, START_NS);
    series_begun(series, START_NS + STEP_NS - 1);
    series_begun(series, START_NS + STEP_NS);
    series_planned(series, START_NS - 1);
    series_planned(series, START_NS + 3 * STEP_NS);
    assert_int_equal(series->row_count, 4);
    assert_int_equal(series->row[0].begun, 2);
    assert_int_equal(series->row[1].begun, 1);
    assert_int_equal(series->row[0].planned, 1);
    assert_int_equal(series->row[3].planned, 1);
}

static void an_answer_has_two_times_and_one_that_is_none_has_no_time(void **state)
{
    struct series *series = *state;
    answer(series, START_NS, 100, SERIES_OK);
    answer(series, START_NS, 120, SERIES_REFUSED);
    answer(series, START_NS, 999, SERIES_PUSHED_BACK);
    answer(series, START_NS, 999, SERIES_FAILED);
    for (int outcome = 0; outcome < SERIES_OUTCOMES; outcome++) {
        assert_int_equal(series->row[0].outcome[outcome], 1);
        assert_int_equal(series->outcome[REQUEST_CHECKOUT][outcome], 1);
    }
    assert_int_equal(series->intended[REQUEST_CHECKOUT].count, 2);
    assert_int_equal(series->intended[REQUEST_CHECKOUT].max_us, 120);
    assert_int_equal(series->service[REQUEST_CHECKOUT].max_us, 60);
    assert_int_equal(series->row[0].intended.max_us, 120);
    assert_int_equal(series->intended[REQUEST_CART].count, 0);
}

static void the_last_row_fits_and_the_moment_after_it_doubles_the_step(void **state)
{
    struct series *series = *state;
    for (uint32_t at = 0; at < SERIES_ROWS; at++)
        series_begun(series, START_NS + at * STEP_NS);
    series_begun(series, START_NS + TABLE_NS - 1);
    assert_int_equal(series->row_count, SERIES_ROWS);
    assert_int_equal(series->step_ns, STEP_NS);
    series_begun(series, START_NS + TABLE_NS);
    assert_int_equal(series->step_ns, 2 * STEP_NS);
    assert_int_equal(series->row_count, SERIES_ROWS / 2 + 1);
    for (uint32_t at = 0; at < SERIES_ROWS / 2 - 1; at++)
        assert_int_equal(series->row[at].begun, 2);
    assert_int_equal(series->row[SERIES_ROWS / 2 - 1].begun, 3);
    assert_int_equal(series->row[SERIES_ROWS / 2].begun, 1);
    assert_int_equal(series->row[SERIES_ROWS / 2 + 1].begun, 0);
}

static void a_run_of_a_day_loses_nothing(void **state)
{
    struct series *series = *state;
    const uint64_t second_ns = UINT64_C(1000000000);
    for (uint64_t second = 0; second < 86400; second += 7) {
        series_begun(series, START_NS + second * second_ns);
        answer(series, START_NS + second * second_ns, second, SERIES_OK);
    }
    assert_in_range(series->row_count, SERIES_ROWS / 2, SERIES_ROWS);
    assert_int_equal(sum_begun(series), (86400 + 6) / 7);
    uint64_t counted = 0;
    for (uint32_t at = 0; at < series->row_count; at++) {
        const struct histogram *row = &series->row[at].intended;
        uint64_t last_second = (at + 1) * (series->step_ns / second_ns);
        counted += row->count;
        if (at + 1 < series->row_count)
            assert_in_range(row->max_us, last_second - 8, last_second);
    }
    assert_int_equal(counted, (86400 + 6) / 7);
}

static void units_are_the_last_and_gauges_the_highest_of_a_step(void **state)
{
    struct series *series = *state;
    series_units(series, START_NS, 5);
    series_units(series, START_NS + 1, 3);
    series_gauge(series, START_NS, 10, 0, 50);
    series_gauge(series, START_NS + 1, 7, 2, 40);
    assert_int_equal(series->row[0].units_sold, 3);
    assert_int_equal(series->row[0].live, 10);
    assert_int_equal(series->row[0].waiting, 2);
    assert_true(series->row[0].busy_percent == 50);
    series_units(series, START_NS + STEP_NS, 9);
    series_begun(series, START_NS + 3 * STEP_NS);
    series_begun(series, START_NS + TABLE_NS);
    assert_int_equal(series->row[0].units_sold, 9);
    assert_false(series->row[1].units_told);
    assert_int_equal(series->row[0].live, 10);
}

static void two_threads_are_summed_up_whatever_their_steps(void **state)
{
    struct series *series = *state;
    struct series *other = malloc(sizeof *other);
    assert_non_null(other);
    assert_int_equal(series_open(other), 0);
    series_start(other, START_NS);
    for (uint32_t at = 0; at < 4; at++) {
        series_begun(series, START_NS + at * STEP_NS);
        answer(series, START_NS + at * STEP_NS, 10, SERIES_OK);
    }
    series_units(series, START_NS, 5);
    series_gauge(series, START_NS, 1, 2, 30);
    series_begun(other, START_NS + TABLE_NS);
    answer(other, START_NS, 1000, SERIES_OK);
    series_units(other, START_NS + TABLE_NS, 2);
    series_gauge(other, START_NS, 10, 20, 20);
    series_add(series, other);
    series_close(other);
    free(other);
    assert_int_equal(series->step_ns, 2 * STEP_NS);
    assert_int_equal(series->row_count, SERIES_ROWS / 2 + 1);
    assert_int_equal(series->row[0].begun, 2);
    assert_int_equal(series->row[0].intended.count, 3);
    assert_int_equal(series->row[0].intended.max_us, 1000);
    assert_int_equal(series->row[1].units_sold, 5);
    assert_int_equal(series->row[SERIES_ROWS / 2].units_sold, 7);
    assert_int_equal(series->row[SERIES_ROWS / 2].live, 11);
    assert_true(series->row[0].busy_percent == 30);
    assert_int_equal(series->intended[REQUEST_CHECKOUT].count, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_moment_finds_its_row, open_series, close_series),
        cmocka_unit_test_setup_teardown(
            an_answer_has_two_times_and_one_that_is_none_has_no_time, open_series, close_series),
        cmocka_unit_test_setup_teardown(
            the_last_row_fits_and_the_moment_after_it_doubles_the_step, open_series, close_series),
        cmocka_unit_test_setup_teardown(a_run_of_a_day_loses_nothing, open_series, close_series),
        cmocka_unit_test_setup_teardown(
            units_are_the_last_and_gauges_the_highest_of_a_step, open_series, close_series),
        cmocka_unit_test_setup_teardown(
            two_threads_are_summed_up_whatever_their_steps, open_series, close_series),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
