/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hotshelf-bench journal: what the journal costs, and what a restating walk does to replies.
 *
 * Two servers on core 0 are filled with the same orders, each by a customer of its own. One has a
 * journal so large that nothing in it is ever restated; the other's laps, and is restating most of
 * the time. Bytes and writes per order are those of the filling. The first is then killed and
 * started again, and says how long its recovery took. At last both answer the same cart changes in
 * turns, since the same binary varies from minute to minute: what counts is the ratio of two turns
 * that follow each other.
 *
 * What can go wrong: a reply with another status, a server that ends; told with its log, exit 1.
 */
#include "bench/floor_turn.h"
#include "bench/guard.h"
#include "bench/median.h"
#include "bench/module.h"
#include "bench/options.h"
#include "bench/sandbox.h"
#include "bench/traffic.h"

#include <stdio.h>
#include <stdlib.h>

enum { CORE_GENERATOR = 1, ENTITIES_PER_ORDER = 4 }; /* customer, order, line, key */

/* Two walks over so many orders fit, and some segments; 64 of them at once fill a batch. */
#define LAPPING_BYTES_PER_ORDER 2600
#define LAPPING_BYTES_MIN (UINT64_C(16) << 20)
#define LARGE_BYTES_PER_ORDER 8192
#define LARGE_BYTES_MIN (UINT64_C(1) << 30)

enum side { SIDE_STILL, SIDE_RESTATING, SIDES };

struct journal_options {
    char server_beside[SANDBOX_PATH_SIZE];
    const char *server_path;
    const char *parent;
    const char *json_path;
    double seconds;
    uint32_t connections;
    uint32_t rounds;
    uint32_t orders;
};

struct journal_bench {
    struct guard guard;
    struct journal_options options;
    struct sandbox sandbox[SIDES];
    struct sandbox_plan plan[SIDES];
    struct traffic carts[SIDES];
    struct floor_turn turn[SIDES][FLOOR_ROUNDS_MAX];
    double bytes_per_order, writes_per_order;
    double recovery_seconds, recovered_records, recovered_mib;
    double walks;
};

static const char *const side_name[SIDES] = {"still", "walking"};

static void print_usage(FILE *out)
{
    fputs("usage: hotshelf-bench journal [options]\n\n"
          "  --server PATH    the hotshelf to measure (the one of this build)\n"
          "  --orders N       live orders of each server (250000: a million entities)\n"
          "  --seconds S      of one turn (8)\n"
          "  --connections N  each with one request in flight (64)\n"
          "  --rounds R       turns of each server (5)\n"
          "  --dir PATH       where the data directories are made, on a real disk (/var/tmp)\n"
          "  --json FILE      write the numbers to this file\n",
        out);
}

static bool parse_options(struct journal_options *options, int argc, char **argv)
{
    *options = (struct journal_options){.server_path = options->server_beside,
        .parent = "/var/tmp",
        .seconds = 8,
        .connections = 64,
        .rounds = 5,
        .orders = 250000};
    const struct option all[] = {
        {"--server", OPTION_TEXT, &options->server_path, 0, 0},
        {"--dir", OPTION_TEXT, &options->parent, 0, 0},
        {"--json", OPTION_OUTPUT, &options->json_path, 0, 0},
        {"--orders", OPTION_COUNT, &options->orders, 1000, 4000000},
        {"--seconds", OPTION_NUMBER, &options->seconds, 0, 600},
        {"--connections", OPTION_COUNT, &options->connections, 1, GENERATOR_CONNECTIONS_MAX},
        {"--rounds", OPTION_COUNT, &options->rounds, 1, FLOOR_ROUNDS_MAX},
    };
    options_find_program("../net/hotshelf", options->server_beside, SANDBOX_PATH_SIZE);
    return options_parse("journal", all, sizeof all / sizeof all[0], argc, argv);
}

static uint64_t at_least(uint64_t bytes, uint64_t least)
{
    return bytes > least ? bytes : least;
}

