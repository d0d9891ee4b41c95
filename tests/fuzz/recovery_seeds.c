/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recovery_seeds DIR: writes the seeds of the fuzzer `recovery` into a directory: what a shop of
 * two shards records in a few short stories, in the form that recovery.c reads.
 */
#include <stdio.h>

#include "core/check.h"
#include "persist/record.h"
#include "tests/core/shop.h"
#include "tests/fuzz/recovery.h"

enum { DAY_MS = 86400000 };

/* An item for each record of the shop since the last time; the first one begins a batch. */
static void flush(struct shop *shop, FILE *out, size_t flushed[SHARDS])
{
    for (uint8_t shard = 0; shard < SHARDS; shard++) {
        uint8_t batch = ITEM_BATCH;
        const struct shop_log *log = &shop->logs[shard];
        while (flushed[shard] < log->size) {
            struct event event;
            uint32_t consumed;
            struct bytes rest =
                bytes_of(log->data + flushed[shard], (uint32_t)(log->size - flushed[shard]));
            CHECK(record_decode(rest, &event, &consumed) == 0);
            const uint8_t header[ITEM_HEADER_SIZE] = {
                shard | batch, 0, (uint8_t)consumed, (uint8_t)(consumed >> 8)};
            CHECK(fwrite(header, sizeof(header), 1, out) == 1);
            CHECK(fwrite(rest.data, consumed, 1, out) == 1);
            flushed[shard] += consumed;
            batch = 0;
        }
    }
}

static void product(struct shop *shop, const char *sku, const char *sale, uint32_t limit)
{
    const struct product_image image = {
        .sku = bytes_of_string(sku),
        .title = BYTES("A thing"),
        .seller = BYTES("sel"),
        .sale = bytes_of_string(sale),
        .stock = 20,
        .max_per_customer = limit,
        .reserve_on = RESERVE_CART,
        .price_count = 1,
        .prices = {{.currency = "GBP", .amount = 500}},
    };
    shop_product_as(shop, &image);
}

static void carts(struct shop *shop)
{
    product(shop, "A", "", 0);
    product(shop, "B", "drop", 5);
    (void)shop_cart(shop, "ann", "A", 2);
    (void)shop_cart(shop, "bob", "B", 3);
    (void)shop_cart(shop, "ann", "B", 1);
    (void)shop_cart(shop, "bob", "A", 1);
    struct command command = {
        .kind = COMMAND_CART_EXTEND, .role = ROLE_CUSTOMER, .customer = BYTES("ann")};
    shop_pass(shop, 1000);
    (void)shop_run(shop, &command);
    command.kind = COMMAND_CART_CLEAR;
    command.customer = BYTES("bob");
    (void)shop_run(shop, &command);
    shop_pass(shop, DAY_MS / 24);
}

static void money(struct shop *shop)
{
    uint8_t id[16];
    product(shop, "A", "", 6);
    (void)shop_cart(shop, "ann", "A", 2);
    (void)shop_checkout_cart(shop, "ann", "k1");
    memcpy(id, shop_order_id(shop), 16);
    (void)shop_pay(shop, id, RESULT_PENDING, "p0", 1000);
    (void)shop_pay(shop, id, RESULT_DECLINED, "p1", 1000);
    (void)shop_pay(shop, id, RESULT_CAPTURED, "p2", 1000);
    (void)shop_pay(shop, id, RESULT_CAPTURED, "p3", 1000);
    (void)shop_cancel(shop, NULL, id, "c1");
    (void)shop_pay(shop, id, RESULT_REFUNDED, "p2", 1000);
    (void)shop_checkout(shop, "bob", "k2", "A", 3);
    memcpy(id, shop_order_id(shop), 16);
    shop_pass(shop, 700 * 1000);
    (void)shop_pay(shop, id, RESULT_CAPTURED, "p4", 1500);
    (void)shop_stock(shop, "A", 4, "s1");
}

/* Everything is forgotten in the end. */
static void forgetting(struct shop *shop)
{
    product(shop, "A", "drop", 6);
    (void)shop_checkout(shop, "ann", "k1", "A", 1);
    uint8_t id[16];
    memcpy(id, shop_order_id(shop), 16);
    (void)shop_pay(shop, id, RESULT_CAPTURED, "p1", 500);
    (void)shop_checkout(shop, "bob", "k2", "A", 1);
    const struct sale_image image = {.ends_wall_ms = shop->now.wall_ms + 1000};
    struct command command = {.kind = COMMAND_SALE_SET,
        .role = ROLE_OPERATOR,
        .sale = BYTES("drop"),
        .sale_image = &image};
    (void)shop_run(shop, &command);
    for (uint32_t i = 0; i < 8; i++)
        shop_pass(shop, DAY_MS / 2);
}

static void kill(struct shop *shop)
{
    product(shop, "A", "drop", 6);
    product(shop, "B", "", 0);
    (void)shop_cart(shop, "ann", "A", 2);
    (void)shop_checkout(shop, "bob", "k1", "A", 1);
    (void)shop_cart(shop, "bob", "B", 2);
    (void)shop_switch(shop, SWITCH_PAUSE, SCOPE_SKU, "B");
    (void)shop_switch(shop, SWITCH_KILL, SCOPE_SALE, "drop");
    shop_pass(shop, 1000);
    shop_pass(shop, 1000);
    (void)shop_switch(shop, SWITCH_RESUME, SCOPE_SALE, "drop");
    (void)shop_switch(shop, SWITCH_FREEZE, SCOPE_ALL, NULL);
}

