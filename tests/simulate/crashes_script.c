/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One script: shards append, commit and land in an order of the dice. The script itself never sees
 * the crashes of its moments: each happens to a copy of its disk. What happens to the script itself
 * (a cut, a kill, a write that fails) ends its process, and it goes on after a recovery.
 */
#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "tests/simulate/crashes.h"

enum { EVENTS = 200, SEGMENTS = 6, FATE_EVERY = 8 };

/* A script with walks goes round its few small segments again and again. */
enum { RING_SEGMENTS = 3, RING_SEGMENT_SIZE = 40 << 10, WALK_EVERY = 4 };

struct script {
    struct crashes *crashes;
    struct journals *now;  /* the script's own */
    struct journals *twin; /* of one crash */
    struct dice dice;
    bool walks;
    uint64_t landed;
};

/* Which sectors of those in flight are written, and what is left of the others. */
struct choice {
    uint64_t written;
    enum left rest;
};

static enum left choose(void *context, uint32_t sector)
{
    const struct choice *choice = context;
    return (choice->written >> (sector % 64) & 1) != 0 ? LEFT_NEW : choice->rest;
}

static void recover_again(struct script *script, struct journals *journals)
{
    int result = journals_recover(journals);
    script->crashes->recoveries++;
    if (result != 0)
        journals_fail(journals, "a crash was taken for damage");
    journals_check(journals);
}

/* Recovered, the twin goes on: some events, some of them durable, and the power is cut again. */
static void go_on_and_cut(struct script *script)
{
    struct journals *twin = script->twin;
    journals_go_on(twin);
    for (uint32_t i = 0; i < 3 * twin->shards; i++) {
        uint32_t shard = dice_below(&script->dice, twin->shards);
        (void)journals_append(twin, shard);
        if (script->walks && dice_below(&script->dice, WALK_EVERY) == 0)
            (void)journals_walk(twin, shard);
        if (twin->promises[shard].flight == DISK_NO_FLIGHT)
            (void)journals_commit(twin, shard);
        else if (dice_below(&script->dice, 2) == 0)
            (void)journals_land(twin, shard, LANDS_WHOLE);
    }
    journals_down(twin);
    disk_sim_cut(twin->disk, disk_sim_any, twin->disk);
    recover_again(script, twin);
    journals_down(twin);
}

static void crash_as(struct script *script, const struct choice *choice)
{
    struct journals *twin = script->twin;
    script->crashes->crashes++;
    disk_sim_copy(twin->disk, script->now->disk);
    journals_twin(twin, script->now, twin->disk);
    disk_sim_cut(twin->disk, choose, (void *)(uintptr_t)choice);
    recover_again(script, twin);
    struct chain chains[JOURNALS_SHARDS_MAX];
    for (uint32_t i = 0; i < twin->shards; i++)
        chains[i] = twin->recovery.shards[i].chain;
    journals_down(twin);
    recover_again(script, twin);
    for (uint32_t i = 0; i < twin->shards; i++)
        if (memcmp(&chains[i], &twin->recovery.shards[i].chain, sizeof(chains[i])) != 0)
            journals_fail(twin, "a recovery of a recovery ends elsewhere");
    go_on_and_cut(script);
    disk_sim_use(script->now->disk);
}

/* The sets of sectors that a cut may have written: all of them when they are few, otherwise those
 * that a disk is likely to leave (so many from the front, all but one, only one) and others. */
static uint64_t set_of(struct script *script, uint32_t number, uint32_t sectors)
{
    uint64_t all = sectors >= 64 ? UINT64_MAX : (UINT64_C(1) << sectors) - 1;
    if (sectors <= 16 && (UINT64_C(1) << sectors) <= script->crashes->subsets)
        return number & all;
    switch (number % 4) {
    case 0:
        return all >> (dice_below(&script->dice, sectors + 1) % 64);
    case 1:
        return all & ~(UINT64_C(1) << dice_below(&script->dice, sectors) % 64);
    case 2:
        return UINT64_C(1) << dice_below(&script->dice, sectors) % 64;
    default: /* not an enum of ours */
        return dice_next(&script->dice) & all;
    }
}

static void crash_at_this_moment(struct script *script)
{
    uint32_t sectors = disk_sim_undecided(script->now->disk);
    uint32_t sets = script->crashes->subsets;
    script->crashes->moments++;
    if (sectors == 0) {
        crash_as(script, &(struct choice){.rest = LEFT_OLD});
        return;
    }
    if (sectors < 16 && (UINT64_C(1) << sectors) < sets)
        sets = 1U << sectors;
    crash_as(script, &(struct choice){.written = UINT64_MAX});
    for (uint32_t i = 0; i < sets; i++)
        for (uint32_t rest = 0; rest < 3; rest++) {
            static const enum left rests[] = {LEFT_OLD, LEFT_ZEROS, LEFT_NOISE};
            struct choice choice = {set_of(script, i, sectors), rests[rest]};
            crash_as(script, &choice);
        }
}

/* The script's own process has ended; it starts again on what is there. */
static void start_again(struct script *script)
{
    recover_again(script, script->now);
    journals_go_on(script->now);
}

