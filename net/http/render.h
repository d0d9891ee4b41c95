/* SPDX-License-Identifier: Apache-2.0 */
/*
 * render - an answer of the engine as a reply: a cart, an order, a list, stock numbers, or why not.
 *
 * Each renderer writes the body from the request's reply room on and completes it with a head.
 *
 * Ownership  Views borrow the engine's scratch; what is written stands in the slot.
 * Threads    The shard that ran the command.
 * Units      Minor units, wall times.
 * Errors     reply.overflow: the body does not fit; http_render() sees to it.
 * Cost       O(lines).
 */
#ifndef HOTSHELF_NET_HTTP_RENDER_H
#define HOTSHELF_NET_HTTP_RENDER_H

#include "core/view.h"
#include "net/http/problem.h"
#include "net/http/route.h"

/* Completes a reply of private JSON, or notes that it does not fit. */
void render_end(const struct http_context *context, struct request *request,
    const struct json_writer *json, struct head head);

void render_cart(struct http_context *context, const struct engine *engine, struct request *request,
    const struct answer *answer);
void render_order(struct http_context *context, const struct engine *engine,
    struct request *request, const struct answer *answer);
/* What a webhook hears of a report that was recorded, whatever it came to (P10). */
bool render_is_recorded(const struct answer *answer);
void render_payment_event(struct http_context *context, const struct engine *engine,
    struct request *request, const struct answer *answer);
void render_orders(struct http_context *context, const struct engine *engine,
    struct request *request, const struct answer *answer);
void render_product(
    struct http_context *context, struct request *request, const struct answer *answer);
void render_sale(
    struct http_context *context, struct request *request, const struct answer *answer);
/* Why a sale is not removed: its detail, or NULL, and what keeps it. */
const char *render_removal_detail(const struct answer *answer);
void render_removal_members(struct json_writer *json, const struct answer *answer);
void render_stock(
    struct http_context *context, struct request *request, const struct answer *answer);
void render_stock_list(struct http_context *context, struct request *request);
void render_switch(
    struct http_context *context, struct request *request, const struct answer *answer);
void render_switches(struct http_context *context, struct request *request);
/* The most bytes that the list of switches can have. */
uint32_t render_switches_bound(void);
/* What a refused switch means, where the outcome's own sentence does not say it; else NULL. */
const char *render_switch_detail(enum outcome outcome);
/* Look-ups of a merchant; what they show stands in the command's carry (core/look.h). */
void render_orders_found(struct http_context *context, struct request *request);
void render_customer(struct http_context *context, const struct engine *engine,
    struct request *request, const struct answer *answer);
void render_reservations(struct http_context *context, struct request *request);
void render_audit(struct http_context *context, struct request *request);
/* Parts that several replies have. */
struct bytes render_code_of(enum outcome outcome);
void render_cart_members(
    struct http_context *context, struct json_writer *json, const struct cart_view *cart);
void render_order_cursor(struct json_writer *json, const uint8_t cursor[16]);
void render_refusal(struct http_context *context, const struct engine *engine,
    struct request *request, const struct answer *answer);

#endif
