/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kinds of walk, one after another by the seed: what is small in one is large in another. In a
 * build with limits=tiny every walk has the tables of that build, so that each is full again and
 * again.
 */
#include "tests/simulate/world.h"

static const struct capacity tiny = {
    .skus = 4,
    .customers = 8,
    .orders = 8,
    .holds = 8,
    .lines = 16,
    .text_bytes = 4096,
    .idempotency_keys = 8,
    .claims = 32,
    .identities = 2,
    .allowances = 8,
    .names = 3,
    .connections = 1,
    .requests = 1,
};

static const struct capacity narrow = {
    .skus = 6,
    .customers = 40,
    .orders = 72,
    .holds = 56,
    .lines = 150,
    .text_bytes = 16384,
    .idempotency_keys = 160,
    .claims = 288,
    .identities = 6,
    .allowances = 40,
    .names = 4,
    .connections = 1,
    .requests = 1,
};

static const struct capacity crowd = {
    .skus = 12,
    .customers = 3600,
    .orders = 2400,
    .holds = 4000,
    .lines = 6000,
    .text_bytes = 1048576,
    .idempotency_keys = 4000,
    .claims = 9600,
    .identities = 40,
    .allowances = 2400,
    .names = 8,
    .connections = 1,
    .requests = 1,
};

/* name, shards, customers, skus, capacity, stock, crash, digests, huge prices */
static const struct {
    const char *name;
    uint32_t shards, customers, skus;
    const struct capacity *capacity;
    uint32_t stock_at_most, crash_every, digest_every;
    bool huge_prices;
} settings[] = {
    {"tiny, one shard", 1, 10, 5, &tiny, 6, 3000, 1, false},
    {"four shards that want the same units", 4, 60, 3, &narrow, 3, 6000, 16, false},
    {"a crowd on four shards", 4, 4000, 12, &crowd, 200, 15000, 256, false},
    {"tiny, four shards", 4, 16, 4, &tiny, 4, 3000, 1, false},
    {"one shard", 1, 50, 6, &narrow, 12, 6000, 16, true},
    {"tiny, three shards", 3, 12, 5, &tiny, 40, 0, 1, true},
    {"two shards", 2, 50, 7, &narrow, 40, 6000, 16, true},
    {"three shards, no crash", 3, 48, 6, &narrow, 8, 0, 16, false},
};

static const struct policy policy = {
    .node = 1,
    .payment_mode = PAYMENT_EXTERNAL,
    .reserve_on = RESERVE_CHECKOUT,
    .hold_seconds = 30,
    .payment_seconds = 40,
    .max_extensions = 1,
    .max_life_seconds = 100,
    .review_seconds = 50,
    .cancel_seconds = 60,
    .order_keep_seconds = 86400,
    .late_payment_seconds = 86400,
    .idempotency_seconds = 86400,
    .cart_idle_seconds = 1800,
    .lines_per_order = 3,
    .lines_per_cart = 4,
    .units_per_line = 6,
    .max_open_orders = 2,
    .risk_review_score = 80,
    .risk_decline_score = 95,
};

/* In every third walk hardly anything is ever full, so that what a full table refuses happens,
 * too. */
static void make_room(struct capacity *capacity)
{
    capacity->customers *= 8;
    capacity->orders *= 8;
    capacity->holds *= 8;
    capacity->lines *= 8;
    capacity->text_bytes *= 8;
    capacity->idempotency_keys *= 8;
    capacity->claims *= 8;
    capacity->identities *= 8;
    capacity->allowances *= 8;
}

struct setting setting_of(uint64_t seed)
{
    uint32_t which = (uint32_t)(seed % (sizeof(settings) / sizeof(settings[0])));
    struct setting setting = {
        .name = settings[which].name,
        .shards = settings[which].shards,
        .customers = settings[which].customers,
        .skus = settings[which].skus,
        .capacity = *settings[which].capacity,
        .policy = policy,
        .stock_at_most = settings[which].stock_at_most,
        .crash_every = settings[which].crash_every,
        .digest_every = settings[which].digest_every,
        .huge_prices = settings[which].huge_prices,
    };
    uint64_t turn = seed / (sizeof(settings) / sizeof(settings[0]));
    static const uint32_t walk_every[] = {100, 400, 0, 25};
    setting.walk_every = walk_every[turn % 4];
    if (turn % 2 == 1)
        setting.policy.payment_mode = PAYMENT_DEFERRED;
    if (turn % 5 == 3)
        setting.policy.max_extensions = 3;
    if (turn % 4 == 2)
        setting.policy.max_open_orders = 1;
    if (turn % 3 == 1)
        setting.policy.lines_per_order = 4;
    if (turn % 3 == 2)
        setting.policy.max_life_seconds = setting.policy.payment_seconds;
    if (turn % 3 == 2 && settings[which].capacity != &crowd)
        make_room(&setting.capacity);
#ifdef LIMITS_TINY
    setting.capacity = CAPACITY_DEFAULT;
    setting.digest_every = 1;
    if (setting.customers > 60)
        setting.customers = 60;
#endif
    return setting;
}
