/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model_parts - what the files of the model share: records that can be undone, look-ups, terms.
 *
 * Every change of an entity stands between record_begin() and the next one, and is preceded by
 * keep() of what it changes, so that a crash can put the old bytes back. Sums over all shards
 * (units, claims) are not kept: after a crash they are counted anew.
 *
 * Ownership  Everything is the model's.
 * Threads    One.
 * Units      See model.h.
 * Errors     CHECK.
 * Cost       keep() copies.
 */
#ifndef HOTSHELF_TESTS_SIMULATE_MODEL_PARTS_H
#define HOTSHELF_TESTS_SIMULATE_MODEL_PARTS_H

#include <string.h>

#include "core/check.h"
#include "core/claims.h"
#include "tests/simulate/model.h"

/* Sums of money that 64 bits may not hold. */
__extension__ typedef __int128 wide;

#define BIT(outcome) (UINT64_C(1) << (outcome))

/* Where units go when the record is durable. */
enum way { WAY_FREE, WAY_SELL, WAY_RESTOCK, WAY_LOWER, WAY_RAISE };

enum {
    MOVES_AT_MOST = 16,
    UNCOUNTINGS_AT_MOST = PART_LINES_MAX + (IDENTITIES_AT_MOST + 1) * ORDER_LINES_AT_MOST,
};

/* Units that count for an identity no more. */
struct uncounting {
    int identity, sku, sale;
    uint32_t units;
};

struct record {
    uint32_t undo_first;
    uint32_t move_count;
    struct move {
        enum way way;
        int sku;
        uint32_t units;
    } moves[MOVES_AT_MOST];
    uint32_t uncounting_count;
    struct uncounting uncountings[UNCOUNTINGS_AT_MOST];
    uint32_t settles_claim; /* payment + 1 */
    uint32_t drop_count;
    uint32_t drops[PAYMENTS_PER_ORDER];
    int publishes; /* a SKU; NOBODY: none */
    int publishes_sale;
    struct stopped *switches; /* NULL: none */
    uint8_t state;
    uint32_t kill; /* begun by the switch, or ended on this shard; 0 none */
    bool ends_kill;
    uint64_t released, cancelled;
    bool ends_import;
    int closes, removes; /* a sale; 0: none */
    bool ends_part;
};

void history_open(struct model *model);
void history_close(struct model *model);
struct record *record_begin(struct model *model, uint32_t shard);
void keep(struct model *model, uint32_t shard, void *where, uint32_t size);
/* Units leave where they are now (the caller changed live or bought) and arrive when durable. */
void record_move(struct model *model, uint32_t shard, enum way way, int sku, uint32_t units);
/* Units count until the record is durable. */
void record_uncounting(struct model *model, uint32_t shard, const struct uncounting *uncounting);
/* Units of a line count for the order's identities until the record is durable. */
void record_uncount(struct model *model, uint32_t shard, const struct sold_order *order,
    const struct sold_line *line, uint32_t units);
void touch_sku(struct model *model, int sku);
void touch_customer(struct model *model, int customer);

/* Keeps the customer, who is in the table from now on. */
struct buyer *buyer_change(struct model *model, uint32_t shard, int customer);
struct sold_order *order_change(struct model *model, uint32_t shard, uint32_t slot);
struct cart_line *line_of(const struct model *model, int customer, int sku);
void line_remove(struct model *model, uint32_t shard, int customer, int sku);
uint32_t allowance_of(const struct model *model, int customer, int sku, int sale);
void allowance_more(struct model *model, uint32_t shard, int customer, int sku, int sale,
    uint32_t limit, uint32_t units);
void allowance_less(struct model *model, uint32_t shard, int customer, int sku, int sale,
    uint32_t limit, uint32_t units);
/* The slot of a key with this number on that list; NO_SLOT none. */
uint32_t key_of(const struct model *model, uint32_t shard, uint32_t first, uint32_t number);
/* A new key at the head of the list. */
struct used_key *key_note(struct model *model, uint32_t shard, uint32_t *first,
    const struct ask *ask, const struct seen *seen, uint64_t keep_shelf_ms);
