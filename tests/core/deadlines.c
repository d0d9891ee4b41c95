/* SPDX-License-Identifier: Apache-2.0 */
/* Timers come due in order of deadline, first set first, whatever the jumps and the bursts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/deadlines.h"
#include "tests/lib/dice.h"
#include "tests/lib/memory.h"
#include "tests/lib/stops.h"

enum { COUNT = 512, BURST = 100000, DAY_MS = 86400000 };

struct fixture {
    struct arena arena;
    struct deadlines deadlines;
};

static int set_up_for(void **state, uint32_t count)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (f == NULL)
        return -1;
    memory_open(&f->arena, count * sizeof(struct deadline_node) + 8192);
    deadlines_init(&f->deadlines, &f->arena, count);
    *state = f;
    return 0;
}

static int set_up(void **state)
{
    return set_up_for(state, COUNT);
}

static int set_up_burst(void **state)
{
    return set_up_for(state, BURST);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    memory_close(&f->arena);
    free(f);
    return 0;
}

/* The first due timer, with work to spare; UINT32_MAX for none. */
static uint32_t due(struct fixture *f, uint64_t now_ms)
{
    uint32_t work = UINT32_MAX;
    uint32_t id;
    bool is_due = deadlines_peek(&f->deadlines, now_ms, &work, &id);
    deadlines_check(&f->deadlines);
    return is_due ? id : UINT32_MAX;
}

static uint32_t take_due(struct fixture *f, uint64_t now_ms)
{
    uint32_t id = due(f, now_ms);
    if (id != UINT32_MAX)
        deadlines_clear(&f->deadlines, id);
    return id;
}

static void a_timer_is_due_at_its_millisecond_and_not_before(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(due(f, DAY_MS), UINT32_MAX);
    assert_int_equal(deadlines_next(&f->deadlines), UINT64_MAX);
    deadlines_set(&f->deadlines, 3, 600000);
    assert_int_equal(deadlines_get(&f->deadlines, 3), 600000);
    assert_int_equal(due(f, 599999), UINT32_MAX);
    assert_int_equal(due(f, 600000), 3);
    assert_int_equal(due(f, 600000), 3); /* it stays until it is cleared */
    deadlines_clear(&f->deadlines, 3);
    assert_int_equal(deadlines_get(&f->deadlines, 3), UINT64_MAX);
    assert_int_equal(due(f, DAY_MS), UINT32_MAX);
}

static void every_deadline_around_the_edges_of_the_levels_is_exact(void **state)
{
    struct fixture *f = *state;
    for (uint32_t bits = 0; bits < DEADLINE_BITS; bits++) {
        for (uint32_t below = 0; below < 2; below++) {
            uint64_t deadline = (UINT64_C(1) << bits) - below;
            f->deadlines.time = 0;
            deadlines_set(&f->deadlines, 0, deadline);
            assert_true(deadlines_next(&f->deadlines) <= deadline);
            if (deadline > 0)
                assert_int_equal(due(f, deadline - 1), UINT32_MAX);
            assert_int_equal(take_due(f, deadline), 0);
        }
    }
    f->deadlines.time = 0;
    deadlines_set(&f->deadlines, 0, DEADLINE_END - 1);
    assert_int_equal(due(f, DEADLINE_END - 2), UINT32_MAX);
    assert_int_equal(due(f, DEADLINE_END - 1), 0);
    STOPS(deadlines_set(&f->deadlines, 0, DEADLINE_END));
    STOPS(deadlines_set(&f->deadlines, COUNT, 1));
}

static void within_a_millisecond_the_first_set_is_first(void **state)
{
    struct fixture *f = *state;
    deadlines_set(&f->deadlines, 7, 5000); /* far away: waits at a high level */
    deadlines_set(&f->deadlines, 8, 4990);
    assert_int_equal(take_due(f, 4995), 8);
    deadlines_set(&f->deadlines, 2, 5000); /* near: waits at level 0 */
    deadlines_set(&f->deadlines, 9, 5000);
    deadlines_set(&f->deadlines, 7, 5000); /* the same again keeps its place */
    assert_int_equal(take_due(f, 5000), 7);
    assert_int_equal(take_due(f, 5000), 2);
    assert_int_equal(take_due(f, 5000), 9);
}

static void a_timer_set_again_moves(void **state)
{
    struct fixture *f = *state;
    deadlines_set(&f->deadlines, 1, 100);
    deadlines_set(&f->deadlines, 2, 200);
    deadlines_set(&f->deadlines, 1, 300);
    assert_int_equal(take_due(f, 1000), 2);
    assert_int_equal(take_due(f, 1000), 1);
    deadlines_clear(&f->deadlines, 1);
    assert_int_equal(f->deadlines.used, 0);
}

