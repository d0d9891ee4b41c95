/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits - every fixed bound of the product, with its unit and its reason; the one home of each.
 *
 * What an operator sizes (tables) is struct capacity; what the rules bound is a constant here or,
 * where there is a key of the configuration, a maximum for that key.
 *
 * Ownership  Constants and plain values.
 * Threads    Any.
 * Units      In each name; sizes in bytes, counts in entries for the whole process (capacities are
 *            divided among the shards where the table is a shard's own).
 * Errors     Relations between limits are static assertions at the foot.
 * Cost       None.
 */
#ifndef HOTSHELF_CORE_LIMITS_H
#define HOTSHELF_CORE_LIMITS_H

#include <stdint.h>

enum {
    PARTITIONS = 4096,           /* 12 bits, so that a partition fits rand_a of a UUIDv7 */
    SHARDS_MAX = 64,             /* one word of a bit mask; one journal header lists them all */
    SKU_SIZE_MAX = 63,           /* bytes; fits a cache line with its length */
    NAME_SIZE_MAX = 63,          /* sellers, sales, categories, groups, options */
    TITLE_SIZE_MAX = 255,        /* one length byte */
    CUSTOMER_SIZE_MAX = 127,     /* bytes of printable ASCII */
    KEY_SIZE_MAX = 255,          /* Idempotency-Key */
    PAYMENT_TEXT_SIZE_MAX = 127, /* provider and payment id, each */
    TOKEN_SIZE_MAX = 255,        /* payment.token, opaque */
    ACTOR_SIZE_MAX = 127,        /* who did it: a customer or the name of a token */
    REASON_SIZE_MAX = 255,       /* why */
    REFERENCES_MAX = 8,
    REFERENCES_SIZE_MAX = 2048,  /* bytes of the references as JSON: 8 x (32 + 127) escaped */
    PRICES_MAX = 8,              /* currencies of one product */
    LINES_PER_ORDER_MAX = 512,   /* also of a cart: a cart must be able to become one order */
    ADJUSTMENTS_MAX = 8,         /* of an order */
    ADJUSTMENTS_SIZE_MAX = 4096, /* bytes of them as JSON: twice what texts without escapes need */
    IDENTITIES_MAX = 4,          /* further identity keys of a checkout (Q5) */
    IDENTITIES_SIZE_MAX = 16 * IDENTITIES_MAX,
    COUNTS_SIZE_MAX = 24 * LINES_PER_ORDER_MAX, /* counters that an order's end gives back */
    PAYMENTS_PER_ORDER = 4,                     /* claims set aside when an order is born */
    FORGET_MAX = 32,                            /* entities forgotten by one record */
    PART_LINES_MAX = 64,                        /* of a removed sale's part dropped by one record */
    STREAM_EVENTS_MAX = 2, /* stream numbers one record can use: placed and confirmed */
#ifdef LIMITS_TINY
    SWITCHES_MAX = 4,   /* scopes that are not open; everything has a place of its own */
    KILLS_MAX = 2,      /* kills that some shard has not ended */
    KILL_LOOKS_MAX = 4, /* holds, orders and their lines looked at by one part of a sweep */
#else
    SWITCHES_MAX = 512,    /* scopes that are not open: their list fits one reply */
    KILLS_MAX = 8,         /* kills that some shard has not ended: looked at for every dead hold */
    KILL_LOOKS_MAX = 4096, /* holds, orders and their lines looked at in one tick: some 50 us */
#endif
};

/* Where the tables are sized. Zero is never valid. Order lines, texts: see core/pool.h, text.h. */
struct capacity {
    uint32_t skus;
    uint32_t customers;
    uint32_t orders;
    uint32_t holds; /* cart lines, with or without a live hold */
    uint32_t lines; /* order lines */
    uint64_t text_bytes;
    uint32_t idempotency_keys;
    uint32_t claims;     /* payment ids: PAYMENTS_PER_ORDER for each order */
    uint32_t identities; /* identity keys, guests' customers, times products with a limit */
    uint32_t allowances; /* customer and SKU pairs with a limit */
    uint32_t names;      /* sellers and sales together */
    uint32_t connections;
    uint32_t subscribers; /* of connections: streams of live stock; 0: none */
    uint32_t requests;    /* slots of requests under way */
    uint32_t tokens;      /* verified ones, remembered */
};

#ifdef LIMITS_TINY
#define CAPACITY_DEFAULT                                                                           \
    ((struct capacity){.skus = 4,                                                                  \
        .customers = 8,                                                                            \
        .orders = 8,                                                                               \
        .holds = 8,                                                                                \
        .lines = 16,                                                                               \
        .text_bytes = 4096,                                                                        \
        .idempotency_keys = 8,                                                                     \
        .claims = 32,                                                                              \
        .identities = 8,                                                                           \
        .allowances = 8,                                                                           \
        .names = 8,                                                                                \
        .connections = 16,                                                                         \
        .subscribers = 4,                                                                          \
        .requests = 16,                                                                            \
        .tokens = 8})
#else
#define CAPACITY_DEFAULT                                                                           \
    ((struct capacity){.skus = 16384,                                                              \
        .customers = 262144,                                                                       \
        .orders = 262144,                                                                          \
        .holds = 524288,                                                                           \
        .lines = 1048576,                                                                          \
        .text_bytes = 67108864,                                                                    \
        .idempotency_keys = 524288,                                                                \
        .claims = 1048576,                                                                         \
        .identities = 524288,                                                                      \
        .allowances = 262144,                                                                      \
        .names = 8192,                                                                             \
        .connections = 4096,                                                                       \
        .subscribers = 2048,                                                                       \
        .requests = 2048,                                                                          \
        .tokens = 16384})
#endif

#endif
