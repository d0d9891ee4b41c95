/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare_jobs - what `hotshelf-bench compare` measures: the sides, and the rows of its table.
 *
 * A side is one program under one kind of request; a row sets one of ours beside one of others.
 * Sides are played in the order in which they stand, so that those of a row are near each other in
 * time.
 *
 * To add one: a member of enum side_id, its line in sides[], a line in rows[].
 *
 * Ownership  Constants.
 * Threads    Any.
 * Units      As named.
 * Errors     None.
 * Cost       None.
 */
#ifndef HOTSHELF_BENCH_COMPARE_JOBS_H
#define HOTSHELF_BENCH_COMPARE_JOBS_H

#include "bench/peers/locks.h"
#include "bench/peers/redis.h"
#include "bench/traffic.h"

enum side_id {
    OURS_AVAILABILITY,
    FLOOR_AVAILABILITY,
    NGINX_FIXED,
    OURS_CART,
    FLOOR_CART,
    OURS_CART_HOLD,
    FLOOR_CART_HOLD,
    OURS_CHECKOUT,
    FLOOR_CHECKOUT,
    REDIS_FULL_NONE_1,
    REDIS_FULL_EVERYSEC_1,
    REDIS_FULL_ALWAYS_1,
    REDIS_LEAN_NONE_1,
    REDIS_LEAN_EVERYSEC_1,
    REDIS_LEAN_ALWAYS_1,
    OURS_CHECKOUT_16_CLIENTS,
    POSTGRES_HOT_16,
    POSTGRES_HOT_64,
    POSTGRES_SPREAD_16,
    POSTGRES_SPREAD_64,
    POSTGRES_ONE_16,
    POSTGRES_ONE_64,
    OURS_RESP_AVAILABILITY,
    FLOOR_RESP_AVAILABILITY,
    REDIS_GET_1,
    OURS_RESP_1,
    FLOOR_RESP_1,
    OURS_RESP_16,
    FLOOR_RESP_16,
    REDIS_FULL_NONE_16,
    REDIS_FULL_EVERYSEC_16,
    REDIS_FULL_ALWAYS_16,
    REDIS_LEAN_NONE_16,
    REDIS_LEAN_EVERYSEC_16,
    REDIS_LEAN_ALWAYS_16,
    OURS_RESP_64,
    FLOOR_RESP_64,
    UNIX_AVAILABILITY,
    UNIX_FLOOR_AVAILABILITY,
    UNIX_CART,
    UNIX_FLOOR_CART,
    UNIX_CHECKOUT,
    UNIX_FLOOR_CHECKOUT,
    UNIX_RESP_1,
    UNIX_FLOOR_RESP_1,
    UNIX_RESP_16,
    UNIX_FLOOR_RESP_16,
    UNIX_RESP_64,
    UNIX_FLOOR_RESP_64,
    OURS_HALF_LOAD,
    FLOOR_HALF_LOAD,
    OURS_STREAM,
    COPY_OF_STREAM,
    SIDES,
    NO_SIDE = SIDES, /* a row without a peer: ours against a figure */
};

enum side_who {
    SIDE_OURS,
    SIDE_FLOOR,
    SIDE_REDIS,
    SIDE_NGINX,
    SIDE_POSTGRES,
    SIDE_STREAM,
    SIDE_COPY,
    SIDE_WHOS
};

struct side {
    enum side_who who;
    const char *name; /* of a peer, as the table says it */
    enum traffic_kind kind;
    bool over_unix;
    enum side_id like; /* a floor, nginx: the side of ours whose bytes it moves */
    double load;       /* an open loop at this share of what `like` could do; 0: none */
    enum redis_script script;
    enum redis_durability durability;
    uint32_t deep; /* of Redis; ours as the kind of traffic has it */
    enum locks_form form;
    uint32_t skus;        /* of PostgreSQL; ours sells one, the hottest case */
    uint32_t connections; /* 0: as the options say */
};

/* Which way a ratio is good. */
enum row_aim {
    AIM_AT_MOST,  /* ours / peer: as near to the floor as can be */
    AIM_AT_LEAST, /* peer / ours of CPU, ours / peer of requests: as far from it as can be */
};

enum row_measure {
    MEASURE_CPU,
    MEASURE_RATE,
    MEASURE_P99, /* of replies; the floor's is taken together with that of a sync of the disk */
};

struct row {
    const char *job;
    enum side_id ours;
    enum side_id peer;
    enum row_measure measure;
    enum row_aim aim;
    double target; /* 0: none */
    bool is_short; /* also in the short comparison */
};

extern const struct side compare_sides[SIDES];
extern const struct row compare_rows[];
extern const uint32_t compare_rows_count;

#define COMPARE_ROWS_MAX 64
#define OPEN_LOOP_CONNECTIONS 512 /* enough that what is due finds one free */

const char *compare_who_name(enum side_who who);

#endif
