/* SPDX-License-Identifier: Apache-2.0 */
/* What a case is called with, and what is made of its figures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/modules/figures.h"
#include "bench/modules/measure.h"

enum { OPERATIONS = 32, ROUNDS = 3, SPIN = 100000 };

struct calls {
    uint32_t opened, closed, rounds;
    uint32_t steps;    /* before() */
    uint32_t parts[2]; /* operations of each */
    bool in_turn;      /* every operation of the first part was followed by the second's */
};

/* Whoever opens a case finds what it is to write into where the test has put it. */
static struct calls calls;

static void *open_calls(const struct measure_case *own)
{
    assert_string_equal(own->name, "calls");
    calls.opened++;
    return &calls;
}

static void close_calls(void *context)
{
    ((struct calls *)context)->closed++;
}

static void begin_round(void *context, uint32_t count)
{
    assert_int_equal(count, OPERATIONS);
    ((struct calls *)context)->rounds++;
}

static void begin_step(void *context, uint32_t first, uint32_t count)
{
    assert_true(first + count <= OPERATIONS);
    ((struct calls *)context)->steps++;
}

static void do_first(void *context, uint32_t first, uint32_t count)
{
    struct calls *own = context;
    own->in_turn = own->in_turn && own->parts[0] == own->parts[1];
    assert_int_equal(own->parts[0] % OPERATIONS, first);
    own->parts[0] += count;
}

static void do_second(void *context, uint32_t first, uint32_t count)
{
    struct calls *own = context;
    assert_int_equal(own->parts[1] % OPERATIONS, first);
    own->parts[1] += count;
    for (uint32_t i = 0; i < SPIN * count; i++)
        measure_keep(i);
}

static struct measure_case a_case(uint32_t step)
{
    calls = (struct calls){.in_turn = true};
    return (struct measure_case){
        .name = "calls",
        .operation = "nothing",
        .count = OPERATIONS,
        .step = step,
        .open = open_calls,
        .close = close_calls,
        .round = begin_round,
        .before = begin_step,
        .parts = {{"first", do_first}, {"second", do_second}},
        .sum = "both",
        .sum_parts = 2,
    };
}

static void every_operation_is_made_once_a_round(void **state)
{
    (void)state;
    static const uint32_t steps[] = {0, 1, 2};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct measure_case own = a_case(steps[i]);
        struct measure_result result;
        assert_true(measure_time(&own, ROUNDS, &result));
        assert_int_equal(calls.opened, 1);
        assert_int_equal(calls.closed, 1);
        assert_int_equal(calls.rounds, ROUNDS + 1); /* the first one warms up */
        assert_int_equal(calls.parts[0], (ROUNDS + 1) * OPERATIONS);
        assert_int_equal(calls.parts[1], calls.parts[0]);
        assert_true(calls.in_turn);
        if (steps[i] > 0)
            assert_int_equal(calls.steps, calls.parts[0] / steps[i]);
    }
}

static void parts_are_measured_apart_and_together(void **state)
{
    (void)state;
    struct measure_case own = a_case(1);
    struct measure_result result;
    assert_true(measure_time(&own, ROUNDS, &result));
    assert_true(result.part[1].median > 100 * (result.part[0].median + 1));
    assert_true(result.part[1].least <= result.part[1].median);
    assert_true(result.part[1].median <= result.part[1].most);
    assert_true(result.sum.most >= result.part[1].least);
}

static void a_counted_round_makes_what_it_is_told(void **state)
{
    (void)state;
    struct measure_case own = a_case(1);
    own.round = NULL;
    assert_true(measure_is_counted(&own));
    assert_int_equal(measure_counted(&own), OPERATIONS);
    assert_true(measure_count(&own, OPERATIONS));
    assert_int_equal(calls.parts[1], 2 * OPERATIONS);
    own.is_cold = true;
    assert_false(measure_is_counted(&own));
}

static struct figures figures_of(double first, double second)
{
    struct figures figures = {.count = 3};
    figures.all[0] = (struct figure){.name = "a.first", .is_counted = true, .instructions = first};
    figures.all[1] =
        (struct figure){.name = "a.second", .is_counted = true, .instructions = second};
    figures.all[2] = (struct figure){
        .name = "a.both", .is_counted = true, .is_sum = true, .instructions = first + second};
    return figures;
}

static bool holds_beside(const char *text, double first, double second)
{
    char path[] = "/tmp/hotshelf-figures-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), strlen(text));
    close(file);
    struct figures figures = figures_of(first, second);
    bool holds = figures_hold(&figures, path);
    unlink(path);
    return holds;
}

static void figures_hold_up_to_five_percent_more(void **state)
{
    (void)state;
#ifdef __OPTIMIZE__
    static const char recorded[] = "# of what follows\na.first 100.0\na.second 1000.0\nb.third 5\n";
    assert_true(holds_beside(recorded, 100, 1000));
    assert_true(holds_beside(recorded, 104.9, 1049));
    assert_false(holds_beside(recorded, 106, 1000));
    assert_false(holds_beside(recorded, 100, 1051));
    assert_true(holds_beside(recorded, 10, 100)); /* told, and no failure */
    assert_false(holds_beside("a.first 100.0\n", 100, 1000));
    assert_false(holds_beside("a.first 100.0\na.second 1000.0\na.gone 5.0\n", 100, 1000));
    assert_false(holds_beside("", 100, 1000));
#else
    assert_false(holds_beside("a.first 100.0\na.second 1000.0\n", 100, 1000));
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_is_made_once_a_round),
        cmocka_unit_test(parts_are_measured_apart_and_together),
        cmocka_unit_test(a_counted_round_makes_what_it_is_told),
        cmocka_unit_test(figures_hold_up_to_five_percent_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
