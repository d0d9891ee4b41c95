/* SPDX-License-Identifier: Apache-2.0 */
/* The checker of histories accepts what can have happened, and nothing else (V3, A1, A4, L3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/dice.h"
#include "tests/races/linearize.h"

enum { LONG_STEPS = 2000, CLIENTS = 12, SMALL_STEPS_MAX = 6, SMALL_HISTORIES = 4000 };

/* Words for histories by hand; times are plain numbers. */

static struct step took(uint64_t from, uint64_t until, int64_t units)
{
    return step_move(from, until, move_take(units));
}

static struct step gave(uint64_t from, uint64_t until, int64_t units)
{
    return step_move(from, until, move_give(units));
}

static struct step sold(uint64_t from, uint64_t until, int64_t units)
{
    return step_move(from, until, move_sell(units));
}

static struct step heard_sold_out(uint64_t from, uint64_t until)
{
    struct step step = step_look(from, until);
    step.available = step.held = BOUNDS_EXACTLY(0);
    return step;
}

static struct step heard_held(uint64_t from, uint64_t until)
{
    struct step step = step_look(from, until);
    step.available = BOUNDS_EXACTLY(0);
    step.held = BOUNDS_SOME;
    return step;
}

static struct step saw_available(uint64_t from, uint64_t until, int64_t available)
{
    struct step step = step_look(from, until);
    step.available = BOUNDS_EXACTLY(available);
    return step;
}

static struct step following(struct step step, uint32_t after)
{
    step.after = after;
    return step;
}

static enum linear_answer judge(int64_t allotment, const struct step *steps, uint32_t count)
{
    struct history history;
    history_open(&history, allotment);
    for (uint32_t i = 0; i < count; i++)
        history_add(&history, steps[i]);
    struct linear_verdict verdict = linearize(&history);
    history_close(&history);
    return verdict.answer;
}

#define JUDGE(allotment, ...)                                                                      \
    judge((allotment), (const struct step[]){__VA_ARGS__},                                         \
        sizeof((const struct step[]){__VA_ARGS__}) / sizeof(struct step))

static void nothing_happened_is_a_history(void **state)
{
    (void)state;
    assert_int_equal(judge(5, NULL, 0), LINEAR_YES);
}

static void a_unit_sold_twice_is_rejected(void **state)
{
    (void)state; /* V3 */
    assert_int_equal(JUDGE(1, took(1, 4, 1), took(2, 3, 1)), LINEAR_NO);
    assert_int_equal(JUDGE(2, took(1, 4, 1), took(2, 3, 1)), LINEAR_YES);
    assert_int_equal(JUDGE(1, took(1, 2, 1), sold(3, 4, 1), took(5, 6, 1)), LINEAR_NO);
    assert_int_equal(JUDGE(1, took(1, 2, 1), gave(3, 4, 1), took(5, 6, 1)), LINEAR_YES);
    assert_int_equal(JUDGE(1, took(1, 2, 1), gave(3, 6, 1), took(4, 5, 1)), LINEAR_YES);
}

static void sold_out_while_a_unit_was_free_is_rejected(void **state)
{
    (void)state; /* A4 */
    assert_int_equal(JUDGE(1, heard_sold_out(1, 2)), LINEAR_NO);
    assert_int_equal(JUDGE(1, took(1, 2, 1), gave(3, 4, 1), heard_sold_out(5, 6)), LINEAR_NO);
    assert_int_equal(JUDGE(0, heard_sold_out(1, 2)), LINEAR_YES);
}

static void sold_out_while_a_unit_was_only_held_is_rejected(void **state)
{
    (void)state; /* A4, K3 */
    assert_int_equal(JUDGE(1, took(1, 2, 1), heard_sold_out(3, 4)), LINEAR_NO);
    assert_int_equal(JUDGE(1, took(1, 2, 1), heard_held(3, 4)), LINEAR_YES);
    assert_int_equal(JUDGE(1, took(1, 2, 1), sold(3, 4, 1), heard_sold_out(5, 6)), LINEAR_YES);
    assert_int_equal(JUDGE(1, took(1, 2, 1), sold(3, 4, 1), heard_held(5, 6)), LINEAR_NO);
    assert_int_equal(JUDGE(1, took(1, 2, 1), sold(3, 6, 1), heard_sold_out(4, 5)), LINEAR_YES);
}

