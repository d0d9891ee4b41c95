/* SPDX-License-Identifier: Apache-2.0 */
/* The next start has another number of shards: what is nobody's by its name, and what forbids it.
 * All the rest is proved by the walks of tests/simulate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/engine_steps.h"
#include "core/merge.h"
#include "core/redivide.h"
#include "core/restate.h"
#include "tests/core/redivided.h"
#include "tests/core/sales.h"

static const char *const people[] = {"ann", "bob", "cid", "dan", "eve", "fay", "gil", "hal"};

enum { PEOPLE = sizeof(people) / sizeof(people[0]) };

static void open_shards(uint32_t shards, const struct capacity *capacity)
{
    shop_close(&shop);
    shop_open(&shop, shards, capacity);
    for (uint32_t i = 0; i < shop.shards; i++)
        shop.engines[i]->policy.reserve_on = RESERVE_CART;
    shop.policy = shop.engines[0]->policy;
    shop_product(&shop, "A1", 500, 40);
}

static const char *obstacle(void)
{
    return redivide_obstacle(shop.engines, shop.shards);
}

static void settle(uint32_t shard)
{
    while (shop_settle_one(&shop, shard) != EVENT_NONE)
        continue;
}

/* A whole walk of every shard, and a crash: each is read from there. */
static void walk_and_crash(void)
{
    for (uint32_t i = 0; i < shop.shards; i++) {
        do
            assert_true(shop_restate(&shop, i));
        while (restate_is_under_way(shop.engines[i]));
        settle(i);
    }
    shop.replays = SHOP_STARTS_MAX - 1;
    shop_reopen(&shop);
}

/* S1: a number that comes back goes on behind its last one, whatever was forgotten meanwhile */
static void stream_numbers_go_on_when_a_shard_number_comes_back(void **state)
{
    (void)state;
    open_shards(4, &roomy);
    for (uint32_t i = 0; i < PEOPLE; i++)
        assert_int_equal(shop_checkout(&shop, people[i], "k", "A1", 1), OUTCOME_OK);
    uint64_t seqs[4], sum = 0;
    for (uint32_t i = 0; i < 4; i++)
        sum += seqs[i] = engine_stream_seq(shop.engines[i]);
    assert_true(seqs[2] > 0 && seqs[3] > 0);
    assert_true(sum >= PEOPLE);
    assert_true(shop_redivide(&shop, 2));
    walk_and_crash();
    assert_true(shop_redivide(&shop, 1));
    walk_and_crash();
    assert_int_equal(shop_checkout(&shop, "ann", "k2", "A1", 1), OUTCOME_OK);
    walk_and_crash();
    assert_true(shop_redivide(&shop, 4));
    assert_true(engine_stream_seq(shop.engines[0]) > seqs[0]);
    for (uint32_t i = 1; i < 4; i++)
        assert_int_equal(engine_stream_seq(shop.engines[i]), seqs[i]);
}

/* I3: the same key is the same order */
static void keys_lead_to_their_orders(void **state)
{
    (void)state;
    uint8_t ids[PEOPLE][16];
    open_shards(3, &roomy);
    for (uint32_t i = 0; i < PEOPLE; i++) {
        assert_int_equal(shop_checkout(&shop, people[i], "k", "A1", 1), OUTCOME_OK);
        memcpy(ids[i], shop_order_id(&shop), 16);
    }
    assert_int_equal(shop_stock(&shop, "A1", 5, "more"), OUTCOME_OK);
    assert_true(shop_redivide(&shop, 4));
    assert_true(shop_redivide(&shop, 2));
    for (uint32_t i = 0; i < PEOPLE; i++) {
        assert_int_equal(shop_checkout(&shop, people[i], "k", "A1", 1), OUTCOME_OK);
        assert_true(shop.answer.replayed);
        assert_memory_equal(shop_order_id(&shop), ids[i], 16);
    }
    assert_int_equal(shop_stock(&shop, "A1", 5, "more"), OUTCOME_OK);
    assert_true(shop.answer.replayed);
    assert_stock("A1", 45 - PEOPLE, PEOPLE, 0);
}

/* C4: what a crash left between two visits is not moved in twice, wherever the customer is now */
static void a_merge_cut_short_is_known_to_the_new_shard(void **state)
{
    (void)state;
    for (uint32_t i = 1; i < PEOPLE; i++) {
        open_shards(3, &roomy);
        struct command command = {.kind = COMMAND_CART_MERGE,
            .role = ROLE_CUSTOMER,
            .customer = bytes_of_string(people[i]),
            .guest_id = BYTES("guest-1"),
            .carry = shop.carry,
            .carry_size_max = sizeof(shop.carry)};
        assert_int_equal(shop_cart(&shop, "guest-1", "A1", 2), OUTCOME_OK);
        uint32_t shard = command_shard(&command, shop.shards);
        for (enum merge_step step = MERGE_LOOK; step != MERGE_IN;) {
            step = (enum merge_step)command.step;
            shop_visit(&shop, &command, shard);
            shop_settle(&shop);
            command.step = shop.answer.next_step;
            shard = shop.answer.next_shard;
        }
        assert_true(shop_redivide(&shop, 4));
        assert_stock("A1", 38, 2, 0);
        command.step = MERGE_LOOK;
        assert_int_equal(shop_run(&shop, &command), OUTCOME_OK);
        assert_stock("A1", 38, 2, 0);
        assert_int_equal(shop_cart(&shop, people[i], "A1", 3), OUTCOME_OK);
        assert_stock("A1", 37, 3, 0);
    }
}

