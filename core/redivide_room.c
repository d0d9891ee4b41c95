/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Partitions are even, customers are not: whether what one new shard gets fits its tables is
 * counted before anything is written.
 */
#include "core/redivide_room.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/bugs.h"
#include "core/catalog_parts.h"
#include "core/check.h"

/* What one new shard has to hold, in the order of `tables`. */
enum redivided {
    CUSTOMERS,
    HOLDS,
    ORDERS,
    LINES,
    PAYMENTS,
    KEYS,
    ALLOWANCES,
    GONE,
    TEXTS,
    TABLES,
};

struct needs {
    uint64_t of[SHARDS_MAX][TABLES];
};

uint32_t redivide_share_of_key(const struct redivide *redivide, const struct key_entry *entry)
{
    if (entry->kind == REQUEST_STOCK || (entry->kind == REQUEST_MERGE && bug(BUG_MERGE_KEY_ASTRAY)))
        return 0;
    if (entry->kind == REQUEST_MERGE)
        return entry->partition % redivide->shares;
    return partition_of_order(entry->order_id) % redivide->shares;
}

bool redivide_gone_is_of(
    const struct redivide *redivide, uint32_t from, uint32_t index, uint32_t shard)
{
    const struct gone *gone = pool_at(&redivide->engines[from]->gone, index);
    if (gone->sku_number % redivide->shares != shard)
        return false;
    for (uint32_t i = 0; i < from; i++)
        if (gone_find(redivide->engines[i], gone->sku_number) != NONE)
            return false;
    return true;
}

static uint32_t share_of_customer(
    const struct redivide *redivide, const struct engine *engine, uint32_t index)
{
    uint8_t id[CUSTOMER_SIZE_MAX];
    uint32_t size = text_copy(&engine->texts, customer_at(engine, index)->id, id);
    return partition_of_customer(bytes_of(id, size)) % redivide->shares;
}

static void count_orders(
    const struct engine *engine, const struct customer *customer, uint64_t need[TABLES])
{
    uint32_t link = customer->orders_newest;
    for (; link != 0; link = order_at(engine, link - 1)->next) {
        const struct order *order = order_at(engine, link - 1);
        const struct text texts[] = {order->references, order->provider, order->payment_id,
            order->adjustments, order->adjustments_born, order->identities};
        need[ORDERS]++;
        need[LINES] += order->line_count;
        need[PAYMENTS] += order->payment_count;
        for (uint32_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
            need[TEXTS] += text_blocks(texts[i].size);
    }
}

static void count_customers(
    const struct redivide *redivide, const struct engine *engine, struct needs *needs)
{
    for (uint32_t i = 0; i < engine->customers.fresh; i++) {
        if (!pool_is_used(&engine->customers, i))
            continue;
        const struct customer *customer = customer_at(engine, i);
        uint64_t *need = needs->of[share_of_customer(redivide, engine, i)];
        need[CUSTOMERS]++;
        need[HOLDS] += customer->hold_count;
        need[ALLOWANCES] += customer->allowance_count;
        need[TEXTS] += text_blocks(customer->id.size);
        count_orders(engine, customer, need);
    }
}

static void count_keys(
    const struct redivide *redivide, const struct engine *engine, struct needs *needs)
{
    for (uint32_t i = 0; i < engine->keys.fresh; i++) {
        if (!pool_is_used(&engine->keys, i))
            continue;
        const struct request_key *key = pool_at(&engine->keys, i);
        struct key_entry entry = {.kind = key->kind, .partition = key->partition};
        if (key->order_index != NONE)
            memcpy(entry.order_id, order_at(engine, key->order_index)->id, 16);
        needs->of[redivide_share_of_key(redivide, &entry)][KEYS]++;
    }
}

static void count_gone(const struct redivide *redivide, uint32_t from, struct needs *needs)
{
    const struct pool *pool = &redivide->engines[from]->gone;
    for (uint32_t i = 0; i < pool->fresh; i++)
        for (uint32_t shard = 0; shard < redivide->shares && pool_is_used(pool, i); shard++)
            needs->of[shard][GONE] += redivide_gone_is_of(redivide, from, i, shard);
}

static uint64_t room_of(const struct engine *share, uint32_t table)
{
    const uint64_t rooms[TABLES] = {
        [CUSTOMERS] = share->customers.capacity,
        [HOLDS] = share->holds.capacity,
        [ORDERS] = share->orders.capacity,
        [LINES] = share->lines.capacity,
        [PAYMENTS] = share->payments.capacity,
        [KEYS] = share->keys.capacity,
        [ALLOWANCES] = share->allowances.capacity,
        [GONE] = share->gone.capacity,
        [TEXTS] = share->texts.capacity,
    };
    return rooms[table];
}

bool redivide_is_full(const struct redivide *redivide, struct redivide_full *full)
{
    static const char *const settings[TABLES] = {"customers", "holds", "orders", "lines", "claims",
        "idempotency_keys", "allowances", "skus", "text_bytes"};
    struct needs needs = {.of = {{0}}};
    for (uint32_t from = 0; from < redivide->count; from++) {
        count_customers(redivide, redivide->engines[from], &needs);
        count_keys(redivide, redivide->engines[from], &needs);
        count_gone(redivide, from, &needs);
    }
    for (uint32_t shard = 0; shard < redivide->shares; shard++) {
        for (uint32_t table = 0; table < TABLES; table++) {
            uint64_t needed = needs.of[shard][table], room = room_of(redivide->share, table);
            uint64_t unit = table == TEXTS ? TEXT_BLOCK_SIZE : 1;
            if (needed <= room)
                continue;
            *full = (struct redivide_full){.setting = settings[table],
                .shard = shard,
                .needed = needed * unit,
                .room = room * unit};
            return true;
        }
    }
    return false;
}

static uint64_t digest_of(const void *data, uint32_t size, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, size, seed);
}

uint64_t redivide_digest(struct engine *const engines[], uint32_t count)
{
    const struct shelf *shelf = engines[0]->shelf;
    uint32_t end = catalog_walk_end(&shelf->catalog);
    uint64_t sums[8] = {0};
    uint64_t digest = catalog_digest(&shelf->catalog) + switches_digest(&shelf->switches) +
                      claims_digest(&shelf->claims);
    for (uint32_t i = 0; i < end; i++) {
        uint32_t number = catalog_number(&shelf->catalog, i);
        struct stock_numbers stock = stock_numbers(&shelf->stock, i);
        uint64_t parts[5] = {number, stock.allotment, stock.available, stock.held, stock.sold};
        digest += number == 0 ? 0 : digest_of(parts, sizeof(parts), 1);
    }
    for (uint32_t i = 0; i < count; i++) {
        sums[0] += engines[i]->customers.used;
        sums[1] += engines[i]->holds.used;
        sums[2] += engines[i]->orders.used;
        sums[3] += engines[i]->lines.used;
        sums[4] += engines[i]->payments.used;
        sums[5] += engines[i]->allowances.used;
        sums[6] += engines[i]->live_holds;
        sums[7] += engines[i]->texts.used;
    }
    return digest + digest_of(sums, sizeof(sums), 2);
}