static bool open_side(struct journal_bench *bench, enum side side)
{
    const struct journal_options *options = &bench->options;
    uint64_t orders = options->orders;
    bench->plan[side] = (struct sandbox_plan){
        .server_path = options->server_path,
        .parent = options->parent,
        .orders = options->orders,
        .journal_bytes = side == SIDE_STILL
                             ? at_least(orders * LARGE_BYTES_PER_ORDER, LARGE_BYTES_MIN)
                             : at_least(orders * LAPPING_BYTES_PER_ORDER, LAPPING_BYTES_MIN),
        .core = FLOOR_CORE_SERVER,
    };
    bench->carts[side].kind = TRAFFIC_CART_HOLD;
    return sandbox_open(&bench->sandbox[side], &bench->plan[side]);
}

static bool play(struct journal_bench *bench, enum side side, struct traffic *traffic,
    uint64_t requests_max, struct floor_turn *turn)
{
    bool fills = requests_max > 0;
    const struct generator_plan plan = {
        .port = bench->sandbox[side].port,
        .connections = bench->options.connections,
        .expected_status = traffic_status(traffic->kind),
        .warm_seconds = fills ? 0 : bench->options.seconds / 10,
        .seconds = fills ? 600 : bench->options.seconds,
        .requests_max = requests_max,
        .fill = traffic_fill,
        .context = traffic,
        .server = &bench->sandbox[side].server,
    };
    if (floor_turn_play(turn, &plan, traffic_name(traffic->kind), side_name[side]))
        return true;
    sandbox_tell_log(&bench->sandbox[side]);
    return false;
}

static bool fill(struct journal_bench *bench, enum side side)
{
    struct traffic orders = {.kind = TRAFFIC_CHECKOUT};
    struct floor_turn turn;
    return play(bench, side, &orders, bench->options.orders, &turn);
}

/* Batches and KiB in the rows of `journal verify`, whose columns are shard, segment, first-last
 * batch, records, stream numbers, KiB. */
static bool measure_filling(struct journal_bench *bench)
{
    char command[3 * SANDBOX_PATH_SIZE], line[512];
    snprintf(command, sizeof command, "'%s' journal verify -c '%s/hotshelf.ini'",
        bench->options.server_path, bench->sandbox[SIDE_STILL].directory);
    FILE *output = popen(command, "r");
    unsigned long long first, last, kib, batches = 0, kibs = 0;
    while (output != NULL && fgets(line, sizeof line, output) != NULL)
        if (sscanf(line, " %*u %*u %llu-%llu %*u %*s %llu", &first, &last, &kib) == 3) {
            batches += last - first + 1;
            kibs += kib;
        }
    if (output == NULL || pclose(output) != 0 || batches == 0) {
        fprintf(stderr, "hotshelf-bench: the journal that was filled cannot be verified\n");
        return false;
    }
    bench->bytes_per_order = (double)kibs * 1024 / bench->options.orders;
    bench->writes_per_order = (double)batches / bench->options.orders;
    return true;
}

static bool measure_recovery(struct journal_bench *bench)
{
    struct sandbox *sandbox = &bench->sandbox[SIDE_STILL];
    sandbox_kill(sandbox);
    if (!measure_filling(bench) || !sandbox_start_again(sandbox, &bench->plan[SIDE_STILL]))
        return false;
    bench->recovered_records = sandbox_logged(sandbox, "records in");
    bench->recovered_mib = sandbox_logged(sandbox, "MiB read");
    bench->recovery_seconds = sandbox_logged(sandbox, "seconds,");
    return bench->recovery_seconds >= 0;
}

static bool play_all(struct journal_bench *bench)
{
    for (enum side side = 0; side < SIDES; side++)
        if (!open_side(bench, side) || !fill(bench, side))
            return false;
    if (!measure_recovery(bench))
        return false;
    for (uint32_t round = 0; round < bench->options.rounds; round++)
        for (enum side side = 0; side < SIDES; side++)
            if (!play(bench, side, &bench->carts[side], 0, &bench->turn[side][round]))
                return false;
    struct sandbox *walking = &bench->sandbox[SIDE_RESTATING];
    process_stop(&walking->server, 30000);
    bench->walks = sandbox_logged(walking, "times restated");
    if (bench->walks > 0)
        return true;
    fprintf(stderr, "hotshelf-bench: nothing was restated: raise --seconds or --rounds\n");
    return false;
}

