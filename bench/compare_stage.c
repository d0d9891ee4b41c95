/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/compare_stage.h"

#include "bench/ask.h"
#include "bench/disk_sync.h"
#include "bench/peers/copy.h"
#include "bench/peers/nginx.h"
#include "bench/peers/peer.h"
#include "bench/socket.h"
#include "bench/stream_turn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Orders of one turn, for each second of it: the tables of a server hold those of a round. */
#define ORDERS_PER_SECOND 120000
#define ORDERS_PER_SECOND_DEEP 400000
#define STREAMED_PER_SECOND 100000   /* orders to stream, for each second of a turn */
#define JOURNAL_BYTES_PER_ORDER 2048 /* of which 430 are an order's, the rest padding */
#define JOURNAL_BYTES_MIN (UINT64_C(256) << 20)

static uint64_t orders_max(const struct side *side, double seconds)
{
    double rate = traffic_deep(side->kind) > 1 ? ORDERS_PER_SECOND_DEEP : ORDERS_PER_SECOND;
    return (uint64_t)(rate * seconds) + 2000;
}

static void open_sandbox(struct compare_stage *stage, const struct side *sides, const bool *needed,
    uint32_t count, bool over_unix)
{
    uint64_t orders = 0;
    bool is_needed = false;
    for (uint32_t at = 0; at < count; at++) {
        const struct side *side = &sides[at];
        if ((needed != NULL && !needed[at]) || side->who != SIDE_OURS ||
            side->over_unix != over_unix)
            continue;
        is_needed = true;
        if (traffic_sells(side->kind))
            orders += orders_max(side, stage->plan->seconds);
    }
    if (!is_needed)
        return;
    uint64_t bytes = orders * JOURNAL_BYTES_PER_ORDER;
    const struct sandbox_plan plan = {
        .server_path = stage->plan->server_path,
        .parent = stage->plan->parent,
        .io = stage->plan->io,
        .orders = (uint32_t)orders,
        .journal_bytes = bytes > JOURNAL_BYTES_MIN ? bytes : JOURNAL_BYTES_MIN,
        .over_unix = over_unix,
        .core = COMPARE_CORE_SERVER,
    };
    stage->is_open[over_unix] = sandbox_open(&stage->sandbox[over_unix], &plan);
}

void compare_stage_open(struct compare_stage *stage, const struct compare_plan *plan,
    const struct side *sides, const bool *needed, uint32_t count)
{
    *stage = (struct compare_stage){.plan = plan};
    for (int over_unix = 0; over_unix < 2; over_unix++) {
        stage->sandbox[over_unix].server = (struct process){.pidfd = -1, .output = -1};
        for (int kind = 0; kind < TRAFFIC_KINDS; kind++)
            stage->traffic[over_unix][kind].kind = (enum traffic_kind)kind;
        open_sandbox(stage, sides, needed, count, over_unix != 0);
    }
}

void compare_stage_close(struct compare_stage *stage)
{
    for (int over_unix = 0; over_unix < 2; over_unix++)
        sandbox_close(&stage->sandbox[over_unix]);
    if (stage->has_postgres)
        postgres_close(&stage->postgres);
}

static struct generator_plan generator_for(const struct compare_stage *stage,
    const struct side *side, const struct turn *ours, struct traffic *traffic)
{
    return (struct generator_plan){
        .connections = side->connections > 0 ? side->connections : stage->plan->connections,
        .deep = traffic_deep(side->kind),
        .protocol = traffic_is_resp(side->kind) ? GENERATOR_RESP : GENERATOR_HTTP,
        .expected_status = traffic_status(side->kind),
        .warm_seconds = stage->plan->seconds / 10,
        .seconds = stage->plan->seconds,
        .per_second = ours == NULL ? 0 : ours->per_second * side->load,
        .fill = traffic_fill,
        .context = traffic,
    };
}

