/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model - the rules of selling once more, too simple to be wrong: plain arrays, one entry per unit
 * of meaning, nothing hashed, packed or shared. The walk asks it first what must be answered, then
 * the engine, and the judge compares.
 *
 *     expect(ask) -> what may be refused, what a success looks like         changes nothing
 *     happen(ask) -> the effect, when there was one                         one record
 *     observe(event) -> what the clock did: it must have been due           one record
 *     settle(shard) -> the shard's oldest record is durable: freed units are on sale, raises stand
 *     crash() -> every record that was not durable never happened
 *
 * V2 in words: what is `held` on the counters is what live holds and open orders hold, and what is
 * on its way to somewhere else and not yet durable. Each of these is a sum of its own here.
 *
 * Ownership  One struct model per world, on the heap.
 * Threads    One.
 * Units      *_shelf_ms on the shelf clock, *_wall_ms Unix time, minor units of money.
 * Errors     A model that is asked for more than its arrays hold ends the process.
 * Cost       Look-ups walk short lists. Recounting everything: O(customers + orders).
 */
#ifndef HOTSHELF_TESTS_SIMULATE_MODEL_H
#define HOTSHELF_TESTS_SIMULATE_MODEL_H

#include "core/limits.h"
#include "core/moment.h"
#include "core/policy.h"
#include "tests/simulate/ask.h"

enum {
    CART_AT_MOST = 6,
    ORDER_LINES_AT_MOST = 8,
    ALLOWANCES_AT_MOST = SKUS_AT_MOST * SALES_AT_MOST,
    PAYMENTS_AT_MOST = 16384, /* numbers of payment ids */
    KILLS_REMEMBERED = 1024,
    TOUCHED_AT_MOST = 8,
    NO_SLOT = 0, /* slots of orders and keys begin at 1 */
};

struct numbers {
    uint32_t allotment, available, held, sold;
};

struct cart_line {
    int sku, sale, seller;
    uint32_t quantity;
    uint8_t state; /* enum line_state */
    uint32_t limit;
    int64_t price; /* frozen while held */
    uint64_t deadline_shelf_ms, created_shelf_ms;
    uint8_t extensions;
};

struct allowance_of {
    int sku, sale;
    uint32_t used;
    uint32_t gone;   /* of them in orders that were forgotten */
    uint32_t handed; /* of what is bought: it counts for the customer who this guest was */
    int handed_to;
};

struct buyer {
    bool known; /* has an entry in the shard's table */
    int currency;
    uint32_t cart_version;
    uint8_t last_order[16];
    uint64_t touched_shelf_ms;
    uint64_t left_shelf_ms; /* when an order or an allowance of it was forgotten */
    uint32_t newest_order;  /* slot */
    uint32_t first_key;     /* of checkouts: slot */
    uint32_t open_orders;
    uint32_t line_count;
    struct cart_line lines[CART_AT_MOST];
    uint32_t allowance_count;
    struct allowance_of allowances[ALLOWANCES_AT_MOST];
    uint64_t merge_id, merge_shelf_ms; /* of the merge that has its lines; 0: none */
    bool merging;                      /* and that merge is under way */
};

struct sold_line {
    int sku, sale;
    uint32_t quantity, cancelled, restocked;
    uint32_t limit;
    int64_t price;
};

struct paying {
    uint32_t payment, refund;
    uint8_t results; /* bit mask of enum payment_result */
    bool due_back;   /* its money bought nothing */
};

struct sold_order {
    bool used;
    uint8_t id[16];
    int customer;
    uint32_t older, first_key;
    uint8_t status, born, mode;
    bool reclaimed;
    int currency;
    int64_t items_total, total, born_total, paid, refund_due;
    uint32_t version;
    uint32_t payment_seconds;
    uint64_t due_shelf_ms, born_due_shelf_ms, keep_shelf_ms, created_shelf_ms, changed_shelf_ms;
    uint64_t keyed_until_shelf_ms; /* the last of its keys was forgotten */
    int64_t created_wall_ms, confirmed_wall_ms, paid_wall_ms, cancel_until_wall_ms;
    uint64_t stream_seq;
    uint32_t reference_size, adjustment_size;
    uint32_t born_adjustment_size; /* once a report replaced them */
    bool adjusted, extended;
    uint8_t review_decision; /* enum risk_decision: approved, declined, or neither yet */
    uint32_t provider_kept,
        payment_kept; /* of the latest report, plus 1; 0: no room, or none yet */
    uint32_t identity_count;
    int identities[IDENTITIES_AT_MOST];
    uint32_t line_count;
    struct sold_line lines[ORDER_LINES_AT_MOST];
    uint32_t payment_count;
    struct paying payments[PAYMENTS_PER_ORDER]; /* newest first */
};

