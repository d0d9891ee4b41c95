/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A journal that has run full, of a shop whose holds and orders end one at a time, each alone in
 * its batch: all of them find room, and what is left is a walk's (S5).
 */
#include "tests/persist/full_till.h"

/* The longest way: into review, approved, paid. */
static void buy(struct till *till, const char *who)
{
    struct command command = {.kind = COMMAND_CHECKOUT,
        .role = ROLE_SERVICE,
        .customer = bytes_of_string(who),
        .key = BYTES("k"),
        .risk_decision = RISK_REVIEW};
    run(till, &command);
    command = (struct command){.kind = COMMAND_REVIEW,
        .role = ROLE_OPERATOR,
        .actor = BYTES("ann"),
        .review_decision = RISK_APPROVE};
    memcpy(command.order_id, shop_order_id(&till->shop), 16);
    run(till, &command);
    assert_int_equal(
        shop_pay(&till->shop, command.order_id, RESULT_CAPTURED, who, 100), OUTCOME_OK);
    pass(till, JOURNAL_GATHER_MS);
}

/* S5 */
static void what_was_promised_is_bought_one_at_a_time(void **state)
{
    struct till *till = *state;
    uint32_t count = fill(till);
    for (uint32_t each = 0; each < count; each++)
        buy(till, holder(each));
    assert_int_equal(shop_numbers(&till->shop, "A").sold, count);
    assert_true(
        journal_bytes_left(&till->ledger->journals[0]) >= engine_walk_bytes(till->shop.engines[0]));
}

/* S5, L3 */
static void what_was_promised_ends_one_at_a_time(void **state)
{
    struct till *till = *state;
    uint32_t count = fill(till);
    for (uint32_t each = 0; each < count / 2; each++) {
        assert_int_equal(shop_cart(&till->shop, holder(each), "A", 0), OUTCOME_OK);
        pass(till, JOURNAL_GATHER_MS);
    }
    /* The rest expires, with a batch a second until then. */
    while (engine_has_live_holds(till->shop.engines[0]))
        pass(till, JOURNAL_GATHER_MS);
    assert_int_equal(shop_numbers(&till->shop, "A").held, 0);
}

/* W3: switches find room, and do not take that of the holds. */
static void switches_have_room_of_their_own(void **state)
{
    struct till *till = *state;
    uint32_t switches = 0, count = fill(till);
    enum outcome outcome;
    assert_int_equal(shop_switch(&till->shop, SWITCH_PAUSE, SCOPE_SKU, "A"), OUTCOME_OK);
    do {
        enum switch_action action = switches % 2 == 0 ? SWITCH_PAUSE : SWITCH_RESUME;
        outcome = shop_switch(&till->shop, action, SCOPE_ALL, NULL);
        pass(till, JOURNAL_GATHER_MS);
        switches++;
    } while (outcome == OUTCOME_OK);
    assert_int_equal(outcome, OUTCOME_JOURNAL_FULL);
    assert_true(switches > 64);
    /* What was stopped can go on even then. */
    assert_int_equal(shop_switch(&till->shop, SWITCH_RESUME, SCOPE_SKU, "A"), OUTCOME_OK);
    for (uint32_t each = 0; each < count; each++) {
        if (each < BUYERS)
            buy(till, holder(each));
        else
            assert_int_equal(shop_cart(&till->shop, holder(each), "A", 0), OUTCOME_OK);
        pass(till, JOURNAL_GATHER_MS);
    }
    assert_int_equal(shop_numbers(&till->shop, "A").held, 0);
}

/* S5, L3: more orders than a journal has blocks for are paid one by one, and others come for what
 * that leaves; at their deadline the rest ends in a burst. */
static void a_crowd_of_orders_is_ended_in_its_time(void **state)
{
    struct till *till = *state;
    struct engine *engine = till->shop.engines[0];
    struct journal *journal = &till->ledger->journals[0];
    fill_with_orders(till);
    assert_true(till->placed > CROWD);
    uint64_t from_ms = till->shop.now.shelf_ms;
    uint32_t batches = till->batches;
    for (uint32_t paid = 0; paid < PAID; paid++) {
        assert_true(journal->aside.paces);
        pay_one(till, paid);
        pass(till, JOURNAL_PACE_MS / 4);
        fill_with_orders(till);
    }
    uint64_t times = (till->shop.now.shelf_ms - from_ms) / JOURNAL_PACE_MS;
    assert_in_range(till->batches - batches, times / 2, times + times / 8);
    while (engine_has_live_holds(engine))
        pass(till, 1);
    assert_int_equal(shop_numbers(&till->shop, "A").sold, PAID);
    assert_int_equal(shop_numbers(&till->shop, "A").held, 0);
    assert_true(journal_bytes_left(journal) >= engine_walk_bytes(engine));
}

/* W4, S5: time stands still; what is promised in time is then paced by another clock. */
static void a_freeze_does_not_spend_what_was_promised(void **state)
{
    struct till *till = *state;
    struct journal *journal = &till->ledger->journals[0];
    fill_with_orders(till);
    pass(till, JOURNAL_PACE_MS);
    assert_int_equal(shop_switch(&till->shop, SWITCH_FREEZE, SCOPE_ALL, NULL), OUTCOME_OK);
    pass(till, JOURNAL_FREEZE_PACE_MS);
    uint32_t batches = till->batches;
    for (uint32_t each = 0; each < FROZEN; each++) {
        pay_one(till, each);
        pass(till, JOURNAL_FREEZE_PACE_MS / 10);
    }
    assert_in_range(till->batches - batches, 1, FROZEN / 10);
    assert_int_equal(journal_state(journal), JOURNAL_FULL);
    assert_int_equal(shop_switch(&till->shop, SWITCH_RESUME, SCOPE_ALL, NULL), OUTCOME_OK);
}

