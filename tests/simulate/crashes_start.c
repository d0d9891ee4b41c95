/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts that are cut short or meet a failing disk at each of their operations, and disks that have
 * lied or changed a bit: what was promised comes back, or the start is refused.
 *
 * What a lying or damaged disk may take away in silence is only what nothing else tells of: the
 * last batch of a shard, if no later one was begun and no other shard names it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "tests/simulate/crashes.h"

enum { SHARDS = 2, SEGMENTS = 5, EVENTS = 60, LIES = 24, FLIPS = 64, CUTS_OF_A_START_MAX = 6 };

struct bench {
    struct crashes *crashes;
    struct disk_sim *disk, *twin_disk;
    struct journals *now, *twin;
    struct dice dice;
};

const char *crashes_fault_name(enum crashes_fault fault)
{
    static const char *const names[CRASHES_FAULTS] = {
        [FAULT_CUT] = "cuts",
        [FAULT_KILL] = "kills",
        [FAULT_SHORT] = "short writes",
        [FAULT_FAILED] = "failed writes",
        [FAULT_FULL] = "full disks",
        [FAULT_LIE] = "lies",
        [FAULT_FLIP] = "flips",
        [FAULT_READ] = "failed operations of a start",
        [FAULT_START] = "cuts in a start",
    };
    return names[fault];
}

uint64_t crashes_faults(const struct crashes *crashes)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < CRASHES_FAULTS; i++)
        sum += crashes->faults[i];
    return sum;
}

void crashes_add(struct crashes *sum, const struct crashes *more)
{
    sum->moments += more->moments;
    sum->crashes += more->crashes;
    sum->recoveries += more->recoveries;
    for (uint32_t i = 0; i < CRASHES_FAULTS; i++)
        sum->faults[i] += more->faults[i];
}

static int recover_it(struct bench *bench, struct journals *journals)
{
    bench->crashes->recoveries++;
    return journals_recover(journals);
}

static void must_recover(struct bench *bench, struct journals *journals)
{
    if (recover_it(bench, journals) != 0)
        journals_fail(journals, "a start is refused that should not be");
    journals_check(journals);
}

/* A shard that writes what it has, and waits for it. */
static void write_batch(struct journals *journals, uint32_t shard, enum landing landing)
{
    (void)journals_append(journals, shard);
    journals_pass(journals, 1);
    if (journals_commit(journals, shard))
        CHECK(journals_land(journals, shard, landing));
}

static void write_events(struct bench *bench, uint32_t events)
{
    for (uint32_t i = 0; i < events; i++)
        write_batch(bench->now, dice_below(&bench->dice, SHARDS), LANDS_WHOLE);
}

static void copy_to_twin(struct bench *bench)
{
    journals_down(bench->twin);
    disk_sim_copy(bench->twin_disk, bench->disk);
    journals_twin(bench->twin, bench->now, bench->twin_disk);
}

/* A start of the twin whose every operation in turn is the one at which the power goes (in several
 * ways) or which fails, until a start has fewer operations. */
static void start_in_every_way(struct bench *bench, enum crashes_fault fault)
{
    struct journals *twin = bench->twin;
    uint32_t ways = fault == FAULT_START ? bench->crashes->subsets : 1;
    if (ways > CUTS_OF_A_START_MAX)
        ways = CUTS_OF_A_START_MAX;
    for (uint64_t operation = 1, more = true; more; operation++) {
        for (uint32_t way = 0; way < ways; way++) {
            uint64_t grown = twin->options.journal_bytes;
            copy_to_twin(bench);
            twin->options.journal_bytes = grown;
            uint64_t *at = fault == FAULT_START ? &twin->disk->power_off_at : &twin->disk->fails_at;
            *at = twin->disk->operations + operation;
            twin->disk->failure = -EIO;
            int result = recover_it(bench, twin);
            more = twin->disk->operations >= *at;
            if (result == 0)
                journals_check(twin);
            journals_down(twin);
            if (fault == FAULT_START)
                disk_sim_cut(twin->disk, disk_sim_any, twin->disk);
            else
                disk_sim_kill(twin->disk);
            must_recover(bench, twin);
            journals_down(twin);
            bench->crashes->faults[fault]++;
        }
    }
}

