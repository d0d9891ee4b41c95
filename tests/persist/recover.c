/* SPDX-License-Identifier: Apache-2.0 */
/* Recovery judges the end of a journal: a torn tail is cut, damage is refused and named. */
#include "tests/persist/ledger.h"

static int setup(void **state)
{
    struct ledger *ledger = ledger_create(2, 3, true);
    if (ledger_start(ledger) != 0)
        fail_msg("%s", ledger->error);
    *state = ledger;
    return 0;
}

static int setup_single(void **state)
{
    struct ledger *ledger = ledger_create(1, 2, true);
    if (ledger_start(ledger) != 0)
        fail_msg("%s", ledger->error);
    *state = ledger;
    return 0;
}

static int teardown(void **state)
{
    ledger_destroy(*state);
    return 0;
}

static void a_fresh_directory_is_empty_and_clean(void **state)
{
    struct ledger *ledger = *state;
    assert_true(ledger->directory.created);
    assert_true(ledger->recovery.empty);
    assert_true(ledger->recovery.clean);
    assert_int_equal(ledger->recovery.incarnation, 1);
    ledger_restart(ledger);
    assert_false(ledger->directory.created);
    assert_true(ledger->recovery.empty);
}

static void everything_durable_comes_back_in_order(void **state)
{
    struct ledger *ledger = *state;
    for (uint32_t i = 0; i < 120; i++)
        ledger_append(ledger, i % 2, i);
    ledger_write(ledger, 0);
    ledger_write(ledger, 1);
    ledger_write_batches(ledger, 1, 5);
    uint64_t shelf_ms = ledger->now.shelf_ms;
    struct chain chain = ledger->journals[1].chain;
    ledger_restart(ledger);
    ledger_assert_replayed(ledger, 0, 60);
    ledger_assert_replayed(ledger, 1, 65);
    assert_false(ledger->recovery.clean);
    assert_int_equal(ledger->recovery.shelf_ms, shelf_ms);
    assert_int_equal(ledger->recovery.wall_ms, ledger->now.wall_ms);
    assert_int_equal(ledger->recovery.incarnation, 2);
    assert_int_equal(ledger->recovery.records, 125);
    assert_memory_equal(&ledger->recovery.shards[1].chain, &chain, sizeof(chain));
}

static void an_event_not_written_does_not_come_back(void **state)
{
    struct ledger *ledger = *state;
    ledger_write_batches(ledger, 0, 2);
    ledger_append(ledger, 0, 0);
    ledger_restart(ledger);
    ledger_assert_replayed(ledger, 0, 2);
}

static void a_written_batch_never_acknowledged_comes_back_whole(void **state)
{
    struct ledger *ledger = *state;
    struct journal_write write;
    ledger_write_batches(ledger, 0, 2);
    ledger_append(ledger, 0, 0);
    ledger_append(ledger, 0, 0);
    assert_true(ledger_commit(ledger, 0, &write));
    ledger_put(&write);
    ledger_restart(ledger);
    ledger_assert_replayed(ledger, 0, 4);
}

static void a_clean_stop_is_known(void **state)
{
    struct ledger *ledger = *state;
    ledger_write_batches(ledger, 0, 3);
    ledger_stop(ledger);
    assert_int_equal(ledger_start(ledger), 0);
    assert_true(ledger->recovery.clean);
    ledger_assert_replayed(ledger, 0, 3);
    ledger_write_batches(ledger, 0, 1);
    ledger_restart(ledger);
    assert_false(ledger->recovery.clean); /* the old mark is not the last word */
    ledger_assert_replayed(ledger, 0, 4);
}

static void incarnations_go_on_from_the_latest_of_all_shards(void **state)
{
    struct ledger *ledger = *state;
    for (uint64_t i = 1; i < 5; i++) {
        assert_int_equal(ledger->recovery.incarnation, i);
        ledger_write_batches(ledger, i % 2 == 0, 1);
        ledger_restart(ledger);
    }
}

static void the_journal_remembers_its_postgres(void **state)
{
    struct ledger *ledger = *state;
    const struct event attached = {.kind = EVENT_STREAM_ATTACHED, .fact.mark = {.system_id = 7777}};
    assert_int_equal(ledger->recovery.postgres_system_id, 0);
    journal_append(&ledger->journals[1], &attached);
    ledger_write(ledger, 1);
    ledger_write_batches(ledger, 1, 1);
    ledger_restart(ledger);
    assert_int_equal(ledger->recovery.postgres_system_id, 7777);
}

