/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Salvage where one shard has acted on what another has lost: then both go back, or neither
 * (FORMAT.md, X1 and X2).
 */
#include "tests/persist/salvaging.h"

/* Somebody of the other shard than `who`. */
static const char *stranger_to(const struct till *till, const char *who)
{
    static const char *const others[] = {"o1", "o2", "o3", "o4", "o5", "o6", "o7", "o8"};
    uint32_t home = partition_of_customer(bytes_of_string(who)) % TILL_SHARDS;
    (void)till;
    for (uint32_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (partition_of_customer(bytes_of_string(others[i])) % TILL_SHARDS != home)
            return others[i];
    fail();
    return NULL;
}

/* What a shard has recorded, in batches, and the headers that are due before them. */
static void flush(struct till *till, uint32_t shard)
{
    struct journal *journal = &till->ledger->journals[shard];
    while (till->flushed[shard] < till->shop.logs[shard].size) {
        struct journal_write write;
        struct event event;
        till->flushed[shard] = till_append(till, shard, BATCH_SIZE / 4);
        do {
            till_commit(till, shard, &write);
            ledger_put(&write);
            journal_written(journal, (int32_t)write.size);
            while (journal_settle_next(journal, &event))
                continue;
        } while (ledger_is_header(&write));
    }
}

static void flush_both(struct till *till)
{
    for (uint32_t i = 0; i < TILL_SHARDS; i++)
        flush(till, i);
}

/* The last unit is let go on one shard and bought on the other. */
static uint32_t sell_what_came_back(struct till *till, const char *first)
{
    struct shop *shop = &till->shop;
    uint32_t home = partition_of_customer(bytes_of_string(first)) % TILL_SHARDS;
    const char *second = stranger_to(till, first);
    shop_product(shop, "S9", 100, 1);
    flush_both(till);
    assert_int_equal(shop_cart(shop, first, "S9", 1), OUTCOME_OK);
    flush_both(till);
    assert_int_not_equal(shop_cart(shop, second, "S9", 1), OUTCOME_OK);
    assert_int_equal(shop_cart(shop, first, "S9", 0), OUTCOME_OK);
    flush_both(till);
    uint32_t released = (uint32_t)till->ledger->journals[home].chain.number;
    assert_int_equal(shop_cart(shop, second, "S9", 1), OUTCOME_OK);
    flush_both(till);
    assert_int_equal(shop_cart(shop, first, "S1", 1), OUTCOME_OK);
    flush_both(till);
    return released;
}

/* V1: a unit that one shard has sold again is not given back to who had it before. */
static void a_unit_that_came_back_by_a_lost_record_is_not_held_twice(void **state)
{
    struct fixture *fixture = *state;
    struct till *till = fixture->till;
    till_open_doors(till);
    const char *first = "anna";
    uint32_t home = partition_of_customer(bytes_of_string(first)) % TILL_SHARDS;
    uint32_t released = sell_what_came_back(till, first);
    till_close_books(till);
    const struct till_place *place = &till->places[home][released];
    damage_batch(fixture, home, place->segment, place->offset, released);
    assert_int_equal(fixture->cut_together, 1);
    assert_true(fixture->salvage.recovery.shards[1 - home].chain.number > 0);
}

/* W5: a kill that shard 0 has lost is not taken for the next one. */
static void a_kill_that_is_lost_is_lost_on_every_shard(void **state)
{
    struct fixture *fixture = *state;
    struct till *till = fixture->till;
    till_open_doors(till);
    flush_both(till);
    assert_int_equal(shop_switch(&till->shop, SWITCH_KILL, SCOPE_ALL, ""), OUTCOME_OK);
    flush_both(till);
    uint32_t killed = (uint32_t)till->ledger->journals[0].chain.number;
    shop_pass(&till->shop, 1000);
    flush_both(till);
    shop_pass(&till->shop, 1000);
    flush_both(till);
    till_write(till, 0);
    till_close_books(till);
    const struct till_place *place = &till->places[0][killed];
    damage_batch(fixture, 0, place->segment, place->offset, killed);
    assert_int_equal(fixture->cut_together, 1);
}

enum { DAY_MS = 86400 * 1000 };

/* A sale of one product, in which a customer of shard 1 has bought; it is removed a day later. */
static void hold_and_remove_a_sale(struct till *till)
{
    struct shop *shop = &till->shop;
    const struct sale_image terms = {.ends_wall_ms = shop->now.wall_ms + 60000};
    struct command command = {.kind = COMMAND_SALE_SET,
        .role = ROLE_OPERATOR,
        .sale = BYTES("ended"),
        .sale_image = &terms,
        .actor = BYTES("ann")};
    assert_int_equal(shop_run(shop, &command), OUTCOME_OK);
    const struct product_image sold = {.sku = BYTES("S8"),
        .title = BYTES("A thing"),
        .seller = BYTES("seller-2"),
        .sale = BYTES("ended"),
        .stock = 40,
        .price_count = 1,
        .prices = {{.currency = "GBP", .amount = 100}}};
    shop_product_as(shop, &sold);
    const char *who = "anna";
    if (partition_of_customer(bytes_of_string(who)) % TILL_SHARDS == 0)
        who = stranger_to(till, who);
    assert_int_equal(shop_checkout(shop, who, "bought", "S8", 3), OUTCOME_OK);
    assert_int_equal(shop_pay(shop, shop_order_id(shop), RESULT_CAPTURED, "paid", 300), OUTCOME_OK);
    flush_both(till);
    shop_pass(shop, 3u * DAY_MS);
    flush_both(till);
    command = (struct command){.kind = COMMAND_SALE_REMOVE,
        .role = ROLE_OPERATOR,
        .sale = BYTES("ended"),
        .actor = BYTES("ann"),
        .carry = shop->carry,
        .carry_size_max = sizeof(shop->carry)};
    assert_int_equal(shop_run(shop, &command), OUTCOME_OK);
}

/* O5: units that were sold, and left with their sale, do not come back with it. */
static void a_removal_that_is_lost_is_lost_on_every_shard(void **state)
{
    struct fixture *fixture = *state;
    struct till *till = fixture->till;
    till_open_doors(till);
    hold_and_remove_a_sale(till);
    flush_both(till);
    uint32_t removed = (uint32_t)till->ledger->journals[0].chain.number;
    assert_int_equal(shop_cart(&till->shop, "anna", "S1", 1), OUTCOME_OK);
    shop_product(&till->shop, "S7", 100, 1);
    flush_both(till);
    till_close_books(till);
    const struct till_place *place = &till->places[0][removed];
    damage_batch(fixture, 0, place->segment, place->offset, removed);
    assert_int_equal(fixture->cut_together, 1);
}

/* The same, when the other shard has restated since: its records of the removal are no longer read,
 * and without its walk it cannot be cut. */
static void a_removal_that_was_lost_long_ago_is_no_cut_at_all(void **state)
{
    struct fixture *fixture = *state;
    struct till *till = fixture->till;
    till_open_doors(till);
    hold_and_remove_a_sale(till);
    flush_both(till);
    uint32_t removed = (uint32_t)till->ledger->journals[0].chain.number;
    while (shop_restate(&till->shop, 1))
        continue;
    for (uint32_t i = 0; i < 8; i++) { /* a header names the walk */
        assert_int_equal(
            shop_cart(&till->shop, i % 2 == 0 ? "anna" : stranger_to(till, "anna"), "S1", 1 + i),
            OUTCOME_OK);
        flush_both(till);
    }
    till_close_books(till);
    const struct till_place *place = &till->places[0][removed];
    ledger_flip(till->ledger, 0, place->segment, place->offset + 100);
    assert_int_equal(start(fixture), -EBADMSG);
    get_files(fixture, &fixture->before);
    assert_int_equal(salvage(fixture), -EBADMSG);
    assert_non_null(strstr(fixture->error, "does not end before the journal does"));
    assert_memory_equal(&fixture->was, &fixture->before, sizeof(fixture->was));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_unit_that_came_back_by_a_lost_record_is_not_held_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_kill_that_is_lost_is_lost_on_every_shard, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_removal_that_is_lost_is_lost_on_every_shard, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_removal_that_was_lost_long_ago_is_no_cut_at_all, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
