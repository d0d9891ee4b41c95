/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A journal that has run full, and a shop that is stopped or crashes again and again in the midst
 * of the walk that is to make room: each start goes on where the one before was cut off, so the
 * walk ends, and no more is written for it than for one that nothing has cut off (S5).
 */
#include "tests/persist/ledger.h"

#include "core/check.h"
#include "core/restate.h"
#include "core/set_aside.h"
#include "core/tables.h"
#include "persist/audit_journal.h"
#include "persist/walker.h"
#include "tests/core/shop.h"

enum {
    SEGMENTS = 8,
    CUSTOMERS = 1500,
    STEP_IMAGES = 60,  /* of a walk in a batch: some 16 KiB of them */
    TURNS_MAX = 10000, /* to fill it */
    WALK_TURNS_MAX = 2 * CUSTOMERS / STEP_IMAGES,
    LAPS = 4,
};

struct shopkeeper {
    struct ledger *ledger;
    struct shop shop;
    struct walker walker;
    struct shop_books books;
    uint32_t turn;
    uint64_t starts, resumed;
};

static uint32_t record(void *context, uint32_t shard, const struct event *event)
{
    struct shopkeeper *keeper = context;
    CHECK(shard == 0);
    walker_record(&keeper->walker, event);
    return 1;
}

static bool next_durable(void *context, uint32_t shard, struct event *event)
{
    struct shopkeeper *keeper = context;
    CHECK(shard == 0);
    return journal_settle_next(&keeper->ledger->journals[0], event);
}

static void replay(void *context, uint32_t shard, const struct event *event)
{
    struct shopkeeper *keeper = context;
    engine_replay(keeper->shop.engines[shard], event);
}

/* As a start does. */
static void reopen(void *context, struct shop *shop)
{
    struct shopkeeper *keeper = context;
    struct ledger *ledger = keeper->ledger;
    const struct recover_options options = {
        .directory = &ledger->directory, .replay = replay, .context = keeper};
    ledger_crash(ledger);
    assert_int_equal(
        datadir_open(&ledger->directory, &ledger->options, ledger->error, sizeof(ledger->error)),
        0);
    if (recover(&ledger->recovery, &options, ledger->error, sizeof(ledger->error)) != 0)
        fail_msg("%s", ledger->error);
    ledger_open_journals(ledger);
    ledger->started = true;
    walker_open(&keeper->walker, shop->engines[0], &ledger->journals[0]);
    keeper->walker.step_images = STEP_IMAGES;
    keeper->starts++;
    keeper->resumed += walker_resume(&keeper->walker, &ledger->recovery.shards[0].cut);
}

static struct journal *journal_of(struct shopkeeper *keeper)
{
    return &keeper->ledger->journals[0];
}

/* One write, if one is due; false: none is. */
static bool write_one(struct shopkeeper *keeper)
{
    struct journal_write write;
    if (!journal_commit(journal_of(keeper), &keeper->shop.now, false, &write))
        return false;
    ledger_put(&write);
    journal_written(journal_of(keeper), (int32_t)write.size);
    while (shop_settle_one(&keeper->shop, 0) != EVENT_NONE)
        continue;
    walker_set_aside(&keeper->walker);
    keeper->shop.now.journal_full = (uint8_t)journal_state(journal_of(keeper));
    assert_false(journal_exhausted(journal_of(keeper)));
    return true;
}

static void write_due(struct shopkeeper *keeper)
{
    shop_pass(&keeper->shop, JOURNAL_GATHER_MS);
    while (write_one(keeper))
        continue;
}

static int setup(void **state)
{
    static const struct capacity capacity = {.skus = 4,
        .customers = CUSTOMERS,
        .orders = 16,
        .holds = CUSTOMERS,
        .lines = 64,
        .text_bytes = 64 * CUSTOMERS,
        .idempotency_keys = 64,
        .claims = 64,
        .identities = 64,
        .allowances = 64,
        .names = 16};
    struct shopkeeper *keeper = calloc(1, sizeof(*keeper));
    struct policy policy = POLICY_DEFAULT;
    /* Nobody holds anything: little is to be kept for him who might. */
    policy.hold_seconds = policy.payment_seconds = policy.review_seconds = 1;
    keeper->ledger = ledger_create(1, SEGMENTS, true);
    keeper->ledger->options.segment_size = SEGMENT_SIZE_MIN;
    keeper->ledger->options.batch_size = BATCH_SIZE_DEFAULT;
    keeper->ledger->options.journal_bytes = (uint64_t)SEGMENTS * SEGMENT_SIZE_MIN;
    shop_open_as(&keeper->shop, 1, &capacity, &policy);
    keeper->shop.settles_by_itself = false;
    keeper->books = (struct shop_books){
        .context = keeper, .record = record, .next_durable = next_durable, .reopen = reopen};
    keeper->shop.books = &keeper->books;
    shop_reopen(&keeper->shop);
    shop_product(&keeper->shop, "A", 100, 10);
    write_due(keeper);
    *state = keeper;
    return 0;
}

static int teardown(void **state)
{
    struct shopkeeper *keeper = *state;
    ledger_destroy(keeper->ledger);
    shop_close(&keeper->shop);
    free(keeper);
    return 0;
}

