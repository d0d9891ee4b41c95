/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records that are valid, in a journal that is whole, and that cannot have happened: an old bug or
 * a forged file. The start is refused with the record and the fact, and nothing is left behind.
 */
#include "tests/persist/till.h"

/* Recovery as the server does it: engines, then the proofs. */
struct start {
    struct arena arena;
    struct shelf *shelf;
    struct engine *engines[TILL_SHARDS];
};

static void replay(void *context, uint32_t shard, const struct event *event)
{
    struct start *start = context;
    engine_replay(start->engines[shard], event);
}

static void prove(void *context)
{
    struct start *start = context;
    shelf_derive(start->shelf, start->engines, TILL_SHARDS);
    for (uint32_t i = 0; i < TILL_SHARDS; i++)
        engine_check(start->engines[i]);
}

static int start(struct ledger *ledger, bool proves)
{
    struct start start;
    const struct recover_options options = {.directory = &ledger->directory,
        .replay = replay,
        .prove = proves ? prove : NULL,
        .context = &start};
    start.shelf = till_build(&start.arena, start.engines);
    int result =
        datadir_open(&ledger->directory, &ledger->options, ledger->error, sizeof(ledger->error));
    assert_int_equal(result, 0);
    result = recover(&ledger->recovery, &options, ledger->error, sizeof(ledger->error));
    datadir_close(&ledger->directory);
    memory_close(&start.arena);
    return result;
}

static int setup(void **state)
{
    struct till *till = till_open(3, 2, 64 << 10, 16 << 10, 0);
    till_open_doors(till);
    for (uint32_t i = 0; i < 8; i++)
        till_step(till);
    *state = till;
    return 0;
}

static int teardown(void **state)
{
    till_destroy(*state);
    return 0;
}

/* The event is the next record of the shard, in a batch of its own; answers where that is. */
static struct chain forge(struct till *till, uint32_t shard, const struct event *event)
{
    journal_append(&till->ledger->journals[shard], event);
    struct chain before = till->ledger->journals[shard].chain;
    till_write(till, shard);
    ledger_crash(till->ledger);
    return before;
}

static void assert_refused(struct till *till, const char *words)
{
    assert_int_equal(start(till->ledger, true), -EBADMSG);
    if (strstr(till->ledger->error, words) == NULL)
        fail_msg("said: %s\nshould have said: %s", till->ledger->error, words);
    /* And once more: whoever was stopped in the middle held nothing. */
    assert_int_equal(start(till->ledger, true), -EBADMSG);
}

static void what_the_shop_wrote_is_no_contradiction(void **state)
{
    struct till *till = *state;
    ledger_crash(till->ledger);
    assert_int_equal(start(till->ledger, true), 0);
}

static void a_record_about_nothing_is_named(void **state)
{
    struct till *till = *state;
    char words[256];
    const struct event gone = {.kind = EVENT_KEYS_FORGOTTEN,
        .fact.forgotten = {.count = 1},
        .text[TEXT_IDS] = BYTES("0123456789abcdef")};
    struct chain before = forge(till, 1, &gone);
    (void)snprintf(words, sizeof(words),
        "/g1/shard-01/segment-%06u at offset %u: record %llu, in batch %llu, keys_forgotten, "
        "contradicts the records before it (index != NONE, ",
        before.segment, before.offset + batch_header_size(TILL_SHARDS),
        (unsigned long long)before.record + 1, (unsigned long long)before.number + 1);
    assert_refused(till, words);
}

static void an_order_of_nobody_cannot_be_paid(void **state)
{
    struct till *till = *state;
    const struct event_line line = {.sku_number = 1, .quantity = 1};
    const struct event paid = {.kind = EVENT_ORDER_CONFIRMED,
        .fact.order = {.status = ORDER_CONFIRMED, .id = "nobody's order"},
        .lines = &line,
        .line_count = 1,
        .text[TEXT_CUSTOMER] = BYTES("c1")};
    forge(till, 0, &paid);
    assert_refused(till, ", order_confirmed, contradicts the records before it");
}

/* V1: every record is possible, and all together are not. */
static void more_units_than_there_are_is_no_state(void **state)
{
    struct till *till = *state;
    const struct event none = {.kind = EVENT_STOCK_ADJUSTED,
        .fact.stock = {.sku_number = 1, .allotment = 0, .delta = -5000}};
    (void)shop_checkout(&till->shop, "c1", "last", "S1", 1);
    for (uint32_t i = 0; i < TILL_SHARDS; i++)
        till_flush(till, i);
    forge(till, 0, &none);
    assert_refused(till, ": the records of all shards do not add up (");
    assert_int_equal(start(till->ledger, false), 0); /* who only reads can still read */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_the_shop_wrote_is_no_contradiction, setup, teardown),
        cmocka_unit_test_setup_teardown(a_record_about_nothing_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(an_order_of_nobody_cannot_be_paid, setup, teardown),
        cmocka_unit_test_setup_teardown(more_units_than_there_are_is_no_state, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
