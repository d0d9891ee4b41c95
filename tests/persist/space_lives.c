/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lives for long in a journal that has run full: clocks that must not be lost are written all
 * the time, and yet there is a way out (S5).
 */
#include "tests/persist/full_till.h"

/* W4, S5: payments trickle in for longer than there was room for, and the shop can go on. */
static void a_long_freeze_can_be_lifted(void **state)
{
    struct till *till = *state;
    struct policy *policy = &till->shop.engines[0]->policy;
    policy->hold_seconds = policy->review_seconds = 1;
    fill_with_orders(till);
    pass(till, JOURNAL_PACE_MS);
    assert_int_equal(shop_switch(&till->shop, SWITCH_FREEZE, SCOPE_ALL, NULL), OUTCOME_OK);
    pass(till, JOURNAL_FREEZE_PACE_MS);
    for (uint32_t each = 0; each < FROZEN_LONG; each++) {
        pay_one(till, each);
        pass(till, JOURNAL_FREEZE_PACE_MS);
        assert_int_not_equal(till->shop.now.journal_full, JOURNAL_SPENT);
    }
    assert_int_equal(shop_switch(&till->shop, SWITCH_RESUME, SCOPE_ALL, NULL), OUTCOME_OK);
    while (engine_has_live_holds(till->shop.engines[0]))
        pass(till, JOURNAL_PACE_MS);
    assert_int_equal(shop_numbers(&till->shop, "A").sold, FROZEN_LONG);
}

/* S5: what is new lives longer than all that is there, which ends at its pace as long. */
static void a_new_life_takes_no_room_of_others(void **state)
{
    struct till *till = *state;
    fill_with_orders(till);
    for (uint32_t seconds = 0; seconds < 90; seconds++) {
        pass(till, 1000);
        (void)shop_cart(&till->shop, "late", "A", 1 + seconds);
        pass(till, 1);
        assert_int_not_equal(till->shop.now.journal_full, JOURNAL_SPENT);
    }
    while (engine_has_live_holds(till->shop.engines[0]))
        pass(till, 1);
    assert_int_equal(shop_cart(&till->shop, "late", "A", 1), OUTCOME_OK);
}

static void let_all_end(struct till *till)
{
    do
        step(till, 1000);
    while (engine_has_live_holds(till->shop.engines[0]));
}

/* S5: while PostgreSQL is away the last room goes for holds that end unused, each with a heartbeat
 * a second; when it has come back there is a way out. */
static void a_shop_that_was_full_sells_again(void **state)
{
    struct till *till = *state;
    struct journal_mark *mark = &till->ledger->shared.marks[0];
    atomic_store(&mark->streamed_seq, 0);
    atomic_store(&mark->known, true);
    enum outcome outcome = OUTCOME_OK;
    for (uint32_t rounds = 0; outcome != OUTCOME_JOURNAL_FULL; rounds++) {
        (void)fill(till);
        let_all_end(till);
        outcome = shop_cart(&till->shop, holder(rounds), "A", 1);
        pass(till, 1);
        assert_int_not_equal(till->shop.now.journal_full, JOURNAL_SPENT);
        pass(till, LIFE * 1000 - 1000);
    }
    let_all_end(till);
    atomic_store(&mark->streamed_seq, UINT64_MAX);
    uint32_t ticks = 0;
    for (; shop_cart(&till->shop, "zoe", "A", 1) != OUTCOME_OK; ticks++) {
        assert_true(ticks < 1000);
        step(till, 1000);
    }
}

static void buy_for_review(struct till *till, uint32_t number)
{
    struct command command = {.kind = COMMAND_CHECKOUT,
        .role = ROLE_SERVICE,
        .customer = bytes_of_string(holder(number)),
        .key = BYTES("k"),
        .risk_decision = RISK_REVIEW};
    assert_int_equal(shop_cart(&till->shop, holder(number), "A", 1), OUTCOME_OK);
    run(till, &command);
    memcpy(till->ids[number], shop_order_id(&till->shop), 16);
}

/* P11, S5: each order that is approved lives anew, for longer than anybody could set aside for. */
static void reviews_are_decided_one_after_another_in_a_full_journal(void **state)
{
    struct till *till = *state;
    for (uint32_t each = 0; each < BUYERS; each++)
        buy_for_review(till, each);
    till->shop.now.journal_full = JOURNAL_HAS_ROOM;
    for (uint32_t each = BUYERS; till->shop.now.journal_full == JOURNAL_HAS_ROOM; each++) {
        (void)shop_cart(&till->shop, holder(each), "A", 1);
        pass(till, 1);
    }
    pass(till, LIFE * 1000);
    for (uint32_t each = 0; each < BUYERS / 2; each++) {
        struct command command = {.kind = COMMAND_REVIEW,
            .role = ROLE_OPERATOR,
            .actor = BYTES("ann"),
            .review_decision = RISK_APPROVE};
        memcpy(command.order_id, till->ids[each], 16);
        run(till, &command);
        for (uint32_t seconds = 0; seconds <= LIFE; seconds++)
            pass(till, 1000);
    }
    /* What is left is less than what all of it wants; yet there is room for a walk. */
    assert_true(journal_bytes_left(&till->ledger->journals[0]) < till->walker.needs);
    for (uint32_t ticks = 0; till->shop.now.journal_full != JOURNAL_HAS_ROOM; ticks++) {
        assert_true(ticks < 1000);
        step(till, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIVES_TEST(a_shop_that_was_full_sells_again),
        LIVES_TEST(reviews_are_decided_one_after_another_in_a_full_journal),
        CROWD_TEST(a_new_life_takes_no_room_of_others),
        CROWD_TEST(a_long_freeze_can_be_lifted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
