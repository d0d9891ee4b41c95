/* SPDX-License-Identifier: Apache-2.0 */
/*
 * salvaging - a journal of two shards that a shop wrote (till.h), damaged, salvaged, and started as
 * a server starts.
 *
 * Ownership  setup() and teardown().
 * Threads    One.
 * Units      Batches.
 * Errors     cmocka's assertions.
 * Cost       Some ms for each salvage.
 */
#ifndef HOTSHELF_TESTS_PERSIST_SALVAGING_H
#define HOTSHELF_TESTS_PERSIST_SALVAGING_H

#include "persist/salvage.h"
#include "tests/persist/till.h"

enum { SEGMENTS = 6, SEGMENT_SIZE = 64 << 10, BATCH_SIZE = 16 << 10 };

/* Engines that read the journal, as a server has them. */
struct house {
    struct till *till;
    struct arena arena;
    struct shelf *shelf;
    struct engine *engines[TILL_SHARDS];
    bool built;
};

static inline void restart(void *context)
{
    struct house *house = context;
    if (house->built)
        memory_close(&house->arena);
    house->shelf = till_build(&house->arena, house->engines);
    house->built = true;
}

static inline void replay(void *context, uint32_t shard, const struct event *event)
{
    struct house *house = context;
    engine_replay(house->engines[shard], event);
}

static inline void prove(void *context)
{
    struct house *house = context;
    salvage_prove(house->shelf, house->engines, TILL_SHARDS);
}

/* All files of the journal. */
struct files {
    uint8_t bytes[TILL_SHARDS][SEGMENTS][SEGMENT_SIZE];
};

struct fixture {
    struct till *till;
    struct house house;
    struct salvage salvage;
    struct files was, before;
    uint32_t cut_alone, cut_together, whole, refused;
    char error[1024];
};

static inline void get_files(const struct fixture *fixture, struct files *files)
{
    for (uint32_t i = 0; i < TILL_SHARDS; i++)
        for (uint32_t j = 0; j < SEGMENTS; j++)
            ledger_get(fixture->till->ledger, i, j + 1, 0, files->bytes[i][j], SEGMENT_SIZE);
}

static inline void put_files(const struct fixture *fixture, const struct files *files)
{
    for (uint32_t i = 0; i < TILL_SHARDS; i++)
        for (uint32_t j = 0; j < SEGMENTS; j++)
            ledger_patch(fixture->till->ledger, i, j + 1, 0, files->bytes[i][j], SEGMENT_SIZE);
}

static inline int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->till = till_open(5, SEGMENTS, SEGMENT_SIZE, BATCH_SIZE, 900);
    fixture->house.till = fixture->till;
    *state = fixture;
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *fixture = *state;
    if (fixture->house.built)
        memory_close(&fixture->house.arena);
    till_destroy(fixture->till);
    free(fixture);
    return 0;
}

static inline int open_directory(struct fixture *fixture)
{
    struct ledger *ledger = fixture->till->ledger;
    return datadir_open(
        &ledger->directory, &ledger->options, fixture->error, sizeof(fixture->error));
}

/* As a server starts. */
static inline int start(struct fixture *fixture)
{
    struct ledger *ledger = fixture->till->ledger;
    const struct recover_options options = {.directory = &ledger->directory,
        .replay = replay,
        .prove = prove,
        .context = &fixture->house};
    restart(&fixture->house);
    assert_int_equal(open_directory(fixture), 0);
    int result = recover(&ledger->recovery, &options, fixture->error, sizeof(fixture->error));
    datadir_close(&ledger->directory);
    return result;
}

static inline int plan(struct fixture *fixture)
{
    const struct salvage_options options = {.directory = &fixture->till->ledger->directory,
        .restart = restart,
        .replay = replay,
        .prove = prove,
        .context = &fixture->house,
        .now_wall_ms = 1800000000000};
    return salvage_plan(&fixture->salvage, &options, fixture->error, sizeof(fixture->error));
}

/* Plans, and cuts if there is something to cut: what the plan answered. */
static inline int salvage(struct fixture *fixture)
{
    assert_int_equal(open_directory(fixture), 0);
    int result = plan(fixture);
    get_files(fixture, &fixture->was);
    if (result == 1 &&
        salvage_carry_out(&fixture->salvage, fixture->error, sizeof(fixture->error)) != 0)
        fail_msg("not carried out: %s", fixture->error);
    datadir_close(&fixture->till->ledger->directory);
    return result;
}

