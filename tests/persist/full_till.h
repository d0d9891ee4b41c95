/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shop of one shard with a journal that runs full, each command alone in its batch (S5). What
 * lives always has its room, and beside it there is room for a walk: looked at after each batch.
 *
 * Ownership  A test's setup makes a till, its teardown ends it.
 * Threads    The test's own.
 * Units      Milliseconds of the shelf clock; units of the one SKU, "A".
 * Errors     A test fails.
 * Cost       A till has some MiB of tables and a journal of 32 MiB, or 112 for a crowd.
 */
#ifndef HOTSHELF_TESTS_PERSIST_FULL_TILL_H
#define HOTSHELF_TESTS_PERSIST_FULL_TILL_H

#include "tests/persist/ledger.h"

#include "core/check.h"
#include "core/restate.h"
#include "core/set_aside.h"
#include "core/tables.h"
#include "persist/space.h"
#include "persist/walker.h"
#include "tests/core/shop.h"

enum {
    SEGMENTS = 16,
    HOLDERS_MAX = 4000,
    BUYERS = 40,
    CARTS = 2000,
    CROWD_SEGMENTS = 56,
    CROWD_MAX = 24000,
    CROWD = 12000,
    CROWD_TICKS = 200, /* checkouts in a batch */
    PAID = 2000,
    FROZEN = 50,
    FROZEN_LONG = SPACE_FREEZE + 1100,
    LIFE = 600,
};

struct till {
    struct ledger *ledger;
    struct shop shop;
    struct walker walker;
    struct shop_books books;
    uint32_t batches, placed;
    uint8_t ids[CROWD_MAX][16];
};

static inline uint32_t record(void *context, uint32_t shard, const struct event *event)
{
    struct till *till = context;
    CHECK(shard == 0);
    walker_record(&till->walker, event);
    return 1;
}

static inline bool next_durable(void *context, uint32_t shard, struct event *event)
{
    struct till *till = context;
    CHECK(shard == 0);
    return journal_settle_next(&till->ledger->journals[0], event);
}

static inline bool has_room(void *context, uint32_t shard)
{
    struct till *till = context;
    return journal_room(&till->ledger->journals[shard]);
}

/* As a tick ends: what is due is written. */
static inline void write_due(struct till *till)
{
    struct journal *journal = &till->ledger->journals[0];
    struct journal_write write;
    bool live = engine_has_live_holds(till->shop.engines[0]);
    while (journal_commit(journal, &till->shop.now, live, &write)) {
        ledger_put(&write);
        till->batches++;
        journal_written(journal, (int32_t)write.size);
        while (shop_settle_one(&till->shop, 0) != EVENT_NONE)
            continue;
    }
    walker_set_aside(&till->walker);
    till->shop.now.journal_full = (uint8_t)journal_state(journal);
    assert_false(journal_exhausted(journal));
    /* What lives can end, and a walk leads out of where nothing does. */
    assert_true(journal_bytes_left(journal) >= till->walker.least);
}

static inline void pass(struct till *till, uint64_t ms)
{
    shop_pass(&till->shop, ms);
    write_due(till);
}

static inline int open_till(void **state, uint32_t holders, uint32_t segments, uint32_t seconds)
{
    const struct capacity capacity = {.skus = 4,
        .customers = holders,
        .orders = holders,
        .holds = holders,
        .lines = holders,
        .text_bytes = 32 * 4 * holders,
        .idempotency_keys = holders,
        .claims = PAYMENTS_PER_ORDER * holders,
        .identities = 64,
        .allowances = 64,
        .names = 16};
    struct policy policy = POLICY_DEFAULT;
    struct till *till = calloc(1, sizeof(*till));
    policy.reserve_on = RESERVE_CART;
    policy.hold_seconds = policy.payment_seconds = seconds;
    policy.max_open_orders = 1000;
    till->ledger = ledger_create(1, segments, true);
    till->ledger->options.segment_size = SEGMENT_SIZE_MIN;
    till->ledger->options.batch_size = BATCH_SIZE_DEFAULT;
    till->ledger->options.journal_bytes = (uint64_t)segments * SEGMENT_SIZE_MIN;
    assert_int_equal(ledger_start(till->ledger), 0);
    shop_open_as(&till->shop, 1, &capacity, &policy);
    till->shop.settles_by_itself = false;
    walker_open(&till->walker, till->shop.engines[0], &till->ledger->journals[0]);
    till->books = (struct shop_books){
        .context = till, .record = record, .next_durable = next_durable, .has_room = has_room};
    till->shop.books = &till->books;
    till->shop.now.shelf_ms = till->ledger->now.shelf_ms;
    shop_product(&till->shop, "A", 100, 100000);
    pass(till, 10);
    *state = till;
    return 0;
}

static inline int setup(void **state)
{
    return open_till(state, HOLDERS_MAX, SEGMENTS, 100);
}

static inline int setup_crowd(void **state)
{
    return open_till(state, CROWD_MAX, CROWD_SEGMENTS, 100);
}

static inline int setup_lives(void **state)
{
    return open_till(state, HOLDERS_MAX, SEGMENTS, LIFE);
}

static inline int teardown(void **state)
{
    struct till *till = *state;
    shop_close(&till->shop);
    ledger_crash(till->ledger);
    ledger_destroy(till->ledger);
    free(till);
    return 0;
}

static inline const char *holder(uint32_t number)
{
    static char name[16];
    (void)snprintf(name, sizeof(name), "c%u", number);
    return name;
}

/* Holds, each alone in its batch, until nobody may have another. */
static inline uint32_t fill(struct till *till)
{
    uint32_t count = 0;
    for (;; count++) {
        assert_true(count < HOLDERS_MAX);
        enum outcome outcome = shop_cart(&till->shop, holder(count), "A", 1);
        if (outcome == OUTCOME_JOURNAL_FULL)
            return count;
        assert_int_equal(outcome, OUTCOME_OK);
        pass(till, 1);
    }
}

static inline void run(struct till *till, const struct command *command)
{
    assert_int_equal(shop_run(&till->shop, command), OUTCOME_OK);
    pass(till, JOURNAL_GATHER_MS);
}

/* Unpaid orders, until nobody may have another. */
static inline void fill_with_orders(struct till *till)
{
    for (;; till->placed++) {
        assert_true(till->placed < CROWD_MAX);
        enum outcome outcome = shop_checkout(&till->shop, holder(till->placed), "k", "A", 1);
        if (outcome == OUTCOME_JOURNAL_FULL)
            return;
        assert_int_equal(outcome, OUTCOME_OK);
        memcpy(till->ids[till->placed], shop_order_id(&till->shop), 16);
        if (till->placed % CROWD_TICKS == 0)
            pass(till, 1);
        else
            till->shop.now.journal_full = (uint8_t)journal_state(&till->ledger->journals[0]);
    }
}

static inline void pay_one(struct till *till, uint32_t number)
{
    assert_int_equal(
        shop_pay(&till->shop, till->ids[number], RESULT_CAPTURED, holder(number), 100), OUTCOME_OK);
}

static inline void step(struct till *till, uint64_t after_ms)
{
    pass(till, after_ms);
    (void)walker_step(&till->walker, &till->shop.now, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define LIVES_TEST(name) cmocka_unit_test_setup_teardown(name, setup_lives, teardown)
#define CROWD_TEST(name) cmocka_unit_test_setup_teardown(name, setup_crowd, teardown)

#endif