static void a_look_into_the_past_is_rejected(void **state)
{
    (void)state; /* A1 */
    assert_int_equal(JUDGE(1, took(1, 2, 1), saw_available(3, 4, 1)), LINEAR_NO);
    assert_int_equal(JUDGE(1, took(1, 4, 1), saw_available(2, 3, 1)), LINEAR_YES);
    assert_int_equal(JUDGE(1, took(1, 4, 1), saw_available(2, 3, 0)), LINEAR_YES);
    /* New, then old: each alone could be, both together cannot. */
    assert_int_equal(
        JUDGE(1, took(1, 9, 1), saw_available(2, 3, 0), saw_available(4, 5, 1)), LINEAR_NO);
    assert_int_equal(
        JUDGE(1, took(1, 9, 1), saw_available(2, 3, 1), saw_available(4, 5, 0)), LINEAR_YES);
}

static void a_freed_unit_is_held_until_its_record_is_durable_and_no_longer(void **state)
{
    (void)state; /* L3 */
    assert_int_equal(JUDGE(1, took(1, 2, 1), gave(3, 6, 1), heard_held(4, 5)), LINEAR_YES);
    assert_int_equal(JUDGE(1, took(1, 2, 1), gave(3, 4, 1), heard_held(5, 6)), LINEAR_NO);
    assert_int_equal(JUDGE(1, took(1, 2, 1), gave(3, 6, 1), heard_sold_out(4, 5)), LINEAR_NO);
}

static void a_sale_at_once_is_seen_as_held_and_then_as_sold(void **state)
{
    (void)state; /* K3 */
    struct step take = took(1, 9, 1), sell = following(sold(1, 9, 1), 0);
    assert_int_equal(JUDGE(1, take, sell, heard_held(2, 3), heard_sold_out(4, 5)), LINEAR_YES);
    assert_int_equal(JUDGE(1, take, sell, heard_sold_out(2, 3), heard_held(4, 5)), LINEAR_NO);
    assert_int_equal(JUDGE(1, take, sell, heard_held(10, 11)), LINEAR_NO);
}

static void a_lowering_is_held_and_then_gone(void **state)
{
    (void)state; /* T2 */
    struct step take = took(1, 9, 2);
    struct step gone = following(step_move(1, 9, move_lowered(2)), 0);
    assert_int_equal(JUDGE(2, take, gone, heard_held(2, 3), heard_sold_out(4, 5)), LINEAR_YES);
    assert_int_equal(JUDGE(2, take, gone, took(10, 11, 1)), LINEAR_NO);
    struct step told = gone;
    told.allotment = BOUNDS_EXACTLY(3);
    assert_int_equal(JUDGE(2, take, told), LINEAR_NO);
}

static void a_basket_that_failed_may_have_been_in_the_way(void **state)
{
    (void)state; /* K1, K3 */
    struct step claim = took(1, 9, 1), back = following(gave(1, 9, 1), 0);
    claim.optional = true;
    assert_int_equal(JUDGE(1, claim, back, heard_held(2, 3), took(4, 5, 1)), LINEAR_YES);
    assert_int_equal(JUDGE(1, claim, back, took(2, 3, 1)), LINEAR_YES);
    assert_int_equal(JUDGE(1, claim, back, heard_sold_out(2, 3)), LINEAR_NO);
    assert_int_equal(JUDGE(1, claim, back, heard_held(10, 11)), LINEAR_NO);
    assert_int_equal(JUDGE(0, claim, back, heard_sold_out(2, 3)), LINEAR_YES);
    claim.optional = false;
    assert_int_equal(JUDGE(0, claim, back), LINEAR_NO);
}

static void a_wrong_count_is_rejected(void **state)
{
    (void)state;
    struct step look = saw_available(3, 4, 5);
    assert_int_equal(JUDGE(7, took(1, 2, 2), look), LINEAR_YES);
    look.held = BOUNDS_EXACTLY(1);
    assert_int_equal(JUDGE(7, took(1, 2, 2), look), LINEAR_NO);
    look.held = BOUNDS_EXACTLY(2);
    look.allotment = BOUNDS_EXACTLY(8);
    assert_int_equal(JUDGE(7, took(1, 2, 2), look), LINEAR_NO);
}

