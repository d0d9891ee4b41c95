/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_hash - what an idempotency key and a payment id are remembered by (I2, P4): one place for who
 * decides and for who brings them back from PostgreSQL.
 *
 * Ownership  Values.
 * Threads    None.
 * Units      None.
 * Errors     None.
 * Cost       A hash.
 */
#ifndef HOTSHELF_CORE_KEY_HASH_H
#define HOTSHELF_CORE_KEY_HASH_H

#include "core/tables.h"

static inline struct hash128 key_of_checkout(struct bytes customer, struct bytes key)
{
    struct bytes parts[3] = {BYTES("checkout"), customer, key};
    return hash_parts(parts, 3);
}

static inline struct hash128 key_of_cancel(const uint8_t order_id[16], struct bytes key)
{
    struct bytes parts[3] = {BYTES("cancel"), bytes_of(order_id, 16), key};
    return hash_parts(parts, 3);
}

/* By number: a SKU that comes again after its sale was removed is another one. */
static inline struct hash128 key_of_stock(uint32_t sku_number, struct bytes key)
{
    struct bytes parts[3] = {BYTES("stock"), bytes_of(&sku_number, sizeof(sku_number)), key};
    return hash_parts(parts, 3);
}

static inline struct hash128 hash_of_payment(struct bytes provider, struct bytes payment_id)
{
    struct bytes parts[3] = {BYTES("payment"), provider, payment_id};
    return hash_parts(parts, 3);
}

/* Refunds are told apart by their own id. */
static inline struct hash128 hash_of_refund(
    struct bytes provider, struct bytes payment_id, struct bytes refund_id)
{
    struct bytes parts[4] = {BYTES("payment"), provider, payment_id, refund_id};
    return hash_parts(parts, 4);
}

/* Whether a key was used for this request (I4). Of one that was brought back without its request
 * nothing is known: any is taken for it, since a second effect would be worse. */
static inline bool key_is_of(const struct request_key *key, struct hash128 request)
{
    return !hash128_is_set(key->request) || hash128_equal(key->request, request);
}

#endif
