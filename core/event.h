/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event - what can happen. decide makes one, apply and settle carry it out, the journal keeps it.
 *
 * An event is a fixed part by kind (struct fact_*), lines, and texts; in memory and on disk the
 * fixed part and the lines have the same layout (little-endian, no padding, sizes asserted), so
 * that encoding is three copies and decoding borrows. The byte table is persist/FORMAT.md.
 *
 * An order event carries the whole order as it is after the event, with the names of its lines:
 * apply writes the image, the stream sends it, and neither needs another table.
 *
 *     move, for each line's `moved` units, when the record is durable (the escrow law):
 *     MOVE_GIVE held -> available     MOVE_SELL held -> sold     MOVE_RESTOCK sold -> available
 *
 * Ownership  Lines and texts are borrowed: of the engine's scratch (live, until the next decide) or
 *            of the buffer decoded (recovery, stream).
 * Threads    The shard that made it; the stream's thread decodes its own.
 * Units      Milliseconds (shelf: the shelf clock, wall: Unix time), minor units of money, units of
 *            stock. A sku_number is never used again; currency is an ISO 4217 code as 3 letters.
 * Errors     None here; record.h refuses what cannot be an event.
 * Cost       Plain memory.
 */
#ifndef HOTSHELF_CORE_EVENT_H
#define HOTSHELF_CORE_EVENT_H

#include <stdint.h>

#include "core/bytes.h"
#include "core/event_image.h"
#include "core/hash128.h"
#include "core/limits.h"

enum event_kind {
    EVENT_NONE = 0,
    /* a customer's shard */
    EVENT_CART_LINE_SET = 1, /* a cart line as it is now; quantity 0: it is gone */
    EVENT_HOLD_EXPIRED = 2,  /* the line stays, its hold is dead */
    EVENT_CART_CLEARED = 3,  /* lines: what each held */
    EVENT_ORDER_PLACED = 4,  /* streamed as placed, and as confirmed when born confirmed */
    EVENT_ORDER_CONFIRMED = 5,
    EVENT_ORDER_PAYMENT_DECLINED = 6, /* declined and pending: the attempt is noted */
    EVENT_ORDER_LINES_CANCELLED = 7,
    EVENT_ORDER_CANCELLED = 8,
    EVENT_ORDER_EXPIRED = 9,
    EVENT_ORDER_REVIEW = 10,
    EVENT_ORDER_REFUND_REQUIRED = 11,
    EVENT_ORDER_REFUNDED = 12,
    EVENT_PAYMENT_UNMATCHED = 13, /* a report for an order no longer kept */
    EVENT_ORDERS_FORGOTTEN = 14,  /* fact_forgotten; ids in text[TEXT_IDS] */
    EVENT_KEYS_FORGOTTEN = 15,
    EVENT_CUSTOMER_FORGOTTEN = 16,
    EVENT_CART_EXTENDED = 17,
    EVENT_CART_MOVED_OUT = 18,       /* a guest's cart is on its way to a customer's (C4) */
    EVENT_CART_MERGED = 19,          /* what the customer keeps of it */
    EVENT_CART_MERGE_ENDED = 20,     /* the guest's lines that were moved out are gone */
    EVENT_ALLOWANCES_FORGOTTEN = 21, /* lines: what counted in sales that are over for a day */
    EVENT_KILL_BEGUN = 22, /* earlier holds and unpaid orders in scope are dead from here on (W5) */
    EVENT_KILL_ENDED = 23, /* every unit of them is on its way back */
    EVENT_SALE_PART_REMOVED = 24, /* this shard's part of a removed sale is gone */
    /* shard 0 */
    EVENT_PRODUCT_SET = 32,
    EVENT_STOCK_ADJUSTED = 33,
    EVENT_SALE_SET = 34,
    EVENT_IMPORT_BEGUN = 35, /* every row of the spooled file with this hash will follow */
    EVENT_IMPORT_DONE = 36,
    EVENT_SWITCH_SET = 37,   /* pause, freeze, kill, resume */
    EVENT_SALE_CLOSING = 38, /* its removal has begun */
    EVENT_SALE_REMOVED = 39,
    EVENT_SALE_OPENED = 40, /* its window has begun; fact_sale as it is */
    EVENT_SALE_CLOSED = 41,
    /* any shard, of the journal itself */
    EVENT_STREAM_ATTACHED = 48, /* the journal has met its PostgreSQL: segments wait for it now */
    EVENT_CLOSED = 49,          /* closing mark of a clean stop */
    EVENT_SALVAGED = 50,        /* batches of some shard were given up by an operator */
    /* a restating walk of a shard, see event_image.h */
    EVENT_WALK_BEGUN = 64,
    EVENT_WALK_ENDED = 65,
    EVENT_CUSTOMER_IMAGE = 66, /* with the cart */
    EVENT_ORDER_IMAGE = 67,
    EVENT_KEYS_IMAGE = 68,
    EVENT_ALLOWANCES_IMAGE = 69, /* lines: quantity is what is used, moved what is handed */
    EVENT_GONE_IMAGE = 70,       /* lines: unit_price is units */
    EVENT_KILLS_IMAGE = 71,
    /* of shard 0 */
    EVENT_NAME_IMAGE = 72,
    EVENT_PRODUCT_IMAGE = 73, /* as product set; allotment is the whole of it */
    EVENT_SWITCH_IMAGE = 74,  /* as switch set, action 0; kill: of its scope, now_wall_ms: since */
    EVENT_IMPORT_IMAGE = 75,  /* as import begun */
};

