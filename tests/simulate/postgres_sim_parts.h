/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_sim_parts - what the two files of postgres_sim share: connections and transactions in
 * postgres_sim.c, rows that are sent in postgres_sim_rows.c.
 *
 * Ownership  As postgres_sim.h.
 * Threads    One.
 * Units      As postgres_sim.h.
 * Errors     As postgres.h; what cannot be is a CHECK.
 * Cost       As postgres_sim.h.
 */
#ifndef HOTSHELF_TESTS_SIMULATE_POSTGRES_SIM_PARTS_H
#define HOTSHELF_TESTS_SIMULATE_POSTGRES_SIM_PARTS_H

#include "tests/simulate/postgres_sim.h"

struct postgres_sim *postgres_sim_in_use(void);
/* One more thing to do when the transaction commits. */
struct operation *postgres_sim_note(struct transaction_sim *transaction, enum operation_kind kind);
int postgres_sim_lose(struct postgres_sim *sim, struct postgres *postgres, const char *problem);
/* The end of what was sent: committed, or failed in some way. */
int postgres_sim_finish(struct postgres_sim *sim, struct postgres *postgres);
/* COMMIT or ROLLBACK was sent. */
void postgres_sim_end_block(struct postgres_sim *sim, bool commits);

#endif
