/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A seeded random walk over one to four shards: customers, merchants, the bank and the clock do
 * what they like; records become durable late and in any order between the shards; now and then
 * the power fails. The invariants V1 to V4 are proved again and again by building the shop a second
 * time from its records. Repeat a failure with SEED=n.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/tables.h"
#include "tests/core/shop.h"

enum { STEPS = 40000, CHECK_EVERY = 500, ORDERS_REMEMBERED = 64 };

static const struct capacity narrow = {
    .skus = 6,
    .customers = 12,
    .orders = 24,
    .holds = 16,
    .lines = 48,
    .text_bytes = 8192,
    .idempotency_keys = 48,
    .claims = 80,
    .allowances = 12,
    .names = 8,
    .connections = 1,
    .requests = 1,
};

struct walk {
    struct shop shop;
    struct dice dice;
    uint8_t orders[ORDERS_REMEMBERED][16];
    uint32_t order_count;
    uint32_t seen[OUTCOME_COUNT];
    uint32_t keys;
};

/* A product as it may be described now; its price, limit and kind change during the walk. */
static void describe(struct walk *walk, uint32_t i, bool first)
{
    char sku[8];
    snprintf(sku, sizeof(sku), "S%u", i);
    uint32_t limit = i == 1 || i == 2 ? 2 : 0;
    if (!first && dice_below(&walk->dice, 4) == 0)
        limit = dice_below(&walk->dice, 4);
    struct product_image image = {
        .sku = bytes_of_string(sku),
        .title = BYTES("thing"),
        .seller = BYTES("seller"),
        .sale = i % 2 ? BYTES("drop") : (struct bytes){0},
        .stock = 1 + dice_below(&walk->dice, 8),
        .max_per_customer = limit,
        .reserve_on = i < 4 ? RESERVE_CART : RESERVE_CHECKOUT,
        .hold_seconds = 5,
        .price_count = 1,
        .prices = {{.currency = "GBP",
            .amount = 100 + i + (first ? 0 : dice_below(&walk->dice, 3))}},
    };
    struct command command = {
        .kind = COMMAND_PRODUCT_SET, .role = ROLE_OPERATOR, .product = &image};
    shop_run(&walk->shop, &command);
}

static void name(char out[16], const char *prefix, uint32_t number)
{
    snprintf(out, 16, "%s%u", prefix, number);
}

static void remember_order(struct walk *walk)
{
    if (walk->shop.answer.outcome != OUTCOME_OK)
        return;
    uint32_t slot = walk->order_count++ % ORDERS_REMEMBERED;
    memcpy(walk->orders[slot], shop_order_id(&walk->shop), 16);
}

static const uint8_t *some_order(struct walk *walk)
{
    uint32_t known = walk->order_count < ORDERS_REMEMBERED ? walk->order_count : ORDERS_REMEMBERED;
    return known == 0 ? NULL : walk->orders[dice_below(&walk->dice, known)];
}

static enum outcome buy(struct walk *walk, const char *who)
{
    struct command_item items[3];
    char skus[3][16], key[16];
    uint32_t count = dice_below(&walk->dice, 4);
    for (uint32_t i = 0; i < count; i++) {
        name(skus[i], "S", dice_below(&walk->dice, 7));
        items[i] = (struct command_item){
            .sku = bytes_of_string(skus[i]), .quantity = 1 + dice_below(&walk->dice, 3)};
    }
    name(key, "k", dice_below(&walk->dice, 4) ? walk->keys++ : dice_below(&walk->dice, 50));
    struct command command = {
        .kind = COMMAND_CHECKOUT,
        .role = ROLE_SERVICE,
        .customer = bytes_of_string(who),
        .key = bytes_of_string(key),
        .items = items,
        .item_count = count,
        .mode = (uint8_t)(1 + dice_below(&walk->dice, 2)),
    };
    enum outcome outcome = shop_run(&walk->shop, &command);
    remember_order(walk);
    return outcome;
}

static enum outcome pay(struct walk *walk)
{
    const uint8_t *id = some_order(walk);
    char payment[16];
    if (id == NULL)
        return OUTCOME_OK;
    struct command read = {.kind = COMMAND_ORDER_READ, .role = ROLE_SERVICE};
    memcpy(read.order_id, id, 16);
    int64_t total = 1;
    uint8_t result = (uint8_t)(1 + dice_below(&walk->dice, 6));
    if (shop_run(&walk->shop, &read) == OUTCOME_OK) {
        const struct order *order =
            order_at(walk->shop.engines[walk->shop.last_shard], walk->shop.answer.order_index);
        total = order->total + (dice_below(&walk->dice, 20) == 0);
        if (result == RESULT_REFUNDED && order->refund_due > 0)
            total = 1 + (int64_t)dice_below(&walk->dice, (uint32_t)order->refund_due);
    }
    name(payment, "p", dice_below(&walk->dice, 4) ? walk->keys++ : dice_below(&walk->dice, 100));
    return shop_pay(&walk->shop, id, result, payment, total);
}

static enum outcome cancel(struct walk *walk)
{
    const uint8_t *id = some_order(walk);
    char key[16];
    name(key, "c", dice_below(&walk->dice, 50));
    struct command_item item = {.line = 1, .quantity = 1};
    struct command command = {
        .kind = COMMAND_CANCEL,
        .role = ROLE_SERVICE,
        .key = bytes_of_string(key),
        .items = &item,
        .item_count = dice_below(&walk->dice, 2),
        .restock_none = dice_below(&walk->dice, 8) == 0,
    };
    if (id == NULL)
        return OUTCOME_OK;
    memcpy(command.order_id, id, 16);
    return shop_run(&walk->shop, &command);
}