struct compared {
    double longest_us, p99_us, sched_us;
};

static struct compared medians(const struct floor_turn *turn, uint32_t rounds)
{
    double longest[FLOOR_ROUNDS_MAX], p99[FLOOR_ROUNDS_MAX], sched[FLOOR_ROUNDS_MAX];
    for (uint32_t round = 0; round < rounds; round++) {
        longest[round] = turn[round].result.longest_us;
        p99[round] = turn[round].result.p99_us;
        sched[round] = turn[round].sched_us;
    }
    return (struct compared){median(longest, rounds), median(p99, rounds), median(sched, rounds)};
}

static bool report(const struct journal_bench *bench)
{
    const struct journal_options *options = &bench->options;
    struct compared side[SIDES];
    for (int at = 0; at < SIDES; at++)
        side[at] = medians(bench->turn[at], options->rounds);
    printf("\n%u orders: %.0f bytes and %.3f writes each\n", options->orders,
        bench->bytes_per_order, bench->writes_per_order);
    printf("recovery of %u entities: %.0f records, %.0f MiB, %.2f s\n",
        ENTITIES_PER_ORDER * options->orders, bench->recovered_records, bench->recovered_mib,
        bench->recovery_seconds);
    printf("%-8s %16s %16s %16s\n", "", "longest reply us", "99 of 100 us", "CPU us/request");
    for (int at = 0; at < SIDES; at++)
        printf("%-8s %16.0f %16.0f %16.2f\n", side_name[at], side[at].longest_us, side[at].p99_us,
            side[at].sched_us);
    printf("Medians of %u rounds in turns; cart changes; %.0f restating walks.\n", options->rounds,
        bench->walks);
    if (options->json_path == NULL)
        return true;
    FILE *file = fopen(options->json_path, "w");
    if (file == NULL) {
        fprintf(stderr, "hotshelf-bench: %s cannot be written\n", options->json_path);
        return false;
    }
    fprintf(file,
        "{\"module\": \"journal\", \"orders\": %u, \"bytes_per_order\": %.1f, "
        "\"writes_per_order\": %.4f, \"entities\": %u, \"recovery_seconds\": %.3f, "
        "\"walks\": %.0f",
        options->orders, bench->bytes_per_order, bench->writes_per_order,
        ENTITIES_PER_ORDER * options->orders, bench->recovery_seconds, bench->walks);
    for (int at = 0; at < SIDES; at++)
        fprintf(file, ",\n \"%s\": {\"longest_us\": %.1f, \"p99_us\": %.1f, \"cpu_us\": %.3f}",
            side_name[at], side[at].longest_us, side[at].p99_us, side[at].sched_us);
    fputs("}\n", file);
    return options_close_output(file, options->json_path);
}

static enum module_status run(int argc, char **argv)
{
    struct journal_bench *bench = calloc(1, sizeof *bench);
    if (bench == NULL || !parse_options(&bench->options, argc, argv)) {
        print_usage(stderr);
        free(bench);
        return MODULE_USAGE;
    }
    for (int side = 0; side < SIDES; side++)
        bench->sandbox[side] = (struct sandbox){.server = {.pidfd = -1, .output = -1}};
    enum module_status status = MODULE_FAILED;
    if (process_pin(CORE_GENERATOR) < 0)
        fputs("hotshelf-bench: two cores are needed, 0 for the servers and 1 for us\n", stderr);
    else if (guard_begin(&bench->guard, &bench->options.parent) && play_all(bench) && report(bench))
        status = MODULE_MEASURED;
    for (int side = 0; side < SIDES; side++)
        sandbox_close(&bench->sandbox[side]);
    free(bench);
    return status;
}

const struct module journal_module = {
    .name = "journal",
    .summary = "bytes and writes per order, recovery time, replies during a restating walk",
    .usage = print_usage,
    .run = run,
};