/* W5: what a kill gave back is told again, by other shards, and the kill can be resumed */
static void a_kill_that_has_ended_stays_ended(void **state)
{
    (void)state;
    open_shards(2, &roomy);
    for (uint32_t i = 0; i < PEOPLE; i++)
        assert_int_equal(shop_cart(&shop, people[i], "A1", 1), OUTCOME_OK);
    assert_int_equal(shop_switch(&shop, SWITCH_KILL, SCOPE_SKU, "A1"), OUTCOME_OK);
    assert_int_equal(shop.answer.released, PEOPLE);
    assert_true(shop_redivide(&shop, 4));
    assert_int_equal(shop_switch(&shop, SWITCH_KILL, SCOPE_SKU, "A1"), OUTCOME_OK);
    assert_int_equal(shop.answer.released, PEOPLE);
    assert_int_equal(shop_switch(&shop, SWITCH_RESUME, SCOPE_SKU, "A1"), OUTCOME_OK);
    assert_int_equal(shop_switch(&shop, SWITCH_KILL, SCOPE_ALL, NULL), OUTCOME_OK);
    assert_true(shop_redivide(&shop, 1));
    assert_int_equal(shop_switch(&shop, SWITCH_RESUME, SCOPE_ALL, NULL), OUTCOME_OK);
    assert_int_equal(shop_cart(&shop, "ann", "A1", 1), OUTCOME_OK);
}

static void what_is_under_way_has_to_end_first(void **state)
{
    (void)state;
    open_shards(3, &roomy);
    assert_null(obstacle());
    const struct command kill = {.kind = COMMAND_SWITCH,
        .role = ROLE_OPERATOR,
        .actor = BYTES("ops"),
        .switch_action = SWITCH_KILL,
        .switch_scope = SCOPE_ALL,
        .carry = shop.carry,
        .carry_size_max = sizeof(shop.carry)};
    shop_visit(&shop, &kill, 0);
    assert_false(shop_redivide(&shop, 2));
    assert_string_equal(obstacle(), "a kill");
    shop_pass(&shop, 20);
    assert_int_equal(shop_switch(&shop, SWITCH_RESUME, SCOPE_ALL, NULL), OUTCOME_OK);
    assert_null(obstacle());
    struct command import = {.kind = COMMAND_IMPORT_BEGIN, .role = ROLE_OPERATOR};
    assert_int_equal(shop_run(&shop, &import), OUTCOME_OK);
    assert_false(shop_redivide(&shop, 2));
    assert_string_equal(obstacle(), "an import");
    import.kind = COMMAND_IMPORT_END;
    assert_int_equal(shop_run(&shop, &import), OUTCOME_OK);
    assert_true(shop_redivide(&shop, 2));
}

/* Q6: one shard's part of a table may be too small for those who fall to it */
static void what_does_not_fit_is_named(void **state)
{
    (void)state;
    struct capacity capacity = roomy;
    capacity.holds = PEOPLE;
    open_shards(1, &capacity);
    for (uint32_t i = 0; i < PEOPLE; i++)
        assert_int_equal(shop_cart(&shop, people[i], "A1", 1), OUTCOME_OK);
    assert_false(shop_redivide(&shop, 4));
    assert_stock("A1", 40 - PEOPLE, PEOPLE, 0);
    shop.capacity.holds = 4 * PEOPLE;
    assert_true(shop_redivide(&shop, 4));
    assert_stock("A1", 40 - PEOPLE, PEOPLE, 0);
}

static void everybody_buys(void)
{
    for (uint32_t i = 0; i < PEOPLE; i++) {
        assert_int_equal(shop_checkout(&shop, people[i], "k", "A1", 1), OUTCOME_OK);
        assert_int_equal(
            shop_pay(&shop, shop_order_id(&shop), RESULT_CAPTURED, people[i], 500), OUTCOME_OK);
    }
}

static uint32_t orders_kept(void)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < shop.shards; i++)
        sum += shop.engines[i]->orders.used;
    return sum;
}

/* V1: units sold in orders that are forgotten are added up over the shards */
static void what_is_forgotten_stays_sold(void **state)
{
    (void)state;
    open_shards(4, &roomy);
    everybody_buys();
    shop_pass(&shop, 400ull * DAY_MS);
    assert_int_equal(orders_kept(), 0);
    for (uint32_t shards = 1; shards <= 4; shards++) {
        assert_true(shop_redivide(&shop, shards));
        assert_stock("A1", 40 - PEOPLE, 0, PEOPLE);
    }
}

/* O5: the stream of the new shard has not come far, and need not: it has nothing of the order */
static void an_order_that_moved_is_streamed(void **state)
{
    (void)state;
    open_shards(1, &roomy);
    everybody_buys();
    assert_true(shop_redivide(&shop, 4));
    shop.now.streamed_seq = 0;
    shop_pass(&shop, 400ull * DAY_MS);
    assert_int_equal(orders_kept(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(stream_numbers_go_on_when_a_shard_number_comes_back),
        RULE(keys_lead_to_their_orders),
        RULE(a_merge_cut_short_is_known_to_the_new_shard),
        RULE(a_kill_that_has_ended_stays_ended),
        RULE(what_is_under_way_has_to_end_first),
        RULE(what_does_not_fit_is_named),
        RULE(what_is_forgotten_stays_sold),
        RULE(an_order_that_moved_is_streamed),
    };
    return cmocka_run_group_tests_name("engine_redivide", tests, NULL, NULL);
}
