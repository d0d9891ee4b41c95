/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Salvage on a disk that loses power at each of its operations, in several ways: whatever is left,
 * a start ends where the cut was to be or is refused, and a second salvage makes it so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "persist/salvage.h"
#include "tests/simulate/fatal_sim.h"
#include "tests/simulate/journals.h"

enum { SHARDS = 2, SEGMENTS = 5, WAYS = 2 };

struct fixture {
    struct disk_sim *disk, *twin_disk;
    struct journals *now, *twin;
    struct salvage salvage;
    uint64_t kept[SHARDS]; /* batches that the salvage is to leave */
    uint64_t cuts, started;
    char error[1024];
};

static void restart(void *context)
{
    (void)context;
}

static void replay(void *context, uint32_t shard, const struct event *event)
{
    (void)context, (void)shard, (void)event;
}

static void write_event(struct journals *journals, uint32_t shard)
{
    assert_true(journals_append(journals, shard));
    journals_pass(journals, 1);
    while (journals_commit(journals, shard))
        assert_true(journals_land(journals, shard, LANDS_WHOLE));
}

/* Both shards write, and restate now and then, so that their files can be used again. */
static void trade(struct journals *journals, uint32_t events, bool walks)
{
    assert_int_equal(journals_recover(journals), 0);
    journals_go_on(journals);
    for (uint32_t i = 0; i < events; i++) {
        uint32_t shard = i % 3 == 0;
        if (walks && (i % 20 == 1 || i % 20 == 4))
            for (uint32_t j = 0; j < SHARDS; j++)
                (void)journals_walk(journals, j);
        write_event(journals, shard);
    }
    journals_down(journals);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->disk = disk_sim_create(11);
    fixture->twin_disk = disk_sim_create(12);
    fixture->now = journals_create(fixture->disk, SHARDS, SEGMENTS);
    fixture->twin = journals_create(fixture->twin_disk, SHARDS, SEGMENTS);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    journals_destroy(fixture->now);
    journals_destroy(fixture->twin);
    disk_sim_destroy(fixture->disk);
    disk_sim_destroy(fixture->twin_disk);
    free(fixture);
    return 0;
}

static int salvage_open(struct fixture *fixture, const struct datadir *directory)
{
    const struct salvage_options options = {
        .directory = directory, .restart = restart, .replay = replay, .now_wall_ms = 1800000000000};
    int result = salvage_plan(&fixture->salvage, &options, fixture->error, sizeof(fixture->error));
    if (result != 1)
        return result;
    result = salvage_carry_out(&fixture->salvage, fixture->error, sizeof(fixture->error));
    return result == 0 ? 1 : result;
}

/* As the verb does it: 1 cut, 0 nothing to cut, or -errno. */
static int salvage(struct fixture *fixture, struct journals *journals)
{
    struct datadir directory;
    disk_sim_use(journals->disk);
    int result =
        datadir_open(&directory, &journals->options, fixture->error, sizeof(fixture->error));
    if (result != 0)
        return result;
    if (setjmp(fatal_sim_land) != 0)
        return -EIO;
    fatal_sim_armed = true;
    result = salvage_open(fixture, &directory);
    fatal_sim_armed = false;
    datadir_close(&directory);
    return result;
}

static void copy_to_twin(struct fixture *fixture)
{
    journals_down(fixture->twin);
    disk_sim_copy(fixture->twin_disk, fixture->disk);
    journals_twin(fixture->twin, fixture->now, fixture->twin_disk);
    fixture->twin->damaged = true;
    fixture->twin_disk->power_off_at = 0;
}

/* A bit in a block of the segment that a shard has written last, or in one before; block 0: some
 * before the end. */
static void damage(struct fixture *fixture, uint32_t shard, uint32_t segments_back, uint32_t block)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    uint32_t size;
    struct journals *journals = fixture->now;
    assert_int_equal(journals_recover(journals), 0);
    const struct chain chain = journals->recovery.shards[shard].chain;
    const struct datadir directory = journals->directory;
    journals_down(journals);
    assert_true(chain.segment > segments_back);
    if (block == 0)
        block = chain.offset / BATCH_BLOCK_SIZE - 3;
    for (uint32_t slot = 1; slot <= SEGMENTS; slot++) {
        struct segment_header header;
        const struct journal_origin origin = datadir_origin(&directory, shard);
        datadir_segment_path(&directory, shard, slot, path);
        uint8_t *bytes = disk_sim_bytes(journals->disk, path, &size);
        assert_int_equal(segment_check(bytes, &origin, slot, &header), SEGMENT_VALID);
        if (header.number == chain.segment - segments_back)
            bytes[block * BATCH_BLOCK_SIZE + 200] ^= 4;
    }
}