static void a_deadline_in_the_past_is_due_at_once(void **state)
{
    struct fixture *f = *state;
    deadlines_set(&f->deadlines, 1, DAY_MS);
    assert_int_equal(take_due(f, DAY_MS), 1);
    deadlines_set(&f->deadlines, 2, 5);
    assert_int_equal(deadlines_get(&f->deadlines, 2), 5);
    assert_true(deadlines_next(&f->deadlines) <= DAY_MS);
    assert_int_equal(take_due(f, DAY_MS), 2);
}

static void a_jump_of_years_needs_no_work_on_the_way(void **state)
{
    struct fixture *f = *state;
    uint64_t years = UINT64_C(20) * 365 * DAY_MS;
    deadlines_set(&f->deadlines, 1, years);
    uint32_t work = DEADLINE_LEVELS;
    uint32_t id;
    assert_true(deadlines_peek(&f->deadlines, years, &work, &id));
    assert_int_equal(id, 1);
}

static void next_is_exact_within_the_same_64_ms_and_never_too_late(void **state)
{
    struct fixture *f = *state;
    deadlines_set(&f->deadlines, 1, 63);
    assert_int_equal(deadlines_next(&f->deadlines), 63);
    deadlines_set(&f->deadlines, 1, 100);
    assert_int_equal(deadlines_next(&f->deadlines), 64);
    assert_int_equal(due(f, 64), UINT32_MAX);
    assert_int_equal(deadlines_next(&f->deadlines), 100);
}

/* A loop that sleeps until next and peeks wakes at most once per level before a timer is due. */
static void sleeping_until_next_reaches_a_timer_in_a_few_wakes(void **state)
{
    struct fixture *f = *state;
    struct dice dice = dice_seeded("deadlines, sleeping");
    uint64_t now = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        uint64_t deadline = now + 1 + (dice_next(&dice) >> (24 + dice_below(&dice, 36)));
        deadlines_set(&f->deadlines, 1, deadline);
        uint32_t wakes = 0;
        do {
            now = deadlines_next(&f->deadlines);
            wakes++;
            assert_true(now <= deadline);
        } while (take_due(f, now) != 1);
        assert_int_equal(now, deadline);
        assert_in_range(wakes, 1, DEADLINE_LEVELS);
        if (now > DEADLINE_END / 2) {
            f->deadlines.time = 0;
            now = 0;
        }
    }
}

/* 100,000 timers of one millisecond, 100 steps a call: no call does more, and none is lost. */
static void a_burst_of_one_deadline_is_drained_a_bounded_number_at_a_time(void **state)
{
    struct fixture *f = *state;
    for (uint32_t id = 0; id < BURST; id++)
        deadlines_set(&f->deadlines, id, 600000);
    uint32_t calls = 0;
    uint32_t id = 0;
    for (;; calls++) {
        uint32_t work = 100;
        uint64_t time_before = f->deadlines.time;
        if (deadlines_peek(&f->deadlines, 600000, &work, &id))
            break;
        assert_int_equal(work, 0);
        assert_true(f->deadlines.time >= time_before);
        assert_true(deadlines_next(&f->deadlines) <= 600000);
    }
    assert_in_range(calls, BURST / 100, BURST / 100 * DEADLINE_LEVELS);
    deadlines_check(&f->deadlines);
    for (uint32_t wanted = 0; wanted < BURST; wanted++) {
        uint32_t work = 0; /* once drained, they come without any */
        assert_true(deadlines_peek(&f->deadlines, 600000, &work, &id));
        assert_int_equal(id, wanted);
        deadlines_clear(&f->deadlines, id);
    }
    assert_int_equal(due(f, DAY_MS), UINT32_MAX);
}

static void a_timer_set_while_its_slot_is_drained_overtakes_nobody(void **state)
{
    struct fixture *f = *state;
    for (uint32_t id = 0; id < 10; id++)
        deadlines_set(&f->deadlines, id, 5000);
    uint32_t work = 4;
    uint32_t id;
    assert_false(deadlines_peek(&f->deadlines, 5000, &work, &id));
    deadlines_set(&f->deadlines, 10, 5000);
    deadlines_set(&f->deadlines, 11, 4999);
    deadlines_check(&f->deadlines);
    assert_int_equal(take_due(f, 5000), 11);
    for (uint32_t wanted = 0; wanted <= 10; wanted++)
        assert_int_equal(take_due(f, 5000), wanted);
}

static void the_check_notices_a_timer_in_the_wrong_place(void **state)
{
    struct fixture *f = *state;
    deadlines_set(&f->deadlines, 1, 5000);
    f->deadlines.nodes[1].deadline = 7000000;
    STOPS(deadlines_check(&f->deadlines));
    f->deadlines.nodes[1].deadline = 5000;
    deadlines_check(&f->deadlines);
    f->deadlines.used = 2;
    STOPS(deadlines_check(&f->deadlines));
}

