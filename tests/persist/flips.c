/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Damage: a journal of two shards loses, swaps or flips what its disk holds, one place or several
 * at a time. See scene.h for what is right then. A failing run is repeated with SEED=n.
 */
#include "tests/persist/scene.h"

enum {
    KIB = 1024,
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__)
    FLIPS = 10000,
#else
    FLIPS = 1000, /* ./test has an optimized build, too */
#endif
    SMALL_SEGMENTS = 2,
    LARGE_SEGMENTS = 4,
};

/* Both shards trade until the journal has no room for more. */
static struct scene *busy_scene(
    uint64_t seed, uint32_t segments, uint32_t size, uint32_t batch_size, uint32_t bulk)
{
    struct till *till = till_open(seed, segments, size, batch_size, bulk);
    till_open_doors(till);
    while (!till_is_full(till))
        till_step(till);
    till_close_books(till);
    return scene_of(till);
}

static struct scene *small_scene(void)
{
    struct scene *scene = busy_scene(1, SMALL_SEGMENTS, 64 * KIB, 16 * KIB, 1500);
    scene->till->dice = dice_seeded("flips");
    return scene;
}

static struct scene *large_scene(void)
{
    struct dice dice = dice_seeded("flips");
    return busy_scene(dice.state, LARGE_SEGMENTS, 256 * KIB, 64 * KIB, 1500);
}

/* A batch that the shop never hears of is on its way when the power fails: its last sector is
 * noise. The next one is written over it; what it had left is kept. */
static void tear(struct scene *scene, uint32_t shard)
{
    static _Alignas(BATCH_BLOCK_SIZE) uint8_t torn[64 * KIB];
    struct till *till = scene->till;
    struct journal_write write;
    ledger_append(till->ledger, shard, 3000);
    till_commit(till, shard, &write);
    uint32_t segment = till->ledger->journals[shard].chain.segment;
    assert_true(write.size <= sizeof(torn));
    memcpy(torn, write.data, write.size);
    for (uint32_t i = write.size - SECTOR; i < write.size; i++)
        torn[i] = (uint8_t)dice_next(&till->dice);
    ledger_patch(till->ledger, shard, segment, (uint32_t)write.offset, torn, write.size);
    for (uint32_t at = 0; at < write.size && scene->stale_count < STALE_MAX; at += SECTOR) {
        struct stale *stale = &scene->stale[scene->stale_count++];
        *stale =
            (struct stale){scene->torn_batches, shard, segment, (uint32_t)write.offset + at, {0}};
        memcpy(stale->bytes, torn + at, SECTOR);
    }
    scene->torn_batches++;
    ledger_restart(till->ledger);
}

/* One with a torn batch after every second step. */
static struct scene *torn_scene(void)
{
    struct till *till = till_open(2, SMALL_SEGMENTS, 128 * KIB, 8 * KIB, 0);
    struct scene *scene = scene_of(till);
    till_open_doors(till);
    while (!till_is_full(till)) {
        till_step(till);
        tear(scene, dice_below(&till->dice, TILL_SHARDS));
        till_step(till);
    }
    till_close_books(till);
    return scene;
}

/* For each sector of each file. */
static void each_sector(struct scene *scene,
    void (*damage)(struct scene *scene, uint32_t shard, uint32_t segment, uint32_t offset))
{
    for (uint32_t i = 0; i < TILL_SHARDS; i++)
        for (uint32_t j = 1; j <= scene->till->ledger->directory.geometry.segments; j++)
            for (uint32_t at = 0; at < segment_size(scene); at += SECTOR) {
                damage(scene, i, j, at);
                judge(scene);
            }
}

static void flip_one(struct scene *scene, uint32_t shard, uint32_t segment, uint32_t offset)
{
    flip(scene, shard, segment, 8 * (uint64_t)offset + dice_below(&scene->till->dice, 8 * SECTOR));
}

static void make_noise(struct scene *scene, uint32_t shard, uint32_t segment, uint32_t offset)
{
    uint8_t noise[SECTOR];
    for (uint32_t i = 0; i < SECTOR; i++)
        noise[i] = (uint8_t)dice_next(&scene->till->dice);
    replace(scene, shard, segment, offset, noise);
}

/* A write that the disk said it had done, and had not: the zeros of the start are there. */
static void lose(struct scene *scene, uint32_t shard, uint32_t segment, uint32_t offset)
{
    const uint8_t zeros[SECTOR] = {0};
    replace(scene, shard, segment, offset, zeros);
}

