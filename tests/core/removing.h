/* SPDX-License-Identifier: Apache-2.0 */
/*
 * removing - the steps of the tests of removed sales.
 *
 * Ownership  The shop of sales.h.
 * Threads    One.
 * Units      As command.h.
 * Errors     cmocka's assertions.
 * Cost       A shop's.
 */
#ifndef HOTSHELF_TESTS_CORE_REMOVING_H
#define HOTSHELF_TESTS_CORE_REMOVING_H

#include "tests/core/sales.h"

static inline struct command removing(const char *name)
{
    return (struct command){.kind = COMMAND_SALE_REMOVE,
        .role = ROLE_OPERATOR,
        .sale = bytes_of_string(name),
        .actor = BYTES("ann"),
        .carry = shop.carry,
        .carry_size_max = sizeof(shop.carry)};
}

static inline enum outcome remove_sale(const char *name)
{
    const struct command command = removing(name);
    return shop_run(&shop, &command);
}

static const struct capacity wide = {
    .skus = 4,
    .customers = 400,
    .orders = 400,
    .holds = 400,
    .lines = 800,
    .text_bytes = 131072,
    .idempotency_keys = 800,
    .claims = 1600,
    .identities = 400,
    .allowances = 400,
    .names = 4,
    .connections = 1,
    .requests = 1,
};

static inline void open_wide(uint32_t shards)
{
    shop_close(&shop);
    shop_open(&shop, shards, &wide);
    for (uint32_t i = 0; i < shards; i++) {
        shop.engines[i]->policy.payment_mode = PAYMENT_DEFERRED;
        shop.engines[i]->policy.idempotency_seconds = 3 * 86400;
        shop.engines[i]->policy.order_keep_seconds = 3 * 86400;
    }
    shop.policy = shop.engines[0]->policy;
}

/* A sale of two products, each with a limit, in which everybody has bought and left a cart. */
static inline void sell_out(const char *name, const char *a, const char *b, uint32_t customers)
{
    char who[16], key[16];
    assert_int_equal(put(name, &(struct sale_image){.ends_wall_ms = shop.now.wall_ms + 60000,
                                   .max_per_customer = 4}),
        OUTCOME_OK);
    product_of(a, name, &(struct product_image){.stock = 1000});
    product_of(b, name, &(struct product_image){.stock = 1000});
    for (uint32_t i = 0; i < customers; i++) {
        snprintf(who, sizeof(who), "c%u", i);
        snprintf(key, sizeof(key), "%s-%u", a, i);
        assert_int_equal(shop_checkout(&shop, who, key, a, 2), OUTCOME_OK);
        assert_int_equal(shop_cart(&shop, who, b, 1), OUTCOME_OK);
    }
}

static inline void assert_nothing_is_left(void)
{
    for (uint32_t i = 0; i < shop.shards; i++) {
        const struct engine *engine = shop.engines[i];
        assert_int_equal(engine->orders.used, 0);
        assert_int_equal(engine->lines.used, 0);
        assert_int_equal(engine->keys.used, 0);
        assert_int_equal(engine->allowances.used, 0);
        assert_int_equal(engine->gone.used, 0);
        assert_int_equal(engine->holds.used, 0);
    }
}

#endif
