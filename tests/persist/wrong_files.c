/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that are not what CURRENT promises: damaged, cut short, missing, exchanged, of another
 * server. The start is refused with the name of the file, or nothing was wrong that matters.
 */
#include "tests/persist/ledger.h"

enum { SHARDS = 2, SEGMENTS = 3, BATCHES = 20 };

static int setup(void **state)
{
    struct ledger *ledger = ledger_create(SHARDS, SEGMENTS, true);
    if (ledger_start(ledger) != 0)
        fail_msg("%s", ledger->error);
    for (uint32_t i = 0; i < SHARDS; i++)
        ledger_write_batches(ledger, i, BATCHES);
    ledger_crash(ledger);
    *state = ledger;
    return 0;
}

static int teardown(void **state)
{
    ledger_destroy(*state);
    return 0;
}

static void path_of(const struct ledger *ledger, const char *name, char path[256])
{
    (void)snprintf(path, 256, "%s/%s", ledger->path, name);
}

static void segment_name(uint32_t shard, uint32_t segment, char name[64])
{
    (void)snprintf(name, 64, "g1/shard-%02u/segment-%06u", shard, segment);
}

/* A file's bytes, at most as many as there is room for. */
static uint32_t load(const struct ledger *ledger, const char *name, uint8_t *bytes, uint32_t room)
{
    char path[256];
    path_of(ledger, name, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t size = read(fd, bytes, room);
    assert_true(size >= 0);
    close(fd);
    return (uint32_t)size;
}

static void store(
    const struct ledger *ledger, const char *name, const uint8_t *bytes, uint32_t size)
{
    char path[256];
    path_of(ledger, name, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    close(fd);
}

static void assert_whole(struct ledger *ledger)
{
    if (ledger_recover(ledger) != 0)
        fail_msg("%s", ledger->error);
    datadir_close(&ledger->directory);
    for (uint32_t i = 0; i < SHARDS; i++)
        ledger_assert_replayed(ledger, i, BATCHES);
}

static void every_flipped_bit_of_current_is_found(void **state)
{
    struct ledger *ledger = *state;
    uint8_t text[512];
    uint32_t size = load(ledger, "CURRENT", text, sizeof(text));
    for (uint32_t bit = 0; bit < 8 * size; bit++) {
        text[bit / 8] ^= (uint8_t)(1u << bit % 8);
        store(ledger, "CURRENT", text, size);
        ledger_assert_refused(ledger, "/CURRENT is damaged");
        text[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    store(ledger, "CURRENT", text, size);
    assert_whole(ledger);
}

static void a_current_cut_short_or_longer_is_found(void **state)
{
    struct ledger *ledger = *state;
    uint8_t text[512] = {0};
    uint32_t size = load(ledger, "CURRENT", text, sizeof(text));
    for (uint32_t i = 0; i < size; i++) {
        store(ledger, "CURRENT", text, i);
        ledger_assert_refused(ledger, "/CURRENT is damaged");
    }
    store(ledger, "CURRENT", text, sizeof(text)); /* zeros behind it */
    ledger_assert_refused(ledger, "/CURRENT is damaged");
}

static void a_lost_current_beside_a_journal_is_refused(void **state)
{
    struct ledger *ledger = *state;
    char path[256];
    path_of(ledger, "CURRENT", path);
    assert_int_equal(unlink(path), 0);
    ledger_assert_refused(ledger, "/CURRENT is missing");
}

/* U3 */
static void what_nobody_promised_is_ignored(void **state)
{
    struct ledger *ledger = *state;
    const uint8_t junk[64] = "junk";
    store(ledger, "LOCK", junk, sizeof(junk));
    store(ledger, "CURRENT.new", junk, sizeof(junk));
    store(ledger, "g1/shard-00/segment-000009", junk, sizeof(junk));
    assert_whole(ledger);
}

static void a_lost_lock_is_made_again(void **state)
{
    struct ledger *ledger = *state;
    char path[256];
    path_of(ledger, "LOCK", path);
    assert_int_equal(unlink(path), 0);
    assert_whole(ledger);
}

/* S2 */
static void every_missing_file_is_named(void **state)
{
    struct ledger *ledger = *state;
    char name[64], path[256], aside[300], words[128];
    for (uint32_t i = 0; i < SHARDS * SEGMENTS; i++) {
        segment_name(i % SHARDS, 1 + i / SHARDS, name);
        path_of(ledger, name, path);
        (void)snprintf(aside, sizeof(aside), "%s.aside", path);
        assert_int_equal(rename(path, aside), 0);
        (void)snprintf(words, sizeof(words), "/%s is missing", name);
        ledger_assert_refused(ledger, words);
        assert_int_equal(rename(aside, path), 0);
    }
    assert_whole(ledger);
}

/* Of its last file too, in which nothing was ever written. */
static void every_file_that_was_cut_short_is_named(void **state)
{
    struct ledger *ledger = *state;
    static uint8_t bytes[LEDGER_SEGMENT_SIZE];
    char name[64], path[256], words[128];
    for (uint32_t i = 0; i < SHARDS * SEGMENTS; i++) {
        segment_name(i % SHARDS, 1 + i / SHARDS, name);
        path_of(ledger, name, path);
        assert_int_equal(load(ledger, name, bytes, sizeof(bytes)), sizeof(bytes));
        for (uint32_t size = 0; size < sizeof(bytes); size += 512 * 7) {
            assert_int_equal(truncate(path, size), 0);
            (void)snprintf(words, sizeof(words), "/%s cannot be read to its end", name);
            ledger_assert_refused(ledger, words);
            store(ledger, name, bytes, sizeof(bytes));
        }
    }
    assert_whole(ledger);
}

static void a_file_that_has_grown_does_not_matter(void **state)
{
    struct ledger *ledger = *state;
    char path[256];
    path_of(ledger, "g1/shard-01/segment-000001", path);
    assert_int_equal(truncate(path, 2 * LEDGER_SEGMENT_SIZE), 0);
    assert_whole(ledger);
}

/* Puts one file in the place of another and says what recovery says. */
static void exchange(struct ledger *ledger, const struct ledger *from, const char *source,
    const char *place, const char *says)
{
    static uint8_t bytes[LEDGER_SEGMENT_SIZE], were[LEDGER_SEGMENT_SIZE];
    char words[160];
    uint32_t size = load(from, source, bytes, sizeof(bytes));
    uint32_t size_was = load(ledger, place, were, sizeof(were));
    store(ledger, place, bytes, size);
    (void)snprintf(words, sizeof(words), "/%s %s", place, says);
    ledger_assert_refused(ledger, words);
    store(ledger, place, were, size_was);
    assert_whole(ledger);
}

/* S1 */
static void a_file_in_the_place_of_another_is_named(void **state)
{
    struct ledger *ledger = *state;
    exchange(ledger, ledger, "g1/shard-00/segment-000001", "g1/shard-00/segment-000002",
        "has another number");
    exchange(ledger, ledger, "g1/shard-00/segment-000002", "g1/shard-01/segment-000002",
        "belongs to another shard");
}

static void a_file_of_another_server_is_named(void **state)
{
    struct ledger *ledger = *state;
    struct ledger *other = ledger_create(SHARDS, SEGMENTS, true);
    assert_int_equal(ledger_start(other), 0);
    ledger_write_batches(other, 0, BATCHES);
    ledger_crash(other);
    exchange(ledger, other, "g1/shard-00/segment-000001", "g1/shard-00/segment-000001",
        "belongs to another data directory");
    exchange(ledger, other, "g1/shard-01/segment-000003", "g1/shard-01/segment-000003",
        "belongs to another data directory");
    /* Its CURRENT is whole, and none of the files is what it promises. */
    uint8_t text[512];
    uint32_t size = load(other, "CURRENT", text, sizeof(text));
    store(ledger, "CURRENT", text, size);
    ledger_assert_refused(ledger, "/segment-000001 belongs to another data directory");
    ledger_destroy(other);
}

/* The blocks of another server's batches behind the end, and in the place of our own. */
static void batches_of_another_server_are_not_taken(void **state)
{
    struct ledger *ledger = *state;
    struct ledger *other = ledger_create(SHARDS, SEGMENTS, true);
    uint8_t block[4096], was[4096];
    assert_int_equal(ledger_start(other), 0);
    for (uint32_t i = 0; i < BATCHES + 3; i++)
        ledger_write_batches(other, 0, 1);
    ledger_crash(other);
    for (uint32_t i = 1; i < LEDGER_SEGMENT_SIZE / 4096; i++) {
        char words[128];
        ledger_get(other, 0, 1, 4096 * i, block, sizeof(block));
        ledger_get(ledger, 0, 1, 4096 * i, was, sizeof(was));
        ledger_patch(ledger, 0, 1, 4096 * i, block, sizeof(block));
        (void)snprintf(words, sizeof(words),
            "/g1/shard-00/segment-000001 at offset %u: batch %u belongs to another", 4096 * i, i);
        ledger_assert_refused(ledger, words);
        ledger_patch(ledger, 0, 1, 4096 * i, was, sizeof(was));
    }
    ledger_destroy(other);
    assert_whole(ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_flipped_bit_of_current_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_current_cut_short_or_longer_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_lost_current_beside_a_journal_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(what_nobody_promised_is_ignored, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lost_lock_is_made_again, setup, teardown),
        cmocka_unit_test_setup_teardown(every_missing_file_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(every_file_that_was_cut_short_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_has_grown_does_not_matter, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_in_the_place_of_another_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_of_another_server_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(batches_of_another_server_are_not_taken, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
