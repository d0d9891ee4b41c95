/* SPDX-License-Identifier: Apache-2.0 */
/*
 * till_rounds - a till whose journals go round: some orders, then carts, and restating walks
 * whenever one would free a segment.
 *
 * Ownership  The till's.
 * Threads    One.
 * Units      Turns: one thing that somebody does.
 * Errors     cmocka's assertions.
 * Cost       A batch on some shards.
 */
#ifndef HOTSHELF_TESTS_PERSIST_TILL_ROUNDS_H
#define HOTSHELF_TESTS_PERSIST_TILL_ROUNDS_H

#include "tests/persist/till.h"

#include "core/restate.h"

enum {
    TILL_FIRST_ORDERS = 16,
    TILL_IMAGES_AT_ONCE = 5, /* so that a walk lies among other events */
};

static inline void till_walk_on(struct till *till, uint32_t shard)
{
    struct engine *engine = till->shop.engines[shard];
    if (!restate_is_under_way(engine) && !ring_would_free(&till->ledger->journals[shard].ring, 1))
        return;
    for (uint32_t i = 0; i < TILL_IMAGES_AT_ONCE && shop_restate(&till->shop, shard); i++)
        continue;
    shop_settle(&till->shop);
}

static inline void till_trade(struct till *till, uint32_t turn)
{
    static const char *const skus[] = {"S1", "S2", "S3"};
    char who[16], key[16];
    (void)snprintf(who, sizeof(who), "c%u", dice_below(&till->dice, TILL_CUSTOMERS));
    (void)snprintf(key, sizeof(key), "k%u", turn);
    if (turn < TILL_FIRST_ORDERS)
        till_checkout(till, who, key);
    else if (turn % 16 == 0)
        till_follow_up(till, key);
    else
        (void)shop_cart(
            &till->shop, who, skus[dice_below(&till->dice, 3)], 1 + dice_below(&till->dice, 4));
    for (uint32_t i = 0; i < TILL_SHARDS; i++)
        till_walk_on(till, i);
    for (uint32_t i = 0; i < TILL_SHARDS; i++)
        till_flush(till, i);
}

#endif