static void the_verdict_names_the_step_that_does_not_fit(void **state)
{
    (void)state;
    struct history history;
    history_open(&history, 1);
    history_add(&history, took(1, 2, 1));
    history_add(&history, heard_held(3, 4));
    history_add(&history, took(5, 6, 1));
    struct linear_verdict verdict = linearize(&history);
    history_close(&history);
    assert_int_equal(verdict.answer, LINEAR_NO);
    assert_int_equal(verdict.chosen_most, 2);
    assert_int_equal(verdict.stuck, 2);
    assert_int_equal(verdict.state.held, 1);
}

/* Every order, one after another, without a thought: what linearize() must agree with. */

struct plain {
    const struct history *history;
    uint32_t order[SMALL_STEPS_MAX];
    bool skipped[SMALL_STEPS_MAX];
};

static bool plain_order_is_true(const struct plain *plain)
{
    const struct history *history = plain->history;
    struct stock_state now = history->start;
    for (uint32_t i = 0; i < history->count; i++) {
        const struct step *step = &history->steps[plain->order[i]];
        for (uint32_t j = i + 1; j < history->count; j++) {
            if (history->steps[plain->order[j]].until_ns < step->from_ns)
                return false;
            if (step->after == plain->order[j])
                return false;
        }
        if (plain->skipped[plain->order[i]])
            continue;
        if (now.available < step->available.least || now.available > step->available.most ||
            now.held < step->held.least || now.held > step->held.most ||
            now.allotment < step->allotment.least || now.allotment > step->allotment.most)
            return false;
        now.available += step->change.available;
        now.held += step->change.held;
        now.allotment += step->change.allotment;
        if (now.available < 0 || now.held < 0 || now.available + now.held > now.allotment)
            return false;
    }
    return true;
}

/* The next order in the way of a dictionary; false after the last. */
static bool plain_next_order(struct plain *plain)
{
    uint32_t count = plain->history->count, *order = plain->order;
    uint32_t at = count;
    while (at >= 2 && order[at - 2] > order[at - 1])
        at--;
    if (at < 2)
        return false;
    uint32_t pivot = at - 2, swap = count - 1;
    while (order[swap] < order[pivot])
        swap--;
    uint32_t kept = order[pivot];
    order[pivot] = order[swap];
    order[swap] = kept;
    for (uint32_t low = pivot + 1, high = count - 1; low < high; low++, high--) {
        kept = order[low];
        order[low] = order[high];
        order[high] = kept;
    }
    return true;
}

static bool plain_is_linear(const struct history *history)
{
    for (uint32_t ways = 0; ways < 1u << history->count; ways++) {
        struct plain plain = {.history = history};
        bool allowed = true;
        for (uint32_t i = 0; i < history->count; i++) {
            const struct step *step = &history->steps[i];
            plain.order[i] = i;
            plain.skipped[i] = ways & 1u << i;
            bool may = step->after == STEP_NONE ? step->optional : plain.skipped[step->after];
            bool must = step->after != STEP_NONE && plain.skipped[step->after];
            allowed = allowed && (plain.skipped[i] ? may : !must);
        }
        do {
            if (allowed && plain_order_is_true(&plain))
                return true;
        } while (allowed && plain_next_order(&plain));
    }
    return false;
}

static struct step random_step(struct dice *dice, uint32_t number)
{
    uint64_t from = dice_below(dice, 8);
    uint64_t until = from + 1 + dice_below(dice, 6);
    int64_t units = 1 + dice_below(dice, 2);
    struct step step = took(from, until, units);
    switch (dice_below(dice, 9)) {
    case 0:
        step = gave(from, until, units);
        break;
    case 1:
        step = sold(from, until, units);
        break;
    case 2:
        step = heard_sold_out(from, until);
        break;
    case 3:
        step = heard_held(from, until);
        break;
    case 4:
        step = saw_available(from, until, units);
        break;
    case 5:
        step = step_move(from, until, move_raise(units));
        break;
    case 6:
        step.optional = true;
        break;
    default:
        break;
    }
    if (number > 0 && dice_below(dice, 4) == 0)
        step.after = dice_below(dice, number);
    return step;
}

static void it_agrees_with_every_order_tried_one_by_one(void **state)
{
    (void)state;
    struct dice dice = dice_seeded("linearize");
    uint32_t accepted = 0;
    for (uint32_t i = 0; i < SMALL_HISTORIES; i++) {
        struct history history;
        history_open(&history, dice_below(&dice, 4));
        uint32_t count = 2 + dice_below(&dice, SMALL_STEPS_MAX - 1);
        for (uint32_t number = 0; number < count; number++)
            history_add(&history, random_step(&dice, number));
        bool expected = plain_is_linear(&history);
        assert_int_equal(linearize(&history).answer, expected ? LINEAR_YES : LINEAR_NO);
        accepted += expected;
        history_close(&history);
    }
    assert_in_range(accepted, SMALL_HISTORIES / 10, SMALL_HISTORIES - SMALL_HISTORIES / 10);
}

