/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tables - what one shard remembers: customers, cart lines, orders, keys, payments, allowances.
 *
 *     customer --holds--> hold, hold, ..        (its cart, in the order the lines came)
 *         |-----orders--> order, order, ..      (newest first)
 *                           |--lines--> line --> line ..
 *                           |--payments--> payment ..      at most PAYMENTS_PER_ORDER
 *     request (idempotency key) --> order or SKU number
 *     allowance (customer, SKU, sale) --> units held and bought
 *     gone (SKU) --> units confirmed in orders that were forgotten
 *
 * decide reads these tables, apply alone changes them. Every entity has one timer, at the index of
 * its slot after a base for its kind: its next deadline, whatever that means in its present state.
 *
 * Ownership  One struct engine per shard, in its arena; slots are indexes, links are index + 1.
 * Threads    The shard's own.
 * Units      *_shelf_ms on the shelf clock, *_wall_ms Unix time; minor units of money.
 * Errors     None: decide asked for the room before apply takes it.
 * Cost       Look-ups are one hash and one or two cache lines.
 */
#ifndef HOTSHELF_CORE_TABLES_H
#define HOTSHELF_CORE_TABLES_H

#include "core/deadlines.h"
#include "core/engine.h"
#include "core/partition.h"
#include "core/pool.h"
#include "core/shelf.h"
#include "core/table.h"
#include "core/text.h"

#define NONE UINT32_MAX

struct customer {
    struct text id;
    uint32_t hash;
    uint32_t holds_first, holds_last;
    uint32_t hold_count;
    uint32_t orders_newest, orders_oldest;
    uint32_t order_count;
    uint32_t open_orders; /* not yet paid: pending payment or in review */
    uint32_t live_holds;
    uint32_t allowances_first, allowance_count;
    uint32_t cart_version;
    uint8_t currency[4];    /* of the cart; all 0 when it is empty */
    uint8_t last_order[16]; /* what the cart became last */
    /* Of a guest whose cart was moved out (merge.h): by which merge, and when. Whether that merge
     * is under way is known to this process only: after a crash it is not. */
    bool merging;
    uint64_t merge_id; /* 0: no merge */
    uint64_t merge_shelf_ms;
    uint64_t touched_shelf_ms;
};

struct hold {
    uint32_t customer_index;
    uint32_t next, prev;
    uint32_t sku_number;
    uint32_t sale_number;
    uint32_t seller_number;
    uint32_t quantity;
    uint32_t limit;
    int64_t unit_price; /* frozen while the hold lives */
    uint64_t deadline_shelf_ms;
    uint64_t created_shelf_ms;
    uint8_t state; /* enum line_state */
    uint8_t extensions;
};

struct order_line {
    uint32_t next;
    uint32_t sku_number;
    uint32_t quantity, cancelled, restocked;
    uint32_t seller_number, sale_number;
    uint32_t limit;
    int64_t unit_price;
};

struct payment {
    struct hash128 hash; /* provider and payment id; of a refund also its own id */
    uint32_t next;       /* older */
    uint8_t results;     /* bit mask of enum payment_result seen, and PAYMENT_DUE_BACK */
};

/* The money of this payment id bought nothing and stands in refund_due. */
enum { PAYMENT_DUE_BACK = 1 << RESULT_NONE };

struct order {
    uint8_t id[16];
    uint32_t customer_index;
    uint32_t next, prev; /* the customer's: towards older, towards newer */
    uint32_t lines_first, lines_last, line_count;
    uint32_t payments_first, payment_count;
    uint32_t key_count; /* idempotency keys that lead to it */
    uint32_t version;
    struct text references, provider, payment_id;
    struct text adjustments, adjustments_born; /* born: what a payment report replaced */
    struct text identities;                    /* a struct hash128 each (Q5) */
    uint8_t currency[4];
    uint8_t status, status_born, mode, reclaimed;
    uint8_t adjusted, extended, review_decision; /* see struct fact_order */
    uint32_t payment_seconds;
    int64_t items_total, total, born_total, paid, refund_due;
    uint64_t payment_due_shelf_ms, born_due_shelf_ms, created_shelf_ms;
    uint64_t keep_shelf_ms; /* its keys live until */
    uint64_t changed_shelf_ms;
    int64_t created_wall_ms, confirmed_wall_ms, paid_wall_ms, cancel_until_wall_ms;
    uint64_t stream_seq; /* of its last event */
};

