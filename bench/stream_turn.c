/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sell while the positions are locked, so that the stream waits with its first batch; when the last
 * order is answered let it go, and look how far it is, and when it is at its end.
 */
#include "bench/stream_turn.h"

#include "bench/traffic.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define LOOK_NS 20000000
#define LOOKS_MAX 6000 /* two minutes */
#define STILL_LOOKS 20 /* in a row, before the orders are counted: that costs more than a look */
#define LEFT_SHARE_MIN 0.2
#define SELL_SECONDS_MAX 60

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Up to so many orders; `sold` is how many it were. */
static bool sell(const struct sandbox *sandbox, uint32_t orders, uint32_t *sold, struct turn *turn)
{
    struct traffic traffic = {.kind = TRAFFIC_RESP_CHECKOUT_16};
    const struct generator_plan plan = {
        .port = sandbox->resp_port,
        .connections = 64,
        .deep = traffic_deep(traffic.kind),
        .protocol = GENERATOR_RESP,
        .seconds = SELL_SECONDS_MAX,
        .requests_max = orders,
        .fill = traffic_fill,
        .context = &traffic,
        .server = &sandbox->server,
    };
    bool good = turn_play(turn, &plan);
    *sold = traffic.requests_made;
    return good;
}

static int64_t count_orders(PGconn *connection)
{
    return postgres_number(connection, "SELECT count(*) FROM hotshelf.orders");
}

static struct cpu_time cpu_of_both(const struct postgres *postgres, const struct sandbox *sandbox)
{
    struct cpu_time one = process_cpu(&postgres->peer.process);
    struct cpu_time other = process_cpu(&sandbox->server);
    one.stat_ns += other.stat_ns;
    one.sched_ns += other.sched_ns;
    return one;
}

/* The position moves with each transaction, and is cheap to look at. */
static int64_t position(PGconn *connection)
{
    return postgres_number(connection, "SELECT sum(seq) FROM hotshelf.stream_position");
}

static bool measure(const struct postgres *postgres, const struct sandbox *sandbox,
    PGconn *connection, uint32_t orders, struct turn *turn)
{
    const struct timespec pause = {.tv_nsec = LOOK_NS};
    double start = now_seconds(), end = start;
    int64_t first = count_orders(connection), last = first, seen = -1;
    struct cpu_time before = cpu_of_both(postgres, sandbox), after = before;
    uint32_t still = 0;
    for (uint32_t look = 0; last < orders && look < LOOKS_MAX; look++) {
        nanosleep(&pause, NULL);
        int64_t at = position(connection);
        if (at != seen) {
            still = 0;
            end = now_seconds();
            after = cpu_of_both(postgres, sandbox);
        } else if (++still % STILL_LOOKS == 0) {
            last = count_orders(connection);
        }
        seen = at;
    }
    if (last < orders)
        return turn_fail(turn, "the stream stands still at %ld of %u orders", (long)last, orders);
    if ((double)(last - first) < (double)orders * LEFT_SHARE_MIN)
        return turn_fail(turn, "the stream was as fast as the sale");
    turn_note(turn, (uint64_t)(last - first), end - start, process_cpu_between(before, after));
    return true;
}

/* Whatever else runs on the machine, the whole sale is then left to stream. */
static bool sell_all(const struct sandbox *sandbox, PGconn *connection, uint32_t orders,
    uint32_t *sold, struct turn *turn)
{
    return postgres_run(
               connection, "BEGIN; LOCK TABLE hotshelf.stream_position IN SHARE MODE", turn) &&
           sell(sandbox, orders, sold, turn) && postgres_run(connection, "COMMIT", turn);
}

bool stream_turn_play(
    struct turn *turn, const struct postgres *postgres, const struct stream_plan *plan)
{
    *turn = (struct turn){0};
    char more[PEER_FILE_PATH_SIZE + 160];
    struct sandbox sandbox;
    snprintf(more, sizeof more, "[postgres]\ndsn = %s\n", postgres->dsn);
    const struct sandbox_plan server = {
        .server_path = plan->server_path,
        .parent = plan->parent,
        .orders = plan->orders,
        .more = more,
        .core = plan->core,
    };
    PGconn *connection = postgres_connect(postgres, turn);
    bool good = connection != NULL &&
                postgres_run(connection, "DROP SCHEMA IF EXISTS hotshelf CASCADE", turn);
    if (good && sandbox_open(&sandbox, &server)) {
        uint32_t sold = 0;
        good = sell_all(&sandbox, connection, plan->orders, &sold, turn) &&
               measure(postgres, &sandbox, connection, sold, turn);
        if (!good)
            sandbox_tell_log(&sandbox);
        sandbox_close(&sandbox);
    } else if (good) {
        good = turn_fail(turn, "our server does not start");
    }
    PQfinish(connection);
    return good;
}