/* A long history that is true by the way it is made: each step happens at a moment in its time. */
static void make_long_history(struct history *history, struct dice *dice)
{
    uint64_t free_at[CLIENTS] = {0};
    struct stock_state now = history->start;
    int64_t held[CLIENTS] = {0};
    uint64_t last = 0;
    for (uint64_t moment = 1000; history->count < LONG_STEPS; moment += 10) {
        uint32_t client = dice_below(dice, CLIENTS);
        if (free_at[client] >= moment)
            continue;
        uint64_t from = moment - dice_below(dice, 200);
        from = from > free_at[client] ? from : free_at[client] + 1;
        uint64_t until = moment + 1 + dice_below(dice, 200);
        int64_t units = 1 + dice_below(dice, 3);
        struct step step = saw_available(from, until, now.available);
        if (dice_below(dice, 5) == 0) {
            /* a look, whatever there is */
        } else if (held[client] > 0) {
            step = dice_below(dice, 8) == 0 ? sold(from, until, held[client])
                                            : gave(from, until, held[client]);
            held[client] = 0;
        } else if (now.available >= units) {
            step = took(from, until, units);
            held[client] = units;
        } else if (now.available == 0) {
            step = now.held > 0 ? heard_held(from, until) : heard_sold_out(from, until);
            if (dice_below(dice, 4) == 0)
                step = step_move(from, until, move_raise(units));
        }
        now.available += step.change.available;
        now.held += step.change.held;
        now.allotment += step.change.allotment;
        history_add(history, step);
        free_at[client] = until;
        last = until > last ? until : last;
    }
    /* Otherwise a unit too many could hide for ever: behind one that is under way, then another. */
    history_add(history, saw_available(last + 1, last + 2, now.available));
}

static void long_histories_of_many_clients_are_accepted(void **state)
{
    (void)state;
    struct dice dice = dice_seeded("linearize, long");
    for (uint32_t i = 0; i < 20; i++) {
        struct history history;
        history_open(&history, 15);
        make_long_history(&history, &dice);
        assert_int_equal(linearize(&history).answer, LINEAR_YES);
        history_close(&history);
    }
}

/* Units that were sold and go on sale again show in what is heard after it (V3). */
static void one_false_answer_in_a_long_history_is_found(void **state)
{
    (void)state;
    struct dice dice = dice_seeded("linearize, falsified");
    for (uint32_t i = 0; i < 20; i++) {
        struct history history;
        history_open(&history, 15);
        make_long_history(&history, &dice);
        uint32_t at = LONG_STEPS / 4 + dice_below(&dice, LONG_STEPS / 2);
        while (history.steps[at].change.held >= 0 || history.steps[at].change.available != 0) {
            at++;
            assert_true(at < LONG_STEPS);
        }
        history.steps[at].change.available = -history.steps[at].change.held;
        assert_int_equal(linearize(&history).answer, LINEAR_NO);
        history_close(&history);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_happened_is_a_history),
        cmocka_unit_test(a_unit_sold_twice_is_rejected),
        cmocka_unit_test(sold_out_while_a_unit_was_free_is_rejected),
        cmocka_unit_test(sold_out_while_a_unit_was_only_held_is_rejected),
        cmocka_unit_test(a_look_into_the_past_is_rejected),
        cmocka_unit_test(a_freed_unit_is_held_until_its_record_is_durable_and_no_longer),
        cmocka_unit_test(a_sale_at_once_is_seen_as_held_and_then_as_sold),
        cmocka_unit_test(a_lowering_is_held_and_then_gone),
        cmocka_unit_test(a_basket_that_failed_may_have_been_in_the_way),
        cmocka_unit_test(a_wrong_count_is_rejected),
        cmocka_unit_test(the_verdict_names_the_step_that_does_not_fit),
        cmocka_unit_test(it_agrees_with_every_order_tried_one_by_one),
        cmocka_unit_test(long_histories_of_many_clients_are_accepted),
        cmocka_unit_test(one_false_answer_in_a_long_history_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
