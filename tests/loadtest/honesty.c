/* SPDX-License-Identifier: Apache-2.0 */
/* Whose fault it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "loadtest/honesty.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)

/* A second in which the loop worked so many milliseconds, in turns of one. */
static void work(struct honesty *honesty, uint64_t ms)
{
    for (uint64_t at = 0; at < ms; at++)
        honesty_turn(honesty, at * MS, (at + 1) * MS);
}

static struct honesty_verdict judge(struct honesty *honesty, bool is_open)
{
    honesty_end(honesty, SECOND, 0);
    return honesty_judge(honesty, 16, is_open, 4000);
}

static void a_generator_that_keeps_up_says_so(void **state)
{
    (void)state;
    struct honesty honesty;
    honesty_begin(&honesty, 0);
    work(&honesty, 300);
    for (uint64_t at = 0; at < 1000; at++)
        honesty_visit(&honesty, at * MS, 0, at * MS + MS / 10);
    struct honesty_verdict verdict = judge(&honesty, true);
    assert_false(verdict.limited);
    assert_true(verdict.busy_percent > 29.9 && verdict.busy_percent < 30.1);
    assert_in_range(verdict.late_p99_us, 100, 102);
    assert_true(verdict.waited_percent == 0);
    assert_non_null(strstr(verdict.says, "was not the limit"));
}

static void too_few_connections_are_told_as_that(void **state)
{
    (void)state;
    struct honesty honesty;
    honesty_begin(&honesty, 0);
    work(&honesty, 300);
    for (uint64_t at = 0; at < 1000; at++) {
        uint64_t free_ns = at % 20 == 0 ? at * MS + 50 * MS : 0;
        honesty_visit(&honesty, at * MS, free_ns, at * MS + (free_ns > 0 ? 50 * MS : 0));
    }
    struct honesty_verdict verdict = judge(&honesty, true);
    assert_true(verdict.limited);
    assert_int_equal(verdict.late_p99_us, 0); /* it waited for connections, it was not late */
    assert_true(verdict.waited_percent == 5);
    assert_non_null(strstr(verdict.says, "the generator was the limit: 5.0 % of visits"));
    assert_non_null(strstr(verdict.says, "16 connections"));
}

/* One visit in twenty waits; what those who have a connection do there is told. */
static struct honesty_verdict wait_for(
    uint32_t thinking, uint32_t turned_away, uint32_t asking, uint64_t service_us)
{
    struct honesty honesty;
    honesty_begin(&honesty, 0);
    work(&honesty, 300);
    honesty_answer(&honesty, REQUEST_CHECKOUT, 100, false);
    for (uint64_t at = 0; at < 1000; at++) {
        bool waits = at % 20 == 0;
        honesty_visit(&honesty, at * MS, waits ? at * MS + MS : 0, at * MS + (waits ? MS : 0));
        honesty_answer(&honesty, REQUEST_CHECKOUT, service_us, waits);
    }
    honesty_shortage(&honesty, thinking, turned_away, asking);
    return judge(&honesty, true);
}

static void connections_that_the_server_keeps_are_its_own_fault(void **state)
{
    (void)state;
    assert_true(wait_for(10, 0, 6, 2000).limited);  /* most of them think */
    assert_true(wait_for(0, 0, 16, 300).limited);   /* answered as fast as ever: too few */
    assert_false(wait_for(0, 0, 16, 2000).limited); /* twenty times as slow as the fastest */
    assert_false(wait_for(4, 12, 0, 100).limited);  /* told to come later */
    struct honesty_verdict verdict = wait_for(0, 4, 12, 2000);
    assert_non_null(strstr(verdict.says, "not the limit: 5.0 % of visits waited"));
    assert_non_null(strstr(verdict.says, "took 20 times as long as the fastest"));
    assert_non_null(strstr(verdict.says, "25 % were told to come later"));
}

/* For half a second: half of what was due meanwhile finds a connection, late, the rest waits. */
static void a_generator_that_stood_still_does_not_blame_others(void **state)
{
    (void)state;
    struct honesty honesty;
    honesty_begin(&honesty, 0);
    work(&honesty, 100);
    honesty_answer(&honesty, REQUEST_CHECKOUT, 100, false);
    for (uint64_t at = 0; at < 1000; at++) {
        uint64_t due_ns = at * MS, now_ns = at < 500 ? 500 * MS : due_ns;
        honesty_visit(&honesty, due_ns, at % 2 == 0 && at < 500 ? now_ns : 0, now_ns);
        honesty_answer(&honesty, REQUEST_CHECKOUT, 500000, at < 500);
    }
    honesty_shortage(&honesty, 0, 0, 16); /* as if the server had kept the connections */
    honesty_end(&honesty, SECOND, 0);
    struct honesty_verdict verdict = honesty_judge(&honesty, 16, true, 1000000);
    assert_true(verdict.limited);
    assert_non_null(strstr(verdict.says, "it stood still, what was due began up to 499.0 ms late"));
}

