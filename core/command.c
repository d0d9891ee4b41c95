/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every member that can change the effect, each text as its size and its hash, in one struct that
 * is hashed at once. Who asks is no part of it: the key's scope is what is changed, whoever calls
 * (I2), and the customer of a checkout is in that scope.
 */
#include "core/command.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

struct text_part {
    struct hash128 hash;
    uint64_t size;
};

struct item_part {
    struct hash128 before; /* of the items before this one */
    struct text_part sku;
    uint32_t quantity, line;
};

struct command_part {
    struct text_part sku, token, references, reason;
    struct hash128 items;
    int64_t expected_total, stock_delta;
    uint32_t kind, item_count, stock_value, stock_compare;
    uint8_t order_id[16];
    uint8_t currency[4];
    uint8_t mode, expected_total_set, restock_none, stock_set;
    uint8_t stock_floor, zero[7];
};

_Static_assert(sizeof(struct item_part) == 48, "no padding, or the hash reads chance");
_Static_assert(sizeof(struct command_part) == 176, "no padding, or the hash reads chance");

static struct hash128 hash_of(const void *data, uint32_t size)
{
    XXH128_hash_t hash = XXH3_128bits(data, size);
    return (struct hash128){.low = hash.low64, .high = hash.high64};
}

static struct text_part part_of(struct bytes text)
{
    if (text.size == 0)
        return (struct text_part){.size = 0};
    return (struct text_part){.hash = hash_of(text.data, text.size), .size = text.size};
}

static struct hash128 hash_items(const struct command *command)
{
    struct hash128 hash = {0};
    for (uint32_t i = 0; i < command->item_count; i++) {
        const struct command_item *item = &command->items[i];
        struct item_part part = {.before = hash,
            .sku = part_of(item->sku),
            .quantity = item->quantity,
            .line = item->line};
        hash = hash_of(&part, sizeof(part));
    }
    return hash;
}

struct hash128 command_hash(const struct command *command)
{
    struct command_part part = {
        .sku = part_of(command->sku),
        .token = part_of(command->token),
        .references = part_of(command->references),
        .reason = part_of(command->reason),
        .items = hash_items(command),
        .expected_total = command->expected_total,
        .stock_delta = command->stock_delta,
        .kind = command->kind,
        .item_count = command->item_count,
        .stock_value = command->stock_value,
        .stock_compare = command->stock_compare,
        .mode = command->mode,
        .expected_total_set = command->expected_total_set,
        .restock_none = command->restock_none,
        .stock_set = command->stock_set,
        .stock_floor = command->stock_floor,
    };
    memcpy(part.order_id, command->order_id, 16);
    memcpy(part.currency, command->currency, 4);
    return hash_of(&part, sizeof(part));
}
