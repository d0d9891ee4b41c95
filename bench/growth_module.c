/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hotshelf-bench growth: what a request costs when the shop is full, when the crowd is large, and
 * when there is a second shard.
 *
 * Every figure is CPU time of the server for each request, and its ratio to that of the smallest
 * one in the same round, since the same binary varies from minute to minute. At the end it is told
 * what the two things that shards share cost, one line of stock and a hop, and what follows from
 * them for more cores than were here.
 */
#include "bench/growth.h"

#include "bench/guard.h"
#include "bench/module.h"
#include "bench/modules/core_module.h"
#include "bench/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define CORE_GENERATOR 1
#define MODULE_ROUNDS 9

struct growth_bench {
    struct guard guard;
    struct growth_options options;
    char server_beside[SANDBOX_PATH_SIZE];
    const char *json_path;
    const char *only;
    struct growth_rows tables, connections, shards;
    struct measure_result alone, contended, hop_polling, hop_sleeping;
};

static void print_usage(FILE *out)
{
    fputs(
        "usage: hotshelf-bench growth [options]\n\n"
        "  --server PATH    the hotshelf to measure (the one of this build)\n"
        "  --only NAME      tables, connections or shards\n"
        "  --places N       of customers, orders and carts in the tables (262144)\n"
        "  --connections N  of the largest crowd, 100 to 10000 (10000)\n"
        "  --seconds S      of one turn (2)\n"
        "  --rounds R       turns of each kind and size (5)\n"
        "  --dir PATH       where the data directories are made, 4 GiB of a real disk (/var/tmp)\n"
        "  --json FILE      write the numbers to this file\n",
        out);
}

static bool parse_options(struct growth_bench *bench, int argc, char **argv)
{
    struct growth_options *options = &bench->options;
    *options = (struct growth_options){.server_path = bench->server_beside,
        .parent = "/var/tmp",
        .seconds = 2,
        .rounds = 5,
        .places = 262144,
        .connections_max = 10000};
    const struct option all[] = {
        {"--server", OPTION_TEXT, &options->server_path, 0, 0},
        {"--dir", OPTION_TEXT, &options->parent, 0, 0},
        {"--json", OPTION_OUTPUT, &bench->json_path, 0, 0},
        {"--only", OPTION_TEXT, &bench->only, 0, 0},
        {"--places", OPTION_COUNT, &options->places, 10000, 4000000},
        {"--connections", OPTION_COUNT, &options->connections_max, 100, GENERATOR_CONNECTIONS_MAX},
        {"--seconds", OPTION_NUMBER, &options->seconds, 0, 600},
        {"--rounds", OPTION_COUNT, &options->rounds, 1, FLOOR_ROUNDS_MAX},
    };
    options_find_program("../net/hotshelf", bench->server_beside, SANDBOX_PATH_SIZE);
    return options_parse("growth", all, sizeof all / sizeof all[0], argc, argv);
}

static bool is_asked(const struct growth_bench *bench, const char *name)
{
    return bench->only == NULL || strcmp(bench->only, name) == 0;
}

