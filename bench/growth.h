/* SPDX-License-Identifier: Apache-2.0 */
/*
 * growth - what a request costs as a shop grows: with its tables, its connections, its shards.
 *
 * Ownership  Each of the three has its own servers, and has stopped them when it returns.
 * Threads    One.
 * Units      Microseconds of the server's CPU time for each request; percent of a table's places.
 * Errors     false after the reason on stderr.
 * Cost       A minute or so, as told.
 */
#ifndef HOTSHELF_BENCH_GROWTH_H
#define HOTSHELF_BENCH_GROWTH_H

#include "bench/floor_turn.h"
#include "bench/growth_traffic.h"
#include "bench/sandbox.h"

enum {
    GROWTH_LEVELS = 3, /* 1, 50 and 95 % */
    GROWTH_CROWDS = 5, /* 1 to 10,000 connections */
    GROWTH_SHARDS = 2, /* 1 and 2 */
    GROWTH_ROWS_MAX = GROWTH_CROWDS * GROWTH_MEASURED,
};

struct growth_options {
    const char *server_path;
    const char *parent;
    double seconds;
    uint32_t rounds;
    uint32_t places;          /* of customers, orders, cart lines; products: a sixteenth */
    uint32_t connections_max; /* crowds above it are left out */
};

/* Medians over the rounds. */
struct growth_row {
    enum growth_kind kind;
    uint32_t size; /* percent, connections or shards */
    double us, per_second, busy;
    double ratio, ratio_least, ratio_most; /* to the smallest, or 100 connections, turn by turn */
};

struct growth_rows {
    uint32_t count;
    struct growth_row all[GROWTH_ROWS_MAX];
};

bool growth_of_tables(const struct growth_options *options, struct growth_rows *rows);
bool growth_of_connections(const struct growth_options *options, struct growth_rows *rows);
bool growth_of_shards(const struct growth_options *options, struct growth_rows *rows);

#endif
