/* SPDX-License-Identifier: Apache-2.0 */
/* Damage is refused and named: whatever was acknowledged, something vouches for it. */
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

/* One byte of every sector of a small journal, in turn. */
static void every_damaged_sector_is_refused_or_is_the_last_batch(void **state)
{
    struct ledger *ledger = *state;
    ledger_write_batches(ledger, 0, 3);
    for (uint32_t i = 0; i < 3; i++)
        ledger_append(ledger, 0, 4000);
    ledger_write(ledger, 0);
    ledger_write_batches(ledger, 0, 2);
    uint64_t all = ledger->appended[0];
    uint32_t end = ledger->journals[0].chain.offset;
    ledger_crash(ledger);
    uint32_t refused = 0, last = 0, unused = 0;
    for (uint32_t offset = 0; offset < LEDGER_SEGMENT_SIZE; offset += 512) {
        ledger_flip(ledger, 0, 1, offset + offset / 512 % 512);
        int result = ledger_recover(ledger);
        if (offset < end - BATCH_BLOCK_SIZE) {
            assert_int_equal(result, -EBADMSG);
            assert_non_null(strstr(ledger->error, "shard-00/segment-000001"));
            assert_non_null(strstr(ledger->error, "damaged"));
            refused++;
        } else {
            if (result != 0)
                fail_msg("%s", ledger->error);
            bool in_last = offset < end;
            ledger_assert_replayed(ledger, 0, in_last ? all - 1 : all);
            in_last ? last++ : unused++;
            datadir_close(&ledger->directory);
        }
        ledger_flip(ledger, 0, 1, offset + offset / 512 % 512);
    }
    assert_int_equal(refused, (end - BATCH_BLOCK_SIZE) / 512);
    assert_int_equal(last, BATCH_BLOCK_SIZE / 512);
    assert_true(unused > 0);
    assert_int_equal(ledger_recover(ledger), 0);
    ledger_assert_replayed(ledger, 0, all);
    datadir_close(&ledger->directory);
}

static void damage_is_named_with_file_offset_batch_and_reason(void **state)
{
    struct ledger *ledger = *state;
    ledger_write_batches(ledger, 1, 5);
    ledger_flip(ledger, 1, 1, SEGMENT_HEADER_SIZE + 2 * BATCH_BLOCK_SIZE + 200);
    ledger_assert_refused(ledger,
        "/g1/shard-01/segment-000001 at offset 12288: batch 3 is damaged: its hash does not "
        "match, but batch 4 was begun after it, in segment 1 at offset 16384: the journal is "
        "damaged, not torn");
}

/* Batch 5 of 6 is gone, and 6 was torn: its header alone proves that 5 had been acknowledged. */
static void the_header_of_a_torn_batch_vouches_for_the_one_before(void **state)
{
    struct ledger *ledger = *state;
    ledger_write_batches(ledger, 0, 6);
    uint32_t last = ledger->journals[0].chain.offset - BATCH_BLOCK_SIZE;
    ledger_flip(ledger, 0, 1, last + 1024);
    ledger_flip(ledger, 0, 1, last - BATCH_BLOCK_SIZE + 10);
    ledger_assert_refused(ledger, "batch 6 was begun after it");
}

static void a_lost_batch_that_reads_as_zeros_is_damage_too(void **state)
{
    struct ledger *ledger = *state;
    static const uint8_t zeros[BATCH_BLOCK_SIZE];
    ledger_write_batches(ledger, 0, 6);
    ledger_patch(ledger, 0, 1, SEGMENT_HEADER_SIZE + 3 * BATCH_BLOCK_SIZE, zeros, sizeof(zeros));
    ledger_assert_refused(ledger, "batch 4 was never written: its first block is all zero, but "
                                  "batch 5 was begun after it");
}

static void a_batch_in_the_next_segment_vouches(void **state)
{
    struct ledger *ledger = *state;
    while (ledger->journals[0].chain.segment == 1)
        ledger_write_batches(ledger, 0, 1);
    ledger_flip(ledger, 0, 1, LEDGER_SEGMENT_SIZE - 100);
    ledger_assert_refused(ledger, "batch 16 was begun after it, in segment 2 at offset 4096");
}

static void another_shard_vouches(void **state)
{
    struct ledger *ledger = *state;
    ledger_write_batches(ledger, 0, 3);
    ledger_write_batches(ledger, 1, 2); /* names batch 3 of shard 0 durable */
    ledger_flip(ledger, 0, 1, SEGMENT_HEADER_SIZE + 2 * BATCH_BLOCK_SIZE + 300);
    ledger_assert_refused(ledger, "shard-00/segment-000001 at offset 12288: batch 3 is damaged");
    assert_non_null(strstr(ledger->error, "shard 1 wrote in its batch 1 that batch 3 was durable"));
}

static void a_shard_without_a_trace_is_missed_by_the_others(void **state)
{
    struct ledger *ledger = *state;
    static const uint8_t zeros[LEDGER_SEGMENT_SIZE - SEGMENT_HEADER_SIZE];
    ledger_write_batches(ledger, 1, 3);
    ledger_write_batches(ledger, 0, 1);
    ledger_patch(ledger, 1, 1, SEGMENT_HEADER_SIZE, zeros, sizeof(zeros));
    ledger_assert_refused(ledger, "shard-01/segment-000001 at offset 4096: batch 1 was never");
}

static void the_closing_mark_vouches_for_all_before_it(void **state)
{
    struct ledger *ledger = *state;
    ledger_write_batches(ledger, 0, 2);
    ledger_stop(ledger);
    ledger_flip(ledger, 0, 1, SEGMENT_HEADER_SIZE + BATCH_BLOCK_SIZE + 150);
    ledger_assert_refused(ledger, "batch 2 is damaged");
}

