/* SPDX-License-Identifier: Apache-2.0 */
/* When the batch that fills is written (K5: a reply waits for it, and should not wait for long). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "net/loop/gather.h"

enum { ORDER = 430, TICK_US = 20, CLIENTS = 8 };

static bool waits(struct gather *gather, uint32_t orders, uint64_t now_us)
{
    return gather_waits(gather, orders * ORDER, false, now_us);
}

/* By a disk that takes its time. */
static void settled(struct gather *gather, uint32_t size)
{
    gather_note_begun(gather, 500);
    gather_note_settled(gather, size, 500 + GATHER_RETURN_US);
}

static void what_grows_waits_for_a_tick_that_adds_nothing(void **state)
{
    (void)state;
    struct gather gather = {0};
    assert_true(waits(&gather, 1, 1000));
    assert_true(waits(&gather, 3, 1020));
    assert_false(gather.awaits_return);
    assert_false(waits(&gather, 3, 1040));
}

static void an_empty_batch_waits_for_nothing(void **state)
{
    (void)state;
    struct gather gather = {0};
    assert_false(waits(&gather, 0, 1000));
    assert_false(waits(&gather, 0, 2000));
}

static void what_grows_and_grows_waits_for_a_while(void **state)
{
    (void)state;
    struct gather gather = {0};
    uint64_t now_us = 1000;
    uint32_t orders = 1;
    while (waits(&gather, orders, now_us)) {
        orders++;
        now_us += TICK_US;
    }
    assert_int_equal(now_us, 1000 + GATHER_US);
    /* .. and the batch behind it as long again. */
    assert_false(waits(&gather, 0, now_us));
    assert_true(waits(&gather, 1, now_us + GATHER_US));
}

static void a_large_batch_does_not_wait(void **state)
{
    (void)state;
    struct gather gather = {0};
    assert_true(gather_waits(&gather, GATHER_BYTES - 1, false, 1000));
    assert_false(gather_waits(&gather, GATHER_BYTES, false, 1001));
}

static void the_few_who_are_answered_are_awaited_once(void **state)
{
    (void)state;
    struct gather gather = {0};
    assert_false(waits(&gather, 0, 900));
    settled(&gather, CLIENTS * ORDER);
    assert_true(waits(&gather, CLIENTS, 1000));
    assert_true(gather.awaits_return);
    assert_false(waits(&gather, 2 * CLIENTS, 1100));
    assert_false(gather.awaits_return);
}

/* The tick that found them could not take in all of them. */
static void those_who_came_back_may_need_a_second_tick(void **state)
{
    (void)state;
    struct gather gather = {0};
    settled(&gather, CLIENTS * ORDER);
    assert_true(waits(&gather, 0, 1000));
    assert_true(gather_waits(&gather, CLIENTS / 2 * ORDER, true, 1050));
    assert_false(gather.awaits_return);
    assert_true(waits(&gather, CLIENTS, 1070));
    assert_false(waits(&gather, CLIENTS, 1090));
}

static void many_do_not_wait_for_few_nor_the_disk_for_a_crowd(void **state)
{
    (void)state;
    static const struct {
        uint32_t answered, waiting;
        bool awaited;
    } table[] = {{0, 0, false}, {1, 0, true}, {1, 2, true}, {1, 3, false}, {8, 16, true},
        {8, 17, false}, {28, 0, true}, {29, 0, false}, {14, 14, true}, {15, 14, false}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct gather gather = {.filled = table[i].waiting * ORDER};
        settled(&gather, table[i].answered * ORDER);
        assert_int_equal(waits(&gather, table[i].waiting, 1000), table[i].awaited);
        assert_int_equal(gather.awaits_return, table[i].awaited);
    }
}

/* One write whose replies leave; whether those who get them are awaited, and come or not. */
static bool write_one(struct gather *gather, uint64_t *now_us, uint32_t come)
{
    gather->filled = CLIENTS * ORDER;
    settled(gather, CLIENTS * ORDER);
    bool awaited = waits(gather, CLIENTS, *now_us);
    if (awaited)
        assert_false(waits(gather, CLIENTS + come, *now_us + GATHER_RETURN_US));
    *now_us += 1000;
    return awaited;
}

static void who_does_not_come_back_is_awaited_less_and_less(void **state)
{
    (void)state;
    struct gather gather = {0};
    uint64_t now_us = 1000;
    uint32_t between = 0, longest = 0, awaited = 0;
    for (uint32_t i = 0; i < 100 * GATHER_PAUSE_MAX; i++) {
        bool now = write_one(&gather, &now_us, 0);
        between = now ? 0 : between + 1;
        awaited += now;
        longest = between > longest ? between : longest;
    }
    assert_int_equal(longest, GATHER_PAUSE_MAX);
    assert_in_range(awaited, 100, 110);
    /* Half of them are enough. */
    while (!write_one(&gather, &now_us, CLIENTS / 2))
        ;
    for (uint32_t i = 0; i < 10; i++)
        assert_true(write_one(&gather, &now_us, CLIENTS / 2));
    assert_true(write_one(&gather, &now_us, CLIENTS / 2 - 1));
    assert_false(write_one(&gather, &now_us, CLIENTS));
    assert_true(write_one(&gather, &now_us, CLIENTS));
}

/* Expiries and walks are written for nobody, and prove nothing of those who are answered. */
static void where_nobody_is_answered_nobody_is_awaited(void **state)
{
    (void)state;
    struct gather gather = {.filled = CLIENTS * ORDER};
    for (uint32_t i = 0; i < 10; i++) {
        settled(&gather, CLIENTS * ORDER);
        assert_true(waits(&gather, CLIENTS, 1000));
        gather_note_nobody(&gather);
        assert_false(gather.awaits_return);
        assert_false(waits(&gather, CLIENTS, 1001));
    }
    assert_int_equal(gather.pause, 0);
}

static void behind_a_fast_disk_nobody_is_awaited(void **state)
{
    (void)state;
    struct gather gather = {.filled = CLIENTS * ORDER};
    gather_note_begun(&gather, 500);
    gather_note_settled(&gather, CLIENTS * ORDER, 500 + GATHER_RETURN_US - 1);
    assert_false(waits(&gather, CLIENTS, 1000));
    assert_false(gather.awaits_return);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_grows_waits_for_a_tick_that_adds_nothing),
        cmocka_unit_test(an_empty_batch_waits_for_nothing),
        cmocka_unit_test(what_grows_and_grows_waits_for_a_while),
        cmocka_unit_test(a_large_batch_does_not_wait),
        cmocka_unit_test(the_few_who_are_answered_are_awaited_once),
        cmocka_unit_test(those_who_came_back_may_need_a_second_tick),
        cmocka_unit_test(many_do_not_wait_for_few_nor_the_disk_for_a_crowd),
        cmocka_unit_test(where_nobody_is_answered_nobody_is_awaited),
        cmocka_unit_test(behind_a_fast_disk_nobody_is_awaited),
        cmocka_unit_test(who_does_not_come_back_is_awaited_less_and_less),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