/* An idempotency key that had an effect. */
struct used_key {
    bool used;
    uint32_t next;
    struct hash128 hash; /* the engine's name for it, learned when it was made */
    struct ask ask;
    uint32_t order; /* slot; of a stock change NO_SLOT */
    bool orphaned;  /* the SKU that it changed is no more */
    uint64_t keep_shelf_ms;
    struct numbers numbers; /* a stock change's reply */
};

/* The newest change of a product, durable or not. */
struct product {
    bool exists, in_import;
    uint32_t version; /* 0: never set */
    struct terms terms;
    uint32_t first_key;
};

/* The newest durable one: what customers see. */
struct shown {
    bool visible;
    uint32_t version;
    struct terms terms;
};

/* A sale: the newest change, durable or not, or the newest durable one. */
struct sale_of {
    uint32_t version; /* 0: there is none; 1: a product named it */
    struct sale_terms terms;
};

/* What a merchant has stopped on one scope; bits of core/switches.h. */
struct stopped {
    uint8_t newest, in_force; /* of the newest switch; of the newest durable one */
    uint32_t kill;            /* its number while it stands; 0 none */
};

/* A kill by its number, and what has durably come of it. */
struct kill_of {
    uint8_t scope;         /* enum switch_scope */
    int target;            /* SKU or sale */
    uint32_t shards_ended; /* bits */
    uint64_t released, cancelled;
};

/* A kill that a shard has begun and not ended. */
struct killing {
    uint32_t kill;
    uint8_t scope;
    int target;
    uint64_t released, cancelled;
};

/* The kills of one shard, in the order they were begun. */
struct killer {
    uint32_t begun; /* the last one */
    uint32_t count;
    struct killing killings[KILLS_MAX];
};

/* One SKU's units, by where they are. */
struct units {
    uint32_t allotment;                 /* durable */
    uint32_t live;                      /* in holds and open orders */
    uint32_t moving;                    /* between two carts */
    uint32_t bought;                    /* confirmed, less restocked */
    uint32_t freeing;                   /* given back, record not durable: still held */
    uint32_t selling;                   /* bought, record not durable: still held */
    uint32_t restocking;                /* record not durable: still sold */
    uint32_t lowering;                  /* leaving the allotment: still held */
    uint32_t raising;                   /* joining the allotment: nowhere yet */
    uint32_t gone_sold[SHARDS_AT_MOST]; /* bought in orders that were forgotten */
};

/* What of one shard's tables is in use. */
struct used {
    uint32_t customers, holds, orders, lines, keys, allowances, blocks;
};

/* Who paid with a payment id: for all shards at once. */
struct claim {
    bool taken, durable;
    uint8_t order_id[16];
};

struct expect_line {
    int sku;
    uint64_t reasons; /* bits of enum outcome */
    uint32_t available, limit, used;
    bool may_be_untold; /* its count is hidden, and the attempt may end before it (A5) */
};

struct expect {
    uint64_t refusals; /* bits of enum outcome: one of them is the answer; none: it succeeds */
    enum outcome success;
    bool has_effect; /* when it succeeds */
    bool replayed, unchanged;
    uint32_t order;      /* slot the answer is about; NO_SLOT none or a new one */
    uint32_t line_count; /* lines that fail */
    struct expect_line lines[CART_AT_MOST];
    uint32_t available, limit, used; /* when a refusal tells them */
    uint32_t version;                /* of a product or a sale */
    struct numbers numbers;          /* a stock call's reply */
    uint32_t short_units;
    int64_t total;    /* a checkout's quote */
    uint8_t switched; /* the state of a scope afterwards */
    /* For happen(): */
    int64_t delta;            /* of a stock change */
    struct sold_order placed; /* of a checkout */
    uint32_t from_hold[ORDER_LINES_AT_MOST];
    bool reclaims, remembers;
};