static void only_answers_of_a_kind_are_compared(void **state)
{
    (void)state;
    struct honesty honesty;
    honesty_begin(&honesty, 0);
    honesty_answer(&honesty, REQUEST_AVAILABILITY, 10, false);
    honesty_answer(&honesty, REQUEST_CHECKOUT, 500, false);
    honesty_visit(&honesty, 0, MS, MS);
    honesty_answer(&honesty, REQUEST_CHECKOUT, 1000, true);
    honesty_answer(&honesty, REQUEST_AVAILABILITY, 20, true);
    honesty_shortage(&honesty, 0, 0, 16);
    struct honesty_verdict verdict = judge(&honesty, true);
    assert_true(verdict.limited); /* twice as long, not a hundred times */
}

static void what_begins_late_is_told_as_that(void **state)
{
    (void)state;
    struct honesty honesty;
    honesty_begin(&honesty, 0);
    work(&honesty, 500);
    for (uint64_t at = 0; at < 1000; at++)
        honesty_request(&honesty, at * MS, at * MS + (at % 50 == 0 ? 9 * MS : 0));
    struct honesty_verdict verdict = judge(&honesty, true);
    assert_true(verdict.limited);
    assert_true(verdict.late_p99_us > 8900);
    assert_non_null(strstr(verdict.says, "began late,"));
}

static void lateness_is_judged_by_how_long_the_server_took(void **state)
{
    (void)state;
    struct honesty honesty;
    honesty_begin(&honesty, 0);
    for (uint64_t at = 0; at < 1000; at++)
        honesty_request(&honesty, at * MS, at * MS + 2 * MS);
    honesty_end(&honesty, SECOND, 0);
    assert_true(honesty_judge(&honesty, 16, true, 300).limited);
    assert_true(honesty_judge(&honesty, 16, true, 3900).limited);
    assert_false(honesty_judge(&honesty, 16, true, 4100).limited);
    assert_false(honesty_judge(&honesty, 16, true, 900000).limited);
}

static void beside_no_answer_nothing_is_late(void **state)
{
    (void)state;
    struct honesty honesty;
    honesty_begin(&honesty, 0);
    for (uint64_t at = 0; at < 1000; at++)
        honesty_visit(&honesty, at * MS, 0, at * MS + 5 * MS);
    honesty_end(&honesty, SECOND, 0);
    struct honesty_verdict verdict = honesty_judge(&honesty, 16, true, 0);
    assert_false(verdict.limited);
    assert_non_null(strstr(verdict.says, "was not the limit"));
}

static void a_loop_that_never_waits_is_the_limit(void **state)
{
    (void)state;
    for (int is_open = 0; is_open < 2; is_open++) {
        struct honesty honesty;
        honesty_begin(&honesty, 0);
        work(&honesty, 990);
        struct honesty_verdict verdict = judge(&honesty, is_open);
        assert_true(verdict.limited);
        assert_non_null(strstr(verdict.says, "99 %"));
    }
}

static void answers_without_a_buffer_are_told_as_that(void **state)
{
    (void)state;
    struct honesty honesty;
    honesty_begin(&honesty, 0);
    honesty_end(&honesty, SECOND, 7);
    struct honesty_verdict verdict = honesty_judge(&honesty, 16, true, 4000);
    assert_true(verdict.limited);
    assert_non_null(strstr(verdict.says, "7 large answers"));
}

static void a_closed_loop_is_called_one(void **state)
{
    (void)state;
    struct honesty honesty;
    honesty_begin(&honesty, 0);
    work(&honesty, 300);
    for (uint64_t at = 0; at < 1000; at++)
        honesty_visit(&honesty, 0, at * MS, at * MS);
    struct honesty_verdict verdict = judge(&honesty, false);
    assert_false(verdict.limited);
    assert_non_null(strstr(verdict.says, "a closed loop: 16 connections"));
}

static void how_busy_it_is_is_told_for_each_while(void **state)
{
    (void)state;
    struct honesty honesty;
    honesty_begin(&honesty, 0);
    honesty_turn(&honesty, 0, 40 * MS);
    assert_true(honesty_busy_percent(&honesty, 100 * MS) == 40);
    honesty_turn(&honesty, 100 * MS, 190 * MS);
    assert_true(honesty_busy_percent(&honesty, 200 * MS) == 90);
    /* Only its own processor's time, and there was hardly any. */
    assert_true(honesty_busy_percent(&honesty, 1000 * SECOND) < 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_generator_that_keeps_up_says_so),
        cmocka_unit_test(too_few_connections_are_told_as_that),
        cmocka_unit_test(connections_that_the_server_keeps_are_its_own_fault),
        cmocka_unit_test(a_generator_that_stood_still_does_not_blame_others),
        cmocka_unit_test(only_answers_of_a_kind_are_compared),
        cmocka_unit_test(what_begins_late_is_told_as_that),
        cmocka_unit_test(lateness_is_judged_by_how_long_the_server_took),
        cmocka_unit_test(beside_no_answer_nothing_is_late),
        cmocka_unit_test(a_loop_that_never_waits_is_the_limit),
        cmocka_unit_test(answers_without_a_buffer_are_told_as_that),
        cmocka_unit_test(a_closed_loop_is_called_one),
        cmocka_unit_test(how_busy_it_is_is_told_for_each_while),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
