/* SPDX-License-Identifier: Apache-2.0 */
/* journal verify and dump on journals that are whole, in use, torn, or damaged in every block. */
#include "persist/journal_verify.h"

#include "persist/journal_print.h"
#include "persist/journal_visit.h"
#include "tests/persist/ledger.h"

struct said {
    char text[64 << 10];
    int status;
};

static struct said *verify(const struct ledger *ledger)
{
    static struct said said;
    memset(&said, 0, sizeof(said));
    FILE *out = fmemopen(said.text, sizeof(said.text) - 1, "w");
    assert_non_null(out);
    said.status = journal_verify(ledger->path, false, out);
    fclose(out);
    return &said;
}

static struct said *dump(const struct ledger *ledger, uint32_t shard, uint64_t from)
{
    static struct said said;
    memset(&said, 0, sizeof(said));
    FILE *out = fmemopen(said.text, sizeof(said.text) - 1, "w");
    assert_non_null(out);
    said.status = journal_print(ledger->path, shard, from, out);
    fclose(out);
    return &said;
}

static uint32_t count_of(const char *text, const char *words)
{
    uint32_t count = 0;
    for (const char *at = strstr(text, words); at != NULL; at = strstr(at + 1, words))
        count++;
    return count;
}

static void assert_says(const struct said *said, int status, const char *words)
{
    if (said->status != status || strstr(said->text, words) == NULL)
        fail_msg("exit %d, should be %d and say: %s\n%s", said->status, status, words, said->text);
}

/* Two shards, the first of which goes on into its second segment. */
static struct ledger *written(void)
{
    struct ledger *ledger = ledger_create(2, 3, true);
    assert_int_equal(ledger_start(ledger), 0);
    ledger_write_batches(ledger, 0, 20);
    ledger_write_batches(ledger, 1, 3);
    return ledger;
}

static void a_clean_journal_is_ok_and_shows_each_segment(void **state)
{
    (void)state;
    struct ledger *ledger = written();
    ledger_stop(ledger);
    const struct said *said = verify(ledger);
    assert_says(said, 0, "\nok\n");
    assert_says(said, 0, "    0        1  1-15");
    assert_says(said, 0, "    0        2  16-21");
    assert_says(said, 0, "    1        1  1-4");
    assert_int_equal(count_of(said->text, "closed by a clean stop"), 2);
    ledger_destroy(ledger);
}

static void a_crash_and_a_torn_write_are_no_damage(void **state)
{
    (void)state;
    struct ledger *ledger = written();
    ledger_crash(ledger);
    assert_says(verify(ledger), 0, "the last stop was not a clean one");
    ledger_patch(ledger, 1, 1, SEGMENT_HEADER_SIZE + 3 * BATCH_BLOCK_SIZE, "torn", 4);
    assert_says(verify(ledger), 0, "a write was cut short there");
    ledger_destroy(ledger);
}

static void a_journal_in_use_is_read_and_its_end_not_judged(void **state)
{
    (void)state;
    struct ledger *ledger = written();
    const struct said *said = verify(ledger);
    assert_says(said, 0, "\nok\n");
    assert_int_equal(count_of(said->text, "a server is using it"), 2);
    ledger_write_batches(ledger, 0, 1); /* the server was not disturbed */
    ledger_destroy(ledger);
}

/* Every block but the last of each shard, in use and not: nothing may be passed over. */
static void every_flipped_block_is_named_with_file_and_offset(void **state)
{
    (void)state;
    for (uint32_t in_use = 0; in_use < 2; in_use++) {
        struct ledger *ledger = written();
        if (in_use == 0)
            ledger_crash(ledger);
        for (uint32_t i = 0; i < 19; i++) {
            uint32_t segment = 1 + i / 15;
            uint32_t offset = SEGMENT_HEADER_SIZE + i % 15 * BATCH_BLOCK_SIZE;
            char words[64];
            (void)snprintf(words, sizeof(words), "segment-00000%u at offset %u: batch %u", segment,
                offset, i + 1);
            ledger_flip(ledger, 0, segment, offset + 17 + 150 * i);
            assert_says(verify(ledger), 1, words);
            assert_says(verify(ledger), 1, "NOT ok: ");
            assert_int_equal(dump(ledger, 0, 0)->status, 1);
            assert_int_equal(dump(ledger, 1, 0)->status, 0);
            ledger_flip(ledger, 0, segment, offset + 17 + 150 * i);
        }
        assert_says(verify(ledger), 0, "\nok\n");
        ledger_destroy(ledger);
    }
}

/* The last batch of shard 1 is damaged; only what shard 0 wrote proves that it was durable. */
static void what_another_shard_calls_durable_must_be_there(void **state)
{
    (void)state;
    struct ledger *ledger = written();
    ledger_write_batches(ledger, 0, 1);
    ledger_flip(ledger, 1, 1, SEGMENT_HEADER_SIZE + 2 * BATCH_BLOCK_SIZE + 140);
    assert_says(verify(ledger), 1, "shard 0 wrote that batch 3 was durable");
    ledger_crash(ledger);
    assert_says(verify(ledger), 1, "that batch 3 was durable");
    ledger_destroy(ledger);
}

static void a_file_that_is_not_in_use_yet_must_be_there(void **state)
{
    (void)state;
    char path[128];
    struct ledger *ledger = written();
    ledger_crash(ledger);
    (void)snprintf(path, sizeof(path), "%s/g1/shard-01/segment-000003", ledger->path);
    assert_int_equal(unlink(path), 0);
    assert_says(verify(ledger), 1, "segment-000003 is missing");
    ledger_destroy(ledger);
}

static void a_dump_shows_each_record_of_what_was_asked(void **state)
{
    (void)state;
    struct ledger *ledger = written();
    assert_int_equal(count_of(dump(ledger, VISIT_EVERY_SHARD, 0)->text, "\n"), 23);
    assert_int_equal(count_of(dump(ledger, 0, 0)->text, "\"shard\":0,"), 20);
    assert_int_equal(count_of(dump(ledger, 0, 18)->text, "\n"), 3);
    assert_non_null(strstr(dump(ledger, 0, 18)->text, "\"keep_shelf_ms\":18,"));
    assert_int_equal(count_of(dump(ledger, 1, 4)->text, "\n"), 0);
    assert_int_equal(dump(ledger, 2, 0)->status, 1);
    ledger_destroy(ledger);
}

static void a_directory_without_a_journal_is_told(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_create(1, 3, true);
    assert_says(verify(ledger), 1, "NOT ok: ");
    assert_int_equal(dump(ledger, 0, 0)->status, 1);
    ledger_destroy(ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clean_journal_is_ok_and_shows_each_segment),
        cmocka_unit_test(a_crash_and_a_torn_write_are_no_damage),
        cmocka_unit_test(a_journal_in_use_is_read_and_its_end_not_judged),
        cmocka_unit_test(every_flipped_block_is_named_with_file_and_offset),
        cmocka_unit_test(what_another_shard_calls_durable_must_be_there),
        cmocka_unit_test(a_file_that_is_not_in_use_yet_must_be_there),
        cmocka_unit_test(a_dump_shows_each_record_of_what_was_asked),
        cmocka_unit_test(a_directory_without_a_journal_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
