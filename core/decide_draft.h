/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decide_draft - the basket of a checkout while it is judged: one draft per SKU.
 *
 * Ownership  Drafts live in the engine's scratch until the next decide.
 * Threads    The engine's own shard.
 * Units      Units of stock, minor units of money.
 * Errors     Outcomes; a draft that failed carries its own.
 * Cost       O(lines x log lines); items of a customer with live holds also walk the cart for each.
 */
#ifndef HOTSHELF_CORE_DECIDE_DRAFT_H
#define HOTSHELF_CORE_DECIDE_DRAFT_H

#include "core/engine_steps.h"

struct basket {
    uint32_t draft_count;
    uint32_t line_count; /* of the order it would become: see placed_lines() */
    uint32_t allowances_new;
    uint32_t payment_seconds, review_seconds;
    uint8_t payment_mode;
    uint8_t from_cart;
    uint8_t hides_counts; /* of some line customers may not know how many are left (A5) */
    uint8_t fresh_units;  /* some units must still be taken from available */
    uint8_t currency[4];
    uint8_t born; /* enum order_status of the order it becomes */
    int64_t items_total, total;
    int64_t ends_wall_ms; /* the latest end of its sales; 0 none */
};

/* Drafts from the items, or from the cart without any; same SKUs are summed (V6). */
enum outcome basket_build(struct decision *decision, struct basket *basket);
/* Window, currency, price and limit of each draft, and what their sales say together: mode, time to
 * pay and to review, latest end (P1). False when a draft failed. */
bool basket_judge(struct decision *decision, struct basket *basket);
enum outcome basket_total(struct decision *decision, struct basket *basket);
/* Every failing line into the answer; their common outcome, or LINES_REFUSED (K2). */
enum outcome basket_refused(struct decision *decision, const struct basket *basket);

#endif
