/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hotshelf-bench fairness: how much longer honest customers wait while somebody attacks.
 *
 * One server on core 0, limited to --limit requests a second of each address; honest clients, each
 * from an address of his own, and the attacker on core 1, where the attacker gets what the clients
 * leave. Turns without an attacker and with one follow each other, since the same machine varies
 * from minute to minute: what counts is the ratio of two turns that follow each other, and of those
 * the median.
 *
 * What can go wrong: an honest client is refused or hung up on; told, exit 1.
 */
#include "bench/attacker.h"
#include "bench/guard.h"
#include "bench/honest.h"
#include "bench/median.h"
#include "bench/module.h"
#include "bench/options.h"
#include "bench/sandbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CORE_SERVER = 0, CORE_OTHERS = 1, ROUNDS_MAX = 99, SKUS = 2000 };

#define SETTLE_SECONDS 0.5 /* after an attack, until the server has closed what was left of it */

struct fairness_options {
    char server_beside[SANDBOX_PATH_SIZE];
    const char *server_path;
    const char *parent;
    const char *json_path;
    const char *only; /* one attack */
    const char *io;
    double seconds;
    double per_second;
    uint32_t clients;
    uint32_t rounds;
    uint32_t limit;
    uint32_t nice;
};

struct turns {
    struct honest_result calm[ROUNDS_MAX], attacked[ROUNDS_MAX];
    uint64_t calm_cpu_ns, attacked_cpu_ns; /* of the server, in all rounds */
    struct attacker_told told;             /* of all rounds */
};

struct fairness_bench {
    struct guard guard;
    struct fairness_options options;
    struct sandbox sandbox;
    struct turns attacks[ATTACKS];
};

static const char *const kind_name[HONEST_KINDS] = {"availability", "cart"};

static void print_usage(FILE *out)
{
    fputs("usage: hotshelf-bench fairness [options]\n\n"
          "  --server PATH    the hotshelf to measure (the one of this build)\n"
          "  --seconds S      of one turn (4)\n"
          "  --rounds R       turns without and with each attack (5)\n"
          "  --clients N      honest ones, each from an address of his own (32)\n"
          "  --rate R         requests a second of all of them (1000)\n"
          "  --limit N        limits.requests_per_second and burst; 0: off (200)\n"
          "  --attack NAME    one alone: pipeline, unread, slow, garbage, reset\n"
          "  --nice N         the priority of the attacker (19)\n"
          "  --io NAME        auto, io_uring or epoll (auto)\n"
          "  --dir PATH       where the data directory is made, on a real disk (/var/tmp)\n"
          "  --json FILE      write the numbers to this file\n",
        out);
}

static bool parse_options(struct fairness_options *options, int argc, char **argv)
{
    *options = (struct fairness_options){.server_path = options->server_beside,
        .parent = "/var/tmp",
        .seconds = 4,
        .per_second = 1000,
        .clients = 32,
        .rounds = 5,
        .limit = 200,
        .nice = 19};
    const struct option all[] = {
        {"--server", OPTION_TEXT, &options->server_path, 0, 0},
        {"--dir", OPTION_TEXT, &options->parent, 0, 0},
        {"--json", OPTION_OUTPUT, &options->json_path, 0, 0},
        {"--attack", OPTION_TEXT, &options->only, 0, 0},
        {"--io", OPTION_TEXT, &options->io, 0, 0},
        {"--seconds", OPTION_NUMBER, &options->seconds, 0, 600},
        {"--rate", OPTION_NUMBER, &options->per_second, 0, 100000},
        {"--clients", OPTION_COUNT, &options->clients, 2, HONEST_CLIENTS_MAX},
        {"--rounds", OPTION_COUNT, &options->rounds, 1, ROUNDS_MAX},
        {"--nice", OPTION_COUNT, &options->nice, 0, 19},
        {"--limit", OPTION_COUNT, &options->limit, 0, 1000000},
    };
    options_find_program("../net/hotshelf", options->server_beside, SANDBOX_PATH_SIZE);
    return options_parse("fairness", all, sizeof all / sizeof all[0], argc, argv);
}

static bool play_honest(
    struct fairness_bench *bench, struct honest_result *result, uint64_t *cpu_ns)
{
    uint64_t before_ns = process_cpu(&bench->sandbox.server).sched_ns;
    const struct honest_plan plan = {
        .port = bench->sandbox.port,
        .clients = bench->options.clients,
        .per_second = bench->options.per_second,
        .seconds = bench->options.seconds,
    };
    bool done = honest_run(&plan, result);
    *cpu_ns += process_cpu(&bench->sandbox.server).sched_ns - before_ns;
    return done;
}

static bool play_round(struct fairness_bench *bench, enum attack attack, uint32_t round)
{
    struct turns *turns = &bench->attacks[attack];
    struct attacker attacker;
    const struct timespec settle = {.tv_nsec = (long)(SETTLE_SECONDS * 1e9)};
    const struct attacker_plan plan = {.attack = attack,
        .port = bench->sandbox.port,
        .core = CORE_OTHERS,
        .nice = (int)bench->options.nice};
    if (!play_honest(bench, &turns->calm[round], &turns->calm_cpu_ns) ||
        !attacker_start(&attacker, &plan))
        return false;
    bool done = play_honest(bench, &turns->attacked[round], &turns->attacked_cpu_ns);
    struct attacker_told told = attacker_stop(&attacker);
    turns->told.bytes += told.bytes;
    turns->told.connections += told.connections;
    nanosleep(&settle, NULL);
    for (int kind = 0; done && kind < HONEST_KINDS; kind++)
        fprintf(stderr, "%-8s round %u %-12s p99 %7.0f us alone, %7.0f us attacked\n",
            attack_name(attack), round + 1, kind_name[kind], turns->calm[round].p99_us[kind],
            turns->attacked[round].p99_us[kind]);
    return done;
}