enum stock_move { MOVE_NONE, MOVE_GIVE, MOVE_SELL, MOVE_RESTOCK };

enum order_status {
    ORDER_PENDING_PAYMENT = 1,
    ORDER_REVIEW,
    ORDER_CONFIRMED,
    ORDER_CANCELLED,
    ORDER_EXPIRED,
    ORDER_REFUND_REQUIRED,
    ORDER_REFUNDED,
};

enum payment_mode { PAYMENT_EXTERNAL = 1, PAYMENT_DEFERRED = 2 };

/* The greater one is the stricter (P11). */
enum risk_decision { RISK_NONE = 0, RISK_APPROVE = 1, RISK_REVIEW, RISK_DECLINE };

/* What a payment report says of the payment: no report of money is refused for want of room. */
enum order_text { ORDER_TEXT_PROVIDER = 1, ORDER_TEXT_PAYMENT_ID = 2, ORDER_TEXTS_ALL = 3 };

enum payment_result {
    RESULT_NONE = 0,
    RESULT_PENDING = 1,
    RESULT_AUTHORIZED,
    RESULT_CAPTURED,
    RESULT_DECLINED,
    RESULT_CANCELLED,
    RESULT_REFUNDED,
};

/* What of a shard's part of a removed sale is gone: cart lines, allowances, units sold in orders
 * that were forgotten; or all there was. */
enum sale_part { PART_CART_LINES = 1, PART_ALLOWANCES, PART_GONE, PART_ALL };

/* What was last told of a sale's window: SALE_SILENT, nothing yet. */
enum sale_told { SALE_SILENT = 0, SALE_TOLD_OPEN = 1, SALE_TOLD_CLOSED = 2 };

/* LINE_MOVED: of a guest's cart, handed to a merge that has not ended; it holds nothing. */
enum line_state { LINE_NONE = 0, LINE_HELD = 1, LINE_EXPIRED = 2, LINE_MOVED = 3 };
enum sale_counts { COUNTS_EXACT = 0, COUNTS_CAPPED = 1, COUNTS_BOOLEAN = 2 };
enum sale_guests { GUESTS_ALLOWED = 0, GUESTS_REFUSED = 1 };
/* What a switch does, and to what (W3 to W6). */
enum switch_action { SWITCH_RESUME = 1, SWITCH_PAUSE, SWITCH_FREEZE, SWITCH_KILL };
enum switch_scope { SCOPE_ALL = 1, SCOPE_SALE, SCOPE_SKU };
enum reserve_on { RESERVE_UNSET = 0, RESERVE_CART = 1, RESERVE_CHECKOUT = 2 };

