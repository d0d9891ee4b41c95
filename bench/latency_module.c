/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hotshelf-bench latency: how long a durable checkout takes while the server is half busy, or
 * nearly.
 *
 * Each round: what the server can do (every connection busy, always); then an open loop at half of
 * that and at four fifths, for the server and for the floor with the same bytes; and syncs of the
 * disk alone. Times count from the moment a request was due, so a stall is everybody's who came in
 * it.
 *
 * What can go wrong: as in a comparison. "late" tells how long after they were due requests left:
 * when that is not small beside p99, the generator is what was measured.
 */
#include "bench/compare_stage.h"
#include "bench/guard.h"
#include "bench/median.h"
#include "bench/module.h"
#include "bench/options.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS_MAX 32
#define TARGET_AT_HALF 3.0

enum { LIMIT, OURS_HALF, FLOOR_HALF, OURS_MOST, FLOOR_MOST, TURNS };

static const struct side sides[TURNS] = {
    [LIMIT] = {.who = SIDE_OURS, .kind = TRAFFIC_CHECKOUT},
    [OURS_HALF] = {.who = SIDE_OURS,
        .kind = TRAFFIC_CHECKOUT,
        .load = 0.5,
        .connections = OPEN_LOOP_CONNECTIONS},
    [FLOOR_HALF] = {.who = SIDE_FLOOR,
        .kind = TRAFFIC_CHECKOUT,
        .load = 0.5,
        .connections = OPEN_LOOP_CONNECTIONS},
    [OURS_MOST] = {.who = SIDE_OURS,
        .kind = TRAFFIC_CHECKOUT,
        .load = 0.8,
        .connections = OPEN_LOOP_CONNECTIONS},
    [FLOOR_MOST] = {.who = SIDE_FLOOR,
        .kind = TRAFFIC_CHECKOUT,
        .load = 0.8,
        .connections = OPEN_LOOP_CONNECTIONS},
};

struct latency {
    struct guard guard;
    struct compare_plan plan;
    char server_beside[SANDBOX_PATH_SIZE];
    char floor_path[SANDBOX_PATH_SIZE];
    const char *json_path;
    uint32_t rounds, turns_done, turns_disturbed;
    struct compare_stage stage;
    struct turn turns[TURNS][ROUNDS_MAX];
};

/* Medians of the rounds. */
struct load {
    double share, per_second;
    double ours[3], floor[3]; /* p50, p99, p99.9 */
    double sync_p99_us, late_p99_us, ratio;
};

static void print_usage(FILE *out)
{
    fputs("usage: hotshelf-bench latency [options]\n\n"
          "  --rounds R       (5)\n"
          "  --seconds S      of one turn (2)\n"
          "  --connections N  with which the limit is measured (64)\n"
          "  --server PATH    the hotshelf to measure (the one of this build)\n"
          "  --io NAME        how it reaches the kernel: io_uring or epoll (auto)\n"
          "  --dir PATH       where directories are made, on a real disk (/var/tmp)\n"
          "  --json FILE      write the numbers to this file\n",
        out);
}

static bool parse_options(struct latency *latency, int argc, char **argv)
{
    latency->plan = (struct compare_plan){.server_path = latency->server_beside,
        .floor_path = latency->floor_path,
        .parent = "/var/tmp",
        .seconds = 2,
        .connections = 64};
    latency->rounds = 5;
    const struct option all[] = {
        {"--server", OPTION_TEXT, &latency->plan.server_path, 0, 0},
        {"--dir", OPTION_TEXT, &latency->plan.parent, 0, 0},
        {"--io", OPTION_TEXT, &latency->plan.io, 0, 0},
        {"--json", OPTION_OUTPUT, &latency->json_path, 0, 0},
        {"--seconds", OPTION_NUMBER, &latency->plan.seconds, 0, 60},
        {"--connections", OPTION_COUNT, &latency->plan.connections, 1, GENERATOR_CONNECTIONS_MAX},
        {"--rounds", OPTION_COUNT, &latency->rounds, 1, ROUNDS_MAX},
    };
    options_find_program("../net/hotshelf", latency->server_beside, SANDBOX_PATH_SIZE);
    options_find_program("hotshelf-floor", latency->floor_path, SANDBOX_PATH_SIZE);
    return options_parse("latency", all, sizeof all / sizeof all[0], argc, argv);
}

static bool play_round(struct latency *latency, uint32_t round)
{
    compare_stage_open(&latency->stage, &latency->plan, sides, NULL, TURNS);
    bool good = true;
    for (uint32_t at = 0; good && at < TURNS; at++) {
        struct turn *turn = &latency->turns[at][round];
        good = compare_stage_play(&latency->stage, &sides[at], &latency->turns[LIMIT][round], turn);
        latency->turns_done++;
        latency->turns_disturbed += turn->others > TURN_OTHERS_MOST;
        const char *who = sides[at].who == SIDE_OURS ? "hotshelf" : "floor";
        if (good)
            fprintf(stderr,
                "round %u of %u, %-8s %3.0f %%: %7.0f requests/s, p50 %5.0f, p99 %6.0f, p99.9 "
                "%6.0f "
                "us\n",
                round + 1, latency->rounds, who, sides[at].load > 0 ? sides[at].load * 100 : 100,
                turn->per_second, turn->p50_us, turn->p99_us, turn->p999_us);
        else
            fprintf(stderr, "hotshelf-bench: %s: %s\n", who, turn->reason);
    }
    compare_stage_close(&latency->stage);
    return good;
}