uint32_t blocks_of(uint32_t size);
uint32_t customer_text_size(int customer);

/* Terms of selling now: the product's over its sale's over the configuration's (L9). */
struct selling_now {
    const struct terms *terms;
    const struct sale_terms *sale;
    uint8_t reserve_on, payment_mode;
    uint32_t hold_seconds, payment_seconds, review_seconds, limit;
    int64_t starts_wall_ms, ends_wall_ms;
};
struct selling_now selling_now(const struct model *model, int sku);
/* 0, or the outcome of a closed window as a bit (W1). */
uint64_t window_reason(const struct model *model, const struct selling_now *selling);
/* The same, and what a merchant has stopped (W3). */
uint64_t opening_reason(const struct model *model, int sku, const struct selling_now *selling);
/* 0, or why so many units cannot be had by somebody who holds `own` (A4, A6). */
uint64_t stock_reason(
    const struct model *model, int sku, uint32_t units, uint32_t own, uint32_t *available);
uint64_t keep_until(const struct model *model, int64_t ends_wall_ms);
/* What customers of that sale may know of a number of units (A5). */
uint32_t shown_units(const struct sale_terms *sale, uint32_t units);
uint32_t known_units(const struct sale_terms *sale);
/* C5. */
bool cart_is_old(const struct model *model, const struct ask *ask);
uint32_t names_used(const struct model *model);

/* `more` units of ask's SKU for its customer, whose live hold of it or NULL is given, in that sale:
 * why not, and what is told of it. */
void compete(const struct model *model, const struct ask *ask, uint32_t more,
    const struct cart_line *live, int sale, struct expect *expect);
/* The parts of a merge: a visit that goes on, refused or not; the two sides. */
struct visit_want merge_next(enum event_kind event, uint32_t step);
struct visit_want merge_refused(struct merging_of *merging, uint32_t step, uint64_t reasons);
/* Units on the way are somebody's hold again only while they would be alive as one. */
bool merge_is_alive(
    const struct model *model, const struct merging_of *merging, const struct carried *carried);
struct visit_want merge_come_in(
    const struct model *model, const struct ask *ask, struct merging_of *merging);
void merge_came_in(struct model *model, uint32_t shard, const struct ask *ask,
    const struct merging_of *merging, const struct seen *seen);
/* What the guest has bought, as far as it counts for nobody else yet; whether there is room for
 * its counters; and it is counted. */
void handed_plan(const struct model *model, struct merging_of *merging);
bool handed_fits(const struct model *model, const struct merging_of *merging);
void handed_happen(struct model *model, const struct merging_of *merging);
void handed_count(struct model *model, int customer, int sku, int sale, uint32_t units);
/* So many of an allowance count for nobody else once the record is durable. */
void handed_returns(
    struct model *model, uint32_t shard, struct allowance_of *allowance, uint32_t units);
/* What counts against the customer's limit: his own, and what his guests have handed him (Q1). */
uint32_t limit_used_of(const struct model *model, int customer, int sku, int sale);
/* Units of an order's line are not bought any more: they count for nobody (Q4, Q5). */
void bought_less(struct model *model, uint32_t shard, const struct sold_order *order,
    const struct sold_line *line, uint32_t units);
/* The entry, which must be there. */
struct allowance_of *allowance_kept(struct buyer *buyer, int sku, int sale);
void expect_merge(const struct model *model, const struct ask *ask, struct expect *expect);
void expect_cart_set(const struct model *model, const struct ask *ask, struct expect *expect);
void expect_extend(const struct model *model, const struct ask *ask, struct expect *expect);
void expect_checkout(const struct model *model, const struct ask *ask, struct expect *expect);
void expect_payment(const struct model *model, const struct ask *ask, struct expect *expect);
void expect_cancel(const struct model *model, const struct ask *ask, struct expect *expect);
void expect_review(const struct model *model, const struct ask *ask, struct expect *expect);
void expect_sale(const struct model *model, const struct ask *ask, struct expect *expect);
void expect_switch(const struct model *model, const struct ask *ask, struct expect *expect);
void expect_product(const struct model *model, const struct ask *ask, struct expect *expect);
void expect_stock(const struct model *model, const struct ask *ask, struct expect *expect);
void happen_cart_set(struct model *model, uint32_t shard, const struct ask *ask);
void happen_cart_clear(struct model *model, uint32_t shard, const struct ask *ask);
void happen_extend(struct model *model, uint32_t shard, const struct ask *ask);
void happen_checkout(struct model *model, uint32_t shard, const struct ask *ask,
    const struct expect *expect, const struct seen *seen);