static inline void must_start(struct fixture *fixture)
{
    if (start(fixture) != 0)
        fail_msg("a salvaged journal does not start: %s", fixture->error);
}

/* A server goes on for some batches of each shard, the last of shard 0, and is killed. */
static inline void go_on(struct fixture *fixture)
{
    struct ledger *ledger = fixture->till->ledger;
    if (ledger_start(ledger) != 0)
        fail_msg("%s", ledger->error);
    for (uint32_t i = 0; i < 7; i++) {
        const struct event event = {.kind = EVENT_STREAM_ATTACHED};
        journal_append(&ledger->journals[i % TILL_SHARDS], &event);
        ledger_write(ledger, i % TILL_SHARDS);
    }
    ledger_crash(ledger);
}

/* The state is that after the last batch that is kept of each shard. */
static inline void assert_kept(struct fixture *fixture)
{
    for (uint32_t i = 0; i < TILL_SHARDS; i++) {
        uint64_t last = fixture->salvage.recovery.shards[i].chain.number;
        assert_true(last <= fixture->till->batches[i]);
        assert_true(
            engine_digest(fixture->house.engines[i]) == fixture->till->places[i][last].digest);
    }
}

/* No batch that is kept was written when something lost was known to be durable. */
static inline void assert_together(const struct fixture *fixture)
{
    const struct recovered_shard *kept = fixture->salvage.recovery.shards;
    for (uint32_t i = 0; i < TILL_SHARDS; i++)
        for (uint32_t j = 1; j <= kept[i].chain.number; j++)
            for (uint32_t k = 0; k < TILL_SHARDS; k++)
                assert_true(
                    k == i || fixture->till->places[i][j].durable[k] <= kept[k].chain.number);
}

/* The batch that a block is of; 0: of none. */
static inline uint32_t batch_at(
    const struct fixture *fixture, uint32_t shard, uint32_t segment, uint32_t offset)
{
    const struct till_place *places = fixture->till->places[shard];
    for (uint32_t i = 1; i <= fixture->till->batches[shard]; i++)
        if (places[i].segment == segment && offset >= places[i].offset &&
            offset < places[i].offset + places[i].size)
            return i;
    return 0;
}

static inline void check_cut(struct fixture *fixture, uint32_t shard, uint32_t batch)
{
    const struct salvage *salvage = &fixture->salvage;
    const struct recovered_shard *kept = salvage->recovery.shards;
    assert_true(salvage->shards[shard].cut);
    assert_int_equal(salvage->shards[shard].lost_to, fixture->till->batches[shard]);
    assert_non_null(strstr(salvage->shards[shard].reason, "at offset"));
    if (salvage->together) {
        assert_true(kept[shard].chain.number < batch);
        assert_together(fixture);
        fixture->cut_together++;
        return;
    }
    assert_int_equal(kept[shard].chain.number, batch - 1);
    assert_int_equal(kept[1 - shard].chain.number, fixture->till->batches[1 - shard]);
    assert_false(salvage->shards[1 - shard].cut);
    fixture->cut_alone++;
}

/* A bit of a batch is flipped: it is salvaged, or it was the last one and nobody knows of it. */
static inline void damage_batch(
    struct fixture *fixture, uint32_t shard, uint32_t segment, uint32_t offset, uint32_t batch)
{
    ledger_flip(fixture->till->ledger, shard, segment, offset + 100);
    int refused = start(fixture);
    get_files(fixture, &fixture->before);
    int answer = salvage(fixture);
    assert_memory_equal(&fixture->was, &fixture->before, sizeof(fixture->was));
    if (refused == 0) {
        assert_int_equal(answer, 0);
        assert_int_equal(batch, fixture->till->batches[shard]);
        fixture->whole++;
        return;
    }
    if (answer != 1)
        fail_msg("batch %u of shard %u is not salvaged: %s", batch, shard, fixture->error);
    check_cut(fixture, shard, batch);
    must_start(fixture);
    assert_kept(fixture);
    assert_int_equal(salvage(fixture), 0);
    go_on(fixture);
    must_start(fixture);
    assert_int_equal(salvage(fixture), 0);
}

#endif
