/* SPDX-License-Identifier: Apache-2.0 */
/* Latencies in fixed memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loadtest/histogram.h"

static void an_empty_histogram_answers_zero(void **state)
{
    (void)state;
    struct histogram *histogram = calloc(1, sizeof *histogram);
    assert_int_equal(histogram_percentile_us(histogram, 99.9), 0);
    free(histogram);
}

static void a_percentile_is_right_to_one_part_in_64(void **state)
{
    (void)state;
    struct histogram *histogram = calloc(1, sizeof *histogram);
    for (uint64_t us = 1; us <= 100000; us++)
        histogram_record(histogram, us);
    const double percent[] = {1, 50, 90, 99, 99.9};
    for (size_t at = 0; at < sizeof percent / sizeof percent[0]; at++) {
        uint64_t exact = (uint64_t)(percent[at] * 1000);
        uint64_t told = histogram_percentile_us(histogram, percent[at]);
        assert_in_range(told, exact, exact + exact / 64 + 1);
    }
    assert_int_equal(histogram_percentile_us(histogram, 100), 100000);
    assert_int_equal(histogram->count, 100000);
    free(histogram);
}

static void small_times_are_exact_and_endless_ones_are_kept(void **state)
{
    (void)state;
    struct histogram *histogram = calloc(1, sizeof *histogram);
    histogram_record(histogram, 0);
    histogram_record(histogram, 127);
    histogram_record(histogram, UINT64_MAX / 4);
    assert_int_equal(histogram_percentile_us(histogram, 33), 0);
    assert_int_equal(histogram_percentile_us(histogram, 60), 127);
    assert_int_equal(histogram->max_us, UINT64_MAX / 4);
    assert_int_equal(histogram_percentile_us(histogram, 100), HISTOGRAM_MAX_US);
    free(histogram);
}

static void two_histograms_become_one(void **state)
{
    (void)state;
    struct histogram *low = calloc(2, sizeof *low);
    struct histogram *high = low + 1;
    for (uint64_t us = 1; us <= 100; us++) {
        histogram_record(low, us);
        histogram_record(high, 1000 * us);
    }
    histogram_add(low, high);
    assert_int_equal(low->count, 200);
    assert_int_equal(low->sum_us, 5050 * 1001);
    assert_int_equal(low->max_us, 100000);
    assert_int_equal(histogram_percentile_us(low, 50), 100);
    assert_in_range(histogram_percentile_us(low, 75), 50000, 50000 + 50000 / 64);
    histogram_add(high, &(struct histogram){0});
    assert_int_equal(high->count, 100);
    free(low);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_histogram_answers_zero),
        cmocka_unit_test(a_percentile_is_right_to_one_part_in_64),
        cmocka_unit_test(two_histograms_become_one),
        cmocka_unit_test(small_times_are_exact_and_endless_ones_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