static void stream_numbers_go_on(void **state)
{
    struct ledger *ledger = *state;
    ledger_write_batches(ledger, 0, 7); /* the 3rd takes one number, the 6th two */
    ledger_restart(ledger);
    assert_int_equal(ledger->recovery.shards[0].chain.seq, 3);
    ledger_write_batches(ledger, 0, 2); /* the 9th takes one: checked when appended and when read */
    ledger_restart(ledger);
    assert_int_equal(ledger->recovery.shards[0].chain.seq, 4);
}

static void write_prefix(
    struct ledger *ledger, const struct journal_write *write, uint32_t size, const uint8_t *behind)
{
    ledger_patch(ledger, 0, 1, (uint32_t)write->offset, write->data, size);
    ledger_patch(ledger, 0, 1, (uint32_t)write->offset + size, behind + size, write->size - size);
}

/* What a torn write of `size` bytes, with `behind` after it, must come back as: all before it, or
 * with it when nothing of it is missing. */
static void assert_prefix(
    struct ledger *ledger, uint32_t size, uint64_t before, const struct journal_write *write)
{
    int result = ledger_recover(ledger);
    if (result != 0)
        fail_msg("prefix of %u bytes: %s", size, ledger->error);
    uint64_t count = ledger->replayed_count[0];
    bool whole = ledger->recovery.shards[0].chain.offset == write->offset + write->size;
    assert_int_equal(count, whole ? before + 2 : before);
    datadir_close(&ledger->directory);
}

/* The last batch of two blocks, cut after every byte, over the zeros of a new segment and over
 * random bytes of a torn batch before it. */
static void every_prefix_of_the_last_batch_recovers_to_the_batch_before(void **state)
{
    struct ledger *ledger = *state;
    struct journal_write write;
    static uint8_t behind[2][2 * BATCH_BLOCK_SIZE];
    uint32_t seed = 1;
    for (uint32_t i = 0; i < sizeof(behind[1]); i++) {
        seed = seed * 1664525 + 1013904223;
        behind[1][i] = (uint8_t)(seed >> 24);
    }
    ledger_write_batches(ledger, 0, 4);
    ledger_append(ledger, 0, 4000);
    ledger_append(ledger, 0, 3700);
    assert_true(ledger_commit(ledger, 0, &write));
    assert_int_equal(write.size, sizeof(behind[0]));
    uint8_t *copy = malloc(write.size);
    memcpy(copy, write.data, write.size);
    write.data = copy;
    ledger_crash(ledger);
    for (uint32_t content = 0; content < 2; content++)
        for (uint32_t size = 0; size <= write.size; size++) {
            write_prefix(ledger, &write, size, behind[content]);
            assert_prefix(ledger, size, 4, &write);
        }
    assert_int_equal(ledger->replayed_count[0], 6); /* the whole batch, at last */
    free(copy);
}

/* Writes the first or the last sectors of a batch only; whether all of it stands there now, since
 * what is missing was there already. */
static bool tear(struct ledger *ledger, const struct journal_write *write, uint32_t round)
{
    static uint8_t there[LEDGER_BATCH_SIZE];
    uint32_t segment = ledger->journals[0].writing.segment;
    uint32_t offset = (uint32_t)write->offset;
    uint32_t cut = 512 * (round % (write->size / 512));
    const uint8_t *data = write->data;
    if (round % 2 == 0)
        ledger_patch(ledger, 0, segment, offset, data, cut);
    else
        ledger_patch(
            ledger, 0, segment, offset + 512 + cut, data + 512 + cut, write->size - 512 - cut);
    ledger_get(ledger, 0, segment, offset, there, write->size);
    return memcmp(there, data, write->size) == 0;
}

/* The tail is torn, the server goes on over it with a batch of another size, which is torn too, and
 * so on: nothing acknowledged is lost, nothing unacknowledged comes back in part. */
static void a_torn_tail_over_a_torn_tail_stays_one(void **state)
{
    struct ledger *ledger = *state;
    struct journal_write write;
    uint64_t durable = 0;
    uint32_t torn = 0;
    for (uint32_t round = 0; round < 60; round++) {
        uint32_t events = 1 + round * 7 % 3;
        for (uint32_t i = 0; i < events; i++)
            ledger_append(ledger, 0, round * 977 % RECORD_ADJUSTMENTS_SIZE_MAX);
        assert_true(ledger_commit(ledger, 0, &write));
        bool whole = round % 16 == 15; /* now and then a write succeeds */
        if (whole)
            ledger_put(&write);
        else
            whole = tear(ledger, &write, round);
        ledger_restart(ledger);
        durable += whole ? events : 0;
        torn += ledger->recovery.shards[0].torn;
        ledger_assert_replayed(ledger, 0, durable);
    }
    assert_true(torn > 20);
    ledger_stop(ledger);
    assert_int_equal(ledger_start(ledger), 0);
    ledger_assert_replayed(ledger, 0, durable);
}