void happen_payment(struct model *model, uint32_t shard, struct record *record,
    const struct ask *ask, const struct expect *expect, const struct seen *seen);
void happen_cancel(
    struct model *model, uint32_t shard, const struct ask *ask, const struct seen *seen);
void happen_review(
    struct model *model, uint32_t shard, const struct ask *ask, const struct seen *seen);
void happen_sale(struct model *model, struct record *record, const struct ask *ask);
void happen_switch(
    struct model *model, struct record *record, const struct ask *ask, const struct expect *expect);
void happen_product(struct model *model, struct record *record, const struct ask *ask);
void happen_stock(struct model *model, const struct ask *ask, const struct expect *expect,
    const struct seen *seen);
/* Q5: whether all lines of the order may count under all of its identities, one by one. */
enum count_answer identities_answer(
    const struct model *model, const struct sold_order *order, const struct ask *ask);
uint32_t identities_most(const struct model *model, const struct ask *ask, int sku, int sale);
/* Bytes of the counters of all identities and customers. */
static inline size_t counters_size(const struct model *model)
{
    return (IDENTITIES + model->customers) * sizeof(*model->counted);
}
uint32_t line_counts(const struct sold_order *order, const struct sold_line *line);
void identities_count(
    struct model *model, const struct sold_order *order, const struct sold_line *line);
void identities_settle(struct model *model, const struct uncounting *uncounting);
/* Every unit that the order still has: held or bought before, in `way` now. */
void order_units_leave(struct model *model, uint32_t shard, struct sold_order *order, enum way way);
bool sold_is_open(const struct sold_order *order);
/* An open order ends: units come back, and so does money that was taken meanwhile. */
void order_closes(struct model *model, uint32_t shard, struct sold_order *order);
void order_confirms(const struct model *model, struct sold_order *order);
bool has_own_money(const struct sold_order *order);
/* P5: whether an expired order may have its units again, which allowances that needs anew, how. */
bool order_stays_dead(const struct model *model, const struct sold_order *order);
bool order_can_reclaim(
    const struct model *model, const struct sold_order *order, const struct ask *ask);
uint32_t order_new_allowances(const struct model *model, const struct sold_order *order);
void order_reclaims(struct model *model, uint32_t shard, struct sold_order *order);
/* What of the order's total its cancelled units are worth. */
int64_t cancelled_value(const struct sold_order *order);
/* The first kill under way on the shard that reaches it; NULL: none. */
struct killing *killing_of_line(const struct model *model, uint32_t shard, int sku, int sale);
struct killing *killing_of_order(
    const struct model *model, uint32_t shard, const struct sold_order *order);
/* The shard's kills are about to change. */
void killer_change(struct model *model, uint32_t shard);
const char *observe_kill(
    struct model *model, uint32_t shard, struct record *record, const struct seen *seen);
void settle_switch(struct model *model, const struct record *record, uint32_t shard);
const char *observe_removal(
    struct model *model, uint32_t shard, struct record *record, const struct seen *seen);
void settle_removal(struct model *model, const struct record *record, uint32_t shard);
void expect_removal(const struct model *model, const struct ask *ask, struct expect *expect);
/* Whether the sale that leaves takes it along before its time. */
bool leaves_with_sale(const struct model *model, const struct sold_order *order);
/* Whether it is of the sale that is closing, or was of one that is gone. */
bool is_leaving(const struct model *model, const struct carried *carried, bool by_its_sale);
const char *observe_window(struct model *model, const struct seen *seen);

#endif