static bool is_asked(const struct fairness_options *options, enum attack attack)
{
    return options->only == NULL || strcmp(options->only, attack_name(attack)) == 0;
}

static bool play_all(struct fairness_bench *bench)
{
    const struct fairness_options *options = &bench->options;
    char limits[128];
    snprintf(limits, sizeof limits, "[limits]\nrequests_per_second = %u\nburst = %u\n",
        options->limit, options->limit > 0 ? options->limit : 1);
    const struct sandbox_plan plan = {
        .server_path = options->server_path,
        .parent = options->parent,
        .orders = 1000,
        .journal_bytes = 64 << 20,
        .skus = SKUS,
        .io = options->io,
        .more = limits,
        .core = CORE_SERVER,
    };
    if (!sandbox_open(&bench->sandbox, &plan))
        return false;
    for (uint32_t round = 0; round < options->rounds; round++)
        for (enum attack attack = 0; attack < ATTACKS; attack++)
            if (is_asked(options, attack) && !play_round(bench, attack, round)) {
                sandbox_tell_log(&bench->sandbox);
                return false;
            }
    return true;
}

struct compared {
    double calm_us, attacked_us, ratio;
};

static struct compared compare(const struct turns *turns, enum honest_kind kind, uint32_t rounds)
{
    double calm[ROUNDS_MAX], attacked[ROUNDS_MAX], ratio[ROUNDS_MAX];
    for (uint32_t round = 0; round < rounds; round++) {
        calm[round] = turns->calm[round].p99_us[kind];
        attacked[round] = turns->attacked[round].p99_us[kind];
        ratio[round] = attacked[round] / calm[round];
    }
    return (struct compared){median(calm, rounds), median(attacked, rounds), median(ratio, rounds)};
}

static bool report(const struct fairness_bench *bench)
{
    const struct fairness_options *options = &bench->options;
    FILE *json = options->json_path == NULL ? NULL : fopen(options->json_path, "w");
    if (options->json_path != NULL && json == NULL) {
        fprintf(stderr, "hotshelf-bench: %s cannot be written\n", options->json_path);
        return false;
    }
    double seconds = options->rounds * options->seconds;
    printf("\n%-9s %-13s %13s %9s %6s %8s %9s %8s %12s\n", "attack", "others", "p99 us alone",
        "attacked", "ratio", "core %", "attacked", "MB sent", "connections");
    if (json != NULL)
        fputs("{\"module\": \"fairness\", \"cases\": [", json);
    const char *between = "";
    for (enum attack attack = 0; attack < ATTACKS; attack++) {
        const struct turns *turns = &bench->attacks[attack];
        for (int kind = 0; is_asked(options, attack) && kind < HONEST_KINDS; kind++) {
            struct compared told = compare(turns, (enum honest_kind)kind, options->rounds);
            printf("%-9s %-13s %13.0f %9.0f %6.2f %8.1f %9.1f %8.1f %12llu\n", attack_name(attack),
                kind_name[kind], told.calm_us, told.attacked_us, told.ratio,
                (double)turns->calm_cpu_ns / seconds / 1e7,
                (double)turns->attacked_cpu_ns / seconds / 1e7, (double)turns->told.bytes / 1e6,
                (unsigned long long)turns->told.connections);
            if (json != NULL)
                fprintf(json,
                    "%s\n {\"attack\": \"%s\", \"others\": \"%s\", \"alone_us\": %.1f, "
                    "\"attacked_us\": %.1f, \"ratio\": %.3f, \"bytes\": %llu}",
                    between, attack_name(attack), kind_name[kind], told.calm_us, told.attacked_us,
                    told.ratio, (unsigned long long)turns->told.bytes);
            between = ",";
        }
    }
    printf("Medians of %u rounds in turns of %.1f s; %u clients, %.0f requests a second.\n",
        options->rounds, options->seconds, options->clients, options->per_second);
    if (json == NULL)
        return true;
    fputs("]}\n", json);
    return options_close_output(json, options->json_path);
}

static enum module_status run(int argc, char **argv)
{
    struct fairness_bench *bench = calloc(1, sizeof *bench);
    if (bench == NULL || !parse_options(&bench->options, argc, argv)) {
        print_usage(stderr);
        free(bench);
        return MODULE_USAGE;
    }
    bench->sandbox = (struct sandbox){.server = {.pidfd = -1, .output = -1}};
    enum module_status status = MODULE_FAILED;
    if (process_pin(CORE_OTHERS) < 0)
        fputs("hotshelf-bench: two cores are needed, 0 for the server and 1 for us\n", stderr);
    else if (guard_begin(&bench->guard, &bench->options.parent) && play_all(bench) && report(bench))
        status = MODULE_MEASURED;
    sandbox_close(&bench->sandbox);
    free(bench);
    return status;
}

const struct module fairness_module = {
    .name = "fairness",
    .summary = "how much longer honest customers wait while somebody attacks",
    .usage = print_usage,
    .run = run,
};
