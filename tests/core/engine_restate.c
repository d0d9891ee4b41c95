/* SPDX-License-Identifier: Apache-2.0 */
/* What a restating walk leaves for the start that begins with it: rare cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/engine_steps.h"
#include "core/restate.h"
#include "persist/record.h"
#include "tests/core/sales.h"

static void open_three(void)
{
    shop_close(&shop);
    shop_open(&shop, 3, &roomy);
    for (uint32_t i = 0; i < shop.shards; i++)
        shop.engines[i]->policy.reserve_on = RESERVE_CART;
    shop.policy = shop.engines[0]->policy;
    shop_product(&shop, "A1", 500, 10);
}

static void settle(uint32_t shard)
{
    while (shop_settle_one(&shop, shard) != EVENT_NONE)
        continue;
}

/* A whole walk of the shard, durable. */
static void walk(uint32_t shard)
{
    do
        assert_true(shop_restate(&shop, shard));
    while (restate_is_under_way(shop.engines[shard]));
    settle(shard);
}

/* A crash; every shard is read from its newest complete walk. */
static void crash(void)
{
    shop.replays = SHOP_STARTS_MAX - 1;
    shop_reopen(&shop);
}

static bool parts_are_gone(void)
{
    for (uint32_t i = 0; i < shop.shards; i++)
        if (catalog_has_part(&shop.shelf->catalog, i))
            return false;
    return true;
}

/* O5: a shard whose part of a leaving sale is gone need not look for it again */
static void a_part_that_is_gone_is_gone_after_a_walk(void **state)
{
    (void)state;
    open_three();
    assert_int_equal(put("drop", &(struct sale_image){.ends_wall_ms = 1}), OUTCOME_OK);
    product_of("A", "drop", &(struct product_image){.stock = 3});
    struct command command = {.kind = COMMAND_SALE_REMOVE,
        .role = ROLE_OPERATOR,
        .sale = BYTES("drop"),
        .actor = BYTES("ann"),
        .carry = shop.carry,
        .carry_size_max = sizeof(shop.carry)};
    uint32_t shard = 0;
    do {
        shop_visit(&shop, &command, shard);
        shop_settle(&shop);
        assert_true(shop.answer.goes_on);
        command.step = shop.answer.next_step;
        shard = shop.answer.next_shard;
    } while (catalog_closing(&shop.shelf->catalog) == 0 || !parts_are_gone());
    for (uint32_t i = 0; i < shop.shards; i++)
        walk(i);
    crash();
    assert_int_not_equal(catalog_closing(&shop.shelf->catalog), 0);
    assert_true(parts_are_gone());
    for (uint32_t i = 0; i < shop.shards; i++)
        assert_true(shop.engines[i]->removal.done);
    shop_pass(&shop, 20);
    assert_int_equal(catalog_name_find(&shop.shelf->catalog, BYTES("drop")), 0);
}

/* W5: the resume is lost with shard 0's last records, the walk of another shard is not */
static void an_ended_kill_outlives_a_resume_that_is_lost(void **state)
{
    (void)state;
    const struct command resume = {.kind = COMMAND_SWITCH,
        .role = ROLE_OPERATOR,
        .actor = BYTES("ops"),
        .switch_action = SWITCH_RESUME,
        .switch_scope = SCOPE_SKU,
        .sku = BYTES("A1"),
        .carry = shop.carry,
        .carry_size_max = sizeof(shop.carry)};
    open_three();
    assert_int_equal(shop_switch(&shop, SWITCH_KILL, SCOPE_SKU, "A1"), OUTCOME_OK);
    shop_visit(&shop, &resume, 0);
    assert_int_equal(shop.answer.outcome, OUTCOME_OK);
    walk(2);
    crash();
    assert_int_equal(shop_run(&shop, &resume), OUTCOME_OK);
}

