/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Damage in journals whose past is overwritten: recovery begins at a walk that a header names, old
 * laps lie behind the end, a header may name an older walk. After a flip anywhere recovery refuses
 * with a sentence that names a file, or the state is the right one; only what nothing vouches for,
 * the last batch of a shard, may be missing. A failing run is repeated with SEED=n.
 */
#include "tests/persist/till_rounds.h"

#include "core/shelf.h"

enum {
    KIB = 1024,
    SECTOR = 512,
    SEGMENTS = 4,
    SEGMENT = 64 * KIB,
    LAPS = 3,
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__)
    STRIDE = 1,
#else
    STRIDE = 8, /* ./test has an optimized build, too */
#endif
};

struct lapped {
    struct till *till;
    struct arena arena;
    struct engine *engines[TILL_SHARDS];
    struct shelf *shelf;
    uint64_t whole[TILL_SHARDS], without_last[TILL_SHARDS]; /* digests of engines */
    uint64_t refused, right, shortened, flips;
};

static bool has_lapped(const struct till *till)
{
    bool lapped = true;
    for (uint32_t i = 0; i < TILL_SHARDS; i++)
        lapped = lapped && till->ledger->journals[i].chain.segment > LAPS * SEGMENTS;
    return lapped;
}

/* One batch of this shard alone, and what the engine was before it. */
static void last_batch(struct lapped *lapped, uint32_t shard)
{
    struct till *till = lapped->till;
    char who[16];
    uint32_t number = 0;
    do
        (void)snprintf(who, sizeof(who), "last%u", number++);
    while (partition_of_customer(bytes_of_string(who)) % TILL_SHARDS != shard);
    lapped->without_last[shard] = engine_digest(till->shop.engines[shard]);
    uint64_t before = till->ledger->journals[shard].chain.number;
    assert_int_equal(shop_cart(&till->shop, who, "S1", 1), OUTCOME_OK);
    till_flush(till, shard);
    assert_int_equal(till->ledger->journals[shard].chain.number, before + 1);
    lapped->whole[shard] = engine_digest(till->shop.engines[shard]);
}

static struct lapped *lapped_open(void)
{
    struct dice dice = dice_seeded("flips_lapped");
    struct lapped *lapped = calloc(1, sizeof(*lapped));
    assert_non_null(lapped);
    struct till *till = till_open(dice.state, SEGMENTS, SEGMENT, 16 * KIB, 0);
    lapped->till = till;
    till_open_doors(till);
    for (uint32_t turn = 0; !has_lapped(till); turn++)
        till_trade(till, turn);
    for (uint32_t i = 0; i < TILL_SHARDS; i++)
        last_batch(lapped, i);
    ledger_crash(till->ledger);
    return lapped;
}

static void lapped_close(struct lapped *lapped)
{
    printf("  %llu flips: %llu refused, %llu right, %llu without an unvouched last batch\n",
        (unsigned long long)lapped->flips, (unsigned long long)lapped->refused,
        (unsigned long long)lapped->right, (unsigned long long)lapped->shortened);
    till_destroy(lapped->till);
    free(lapped);
}

static void replay(void *context, uint32_t shard, const struct event *event)
{
    struct lapped *lapped = context;
    engine_replay(lapped->engines[shard], event);
}

static void prove(void *context)
{
    struct lapped *lapped = context;
    shelf_derive(lapped->shelf, lapped->engines, TILL_SHARDS);
    for (uint32_t i = 0; i < TILL_SHARDS; i++)
        engine_check(lapped->engines[i]);
}

static void judge(struct lapped *lapped)
{
    static struct recovery recovery;
    struct ledger *ledger = lapped->till->ledger;
    struct datadir directory;
    const struct recover_options options = {
        .directory = &directory, .replay = replay, .prove = prove, .context = lapped};
    lapped->shelf = till_build(&lapped->arena, lapped->engines);
    int result = datadir_open(&directory, &ledger->options, ledger->error, sizeof(ledger->error));
    if (result == 0) {
        result = recover(&recovery, &options, ledger->error, sizeof(ledger->error));
        datadir_close(&directory);
    }
    bool shortened = false;
    for (uint32_t i = 0; i < TILL_SHARDS && result == 0; i++) {
        uint64_t digest = engine_digest(lapped->engines[i]);
        shortened = shortened || digest != lapped->whole[i];
        assert_true(digest == lapped->whole[i] || digest == lapped->without_last[i]);
    }
    if (result != 0)
        assert_non_null(strstr(ledger->error, "/shard-0"));
    lapped->refused += result != 0;
    lapped->shortened += shortened;
    lapped->right += result == 0 && !shortened;
    lapped->flips++;
    memory_close(&lapped->arena);
}

static void flip(struct lapped *lapped, uint32_t shard, uint32_t slot, uint32_t bit)
{
    uint8_t byte, flipped;
    ledger_get(lapped->till->ledger, shard, slot, bit / 8, &byte, 1);
    flipped = byte ^ (uint8_t)(1u << bit % 8);
    ledger_patch(lapped->till->ledger, shard, slot, bit / 8, &flipped, 1);
    judge(lapped);
    ledger_patch(lapped->till->ledger, shard, slot, bit / 8, &byte, 1);
}

/* J6 */
static void a_flip_in_any_sector_is_found_or_does_not_matter(void **state)
{
    (void)state;
    struct lapped *lapped = lapped_open();
    struct dice dice = dice_seeded("flips_lapped");
    judge(lapped);
    assert_int_equal(lapped->right, 1);
    for (uint32_t shard = 0; shard < TILL_SHARDS; shard++)
        for (uint32_t slot = 1; slot <= SEGMENTS; slot++)
            for (uint32_t at = 0; at < SEGMENT; at += STRIDE * SECTOR)
                flip(lapped, shard, slot, 8 * at + dice_below(&dice, 8 * SECTOR));
    /* What is needed is found; what lies before the walk, or behind the end, does not matter. */
    assert_true(lapped->refused > 100 / STRIDE);
    assert_true(lapped->right > 100 / STRIDE);
    assert_true(lapped->shortened < lapped->flips / 8);
    lapped_close(lapped);
}

/* S3: whatever one header says, the other ones lead to a walk that is there. */
static void any_header_may_be_lost(void **state)
{
    (void)state;
    static const uint8_t zeros[SEGMENT_HEADER_SIZE];
    struct lapped *lapped = lapped_open();
    for (uint32_t shard = 0; shard < TILL_SHARDS; shard++)
        for (uint32_t slot = 1; slot <= SEGMENTS; slot++) {
            uint8_t header[SEGMENT_HEADER_SIZE];
            ledger_get(lapped->till->ledger, shard, slot, 0, header, sizeof(header));
            ledger_patch(lapped->till->ledger, shard, slot, 0, zeros, sizeof(zeros));
            judge(lapped);
            ledger_patch(lapped->till->ledger, shard, slot, 0, header, sizeof(header));
        }
    assert_true(lapped->refused > 0);
    assert_int_equal(lapped->shortened, 0);
    lapped_close(lapped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flip_in_any_sector_is_found_or_does_not_matter),
        cmocka_unit_test(any_header_may_be_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
