/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/compare_jobs.h"

#define OURS(traffic)                                                                              \
    {                                                                                              \
        .who = SIDE_OURS, .name = "hotshelf", .kind = (traffic)                                    \
    }
#define OURS_UNIX(traffic)                                                                         \
    {                                                                                              \
        .who = SIDE_OURS, .name = "hotshelf, Unix socket", .kind = (traffic), .over_unix = true    \
    }
#define FLOOR(ours, traffic)                                                                       \
    {                                                                                              \
        .who = SIDE_FLOOR, .name = "echo floor, same bytes", .kind = (traffic), .like = (ours)     \
    }
#define FLOOR_UNIX(ours, traffic)                                                                  \
    {                                                                                              \
        .who = SIDE_FLOOR, .name = "echo floor, same bytes, Unix socket", .kind = (traffic),       \
        .like = (ours), .over_unix = true                                                          \
    }
#define REDIS(words, lua, sync, depth)                                                             \
    {                                                                                              \
        .who = SIDE_REDIS, .name = words, .script = (lua), .durability = (sync), .deep = (depth)   \
    }

#define LOCKS(words, how, many, clients)                                                           \
    {                                                                                              \
        .who = SIDE_POSTGRES, .name = words, .form = (how), .skus = (many),                        \
        .connections = (clients)                                                                   \
    }

