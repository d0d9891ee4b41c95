/* SPDX-License-Identifier: Apache-2.0 */
/*
 * partition - where a customer lives, and order ids that lead there.
 *
 * An order id is a UUIDv7 (RFC 9562) whose rand_a is the customer's partition:
 *
 *     bits   48 Unix time, ms | 4 version 7 | 12 partition | 2 variant 10 | 62 random
 *
 * so that an id finds its shard at any number of shards (shard = partition % shards), and sorts by
 * millisecond. The hash of a customer is not seeded: a gateway in front computes the same.
 *
 * Ownership  Plain values.
 * Threads    Any.
 * Units      Unix time in milliseconds; a partition is below PARTITIONS (limits.h).
 * Errors     order_id_parse() answers false for what is no id of ours.
 * Cost       A hash of the customer's bytes; the rest a few instructions.
 */
#ifndef HOTSHELF_CORE_PARTITION_H
#define HOTSHELF_CORE_PARTITION_H

#include <stdbool.h>
#include <stdint.h>

#include "core/bytes.h"

enum {
    ORDER_ID_SIZE = 16,      /* bytes */
    ORDER_ID_TEXT_SIZE = 36, /* 32 hexadecimal digits and 4 dashes */
};

/* XXH3_64bits(customer) % PARTITIONS. */
uint32_t partition_of_customer(struct bytes customer);

uint32_t partition_of_order(const uint8_t order_id[16]);

/* A new id from 64 fresh random bits, of which 62 are used. */
void order_id_make(uint8_t order_id[16], int64_t wall_ms, uint32_t partition, uint64_t random);

/* Exactly 36 bytes, digits of either case, version 7 and variant 10. `order_id` is written only
 * when the answer is true. */
bool order_id_parse(struct bytes text36, uint8_t order_id[16]);

/* All 0, which no order has. */
bool order_id_is_none(const uint8_t order_id[16]);

#endif