enum request_kind { REQUEST_CHECKOUT = 1, REQUEST_CANCEL, REQUEST_STOCK, REQUEST_MERGE };

struct request_key {
    struct hash128 key;
    struct hash128 request;
    uint64_t keep_shelf_ms;
    uint32_t order_index; /* checkout, cancel */
    uint8_t kind;         /* enum request_kind */
    uint16_t partition;   /* merge: its customer's; where no order says it */
    struct {
        uint32_t allotment, available, held, sold; /* a stock change's reply */
    } noted;
};

struct allowance {
    uint32_t customer_index;
    uint32_t next, prev; /* the customer's */
    uint32_t sku_number;
    uint32_t sale_number;
    uint32_t used;   /* held and bought */
    uint32_t handed; /* of bought: counts for the customer who this guest turned out to be */
    struct hash128 handed_to; /* which one, see handed.h */
};

struct gone {
    uint32_t sku_number;
    uint32_t reserved;
    uint64_t units;
};

/* A kill that this shard has begun and not ended, see kills.h. */
struct kill {
    uint64_t released;  /* units, so far */
    uint64_t cancelled; /* orders, so far */
    uint32_t kill;
    uint32_t number;                    /* of the SKU or the sale; 0: everything */
    uint8_t scope;                      /* enum switch_scope */
    uint32_t hold_cursor, order_cursor; /* slots before them were looked at */
};

/* A kill that this shard has ended: what it gave back, kept as long as its switch is. */
struct ended_kill {
    uint64_t released, cancelled;
    uint32_t kill;
    uint32_t number;
    uint8_t scope;
};

/* One for each switch, and those whose resume is not durable. */
enum { ENDED_KILLS_MAX = 2 * SWITCHES_MAX };

/* One line while a command is being decided. */
struct draft {
    struct bytes sku;
    uint32_t sku_index; /* SKU_NONE unknown */
    uint32_t number, seller_number, sale_number;
    uint32_t quantity;
    uint32_t hold_index; /* a live hold of the same SKU that is used first; NONE */
    uint32_t from_hold;
    uint32_t available;
    uint32_t known; /* units that an answer which takes none may tell of, see counts.h */
    uint32_t limit, used;
    uint32_t taken; /* units moved available -> held by this decide */
    uint64_t next_release_shelf_ms;
    int64_t starts_wall_ms;
    int64_t hold_price;
    int64_t unit_price;
    enum outcome outcome;
};

/* What an event that is being built borrows, see image.h. */
struct image_room {
    struct event_line lines[2 * LINES_PER_ORDER_MAX];
    struct event_hold images[LINES_PER_ORDER_MAX];
    uint32_t text_used;
    uint8_t text[EVENT_NAMES_SIZE_MAX + COUNTS_SIZE_MAX + 16384];
};

struct scratch {
    struct draft drafts[LINES_PER_ORDER_MAX];
    uint32_t numbers[LINES_PER_ORDER_MAX];   /* of what is sorted, see sort_by_number() */
    uint16_t by_number[LINES_PER_ORDER_MAX]; /* its indexes in the order of their numbers */
    struct answer_line answers[2 * LINES_PER_ORDER_MAX]; /* of a merge, see merge.h */
    struct cart_line_view *views;
    struct image_room room; /* of the event that is decided */
};

/* Where the removal of a sale looks next, see removal.h. */
struct removal {
    uint32_t sale_number;
    bool done;  /* the part is gone; applied, durable or not */
    bool found; /* something in this round */
    uint32_t round, at;
    struct removal_counts left; /* in this round so far */
    struct removal_counts told; /* in the round before */
    uint64_t retry_shelf_ms;    /* not before, unless asked */
};

