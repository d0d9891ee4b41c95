/* SPDX-License-Identifier: Apache-2.0 */
/*
 * till - a shop whose records go into a real journal: what a server would leave on the disk.
 *
 *     till_open -> till_trade, .. -> till_close_books -> recoveries beside it -> till_destroy
 *
 * After till_close_books() the journal is at rest, and every batch of it is known: where it lies,
 * which records it ends with, what the engine was after it, and what it says is durable.
 *
 * Ownership  till_destroy() takes everything with it, the directory too.
 * Threads    One.
 * Units      Bytes; batches are counted from 1, as in the journal.
 * Errors     cmocka's assertions.
 * Cost       Some 10 ms for a journal of 256 KiB.
 */
#ifndef HOTSHELF_TESTS_PERSIST_TILL_H
#define HOTSHELF_TESTS_PERSIST_TILL_H

#include "tests/persist/ledger.h"

#include "persist/reader.h"
#include "persist/record.h"
#include "tests/core/shop.h"
#include "tests/lib/memory.h"

enum {
    TILL_SHARDS = 2,
    TILL_PLACES_MAX = 1024,
    TILL_ORDERS_MAX = 32,
    TILL_ARENA_SIZE = 4 << 20,
    TILL_CUSTOMERS = 24,
    TILL_STEP_SIZE_MAX = 16 << 10, /* of the batches of one step, on one shard */
};

/* Where a batch lies, and what is known after it. */
struct till_place {
    uint32_t segment, offset, size;
    uint64_t records; /* of its shard, up to its end */
    size_t bytes;     /* of the shop's log, up to its end */
    uint64_t digest;  /* of its engine, after it */
    uint64_t durable[TILL_SHARDS];
};

struct till {
    struct shop shop;
    struct ledger *ledger;
    struct dice dice;
    size_t flushed[TILL_SHARDS]; /* of the shop's logs */
    struct {
        uint8_t id[16];
        char who[16];
    } orders[TILL_ORDERS_MAX];
    uint32_t order_count, keys;
    uint32_t bulk; /* bytes of adjustments that a checkout carries */
    struct till_place places[TILL_SHARDS]
                            [TILL_PLACES_MAX]; /* [n]: batch n; [0]: before the first */
    uint32_t batches[TILL_SHARDS];
};

static const struct capacity till_capacity = {
    .skus = 16,
    .customers = 64,
    .orders = 1024,
    .holds = 256,
    .lines = 2048,
    .text_bytes = 1 << 20,
    .idempotency_keys = 2048,
    .claims = 4096,
    .identities = 64,
    .allowances = 256,
    .names = 16,
    .connections = 1,
    .requests = 1,
};

static inline struct policy till_policy(void)
{
    struct policy policy = POLICY_DEFAULT;
    policy.reserve_on = RESERVE_CART;
    return policy;
}

static inline struct till *till_open(
    uint64_t seed, uint32_t segments, uint32_t segment_size, uint32_t batch_size, uint32_t bulk)
{
    struct till *till = calloc(1, sizeof(*till));
    assert_non_null(till);
    till->dice = dice_of(seed);
    till->bulk = bulk;
    const struct policy policy = till_policy();
    shop_open_as(&till->shop, TILL_SHARDS, &till_capacity, &policy);
    till->ledger = ledger_create(TILL_SHARDS, segments, true);
    till->ledger->options.segment_size = segment_size;
    till->ledger->options.batch_size = batch_size;
    till->ledger->options.journal_bytes = (uint64_t)TILL_SHARDS * segments * segment_size;
    if (ledger_start(till->ledger) != 0)
        fail_msg("%s", till->ledger->error);
    return till;
}

static inline void till_destroy(struct till *till)
{
    ledger_destroy(till->ledger);
    shop_close(&till->shop);
    free(till);
}

/* Hands out the filling batch; `write` is then on its way. */
static inline void till_commit(struct till *till, uint32_t shard, struct journal_write *write)
{
    struct ledger *ledger = till->ledger;
    if (ledger->now.shelf_ms < till->shop.now.shelf_ms)
        ledger->now.shelf_ms = till->shop.now.shelf_ms;
    if (ledger->now.wall_ms < till->shop.now.wall_ms)
        ledger->now.wall_ms = till->shop.now.wall_ms;
    assert_true(ledger_commit(ledger, shard, write));
}