const struct side compare_sides[SIDES] = {
    [OURS_AVAILABILITY] = OURS(TRAFFIC_AVAILABILITY),
    [FLOOR_AVAILABILITY] = FLOOR(OURS_AVAILABILITY, TRAFFIC_AVAILABILITY),
    [NGINX_FIXED] = {.who = SIDE_NGINX,
        .name = "nginx, fixed body",
        .kind = TRAFFIC_AVAILABILITY,
        .like = OURS_AVAILABILITY},
    [OURS_CART] = OURS(TRAFFIC_CART),
    [FLOOR_CART] = FLOOR(OURS_CART, TRAFFIC_CART),
    [OURS_CART_HOLD] = OURS(TRAFFIC_CART_HOLD),
    [FLOOR_CART_HOLD] = FLOOR(OURS_CART_HOLD, TRAFFIC_CART_HOLD),
    [OURS_CHECKOUT] = OURS(TRAFFIC_CHECKOUT),
    [FLOOR_CHECKOUT] = FLOOR(OURS_CHECKOUT, TRAFFIC_CHECKOUT),
    [REDIS_FULL_NONE_1] = REDIS("redis lua full, no file, 1 deep", REDIS_FULL, REDIS_NOTHING, 1),
    [REDIS_FULL_EVERYSEC_1] =
        REDIS("redis lua full, everysec, 1 deep", REDIS_FULL, REDIS_EVERYSEC, 1),
    [REDIS_FULL_ALWAYS_1] = REDIS("redis lua full, always, 1 deep", REDIS_FULL, REDIS_ALWAYS, 1),
    [REDIS_LEAN_NONE_1] = REDIS("redis lua lean, no file, 1 deep", REDIS_LEAN, REDIS_NOTHING, 1),
    [REDIS_LEAN_EVERYSEC_1] =
        REDIS("redis lua lean, everysec, 1 deep", REDIS_LEAN, REDIS_EVERYSEC, 1),
    [REDIS_LEAN_ALWAYS_1] = REDIS("redis lua lean, always, 1 deep", REDIS_LEAN, REDIS_ALWAYS, 1),
    [OURS_CHECKOUT_16_CLIENTS] = {.who = SIDE_OURS,
        .name = "hotshelf, 16 clients",
        .kind = TRAFFIC_CHECKOUT,
        .connections = 16},
    [POSTGRES_HOT_16] = LOCKS("postgres row locks, one SKU, 16 clients", LOCKS_ROWS, 1, 16),
    [POSTGRES_HOT_64] = LOCKS("postgres row locks, one SKU, 64 clients", LOCKS_ROWS, 1, 64),
    [POSTGRES_SPREAD_16] =
        LOCKS("postgres row locks, 1,000 SKUs, 16 clients", LOCKS_ROWS, 1000, 16),
    [POSTGRES_SPREAD_64] =
        LOCKS("postgres row locks, 1,000 SKUs, 64 clients", LOCKS_ROWS, 1000, 64),
    [POSTGRES_ONE_16] =
        LOCKS("postgres one statement, one SKU, 16 clients", LOCKS_STATEMENT, 1, 16),
    [POSTGRES_ONE_64] =
        LOCKS("postgres one statement, one SKU, 64 clients", LOCKS_STATEMENT, 1, 64),
    [OURS_RESP_AVAILABILITY] = OURS(TRAFFIC_RESP_AVAILABILITY),
    [FLOOR_RESP_AVAILABILITY] = FLOOR(OURS_RESP_AVAILABILITY, TRAFFIC_RESP_AVAILABILITY),
    [REDIS_GET_1] = REDIS("redis get, 1 deep", REDIS_GET, REDIS_NOTHING, 1),
    [OURS_RESP_1] = OURS(TRAFFIC_RESP_CHECKOUT),
    [FLOOR_RESP_1] = FLOOR(OURS_RESP_1, TRAFFIC_RESP_CHECKOUT),
    [OURS_RESP_16] = OURS(TRAFFIC_RESP_CHECKOUT_16),
    [FLOOR_RESP_16] = FLOOR(OURS_RESP_16, TRAFFIC_RESP_CHECKOUT_16),
    [REDIS_FULL_NONE_16] = REDIS("redis lua full, no file, 16 deep", REDIS_FULL, REDIS_NOTHING, 16),
    [REDIS_FULL_EVERYSEC_16] =
        REDIS("redis lua full, everysec, 16 deep", REDIS_FULL, REDIS_EVERYSEC, 16),
    [REDIS_FULL_ALWAYS_16] = REDIS("redis lua full, always, 16 deep", REDIS_FULL, REDIS_ALWAYS, 16),
    [REDIS_LEAN_NONE_16] = REDIS("redis lua lean, no file, 16 deep", REDIS_LEAN, REDIS_NOTHING, 16),
    [REDIS_LEAN_EVERYSEC_16] =
        REDIS("redis lua lean, everysec, 16 deep", REDIS_LEAN, REDIS_EVERYSEC, 16),
    [REDIS_LEAN_ALWAYS_16] = REDIS("redis lua lean, always, 16 deep", REDIS_LEAN, REDIS_ALWAYS, 16),
    [OURS_RESP_64] = OURS(TRAFFIC_RESP_CHECKOUT_64),
    [FLOOR_RESP_64] = FLOOR(OURS_RESP_64, TRAFFIC_RESP_CHECKOUT_64),
    [UNIX_AVAILABILITY] = OURS_UNIX(TRAFFIC_AVAILABILITY),
    [UNIX_FLOOR_AVAILABILITY] = FLOOR_UNIX(UNIX_AVAILABILITY, TRAFFIC_AVAILABILITY),
    [UNIX_CART] = OURS_UNIX(TRAFFIC_CART),
    [UNIX_FLOOR_CART] = FLOOR_UNIX(UNIX_CART, TRAFFIC_CART),
    [UNIX_CHECKOUT] = OURS_UNIX(TRAFFIC_CHECKOUT),
    [UNIX_FLOOR_CHECKOUT] = FLOOR_UNIX(UNIX_CHECKOUT, TRAFFIC_CHECKOUT),
    [UNIX_RESP_1] = OURS_UNIX(TRAFFIC_RESP_CHECKOUT),
    [UNIX_FLOOR_RESP_1] = FLOOR_UNIX(UNIX_RESP_1, TRAFFIC_RESP_CHECKOUT),
    [UNIX_RESP_16] = OURS_UNIX(TRAFFIC_RESP_CHECKOUT_16),
    [UNIX_FLOOR_RESP_16] = FLOOR_UNIX(UNIX_RESP_16, TRAFFIC_RESP_CHECKOUT_16),
    [UNIX_RESP_64] = OURS_UNIX(TRAFFIC_RESP_CHECKOUT_64),
    [UNIX_FLOOR_RESP_64] = FLOOR_UNIX(UNIX_RESP_64, TRAFFIC_RESP_CHECKOUT_64),
    [OURS_HALF_LOAD] = {.who = SIDE_OURS,
        .name = "hotshelf, half load",
        .kind = TRAFFIC_CHECKOUT,
        .like = OURS_CHECKOUT,
        .load = 0.5,
        .connections = OPEN_LOOP_CONNECTIONS},
    [FLOOR_HALF_LOAD] = {.who = SIDE_FLOOR,
        .name = "sync of the disk + echo floor, p99",
        .kind = TRAFFIC_CHECKOUT,
        .like = OURS_CHECKOUT,
        .load = 0.5,
        .connections = OPEN_LOOP_CONNECTIONS},
    [OURS_STREAM] = {.who = SIDE_STREAM, .name = "hotshelf streams"},
    [COPY_OF_STREAM] = {.who = SIDE_COPY,
        .name = "postgres binary COPY, same rows and batches",
        .like = OURS_STREAM},
};

