/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_steps - what the files of one engine share: decide in parts, by what is asked.
 *
 * Ownership  Everything is the engine's.
 * Threads    The engine's own shard.
 * Units      See tables.h.
 * Errors     Parts of decide answer an outcome and leave nothing claimed when it is not OK.
 * Cost       See engine.h.
 */
#ifndef HOTSHELF_CORE_ENGINE_STEPS_H
#define HOTSHELF_CORE_ENGINE_STEPS_H

#include "core/engine.h"
#include "core/image.h"
#include "core/look.h"
#include "core/tables.h"

/* One decision under way. */
struct decision {
    struct engine *engine;
    const struct command *command;
    const struct moment *now;
    struct event *event;
    struct answer *answer;
    uint32_t customer_index; /* NONE: not known yet */
    struct hash128 key;      /* of a checkout: customer, action, Idempotency-Key */
    uint8_t order_id[16];    /* .. and what its order will be called */
    bool adjusts;            /* the report replaces the order's adjustments; total is the new one */
    int64_t total;
};

enum outcome decide_cart_set(struct decision *decision);
enum outcome decide_cart_clear(struct decision *decision);
enum outcome decide_merge(struct decision *decision);
enum outcome decide_cart_extend(struct decision *decision);
enum outcome decide_checkout(struct decision *decision);
enum outcome decide_payment(struct decision *decision);
enum outcome decide_cancel(struct decision *decision);
enum outcome decide_review(struct decision *decision);
enum outcome decide_product(struct decision *decision);
enum outcome decide_stock(struct decision *decision);
enum outcome decide_stock_read(struct decision *decision);
enum outcome decide_import(struct decision *decision);
enum outcome decide_sale_set(struct decision *decision);
enum outcome decide_sale_remove(struct decision *decision);
enum outcome decide_switch(struct decision *decision);
/* look.h: lists and the audit, over all shards. */
enum outcome decide_look(struct decision *decision);

/* Whether who asks may see this order: its customer, or a service that names nobody else. */
bool order_may_see(
    const struct engine *engine, uint32_t order_index, const struct command *command);

/* Whether the command wants another version of its customer's cart (C5). Asked before anything but
 * a replay and what is not there. */
bool cart_is_stale(const struct decision *decision);
/* The cart's version after one more change. A new customer's begins at the shelf clock, so that a
 * version seen before the customer was forgotten does not come again. */
uint32_t cart_version_next(const struct decision *decision);

/* The event takes the next stream numbers. */
void decision_stream(struct decision *decision, uint32_t count);
/* Refuses because a table has no room: which one is named in the answer. */
enum outcome decision_full(struct decision *decision, const char *table);
/* Refuses for a configured bound. */
enum outcome decision_bound(
    struct decision *decision, enum outcome outcome, const char *bound, uint64_t value);
/* Until when the key of this decision is kept: at least a day, and a day past the end of the sale;
 * ends_wall_ms 0 without one (I6). */
uint64_t decision_keep_ms(const struct decision *decision, int64_t ends_wall_ms);
/* The wall time of a deadline ahead; 0 in a freeze, when none is known (W4). */
int64_t decision_wall_of(const struct decision *decision, uint64_t deadline_shelf_ms);
/* NULL while there is room for one more customer, or the customer exists. */
const char *room_for_customer(const struct decision *decision);

/* When what was decided here is durable, the other shards are visited one after another with step
 * `note`, and then the reply leaves: no decision that began before it is under way any more. */
void decision_visit_others(struct decision *decision, uint32_t note);

/* Terms of selling a product: the SKU's value over its sale's over the configuration's (L9). */
struct selling {
    struct product_terms terms;
    struct sale sale;
    uint8_t reserve_on;
    uint8_t payment_mode;
    uint32_t hold_seconds;
    uint32_t payment_seconds;
    uint32_t review_seconds;
    uint32_t limit;
};
void selling_terms(const struct engine *engine, uint32_t sku_index, struct selling *selling);
/* A sale that is not for guests: neither to hold nor to buy. */
bool selling_refuses(const struct selling *selling, const struct command *command);
/* Whether the sale of the product is open now (W1). */
enum outcome selling_window(const struct selling *selling, int64_t wall_ms, int64_t *starts_ms);
/* Whether new units of it may be had now: its window, then the switches (W3). */
enum outcome selling_opens(const struct engine *engine, uint32_t sku_index,
    const struct selling *selling, const struct moment *now, int64_t *starts_ms);