/* A start ends where the cut was to be, or is refused; never elsewhere. */
static void start_between(struct fixture *fixture, bool is_done)
{
    struct journals *twin = fixture->twin;
    int result = journals_recover(twin);
    if (result != 0 && !is_done) {
        assert_int_equal(result, -EBADMSG);
        return;
    }
    assert_int_equal(result, 0);
    fixture->started++;
    for (uint32_t i = 0; i < SHARDS; i++)
        assert_int_equal(twin->promises[i].replayed, fixture->kept[i]);
    journals_down(twin);
}

static void finish(struct fixture *fixture)
{
    struct journals *twin = fixture->twin;
    if (salvage(fixture, twin) < 0)
        fail_msg("a second salvage: %s", fixture->error);
    if (journals_recover(twin) != 0)
        fail_msg("a start after a second salvage: %s", twin->error);
    for (uint32_t i = 0; i < SHARDS; i++)
        assert_int_equal(twin->promises[i].replayed, fixture->kept[i]);
    journals_go_on(twin);
    for (uint32_t i = 0; i < 4; i++)
        write_event(twin, i % SHARDS);
    journals_down(twin);
    twin->damaged = false;
    assert_int_equal(journals_recover(twin), 0);
    journals_check(twin);
    journals_down(twin);
    assert_int_equal(salvage(fixture, twin), 0);
}

/* What a salvage that nothing disturbs leaves. */
static void learn(struct fixture *fixture)
{
    copy_to_twin(fixture);
    assert_int_equal(journals_recover(fixture->twin), -EBADMSG);
    assert_int_equal(salvage(fixture, fixture->twin), 1);
    assert_int_equal(journals_recover(fixture->twin), 0);
    for (uint32_t i = 0; i < SHARDS; i++)
        fixture->kept[i] = fixture->twin->promises[i].replayed;
    journals_down(fixture->twin);
}

static void cut_power_at_each_operation(struct fixture *fixture)
{
    learn(fixture);
    for (uint64_t operation = 1, more = true; more; operation++) {
        for (uint32_t way = 0; way < WAYS; way++) {
            copy_to_twin(fixture);
            fixture->twin_disk->power_off_at = fixture->twin_disk->operations + operation;
            int result = salvage(fixture, fixture->twin);
            more = fixture->twin_disk->operations >= fixture->twin_disk->power_off_at;
            assert_true(result < 0 || !more || result == 1);
            disk_sim_cut(fixture->twin_disk, disk_sim_any, fixture->twin_disk);
            fixture->twin_disk->power_off_at = 0;
            start_between(fixture, result == 1);
            finish(fixture);
            fixture->cuts++;
        }
    }
}

static void salvaged(struct fixture *fixture)
{
    cut_power_at_each_operation(fixture);
    printf("  %llu cuts of power, after %llu of them the server starts\n",
        (unsigned long long)fixture->cuts, (unsigned long long)fixture->started);
    assert_true(fixture->cuts > 100);
}

/* J6 */
static void power_may_fail_at_any_moment_of_a_salvage(void **state)
{
    struct fixture *fixture = *state;
    trade(fixture->now, 60, false);
    damage(fixture, 0, 2, 3);
    salvaged(fixture);
    assert_false(fixture->salvage.shards[1].cut);
}

static void power_may_fail_in_a_journal_that_has_lapped(void **state)
{
    struct fixture *fixture = *state;
    trade(fixture->now, 300, true);
    damage(fixture, 1, 0, 0);
    assert_true(fixture->now->recovery.shards[1].chain.segment > SEGMENTS);
    salvaged(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(power_may_fail_at_any_moment_of_a_salvage, setup, teardown),
        cmocka_unit_test_setup_teardown(
            power_may_fail_in_a_journal_that_has_lapped, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