/* What of an event the model wants to know: names that the engine chose, and what the clock did. */
struct seen {
    enum event_kind kind;
    int customer; /* NOBODY: the event names none */
    int sku;      /* of a hold that expired */
    int sale;     /* that opened or closed */
    struct killing killing;
    uint8_t order_id[16];
    struct hash128 key;  /* of a key made or forgotten */
    uint64_t stream_seq; /* the last one used; 0 none */
    uint64_t merge_id;
    uint32_t key_count; /* keys that were forgotten */
    struct hash128 keys[FORGET_MAX];
    uint8_t part; /* enum sale_part: of a sale, what is dropped */
    uint32_t part_count;
    struct {
        int customer, sku, sale;
        uint32_t quantity;
    } parts[PART_LINES_MAX];
};

/* What a merge carries from the guest to the customer. */
struct carried {
    struct cart_line was;
    uint32_t units;           /* on the way */
    uint32_t life, sale_life; /* of the SKU, of its sale then */
    /* what becomes of it */
    bool writes;
    struct cart_line line;
    uint32_t kept, taken; /* of the units on the way; of free ones */
};

struct dropped {
    int sku;
    uint32_t life; /* of the SKU: one that left meanwhile is not told */
    uint32_t quantity;
    uint64_t reasons; /* bits of enum outcome: one of them is told */
};

enum { DROPPED_AT_MOST = 256 };

/* Units bought that count for the customer from now on. */
struct handing {
    int sku, sale;
    uint32_t units;
};

/* A merge under way: gone with the process. */
struct merging_of {
    int customer, guest;
    uint64_t id;
    int64_t begun_wall_ms;
    uint32_t kills, rounds;
    bool pending; /* a crash ended the merge that moved these lines */
    bool again;
    int currency, cart_currency; /* of the guest's cart, and the customer's */
    uint64_t refusals;
    uint32_t line_count, handed_count, dropped_count;
    struct carried lines[CART_AT_MOST];
    struct handing handed[ALLOWANCES_AT_MOST];
    struct dropped dropped[DROPPED_AT_MOST];
};

/* What a visit must come to: a record or none, and where the call goes next. */
struct visit_want {
    enum event_kind event;
    bool goes_on;
    uint32_t step;
};

struct history;

struct model {
    uint32_t shards, customers, skus;
    struct policy policy;
    struct capacity capacity; /* of one shard, but for skus, names and claims */
    struct moment now;
    uint32_t *home; /* the shard of each customer */
    struct buyer *buyers;
    struct sold_order *orders[SHARDS_AT_MOST]; /* [1 .. capacity.orders] */
    struct used_key *keys[SHARDS_AT_MOST];     /* [1 .. capacity.idempotency_keys] */
    struct used used[SHARDS_AT_MOST];
    uint32_t merge_keys[SHARDS_AT_MOST];                           /* slot of the newest */
    uint32_t order_last[SHARDS_AT_MOST], key_last[SHARDS_AT_MOST]; /* slot given last */
    struct product products[SKUS_AT_MOST];
    struct shown shown[SKUS_AT_MOST];
    struct sale_of sales[SALES_AT_MOST], shown_sales[SALES_AT_MOST];
    uint8_t sale_told[SALES_AT_MOST]; /* enum sale_told */
    bool seller_named[SALES_AT_MOST];
    bool importing, import_ending;
    /* A sale that leaves: the newest record of it; the newest durable one. */
    int leaving, closing;
    bool part_gone[SHARDS_AT_MOST];           /* recorded */
    uint32_t parts_gone;                      /* bits of shards: durable */
    uint32_t resting_products, resting_names; /* removed, and their places not yet free */
    uint32_t sale_life[SALES_AT_MOST];
    uint32_t life[SKUS_AT_MOST]; /* how often the SKU was removed */
    uint32_t orphan_keys;        /* of stock changes of removed SKUs: slot */
    struct stopped stopped_all, stopped_sales[SALES_AT_MOST], stopped_skus[SKUS_AT_MOST];
    uint32_t kill_last, kills_published; /* the newest; the newest durable one */
    struct kill_of kills[KILLS_REMEMBERED];
    struct killer killers[SHARDS_AT_MOST];
    struct units units[SKUS_AT_MOST];
    struct claim claims[PAYMENTS_AT_MOST];
    uint32_t claims_taken, claims_room;
    /* by identity (then by customer, of what his guests bought), SKU, sale: units that count; of
     * them those whose end is not durable; room to count them again */
    uint32_t (*counted)[SKUS_AT_MOST][SALES_AT_MOST];
    uint32_t (*uncounted)[SKUS_AT_MOST][SALES_AT_MOST];
    uint32_t (*recounted)[SKUS_AT_MOST][SALES_AT_MOST];
    uint32_t counters_used;           /* that are not 0 */
    uint64_t kept_since_shelf_ms;     /* a full journal forgot and told nothing until then */
    int64_t kept_since_wall_ms;
    uint64_t streamed_since_shelf_ms; /* PostgreSQL has had everything since */
    struct history *histories[SHARDS_AT_MOST];