/* Texts of an event; which are used says the comment. An unused text has size 0. */
enum event_text {
    TEXT_CUSTOMER,   /* every event of a customer's shard but ORDERS_/KEYS_FORGOTTEN */
    TEXT_KEY,        /* idempotency key of placed, cancelled, stock adjusted */
    TEXT_REFERENCES, /* order: JSON object as rendered; import: empty */
    TEXT_PROVIDER,   /* order: of the latest payment report */
    TEXT_PAYMENT_ID,
    TEXT_TOKEN,       /* order: payment.token */
    TEXT_ADJUSTMENTS, /* order: JSON array as rendered; empty: none */
    TEXT_NAMES,  /* order lines, cart line: for each line sku, seller, sale: length byte + bytes */
    TEXT_IDS,    /* forgotten: 16 bytes each */
    TEXT_ACTOR,  /* stock, product, cancel: who */
    TEXT_REASON, /* stock, cancel */
    TEXT_SKU,    /* product, stock */
    TEXT_TITLE,
    TEXT_CATEGORY,
    TEXT_SELLER,
    TEXT_SALE,
    TEXT_GROUP,
    TEXT_OPTION,
    TEXT_IMAGE,
    TEXT_CLAIMS,           /* orders forgotten: 32 bytes each, order id and payment hash */
    TEXT_HOLDS,            /* carts of many lines: a struct event_hold for each line */
    TEXT_REFUND_ID,        /* order, unmatched: of a refund's report */
    TEXT_ADJUSTMENTS_BORN, /* order: of the checkout, once a payment report replaced them */
    TEXT_IDENTITIES,       /* order: a struct hash128 each, see identities.h */
    TEXT_COUNTS,    /* a struct identity_count each that the event gives back: identities.h */
    TEXT_CUSTOMERS, /* part removed: for each line whose it is: length byte + bytes */
    TEXT_ENTRIES,   /* walk begun, images: see event_image.h */
    EVENT_TEXTS,
};

/* One counter of identities.h and units of it, as in TEXT_COUNTS. */
struct identity_count {
    struct hash128 key;
    uint64_t units;
};

struct event_line {
    uint32_t sku_number;
    uint32_t quantity;
    uint32_t cancelled; /* of quantity, so far */
    uint32_t restocked; /* of cancelled, so far */
    int64_t unit_price;
    uint32_t seller_number; /* catalog.h names; 0 none */
    uint32_t sale_number;
    uint32_t limit;     /* max_per_customer in force when taken; 0 none: no allowance is kept */
    uint32_t moved;     /* units that this event moves, see enum stock_move */
    uint32_t from_hold; /* placed: units that came from a cart hold of the same SKU */
    uint32_t uncounted; /* order: units that count against limits no more from this event on (Q4) */
};

/* What a cart line is beyond its event_line: in TEXT_HOLDS, one for each line, not aligned. */
struct event_hold {
    uint64_t deadline_shelf_ms; /* of the hold; 0 without */
    uint64_t created_shelf_ms;  /* when the hold began: bounds its whole life */
    uint32_t taken;             /* merged: units that decide took from available */
    uint32_t handed;    /* moved out: units bought that count for the customer from here on */
    uint8_t state;      /* enum line_state, after */
    uint8_t extensions; /* used */
    uint8_t reserved[6];
};

/* Carts of a merge (C4). MOVED_OUT: the guest's lines as they were, from_hold the units that are on
 * the way; then a line of quantity 0 for each SKU and sale of which units bought are handed, see
 * handed.h. MERGED: the customer's lines after it, quantity 0 where none changes; from_hold the
 * units kept, moved those that go back. MERGE_ENDED: the lines that returned to the guest. */
struct fact_merge {
    struct hash128 key_hash; /* merged: of the customer, the guest and merge_id */
    uint64_t merge_id;
    uint64_t keep_shelf_ms; /* the key is kept until */
    uint64_t now_shelf_ms;
    uint32_t cart_version; /* after */
    uint8_t currency[4];
    uint8_t move;     /* enum stock_move: NONE or GIVE */
    uint8_t returned; /* ended: it was refused, and the lines are the guest's again */
    uint8_t reserved[6];
};