static void the_seal_vouches_for_the_last_batch(void **state)
{
    struct ledger *ledger = *state;
    ledger_write_batches(ledger, 0, 2);
    ledger->now.shelf_ms += JOURNAL_SEAL_MS;
    ledger_write(ledger, 0);
    ledger_flip(ledger, 0, 1, SEGMENT_HEADER_SIZE + BATCH_BLOCK_SIZE + 150);
    ledger_assert_refused(ledger, "batch 2 is damaged");
}

static void a_missing_segment_is_refused_used_or_not(void **state)
{
    struct ledger *ledger = *state;
    char path[256], aside[256];
    ledger_write_batches(ledger, 0, 1);
    for (uint32_t segment = 1; segment <= 3; segment++) {
        (void)snprintf(path, sizeof(path), "%s/g1/shard-01/segment-%06u", ledger->path, segment);
        (void)snprintf(aside, sizeof(aside), "%s/aside", ledger->path);
        assert_int_equal(rename(path, aside), 0);
        char words[64];
        (void)snprintf(words, sizeof(words), "shard-01/segment-%06u is missing", segment);
        ledger_assert_refused(ledger, words);
        assert_int_equal(rename(aside, path), 0);
    }
    assert_int_equal(ledger_recover(ledger), 0);
    datadir_close(&ledger->directory);
}

static void copy_segment(struct ledger *ledger, uint32_t from_shard, uint32_t from_segment,
    uint32_t to_shard, uint32_t to_segment)
{
    static uint8_t bytes[LEDGER_SEGMENT_SIZE];
    ledger_get(ledger, from_shard, from_segment, 0, bytes, sizeof(bytes));
    ledger_patch(ledger, to_shard, to_segment, 0, bytes, sizeof(bytes));
}

static void a_segment_of_another_shard_or_number_is_refused(void **state)
{
    struct ledger *ledger = *state;
    static uint8_t was[LEDGER_SEGMENT_SIZE];
    ledger_write_batches(ledger, 0, 3);
    ledger_write_batches(ledger, 1, 3);
    ledger_get(ledger, 1, 1, 0, was, sizeof(was));
    copy_segment(ledger, 0, 1, 1, 1);
    ledger_assert_refused(ledger, "shard-01/segment-000001 belongs to another shard");
    ledger_patch(ledger, 1, 1, 0, was, sizeof(was));
    copy_segment(ledger, 1, 1, 1, 2);
    ledger_assert_refused(
        ledger, "shard-01/segment-000002 has another number in its header than in its name");
}

static void a_batch_of_another_shard_is_refused_though_it_is_whole(void **state)
{
    struct ledger *ledger = *state;
    uint8_t block[BATCH_BLOCK_SIZE];
    ledger_write_batches(ledger, 0, 2);
    ledger_write_batches(ledger, 1, 3);
    ledger_get(ledger, 1, 1, SEGMENT_HEADER_SIZE + 2 * BATCH_BLOCK_SIZE, block, sizeof(block));
    ledger_patch(ledger, 0, 1, SEGMENT_HEADER_SIZE + 2 * BATCH_BLOCK_SIZE, block, sizeof(block));
    ledger_assert_refused(ledger, "batch 3 belongs to another data directory, node, shard or "
                                  "generation, but it is whole");
}

static void a_misdirected_write_is_refused(void **state)
{
    struct ledger *ledger = *state;
    uint8_t block[BATCH_BLOCK_SIZE];
    ledger_write_batches(ledger, 0, 3);
    ledger_get(ledger, 0, 1, SEGMENT_HEADER_SIZE, block, sizeof(block));
    ledger_patch(ledger, 0, 1, SEGMENT_HEADER_SIZE + 3 * BATCH_BLOCK_SIZE, block, sizeof(block));
    ledger_assert_refused(ledger, "batch 4 was written for another place");
}

/* The write of batch 3 was acknowledged by the disk and lost; another batch 3, of a restored copy
 * say, stands where the chain goes on. */
static void a_restored_older_copy_of_one_shard_is_seen_by_the_others(void **state)
{
    struct ledger *ledger = *state;
    static uint8_t older[LEDGER_SEGMENT_SIZE];
    ledger_write_batches(ledger, 0, 2);
    ledger_get(ledger, 0, 1, 0, older, sizeof(older));
    ledger_write_batches(ledger, 0, 2);
    ledger_write_batches(ledger, 1, 1);
    ledger_patch(ledger, 0, 1, 0, older, sizeof(older));
    ledger_assert_refused(ledger, "shard 1 wrote in its batch 1 that batch 4 was durable");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            every_damaged_sector_is_refused_or_is_the_last_batch, setup_single, teardown),
        cmocka_unit_test_setup_teardown(
            damage_is_named_with_file_offset_batch_and_reason, setup, teardown),
        cmocka_unit_test_setup_teardown(
            the_header_of_a_torn_batch_vouches_for_the_one_before, setup_single, teardown),
        cmocka_unit_test_setup_teardown(
            a_lost_batch_that_reads_as_zeros_is_damage_too, setup, teardown),
        cmocka_unit_test_setup_teardown(a_batch_in_the_next_segment_vouches, setup, teardown),
        cmocka_unit_test_setup_teardown(another_shard_vouches, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_shard_without_a_trace_is_missed_by_the_others, setup, teardown),
        cmocka_unit_test_setup_teardown(
            the_closing_mark_vouches_for_all_before_it, setup, teardown),
        cmocka_unit_test_setup_teardown(the_seal_vouches_for_the_last_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(a_missing_segment_is_refused_used_or_not, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_segment_of_another_shard_or_number_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_batch_of_another_shard_is_refused_though_it_is_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(a_misdirected_write_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_restored_older_copy_of_one_shard_is_seen_by_the_others, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