/* Carts that hold nothing change until nobody may change another; nobody restates meanwhile. */
static void fill(struct shopkeeper *keeper)
{
    char who[16];
    for (uint32_t turns = 0;; turns++) {
        assert_true(turns < TURNS_MAX);
        uint32_t turn = keeper->turn++;
        (void)snprintf(who, sizeof(who), "c%u", turn % CUSTOMERS);
        enum outcome outcome = shop_cart(&keeper->shop, who, "A", 1 + turn / CUSTOMERS % 9);
        if (outcome == OUTCOME_JOURNAL_FULL)
            return;
        assert_int_equal(outcome, OUTCOME_OK);
        write_due(keeper);
    }
}

static void restart(struct shopkeeper *keeper, bool cleanly)
{
    struct journal_write write;
    uint64_t before = engine_digest(keeper->shop.engines[0]);
    if (cleanly) {
        write_due(keeper);
        assert_true(journal_close_mark(journal_of(keeper), keeper->shop.now.wall_ms));
        assert_true(journal_commit(journal_of(keeper), &keeper->shop.now, false, &write));
        ledger_put(&write);
    }
    shop_reopen(&keeper->shop);
    assert_int_equal(engine_digest(keeper->shop.engines[0]), before);
}

/* A tick: the walk goes on by a batch. True: a walk ended in it. */
static bool walk_on(struct shopkeeper *keeper)
{
    uint64_t ended = keeper->walker.ended;
    (void)walker_step(&keeper->walker, &keeper->shop.now, 0);
    if (keeper->walker.ended > ended) {
        shop_pass(&keeper->shop, JOURNAL_GATHER_MS);
        assert_true(write_one(keeper)); /* its end is durable, and no header names it */
        return true;
    }
    write_due(keeper);
    return false;
}

/* A walk that is cut off after every few batches, and once more before its name is written. */
static void walk_with_cuts(struct shopkeeper *keeper, uint32_t batches, bool cleanly)
{
    for (uint32_t turns = 1; !walk_on(keeper); turns++) {
        assert_true(turns < WALK_TURNS_MAX);
        if (turns % batches == 0)
            restart(keeper, cleanly);
    }
    restart(keeper, false);
    write_due(keeper);
}

/* V1 to V4, V7: what others read of the files. */
static void audit(struct shopkeeper *keeper)
{
    struct audit_findings findings = {.out = stdout};
    struct walk_place starts[SHARDS_MAX];
    struct audit_model model;
    struct datadir directory;
    char error[512];
    audit_model_init(&model, &findings);
    assert_int_equal(datadir_read(&directory, keeper->ledger->path, error, sizeof(error)), 0);
    if (audit_journal(&directory, AUDIT_FROM_OLDEST, &model, starts, error, sizeof(error)) != 0)
        fail_msg("%s", error);
    audit_model_check(&model);
    audit_model_free(&model);
    datadir_close(&directory);
    for (uint32_t i = 0; i < AUDIT_VIOLATIONS; i++)
        assert_int_equal(findings.counts[i], 0);
}

/* S5 */
static void a_walk_ends_however_often_it_is_cut_off(void **state)
{
    struct shopkeeper *keeper = *state;
    uint64_t cuts = 0;
    for (uint32_t lap = 0; lap < LAPS; lap++) {
        fill(keeper);
        uint32_t segment = journal_of(keeper)->chain.segment;
        uint64_t left = journal_bytes_left(journal_of(keeper)), starts = keeper->starts;
        uint64_t walk = engine_walk_bytes(keeper->shop.engines[0]);
        walk_with_cuts(keeper, 1 + lap % 3, lap == LAPS - 1);
        assert_int_equal(keeper->shop.engines[0]->walk.number, lap + 1);
        assert_int_equal(journal_of(keeper)->ring.named.number, lap + 1);
        assert_int_equal(keeper->shop.now.journal_full, JOURNAL_HAS_ROOM);
        assert_true(journal_bytes_left(journal_of(keeper)) > left + walk);
        assert_true(journal_of(keeper)->chain.segment <= segment + 2);
        audit(keeper);
        cuts += keeper->starts - starts;
    }
    assert_int_equal(keeper->resumed, cuts - LAPS); /* in each lap the last cut is behind its end */
    /* Begun anew each time, they would have written more than twice what there was room for. */
    assert_true(cuts * STEP_IMAGES > 2 * CUSTOMERS);
    assert_int_equal(shop_cart(&keeper->shop, "c7", "A", 3), OUTCOME_OK);
}

/* S5: what the walk has written of carts that are gone is no room for what it has still to write,
 * for the process that goes on with it neither. */
static void what_was_forgotten_since_pays_for_nothing(void **state)
{
    struct shopkeeper *keeper = *state;
    char who[16];
    for (uint32_t each = 0; each < CUSTOMERS; each++) {
        (void)snprintf(who, sizeof(who), "c%u", each);
        assert_int_equal(shop_cart(&keeper->shop, who, "A", 1), OUTCOME_OK);
        write_due(keeper);
    }
    walker_begin(&keeper->walker, &keeper->shop.now, 0);
    for (uint32_t turns = 0; turns < 8; turns++)
        assert_false(walk_on(keeper));
    for (uint32_t turns = 0; keeper->shop.engines[0]->customers.used > CUSTOMERS / 2; turns++) {
        assert_true(turns < 4000);
        shop_pass(&keeper->shop, 1000);
        write_due(keeper);
    }
    uint64_t done = keeper->walker.done;
    assert_true(done < keeper->walker.written);
    restart(keeper, false);
    assert_true(restate_is_under_way(keeper->shop.engines[0]));
    assert_int_equal(keeper->walker.done, done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_forgotten_since_pays_for_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_walk_ends_however_often_it_is_cut_off, setup, teardown),
    };
    return cmocka_run_group_tests_name("walks_cut_off", tests, NULL, NULL);
}
