/* SPDX-License-Identifier: Apache-2.0 */
/*
 * growth_turns - servers of several sizes, filled, then measured in turns.
 *
 *     round 1: first size, second, ..; round 2: ..      a ratio is of two turns of one round
 *
 * Ownership  The caller's sandboxes.
 * Threads    One.
 * Units      As in growth.h.
 * Errors     false after the reason, with the server's log, on stderr.
 * Cost       Turns last as long as the options say.
 */
#ifndef HOTSHELF_BENCH_GROWTH_TURNS_H
#define HOTSHELF_BENCH_GROWTH_TURNS_H

#include "bench/growth.h"

enum { GROWTH_SIZES_MAX = GROWTH_CROWDS, GROWTH_CONNECTIONS = 64 };

/* One server, or one way to drive it. */
struct growth_side {
    uint32_t size;
    uint32_t connections;
    struct sandbox *sandbox;
    struct growth_traffic *traffic; /* GROWTH_KINDS of them, one for all who share a server */
    uint64_t requests_max[GROWTH_MEASURED]; /* of a turn; 0: no bound */
    struct floor_turn turn[GROWTH_MEASURED][FLOOR_ROUNDS_MAX];
};

/* Opens a server with so many places in each table: customers, orders, carts; the rest is its
 * rule. */
struct growth_server {
    uint32_t places, sku_places, skus;
    uint32_t connections;
    uint32_t shards;
    int core;
};

bool growth_open(struct sandbox *sandbox, const struct growth_options *options,
    const struct growth_server *server);

/* As many customers as given, each with an order and a line in the cart. */
bool growth_fill_side(struct growth_side *side, uint32_t customers, uint32_t skus);

/* Sides in turns, for each kind below `kinds`; then a row for each kind and side, whose ratio is to
 * the side number `beside`. */
struct growth_turns_plan {
    struct growth_side *sides;
    uint32_t count, beside, kinds;
};

bool growth_play(const struct growth_options *options, const struct growth_turns_plan *plan,
    struct growth_rows *rows);

#endif
