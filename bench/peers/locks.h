/* SPDX-License-Identifier: Apache-2.0 */
/*
 * locks - orders in PostgreSQL, as a shop without anything in front of it sells them.
 *
 *     row locks:      BEGIN, SELECT .. FOR UPDATE, UPDATE stock, INSERT order, COMMIT
 *     one statement:  UPDATE stock and INSERT order in one, a common table expression
 *
 * Clients are connections with prepared statements, all driven from one thread, each busy with one
 * order at a time. Afterwards stock and orders must tell the number of those that were answered.
 *
 * Ownership  locks_play() makes its tables anew and drops none; the cluster is the caller's,
 *            running.
 * Threads    One.
 * Units      As turn.h; an order is a request.
 * Errors     false with the reason in the turn.
 * Cost       A turn.
 */
#ifndef HOTSHELF_BENCH_PEERS_LOCKS_H
#define HOTSHELF_BENCH_PEERS_LOCKS_H

#include "bench/peers/postgres.h"

enum locks_form { LOCKS_ROWS, LOCKS_STATEMENT };

struct locks_plan {
    enum locks_form form;
    uint32_t clients;
    uint32_t skus;
    double seconds;
};

bool locks_play(struct turn *turn, const struct postgres *postgres, const struct locks_plan *plan);

#endif
