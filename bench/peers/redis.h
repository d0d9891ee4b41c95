/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis - Redis with a reservation in Lua, as a shop would write it.
 *
 * Each turn has a Redis of its own, empty but for the stock, on one core with all its threads.
 * Every request is another customer and another order; afterwards stock and stream must tell the
 * number of requests that were answered, or the turn does not count.
 *
 * Ownership  redis_play() starts, measures, stops and removes it.
 * Threads    One.
 * Units      As turn.h.
 * Errors     false with the reason in the turn.
 * Cost       A turn, and a tenth of a second around it.
 */
#ifndef HOTSHELF_BENCH_PEERS_REDIS_H
#define HOTSHELF_BENCH_PEERS_REDIS_H

#include "bench/turn.h"

enum redis_script {
    REDIS_FULL, /* limit, stock, hold, its expiry, order: 8 calls */
    REDIS_LEAN, /* limit, stock, order: 3 calls */
    REDIS_GET,  /* no script: the stock is looked at */
};

/* What is on disk when the reply leaves. */
enum redis_durability {
    REDIS_NOTHING,
    REDIS_EVERYSEC, /* all but the last second */
    REDIS_ALWAYS,   /* the order: as ours */
};

struct redis_plan {
    enum redis_script script;
    enum redis_durability durability;
    uint32_t deep;
    uint32_t connections;
    double seconds;
    int core;
    const char *parent; /* the directory to make its own in: on a real disk */
};

bool redis_play(struct turn *turn, const struct redis_plan *plan);

#endif
