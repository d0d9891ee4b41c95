/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backend - what only a back end says (role service) and a merchant decides, in a shop of one or
 * three shards. Included by test programs only, each with a shop of its own.
 *
 * Ownership  `shop` is opened and closed by each test (AT_EVERY_SIZE).
 * Threads    One.
 * Units      As in shop.h; adjustments are written as the decoders write them.
 * Errors     Assertions of cmocka; include it after cmocka.h.
 * Cost       See shop.h.
 */
#ifndef HOTSHELF_TESTS_CORE_BACKEND_H
#define HOTSHELF_TESTS_CORE_BACKEND_H

#include "core/tables.h"
#include "persist/record.h"
#include "tests/core/shop.h"

enum { DAY_MS = 86400 * 1000, MINUTE_MS = 60 * 1000 };

static struct shop shop;

static const struct capacity backend_capacity = {
    .skus = 16,
    .customers = 96,
    .orders = 96,
    .holds = 96,
    .lines = 256,
    .text_bytes = 196608,
    .idempotency_keys = 192,
    .claims = 512,
    .allowances = 96,
    .names = 16,
    .connections = 1,
    .requests = 1,
};

struct id {
    uint8_t bytes[16];
};

/* A checkout of one SKU, as a back end may send it. */
struct ask {
    const char *who, *key, *sku;
    uint32_t quantity;
    uint8_t mode, risk;
    uint32_t score;
    const char *adjustments;
    int64_t sum;
    const char *identities[IDENTITIES_MAX];
};

static inline uint32_t home_of(struct id id)
{
    return partition_of_order(id.bytes) % shop.shards;
}

static inline const struct order *order(struct id id)
{
    const struct engine *engine = shop.engines[home_of(id)];
    uint32_t index = order_find(engine, id.bytes);
    assert_int_not_equal(index, NONE);
    return order_at(engine, index);
}

static inline bool is_kept(struct id id)
{
    return order_find(shop.engines[home_of(id)], id.bytes) != NONE;
}

/* How often something happened, as the logs tell it. */
static inline uint32_t count_events(enum event_kind kind)
{
    uint32_t count = 0;
    for (uint32_t shard = 0; shard < shop.shards; shard++) {
        const struct shop_log *log = &shop.logs[shard];
        for (size_t at = 0; at < log->size;) {
            struct event event;
            uint32_t consumed;
            struct bytes rest = bytes_of(log->data + at, (uint32_t)(log->size - at));
            assert_int_equal(record_decode(rest, &event, &consumed), 0);
            count += event.kind == kind;
            at += consumed;
        }
    }
    return count;
}

static inline enum outcome ask(const struct ask *ask)
{
    struct command_item item = {.sku = bytes_of_string(ask->sku), .quantity = ask->quantity};
    struct hash128 identities[IDENTITIES_MAX];
    struct command command = {
        .kind = COMMAND_CHECKOUT,
        .role = ROLE_SERVICE,
        .customer = bytes_of_string(ask->who),
        .key = bytes_of_string(ask->key),
        .items = &item,
        .item_count = 1,
        .mode = ask->mode,
        .risk_decision = ask->risk,
        .risk_score = ask->score,
        .identities = identities,
    };
    for (uint32_t i = 0; i < IDENTITIES_MAX && ask->identities[i] != NULL; i++) {
        struct bytes text = bytes_of_string(ask->identities[i]);
        identities[command.identity_count++] = hash_parts(&text, 1);
    }
    if (ask->adjustments != NULL) {
        command.adjustments_set = true;
        command.adjustments = bytes_of_string(ask->adjustments);
        command.adjustments_sum = ask->sum;
    }
    return shop_run(&shop, &command);
}

static inline struct id placed(const struct ask *asked)
{
    struct id id;
    assert_int_equal(ask(asked), OUTCOME_OK);
    memcpy(id.bytes, shop_order_id(&shop), 16);
    return id;
}

