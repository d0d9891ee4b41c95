/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge - compares what the engine says and keeps with what the model says and keeps.
 *
 * Ownership  Reads both, changes neither.
 * Threads    One.
 * Units      See model.h.
 * Errors     world_fail().
 * Cost       A step: what it touched. Everything: O(tables).
 */
#ifndef HOTSHELF_TESTS_SIMULATE_JUDGE_H
#define HOTSHELF_TESTS_SIMULATE_JUDGE_H

#include "tests/simulate/world.h"

/* The reply to an ask: outcome, replay, numbers, every failing line (K2). */
void judge_reply(const struct world *world, const struct ask *ask, const struct expect *expect,
    const struct event *event);
/* V1, V2, V6 for what the step touched; the carts and the order it was about. */
void judge_touched(const struct world *world, const struct ask *ask, uint32_t order_slot);
/* The order a reply is about: as it is, or as it was born (I3). */
void judge_order(const struct world *world, uint32_t shard, uint32_t slot, bool born);
/* V1 to V5 for everything. */
void judge_everything(const struct world *world);

#endif