static inline void till_write(struct till *till, uint32_t shard)
{
    struct journal_write write;
    struct event event;
    do {
        till_commit(till, shard, &write);
        ledger_put(&write);
        journal_written(&till->ledger->journals[shard], (int32_t)write.size);
    } while (ledger_is_header(&write));
    while (journal_settle_next(&till->ledger->journals[shard], &event))
        continue;
}

/* Appends records of the shop's log, up to so many bytes of them. */
static inline size_t till_append(struct till *till, uint32_t shard, size_t bytes)
{
    const struct shop_log *log = &till->shop.logs[shard];
    size_t at = till->flushed[shard], end = at + bytes;
    while (at < log->size && at < end) {
        struct event event;
        uint32_t consumed;
        struct bytes rest = bytes_of(log->data + at, (uint32_t)(log->size - at));
        assert_int_equal(record_decode(rest, &event, &consumed), 0);
        journal_append(&till->ledger->journals[shard], &event);
        at += consumed;
    }
    return at;
}

/* What the shop has recorded on this shard since the last time, in one batch or several. */
static inline void till_flush(struct till *till, uint32_t shard)
{
    while (till->flushed[shard] < till->shop.logs[shard].size) {
        till->flushed[shard] = till_append(till, shard, till->ledger->options.batch_size / 4);
        till_write(till, shard);
    }
}

static inline bool till_is_full(const struct till *till)
{
    bool full = false;
    for (uint32_t i = 0; i < TILL_SHARDS; i++)
        full = full || journal_bytes_left(&till->ledger->journals[i]) < TILL_STEP_SIZE_MAX;
    return full;
}

static inline void till_checkout(struct till *till, const char *who, const char *key)
{
    static char adjustments[ADJUSTMENTS_SIZE_MAX], references[REFERENCES_SIZE_MAX];
    struct shop *shop = &till->shop;
    const struct command_item items[2] = {
        {.sku = BYTES("S1"), .quantity = 1 + dice_below(&till->dice, 2)},
        {.sku = BYTES("S2"), .quantity = 1}};
    memset(adjustments, 'a', sizeof(adjustments));
    memset(references, 'r', sizeof(references));
    struct command command = {
        .kind = COMMAND_CHECKOUT,
        .role = ROLE_SERVICE,
        .customer = bytes_of_string(who),
        .key = bytes_of_string(key),
        .items = items,
        .item_count = 1 + dice_below(&till->dice, 2),
        .references = bytes_of(references, till->bulk / 2),
        .adjustments_set = till->bulk > 0,
        .adjustments = bytes_of(adjustments, till->bulk),
    };
    if (shop_run(shop, &command) != OUTCOME_OK || shop->answer.replayed)
        return;
    uint32_t at = till->order_count++ % TILL_ORDERS_MAX;
    memcpy(till->orders[at].id, shop_order_id(shop), 16);
    (void)snprintf(till->orders[at].who, sizeof(till->orders[at].who), "%s", who);
}

/* Something about one of the latest orders. */
static inline void till_follow_up(struct till *till, const char *key)
{
    static const uint8_t results[] = {
        RESULT_CAPTURED, RESULT_CAPTURED, RESULT_AUTHORIZED, RESULT_DECLINED, RESULT_PENDING};
    uint32_t kept = till->order_count < TILL_ORDERS_MAX ? till->order_count : TILL_ORDERS_MAX;
    if (kept == 0)
        return;
    uint32_t at = dice_below(&till->dice, kept);
    if (dice_below(&till->dice, 4) == 0)
        (void)shop_cancel(&till->shop, till->orders[at].who, till->orders[at].id, key);
    else
        (void)shop_pay(&till->shop, till->orders[at].id,
            results[dice_below(&till->dice, sizeof(results))], key, 500);
}

static inline void till_open_doors(struct till *till)
{
    shop_product(&till->shop, "S1", 250, 5000);
    shop_product(&till->shop, "S2", 125, 5000);
    const struct product_image limited = {
        .sku = BYTES("S3"),
        .title = BYTES("A rare thing"),
        .seller = BYTES("seller-2"),
        .sale = BYTES("drop"),
        .stock = 40,
        .max_per_customer = 6,
        .price_count = 1,
        .prices = {{.currency = "GBP", .amount = 100}},
    };
    shop_product_as(&till->shop, &limited);
}

