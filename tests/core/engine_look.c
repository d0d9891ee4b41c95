/* SPDX-License-Identifier: Apache-2.0 */
/* What a merchant looks up over all shards: orders, reservations, and the audit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/look.h"
#include "core/tables.h"
#include "tests/core/shop.h"

static struct shop *shop;

enum { MANY_HOLDS = 3 * LOOK_SLOTS };

static const struct capacity wide = {
    .skus = 8,
    .customers = MANY_HOLDS + MANY_HOLDS / 4,
    .orders = 600,
    .holds = MANY_HOLDS + MANY_HOLDS / 4,
    .lines = 1200,
    .text_bytes = 1 << 20,
    .idempotency_keys = 1200,
    .claims = 2400,
    .allowances = 8,
    .names = 8,
    .connections = 1,
    .requests = 1,
};

static void sell(const char *sku, uint32_t stock, uint8_t reserve_on)
{
    struct product_image image = {
        .sku = bytes_of_string(sku),
        .title = BYTES("thing"),
        .stock = stock,
        .reserve_on = reserve_on,
        .price_count = 1,
        .prices = {{.currency = "GBP", .amount = 250}},
    };
    shop_product_as(shop, &image);
}

static int open_shop(void **state)
{
    (void)state;
    shop = calloc(1, sizeof(*shop));
    shop_open(shop, 3, &wide);
    shop->settles_by_itself = true;
    sell("C", 100000, RESERVE_CART);
    sell("S", 1000, RESERVE_CHECKOUT);
    sell("T", 1000, RESERVE_CHECKOUT);
    return 0;
}

static int close_shop(void **state)
{
    (void)state;
    shop_close(shop);
    free(shop);
    return 0;
}

static struct command looking(enum command_kind kind, uint32_t limit)
{
    return (struct command){
        .kind = kind,
        .role = ROLE_VIEWER,
        .limit = limit,
        .carry = shop->carry,
        .carry_size_max = sizeof(shop->carry),
    };
}

static void buy(uint32_t customer, const char *sku, uint32_t step_ms)
{
    char who[16], key[16];
    snprintf(who, sizeof(who), "c%u", customer);
    snprintf(key, sizeof(key), "k%u%s", customer, sku);
    assert_int_equal(shop_checkout(shop, who, key, sku, 1), OUTCOME_OK);
    shop_pass(shop, step_ms);
}

/* O4: sorted by created_at, newest first, then by id, whatever shards they are on */
static void orders_of_all_shards_are_one_list(void **state)
{
    (void)state;
    uint32_t shards_seen = 0;
    for (uint32_t i = 0; i < 250; i++)
        buy(i, i % 5 == 0 ? "T" : "S", i % 2);
    struct command command = looking(COMMAND_ORDERS_FIND, 100);
    uint32_t total = 0;
    uint8_t last[16];
    memset(last, 0xff, sizeof(last));
    for (uint32_t page = 0; page < 3; page++) {
        assert_int_equal(shop_run(shop, &command), OUTCOME_OK);
        const struct look *look = look_of(&command);
        const struct look_order *orders = look_orders(&command);
        assert_int_equal(look->found, page < 2 ? 100 : 50);
        assert_int_equal(look->more, page < 2);
        for (uint32_t i = 0; i < look->found; i++) {
            assert_true(memcmp(orders[i].id, last, 16) < 0);
            memcpy(last, orders[i].id, 16);
            shards_seen |= 1u << orders[i].shard;
        }
        total += look->found;
        memcpy(command.order_id, last, 16);
    }
    assert_int_equal(total, 250);
    assert_int_equal(shards_seen, 7);
}

static void orders_are_found_by_what_is_known_of_them(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 20; i++)
        buy(i, i % 5 == 0 ? "T" : "S", 1000);
    struct command command = looking(COMMAND_ORDERS_FIND, 50);
    command.sku = BYTES("T");
    shop_run(shop, &command);
    assert_int_equal(look_of(&command)->found, 4);
    command.customer = BYTES("c5");
    shop_run(shop, &command);
    assert_int_equal(look_of(&command)->found, 1);
    const struct look_order *found = look_orders(&command);
    assert_memory_equal(found->customer, "c5", 2);
    assert_int_equal(found->total, 250);
    command.sku = BYTES("S");
    shop_run(shop, &command);
    assert_int_equal(look_of(&command)->found, 0);
    command = looking(COMMAND_ORDERS_FIND, 50);
    command.to_wall_ms = shop->now.wall_ms - 15000;
    command.from_wall_ms = shop->now.wall_ms - 18000;
    shop_run(shop, &command);
    assert_int_equal(look_of(&command)->found, 3);
    command = looking(COMMAND_ORDERS_FIND, 50);
    command.order_status = ORDER_CONFIRMED;
    shop_run(shop, &command);
    assert_int_equal(look_of(&command)->found, 0);
    command.order_status = ORDER_PENDING_PAYMENT;
    shop_run(shop, &command);
    assert_int_equal(look_of(&command)->found, 20);
    command.sku = BYTES("NOBODY-KNOWS-IT");
    shop_run(shop, &command);
    assert_int_equal(look_of(&command)->found, 0);
}