static inline enum outcome decide(struct id id, uint8_t decision)
{
    struct command command = {
        .kind = COMMAND_REVIEW,
        .role = ROLE_OPERATOR,
        .review_decision = decision,
        .actor = BYTES("val"),
    };
    memcpy(command.order_id, id.bytes, 16);
    return shop_run(&shop, &command);
}

/* Money with adjustments that stand in place of the checkout's. */
static inline enum outcome pay_adjusted(struct id id, uint8_t result, const char *payment_id,
    int64_t amount, const char *adjustments, int64_t sum)
{
    struct command command = {
        .kind = COMMAND_PAYMENT,
        .role = ROLE_SERVICE,
        .provider = BYTES("bank"),
        .payment_id = bytes_of_string(payment_id),
        .result = result,
        .amount = amount,
        .currency = "GBP",
        .adjustments_set = true,
        .adjustments = bytes_of_string(adjustments),
        .adjustments_sum = sum,
    };
    memcpy(command.order_id, id.bytes, 16);
    return shop_run(&shop, &command);
}

static inline enum outcome pay(struct id id, uint8_t result, const char *payment_id, int64_t amount)
{
    return shop_pay(&shop, id.bytes, result, payment_id, amount);
}

static inline enum outcome cancel_line(
    struct id id, const char *key, uint32_t line, uint32_t quantity)
{
    struct command_item item = {.line = line, .quantity = quantity};
    struct command command = {
        .kind = COMMAND_CANCEL,
        .role = ROLE_SERVICE,
        .key = bytes_of_string(key),
        .items = &item,
        .item_count = 1,
    };
    memcpy(command.order_id, id.bytes, 16);
    return shop_run(&shop, &command);
}

static inline enum outcome cancel(struct id id, const char *key)
{
    return shop_cancel(&shop, NULL, id.bytes, key);
}

static inline void assert_stock(const char *sku, uint32_t available, uint32_t held, uint32_t sold)
{
    struct stock_numbers numbers = shop_numbers(&shop, sku);
    assert_int_equal(numbers.available, available);
    assert_int_equal(numbers.held, held);
    assert_int_equal(numbers.sold, sold);
}

/* The order as a replayed checkout shows it (I3). */
static inline void born(struct id id, struct event *event)
{
    const struct engine *engine = shop.engines[home_of(id)];
    engine_order_image(engine, order_find(engine, id.bytes), true, event);
}

static inline void limited_product(const char *sku, int64_t price, uint32_t stock, uint32_t limit)
{
    struct product_image image = {
        .sku = bytes_of_string(sku),
        .title = BYTES("A thing"),
        .seller = BYTES("seller-1"),
        .stock = stock,
        .max_per_customer = limit,
        .price_count = 1,
        .prices = {{.currency = "GBP", .amount = price}},
    };
    shop_product_as(&shop, &image);
}

static inline void change_policy(void (*change)(struct policy *policy))
{
    change(&shop.policy);
    for (uint32_t i = 0; i < shop.shards; i++)
        change(&shop.engines[i]->policy);
}

static inline int open_at(uint32_t shards)
{
    shop_open(&shop, shards, &backend_capacity);
    shop_product(&shop, "S1", 500, 1);
    shop_product(&shop, "S9", 100, 9);
    return 0;
}

static inline int open_one(void **state)
{
    (void)state;
    return open_at(1);
}

static inline int open_three(void **state)
{
    (void)state;
    return open_at(3);
}

static inline int check_and_close(void **state)
{
    (void)state;
    shop_check(&shop);
    shop_reopen(&shop);
    shop_check(&shop);
    shop_close(&shop);
    return 0;
}

#define AT_EVERY_SIZE(test)                                                                        \
    cmocka_unit_test_setup_teardown(test, open_one, check_and_close),                              \
        cmocka_unit_test_setup_teardown(test, open_three, check_and_close)

#endif