#define AVAILABILITY "availability, HTTP"
#define CART "cart change, HTTP"
#define CART_HOLD "cart change that holds, HTTP"
#define CHECKOUT "durable checkout, HTTP"
#define CHECKOUT_16 "durable checkout, HTTP, 16 clients"
#define RESP_AVAILABILITY "availability, RESP"
#define RESP_1 "durable checkout, RESP 1 deep"
#define RESP_16 "durable checkout, RESP 16 deep"
#define RESP_64 "durable checkout, RESP 64 deep"
#define CPU_MOST(target) MEASURE_CPU, AIM_AT_MOST, (target)
#define CPU_LEAST(target) MEASURE_CPU, AIM_AT_LEAST, (target)
#define RATE_LEAST(target) MEASURE_RATE, AIM_AT_LEAST, (target)
#define IN_SHORT true

const struct row compare_rows[] = {
    {AVAILABILITY, OURS_AVAILABILITY, FLOOR_AVAILABILITY, CPU_MOST(1.10), IN_SHORT},
    {AVAILABILITY, OURS_AVAILABILITY, NGINX_FIXED, CPU_MOST(0), false},
    {CART, OURS_CART, FLOOR_CART, CPU_MOST(1.30), IN_SHORT},
    {CART_HOLD, OURS_CART_HOLD, FLOOR_CART_HOLD, CPU_MOST(1.30), false},
    {CHECKOUT, OURS_CHECKOUT, FLOOR_CHECKOUT, CPU_MOST(1.30), IN_SHORT},
    {CHECKOUT, OURS_CHECKOUT, REDIS_FULL_NONE_1, CPU_LEAST(0), false},
    {CHECKOUT, OURS_CHECKOUT, REDIS_FULL_EVERYSEC_1, CPU_LEAST(0), false},
    {CHECKOUT, OURS_CHECKOUT, REDIS_FULL_ALWAYS_1, CPU_LEAST(4), IN_SHORT},
    {CHECKOUT, OURS_CHECKOUT, REDIS_LEAN_NONE_1, CPU_LEAST(0), false},
    {CHECKOUT, OURS_CHECKOUT, REDIS_LEAN_EVERYSEC_1, CPU_LEAST(0), false},
    {CHECKOUT, OURS_CHECKOUT, REDIS_LEAN_ALWAYS_1, CPU_LEAST(2.5), false},
    {CART_HOLD, OURS_CART_HOLD, REDIS_FULL_ALWAYS_1, CPU_LEAST(4), false},
    {CART_HOLD, OURS_CART_HOLD, REDIS_LEAN_ALWAYS_1, CPU_LEAST(2.5), false},
    {CHECKOUT_16, OURS_CHECKOUT_16_CLIENTS, POSTGRES_HOT_16, CPU_LEAST(60), false},
    {CHECKOUT_16, OURS_CHECKOUT_16_CLIENTS, POSTGRES_HOT_16, RATE_LEAST(50), false},
    {CHECKOUT, OURS_CHECKOUT, POSTGRES_HOT_64, CPU_LEAST(60), false},
    {CHECKOUT, OURS_CHECKOUT, POSTGRES_HOT_64, RATE_LEAST(50), false},
    {CHECKOUT_16, OURS_CHECKOUT_16_CLIENTS, POSTGRES_ONE_16, CPU_LEAST(0), false},
    {CHECKOUT, OURS_CHECKOUT, POSTGRES_ONE_64, CPU_LEAST(0), false},
    {CHECKOUT_16, OURS_CHECKOUT_16_CLIENTS, POSTGRES_SPREAD_16, CPU_LEAST(0), false},
    {CHECKOUT, OURS_CHECKOUT, POSTGRES_SPREAD_64, CPU_LEAST(0), false},
    {RESP_AVAILABILITY, OURS_RESP_AVAILABILITY, FLOOR_RESP_AVAILABILITY, CPU_MOST(0), false},
    {RESP_AVAILABILITY, OURS_RESP_AVAILABILITY, REDIS_GET_1, CPU_LEAST(0), false},
    {RESP_1, OURS_RESP_1, FLOOR_RESP_1, CPU_MOST(0), false},
    {RESP_1, OURS_RESP_1, REDIS_FULL_ALWAYS_1, CPU_LEAST(0), false},
    {RESP_1, OURS_RESP_1, REDIS_LEAN_ALWAYS_1, CPU_LEAST(0), false},
    {RESP_16, OURS_RESP_16, NO_SIDE, CPU_MOST(1.3), false},
    {RESP_16, OURS_RESP_16, FLOOR_RESP_16, CPU_MOST(0), IN_SHORT},
    {RESP_16, OURS_RESP_16, REDIS_FULL_NONE_16, CPU_LEAST(0), false},
    {RESP_16, OURS_RESP_16, REDIS_FULL_EVERYSEC_16, CPU_LEAST(0), false},
    {RESP_16, OURS_RESP_16, REDIS_FULL_ALWAYS_16, CPU_LEAST(13), IN_SHORT},
    {RESP_16, OURS_RESP_16, REDIS_LEAN_NONE_16, CPU_LEAST(0), false},
    {RESP_16, OURS_RESP_16, REDIS_LEAN_EVERYSEC_16, CPU_LEAST(0), false},
    {RESP_16, OURS_RESP_16, REDIS_LEAN_ALWAYS_16, CPU_LEAST(7), false},
    {RESP_64, OURS_RESP_64, FLOOR_RESP_64, CPU_MOST(0), false},
    {AVAILABILITY ", Unix socket", UNIX_AVAILABILITY, UNIX_FLOOR_AVAILABILITY, CPU_MOST(1.5),
        false},
    {CART ", Unix socket", UNIX_CART, UNIX_FLOOR_CART, CPU_MOST(1.5), false},
    {CHECKOUT ", Unix socket", UNIX_CHECKOUT, UNIX_FLOOR_CHECKOUT, CPU_MOST(1.5), false},
    {RESP_1 ", Unix socket", UNIX_RESP_1, UNIX_FLOOR_RESP_1, CPU_MOST(1.5), false},
    {RESP_16 ", Unix socket", UNIX_RESP_16, UNIX_FLOOR_RESP_16, CPU_MOST(1.5), false},
    {RESP_64 ", Unix socket", UNIX_RESP_64, UNIX_FLOOR_RESP_64, CPU_MOST(0), false},
    {CHECKOUT ", p99 at half load", OURS_HALF_LOAD, FLOOR_HALF_LOAD, MEASURE_P99, AIM_AT_MOST, 3,
        false},
    {"stream of orders into PostgreSQL", OURS_STREAM, COPY_OF_STREAM, RATE_LEAST(0.8), false},
};

const uint32_t compare_rows_count = sizeof compare_rows / sizeof compare_rows[0];
_Static_assert(
    sizeof compare_rows / sizeof compare_rows[0] <= COMPARE_ROWS_MAX, "all have a place");

const char *compare_who_name(enum side_who who)
{
    static const char *const name[SIDE_WHOS] = {[SIDE_OURS] = "ours",
        [SIDE_FLOOR] = "floor",
        [SIDE_REDIS] = "redis",
        [SIDE_NGINX] = "nginx",
        [SIDE_POSTGRES] = "postgres",
        [SIDE_STREAM] = "stream",
        [SIDE_COPY] = "copy"};
    return name[who];
}