/* One thing that somebody does, and its records in the journal. */
static inline void till_step(struct till *till)
{
    static const char *const skus[] = {"S1", "S2", "S3"};
    struct shop *shop = &till->shop;
    char who[16], key[16];
    (void)snprintf(who, sizeof(who), "c%u", dice_below(&till->dice, TILL_CUSTOMERS));
    (void)snprintf(key, sizeof(key), "k%u", till->keys++);
    const char *sku = skus[dice_below(&till->dice, 3)];
    uint32_t thing = dice_below(&till->dice, 12);
    if (thing < 4)
        (void)shop_cart(shop, who, sku, dice_below(&till->dice, 4));
    else if (thing < 7)
        till_checkout(till, who, key);
    else if (thing < 8)
        (void)shop_checkout_cart(shop, who, key);
    else if (thing < 10)
        till_follow_up(till, key);
    else if (thing < 11)
        (void)shop_stock(shop, sku, (int64_t)dice_below(&till->dice, 9) - 4, key);
    else
        shop_pass(shop, 1000u * (1 + dice_below(&till->dice, 120)));
    uint32_t first = dice_below(&till->dice, TILL_SHARDS);
    for (uint32_t i = 0; i < TILL_SHARDS; i++)
        till_flush(till, (first + i) % TILL_SHARDS);
}

/* Engines with nothing in them yet. */
static inline struct shelf *till_build(struct arena *arena, struct engine *engines[TILL_SHARDS])
{
    const struct policy policy = till_policy();
    memory_open(arena, TILL_ARENA_SIZE);
    struct shelf *shelf = arena_take(arena, "shelf", 1, sizeof(*shelf));
    shelf_init(shelf, arena, &till_capacity);
    for (uint32_t i = 0; i < TILL_SHARDS; i++)
        engines[i] = engine_create(arena, shelf, &policy, &till_capacity, i, TILL_SHARDS, 77 + i);
    return shelf;
}

/* Reads a shard's journal and notes each batch of it. */
static inline void till_learn(struct till *till, uint32_t shard, struct engine *engine)
{
    struct reader reader;
    struct event event;
    const struct datadir *directory = &till->ledger->directory;
    void *buffer = aligned_alloc(BATCH_BLOCK_SIZE, reader_buffer_size(directory));
    assert_int_equal(reader_open(&reader, directory, shard, buffer), 0);
    struct till_place place = {.digest = engine_digest(engine)};
    till->places[shard][0] = place;
    while (reader_next_batch(&reader, READER_NO_LIMIT) == 1) {
        uint64_t number = reader.header.number;
        assert_true(number < TILL_PLACES_MAX);
        place.segment = reader.header.segment;
        place.offset = reader.header.offset;
        place.size = reader.header.size;
        for (uint32_t i = 0; i < TILL_SHARDS; i++)
            place.durable[i] = batch_durable(reader.batch, i);
        while (reader_next(&reader, &event, NULL)) {
            engine_replay(engine, &event);
            place.records++;
            place.bytes += record_size(&event);
        }
        place.digest = engine_digest(engine);
        till->places[shard][number] = place;
        till->batches[shard] = (uint32_t)number;
    }
    reader_close(&reader);
    free(buffer);
}

/* Ends trade without a closing mark, and learns what lies where. */
static inline void till_close_books(struct till *till)
{
    struct arena arena;
    struct engine *engines[TILL_SHARDS];
    ledger_crash(till->ledger);
    assert_int_equal(datadir_read(&till->ledger->directory, till->ledger->path, till->ledger->error,
                         sizeof(till->ledger->error)),
        0);
    (void)till_build(&arena, engines);
    for (uint32_t i = 0; i < TILL_SHARDS; i++) {
        till_learn(till, i, engines[i]);
        assert_int_equal(till->places[i][till->batches[i]].bytes, till->flushed[i]);
        assert_int_equal(engine_digest(engines[i]), engine_digest(till->shop.engines[i]));
    }
    memory_close(&arena);
}

#endif
