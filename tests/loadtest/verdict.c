/* SPDX-License-Identifier: Apache-2.0 */
/* From what the comparison of the books found to four numbers and an exit code (V1, V3, V4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "loadtest/verdict.h"

static void a_run_without_differences_is_correct_and_says_what_was_compared(void **state)
{
    (void)state;
    struct differences differences = {0};
    struct oracle oracle = {.differences = &differences};
    struct verdict verdict = verdict_of(&oracle, true, false);
    assert_true(verdict.correct);
    assert_non_null(strstr(verdict.says, "neither"));
    oracle.has_stock = true;
    verdict = verdict_of(&oracle, true, false);
    assert_true(verdict.correct && verdict.server_compared && !verdict.postgres_compared);
    assert_non_null(strstr(verdict.says, "--pg"));
    oracle.has_postgres = true;
    verdict = verdict_of(&oracle, true, false);
    assert_true(verdict.correct && verdict.server_compared && verdict.postgres_compared);
    assert_non_null(strstr(verdict.says, "nothing oversold"));
}

static void a_run_that_did_not_end_compared_nothing_and_is_not_correct(void **state)
{
    (void)state;
    struct differences differences = {0};
    struct oracle oracle = {.differences = &differences, .has_stock = true, .has_postgres = true};
    struct verdict verdict = verdict_of(&oracle, false, false);
    assert_false(verdict.correct || verdict.finished);
    assert_false(verdict.server_compared || verdict.postgres_compared);
    assert_non_null(strstr(verdict.says, "not compared"));
}

static void an_interrupted_run_is_not_correct_and_says_why(void **state)
{
    (void)state;
    struct differences differences = {0};
    struct oracle oracle = {.differences = &differences, .has_stock = true, .has_postgres = true};
    struct verdict verdict = verdict_of(&oracle, true, true);
    assert_false(verdict.correct);
    assert_true(verdict.finished && verdict.server_compared && verdict.postgres_compared);
    assert_non_null(strstr(verdict.says, "interrupted"));
    verdict = verdict_of(&oracle, false, true);
    assert_non_null(strstr(verdict.says, "and the books were not compared"));
    assert_false(verdict.correct || verdict.server_compared);
    differences = (struct differences){.sum = 1, .count = {[DIFFERENCE_STOCK_SOLD] = 1}};
    assert_non_null(strstr(verdict_of(&oracle, true, true).says, "1 difference "));
}

static void books_that_were_left_are_not_compared(void **state)
{
    (void)state;
    struct differences differences = {0};
    struct oracle oracle = {.differences = &differences,
        .has_stock = true,
        .has_postgres = true,
        .postgres_unread = true,
        .interrupted = true};
    struct verdict verdict = verdict_of(&oracle, true, false);
    assert_true(verdict.finished && verdict.server_compared);
    assert_false(verdict.correct || verdict.postgres_compared);
    assert_non_null(strstr(verdict.says, "interrupted, so not all books were compared: no diff"));
    oracle.stock_unread = true;
    verdict = verdict_of(&oracle, true, false);
    assert_false(verdict.server_compared);
    assert_non_null(strstr(verdict.says, "answered until then"));
}

static void each_kind_of_difference_is_enough(void **state)
{
    (void)state;
    for (int kind = 0; kind < DIFFERENCES; kind++) {
        struct differences differences = {.sum = 1};
        differences.count[kind] = 1;
        struct oracle oracle = {.differences = &differences};
        assert_false(verdict_of(&oracle, true, false).correct);
    }
}

static void units_and_orders_find_their_number(void **state)
{
    (void)state;
    struct differences differences = {.sum = 7,
        .count = {[DIFFERENCE_ORDER_MISSING] = 2,
            [DIFFERENCE_ORDER_TWICE] = 3,
            [DIFFERENCE_KEY_TWICE] = 2}};
    struct oracle oracle = {
        .differences = &differences,
        .oversold_units = 11,
        .stranded_units = 13,
        .lost_units = 17,
        .unacknowledged_units = 19,
    };
    struct verdict verdict = verdict_of(&oracle, true, false);
    assert_int_equal(verdict.oversold, 11);
    assert_int_equal(verdict.stranded, 13);
    assert_int_equal(verdict.lost, 17 + 2);
    assert_int_equal(verdict.duplicated, 19 + 3 + 2);
    assert_string_equal(verdict.says, "7 differences between what must be and what is");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_without_differences_is_correct_and_says_what_was_compared),
        cmocka_unit_test(a_run_that_did_not_end_compared_nothing_and_is_not_correct),
        cmocka_unit_test(an_interrupted_run_is_not_correct_and_says_why),
        cmocka_unit_test(books_that_were_left_are_not_compared),
        cmocka_unit_test(each_kind_of_difference_is_enough),
        cmocka_unit_test(units_and_orders_find_their_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
