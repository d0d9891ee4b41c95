/* SPDX-License-Identifier: Apache-2.0 */
/*
 * visits - calls that visit several shards, one after another, while the world goes on.
 *
 * Ownership  The world's.
 * Threads    One.
 * Units      See ask.h.
 * Errors     world_fail().
 * Cost       See world.h.
 */
#ifndef HOTSHELF_TESTS_SIMULATE_VISITS_H
#define HOTSHELF_TESTS_SIMULATE_VISITS_H

#include "tests/simulate/world.h"

/* A call that may be made now, or NULL: as many are under way as there may be. */
struct visit *visit_room(struct world *world);
/* Gives the command the memory that it takes along. */
void visit_carry(struct visit *visit, struct command *command);
/* Its first step ran on that shard and was answered with goes_on. */
void visit_begin(struct world *world, struct visit *visit, uint32_t shard, const struct ask *ask,
    const struct expect *expect);
/* One of them, if it need not wait. */
void visits_go_on(struct world *world);
/* All of them, once: everything is durable. */
void visits_finish(struct world *world);
/* Nobody waits for them any more. */
void visits_end(struct world *world);

#endif
