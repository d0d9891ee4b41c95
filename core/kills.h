/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kills - the kills that this shard has begun and not ended (W5).
 *
 *     KILL_BEGUN --> every live hold and open order in scope is dead
 *                      | HOLD_EXPIRED, ORDER_CANCELLED ..: its owner's before his next command,
 *                      |                                   the rest a bounded number per tick
 *                      v
 *     KILL_ENDED     none is left; what came back is counted
 *
 * No list is kept of what is dead: while a kill is under way nothing new in its scope can be held,
 * since the switch is set before and lifted only after, so all that is in scope is dead.
 *
 * One that is ended is remembered while its switch is there: once the record of its end is gone
 * from the journal, nothing else says that this shard has its part behind it. Those whose resume is
 * durable are forgotten when their room is needed.
 *
 * Ownership  The engine's; at most KILLS_MAX, in the order they were begun.
 * Threads    The engine's own shard.
 * Units      Units of stock, orders.
 * Errors     None: shard 0 counts the kills under way before it begins one.
 * Cost       O(kills), of an order O(kills x lines).
 */
#ifndef HOTSHELF_CORE_KILLS_H
#define HOTSHELF_CORE_KILLS_H

#include "core/tables.h"

/* The first kill under way that has this in its scope, or NULL. */
struct kill *kill_of(struct engine *engine, uint32_t sku_number, uint32_t sale_number);
struct kill *kill_of_order(struct engine *engine, const struct order *order);
/* Whether it has this in its scope. */
bool kill_covers(const struct kill *kill, uint32_t sku_number, uint32_t sale_number);

/* Changes, for apply alone. */
void kill_begin(struct engine *engine, const struct event *kill_begun);
void kill_end(struct engine *engine, const struct event *kill_ended);
/* An event that ended a hold or an open order: units that came back, orders cancelled. */
void kill_note(struct engine *engine, const struct event *event, uint32_t orders);

/* The entry of an image: kills under way first, then those ended; false: it is not kept. An entry
 * that is read: what is there must be so already. */
bool kill_entry(const struct engine *engine, uint32_t at, struct kill_entry *entry);
void kill_restate(struct engine *engine, const struct kill_entry *entry);

/* Of those ended: whether its switch is still there, or will be again after a crash: a resume is of
 * shard 0, and may be lost where this shard's records are not. */
bool kill_is_kept(const struct engine *engine, const struct ended_kill *ended);

/* Proves that every end that its switch knows of is remembered here. */
void kill_check(const struct engine *engine);
/* A hash of them and of those ended that are kept, for engine_digest(). */
uint64_t kill_digest(const struct engine *engine);

#endif
