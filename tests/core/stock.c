/* SPDX-License-Identifier: Apache-2.0 */
/* One word per SKU answers truthfully and never moves a unit that is not there (V1, A4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/stock.h"
#include "tests/lib/dice.h"
#include "tests/lib/memory.h"
#include "tests/lib/stops.h"

enum { SKUS = 4, S = 1 };

struct fixture {
    struct arena arena;
    struct stock stock;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (f == NULL)
        return -1;
    memory_open(&f->arena, SKUS * 64);
    stock_init(&f->stock, &f->arena, SKUS);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    memory_close(&f->arena);
    free(f);
    return 0;
}

static void assert_numbers(
    const struct stock *stock, uint32_t allotment, uint32_t available, uint32_t held, uint32_t sold)
{
    struct stock_numbers numbers = stock_numbers(stock, S);
    assert_int_equal(numbers.allotment, allotment);
    assert_int_equal(numbers.available, available);
    assert_int_equal(numbers.held, held);
    assert_int_equal(numbers.sold, sold);
    stock_check(stock);
}

static void the_three_negative_answers_are_told_apart(void **state)
{
    struct fixture *f = *state;
    uint32_t available = 99;
    assert_int_equal(stock_take(&f->stock, S, 1), STOCK_SOLD_OUT);
    stock_allot(&f->stock, S, 3);
    assert_int_equal(stock_take(&f->stock, S, 4), STOCK_INSUFFICIENT);
    assert_int_equal(stock_look(&f->stock, S, 4, &available), STOCK_INSUFFICIENT);
    assert_int_equal(available, 3);
    assert_int_equal(stock_take(&f->stock, S, 3), STOCK_TAKEN);
    assert_int_equal(stock_take(&f->stock, S, 1), STOCK_HELD_BY_OTHERS);
    stock_sell(&f->stock, S, 2);
    assert_int_equal(stock_look(&f->stock, S, 1, &available), STOCK_HELD_BY_OTHERS);
    assert_int_equal(available, 0);
    stock_sell(&f->stock, S, 1);
    assert_int_equal(stock_take(&f->stock, S, 1), STOCK_SOLD_OUT);
    assert_numbers(&f->stock, 3, 0, 0, 3);
}

static void looking_answers_like_taking_and_takes_nothing(void **state)
{
    struct fixture *f = *state;
    stock_allot(&f->stock, S, 2);
    uint32_t available = 0;
    assert_int_equal(stock_look(&f->stock, S, 2, &available), STOCK_TAKEN);
    assert_int_equal(available, 2);
    assert_numbers(&f->stock, 2, 2, 0, 0);
}

static void a_refused_take_leaves_no_trace(void **state)
{
    struct fixture *f = *state;
    stock_allot(&f->stock, S, 2);
    stock_take(&f->stock, S, 3);
    assert_numbers(&f->stock, 2, 2, 0, 0);
}

static void units_go_round_and_the_sum_stays(void **state)
{
    struct fixture *f = *state;
    stock_allot(&f->stock, S, 10);
    assert_int_equal(stock_take(&f->stock, S, 6), STOCK_TAKEN);
    assert_numbers(&f->stock, 10, 4, 6, 0);
    stock_give(&f->stock, S, 1);
    assert_numbers(&f->stock, 10, 5, 5, 0);
    stock_sell(&f->stock, S, 4);
    assert_numbers(&f->stock, 10, 5, 1, 4);
    stock_restock(&f->stock, S, 3);
    assert_numbers(&f->stock, 10, 8, 1, 1);
}

static void a_lowering_is_held_until_its_record_is_durable(void **state)
{
    struct fixture *f = *state;
    stock_allot(&f->stock, S, 5);
    assert_int_equal(stock_take(&f->stock, S, 2), STOCK_TAKEN);
    assert_false(stock_lower(&f->stock, S, 4));
    assert_numbers(&f->stock, 5, 3, 2, 0);
    assert_true(stock_lower(&f->stock, S, 3));
    assert_numbers(&f->stock, 5, 0, 5, 0);
    assert_int_equal(stock_take(&f->stock, S, 1), STOCK_HELD_BY_OTHERS);
    stock_lowered(&f->stock, S, 3);
    assert_numbers(&f->stock, 2, 0, 2, 0);
}

static void the_largest_allotment_fits_and_one_more_does_not(void **state)
{
    struct fixture *f = *state;
    stock_allot(&f->stock, S, UINT32_MAX);
    assert_int_equal(stock_take(&f->stock, S, UINT32_MAX), STOCK_TAKEN);
    assert_numbers(&f->stock, UINT32_MAX, 0, UINT32_MAX, 0);
    stock_give(&f->stock, S, UINT32_MAX);
    assert_numbers(&f->stock, UINT32_MAX, UINT32_MAX, 0, 0);
    STOPS(stock_allot(&f->stock, S, 1));
    STOPS(stock_restock(&f->stock, S, 1));
}

static void moving_units_that_are_not_there_stops_the_process(void **state)
{
    struct fixture *f = *state;
    stock_allot(&f->stock, S, 5);
    stock_take(&f->stock, S, 2);
    STOPS(stock_give(&f->stock, S, 3));
    STOPS(stock_sell(&f->stock, S, 3));
    STOPS(stock_lowered(&f->stock, S, 3));
    STOPS(stock_take(&f->stock, S, 0));
    STOPS(stock_give(&f->stock, S, 0));
    STOPS(stock_take(&f->stock, SKUS, 1));
    assert_numbers(&f->stock, 5, 3, 2, 0);
}

static void more_restocked_than_sold_is_noticed_by_the_check(void **state)
{
    struct fixture *f = *state;
    stock_allot(&f->stock, S, 5);
    stock_restock(&f->stock, S, 1);
    STOPS(stock_check(&f->stock));
    STOPS(stock_numbers(&f->stock, S));
}

static void recovery_derives_the_line_from_sums_that_must_fit(void **state)
{
    struct fixture *f = *state;
    stock_derive(&f->stock, S, 100, 30, 25);
    assert_numbers(&f->stock, 100, 45, 30, 25);
    stock_derive(&f->stock, S, 100, 40, 60);
    assert_numbers(&f->stock, 100, 0, 40, 60);
    STOPS(stock_derive(&f->stock, S, 100, 41, 60));
    STOPS(stock_derive(&f->stock, S, 0, UINT32_MAX, 1));
}

static void a_slot_for_another_sku_starts_from_nothing(void **state)
{
    struct fixture *f = *state;
    stock_derive(&f->stock, S, 9, 0, 4);
    stock_note_release(&f->stock, S, 500, 0);
    stock_reset(&f->stock, S);
    assert_numbers(&f->stock, 0, 0, 0, 0);
    assert_int_equal(stock_next_release(&f->stock, S, 0), 0);
    stock_derive(&f->stock, S, 9, 1, 0);
    STOPS(stock_reset(&f->stock, S));
}

static void skus_do_not_touch_each_other(void **state)
{
    struct fixture *f = *state;
    stock_allot(&f->stock, 0, 7);
    stock_allot(&f->stock, 2, 9);
    assert_numbers(&f->stock, 0, 0, 0, 0);
    assert_int_equal(stock_numbers(&f->stock, 0).available, 7);
    assert_int_equal(stock_numbers(&f->stock, 2).available, 9);
}

static void the_release_hint_is_the_earliest_noted_since_one_passed(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(stock_next_release(&f->stock, S, 0), 0);
    stock_note_release(&f->stock, S, 700, 0);
    stock_note_release(&f->stock, S, 500, 0);
    stock_note_release(&f->stock, S, 600, 0);
    assert_int_equal(stock_next_release(&f->stock, S, 499), 500);
    assert_int_equal(stock_next_release(&f->stock, S, 500), 0); /* at its deadline it is dead */
    stock_note_release(&f->stock, S, 900, 0);
    assert_int_equal(stock_next_release(&f->stock, S, 501), 900);
}

