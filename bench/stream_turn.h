/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream_turn - how fast our orders reach PostgreSQL: a server sells while its stream is held back,
 * and how long the journal takes to arrive when the sale is over is measured.
 *
 * Ownership  stream_turn_play() starts a server of its own and stops it; the cluster is the
 *            caller's, running on another core; its schema is made anew and stays, with the orders.
 * Threads    One, on the server's core, asleep while the server streams.
 * Units      As turn.h; an order is a request, CPU that of server and PostgreSQL together.
 * Errors     false with the reason in the turn.
 * Cost       Some seconds.
 */
#ifndef HOTSHELF_BENCH_STREAM_TURN_H
#define HOTSHELF_BENCH_STREAM_TURN_H

#include "bench/peers/postgres.h"
#include "bench/sandbox.h"

struct stream_plan {
    const char *server_path;
    const char *parent;
    uint32_t orders;
    int core;
};

bool stream_turn_play(
    struct turn *turn, const struct postgres *postgres, const struct stream_plan *plan);

#endif