static enum outcome adjust(struct walk *walk)
{
    char sku[16], key[16];
    name(sku, "S", dice_below(&walk->dice, 6));
    name(key, "a", walk->keys++);
    return shop_stock(&walk->shop, sku, (int64_t)dice_below(&walk->dice, 7) - 3, key);
}

static enum outcome clear(struct walk *walk, const char *who)
{
    struct command command = {
        .kind = COMMAND_CART_CLEAR, .role = ROLE_CUSTOMER, .customer = bytes_of_string(who)};
    return shop_run(&walk->shop, &command);
}

/* The merchant, and now and then a journal that is nearly full. */
static enum outcome rarely(struct walk *walk, const char *who)
{
    switch (dice_below(&walk->dice, 4)) {
    case 0:
        return clear(walk, who);
    case 1:
        describe(walk, dice_below(&walk->dice, 6), false);
        return walk->shop.answer.outcome;
    case 2:
        walk->shop.now.journal_full = dice_below(&walk->dice, 8) == 0;
        return OUTCOME_OK;
    default:
        walk->shop.now.streamed_seq = dice_below(&walk->dice, 4) == 0 ? 0 : UINT64_MAX;
        return OUTCOME_OK;
    }
}

static enum outcome step(struct walk *walk)
{
    char who[16], sku[16];
    name(who, "customer", dice_below(&walk->dice, 14));
    name(sku, "S", dice_below(&walk->dice, 6));
    switch (dice_below(&walk->dice, 13)) {
    case 0:
    case 1:
    case 2:
    case 3:
        return shop_cart(&walk->shop, who, sku, dice_below(&walk->dice, 4));
    case 4:
    case 5:
    case 6:
        return buy(walk, who);
    case 7:
    case 8:
        return pay(walk);
    case 9:
        return cancel(walk);
    case 10:
        return adjust(walk);
    case 11:
        return rarely(walk, who);
    default:
        shop_pass(&walk->shop, dice_below(&walk->dice, 8) ? dice_below(&walk->dice, 3000)
                                                          : dice_below(&walk->dice, 90000000));
        return OUTCOME_OK;
    }
}

/* The money of every order: nothing is due back that was not taken, and what is open is not paid.
 */
static void money_adds_up(struct walk *walk)
{
    for (uint32_t shard = 0; shard < walk->shop.shards; shard++) {
        const struct engine *engine = walk->shop.engines[shard];
        for (uint32_t i = 0; i < engine->orders.fresh; i++) {
            if (!pool_is_used(&engine->orders, i))
                continue;
            const struct order *order = order_at(engine, i);
            assert_true(order->refund_due >= 0);
            assert_true(order->refund_due <= PAYMENTS_PER_ORDER * order->total);
            if (order->status == ORDER_PENDING_PAYMENT || order->status == ORDER_EXPIRED)
                assert_int_equal(order->paid + order->refund_due, 0);
            if (order->status == ORDER_REFUND_REQUIRED)
                assert_true(order->refund_due > 0);
            if (order->status == ORDER_REFUNDED)
                assert_int_equal(order->refund_due, 0);
        }
    }
}

static void settle_some(struct walk *walk)
{
    for (uint32_t i = 0; i < 3; i++)
        shop_settle_one(&walk->shop, dice_below(&walk->dice, walk->shop.shards));
}

/* V4: with nothing in flight and no live hold, what is available is the allotment less sold. */
static void nothing_is_stranded(struct walk *walk)
{
    for (uint32_t i = 0; i < 4; i++)
        shop_pass(&walk->shop, 600 * 1000);
    shop_settle(&walk->shop);
    uint32_t end = catalog_walk_end(&walk->shop.shelf->catalog);
    for (uint32_t index = 0; index < end; index++)
        assert_int_equal(stock_numbers(&walk->shop.shelf->stock, index).held, 0);
}

static void walk_over(uint32_t shards, uint64_t seed)
{
    struct walk *walk = calloc(1, sizeof(*walk));
    walk->dice = dice_of(seed);
    shop_open(&walk->shop, shards, &narrow);
    for (uint32_t i = 0; i < 6; i++)
        describe(walk, i, true);
    walk->shop.settles_by_itself = false;
    shop_settle(&walk->shop);
    for (uint32_t i = 0; i < STEPS; i++) {
        walk->seen[step(walk)]++;
        settle_some(walk);
        if (i % CHECK_EVERY == 0) {
            shop_check(&walk->shop);
            money_adds_up(walk);
        }
        if (dice_below(&walk->dice, 2000) == 0)
            shop_reopen(&walk->shop);
    }
    nothing_is_stranded(walk);
    shop_check(&walk->shop);
    /* A walk that never meets a full table or a refusal proves little. */
    assert_true(walk->seen[OUTCOME_OK] > STEPS / 10);
    assert_true(walk->seen[OUTCOME_CAPACITY_EXHAUSTED] > 0);
    assert_true(walk->seen[OUTCOME_HELD_BY_OTHERS] > 0);
    assert_true(walk->seen[OUTCOME_REFUND_REQUIRED] > 0);
    assert_true(walk->seen[OUTCOME_LIMIT_EXCEEDED] > 0);
    shop_close(&walk->shop);
    free(walk);
}

static void units_are_neither_lost_nor_made_whatever_happens(void **state)
{
    (void)state;
    struct dice dice = dice_seeded("engine_walk");
    for (uint32_t shards = 1; shards <= SHOP_SHARDS_MAX; shards++) {
        uint64_t seed = getenv("SEED") != NULL ? dice.state : dice_next(&dice);
        printf("walk over %u shards: SEED=%llu\n", shards, (unsigned long long)seed);
        walk_over(shards, seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_are_neither_lost_nor_made_whatever_happens),
    };
    return cmocka_run_group_tests_name("engine_walk", tests, NULL, NULL);
}