/* J6 */
static void a_bit_flipped_in_any_sector_is_found_or_does_not_matter(void **state)
{
    (void)state;
    struct scene *scene = small_scene();
    each_sector(scene, flip_one);
    assert_true(scene->refused > 200);
    assert_true(scene->shortened > 0);
    scene_close(scene);
}

static void any_sector_of_noise_is_found_or_does_not_matter(void **state)
{
    (void)state;
    struct scene *scene = small_scene();
    each_sector(scene, make_noise);
    scene_close(scene);
}

static void any_sector_that_was_never_written_is_found(void **state)
{
    (void)state;
    struct scene *scene = small_scene();
    each_sector(scene, lose);
    scene_close(scene);
}

/* Bits anywhere in the files, one at a time or several. */
static void flip_anywhere(struct scene *scene, uint32_t bits)
{
    struct dice *dice = &scene->till->dice;
    for (uint32_t i = 0; i < bits; i++)
        flip(scene, dice_below(dice, TILL_SHARDS),
            1 + dice_below(dice, scene->till->ledger->directory.geometry.segments),
            dice_next(dice) % (8 * (uint64_t)segment_size(scene)));
    judge(scene);
}

static void two_sectors_swap(struct scene *scene)
{
    struct dice *dice = &scene->till->dice;
    uint32_t shards[2], segments[2], offsets[2];
    uint8_t bytes[2][SECTOR];
    for (uint32_t i = 0; i < 2; i++) {
        shards[i] = dice_below(dice, TILL_SHARDS);
        segments[i] = 1 + dice_below(dice, scene->till->ledger->directory.geometry.segments);
        offsets[i] = dice_below(dice, segment_size(scene) / SECTOR) * SECTOR;
        /* Half of them are where a batch begins. */
        offsets[i] -= dice_below(dice, 2) * (offsets[i] % BATCH_BLOCK_SIZE);
        get_sector(scene, shards[i], segments[i], offsets[i], bytes[i]);
    }
    replace(scene, shards[0], segments[0], offsets[0], bytes[1]);
    replace(scene, shards[1], segments[1], offsets[1], bytes[0]);
    judge(scene);
}

static void several_flips_at_once(void **state)
{
    (void)state;
    struct scene *scene = small_scene();
    for (uint32_t i = 0; i < FLIPS / 4; i++)
        flip_anywhere(scene, 2 + i % 2);
    assert_true(scene->refused > FLIPS / 8);
    scene_close(scene);
}

static void swapped_sectors_are_found(void **state)
{
    (void)state;
    struct scene *scene = small_scene();
    for (uint32_t i = 0; i < FLIPS / 4; i++)
        two_sectors_swap(scene);
    assert_true(scene->refused > FLIPS / 8);
    scene_close(scene);
}

/* A write that was lost over what a torn batch had left there: one sector of it, or all. */
static void what_a_torn_batch_had_left_is_not_taken(void **state)
{
    (void)state;
    struct scene *scene = torn_scene();
    assert_true(scene->stale_count > 100);
    for (uint32_t i = 0; i < scene->stale_count; i++) {
        put_stale(scene, i);
        judge(scene);
    }
    for (uint32_t i = 0; i < scene->torn_batches; i++) {
        for (uint32_t j = 0; j < scene->stale_count; j++)
            if (scene->stale[j].torn_batch == i)
                put_stale(scene, j);
        judge(scene);
    }
    assert_true(scene->refused > 100);
    scene_close(scene);
}

static void ten_thousand_flips_in_a_large_journal(void **state)
{
    (void)state;
    struct scene *scene = large_scene();
    for (uint32_t i = 0; i < FLIPS; i++)
        flip_anywhere(scene, 1);
    assert_true(scene->refused > FLIPS / 3);
    scene_close(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bit_flipped_in_any_sector_is_found_or_does_not_matter),
        cmocka_unit_test(any_sector_of_noise_is_found_or_does_not_matter),
        cmocka_unit_test(any_sector_that_was_never_written_is_found),
        cmocka_unit_test(several_flips_at_once),
        cmocka_unit_test(swapped_sectors_are_found),
        cmocka_unit_test(what_a_torn_batch_had_left_is_not_taken),
        cmocka_unit_test(ten_thousand_flips_in_a_large_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
