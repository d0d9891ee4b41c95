/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counter - where one test at a time buys: a shop of one shard with two products, and short words
 * for what is said over the counter. Included by test programs only, each with a shop of its own.
 *
 * Ownership  `shop` is opened and closed by each test (RULE).
 * Threads    One.
 * Units      As in shop.h.
 * Errors     Assertions of cmocka; include it after cmocka.h.
 * Cost       See shop.h.
 */
#ifndef HOTSHELF_TESTS_CORE_COUNTER_H
#define HOTSHELF_TESTS_CORE_COUNTER_H

#include "core/tables.h"
#include "tests/core/shop.h"

static const struct capacity roomy = {
    .skus = 16,
    .customers = 64,
    .orders = 64,
    .holds = 64,
    .lines = 256,
    .text_bytes = 65536,
    .idempotency_keys = 128,
    .claims = 256,
    .identities = 64,
    .allowances = 64,
    .names = 16,
    .connections = 1,
    .requests = 1,
};

enum { DAY_MS = 86400 * 1000, MINUTE_MS = 60 * 1000 };

static struct shop shop;

static inline void open_with(const struct capacity *capacity)
{
    shop_open(&shop, 1, capacity);
    shop.policy.reserve_on = shop.engines[0]->policy.reserve_on = RESERVE_CART;
    shop_product(&shop, "S1", 500, 1);
    shop_product(&shop, "S3", 250, 3);
}

static inline int open_roomy(void **state)
{
    (void)state;
    open_with(&roomy);
    return 0;
}

static inline int check_and_close(void **state)
{
    (void)state;
    shop_check(&shop);
    shop_reopen(&shop);
    shop_close(&shop);
    return 0;
}

/* Another shop in place of the one that was opened. */
static inline void reopen_with(const struct capacity *capacity)
{
    shop_close(&shop);
    open_with(capacity);
}

static inline void defer_payment(void)
{
    shop.policy.payment_mode = shop.engines[0]->policy.payment_mode = PAYMENT_DEFERRED;
}

static inline void assert_stock(const char *sku, uint32_t available, uint32_t held, uint32_t sold)
{
    struct stock_numbers numbers = shop_numbers(&shop, sku);
    assert_int_equal(numbers.available, available);
    assert_int_equal(numbers.held, held);
    assert_int_equal(numbers.sold, sold);
}

static inline void product(
    const char *sku, uint32_t stock, uint32_t limit, int64_t starts, int64_t ends)
{
    struct product_image image = {
        .sku = bytes_of_string(sku),
        .title = BYTES("A thing"),
        .seller = BYTES("seller-1"),
        .stock = stock,
        .max_per_customer = limit,
        .starts_wall_ms = starts,
        .ends_wall_ms = ends,
        .price_count = 2,
        .prices = {{.currency = "GBP", .amount = 100}, {.currency = "USD", .amount = 130}},
    };
    shop_product_as(&shop, &image);
}

struct id {
    uint8_t bytes[16];
};

/* An order of one SKU. */
static inline struct id bought(const char *who, const char *key, const char *sku, uint32_t quantity)
{
    struct id id;
    assert_int_equal(shop_checkout(&shop, who, key, sku, quantity), OUTCOME_OK);
    memcpy(id.bytes, shop_order_id(&shop), 16);
    return id;
}

static inline const struct order *order(struct id id)
{
    uint32_t index = order_find(shop.engines[0], id.bytes);
    assert_int_not_equal(index, NONE);
    return order_at(shop.engines[0], index);
}

static inline enum outcome refund(struct id id, const char *refund_id, int64_t amount)
{
    struct command command = {
        .kind = COMMAND_PAYMENT,
        .role = ROLE_SERVICE,
        .provider = BYTES("bank"),
        .payment_id = BYTES("p1"),
        .refund_id = bytes_of_string(refund_id),
        .result = RESULT_REFUNDED,
        .amount = amount,
        .currency = "GBP",
    };
    memcpy(command.order_id, id.bytes, 16);
    return shop_run(&shop, &command);
}

static inline enum outcome cancel_units(struct id id, const char *key, uint32_t quantity)
{
    struct command_item item = {.line = 1, .quantity = quantity};
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

static inline uint64_t next_release(const char *sku)
{
    uint32_t index = catalog_find(&shop.shelf->catalog, bytes_of_string(sku));
    return stock_next_release(&shop.shelf->stock, index, shop.now.shelf_ms);
}

/* Counters of identities, and of customers who bought as guests. */
static inline uint32_t counters_used(void)
{
    return atomic_load(&shop.shelf->claims.supply->counts);
}

#define RULE(test) cmocka_unit_test_setup_teardown(test, open_roomy, check_and_close)

#endif