static void merge(struct shop *shop)
{
    product(shop, "A", "drop", 6);
    product(shop, "B", "", 0);
    (void)shop_checkout(shop, "guest", "k1", "A", 2);
    (void)shop_cart(shop, "guest", "A", 2);
    (void)shop_cart(shop, "guest", "B", 2);
    (void)shop_cart(shop, "ann", "A", 3);
    const struct command command = {
        .kind = COMMAND_CART_MERGE,
        .role = ROLE_CUSTOMER,
        .customer = BYTES("ann"),
        .guest_id = BYTES("guest"),
        .carry = shop->carry,
        .carry_size_max = sizeof(shop->carry),
    };
    (void)shop_run(shop, &command);
}

static void removal(struct shop *shop)
{
    product(shop, "A", "drop", 6);
    product(shop, "B", "", 0);
    (void)shop_checkout(shop, "ann", "k1", "A", 2);
    uint8_t id[16];
    memcpy(id, shop_order_id(shop), 16);
    (void)shop_pay(shop, id, RESULT_CAPTURED, "p1", 1000);
    (void)shop_cart(shop, "bob", "A", 2);
    const struct sale_image image = {.ends_wall_ms = 1};
    const struct command ends = {.kind = COMMAND_SALE_SET,
        .role = ROLE_OPERATOR,
        .sale = BYTES("drop"),
        .sale_image = &image};
    (void)shop_run(shop, &ends);
    for (uint32_t i = 0; i < 3; i++)
        shop_pass(shop, DAY_MS);
    const struct command leaves = {.kind = COMMAND_SALE_REMOVE,
        .role = ROLE_OPERATOR,
        .sale = BYTES("drop"),
        .actor = BYTES("ann"),
        .carry = shop->carry,
        .carry_size_max = sizeof(shop->carry)};
    (void)shop_run(shop, &leaves);
    shop_pass(shop, 1000);
    product(shop, "C", "drop", 0);
}

static void import(struct shop *shop)
{
    struct command command = {.kind = COMMAND_IMPORT_BEGIN, .import = {.rows = 1, .size = 10}};
    (void)shop_run(shop, &command);
    const struct product_image image = {
        .sku = BYTES("A"),
        .title = BYTES("A thing"),
        .stock = 9,
        .in_import = 1,
        .price_count = 1,
        .prices = {{.currency = "GBP", .amount = 500}},
    };
    shop_product_as(shop, &image);
    command.kind = COMMAND_IMPORT_END;
    (void)shop_run(shop, &command);
    (void)shop_checkout(shop, "ann", "k1", "A", 2);
}

static void identities(struct shop *shop)
{
    static const struct hash128 card[1] = {{7, 7}};
    const struct command_item item = {.sku = BYTES("A"), .quantity = 1};
    product(shop, "A", "", 2);
    for (uint32_t i = 0; i < 2; i++) {
        const struct command command = {
            .kind = COMMAND_CHECKOUT,
            .role = ROLE_SERVICE,
            .customer = i == 0 ? BYTES("ann") : BYTES("bob"),
            .key = BYTES("k"),
            .items = &item,
            .item_count = 1,
            .identities = card,
            .identity_count = 1,
            .adjustments_set = true,
            .adjustments = BYTES("[{}]"),
            .adjustments_sum = 50,
            .references = BYTES("{}"),
            .risk_decision = i == 0 ? RISK_NONE : RISK_REVIEW,
        };
        (void)shop_run(shop, &command);
    }
    struct command review = {
        .kind = COMMAND_REVIEW, .role = ROLE_OPERATOR, .review_decision = RISK_APPROVE};
    memcpy(review.order_id, shop_order_id(shop), 16);
    (void)shop_run(shop, &review);
    shop_pass(shop, 2000 * 1000);
}

static const struct story {
    const char *name;
    void (*play)(struct shop *shop);
} stories[] = {
    {"carts", carts},
    {"money", money},
    {"forgetting", forgetting},
    {"kill", kill},
    {"merge", merge},
    {"removal", removal},
    {"import", import},
    {"identities", identities},
};

static void restate(struct shop *shop)
{
    for (uint8_t shard = 0; shard < SHARDS; shard++) {
        shop_settle(shop);
        while (shop_restate(shop, shard))
            continue;
        shop_settle(shop);
    }
}

/* A story's records; or those since a walk over all that it left, and a little more. */
static void write_seed(const struct story *story, bool walks, const char *path)
{
    static struct shop shop;
    size_t flushed[SHARDS] = {0};
    FILE *out = fopen(path, "wb");
    CHECK(out != NULL);
    shop_open(&shop, SHARDS, &recovery_capacity);
    story->play(&shop);
    if (walks) {
        restate(&shop);
        for (uint8_t shard = 0; shard < SHARDS; shard++)
            flushed[shard] = shop.logs[shard].walk_begun;
        product(&shop, "D", "", 0);
        (void)shop_cart(&shop, "ann", "D", 1);
        restate(&shop);
    }
    flush(&shop, out, flushed);
    shop_close(&shop);
    CHECK(fclose(out) == 0);
}

int main(int count, char **arguments)
{
    char path[1024];
    CHECK(count == 2);
    for (uint32_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", arguments[1], stories[i].name);
        write_seed(&stories[i], false, path);
        (void)snprintf(path, sizeof(path), "%s/%s-walked", arguments[1], stories[i].name);
        write_seed(&stories[i], true, path);
    }
    return 0;
}
