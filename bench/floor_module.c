/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hotshelf-bench floor: how far the server is from the cost of moving its bytes.
 *
 * For each kind of request, of HTTP and of the Redis protocol, the real server and hotshelf-floor,
 * both on core 0, are driven in turns by the same generator on core 1; the floor moves requests and
 * replies of the same size, as measured in the server's first turn. What counts is CPU time per
 * request, server / floor: the ratio of two turns that follow each other, and of those the median
 * over the rounds, because the same binary varies from minute to minute.
 *
 * What can go wrong: a reply with another status (told with its body), a server that ends (told
 * with its log). Both end the bench with exit 1. Everything that was started is stopped by its pid.
 */
#include "bench/floor_turn.h"
#include "bench/guard.h"
#include "bench/module.h"
#include "bench/options.h"
#include "bench/sandbox.h"
#include "bench/traffic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CORE_GENERATOR 1

/* Checkouts and cart changes of one turn: enough to measure, and the tables hold all rounds. */
#define KEPT_REQUESTS_MAX 60000
#define KINDS_SELLING 4

struct floor_options {
    char server_beside[SANDBOX_PATH_SIZE];
    const char *server_path;
    char floor_path[SANDBOX_PATH_SIZE];
    const char *parent;
    const char *json_path;
    const char *io;
    double seconds;
    uint32_t connections;
    uint32_t rounds;
};

struct floor_bench {
    struct guard guard;
    struct floor_options options;
    struct sandbox sandbox;
    struct process floor[TRAFFIC_KINDS];
    uint16_t floor_port[TRAFFIC_KINDS];
    struct traffic traffic[TRAFFIC_KINDS];
    struct floor_turn turn[TRAFFIC_KINDS][2][FLOOR_ROUNDS_MAX]; /* [server, floor] */
};

static void print_usage(FILE *out)
{
    fputs("usage: hotshelf-bench floor [options]\n\n"
          "  --server PATH    the hotshelf to measure (the one of this build)\n"
          "  --seconds S      of one turn (2)\n"
          "  --connections N  each with one request in flight, or with sixteen (64)\n"
          "  --rounds R       turns of server and floor for each kind of request (5)\n"
          "  --io NAME        how the server reaches the kernel: io_uring or epoll (auto)\n"
          "  --dir PATH       where the data directory is made, on a real disk (/var/tmp)\n"
          "  --json FILE      write the numbers to this file\n",
        out);
}

static bool parse_options(struct floor_options *options, int argc, char **argv)
{
    *options = (struct floor_options){.server_path = options->server_beside,
        .parent = "/var/tmp",
        .seconds = 2,
        .connections = 64,
        .rounds = 5};
    const struct option all[] = {
        {"--server", OPTION_TEXT, &options->server_path, 0, 0},
        {"--dir", OPTION_TEXT, &options->parent, 0, 0},
        {"--json", OPTION_OUTPUT, &options->json_path, 0, 0},
        {"--io", OPTION_TEXT, &options->io, 0, 0},
        {"--seconds", OPTION_NUMBER, &options->seconds, 0, 600},
        {"--connections", OPTION_COUNT, &options->connections, 1, GENERATOR_CONNECTIONS_MAX},
        {"--rounds", OPTION_COUNT, &options->rounds, 1, FLOOR_ROUNDS_MAX},
    };
    options_find_program("../net/hotshelf", options->server_beside, SANDBOX_PATH_SIZE);
    options_find_program("hotshelf-floor", options->floor_path, SANDBOX_PATH_SIZE);
    return options_parse("floor", all, sizeof all / sizeof all[0], argc, argv);
}

static bool start_floor(struct floor_bench *bench, enum traffic_kind kind)
{
    char log[SANDBOX_PATH_SIZE + 16];
    char path[SANDBOX_PATH_SIZE];
    char request_size[16];
    char reply_size[16];
    char line[64];
    const struct generator_result *first = &bench->turn[kind][0][0].result;
    snprintf(log, sizeof log, "%s/floor.log", bench->sandbox.directory);
    snprintf(path, sizeof path, "%s", bench->options.floor_path);
    snprintf(request_size, sizeof request_size, "%.0f", first->request_size);
    snprintf(reply_size, sizeof reply_size, "%.0f", first->reply_size);
    char *protocol = traffic_is_resp(kind) ? (char[]){"resp"} : NULL;
    char *argv[] = {path, (char[]){"0"}, request_size, reply_size, protocol, NULL};
    struct process *floor = &bench->floor[kind];
    unsigned port = 0;
    if (process_start(floor, argv, FLOOR_CORE_SERVER, log, true) < 0 ||
        process_read_line(floor, line, sizeof line, 5000) < 0 ||
        sscanf(line, "listening %u", &port) != 1) {
        fprintf(stderr, "hotshelf-bench: %s does not listen\n", path);
        return false;
    }
    bench->floor_port[kind] = (uint16_t)port;
    return true;
}

