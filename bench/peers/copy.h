/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copy - the fastest way into PostgreSQL that there is: binary COPY of the rows that our stream
 * wrote, into tables with the same columns, keys and indexes, as many orders to a transaction.
 *
 * Ownership  copy_play() makes its tables and drops them; the cluster is the caller's, running, and
 *            has the rows of a stream.
 * Threads    One.
 * Units      As turn.h; an order is a request. The rows of a turn are held in memory.
 * Errors     false with the reason in the turn.
 * Cost       A second or two.
 */
#ifndef HOTSHELF_BENCH_PEERS_COPY_H
#define HOTSHELF_BENCH_PEERS_COPY_H

#include "bench/peers/postgres.h"

bool copy_play(struct turn *turn, const struct postgres *postgres);

/* How many orders our stream wrote in a transaction, on average. */
double copy_batch(PGconn *connection);

#endif
