/* SPDX-License-Identifier: Apache-2.0 */
/* The table finds what was inserted, under crowded hashes, at any fill, whatever is removed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/table.h"
#include "tests/lib/dice.h"
#include "tests/lib/memory.h"
#include "tests/lib/stops.h"

enum { CAPACITY = 96 }; /* 128 slots: full is exactly three quarters */

struct fixture {
    struct arena arena;
    struct table table;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (f == NULL)
        return -1;
    memory_open(&f->arena, 4096);
    table_init(&f->table, &f->arena, "table", CAPACITY);
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

static bool finds(const struct table *table, uint32_t hash, uint32_t wanted)
{
    uint32_t position = table_start(table, hash);
    uint32_t index;
    while ((index = table_next(table, hash, &position)) != TABLE_NONE)
        if (index == wanted)
            return true;
    return false;
}

static void an_empty_table_finds_nothing(void **state)
{
    struct fixture *f = *state;
    uint32_t position = table_start(&f->table, 17);
    assert_int_equal(table_next(&f->table, 17, &position), TABLE_NONE);
    table_check(&f->table);
}

static void entries_of_one_hash_are_all_found(void **state)
{
    struct fixture *f = *state;
    for (uint32_t i = 0; i < 10; i++)
        table_insert(&f->table, 7, i);
    uint32_t position = table_start(&f->table, 7);
    uint32_t found = 0;
    while (table_next(&f->table, 7, &position) != TABLE_NONE)
        found++;
    assert_int_equal(found, 10);
    assert_false(finds(&f->table, 8, 3));
}

static void removing_closes_the_gap_over_the_end_of_the_array(void **state)
{
    struct fixture *f = *state;
    for (uint32_t i = 0; i < 5; i++)
        table_insert(&f->table, 126, i); /* slots 126, 127, 0, 1, 2 */
    table_insert(&f->table, 1, 5);       /* pushed to slot 3 */
    table_remove(&f->table, 126, 0);
    table_check(&f->table);
    assert_false(finds(&f->table, 126, 0));
    for (uint32_t i = 1; i < 5; i++)
        assert_true(finds(&f->table, 126, i));
    assert_true(finds(&f->table, 1, 5));
    table_remove(&f->table, 126, 3);
    table_check(&f->table);
    assert_true(finds(&f->table, 1, 5));
}

static void the_highest_hash_and_index_fit(void **state)
{
    struct fixture *f = *state;
    table_insert(&f->table, UINT32_MAX, TABLE_NONE - 1);
    assert_true(finds(&f->table, UINT32_MAX, TABLE_NONE - 1));
    STOPS(table_insert(&f->table, 0, TABLE_NONE));
}

static void a_full_table_still_answers_and_takes_no_more(void **state)
{
    struct fixture *f = *state;
    for (uint32_t i = 0; i < CAPACITY; i++)
        table_insert(&f->table, i * 2, i);
    table_check(&f->table);
    for (uint32_t i = 0; i < CAPACITY; i++) {
        assert_true(finds(&f->table, i * 2, i));
        assert_false(finds(&f->table, i * 2 + 1, i));
    }
    STOPS(table_insert(&f->table, 1, CAPACITY));
}

static void a_table_of_any_capacity_is_at_most_three_quarters_full(void **state)
{
    (void)state;
    struct arena arena;
    memory_open(&arena, 1 << 22);
    for (uint32_t capacity = 1; capacity <= 600; capacity++) {
        struct table table;
        table_init(&table, &arena, "table", capacity);
        assert_int_equal((table.mask + 1) & table.mask, 0);
        assert_true((table.mask + 1) * 3 >= capacity * 4);
        assert_true((table.mask + 1) * 3 < capacity * 8 || table.mask + 1 == 4);
    }
    memory_close(&arena);
}

static void what_is_not_there_cannot_be_removed_nor_what_is_there_inserted(void **state)
{
    struct fixture *f = *state;
    table_insert(&f->table, 3, 1);
    STOPS(table_remove(&f->table, 3, 2));
    STOPS(table_remove(&f->table, 4, 1));
    STOPS(table_insert(&f->table, 3, 1));
}

static void the_check_notices_an_entry_that_cannot_be_reached(void **state)
{
    struct fixture *f = *state;
    table_insert(&f->table, 5, 0);
    table_insert(&f->table, 5, 1);
    f->table.slots[5] = (struct table_slot){0};
    f->table.used--;
    STOPS(table_check(&f->table));
}

/* Against an array that says which (hash, index) pairs are in: few hashes, so that runs are long.
 */
static void random_inserts_and_removals_agree_with_a_plain_array(void **state)
{
    struct fixture *f = *state;
    struct dice dice = dice_seeded("table");
    uint32_t hash_of[CAPACITY];
    bool is_in[CAPACITY] = {false};
    for (uint32_t step = 0; step < 50000; step++) {
        uint32_t index = dice_below(&dice, CAPACITY);
        if (is_in[index]) {
            table_remove(&f->table, hash_of[index], index);
        } else {
            hash_of[index] = dice_below(&dice, 160);
            table_insert(&f->table, hash_of[index], index);
        }
        is_in[index] = !is_in[index];
        uint32_t other = dice_below(&dice, CAPACITY);
        if (is_in[other])
            assert_true(finds(&f->table, hash_of[other], other));
        assert_int_equal(finds(&f->table, hash_of[index], index), is_in[index]);
        if (step % 64 == 0)
            table_check(&f->table);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_table_finds_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(entries_of_one_hash_are_all_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            removing_closes_the_gap_over_the_end_of_the_array, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_highest_hash_and_index_fit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_full_table_still_answers_and_takes_no_more, set_up, tear_down),
        cmocka_unit_test(a_table_of_any_capacity_is_at_most_three_quarters_full),
        cmocka_unit_test_setup_teardown(
            what_is_not_there_cannot_be_removed_nor_what_is_there_inserted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            the_check_notices_an_entry_that_cannot_be_reached, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            random_inserts_and_removals_agree_with_a_plain_array, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