/* One turn of the server and one of the floor, with the same requests. */
static bool play_round(struct floor_bench *bench, enum traffic_kind kind, uint32_t round)
{
    struct generator_plan plan = {
        .port = traffic_is_resp(kind) ? bench->sandbox.resp_port : bench->sandbox.port,
        .connections = bench->options.connections,
        .deep = traffic_deep(kind),
        .protocol = traffic_is_resp(kind) ? GENERATOR_RESP : GENERATOR_HTTP,
        .expected_status = traffic_status(kind),
        .warm_seconds = bench->options.seconds / 10,
        .seconds = bench->options.seconds,
        .requests_max = traffic_is_kept(kind) ? KEPT_REQUESTS_MAX : 0,
        .fill = traffic_fill,
        .context = &bench->traffic[kind],
        .server = &bench->sandbox.server,
    };
    if (!floor_turn_play(&bench->turn[kind][0][round], &plan, traffic_name(kind), "server"))
        return false;
    if (round == 0 && !start_floor(bench, kind))
        return false;
    struct traffic copy = bench->traffic[kind];
    plan.port = bench->floor_port[kind];
    plan.expected_status = 200;
    plan.requests_max = 0;
    plan.context = &copy;
    plan.server = &bench->floor[kind];
    return floor_turn_play(&bench->turn[kind][1][round], &plan, traffic_name(kind), "floor");
}

static bool play(struct floor_bench *bench)
{
    struct sandbox_plan plan = {
        .server_path = bench->options.server_path,
        .parent = bench->options.parent,
        .io = bench->options.io,
        .orders = bench->options.rounds * KEPT_REQUESTS_MAX * KINDS_SELLING,
        .core = FLOOR_CORE_SERVER,
    };
    if (!sandbox_open(&bench->sandbox, &plan))
        return false;
    for (uint32_t round = 0; round < bench->options.rounds; round++) {
        for (int kind = 0; kind < TRAFFIC_KINDS; kind++) {
            if (!play_round(bench, (enum traffic_kind)kind, round)) {
                sandbox_tell_log(&bench->sandbox);
                return false;
            }
        }
    }
    return true;
}

static bool report(struct floor_bench *bench)
{
    struct floor_summary summary[TRAFFIC_KINDS];
    for (int kind = 0; kind < TRAFFIC_KINDS; kind++)
        summary[kind] = floor_summary_make(traffic_name((enum traffic_kind)kind),
            bench->turn[kind][0], bench->turn[kind][1], bench->options.rounds);
    floor_summary_print(summary, TRAFFIC_KINDS);
    return bench->options.json_path == NULL ||
           floor_summary_json(summary, TRAFFIC_KINDS, bench->options.json_path);
}

static enum module_status run(int argc, char **argv)
{
    struct floor_bench *bench = calloc(1, sizeof *bench);
    if (bench == NULL || !parse_options(&bench->options, argc, argv)) {
        print_usage(stderr);
        free(bench);
        return MODULE_USAGE;
    }
    for (int kind = 0; kind < TRAFFIC_KINDS; kind++) {
        bench->traffic[kind].kind = (enum traffic_kind)kind;
        bench->floor[kind] = (struct process){.pidfd = -1, .output = -1};
    }
    enum module_status status = MODULE_FAILED;
    if (process_pin(CORE_GENERATOR) < 0)
        fputs("hotshelf-bench: two cores are needed, 0 for the server and 1 for us\n", stderr);
    else if (guard_begin(&bench->guard, &bench->options.parent) && play(bench) && report(bench))
        status = MODULE_MEASURED;
    for (int kind = 0; kind < TRAFFIC_KINDS; kind++)
        process_stop(&bench->floor[kind], 1000);
    sandbox_close(&bench->sandbox);
    free(bench);
    return status;
}

const struct module floor_module = {
    .name = "floor",
    .summary = "server CPU time per request against an echo server with the same bytes",
    .usage = print_usage,
    .run = run,
};
