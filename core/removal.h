/* SPDX-License-Identifier: Apache-2.0 */
/*
 * removal - what one shard has of a sale that leaves, and how it drops it (DELETE of a sale).
 *
 *     keys -> orders -> cart lines -> allowances -> sold and forgotten -> nothing left: done
 *
 * Each step looks at a bounded number of slots and makes at most one event. What cannot go yet is
 * counted and keeps the sale: an order that is not final, or not yet streamed, or has lines of
 * something else, which somebody may still want to read; a live hold, and a merge of carts that is
 * under way. The steps go round until a whole round finds nothing.
 *
 *     an order is of the sale   when a line's SKU is of the sale, or was sold in it
 *     and of it wholly          when every line's SKU is of the sale
 *
 * Ownership  The engine's; where it looks next is no state: after a crash it looks from the start.
 * Threads    The engine's own shard.
 * Units      See tables.h.
 * Errors     None.
 * Cost       At most REMOVAL_SLOTS slots for one step.
 */
#ifndef HOTSHELF_CORE_REMOVAL_H
#define HOTSHELF_CORE_REMOVAL_H

#include "core/engine_steps.h"

enum { REMOVAL_SLOTS = 2048 };

enum removal_step {
    REMOVAL_EVENT,   /* the decision has an event */
    REMOVAL_GOES_ON, /* nothing found here: there is more to look at */
    REMOVAL_BLOCKED, /* a round is over: what is left cannot go now */
    REMOVAL_DONE,    /* the shard's part is gone */
};

/* Looks at a page of orders and holds from *at on, counts what keeps the sale; true at the end. */
bool removal_count(const struct decision *decision, uint32_t sale_number, uint32_t *at,
    struct removal_counts *counts);

/* One step of dropping this shard's part of the sale that is closing. */
enum removal_step removal_step(struct decision *decision, uint32_t sale_number);

bool removal_is_blocked(const struct removal_counts *counts);

void apply_part_removed(struct engine *engine, const struct event *event);

#endif
