/* SPDX-License-Identifier: Apache-2.0 */
/* The pool hands out each slot once, clean, until it is full, and notices misuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/pool.h"
#include "tests/lib/dice.h"
#include "tests/lib/memory.h"
#include "tests/lib/stops.h"

enum { CAPACITY = 70, SLOT_SIZE = 12 }; /* more than one word of the bit map */

struct fixture {
    struct arena arena;
    struct pool pool;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (f == NULL)
        return -1;
    memory_open(&f->arena, 4096);
    pool_init(&f->pool, &f->arena, "pool", CAPACITY, SLOT_SIZE);
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

static void every_slot_is_handed_out_once_until_there_is_no_room(void **state)
{
    struct fixture *f = *state;
    bool is_taken[CAPACITY] = {false};
    assert_int_equal(pool_room(&f->pool), CAPACITY);
    for (uint32_t i = 0; i < CAPACITY; i++) {
        uint32_t index = pool_take(&f->pool);
        assert_true(index < CAPACITY);
        assert_false(is_taken[index]);
        is_taken[index] = true;
    }
    assert_int_equal(pool_room(&f->pool), 0);
    STOPS(pool_take(&f->pool));
    pool_check(&f->pool);
}

static void a_slot_comes_back_clean(void **state)
{
    struct fixture *f = *state;
    uint32_t index = pool_take(&f->pool);
    memset(pool_at(&f->pool, index), 0xff, SLOT_SIZE);
    pool_give(&f->pool, index);
    assert_false(pool_is_used(&f->pool, index));
    assert_int_equal(pool_take(&f->pool), index);
    const uint8_t zero[SLOT_SIZE] = {0};
    assert_memory_equal(pool_at(&f->pool, index), zero, SLOT_SIZE);
}

static void giving_back_twice_or_what_was_never_taken_stops_the_process(void **state)
{
    struct fixture *f = *state;
    uint32_t index = pool_take(&f->pool);
    pool_give(&f->pool, index);
    STOPS(pool_give(&f->pool, index));
    STOPS(pool_give(&f->pool, CAPACITY));
    STOPS(pool_at(&f->pool, 1));
    STOPS(pool_is_used(&f->pool, CAPACITY));
}

static void the_check_notices_a_free_list_in_a_circle_and_a_lost_slot(void **state)
{
    struct fixture *f = *state;
    uint32_t first = pool_take(&f->pool);
    uint32_t second = pool_take(&f->pool);
    pool_give(&f->pool, first);
    pool_give(&f->pool, second);
    pool_check(&f->pool);
    *(uint32_t *)pool_at(&f->pool, first) = second + 1;
    STOPS(pool_check(&f->pool));
    *(uint32_t *)pool_at(&f->pool, second) = 0;
    STOPS(pool_check(&f->pool));
}

static void random_takes_and_gives_never_mix_up_contents(void **state)
{
    struct fixture *f = *state;
    struct dice dice = dice_seeded("pool");
    uint64_t mark_of[CAPACITY] = {0};
    for (uint32_t step = 0; step < 20000; step++) {
        uint32_t index = dice_below(&dice, CAPACITY);
        if (pool_is_used(&f->pool, index)) {
            assert_memory_equal(pool_at(&f->pool, index), &mark_of[index], 8);
            pool_give(&f->pool, index);
        } else if (pool_room(&f->pool) > 0) {
            index = pool_take(&f->pool);
            mark_of[index] = dice_next(&dice);
            memcpy(pool_at(&f->pool, index), &mark_of[index], 8);
        }
        if (step % 64 == 0)
            pool_check(&f->pool);
    }
}

/* All that was there when the walk began and is still there, and nothing else. */
static void a_walk_goes_once_to_all_that_was_there_when_it_began(void **state)
{
    struct fixture *f = *state;
    struct dice dice = dice_seeded("walks of a pool");
    for (uint32_t walk = 0; walk < 200; walk++) {
        bool is_owed[CAPACITY];
        for (uint32_t i = 0; i < CAPACITY; i++) {
            is_owed[i] = pool_is_used(&f->pool, i);
            assert_true(!is_owed[i] || pool_is_walked(&f->pool, i));
        }
        pool_walk_begin(&f->pool);
        for (uint32_t at = 0; (at = pool_walk_next(&f->pool, at)) != CAPACITY; at++) {
            assert_true(is_owed[at]);
            assert_false(pool_is_walked(&f->pool, at));
            pool_walked(&f->pool, at);
            assert_true(pool_is_walked(&f->pool, at));
            is_owed[at] = false;
            for (uint32_t i = 0; i < 3; i++) {
                uint32_t index = dice_below(&dice, CAPACITY);
                if (pool_is_used(&f->pool, index)) {
                    pool_give(&f->pool, index);
                    is_owed[index] = false;
                } else {
                    assert_true(pool_is_walked(&f->pool, pool_take(&f->pool)));
                }
            }
        }
        for (uint32_t i = 0; i < CAPACITY; i++)
            assert_false(is_owed[i]);
    }
}

static void the_walk_has_never_been_where_nothing_is(void **state)
{
    struct fixture *f = *state;
    uint32_t index = pool_take(&f->pool);
    pool_give(&f->pool, index);
    STOPS(pool_walked(&f->pool, index));
    STOPS(pool_is_walked(&f->pool, index));
    pool_walk_begin(&f->pool);
    assert_int_equal(pool_walk_next(&f->pool, 0), CAPACITY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            every_slot_is_handed_out_once_until_there_is_no_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_slot_comes_back_clean, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            giving_back_twice_or_what_was_never_taken_stops_the_process, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            the_check_notices_a_free_list_in_a_circle_and_a_lost_slot, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            random_takes_and_gives_never_mix_up_contents, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_walk_goes_once_to_all_that_was_there_when_it_began, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            the_walk_has_never_been_where_nothing_is, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