static double median_of(const struct turn *turns, uint32_t rounds, size_t member)
{
    double value[ROUNDS_MAX];
    for (uint32_t round = 0; round < rounds; round++)
        memcpy(&value[round], (const char *)&turns[round] + member, sizeof value[round]);
    return median(value, rounds);
}

static struct load judge(const struct latency *latency, uint32_t ours, uint32_t floor)
{
    static const size_t member[3] = {offsetof(struct turn, p50_us), offsetof(struct turn, p99_us),
        offsetof(struct turn, p999_us)};
    const struct turn *one = latency->turns[ours], *other = latency->turns[floor];
    uint32_t rounds = latency->rounds;
    double ratio[ROUNDS_MAX];
    struct load load = {.share = sides[ours].load,
        .per_second = median_of(one, rounds, offsetof(struct turn, per_second)),
        .sync_p99_us = median_of(other, rounds, offsetof(struct turn, sync_p99_us)),
        .late_p99_us = median_of(one, rounds, offsetof(struct turn, late_p99_us))};
    for (int at = 0; at < 3; at++) {
        load.ours[at] = median_of(one, rounds, member[at]);
        load.floor[at] = median_of(other, rounds, member[at]);
    }
    for (uint32_t round = 0; round < rounds; round++)
        ratio[round] = one[round].p99_us / (other[round].p99_us + other[round].sync_p99_us);
    load.ratio = median(ratio, rounds);
    return load;
}

static void print(const struct load loads[2], double limit, uint32_t rounds)
{
    printf(
        "\ndurable checkout over HTTP: %.0f requests/s at most; microseconds from when a request "
        "was due\n\n%-6s %10s %8s %8s %8s %8s %8s %8s %9s %8s %6s\n",
        limit, "load", "requests/s", "p50", "p99", "p99.9", "floor50", "floor99", "floor99.9",
        "sync p99", "late p99", "ratio");
    for (int at = 0; at < 2; at++) {
        const struct load *load = &loads[at];
        printf("%4.0f %% %10.0f %8.0f %8.0f %8.0f %8.0f %8.0f %8.0f %9.0f %8.0f %6.2f%s\n",
            load->share * 100, load->per_second, load->ours[0], load->ours[1], load->ours[2],
            load->floor[0], load->floor[1], load->floor[2], load->sync_p99_us, load->late_p99_us,
            load->ratio,
            at > 0                          ? ""
            : load->ratio <= TARGET_AT_HALF ? "  <= 3: met"
                                            : "  <= 3: NOT MET");
    }
    printf("ratio: p99 / (p99 of a sync of the disk + p99 of the floor); medians of %u rounds\n",
        rounds);
}

static bool write_json(const char *path, const struct load loads[2], double limit, uint32_t rounds)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        fprintf(stderr, "hotshelf-bench: %s: %s\n", path, strerror(errno));
        return false;
    }
    fprintf(file,
        "{\"module\": \"latency\", \"rounds\": %u, \"limit_per_second\": %.0f, \"loads\": [",
        rounds, limit);
    for (int at = 0; at < 2; at++) {
        const struct load *load = &loads[at];
        fprintf(file,
            "%s\n  {\"share\": %.2f, \"due_per_second\": %.0f, \"per_second\": %.0f, \"p50_us\": "
            "%.0f, \"p99_us\": %.0f, "
            "\"p99.9_us\": %.0f, \"floor_p50_us\": %.0f, \"floor_p99_us\": %.0f, "
            "\"floor_p99.9_us\": %.0f, \"sync_p99_us\": %.0f, \"late_p99_us\": %.0f, \"ratio\": "
            "%.3f}",
            at == 0 ? "" : ",", load->share, limit * load->share, load->per_second, load->ours[0],
            load->ours[1], load->ours[2], load->floor[0], load->floor[1], load->floor[2],
            load->sync_p99_us, load->late_p99_us, load->ratio);
    }
    fputs("\n]}\n", file);
    return options_close_output(file, path);
}

static bool report(const struct latency *latency)
{
    const struct load loads[2] = {
        judge(latency, OURS_HALF, FLOOR_HALF), judge(latency, OURS_MOST, FLOOR_MOST)};
    double limit =
        median_of(latency->turns[LIMIT], latency->rounds, offsetof(struct turn, per_second));
    print(loads, limit, latency->rounds);
    turns_print_disturbed(stdout, latency->turns_disturbed, latency->turns_done);
    return latency->json_path == NULL ||
           write_json(latency->json_path, loads, limit, latency->rounds);
}

static enum module_status run(int argc, char **argv)
{
    struct latency *latency = calloc(1, sizeof *latency);
    if (latency == NULL || !parse_options(latency, argc, argv)) {
        print_usage(stderr);
        free(latency);
        return MODULE_USAGE;
    }
    bool good = process_pin(COMPARE_CORE_GENERATOR) == 0;
    if (!good)
        fputs("hotshelf-bench: two cores are needed, 0 for the server and 1 for us\n", stderr);
    good = good && guard_begin(&latency->guard, &latency->plan.parent);
    for (uint32_t round = 0; good && round < latency->rounds; round++)
        good = play_round(latency, round);
    good = good && report(latency);
    free(latency);
    return good ? MODULE_MEASURED : MODULE_FAILED;
}

const struct module latency_module = {
    .name = "latency",
    .summary = "how long a durable checkout takes at half load and at four fifths",
    .usage = print_usage,
    .run = run,
};
