/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view - what a reply shows of an engine's tables: a cart, an order, a list of orders.
 *
 * An order is shown as the image its next event would carry, so that replies, stream and journal
 * agree by construction. `born` shows it as its checkout made it: what a replay answers (I3).
 *
 * Ownership  Views borrow the engine's scratch until the next view, decide or due.
 * Threads    The engine's own shard.
 * Units      Shelf milliseconds for deadlines: a renderer adds wall - shelf of its moment.
 * Errors     None: indexes come from an answer of the same engine.
 * Cost       O(lines).
 */
#ifndef HOTSHELF_CORE_VIEW_H
#define HOTSHELF_CORE_VIEW_H

#include "core/engine.h"

struct cart_line_view {
    struct bytes sku;
    uint32_t quantity;
    uint8_t state; /* enum line_state */
    uint8_t extensions_left;
    int64_t unit_price; /* frozen while held, today's otherwise */
    int64_t line_total;
    uint64_t deadline_shelf_ms; /* 0 without a live hold */
};

struct cart_view {
    uint8_t currency[4]; /* all 0: an empty cart has none */
    uint32_t version;
    int64_t items_total;
    uint32_t line_count;
    const struct cart_line_view *lines;
};

/* customer_index UINT32_MAX: an unknown customer, whose cart is empty. */
void engine_cart(const struct engine *engine, uint32_t customer_index, struct cart_view *view);
/* Lines of a customer's cart, of an order; 0 when there is none: bounds a reply before it is made.
 */
uint32_t engine_cart_lines(const struct engine *engine, struct bytes customer);
uint32_t engine_order_lines(const struct engine *engine, const uint8_t order_id[16]);

/* Bytes of its references and adjustments. */
uint32_t engine_order_texts(const struct engine *engine, const uint8_t order_id[16]);

/* event->fact.order, lines (moved and from_hold 0) and texts, as after the order's last event;
 * its kind is that of an order. */
void engine_order_image(
    const struct engine *engine, uint32_t order_index, bool born, struct event *event);
/* The order that an answer is about, in the same form: what has just made it, or its image, for
 * which there is `room`. */
const struct event *engine_order_of(
    const struct engine *engine, const struct answer *answer, bool born, struct event *room);

/* Order indexes of a customer, newest first, at most `limit` (1 to 200). The cursor is the id of
 * the order behind which to go on, all 0 from the start; it becomes that of the last one found, or
 * all 0 at the end. An order that is forgotten between two pages makes the list skip no other. */
uint32_t engine_orders_of(const struct engine *engine, uint32_t customer_index,
    int64_t from_wall_ms, int64_t to_wall_ms, uint8_t cursor[16], uint32_t limit,
    uint32_t *order_indexes);

/* Name of a status as the protocols spell it: "pending_payment". */
struct bytes order_status_name(uint8_t status);

#endif