/* Against four plain numbers. */
static void random_moves_agree_with_four_numbers(void **state)
{
    struct fixture *f = *state;
    struct dice dice = dice_seeded("stock");
    uint32_t allotment = 0, available = 0, held = 0, sold = 0;
    for (uint32_t step = 0; step < 100000; step++) {
        uint32_t units = 1 + dice_below(&dice, 5);
        uint32_t action = dice_below(&dice, 7);
        if (action == 0 && allotment < 50) {
            stock_allot(&f->stock, S, units);
            allotment += units, available += units;
        } else if (action <= 2) {
            enum stock_answer wanted = available >= units ? STOCK_TAKEN
                                       : available > 0    ? STOCK_INSUFFICIENT
                                       : held > 0         ? STOCK_HELD_BY_OTHERS
                                                          : STOCK_SOLD_OUT;
            assert_int_equal(stock_take(&f->stock, S, units), wanted);
            if (wanted == STOCK_TAKEN)
                available -= units, held += units;
        } else if (action == 3 && held >= units) {
            stock_give(&f->stock, S, units);
            held -= units, available += units;
        } else if (action == 4 && held >= units) {
            stock_sell(&f->stock, S, units);
            held -= units, sold += units;
        } else if (action == 5 && sold >= units) {
            stock_restock(&f->stock, S, units);
            sold -= units, available += units;
        } else if (action == 6 && stock_lower(&f->stock, S, units)) {
            assert_true(available >= units);
            stock_lowered(&f->stock, S, units);
            available -= units, allotment -= units;
        }
        assert_numbers(&f->stock, allotment, available, held, sold);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            the_three_negative_answers_are_told_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            looking_answers_like_taking_and_takes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_refused_take_leaves_no_trace, set_up, tear_down),
        cmocka_unit_test_setup_teardown(units_go_round_and_the_sum_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_lowering_is_held_until_its_record_is_durable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            the_largest_allotment_fits_and_one_more_does_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            moving_units_that_are_not_there_stops_the_process, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            more_restocked_than_sold_is_noticed_by_the_check, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            recovery_derives_the_line_from_sums_that_must_fit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_slot_for_another_sku_starts_from_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(skus_do_not_touch_each_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            the_release_hint_is_the_earliest_noted_since_one_passed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(random_moves_agree_with_four_numbers, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