/* The last sector of a batch is torn, so that its event is undone and its unit is sold to somebody
 * else. The next write brings just that sector, in the same place, and is torn in turn. */
static void a_torn_batch_is_not_completed_by_the_write_after_it(void **state)
{
    struct ledger *ledger = *state;
    struct journal_write write;
    ledger_write_batches(ledger, 0, 2);
    ledger_append(ledger, 0, 0);
    assert_true(ledger_commit(ledger, 0, &write));
    uint32_t offset = (uint32_t)write.offset;
    ledger_put(&write);
    ledger_patch(ledger, 0, 1, offset + BATCH_BLOCK_SIZE - 4, "torn", 4);
    ledger_restart(ledger);
    ledger_assert_replayed(ledger, 0, 2);
    ledger_patch(ledger, 0, 1, offset + BATCH_BLOCK_SIZE - 4, "\0\0\0\0", 4);
    ledger_restart(ledger);
    ledger_assert_replayed(ledger, 0, 2);
}

/* A batch that did not fit is torn in the next segment; the server then writes a smaller one that
 * does fit before it, and goes on over the torn one. And the other way round. */
static void a_torn_spill_is_left_behind(void **state)
{
    struct ledger *ledger = *state;
    struct journal_write write;
    for (uint32_t first_small = 0; first_small < 2; first_small++) {
        while (ledger->journals[0].chain.offset < LEDGER_SEGMENT_SIZE - 2 * BATCH_BLOCK_SIZE)
            ledger_write_batches(ledger, 0, 1);
        uint64_t durable = ledger->appended[0];
        uint32_t segment = ledger->journals[0].chain.segment;
        for (uint32_t i = 0; i < (first_small == 1 ? 1 : 3); i++)
            ledger_append(ledger, 0, 4000);
        assert_true(ledger_commit(ledger, 0, &write));
        assert_int_equal(
            ledger->journals[0].writing.segment, first_small == 1 ? segment : segment + 1);
        ledger_patch(ledger, 0, ledger->journals[0].writing.segment, (uint32_t)write.offset,
            write.data, batch_header_size(2) + ledger->journals[0].writing.used - 9);
        ledger_restart(ledger);
        ledger_assert_replayed(ledger, 0, durable);
        for (uint32_t i = 0; i < (first_small == 1 ? 3 : 1); i++)
            ledger_append(ledger, 0, first_small == 1 ? 4000 : 0);
        ledger_write(ledger, 0);
        assert_int_equal(
            ledger->journals[0].writing.segment, first_small == 1 ? segment + 1 : segment);
        durable = ledger->appended[0];
        ledger_restart(ledger);
        ledger_assert_replayed(ledger, 0, durable);
        ledger_write_batches(ledger, 0, 3);
        ledger_restart(ledger);
        ledger_assert_replayed(ledger, 0, durable + 3);
    }
}

static void recovery_of_a_recovery_is_the_same(void **state)
{
    struct ledger *ledger = *state;
    ledger_write_batches(ledger, 0, 20);
    ledger_write_batches(ledger, 1, 3);
    struct recovery first = ledger->recovery;
    for (uint32_t i = 0; i < 5; i++) {
        ledger_restart(ledger);
        ledger_assert_replayed(ledger, 0, 20);
        ledger_assert_replayed(ledger, 1, 3);
        if (i > 0)
            assert_memory_equal(&ledger->recovery, &first, sizeof(first));
        first = ledger->recovery;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_fresh_directory_is_empty_and_clean, setup, teardown),
        cmocka_unit_test_setup_teardown(everything_durable_comes_back_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(an_event_not_written_does_not_come_back, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_written_batch_never_acknowledged_comes_back_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(a_clean_stop_is_known, setup, teardown),
        cmocka_unit_test_setup_teardown(
            incarnations_go_on_from_the_latest_of_all_shards, setup, teardown),
        cmocka_unit_test_setup_teardown(the_journal_remembers_its_postgres, setup, teardown),
        cmocka_unit_test_setup_teardown(stream_numbers_go_on, setup, teardown),
        cmocka_unit_test_setup_teardown(
            every_prefix_of_the_last_batch_recovers_to_the_batch_before, setup_single, teardown),
        cmocka_unit_test_setup_teardown(
            a_torn_tail_over_a_torn_tail_stays_one, setup_single, teardown),
        cmocka_unit_test_setup_teardown(
            a_torn_batch_is_not_completed_by_the_write_after_it, setup_single, teardown),
        cmocka_unit_test_setup_teardown(a_torn_spill_is_left_behind, setup, teardown),
        cmocka_unit_test_setup_teardown(recovery_of_a_recovery_is_the_same, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