/* A restating walk, see restate.h. */
struct walk {
    uint64_t number;                      /* of the newest that has begun */
    uint64_t images;                      /* records of it so far, live or read back */
    uint64_t gone;                        /* bytes of it that events read back made needless */
    bool open;                            /* it has begun and not ended */
    bool under_way;                       /* .. and this engine makes it: it is not only read */
    bool spoiled;                         /* .. and something changed without its image before */
    bool names;                           /* WALK_NAMES .. */
    uint64_t names_to;                    /* .. for orders up to this stream number */
    uint8_t table;                        /* next_of_table of restate.c */
    uint32_t at;                          /* the slot to look at next */
    uint32_t customer_index, order_index; /* whose orders are restated, and the next; NONE */
};

/* Of orders that are open: how many, their lines, and bytes of the texts that each of their events
 * carries. */
struct order_sums {
    uint32_t orders, lines;
    uint64_t text_bytes;
};

/* What is promised and may need room in the journal until it ends, see set_aside.h. */
struct promises {
    struct order_sums open;      /* unpaid, and in review */
    struct order_sums in_review; /* of those */
    uint32_t moved_lines;        /* of carts: handed to merges that have not ended */
    uint32_t merges;             /* guests whose merge has not ended */
    uint64_t latest_shelf_ms;    /* no hold and no unpaid order has a later deadline */
    uint64_t review_shelf_ms;    /* no review */
};

struct engine {
    struct shelf *shelf;
    struct policy policy;
    uint32_t shard, shard_count;
    uint64_t seed;

    struct pool customers, holds, orders, lines, payments, keys, allowances, gone;
    struct table customer_table, order_table, key_table, allowance_table, gone_table;
    struct text_pool texts;
    struct deadlines deadlines;
    uint32_t holds_base, orders_base, keys_base, customers_base; /* first timer of each kind */

    uint32_t live_holds; /* holds and unpaid orders whose clock is running */
    uint64_t id_bytes;   /* of customers' ids, for each order and allowance of theirs */
    struct promises promises;
    uint64_t stream_seq; /* last used */
    uint32_t applied_customer, applied_order; /* the last ones that an event of theirs was about */
    bool divided;        /* began with what shards of another number had, see redivide.h */
    /* shard 0: the last stream number used under each shard number when it began so */
    uint64_t seqs[SHARDS_MAX];

    /* shard 0: windows of sales that open and close by the wall clock, see decide_sale.c */
    int64_t sales_due_wall_ms; /* when to look at all of them again */
    int64_t sales_next_wall_ms;
    uint32_t sales_at;      /* the number to look at next */
    int64_t wall_offset_ms; /* wall - shelf, as of the last look */
    struct kill kills[KILLS_MAX];
    uint32_t kill_count;
    uint32_t kill_begun; /* the last one */
    struct ended_kill ended[ENDED_KILLS_MAX];
    uint32_t ended_count; /* some may have been resumed since, see kills.h */
    uint32_t sweep_looks; /* left to the sweep before it lets the tick go on */
    struct removal removal;
    uint32_t removed_sale; /* the last one whose part here is gone; walks tell it on */
    struct walk walk;
    struct scratch *scratch;
    struct image_room *restating; /* of an image of what is: an event is decided meanwhile */
};

static inline struct customer *customer_at(const struct engine *engine, uint32_t index)
{
    return pool_at(&engine->customers, index);
}

static inline struct hold *hold_at(const struct engine *engine, uint32_t index)
{
    return pool_at(&engine->holds, index);
}

static inline struct order *order_at(const struct engine *engine, uint32_t index)
{
    return pool_at(&engine->orders, index);
}

/* Its units are held: it waits for its payment, or for a decision. */
static inline bool order_is_open(uint8_t status)
{
    return status == ORDER_PENDING_PAYMENT || status == ORDER_REVIEW;
}

static inline struct order_line *line_at(const struct engine *engine, uint32_t index)
{
    return pool_at(&engine->lines, index);
}

/* Units of a line that count against a limit: held, or bought and not cancelled (Q4). */
static inline uint32_t order_line_counts(const struct order *order, const struct order_line *line)
{
    bool counts = order_is_open(order->status) || order->confirmed_wall_ms != 0;
    return counts ? line->quantity - line->cancelled : 0;
}

