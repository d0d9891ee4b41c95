/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command - what can be asked of an engine, decoded and checked for shape, not yet for rules.
 *
 * Ownership  Texts are borrowed from the request's slot, valid until its reply is written.
 * Threads    Handed from the shard it arrived at to the shard that owns what it changes.
 * Units      Minor units of money, whole units of stock.
 * Errors     The decoder refuses what has no shape (422 invalid); engine_decide() judges the rest.
 * Cost       Plain memory.
 */
#ifndef HOTSHELF_CORE_COMMAND_H
#define HOTSHELF_CORE_COMMAND_H

#include "core/bytes.h"
#include "core/event.h"

enum command_kind {
    COMMAND_NONE,
    /* run by the shard of the customer, or of the partition in the order's id */
    COMMAND_CART_READ,
    COMMAND_CART_SET, /* sku, quantity; 0 removes */
    COMMAND_CART_CLEAR,
    COMMAND_CHECKOUT,   /* items, or the cart without any */
    COMMAND_ORDER_READ, /* order_id */
    COMMAND_ORDERS_LIST,
    COMMAND_PAYMENT, /* a payment report */
    COMMAND_CANCEL,
    COMMAND_CART_EXTEND,
    COMMAND_REVIEW,        /* decision of a merchant about an order in review */
    COMMAND_CUSTOMER_READ, /* all that is kept of one customer */
    /* run by shard 0 */
    COMMAND_PRODUCT_SET,
    COMMAND_STOCK_CHANGE,
    COMMAND_STOCK_READ,
    COMMAND_IMPORT_BEGIN,
    COMMAND_IMPORT_END,
    COMMAND_SALE_SET,
    COMMAND_SWITCHES_LIST, /* what is not open */
    /* visit several shards, see struct answer.goes_on */
    COMMAND_CART_MERGE,  /* the customer's shard, the guest's and back, see merge.h */
    COMMAND_SWITCH,      /* pause, freeze, kill, resume: shard 0, then every shard */
    COMMAND_SALE_REMOVE, /* shard 0, every shard, shard 0 */
    COMMAND_ORDERS_FIND, /* lists of a merchant, shard by shard */
    COMMAND_RESERVATIONS,
    COMMAND_AUDIT,
};

enum role { ROLE_NONE, ROLE_CUSTOMER, ROLE_SERVICE, ROLE_VIEWER, ROLE_OPERATOR };

enum { IF_VERSIONS_MAX = 8 }; /* a client knows one; a list is a client's way to say "or" */

struct command_item {
    struct bytes sku;
    uint32_t quantity;
    uint32_t line; /* cancel: the order's line, from 1; 0: by sku */
};

/* A product as the merchant describes it; every column but stock may change later. */
struct product_image {
    struct bytes sku, title, category, seller, sale, group, option, image;
    uint32_t stock;            /* allotment of a product that this creates */
    uint32_t expected_version; /* the product it was made from; 0: whatever is there, or nothing */
    uint32_t max_per_customer;
    uint32_t hold_seconds;
    uint8_t reserve_on; /* enum reserve_on */
    uint8_t in_import;
    uint8_t price_count;
    int64_t starts_wall_ms;
    int64_t ends_wall_ms;
    struct {
        uint8_t currency[4];
        int64_t amount;
    } prices[PRICES_MAX];
};

/* A sale as the merchant describes it; what is 0 is the configuration's, or none. */
struct sale_image {
    uint32_t hold_seconds, payment_seconds, review_seconds, max_per_customer;
    uint8_t reserve_on;   /* enum reserve_on */
    uint8_t payment_mode; /* enum payment_mode */
    uint8_t counts;       /* enum sale_counts */
    uint8_t guests;       /* enum sale_guests */
    uint32_t counts_cap;
    int64_t starts_wall_ms, ends_wall_ms;
    uint32_t expected_version; /* the sale it was made from; 0: whatever is there, or nothing */
};

struct command {
    enum command_kind kind;
    enum role role;
    bool guest;     /* the customer is a signed guest identity */
    uint32_t step;  /* of a command that visits several shards: answer.next_step */
    uint8_t *carry; /* what it takes along between its visits: the caller's memory */
    uint32_t carry_size_max;
    struct bytes customer;   /* whose; with ORDER_READ, PAYMENT, CANCEL by service: may be empty */
    struct bytes key;        /* Idempotency-Key */
    struct hash128 key_hash; /* of a checkout's customer and key; zero: see engine_bring_near() */
    struct bytes sku;
    uint32_t quantity;
    uint8_t currency[4]; /* 3 letters and 0; all 0: not named */
    uint8_t order_id[16];

    const struct command_item *items;
    uint32_t item_count;

    /* The version of the cart, or of the sale to remove, must be one of these (C5); 0 of them with
     * the flag set: none will do. */
    bool if_version_set;
    uint8_t if_version_count;
    uint32_t if_versions[IF_VERSIONS_MAX];

    /* checkout */
    bool expected_total_set;
    int64_t expected_total;
    uint8_t mode; /* enum payment_mode; 0: not named */
    struct bytes token;
    struct bytes references; /* JSON object as it will be rendered */
    /* role service; checkout and payment report */
    bool adjustments_set;
    struct bytes adjustments; /* JSON array as it will be rendered */
    int64_t adjustments_sum;
    /* role service; checkout */
    const struct hash128 *identities; /* hashes of card, address, device .. (Q5) */
    uint32_t identity_count;          /* at most IDENTITIES_MAX, no two alike */
    uint8_t risk_decision;            /* enum risk_decision; RISK_NONE: not sent */
    uint32_t risk_score;
    uint8_t review_decision; /* review: RISK_APPROVE or RISK_DECLINE */
    struct bytes guest_id;   /* merge: whose cart is merged into the customer's */
    uint8_t switch_action;   /* enum switch_action */
    uint8_t switch_scope;    /* enum switch_scope: everything, .sale or .sku */
    struct bytes sale;       /* sales and switches */
    const struct sale_image *sale_image;

    /* payment */
    uint8_t result; /* enum payment_result */
    struct bytes provider;
    struct bytes payment_id;
    struct bytes refund_id;
    int64_t amount;

    /* cancel: restock to available unless false; stock: who and why */
    bool restock_none;
    struct bytes actor;
    struct bytes reason;

    /* stock change: delta, or set with compare */
    bool stock_set;
    bool stock_floor;
    int64_t stock_delta;
    uint32_t stock_value;
    uint32_t stock_compare;

    /* lists: position to go on from (0 from the start; orders: order_id, the last one shown),
     * bounds of created_at; a merchant's also by customer, sku and order_status (0: any) */
    uint8_t order_status;
    uint64_t cursor;
    uint32_t limit;
    int64_t from_wall_ms;
    int64_t to_wall_ms;

    const struct product_image *product;
    struct fact_import import;
};

/* The shard that runs a command, or the first of those that it visits. */
uint32_t command_shard(const struct command *command, uint32_t shard_count);

/* Whether If-Match was sent and does not name this version. */
bool command_is_stale(const struct command *command, uint32_t version);

/* The request's identity for I3 and I4: every decoded member that can change the effect, and not
 * who sent it. */
struct hash128 command_hash(const struct command *command);

#endif
