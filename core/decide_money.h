/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decide_money - what authorized and captured money does to an order.
 *
 *     own      it stands for the order: the first that came, and confirmed it
 *     due back it bought nothing: it is counted in refund_due
 *
 * Ownership  The decision's event; known is what the order remembers of the payment id, or NULL.
 * Threads    The engine's own shard.
 * Units      Minor units of money.
 * Errors     Outcomes; after one that is neither OK nor REFUND_REQUIRED the event is none.
 * Cost       O(lines).
 */
#ifndef HOTSHELF_CORE_DECIDE_MONEY_H
#define HOTSHELF_CORE_DECIDE_MONEY_H

#include "core/engine_steps.h"

bool money_is_own(const struct payment *payment);
/* Whether the order has money of its own; whether any money was ever reported for it. */
bool money_has_own(const struct engine *engine, const struct order *order);
bool money_has_any(const struct engine *engine, const struct order *order);

/* What is due back of the order's own money for the units cancelled so far: the price of them,
 * never more than was paid, and with the last one all of it (K7: what is no line's, too). */
int64_t money_of_cancelled(const struct event *event);

enum outcome money_confirms(struct decision *decision, uint32_t order_index);
/* Money that buys nothing: it is due back, and the stream says so (P6, P7). */
enum outcome money_comes_back(
    struct decision *decision, uint32_t order_index, const struct payment *known);
/* Money of an expired order: its units once more, all or none (P5, P6). */
enum outcome money_for_expired(struct decision *decision, uint32_t order_index);
/* Money while the order is in review: it is noted, and the order stays there. */
enum outcome money_in_review(
    struct decision *decision, uint32_t order_index, const struct payment *known);

#endif