/* All that was answered was sold, in this round, and nothing else. */
static bool count_sold(struct compare_stage *stage, const struct side *side, struct turn *turn)
{
    static const char question[] = "*2\r\n$8\r\nHS.STOCK\r\n$14\r\n" SANDBOX_SKU "\r\n";
    const struct sandbox *sandbox = &stage->sandbox[side->over_unix];
    char reply[ASK_REPLY_SIZE];
    uint32_t made = 0;
    for (int kind = 0; kind < TRAFFIC_KINDS; kind++) {
        if (traffic_sells((enum traffic_kind)kind))
            made += stage->traffic[side->over_unix][kind].requests_made;
    }
    int fd = socket_connect(sandbox->resp_port, side->over_unix ? sandbox->resp_path : NULL);
    bool told = fd >= 0 && ask(fd, question, reply);
    const char *word = told ? strstr(reply, "\nsold\r\n:") : NULL;
    long sold = word == NULL ? -1 : strtol(word + sizeof "\nsold\r\n:" - 1, NULL, 10);
    if (fd >= 0)
        close(fd);
    return sold == (long)made || turn_fail(turn, "hotshelf sold %ld, %u were answered", sold, made);
}

static bool play_ours(struct compare_stage *stage, const struct side *side, const struct turn *ours,
    struct turn *turn)
{
    struct sandbox *sandbox = &stage->sandbox[side->over_unix];
    bool is_resp = traffic_is_resp(side->kind);
    struct generator_plan plan =
        generator_for(stage, side, ours, &stage->traffic[side->over_unix][side->kind]);
    if (!stage->is_open[side->over_unix])
        return turn_fail(turn, "our server does not start");
    if (side->load > 0 && !ours->is_measured)
        return turn_fail(turn, "the limit was not measured: %.200s", ours->reason);
    plan.port = is_resp ? sandbox->resp_port : sandbox->port;
    if (side->over_unix)
        plan.path = is_resp ? sandbox->resp_path : sandbox->path;
    if (traffic_sells(side->kind))
        plan.requests_max = orders_max(side, stage->plan->seconds);
    plan.server = &sandbox->server;
    if (turn_play(turn, &plan) && (!traffic_sells(side->kind) || count_sold(stage, side, turn)))
        return true;
    sandbox_tell_log(sandbox);
    return false;
}

static bool start_floor(
    struct peer *peer, const struct side *side, const struct turn *ours, struct turn *turn)
{
    char place[PEER_FILE_PATH_SIZE + 8], request_size[16], reply_size[16];
    peer->port = socket_free_port();
    snprintf(place, sizeof place, "%u", peer->port);
    if (side->over_unix) {
        peer_file(peer, "socket", peer->path);
        snprintf(place, sizeof place, "unix:%s", peer->path);
    }
    snprintf(request_size, sizeof request_size, "%.0f", ours->request_size);
    snprintf(reply_size, sizeof reply_size, "%.0f", ours->reply_size);
    char *protocol = traffic_is_resp(side->kind) ? (char[]){"resp"} : NULL;
    char *argv[] = {peer->program, place, request_size, reply_size, protocol, NULL};
    return peer_start(peer, argv, COMPARE_CORE_SERVER, turn) && peer_wait(peer, turn);
}

static bool sync_disk(const struct compare_stage *stage, struct turn *turn)
{
    struct disk_sync sync;
    int result = disk_sync_measure(&sync, stage->plan->parent);
    turn->sync_p99_us = sync.p99_us;
    return result == 0 || turn_fail(turn, "the disk cannot be measured: %s", strerror(-result));
}

static bool play_floor(struct compare_stage *stage, const struct side *side,
    const struct turn *ours, struct turn *turn)
{
    const char *const places[] = {stage->plan->floor_path, NULL};
    const struct peer_program program = {"hotshelf-floor", "no package: build it", places};
    struct traffic traffic = {.kind = side->kind};
    struct generator_plan plan = generator_for(stage, side, ours, &traffic);
    struct peer peer;
    if (!ours->is_measured)
        return turn_fail(turn, "ours was not measured: %.200s", ours->reason);
    bool done = peer_open(&peer, &program, stage->plan->parent, turn) &&
                start_floor(&peer, side, ours, turn);
    if (done) {
        plan.port = peer.port;
        plan.path = side->over_unix ? peer.path : NULL;
        plan.expected_status = 200;
        plan.server = &peer.process;
        done = turn_play(turn, &plan) && (side->load <= 0 || sync_disk(stage, turn));
    }
    peer_close(&peer);
    return done;
}