/* EVENT_CART_LINE_SET, EVENT_HOLD_EXPIRED: lines[0] has sku, quantity, price, limit; moved = units
 * given back. EVENT_CART_CLEARED: a line each. EVENT_CART_EXTENDED: a line and an event_hold for
 * each hold that now ends later; deadline, created, state and extensions here are 0. */
struct fact_cart {
    uint64_t deadline_shelf_ms; /* of the hold; 0 without */
    uint64_t created_shelf_ms;  /* when the hold began: bounds its whole life */
    uint64_t now_shelf_ms;
    uint32_t cart_version; /* after */
    uint8_t currency[4];   /* of the cart, 3 letters and 0 */
    uint8_t state;         /* enum line_state, after */
    uint8_t extensions;    /* used */
    uint8_t move;          /* enum stock_move: NONE or GIVE */
    uint8_t reserved[5];
    uint32_t taken; /* units that decide took from available: known to apply for allowances */
    uint32_t reserved2;
};

/* The whole order as it is after the event. */
struct fact_order {
    uint8_t id[16];              /* UUIDv7, partition in rand_a (RFC 9562) */
    struct hash128 key_hash;     /* idempotency key of this event; zero without */
    struct hash128 request_hash; /* of the decoded request that used it */
    struct hash128 payment_hash; /* provider and payment id of this event's report; zero without */
    int64_t items_total;
    int64_t total;
    int64_t paid;
    int64_t refund_due;
    int64_t amount;                /* of this event's report */
    uint64_t payment_due_shelf_ms; /* in review: until when it must be decided */
    uint64_t born_due_shelf_ms;    /* payment_due as first set: what a replayed checkout shows */
    uint64_t keep_shelf_ms;        /* the key of this event is kept until */
    uint64_t now_shelf_ms;
    int64_t now_wall_ms;
    int64_t payment_due_wall_ms; /* as rendered at the time of the event: for the stream */
    int64_t created_wall_ms;
    int64_t confirmed_wall_ms; /* 0 not yet */
    int64_t paid_wall_ms;
    int64_t cancel_until_wall_ms;
    uint32_t version;      /* order_version of the last stream event of this record */
    uint32_t cart_version; /* of the customer's cart, after */
    uint8_t currency[4];
    uint8_t status;        /* enum order_status, after */
    uint8_t status_before; /* 0 when placed */
    uint8_t status_born;
    uint8_t mode; /* enum payment_mode */
    uint8_t move; /* enum stock_move */
    uint8_t reclaimed;
    uint8_t from_cart;       /* placed: the cart became this order */
    uint8_t result;          /* enum payment_result of this event's report; 0 without */
    uint8_t adjusted;        /* a payment report replaced the adjustments of the checkout */
    uint8_t extended;        /* a pending report moved payment_due (P9) */
    uint8_t review_decision; /* enum risk_decision: approved, declined; RISK_NONE: neither yet */
    uint8_t texts_lost; /* bits of enum order_text: those that found no room beside the order */
    uint32_t payment_seconds; /* the time to pay that its sales gave it */
    uint32_t reserved2;
    uint64_t created_shelf_ms; /* bounds how far payment_due can move */
    int64_t born_total;        /* total as first set: what a replayed checkout shows */
};

/* EVENT_ORDER_IMAGE: keep_shelf_ms and now_shelf_ms are the order's keep and last change; what
 * belongs to one event only is zero. */
struct fact_order_image {
    struct fact_order order;
    uint64_t stream_seq; /* of its last event; 0: of another number of shards, streamed */
};