/* A batch that the disk only said to have: sooner or later the power is cut. */
static void lie_once(struct bench *bench)
{
    struct journals *twin = bench->twin;
    uint32_t shard = dice_below(&bench->dice, SHARDS);
    uint32_t later = dice_below(&bench->dice, 5);
    bool vouched = false;
    copy_to_twin(bench);
    must_recover(bench, twin);
    journals_go_on(twin);
    write_batch(twin, 0, LANDS_WHOLE);
    write_batch(twin, 1, LANDS_WHOLE);
    uint64_t before = twin->promises[shard].durable;
    write_batch(twin, shard, LANDS_LIED);
    for (uint32_t i = 0; i < later; i++) {
        uint64_t batches = twin->journal[0].chain.number + twin->journal[1].chain.number;
        write_batch(twin, dice_below(&bench->dice, SHARDS), LANDS_WHOLE);
        vouched |= twin->journal[0].chain.number + twin->journal[1].chain.number > batches;
    }
    journals_down(twin);
    disk_sim_cut(twin->disk, disk_sim_any, twin->disk);
    twin->damaged = true;
    int result = recover_it(bench, twin);
    const struct promises *promises = &twin->promises[shard];
    if (result == 0 && promises->replayed < promises->durable && vouched)
        journals_fail(twin, "a lost write was not noticed, although others tell of it");
    if (result == 0 && promises->replayed < before)
        journals_fail(twin, "more is missing than the lost write");
    if (result != 0 && result != -EBADMSG)
        journals_fail(twin, "a lost write was refused for another reason");
    twin->damaged = false;
    bench->crashes->faults[FAULT_LIE]++;
}

/* One bit of what is durable, in any file. */
static void flip_once(struct bench *bench)
{
    struct journals *twin = bench->twin;
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    uint32_t size = 0;
    uint32_t shard = dice_below(&bench->dice, SHARDS);
    const struct chain *chain = &bench->now->recovery.shards[shard].chain;
    uint32_t segment = 1 + dice_below(&bench->dice, chain->segment);
    copy_to_twin(bench);
    datadir_segment_path(&bench->now->directory, shard, segment, path);
    uint8_t *bytes = disk_sim_bytes(twin->disk, path, &size);
    CHECK(bytes != NULL);
    uint32_t end = segment == chain->segment ? chain->offset : size;
    uint32_t offset = dice_below(&bench->dice, end);
    bytes[offset] ^= (uint8_t)(1U << dice_below(&bench->dice, 8));
    twin->damaged = true;
    int result = recover_it(bench, twin);
    if (result != 0 && result != -EBADMSG)
        journals_fail(twin, "a flipped bit was refused for another reason");
    for (uint32_t i = 0; result == 0 && i < SHARDS; i++) {
        uint64_t found = twin->recovery.shards[i].chain.number;
        uint64_t written = bench->now->recovery.shards[i].chain.number;
        if (found != written && (i != shard || found + 1 != written))
            journals_fail(twin, "a flipped bit hid what is before the last batch");
    }
    twin->damaged = false;
    bench->crashes->faults[FAULT_FLIP]++;
}

static void restart(struct bench *bench)
{
    journals_down(bench->now);
    disk_sim_cut(bench->disk, disk_sim_any, bench->disk);
    must_recover(bench, bench->now);
}

void crashes_of_starts(struct crashes *crashes, uint64_t seed)
{
    struct disk_sim *disk = disk_sim_create(seed), *twin_disk = disk_sim_create(~seed);
    struct bench bench = {.crashes = crashes,
        .disk = disk,
        .twin_disk = twin_disk,
        .now = journals_create(disk, SHARDS, SEGMENTS),
        .twin = journals_create(twin_disk, SHARDS, SEGMENTS),
        .dice = dice_of(seed ^ 0x57a27)};
    disk->refuses_direct = seed % 4 == 1;
    start_in_every_way(&bench, FAULT_START);
    start_in_every_way(&bench, FAULT_READ);
    must_recover(&bench, bench.now);
    journals_go_on(bench.now);
    write_events(&bench, EVENTS);
    restart(&bench);
    start_in_every_way(&bench, FAULT_START);
    start_in_every_way(&bench, FAULT_READ);
    for (uint32_t i = 0; i < LIES; i++)
        lie_once(&bench);
    for (uint32_t i = 0; i < FLIPS; i++)
        flip_once(&bench);
    bench.twin->options.journal_bytes += SHARDS * JOURNALS_SEGMENT_SIZE;
    start_in_every_way(&bench, FAULT_START);
    crashes->trace ^= bench.now->trace * 31 + bench.twin->trace;
    journals_destroy(bench.twin);
    journals_destroy(bench.now);
    disk_sim_destroy(twin_disk);
    disk_sim_destroy(disk);
}
