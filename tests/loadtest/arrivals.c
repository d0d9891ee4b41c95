/* SPDX-License-Identifier: Apache-2.0 */
/* When visits come: counts, rates and spread, exact for the seed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <string.h>

#include "loadtest/arrivals.h"

#define SECOND UINT64_C(1000000000)

static struct arrivals make(struct arrivals_plan plan)
{
    struct arrivals arrivals;
    assert_int_equal(arrivals_make(&arrivals, &plan), 0);
    for (uint32_t at = 1; at < arrivals.count; at++)
        assert_true(arrivals.due_ns[at] >= arrivals.due_ns[at - 1]);
    return arrivals;
}

static uint32_t count_before(const struct arrivals *arrivals, double seconds)
{
    uint32_t count = 0;
    while (count < arrivals->count && (double)arrivals->due_ns[count] < seconds * 1e9)
        count++;
    return count;
}

static void a_constant_rate_is_a_visit_every_so_often(void **state)
{
    (void)state;
    struct arrivals arrivals =
        make((struct arrivals_plan){.kind = ARRIVALS_CONSTANT, .rate = 250, .seconds = 4});
    assert_int_equal(arrivals.count, 1000);
    for (uint32_t at = 0; at < arrivals.count; at++)
        assert_true(llabs((long long)arrivals.due_ns[at] - 4000000LL * at) <= 1);
    arrivals_free(&arrivals);
}

static void visits_bound_what_seconds_would_bring(void **state)
{
    (void)state;
    struct arrivals arrivals = make(
        (struct arrivals_plan){.kind = ARRIVALS_CONSTANT, .rate = 100, .seconds = 10, .visits = 7});
    assert_int_equal(arrivals.count, 7);
    arrivals_free(&arrivals);
    arrivals = make((struct arrivals_plan){.kind = ARRIVALS_CONSTANT, .rate = 100, .visits = 500});
    assert_int_equal(arrivals.count, 500);
    assert_true(arrivals.due_ns[499] / 1000000 == 4989 || arrivals.due_ns[499] / 1000000 == 4990);
    arrivals_free(&arrivals);
}

static void a_ramp_brings_the_area_under_its_line(void **state)
{
    (void)state;
    struct arrivals arrivals = make(
        (struct arrivals_plan){.kind = ARRIVALS_RAMP, .rate = 100, .rate_end = 300, .seconds = 10});
    assert_int_equal(arrivals.count, 2000);
    for (int second = 1; second <= 10; second++) {
        double area = 100.0 * second + 20.0 * second * second / 2;
        assert_true(fabs(count_before(&arrivals, second) - area) <= 1);
    }
    arrivals_free(&arrivals);
}

static void a_ramp_may_start_at_nothing_and_may_fall(void **state)
{
    (void)state;
    struct arrivals rising =
        make((struct arrivals_plan){.kind = ARRIVALS_RAMP, .rate_end = 200, .seconds = 10});
    struct arrivals falling =
        make((struct arrivals_plan){.kind = ARRIVALS_RAMP, .rate = 200, .seconds = 10});
    assert_int_equal(rising.count, 1000);
    assert_int_equal(falling.count, 1000);
    assert_true(abs((int)count_before(&rising, 5) - 250) <= 1);
    assert_true(abs((int)count_before(&falling, 5) - 750) <= 1);
    assert_true(falling.due_ns[999] <= 10 * SECOND);
    arrivals_free(&rising);
    arrivals_free(&falling);
}

/* Mean and variance of the gaps, and of the number of visits in each tenth of a second. */
static void poisson_is_random_and_has_its_mean_and_its_variance(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct arrivals arrivals = make((struct arrivals_plan){
            .kind = ARRIVALS_POISSON, .rate = 1000, .seconds = 100, .seed = seed});
        /* 100,000 expected, give or take four times the root of it. */
        assert_in_range(arrivals.count, 100000 - 1265, 100000 + 1265);
        double square = 0;
        uint32_t in_tenth[1000] = {0};
        for (uint32_t at = 0; at < arrivals.count; at++) {
            uint64_t before = at == 0 ? 0 : arrivals.due_ns[at - 1];
            double gap = (double)(arrivals.due_ns[at] - before) / 1e9;
            square += gap * gap;
            in_tenth[arrivals.due_ns[at] / (SECOND / 10)]++;
        }
        /* Of an exponential gap the mean of the square is twice the square of the mean. */
        double mean_square = square / arrivals.count * 1000 * 1000;
        assert_true(mean_square > 1.94 && mean_square < 2.06);
        double variance = 0;
        for (int tenth = 0; tenth < 1000; tenth++)
            variance += (in_tenth[tenth] - 100.0) * (in_tenth[tenth] - 100.0) / 1000;
        /* As large as the mean of 100, give or take four times its own deviation. */
        assert_true(variance > 82 && variance < 118);
        arrivals_free(&arrivals);
    }
}

