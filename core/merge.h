/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merge - a guest's cart becomes part of a customer's (C4): what the command does at each visit.
 *
 *     MERGE_LOOK    customer's shard  may the cart be changed at all? nothing is recorded
 *     MERGE_OUT     guest's shard     MOVED_OUT: the lines hold nothing any more, their units are
 *                                     on the way: held in the stock word, in nobody's table
 *     MERGE_IN      customer's shard  MERGED: what is kept; the rest goes back
 *     MERGE_END     guest's shard     MERGE_ENDED: the lines are gone
 *     MERGE_READ    customer's shard  the reply
 *
 *     MERGE_RETURN  guest's shard, when the customer's refused: MERGE_ENDED as well, the lines are
 *                   what they were
 *
 * Each visit begins when the record of the one before is durable. A crash loses what is on the way:
 * the units are free, the lines are with the guest (LINE_MOVED). The next merge of that guest
 * carries them once more under the same id, by which the customer's shard knows whether it has them
 * already (REQUEST_MERGE), and then goes round again for newer lines.
 *
 * What the guest has bought counts for the customer from the first visit on (handed.h).
 *
 * Ownership  struct merge is the command's carry: the caller's memory, lost with the process.
 * Threads    The shard that is visited.
 * Units      As in tables.h.
 * Errors     Outcomes. After MERGE_OUT a refusal goes by way of MERGE_RETURN.
 * Cost       O(lines x lines).
 */
#ifndef HOTSHELF_CORE_MERGE_H
#define HOTSHELF_CORE_MERGE_H

#include "core/engine_steps.h"

enum merge_step { MERGE_LOOK, MERGE_OUT, MERGE_IN, MERGE_END, MERGE_RETURN, MERGE_READ };

/* A line of the guest's cart. */
struct merge_line {
    int64_t unit_price;
    uint64_t deadline_shelf_ms, created_shelf_ms;
    uint32_t sku_number, seller_number, sale_number;
    uint32_t quantity;
    uint32_t units; /* of quantity: on the way */
    uint32_t limit;
    uint8_t state; /* enum line_state, as it was */
    uint8_t extensions;
};

/* A line may lose units twice: beyond what the bounds allow, and what is not to be had. */
enum { MERGE_DROPS_MAX = 2 * LINES_PER_ORDER_MAX };

struct merge_dropped {
    uint32_t sku_number;
    uint32_t quantity;
    enum outcome outcome;
};

struct merge {
    uint64_t id; /* of what is on the way; 0: nothing was moved */
    int64_t begun_wall_ms;
    uint32_t kills; /* published when it set out */
    uint32_t rounds;
    bool again;   /* another round may find more */
    bool pending; /* moved out before a crash: no units are on the way */
    uint8_t currency[4];
    /* why the customer's shard refused */
    enum outcome outcome;
    const char *bound;
    uint64_t bound_value;
    uint32_t version;
    uint32_t line_count;
    uint32_t dropped_count;
    struct merge_line lines[LINES_PER_ORDER_MAX];
    struct merge_dropped dropped[MERGE_DROPS_MAX];
};

/* Whether this visit of a command is about the guest. */
bool merge_is_at_guest(const struct command *command);
/* MERGE_IN: the event, or why not. */
enum outcome merge_in(struct decision *decision, struct merge *merge);
/* Whether units on the way may still become a hold: alive, and reached by no kill. */
bool merge_keeps(const struct decision *decision, const struct merge *merge,
    const struct merge_line *line, uint32_t sku_index);

#endif