/* Every hold once, page by page, and no visit looks at more than its share */
static void reservations_are_paged_over_all_shards(void **state)
{
    (void)state;
    char who[16];
    for (uint32_t i = 0; i < MANY_HOLDS; i++) {
        snprintf(who, sizeof(who), "c%u", i);
        assert_int_equal(shop_cart(shop, who, "C", 1), OUTCOME_OK);
    }
    buy(1, "S", 0);
    shop_visit(shop,
        &(struct command){.kind = COMMAND_RESERVATIONS,
            .limit = 200,
            .sku = BYTES("T"),
            .carry = shop->carry,
            .carry_size_max = sizeof(shop->carry)},
        0);
    assert_true(shop->answer.goes_on);
    struct command command = looking(COMMAND_RESERVATIONS, 200);
    uint32_t total = 0, of_orders = 0;
    uint8_t *seen = calloc(MANY_HOLDS, 1);
    do {
        assert_int_equal(shop_run(shop, &command), OUTCOME_OK);
        const struct look *look = look_of(&command);
        for (uint32_t i = 0; i < look->found; i++) {
            const struct look_reservation *own = &look_reservations(&command)[i];
            char text[CUSTOMER_SIZE_MAX + 1] = {0};
            memcpy(text, own->customer, own->customer_size);
            of_orders += !order_id_is_none(own->order_id);
            seen[strtoul(text + 1, NULL, 10)] += order_id_is_none(own->order_id);
        }
        total += look->found;
        command.cursor = look->more ? look_cursor(look) : 0;
    } while (command.cursor != 0);
    assert_int_equal(total, MANY_HOLDS + 1);
    assert_int_equal(of_orders, 1);
    for (uint32_t i = 0; i < MANY_HOLDS; i++)
        assert_int_equal(seen[i], 1);
    free(seen);
    command = looking(COMMAND_RESERVATIONS, 200);
    command.customer = BYTES("c1");
    shop_run(shop, &command);
    assert_int_equal(look_of(&command)->found, 2);
    shop_pass(shop, 700000);
    shop_run(shop, &command);
    assert_int_equal(look_of(&command)->found, 0);
}

/* V1, V2 proved while the shop is open */
static void the_audit_finds_nothing_in_a_shop_that_is_right(void **state)
{
    (void)state;
    char who[16];
    for (uint32_t i = 0; i < 300; i++) {
        snprintf(who, sizeof(who), "c%u", i);
        assert_int_equal(shop_cart(shop, who, "C", 1 + i % 3), OUTCOME_OK);
        if (i % 3 == 0)
            buy(i, "S", 0);
        if (i % 6 == 0)
            assert_int_equal(
                shop_pay(shop, shop_order_id(shop), RESULT_CAPTURED, who, 250), OUTCOME_OK);
    }
    struct command command = looking(COMMAND_AUDIT, 0);
    assert_int_equal(shop_run(shop, &command), OUTCOME_OK);
    assert_int_equal(look_of(&command)->checked, 3);
    assert_int_equal(look_of(&command)->violation_count, 0);
    assert_int_equal(look_of(&command)->unsettled, 0);
}

/* A unit that is held by nobody is found, and one that is sold and in no order */
static void the_audit_finds_a_unit_that_nobody_has(void **state)
{
    (void)state;
    uint32_t index = catalog_find(&shop->shelf->catalog, BYTES("C"));
    assert_int_equal(shop_cart(shop, "ann", "C", 2), OUTCOME_OK);
    assert_int_equal(stock_take(&shop->shelf->stock, index, 1), STOCK_TAKEN);
    struct command command = looking(COMMAND_AUDIT, 0);
    assert_int_equal(shop_run(shop, &command), OUTCOME_OK);
    const struct look *look = look_of(&command);
    assert_int_equal(look->checked, 2);
    assert_int_equal(look->violation_count, 1);
    assert_int_equal(look->violations[0].sku_index, index);
    assert_int_equal(look->violations[0].held, 3);
    assert_int_equal(look->violations[0].held_by_tables, 2);
    stock_sell(&shop->shelf->stock, index, 1);
    assert_int_equal(shop_run(shop, &command), OUTCOME_OK);
    assert_int_equal(look_of(&command)->violations[0].sold_by_tables, 0);
    assert_int_equal(look_of(&command)->violations[0].sold, 1);
    stock_restock(&shop->shelf->stock, index, 1);
    assert_int_equal(shop_run(shop, &command), OUTCOME_OK);
    assert_int_equal(look_of(&command)->violation_count, 0);
}

/* A SKU that moves in a round is looked at again; one that never stands still is left unjudged */
static void the_audit_looks_again_at_what_moved(void **state)
{
    (void)state;
    for (uint32_t restless = 0; restless < 2; restless++) {
        struct command command = looking(COMMAND_AUDIT, 0);
        uint32_t visits = 0, shard = 0;
        do {
            shop_visit(shop, &command, shard);
            command.step = shop->answer.next_step;
            shard = shop->answer.next_shard;
            bool goes_on = shop->answer.goes_on;
            if (visits++ == 0 || restless)
                assert_int_equal(shop_cart(shop, "ann", "C", 1 + visits), OUTCOME_OK);
            shop_settle(shop);
            shop->answer.goes_on = goes_on;
        } while (shop->answer.goes_on);
        assert_int_equal(look_of(&command)->violation_count, 0);
        assert_int_equal(look_of(&command)->unsettled, restless);
        assert_int_equal(look_of(&command)->checked, 3 - restless);
    }
}

#define LOOK(name) cmocka_unit_test_setup_teardown(name, open_shop, close_shop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOK(orders_of_all_shards_are_one_list),
        LOOK(orders_are_found_by_what_is_known_of_them),
        LOOK(reservations_are_paged_over_all_shards),
        LOOK(the_audit_finds_nothing_in_a_shop_that_is_right),
        LOOK(the_audit_finds_a_unit_that_nobody_has),
        LOOK(the_audit_looks_again_at_what_moved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