static void a_drop_comes_at_first_and_thins_out(void **state)
{
    (void)state;
    struct arrivals arrivals = make((struct arrivals_plan){.kind = ARRIVALS_DROP,
        .visits = 50000,
        .seconds = 20,
        .first_percent = 80,
        .first_seconds = 3,
        .seed = 1});
    assert_int_equal(arrivals.count, 50000);
    assert_true(arrivals.due_ns[49999] < 20 * SECOND);
    /* Four times the deviation of a share of 80 % among 50,000. */
    assert_in_range(count_before(&arrivals, 3), 40000 - 358, 40000 + 358);
    uint32_t before = 50000;
    for (int second = 0; second < 10; second++) {
        uint32_t here = count_before(&arrivals, second + 1) - count_before(&arrivals, second);
        assert_true(here < before);
        before = here;
    }
    arrivals_free(&arrivals);
}

static void a_drop_takes_its_visits_from_its_rate(void **state)
{
    (void)state;
    struct arrivals arrivals = make((struct arrivals_plan){.kind = ARRIVALS_DROP,
        .rate = 100,
        .seconds = 10,
        .first_percent = 99,
        .first_seconds = 0.5});
    assert_int_equal(arrivals.count, 1000);
    arrivals_free(&arrivals);
}

static void the_seed_decides(void **state)
{
    (void)state;
    const enum arrivals_kind kinds[] = {ARRIVALS_POISSON, ARRIVALS_DROP};
    for (int at = 0; at < 2; at++) {
        struct arrivals_plan plan = {.kind = kinds[at],
            .rate = 500,
            .seconds = 4,
            .first_percent = 80,
            .first_seconds = 1,
            .visits = 1000,
            .seed = 7};
        struct arrivals first = make(plan);
        struct arrivals again = make(plan);
        plan.seed = 8;
        struct arrivals other = make(plan);
        assert_int_equal(first.count, again.count);
        assert_memory_equal(first.due_ns, again.due_ns, first.count * sizeof(uint64_t));
        assert_memory_not_equal(first.due_ns, other.due_ns, 100 * sizeof(uint64_t));
        arrivals_free(&first);
        arrivals_free(&again);
        arrivals_free(&other);
    }
}

static void all_at_once_are_due_at_the_start(void **state)
{
    (void)state;
    struct arrivals arrivals =
        make((struct arrivals_plan){.kind = ARRIVALS_AT_ONCE, .visits = 100, .rate = 5});
    assert_int_equal(arrivals.count, 100);
    assert_int_equal(arrivals.due_ns[99], 0);
    arrivals_free(&arrivals);
}

static void a_plan_without_an_end_is_refused(void **state)
{
    (void)state;
    const struct arrivals_plan plans[] = {
        {.kind = ARRIVALS_AT_ONCE},
        {.kind = ARRIVALS_CONSTANT, .seconds = 5},
        {.kind = ARRIVALS_CONSTANT, .rate = 5},
        {.kind = ARRIVALS_CONSTANT, .rate = 0.1, .seconds = 5},
        {.kind = ARRIVALS_POISSON, .visits = 5},
        {.kind = ARRIVALS_POISSON, .rate = 1e7, .seconds = 1e6},
        {.kind = ARRIVALS_RAMP, .rate = 1, .rate_end = 2, .visits = 10},
        {.kind = ARRIVALS_RAMP, .seconds = 10},
        {.kind = ARRIVALS_DROP, .visits = 10, .first_percent = 80, .first_seconds = 1},
        {.kind = ARRIVALS_DROP, .seconds = 10, .first_percent = 80, .first_seconds = 1},
        {.kind = ARRIVALS_DROP,
            .visits = 10,
            .seconds = 10,
            .first_percent = 80,
            .first_seconds = 8},
    };
    for (size_t at = 0; at < sizeof plans / sizeof plans[0]; at++) {
        struct arrivals arrivals;
        assert_non_null(arrivals_reason(&plans[at]));
        assert_int_equal(arrivals_make(&arrivals, &plans[at]), -EINVAL);
        assert_null(arrivals.due_ns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_constant_rate_is_a_visit_every_so_often),
        cmocka_unit_test(visits_bound_what_seconds_would_bring),
        cmocka_unit_test(a_ramp_brings_the_area_under_its_line),
        cmocka_unit_test(a_ramp_may_start_at_nothing_and_may_fall),
        cmocka_unit_test(poisson_is_random_and_has_its_mean_and_its_variance),
        cmocka_unit_test(a_drop_comes_at_first_and_thins_out),
        cmocka_unit_test(a_drop_takes_its_visits_from_its_rate),
        cmocka_unit_test(the_seed_decides),
        cmocka_unit_test(all_at_once_are_due_at_the_start),
        cmocka_unit_test(a_plan_without_an_end_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
