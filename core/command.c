/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every member that can change the effect, in structs small enough to be hashed in a breath; a text
 * that is there is one link more. Who asks is no part of it: the key's scope is what is changed,
 * whoever calls (I2), and the customer of a checkout is in that scope.
 */
#include "core/command.h"

#include "core/check.h"
#include "core/look.h"
#include "core/partition.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/* A text, and all that was hashed before it. */
struct link {
    struct hash128 before, text;
    uint64_t size;
    uint32_t a, b; /* which text; of an item: its quantity and line */
};

struct fixed {
    struct hash128 items;
    int64_t expected_total, stock_delta;
    uint32_t kind, item_count, stock_value, stock_compare;
    uint8_t order_id[16];
    uint8_t currency[4];
    uint8_t mode, expected_total_set, restock_none, stock_set;
    uint8_t stock_floor, risk_decision;
    uint8_t zero[2];
    uint32_t risk_score;
};

_Static_assert(sizeof(struct link) == 48, "no padding, or the hash reads chance");
_Static_assert(sizeof(struct fixed) == 80, "no padding, or the hash reads chance");

static struct hash128 hash_of(const void *data, uint32_t size)
{
    XXH128_hash_t hash = XXH3_128bits(data, size);
    return (struct hash128){.low = hash.low64, .high = hash.high64};
}

static struct hash128 hash_text(struct hash128 before, struct bytes text, uint32_t a, uint32_t b)
{
    struct link link = {.before = before, .size = text.size, .a = a, .b = b};
    if (text.size > 0)
        link.text = hash_of(text.data, text.size);
    return hash_of(&link, sizeof(link));
}

static struct hash128 hash_items(const struct command *command)
{
    struct hash128 hash = {0};
    for (uint32_t i = 0; i < command->item_count; i++) {
        const struct command_item *item = &command->items[i];
        hash = hash_text(hash, item->sku, item->quantity, item->line);
    }
    return hash;
}

bool command_is_stale(const struct command *command, uint32_t version)
{
    CHECK(command->if_version_count <= IF_VERSIONS_MAX);
    for (uint32_t i = 0; i < command->if_version_count; i++) {
        if (command->if_versions[i] == version)
            return false;
    }
    return command->if_version_set;
}

struct hash128 command_hash(const struct command *command)
{
    struct fixed fixed = {
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
        .risk_decision = command->risk_decision,
        .risk_score = command->risk_score,
    };
    memcpy(fixed.order_id, command->order_id, 16);
    memcpy(fixed.currency, command->currency, 4);
    struct hash128 hash = hash_of(&fixed, sizeof(fixed));
    const struct bytes texts[] = {command->sku, command->token, command->references,
        command->reason, command->adjustments,
        bytes_of(command->identities, command->identity_count * (uint32_t)sizeof(struct hash128))};
    for (uint32_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (texts[i].size > 0)
            hash = hash_text(hash, texts[i], i, 0);
    }
    return hash;
}

uint32_t command_shard(const struct command *command, uint32_t shard_count)
{
    switch (command->kind) {
    case COMMAND_CART_READ:
    case COMMAND_CART_SET:
    case COMMAND_CART_CLEAR:
    case COMMAND_CART_EXTEND:
    case COMMAND_CHECKOUT:
    case COMMAND_ORDERS_LIST:
    case COMMAND_CUSTOMER_READ:
    case COMMAND_CART_MERGE: /* then the guest's, see merge.h */
        return partition_of_customer(command->customer) % shard_count;
    case COMMAND_ORDER_READ:
    case COMMAND_PAYMENT:
    case COMMAND_CANCEL:
    case COMMAND_REVIEW:
        return partition_of_order(command->order_id) % shard_count;
    case COMMAND_PRODUCT_SET:
    case COMMAND_STOCK_CHANGE:
    case COMMAND_STOCK_READ:
    case COMMAND_IMPORT_BEGIN:
    case COMMAND_IMPORT_END:
    case COMMAND_SALE_SET:
    case COMMAND_SWITCH:
    case COMMAND_SWITCHES_LIST:
    case COMMAND_SALE_REMOVE:
    case COMMAND_AUDIT:
        return 0;
    case COMMAND_ORDERS_FIND:
    case COMMAND_RESERVATIONS: /* of one customer: on his shard alone */
        if (command->customer.size > 0)
            return partition_of_customer(command->customer) % shard_count;
        return command->kind == COMMAND_RESERVATIONS ? look_first_shard(command, shard_count) : 0;
    case COMMAND_NONE:
        break;
    }
    CHECK(!"a command has a kind");
    return 0;
}