/* S5: a PostgreSQL is added that lacks all these orders, and there is no room to say them with
 * names. The walk waits, which lets orders be forgotten; with fewer that no event makes rows it
 * begins, although the journal is full, and what was promised has its room beside it. */
static void a_walk_with_names_waits_for_room_but_not_for_ever(void **state)
{
    struct till *till = *state;
    const struct engine *engine = till->shop.engines[0];
    struct journal_mark *mark = &till->ledger->shared.marks[0];
    atomic_store(&mark->known, true); /* .. and nothing is streamed yet: no other walk pays */
    /* What is kept for the lives of new orders has no room for the names. */
    struct policy *policy = &till->shop.engines[0]->policy;
    policy->hold_seconds = policy->review_seconds = 1;
    fill_with_orders(till);
    atomic_store(&mark->adopting_from, UINT64_MAX);
    atomic_store(&mark->adopting, 1);
    step(till, JOURNAL_PACE_MS);
    assert_false(till->walker.waits);
    policy->payment_seconds = 1;
    pass(till, WALKER_NAMES_WAIT_MS);
    fill_with_orders(till);
    step(till, JOURNAL_PACE_MS);
    assert_true(till->walker.waits);
    assert_false(restate_is_under_way(engine));
    atomic_store(&mark->adopting_from, PAID / 4);
    step(till, WALKER_NAMES_LOOK_MS);
    assert_false(till->walker.waits);
    assert_true(restate_has_names(engine));
    assert_true(journal_full(&till->ledger->journals[0]));
    for (uint32_t each = 0; till->walker.ended == 0; each++) {
        pay_one(till, each);
        step(till, JOURNAL_PACE_MS);
    }
    assert_true(till->walker.ended == 1);
}

/* S5: a walk has been at many carts when they are forgotten, and not yet at the orders: these still
 * have their room. */
static void what_is_forgotten_pays_for_no_walk(void **state)
{
    struct till *till = *state;
    struct journal *journal = &till->ledger->journals[0];
    const struct engine *engine = till->shop.engines[0];
    for (uint32_t each = 0; each < CARTS; each++) {
        assert_int_equal(shop_cart(&till->shop, holder(each), "A", 1), OUTCOME_OK);
        if (each < BUYERS)
            assert_int_equal(shop_checkout_cart(&till->shop, holder(each), "k"), OUTCOME_OK);
        if (each % 100 == 0)
            pass(till, 1);
    }
    while (engine_has_live_holds(engine))
        pass(till, 1000);
    walker_begin(&till->walker, &till->shop.now, 0);
    till->walker.step_images = 4;
    while (engine->walk.table < 3) { /* as far as customers go */
        walker_step(&till->walker, &till->shop.now, 0);
        pass(till, 1);
    }
    pass(till, 1000 * (uint64_t)engine->policy.cart_idle_seconds);
    for (uint32_t turn = 0; turn < 100 && engine->customers.used > BUYERS; turn++)
        pass(till, 1000);
    assert_int_equal(engine->customers.used, BUYERS);
    struct set_aside aside = engine_set_aside(engine);
    struct space without =
        space_needed(&aside, 0, journal->chain.shelf_ms, 0, &journal->directory->geometry, 1);
    uint64_t room = journal->aside.promised - without.starts - without.walk,
             before = till->walker.written;
    while (restate_is_under_way(engine)) {
        walker_step(&till->walker, &till->shop.now, 0);
        pass(till, 1);
    }
    assert_true(till->walker.written > before + BUYERS * sizeof(struct fact_order_image));
    assert_true(till->walker.written - before <= room);
}

/* The dearest: each is alone in its batch, and a byte too long for one block. */
static void a_record_may_be_alone_in_its_batch(void **state)
{
    enum { RECORDS = 10000 };
    const struct datadir_geometry geometry = {
        .segments = 100, .segment_size = SEGMENT_SIZE_DEFAULT, .batch_size = BATCH_SIZE_DEFAULT};
    (void)state;
    for (uint32_t shards = 1; shards <= SHARDS_MAX; shards *= 4) {
        const struct set_aside aside = {.records = RECORDS,
            .bytes = RECORDS * (uint64_t)(BATCH_BLOCK_SIZE + 1 - batch_header_size(shards))};
        struct space space = space_needed(&aside, 0, 0, 0, &geometry, shards);
        assert_true(space.promised >= UINT64_C(2) * RECORDS * BATCH_BLOCK_SIZE);
        assert_true(space.all > space.promised);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_may_be_alone_in_its_batch),
        TEST(what_was_promised_is_bought_one_at_a_time),
        TEST(what_was_promised_ends_one_at_a_time),
        TEST(switches_have_room_of_their_own),
        CROWD_TEST(what_is_forgotten_pays_for_no_walk),
        CROWD_TEST(a_crowd_of_orders_is_ended_in_its_time),
        CROWD_TEST(a_freeze_does_not_spend_what_was_promised),
        CROWD_TEST(a_walk_with_names_waits_for_room_but_not_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