static void note_fault(struct script *script, enum crashes_fault fault)
{
    script->crashes->faults[fault]++;
}

static bool end_by_write(struct script *script, uint32_t shard, enum crashes_fault fault)
{
    static const enum landing landings[CRASHES_FAULTS] = {
        [FAULT_SHORT] = LANDS_SHORT, [FAULT_FAILED] = LANDS_FAILED, [FAULT_FULL] = LANDS_FULL};
    for (uint32_t i = 0; script->now->promises[shard].flight == DISK_NO_FLIGHT; i++) {
        if (i == script->now->shards)
            return false;
        shard = (shard + 1) % script->now->shards;
    }
    CHECK(!journals_land(script->now, shard, landings[fault]));
    if (dice_below(&script->dice, 2) == 0)
        disk_sim_cut(script->now->disk, disk_sim_any, script->now->disk);
    else
        disk_sim_kill(script->now->disk);
    return true;
}

/* Something happens to the script itself. */
static void meet_fate(struct script *script)
{
    struct journals *now = script->now;
    enum crashes_fault fault = (enum crashes_fault)dice_below(&script->dice, FAULT_LIE);
    uint32_t shard = dice_below(&script->dice, now->shards);
    switch (fault) {
    case FAULT_CUT:
        journals_down(now);
        disk_sim_cut(now->disk, disk_sim_any, now->disk);
        break;
    case FAULT_KILL:
        journals_down(now);
        disk_sim_kill(now->disk);
        break;
    case FAULT_SHORT:
    case FAULT_FAILED:
    case FAULT_FULL:
        if (!end_by_write(script, shard, fault))
            return;
        break;
    case FAULT_LIE:
    case FAULT_FLIP:
    case FAULT_READ:
    case FAULT_START:
    case CRASHES_FAULTS:
        return;
    }
    note_fault(script, fault);
    start_again(script);
}

static void step(struct script *script)
{
    struct journals *now = script->now;
    uint32_t shard = dice_below(&script->dice, now->shards);
    switch (dice_below(&script->dice, 8)) {
    case 0:
    case 1:
        (void)journals_append(now, shard);
        if (script->walks && dice_below(&script->dice, WALK_EVERY) == 0)
            (void)journals_walk(now, shard);
        return;
    case 2:
    case 3:
        if (journals_commit(now, shard))
            crash_at_this_moment(script);
        return;
    case 4:
    case 5:
    case 6:
        if (now->promises[shard].flight == DISK_NO_FLIGHT)
            return;
        (void)journals_land(now, shard, LANDS_WHOLE);
        script->landed++;
        crash_at_this_moment(script);
        if (dice_below(&script->dice, FATE_EVERY) == 0)
            meet_fate(script);
        return;
    default: /* not an enum of ours */
        journals_pass(now, dice_below(&script->dice, 120));
        return;
    }
}

/* A clean stop, and what a start then knows of it. */
static void stop(struct script *script)
{
    struct journals *now = script->now;
    for (uint32_t i = 0; i < now->shards; i++)
        while (!journal_idle(&now->journal[i]))
            if (!journals_commit(now, i))
                (void)journals_land(now, i, LANDS_WHOLE);
    if (!journals_close_marks(now))
        return;
    for (uint32_t i = 0; i < now->shards; i++) {
        while (!journal_idle(&now->journal[i])) { /* a header may have to come first */
            CHECK(journals_commit(now, i));
            crash_at_this_moment(script);
            (void)journals_land(now, i, LANDS_WHOLE);
        }
    }
    journals_down(now);
    disk_sim_cut(now->disk, disk_sim_any, now->disk);
    recover_again(script, now);
    if (!now->recovery.clean)
        journals_fail(now, "a clean stop is not known");
    journals_down(now);
}

static bool is_over(const struct journals *journals)
{
    uint64_t appended = 0;
    bool exhausted = false;
    for (uint32_t i = 0; i < journals->shards; i++) {
        appended += journals->promises[i].appended;
        exhausted = exhausted || journal_exhausted(&journals->journal[i]);
    }
    return appended >= EVENTS || exhausted;
}

static void make_ring(struct journals *journals)
{
    journals->options.segment_size = RING_SEGMENT_SIZE;
    journals->options.journal_bytes =
        (uint64_t)RING_SEGMENTS * RING_SEGMENT_SIZE * journals->shards;
}

void crashes_of_script(struct crashes *crashes, uint64_t seed)
{
    struct disk_sim *disk = disk_sim_create(seed), *twin_disk = disk_sim_create(~seed);
    struct script script = {.crashes = crashes,
        .now = journals_create(disk, 2, SEGMENTS),
        .twin = journals_create(twin_disk, 2, SEGMENTS),
        .dice = dice_of(seed ^ 0x5c417)};
    disk->refuses_direct = seed % 4 == 3;
    script.walks = seed % 2 == 1;
    if (script.walks)
        make_ring(script.now);
    start_again(&script);
    while (!is_over(script.now))
        step(&script);
    stop(&script);
    crashes->trace = script.now->trace * 31 + script.twin->trace;
    journals_destroy(script.twin);
    journals_destroy(script.now);
    disk_sim_destroy(twin_disk);
    disk_sim_destroy(disk);
}
