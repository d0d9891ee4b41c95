/* SPDX-License-Identifier: Apache-2.0 */
/*
 * look - what a merchant looks for in the tables of all shards: orders, reservations, and the proof
 * that counters and tables agree.
 *
 *     shard 0 --LOOK_SLOTS slots--> shard 0 --...--> shard 1 --...--> the last shard --> the reply
 *
 * The command visits one shard after another and looks at a bounded number of slots each time, so
 * no tick is long. What it found stands at the end of its carry; the reply is written at the front:
 *
 *     carry  [reply ..........        ][found, or sums][struct look]
 *
 * Orders are sorted newest first, by created_at and then by id (O4), which is the order of their
 * ids; a page goes on below the id of the last one shown. Reservations come as they lie.
 *
 * Ownership  Everything is in the command's carry; answers borrow it until the reply is written
 *            over it from the front.
 * Threads    Each visit runs on its own shard, one after another.
 * Units      Shelf milliseconds for deadlines, wall milliseconds for the rest; minor units.
 * Errors     None: an order that is forgotten between two visits is shown as it was found.
 * Cost       LOOK_SLOTS slots a visit, some ten microseconds; a page of orders is kept sorted by
 *            insertion, at most LOOK_ORDERS_MAX moves for each found.
 */
#ifndef HOTSHELF_CORE_LOOK_H
#define HOTSHELF_CORE_LOOK_H

#include "core/command.h"
#include "core/engine.h"

enum {
    LOOK_SLOTS = 2048,
    LOOK_ORDERS_MAX = 200,
    LOOK_RESERVATIONS_MAX = 200,
    LOOK_SKUS = 8192,    /* whose units one round of the audit adds up */
    LOOK_ROUNDS_MAX = 8, /* then a SKU that never stood still is left unjudged */
    LOOK_VIOLATIONS_MAX = 64,
};

/* Of the numbers that look_cursor() makes. */
#define LOOK_CURSOR_MAX (UINT64_C(1) << 50)

struct look_order {
    uint8_t id[16];
    int64_t items_total, total, paid, refund_due;
    int64_t created_wall_ms, confirmed_wall_ms;
    uint64_t payment_due_shelf_ms;
    uint32_t version, line_count;
    uint8_t currency[4];
    uint8_t status; /* enum order_status */
    uint8_t mode;   /* enum payment_mode */
    uint8_t shard;
    uint8_t customer_size;
    uint8_t customer[CUSTOMER_SIZE_MAX + 1];
};

/* Units held for one customer until a deadline: a cart line, or a line of an unpaid order. */
struct look_reservation {
    uint64_t deadline_shelf_ms;
    int64_t unit_price;
    uint32_t sku_number;
    uint32_t quantity;
    uint8_t order_id[16]; /* all 0: of the cart */
    uint8_t currency[4];
    uint8_t in_review;
    uint8_t extensions; /* used */
    uint8_t shard;
    uint8_t customer_size;
    uint8_t customer[CUSTOMER_SIZE_MAX + 1];
};

struct look_violation {
    uint32_t sku_index;
    uint32_t allotment, available, held, sold; /* by the counters */
    uint32_t held_by_tables, sold_by_tables;
};

/* Units of one SKU. */
struct look_sum {
    uint32_t held, sold;   /* by the tables, so far */
    uint64_t stock_before; /* available and held when this round began */
};

/* Where the command is. */
struct look {
    uint32_t shard;
    uint32_t shards_left; /* with this one */
    uint32_t table;       /* which of the shard's tables is looked at */
    uint32_t slot;        /* to look at next */
    uint32_t line;        /* of an order of which only a part fitted on the page */
    uint32_t found;
    bool more; /* the page ended early: some that match are not on it */
    /* The audit: SKUs of this round, and which of them are judged, and have moved in a round. */
    uint32_t sku_first, sku_count, round;
    uint64_t judged[LOOK_SKUS / 64], moved[LOOK_SKUS / 64];
    uint32_t checked, unsettled, violation_count;
    struct look_violation violations[LOOK_VIOLATIONS_MAX];
};

/* A position of reservations as a number: what next_cursor shows and command.cursor takes. */
uint64_t look_cursor(const struct look *look);

/* The shard with which a page of reservations begins. */
uint32_t look_first_shard(const struct command *command, uint32_t shard_count);

const struct look *look_of(const struct command *command);
const struct look_order *look_orders(const struct command *command);
const struct look_reservation *look_reservations(const struct command *command);

/* One order as a list shows it. */
void look_order_at(const struct engine *engine, uint32_t order_index, struct look_order *own);

/* The rest is between look.c and look_audit.c. */

enum { LOOK_BEGIN, LOOK_ON, LOOK_JUDGE };    /* command.step */
enum { LOOK_HOLDS, LOOK_ORDERS, LOOK_GONE }; /* look.table */

struct decision;

struct look *look_state(const struct command *command);
struct look_sum *look_sums(const struct command *command);
void look_next(struct decision *decision, uint32_t shard, uint32_t step);
void look_audit_begin(const struct decision *decision, struct look *look);
void look_audit_add(
    const struct decision *decision, struct look *look, uint32_t table, const void *entry);
enum outcome look_audit_judge(struct decision *decision, struct look *look);

#endif