/* The model: for each timer when it is due and the number of the set that made it so. */
struct model_timer {
    bool is_set;
    uint64_t deadline, due;
    uint64_t order;
};

static uint32_t model_first(const struct model_timer *timers, uint64_t now_ms)
{
    uint32_t first = UINT32_MAX;
    for (uint32_t i = 0; i < COUNT; i++) {
        if (!timers[i].is_set || timers[i].due > now_ms)
            continue;
        if (first == UINT32_MAX || timers[i].due < timers[first].due ||
            (timers[i].due == timers[first].due && timers[i].order < timers[first].order))
            first = i;
    }
    return first;
}

static void model_set(struct model_timer *timer, uint64_t deadline, uint64_t time, uint64_t order)
{
    if (timer->is_set && timer->deadline == deadline)
        return;
    *timer = (struct model_timer){
        .is_set = true,
        .deadline = deadline,
        .due = deadline > time ? deadline : time, /* what is late is due at the wheel's time */
        .order = order,
    };
}

/* Peeks with little work until the wheel knows, and compares what it says with the model. */
static uint32_t agreed_first(
    struct fixture *f, struct dice *dice, const struct model_timer *model, uint64_t now_ms)
{
    uint32_t id = UINT32_MAX;
    bool is_due = false;
    for (uint32_t work = 0; work == 0 && !is_due;) {
        work = 1 + dice_below(dice, 20);
        is_due = deadlines_peek(&f->deadlines, now_ms, &work, &id);
    }
    uint32_t wanted = model_first(model, now_ms);
    assert_int_equal(is_due, wanted != UINT32_MAX);
    if (is_due)
        assert_int_equal(id, wanted);
    return is_due ? id : UINT32_MAX;
}

static uint64_t random_deadline(struct dice *dice, uint64_t now_ms)
{
    const uint64_t spans[] = {3, 64, 200, 5000, 300000, 5000000, 3 * (uint64_t)DAY_MS};
    uint64_t offset = dice_next(dice) % spans[dice_below(dice, 7)];
    if (dice_below(dice, 10) == 0)
        return now_ms > offset ? now_ms - offset : 0;
    return now_ms + offset;
}

static void random_timers_agree_with_a_plain_model(void **state)
{
    struct fixture *f = *state;
    struct dice dice = dice_seeded("deadlines");
    struct model_timer model[COUNT] = {0};
    const uint32_t steps[] = {1, 1, 10, 100, 70000, 20000000};
    uint64_t now = 0;
    for (uint64_t step = 0; step < 60000; step++) {
        uint32_t id = dice_below(&dice, COUNT);
        uint32_t action = dice_below(&dice, 8);
        if (action < 4) {
            uint64_t deadline = random_deadline(&dice, now);
            model_set(&model[id], deadline, f->deadlines.time, step);
            deadlines_set(&f->deadlines, id, deadline);
        } else if (action == 4) {
            model[id].is_set = false;
            deadlines_clear(&f->deadlines, id);
        } else if (action == 5) {
            now += dice_below(&dice, steps[dice_below(&dice, 6)]);
        } else if (action == 6) { /* a call that may stop in the middle of a drain */
            uint32_t work = dice_below(&dice, 4);
            uint32_t first;
            if (deadlines_peek(&f->deadlines, now, &work, &first))
                assert_int_equal(first, model_first(model, now));
        } else {
            uint32_t first = agreed_first(f, &dice, model, now);
            if (first != UINT32_MAX) {
                id = first;
                model[id].is_set = false;
                deadlines_clear(&f->deadlines, id);
            }
        }
        assert_int_equal(
            deadlines_get(&f->deadlines, id), model[id].is_set ? model[id].deadline : UINT64_MAX);
        uint32_t earliest = model_first(model, UINT64_MAX);
        if (earliest != UINT32_MAX)
            assert_true(deadlines_next(&f->deadlines) <= model[earliest].due);
        if (step % 64 == 0)
            deadlines_check(&f->deadlines);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_timer_is_due_at_its_millisecond_and_not_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            every_deadline_around_the_edges_of_the_levels_is_exact, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            within_a_millisecond_the_first_set_is_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_timer_set_again_moves, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_deadline_in_the_past_is_due_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_jump_of_years_needs_no_work_on_the_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            next_is_exact_within_the_same_64_ms_and_never_too_late, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            sleeping_until_next_reaches_a_timer_in_a_few_wakes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_burst_of_one_deadline_is_drained_a_bounded_number_at_a_time, set_up_burst, tear_down),
        cmocka_unit_test_setup_teardown(
            a_timer_set_while_its_slot_is_drained_overtakes_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            the_check_notices_a_timer_in_the_wrong_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(random_timers_agree_with_a_plain_model, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
