/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask - what an actor of the simulation wants, in numbers: the model's language. The world spells
 * it as a command (command.h) for the engine; the model never sees a text, a hash or a slot.
 *
 * Ownership  A plain value, zero before it is filled, so that nothing stale is compared.
 * Threads    None.
 * Units      customer, sku, key, payment are numbers of the simulation: customer 7 is "c7".
 * Errors     None.
 * Cost       Plain memory.
 */
#ifndef HOTSHELF_TESTS_SIMULATE_ASK_H
#define HOTSHELF_TESTS_SIMULATE_ASK_H

#include "core/command.h"
#include "core/outcome.h"

enum {
    SHARDS_AT_MOST = 4,
    SKUS_AT_MOST = 16,
    SALES_AT_MOST = 3, /* 0: none */
    CURRENCIES = 3,    /* 0: not named */
    ITEMS_AT_MOST = 4,
    IDENTITIES_AT_MOST = 2, /* of one ask */
    IDENTITIES = 12,
    NOBODY = -1,
};

/* Terms of a product, as a merchant sets them. */
struct terms {
    int sale, seller;
    uint32_t limit;
    uint8_t reserve_on;
    uint32_t hold_seconds;
    int own_currency;
    int64_t price[CURRENCIES]; /* 0: not sold in that currency */
    int64_t starts_wall_ms, ends_wall_ms;
};

/* A sale, as a merchant sets it; 0 is the configuration's, or none. */
struct sale_terms {
    uint32_t limit, hold_seconds, payment_seconds, review_seconds, counts_cap;
    uint8_t reserve_on, payment_mode, counts;
    int64_t starts_wall_ms, ends_wall_ms;
};

/* Adjustments of a total: the text is told by its size, the sum follows from it. */
struct adjusting {
    bool set;
    uint32_t size;
    int64_t sum;
};

struct ask_item {
    int sku;
    uint32_t quantity;
    uint32_t line;
};

struct ask {
    enum command_kind kind;
    enum role role;
    int customer; /* NOBODY: not named */
    uint32_t key;
    int sku;
    uint32_t quantity;
    int currency;
    uint8_t order_id[16];
    uint32_t order_slot; /* where the model kept that order when the actor saw it */
    uint32_t item_count;
    struct ask_item items[ITEMS_AT_MOST];
    bool expected_total_set;
    int64_t expected_total;
    uint8_t mode;
    uint32_t reference_size; /* bytes of the references; 0 none */
    struct adjusting adjusting;
    uint8_t risk; /* enum risk_decision: of a checkout's service, of a merchant's review */
    uint32_t score;
    uint32_t identity_count;
    int identities[IDENTITIES_AT_MOST];
    bool if_version_set;
    uint32_t if_version; /* of the cart (C5) */
    uint8_t result;
    uint32_t payment, refund;
    int64_t amount;
    bool restock_none;
    bool stock_set, stock_floor;
    int64_t stock_delta;
    uint32_t stock_value, stock_compare;
    struct terms terms;
    uint32_t stock;
    uint32_t expected_version;
    bool in_import;
    int sale; /* of a sale or a switch */
    struct sale_terms sale_terms;
    uint8_t switch_action, switch_scope;
    int guest;         /* of a merge: a customer too */
    uint64_t merge_id; /* of a merge that was recorded */
};

/* The same decoded request, whoever sends it (I2, I3). */
bool ask_same(const struct ask *a, const struct ask *b);

#endif