/* EVENT_PRODUCT_SET: the product as it is after, and what it adds to the allotment. */
struct fact_product {
    uint32_t sku_number;
    uint32_t version;
    uint32_t seller_number;
    uint32_t sale_number;
    uint32_t max_per_customer;
    uint32_t hold_seconds; /* 0: the sale's */
    uint32_t allotment;    /* created: its first; otherwise 0, and nothing is added */
    uint8_t created;
    uint8_t reserve_on; /* enum reserve_on; UNSET: the sale's */
    uint8_t in_import;  /* a new product stays invisible until EVENT_IMPORT_DONE */
    uint8_t price_count;
    int64_t starts_wall_ms; /* 0: none */
    int64_t ends_wall_ms;
    int64_t now_wall_ms;
    struct {
        uint8_t currency[4];
        uint8_t reserved[4];
        int64_t amount;
    } prices[PRICES_MAX]; /* [0] is the product's own currency */
};

struct fact_stock {
    struct hash128 key_hash;
    struct hash128 request_hash;
    uint64_t keep_shelf_ms;
    int64_t delta;
    int64_t now_wall_ms;
    uint32_t sku_number;
    uint32_t allotment; /* after; with the three below what the reply said */
    uint32_t available;
    uint32_t held;
    uint32_t sold;
    uint32_t reserved;
};

struct fact_sale {
    uint32_t sale_number; /* name in TEXT_SALE */
    uint32_t hold_seconds;
    uint32_t payment_seconds;
    uint32_t review_seconds;
    uint32_t max_per_customer;
    uint8_t reserve_on;
    uint8_t payment_mode; /* 0: the configuration's */
    uint8_t counts;       /* enum sale_counts */
    uint8_t guests;       /* enum sale_guests */
    uint32_t counts_cap;
    uint32_t version;
    int64_t starts_wall_ms;
    int64_t ends_wall_ms;
    int64_t now_wall_ms;
};

/* EVENT_SALE_CLOSING, EVENT_SALE_REMOVED; name in TEXT_SALE, who in TEXT_ACTOR. */
struct fact_removal {
    int64_t now_wall_ms;
    uint32_t sale_number;
    uint32_t reserved;
};

/* EVENT_SALE_PART_REMOVED: lines have sku_number, sale_number and quantity; moved is what comes
 * back from sold. */
struct fact_part {
    uint64_t now_shelf_ms;
    uint32_t sale_number;
    uint8_t part; /* enum sale_part */
    uint8_t reserved[3];
};

struct fact_forgotten {
    uint64_t now_shelf_ms;
    uint32_t count; /* of the 16-byte ids in TEXT_IDS */
    uint32_t reserved;
};

struct fact_unmatched {
    uint8_t order_id[16];
    struct hash128 payment_hash;
    int64_t amount;
    int64_t now_wall_ms;
    uint8_t currency[4];
    uint8_t result;
    uint8_t reserved[3];
};

struct fact_import {
    struct hash128 hash; /* XXH3-128 of the spooled file */
    uint64_t size;
    uint32_t rows;
    uint32_t reserved;
    int64_t now_wall_ms;
};

/* EVENT_SWITCH_SET: scope's name in TEXT_SKU or TEXT_SALE, who in TEXT_ACTOR. */
struct fact_switch {
    int64_t now_wall_ms;
    uint32_t number; /* of the SKU or the sale; 0: everything */
    uint32_t kill;   /* its number, when this begins one; 0 otherwise */
    uint8_t action;  /* enum switch_action */
    uint8_t scope;   /* enum switch_scope */
    uint8_t state;   /* bits of switches.h, after */
    uint8_t reserved[5];
};

/* EVENT_KILL_BEGUN, EVENT_KILL_ENDED: of one shard. */
struct fact_kill {
    uint64_t released;  /* units that came back; 0 when it begins */
    uint64_t cancelled; /* orders */
    uint32_t kill;
    uint32_t number; /* of the SKU or the sale; 0: everything */
    uint8_t scope;   /* enum switch_scope */
    uint8_t reserved[7];
};

/* EVENT_NAME_IMAGE */
struct fact_name {
    struct fact_sale sale; /* its terms; version 0: no sale */
    struct image_slot slot;
};

struct fact_mark {
    uint64_t system_id; /* STREAM_ATTACHED: PostgreSQL's system identifier */
    int64_t now_wall_ms;
};

/* EVENT_SALVAGED, in the journal of every shard. Numbers of batches and of the stream go on after
 * what is kept, so those that are lost are given anew. */