/* When the sale of the product ends; 0 never. */
int64_t selling_ends(const struct selling *selling);

/* Takes `units` more of a SKU for a customer with this hold of it or NULL: window and switches,
 * limit, then stock; the answer says why not. */
enum outcome cart_take(struct decision *decision, const struct selling *selling, uint32_t sku_index,
    const struct event_line *line, uint32_t units, const struct hold *hold);
/* What a customer hears when stock refused with `left` units available, and what is left for him
 * who holds `own`. */
enum outcome line_refused(const struct decision *decision, uint32_t sku_index,
    enum stock_answer said, uint32_t left, uint32_t own, uint32_t *available,
    uint64_t *next_release_shelf_ms);

/* An order event from the order as it is: version, clocks, stream number; status unchanged. */
void order_event_begin(struct decision *decision, uint32_t order_index, enum event_kind kind);
/* When its payment is due, or its review must be decided; 0 never. */
void order_event_due(struct decision *decision, uint64_t due_shelf_ms);
/* The order is confirmed, from now on when it was not. */
void order_event_confirm(struct decision *decision);
/* An open order ends: its units come back, and so does money that was taken meanwhile. */
void order_event_close(struct decision *decision, uint32_t order_index);
/* Until when the order's units are held at most, for who asks when some come back. */
void order_event_note_releases(struct decision *decision);
/* Sorts the indexes of the scratch's numbers, equal ones as they stand, into by_number. */
void sort_by_number(struct scratch *scratch, uint32_t count);
/* Every line's remaining units move. */
void order_event_move(struct event *event, enum stock_move move);
/* The same, and the order is cancelled. */
void order_event_cancel(struct event *event, enum stock_move move);
/* An open order at its deadline. */
void decide_order_due(struct decision *decision, uint32_t order_index);
/* A sale that is leaving goes on by itself, one event at a time; false: nothing to do now. */
bool decide_removal_due(struct decision *decision);
/* When there may be more to do for it, on the shelf clock; UINT64_MAX: nothing. */
uint64_t removal_next_due(const struct engine *engine);
/* A final order leaves the memory; no key leads to it. */
void decide_order_forgotten(struct decision *decision, uint32_t order_index);
/* The window of a sale that has opened or closed by now, on shard 0; false: none. */
bool decide_sale_due(struct decision *decision);
/* A kill that was published begins here, or goes on by one event: a hold or an open order of its
 * scope ends, or it has ended. False: there is nothing to do, or not now. */
bool decide_kill_begins(struct decision *decision);
bool decide_kill_sweeps(struct decision *decision);
/* An open order that a kill has in its scope. */
void decide_order_killed(struct decision *decision, uint32_t order_index);
/* A hold at its deadline, or killed. */
void decide_hold_due(struct decision *decision, uint32_t hold_index);

/* Parts of apply. The event's customer, who is new if need be and was here now; a hold in its new
 * state: the one place where one begins or ends to count as live; the cart's version. */
uint32_t apply_customer(struct engine *engine, const struct event *event, uint64_t now_shelf_ms);
void hold_set_state(struct engine *engine, uint32_t hold_index, uint8_t state);
/* A cart line as the event shows it, new if need be. */
void hold_write(struct engine *engine, uint32_t customer_index, const struct event_line *line,
    const struct event_hold *image);
/* Counts an order among the promises, if it is open, or takes it out. */
void promises_add(struct engine *engine, const struct order *order);
void promises_take(struct engine *engine, const struct order *order);
/* What an order is, without lines, texts and payments; what it waits for next. */
void order_write_terms(struct order *order, const struct fact_order *fact);
void order_timer(struct engine *engine, uint32_t order_index);
void cart_touched(struct engine *engine, uint32_t customer_index, uint32_t version);
void apply_cart_line(struct engine *engine, const struct event *event);
void apply_cart_cleared(struct engine *engine, const struct event *event);
void apply_cart_moved_out(struct engine *engine, const struct event *event);
void apply_cart_merged(struct engine *engine, const struct event *event);
void apply_cart_merge_ended(struct engine *engine, const struct event *event);
void apply_cart_extended(struct engine *engine, const struct event *event);

/* What the catalog, its sales and switches are once the record is durable: also at recovery, where
 * stock and claims wait for shelf_derive(). */
void settle_catalog(struct engine *engine, const struct event *event);
/* Stock words that wait for the disk. */
void settle_moves(struct shelf *shelf, const struct event *event, enum stock_move move);

#endif