/* Look-ups; NONE when there is none. */
uint32_t customer_find(const struct engine *engine, struct bytes id);
/* The next one of TEXT_CUSTOMERS, who is taken off it. */
uint32_t customer_next(const struct engine *engine, struct bytes *rest);
uint32_t hold_find(const struct engine *engine, const struct customer *customer, uint32_t number);
uint32_t order_find(const struct engine *engine, const uint8_t id[16]);
uint32_t key_find(const struct engine *engine, struct hash128 key);
uint32_t allowance_find(
    const struct engine *engine, uint32_t customer, uint32_t sku_number, uint32_t sale_number);
uint32_t payment_find(const struct engine *engine, const struct order *order, struct hash128 hash);
uint64_t gone_units(const struct engine *engine, uint32_t sku_number);

/* Bring near what a look-up or an insert soon after will touch. */
void customer_prefetch(const struct engine *engine, struct bytes id);
void key_prefetch(const struct engine *engine, struct hash128 key);
void order_prefetch(const struct engine *engine, const uint8_t id[16]);

/* Units of a SKU that count against its limit for a customer (Q1). */
uint32_t allowance_used(
    const struct engine *engine, uint32_t customer, uint32_t sku_number, uint32_t sale_number);

/* Units of a live hold that no allowance counts: its SKU had no limit when it was taken. */
static inline uint32_t hold_uncounted(const struct hold *hold)
{
    return hold->state == LINE_HELD && hold->limit == 0 ? hold->quantity : 0;
}

/* Changes, for apply alone; room was asked for. */
uint32_t customer_add(struct engine *engine, struct bytes id, uint64_t now_shelf_ms);
void customer_remove(struct engine *engine, uint32_t index);
uint32_t hold_add(struct engine *engine, uint32_t customer_index, uint32_t sku_number);
void hold_remove(struct engine *engine, uint32_t index);
uint32_t order_add(struct engine *engine, uint32_t customer_index, const uint8_t id[16]);
void order_remove(struct engine *engine, uint32_t index);
void order_add_line(struct engine *engine, uint32_t order_index, const struct event_line *line);
/* Whether an order can remember one more payment id. Of its slots one is kept for refunds, which
 * replace the oldest refund when there is no other, and one more for money. */
bool payment_fits(const struct engine *engine, const struct order *order, uint8_t result);
/* Notes results (a bit mask) under a payment id, new or known. */
void payment_note(
    struct engine *engine, uint32_t order_index, struct hash128 hash, uint8_t results);
/* A refund is remembered like a payment, but its id is no claim. */
bool payment_is_claim(const struct payment *payment);
uint32_t key_add(struct engine *engine, struct hash128 key);
void key_remove(struct engine *engine, uint32_t index);
void allowance_add(
    struct engine *engine, uint32_t customer, const struct event_line *line, uint32_t units);
/* Units of it that no live hold has. */
uint32_t allowance_bought(const struct engine *engine, const struct allowance *allowance);
/* Units of it that a hold or an order shows, and that may so come back. */
uint64_t allowance_shown(const struct engine *engine, const struct allowance *allowance);
/* All of it, whatever it was for: exactly so many units. */
void allowance_drop(
    struct engine *engine, uint32_t customer, const struct event_line *line, uint32_t units);
void allowance_subtract(
    struct engine *engine, uint32_t customer, const struct event_line *line, uint32_t units);
/* Units that were bought are no more: of those handed to a customer as many are left as are still
 * bought (Q4, handed.h). */
void allowance_return(
    struct engine *engine, uint32_t customer, const struct event_line *line, uint32_t units);
void gone_add(struct engine *engine, uint32_t sku_number, uint32_t units);
/* As an image has it; one that is there must be so already. */
void allowance_restate(struct engine *engine, uint32_t customer, const struct event_line *line,
    struct hash128 handed_to);
void gone_restate(struct engine *engine, uint32_t sku_number, uint64_t units);
uint32_t gone_find(const struct engine *engine, uint32_t sku_number);
/* All of it: exactly so many units. */
void gone_remove(struct engine *engine, uint32_t sku_number, uint64_t units);

/* The 63-bit owner of an order's claims (claims.h). */
uint64_t order_owner(const uint8_t id[16]);
/* Hash of parts with a length before each, so that parts cannot run into one another. */
struct hash128 hash_parts(const struct bytes *parts, uint32_t count);

#endif