/* One customer on each shard, each with a hold; walks that are cut off at `images`. */
static void cut_walks_off(uint32_t images)
{
    static const char *const people[] = {"ann", "bob", "cid", "dan", "eve", "fay", "gil", "hal"};
    open_three();
    for (uint32_t i = 0; i < sizeof(people) / sizeof(people[0]); i++)
        assert_int_equal(shop_cart(&shop, people[i], "A1", 1), OUTCOME_OK);
    for (uint32_t i = 0; i < shop.shards; i++) {
        assert_true(shop.engines[i]->customers.used > 1);
        for (uint32_t records = 0; records < 1 + images; records++)
            assert_true(shop_restate(&shop, i));
        settle(i);
    }
    crash();
}

/* Of what the walk has still to say: the images of customers in the log of a shard. */
static uint32_t customers_in_log(uint32_t shard)
{
    const struct shop_log *log = &shop.logs[shard];
    uint32_t count = 0, consumed;
    struct event event;
    for (size_t at = 0; at < log->size; at += consumed) {
        struct bytes rest = bytes_of(log->data + at, (uint32_t)(log->size - at));
        assert_int_equal(record_decode(rest, &event, &consumed), 0);
        count += event.kind == EVENT_CUSTOMER_IMAGE;
    }
    return count;
}

/* S5: each is restated once, however often the walk is cut off */
static void a_walk_that_is_cut_off_goes_on(void **state)
{
    (void)state;
    cut_walks_off(1);
    for (uint32_t i = 0; i < shop.shards; i++) {
        uint64_t before = engine_digest(shop.engines[i]);
        while (restate_is_under_way(shop.engines[i])) {
            assert_true(shop_restate(&shop, i));
            settle(i);
            crash();
        }
        assert_int_equal(shop.engines[i]->walk.number, 1);
        assert_int_equal(shop.logs[i].start_count, 1);
        assert_int_equal(customers_in_log(i), shop.engines[i]->customers.used);
        assert_int_equal(engine_digest(shop.engines[i]), before);
    }
    assert_stock("A1", 2, 8, 0);
    shop_check(&shop);
}

/* What happens in a walk that goes on is preceded by its image, as if nothing had been. */
static void what_changes_behind_a_cut_is_restated_before(void **state)
{
    (void)state;
    cut_walks_off(1);
    assert_int_equal(shop_cart(&shop, "ann", "A1", 0), OUTCOME_OK);
    assert_int_equal(shop_cart(&shop, "eve", "A1", 2), OUTCOME_OK);
    assert_int_equal(shop_cart(&shop, "ivy", "A1", 1), OUTCOME_OK);
    crash();
    for (uint32_t i = 0; i < shop.shards; i++) {
        walk(i);
        assert_int_equal(shop.engines[i]->walk.number, 1);
    }
    shop_check(&shop);
    crash();
    assert_stock("A1", 1, 9, 0);
}

/* A start that does not go on with it, and changes what it has not come to: nobody can any more. */
static void a_walk_that_others_wrote_behind_is_begun_anew(void **state)
{
    static const char *const people[] = {"ann", "bob", "cid", "dan", "eve", "fay", "gil", "hal"};
    (void)state;
    cut_walks_off(1);
    shop.forgets_walks = true;
    crash();
    for (uint32_t i = 0; i < sizeof(people) / sizeof(people[0]); i++)
        assert_int_equal(shop_cart(&shop, people[i], "A1", 0), OUTCOME_OK);
    shop.forgets_walks = false;
    crash();
    for (uint32_t i = 0; i < shop.shards; i++) {
        assert_false(restate_is_under_way(shop.engines[i]));
        uint64_t before = engine_digest(shop.engines[i]);
        walk(i);
        assert_int_equal(shop.engines[i]->walk.number, 2);
        assert_int_equal(engine_digest(shop.engines[i]), before);
    }
    crash();
    assert_stock("A1", 10, 0, 0);
    shop_check(&shop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(a_part_that_is_gone_is_gone_after_a_walk),
        RULE(an_ended_kill_outlives_a_resume_that_is_lost),
        RULE(a_walk_that_is_cut_off_goes_on),
        RULE(what_changes_behind_a_cut_is_restated_before),
        RULE(a_walk_that_others_wrote_behind_is_begun_anew),
    };
    return cmocka_run_group_tests_name("engine_restate", tests, NULL, NULL);
}