struct fact_salvaged {
    uint64_t from;   /* the first batch that is lost */
    uint64_t to;     /* the last one that was known of */
    uint64_t seq;    /* the last stream number that is kept */
    uint64_t seq_to; /* the last one that is known to be lost; seq: none is */
    int64_t now_wall_ms;
    uint32_t shard; /* whose they were */
    uint32_t reserved;
};

union event_fact {
    struct fact_cart cart;
    struct fact_merge merge;
    struct fact_order order;
    struct fact_order_image order_image;
    struct fact_product product;
    struct fact_stock stock;
    struct fact_sale sale;
    struct fact_removal removal;
    struct fact_part part;
    struct fact_forgotten forgotten;
    struct fact_unmatched unmatched;
    struct fact_import import;
    struct fact_switch switched;
    struct fact_kill kill;
    struct fact_mark mark;
    struct fact_salvaged salvaged;
    struct fact_walk walk;
    struct fact_walk_end walk_end;
    struct fact_customer customer;
    struct fact_images images;
    struct fact_name name;
};

struct event {
    enum event_kind kind;
    uint32_t stream_count; /* stream numbers used: stream_seq .. stream_seq + stream_count - 1 */
    uint64_t stream_seq;   /* 0 when not streamed */
    union event_fact fact;
    const struct event_line *lines;
    uint32_t line_count;
    struct bytes text[EVENT_TEXTS];
};

/* The event_hold of a line; TEXT_HOLDS has one for each. */
struct event_hold event_hold_at(const struct event *event, uint32_t line);
/* Whether the kind is an image of a restating walk. */
bool event_is_image(enum event_kind kind);
/* Whether the kind is one of EVENT_ORDER_PLACED .. REFUNDED: its fact is the order's image. */
bool event_is_order(enum event_kind kind);

/* Largest event: every line, every name, every text at its bound. */
enum {
    EVENT_NAMES_SIZE_MAX = LINES_PER_ORDER_MAX * (3 + SKU_SIZE_MAX + 2 * NAME_SIZE_MAX),
    EVENT_SIZE_MAX = 256 + (int)sizeof(union event_fact) +
                     LINES_PER_ORDER_MAX * (int)sizeof(struct event_line) + EVENT_NAMES_SIZE_MAX +
                     REFERENCES_SIZE_MAX + CUSTOMER_SIZE_MAX + KEY_SIZE_MAX + TOKEN_SIZE_MAX +
                     3 * PAYMENT_TEXT_SIZE_MAX + 2 * ADJUSTMENTS_SIZE_MAX + IDENTITIES_SIZE_MAX +
                     COUNTS_SIZE_MAX,
};

_Static_assert(sizeof(struct event_line) == 48, "layout on disk");
_Static_assert(sizeof(struct identity_count) == 24, "layout on disk");
_Static_assert(sizeof(struct event_hold) == 32, "layout on disk");
_Static_assert(sizeof(struct fact_cart) == 48, "layout on disk");
_Static_assert(sizeof(struct fact_merge) == 56, "layout on disk");
_Static_assert(sizeof(struct fact_order) == 232, "layout on disk");
_Static_assert(sizeof(struct fact_order_image) == 240, "layout on disk");
_Static_assert(sizeof(struct fact_product) == 56 + 16 * PRICES_MAX, "layout on disk");
_Static_assert(sizeof(struct fact_stock) == 80, "layout on disk");
_Static_assert(sizeof(struct fact_sale) == 56, "layout on disk");
_Static_assert(sizeof(struct fact_name) == 80, "layout on disk");
_Static_assert(sizeof(struct fact_removal) == 16, "layout on disk");
_Static_assert(sizeof(struct fact_part) == 16, "layout on disk");
_Static_assert(sizeof(struct fact_unmatched) == 56, "layout on disk");
_Static_assert(sizeof(struct fact_switch) == 24, "layout on disk");
_Static_assert(sizeof(struct fact_kill) == 32, "layout on disk");
_Static_assert(sizeof(struct fact_salvaged) == 48, "layout on disk");

#endif