static bool play_redis(struct compare_stage *stage, const struct side *side, struct turn *turn)
{
    const struct redis_plan plan = {
        .script = side->script,
        .durability = side->durability,
        .deep = side->deep,
        .connections = stage->plan->connections,
        .seconds = stage->plan->seconds,
        .core = COMPARE_CORE_SERVER,
        .parent = stage->plan->parent,
    };
    return redis_play(turn, &plan);
}

static bool play_nginx(struct compare_stage *stage, const struct side *side,
    const struct turn *ours, struct turn *turn)
{
    struct traffic traffic = {.kind = side->kind};
    struct generator_plan plan = generator_for(stage, side, ours, &traffic);
    if (!ours->is_measured)
        return turn_fail(turn, "ours was not measured: %.200s", ours->reason);
    return nginx_play(turn, &plan, ours->reply_size, stage->plan->parent, COMPARE_CORE_SERVER);
}

/* PostgreSQL runs while its side plays, and no longer. */
static bool start_postgres(struct compare_stage *stage, struct turn *turn)
{
    if (!stage->has_postgres)
        stage->has_postgres =
            postgres_open(&stage->postgres, stage->plan->parent, COMPARE_CORE_SERVER, turn);
    if (stage->has_postgres)
        return postgres_start(&stage->postgres, COMPARE_CORE_SERVER, turn);
    postgres_close(&stage->postgres);
    return false;
}

static bool play_postgres(struct compare_stage *stage, const struct side *side, struct turn *turn)
{
    const struct locks_plan plan = {
        .form = side->form,
        .clients = side->connections,
        .skus = side->skus,
        .seconds = stage->plan->seconds,
    };
    bool done = start_postgres(stage, turn) && locks_play(turn, &stage->postgres, &plan);
    postgres_stop(&stage->postgres);
    return done;
}

/* Each on a core of its own: the stream, and the client of COPY, beside PostgreSQL. */
static bool play_stream(struct compare_stage *stage, struct turn *turn)
{
    const struct stream_plan plan = {
        .server_path = stage->plan->server_path,
        .parent = stage->plan->parent,
        .orders = (uint32_t)(STREAMED_PER_SECOND * stage->plan->seconds),
        .core = COMPARE_CORE_GENERATOR,
    };
    bool done = start_postgres(stage, turn) && stream_turn_play(turn, &stage->postgres, &plan);
    postgres_stop(&stage->postgres);
    return done;
}

static bool play_copy(struct compare_stage *stage, const struct turn *ours, struct turn *turn)
{
    if (!ours->is_measured)
        return turn_fail(turn, "the stream was not measured: %.200s", ours->reason);
    bool done = start_postgres(stage, turn) && copy_play(turn, &stage->postgres);
    postgres_stop(&stage->postgres);
    return done;
}

bool compare_stage_play(struct compare_stage *stage, const struct side *side,
    const struct turn *ours, struct turn *turn)
{
    *turn = (struct turn){0};
    switch (side->who) {
    case SIDE_OURS:
        return play_ours(stage, side, ours, turn);
    case SIDE_FLOOR:
        return play_floor(stage, side, ours, turn);
    case SIDE_REDIS:
        return play_redis(stage, side, turn);
    case SIDE_NGINX:
        return play_nginx(stage, side, ours, turn);
    case SIDE_POSTGRES:
        return play_postgres(stage, side, turn);
    case SIDE_STREAM:
        return play_stream(stage, turn);
    case SIDE_COPY:
        return play_copy(stage, ours, turn);
    case SIDE_WHOS:
        break;
    }
    return turn_fail(turn, "nobody plays this side");
}