    enum event_kind happened;            /* what the last effect is called */
    uint64_t observed_deadline_shelf_ms; /* of what expired last; 0: it was something else */

    /* since model_begin() */
    uint32_t touched_skus; /* bits */
    int touched[TOUCHED_AT_MOST];
    uint32_t touched_count;
};

void model_open(struct model *model);
void model_close(struct model *model);
/* A step begins: nothing is touched. */
void model_begin(struct model *model, const struct moment *now);

void model_expect(const struct model *model, const struct ask *ask, struct expect *expect);
void model_happen(struct model *model, uint32_t shard, const struct ask *ask,
    const struct expect *expect, const struct seen *seen);
/* What the clock did on that shard; NULL, or why it should not have. */
const char *model_observe(struct model *model, uint32_t shard, const struct seen *seen);
/* A merge, visit by visit: what the next one must come to; and its record. */
void merge_begin(const struct model *model, const struct ask *ask, struct merging_of *merging);
struct visit_want merge_visit(
    struct model *model, const struct ask *ask, struct merging_of *merging, uint32_t step);
void merge_happen(struct model *model, uint32_t shard, const struct ask *ask,
    struct merging_of *merging, uint32_t step, const struct seen *seen);
void model_settle(struct model *model, uint32_t shard);
void model_crash(struct model *model);

/* The words of a SKU as they must stand: V1, V2. */
struct numbers model_numbers(const struct model *model, int sku);
/* The running sums against what the lists add up to, and nothing is overdue (L2, L3); NULL, or what
 * is wrong. */
const char *model_recount(const struct model *model);

/* Milliseconds until the last of a sale that has ended is over for a day and an hour. */
uint64_t model_leaves_in(const struct model *model, int sale, int64_t wall_ms);
/* The walk has ended and the sale cannot leave: for an order that is in the way (NULL), or why. */
const char *model_sale_stays(const struct model *model, int sale);
/* It has been over for a day and more: NULL, or a limit that counts in it for nothing (Q1). */
const char *model_limits_stay(const struct model *model, int sale);
/* The places of what was removed are free again. */
void model_rested(struct model *model);
/* The owner of what the ask is about has nothing left that is dead: NULL, or what (L2, W5). */
const char *model_meets_the_dead(const struct model *model, const struct ask *ask);
/* After everything that is due: no kill is under way. */
const char *model_killed(const struct model *model);
/* What stands against new units of a SKU now (W3). */
uint8_t model_stopped(const struct model *model, int sku, int sale);
struct stopped *model_scope(struct model *model, uint8_t scope, int target);
/* After everything that is due: what is told of each sale's window; NULL, or what is wrong. */
const char *model_windows(const struct model *model);

/* The order in that slot, when it is still that one. */
const struct sold_order *model_order(
    const struct model *model, uint32_t slot, const uint8_t id[16]);
uint32_t model_shard_of_order(const struct model *model, const uint8_t id[16]);

#endif