/* A socket for each connection, here and in the server, which inherits the limit. */
static void allow_sockets(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

static bool play(struct growth_bench *bench)
{
    const struct growth_options *options = &bench->options;
    return (!is_asked(bench, "tables") || growth_of_tables(options, &bench->tables)) &&
           (!is_asked(bench, "connections") ||
               growth_of_connections(options, &bench->connections)) &&
           (!is_asked(bench, "shards") || growth_of_shards(options, &bench->shards)) &&
           core_module_time("stock", "alone", MODULE_ROUNDS, &bench->alone) &&
           core_module_time("stock", "contended", MODULE_ROUNDS, &bench->contended) &&
           core_module_time("mailbox", "hop_polling", MODULE_ROUNDS, &bench->hop_polling) &&
           core_module_time("mailbox", "hop_sleeping", MODULE_ROUNDS, &bench->hop_sleeping);
}

static void print_rows(const struct growth_rows *rows, const char *what, const char *size)
{
    if (rows->count == 0)
        return;
    printf("\n%s\n%-14s %12s %14s %6s %12s %6s (least .. most)\n", what, "", size, "CPU us/request",
        "busy", "requests/s", "ratio");
    for (uint32_t at = 0; at < rows->count; at++) {
        const struct growth_row *row = &rows->all[at];
        printf("%-14s %12u %14.2f %5.0f%% %12.0f %6.2f (%.2f .. %.2f)\n", growth_name(row->kind),
            row->size, row->us, 100 * row->busy, row->per_second, row->ratio, row->ratio_least,
            row->ratio_most);
    }
}

static double us_of(const struct growth_rows *rows, enum growth_kind kind)
{
    for (uint32_t at = 0; at < rows->count; at++)
        if (rows->all[at].kind == kind)
            return rows->all[at].us;
    return 0;
}

/* What two cores say of more: a line of stock is one for all, and of `cores` shards a request
 * arrives at its own with a chance of one in so many. */
static void print_more_cores(const struct growth_bench *bench)
{
    double alone = bench->alone.part[0].median + bench->alone.part[1].median;
    double contended = bench->contended.part[0].median, hop = bench->hop_polling.part[0].median;
    double checkout_us = us_of(&bench->tables, GROWTH_CHECKOUT);
    if (checkout_us <= 0)
        checkout_us = us_of(&bench->shards, GROWTH_CHECKOUT);
    printf("\nA take and a give of one unit: %.1f ns alone, %.1f ns while another core does the "
           "same on the same line (%.2f retries).\n"
           "A hop to another shard: %.0f ns when both poll, %.1f us when both sleep.\n",
        alone, contended, bench->contended.extra, hop, bench->hop_sleeping.part[0].median / 1000);
    if (checkout_us <= 0)
        return;
    printf(
        "What follows for more cores: at %.1f us for each checkout a shard makes %.0f of them a "
        "second. A line of stock that all cores want bears a take and a give every %.0f ns or so, "
        "%.0f million a second: a single product that everybody buys becomes the limit at some "
        "%.0f shards, many products do not, since no two share a line. A request that arrives at "
        "another shard than its customer's pays two hops, %.1f "
        "%% of a checkout under load; of N shards that are (N - 1) / N of all.\n",
        checkout_us, 1e6 / checkout_us, contended / 2, 2e3 / contended,
        2e9 / contended / (1e6 / checkout_us), 100 * 2 * hop / 1000 / checkout_us);
}

static void print_all(const struct growth_bench *bench)
{
    print_rows(&bench->tables, "Tables filled so far (customers, orders, carts, products)", "%");
    print_rows(&bench->connections,
        "Connections, each with a request in flight; ratios to 100 of them", "connections");
    print_rows(&bench->shards,
        "Shards; the second one shares its core with the generator, so requests/s do not scale",
        "shards");
    printf("\nCPU time of the server from schedstat, medians of %u rounds in turns; a ratio is of "
           "two turns of one round.\nA server that is not busy pays for waking up.\n",
        bench->options.rounds);
    print_more_cores(bench);
}

static void write_rows(FILE *file, const char *name, const struct growth_rows *rows)
{
    fprintf(file, ", \"%s\": [", name);
    for (uint32_t at = 0; at < rows->count; at++) {
        const struct growth_row *row = &rows->all[at];
        fprintf(file,
            "%s\n  {\"name\": \"%s\", \"size\": %u, \"cpu_us\": %.3f, \"requests_per_second\": "
            "%.0f, \"busy\": %.3f, \"ratio\": %.3f, \"ratio_min\": %.3f, \"ratio_max\": %.3f}",
            at == 0 ? "" : ",", growth_name(row->kind), row->size, row->us, row->per_second,
            row->busy, row->ratio, row->ratio_least, row->ratio_most);
    }
    fputs("]", file);
}

static bool write_json(const struct growth_bench *bench)
{
    FILE *file = fopen(bench->json_path, "w");
    if (file == NULL) {
        fprintf(stderr, "hotshelf-bench: %s cannot be written\n", bench->json_path);
        return false;
    }
    fprintf(file, "{\"module\": \"growth\", \"rounds\": %u", bench->options.rounds);
    write_rows(file, "tables", &bench->tables);
    write_rows(file, "connections", &bench->connections);
    write_rows(file, "shards", &bench->shards);
    fprintf(file,
        ", \"take_and_give_ns\": %.2f, \"contended_ns\": %.2f, \"retries\": %.3f, "
        "\"hop_polling_ns\": %.1f, \"hop_sleeping_ns\": %.1f}\n",
        bench->alone.part[0].median + bench->alone.part[1].median, bench->contended.part[0].median,
        bench->contended.extra, bench->hop_polling.part[0].median,
        bench->hop_sleeping.part[0].median);
    return options_close_output(file, bench->json_path);
}

static enum module_status run(int argc, char **argv)
{
    struct growth_bench *bench = calloc(1, sizeof *bench);
    if (bench == NULL || !parse_options(bench, argc, argv)) {
        print_usage(stderr);
        free(bench);
        return MODULE_USAGE;
    }
    enum module_status status = MODULE_FAILED;
    if (process_pin(CORE_GENERATOR) < 0) {
        fputs("hotshelf-bench: two cores are needed, 0 for the server and 1 for us\n", stderr);
        free(bench);
        return MODULE_FAILED;
    }
    allow_sockets();
    if (guard_begin(&bench->guard, &bench->options.parent) && play(bench)) {
        print_all(bench);
        if (bench->json_path == NULL || write_json(bench))
            status = MODULE_MEASURED;
    }
    free(bench);
    return status;
}

const struct module growth_module = {
    .name = "growth",
    .summary = "cost per request as tables fill, connections and shards grow",
    .usage = print_usage,
    .run = run,
};
