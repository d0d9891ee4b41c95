/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hotshelf-bench compare: our server beside the floor and beside what a shop would use otherwise.
 *
 * All sides in turns, round after round, each alone on core 0, driven from core 1. What counts are
 * ratios of turns of one round. A side that cannot be measured (not installed, refuses an order) is
 * told in its rows, the others go on, and the exit status is 1.
 */
#include "bench/compare_ratios.h"
#include "bench/compare_rows.h"
#include "bench/compare_stage.h"
#include "bench/guard.h"
#include "bench/module.h"
#include "bench/options.h"
#include "page/page.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

struct compare_options {
    struct compare_plan plan;
    char server_beside[SANDBOX_PATH_SIZE];
    char floor_path[SANDBOX_PATH_SIZE];
    const char *only;
    const char *job;
    const char *json_path, *html_path;
    const char *ratios_path;
    char ratios_beside[SANDBOX_PATH_SIZE];
    bool is_short, records;
    uint32_t rounds;
};

struct compare {
    struct compare_options options;
    struct guard guard;
    struct compare_stage stage;
    bool needed[SIDES];
    compare_turns turns;
    struct compare_measured measured[COMPARE_ROWS_MAX];
    uint32_t measured_count;
    char started_at[32];
    double began;
    uint32_t turns_done, turns_all, turns_disturbed;
};

static void print_usage(FILE *out)
{
    fputs("usage: hotshelf-bench compare [options]\n\n"
          "  --rounds R       turns of each side (5)\n"
          "  --seconds S      of one turn (1)\n"
          "  --only A,B       the rows beside these alone: floor, redis, nginx, postgres, copy\n"
          "  --job WORDS      the rows of jobs with these words in their name alone\n"
          "  --connections N  of our server, the floor and Redis (64)\n"
          "  --server PATH    the hotshelf to measure (the one of this build)\n"
          "  --io NAME        how it reaches the kernel: io_uring or epoll (auto)\n"
          "  --dir PATH       where directories are made, on a real disk (/var/tmp)\n"
          "  --json FILE      write the numbers to this file\n"
          "  --html FILE      write a page with plots and tables to this file\n"
          "  --short          some rows in short turns, each beside its recorded ratio; fails when "
          "one is\n                   more than twice as bad\n"
          "  --record         with --short: writes down the ratios instead\n"
          "  --ratios FILE    where they are recorded (bench/ratios.txt of this source)\n",
        out);
}

static bool parse_options(struct compare_options *options, int argc, char **argv)
{
    options->plan = (struct compare_plan){.server_path = options->server_beside,
        .floor_path = options->floor_path,
        .parent = "/var/tmp",
        .connections = 64};
    options->ratios_path = options->ratios_beside;
    const struct option all[] = {
        {"--server", OPTION_TEXT, &options->plan.server_path, 0, 0},
        {"--dir", OPTION_TEXT, &options->plan.parent, 0, 0},
        {"--io", OPTION_TEXT, &options->plan.io, 0, 0},
        {"--json", OPTION_OUTPUT, &options->json_path, 0, 0},
        {"--html", OPTION_OUTPUT, &options->html_path, 0, 0},
        {"--ratios", OPTION_TEXT, &options->ratios_path, 0, 0},
        {"--short", OPTION_FLAG, &options->is_short, 0, 0},
        {"--record", OPTION_FLAG, &options->records, 0, 0},
        {"--job", OPTION_TEXT, &options->job, 0, 0},
        {"--only", OPTION_TEXT, &options->only, 0, 0},
        {"--seconds", OPTION_NUMBER, &options->plan.seconds, 0, 60},
        {"--connections", OPTION_COUNT, &options->plan.connections, 1, GENERATOR_CONNECTIONS_MAX},
        {"--rounds", OPTION_COUNT, &options->rounds, 1, COMPARE_ROUNDS_MAX},
    };
    options_find_program("../net/hotshelf", options->server_beside, SANDBOX_PATH_SIZE);
    options_find_program("hotshelf-floor", options->floor_path, SANDBOX_PATH_SIZE);
    options_find_program("../../bench/ratios.txt", options->ratios_beside, SANDBOX_PATH_SIZE);
    if (!options_parse("compare", all, sizeof all / sizeof all[0], argc, argv))
        return false;
    if (options->plan.seconds <= 0)
        options->plan.seconds = options->is_short ? 0.3 : 1;
    if (options->rounds == 0)
        options->rounds = options->is_short ? 3 : 5;
    return !options->is_short || !options->records ||
           options_check_output("compare", "--ratios", options->ratios_path);
}

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Whether a word stands in a list with commas. */
static bool is_listed(const char *list, const char *word)
{
    size_t size = strlen(word);
    for (const char *at = list; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, word, size) == 0 && (at[size] == ',' || at[size] == '\0'))
            return true;
    }
    return false;
}

static bool knows_all(const char *list)
{
    for (const char *at = list; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        bool is_known = false;
        for (int who = 0; who < SIDE_WHOS; who++) {
            const char *name = compare_who_name((enum side_who)who);
            is_known = is_known || (strncmp(at, name, strlen(name)) == 0 &&
                                       strchr(",", at[strlen(name)]) != NULL);
        }
        if (!is_known) {
            fprintf(stderr, "hotshelf-bench: compare: --only: nobody is called %s\n", at);
            return false;
        }
    }
    return true;
}

static bool is_chosen(const struct compare_options *options, const struct row *row)
{
    if ((options->is_short && !row->is_short) ||
        (options->job != NULL && strstr(row->job, options->job) == NULL))
        return false;
    enum side_who who = row->peer == NO_SIDE ? SIDE_OURS : compare_sides[row->peer].who;
    return options->only == NULL || is_listed(options->only, compare_who_name(who));
}

/* With what it is like. */
static void need(struct compare *compare, enum side_id id)
{
    const struct side *side = &compare_sides[id];
    compare->needed[id] = true;
    if (side->load > 0 || side->who == SIDE_FLOOR || side->who == SIDE_NGINX ||
        side->who == SIDE_COPY)
        compare->needed[side->like] = true;
}

static void choose(struct compare *compare)
{
    for (uint32_t at = 0; at < compare_rows_count; at++) {
        const struct row *row = &compare_rows[at];
        if (!is_chosen(&compare->options, row))
            continue;
        compare->measured[compare->measured_count++].row = row;
        need(compare, row->ours);
        if (row->peer != NO_SIDE)
            need(compare, row->peer);
    }
    for (int id = 0; id < SIDES; id++)
        compare->turns_all += compare->needed[id] ? compare->options.rounds : 0;
}

static void tell(struct compare *compare, const struct side *side, const struct turn *turn)
{
    compare->turns_done++;
    double left = (now_seconds() - compare->began) / compare->turns_done *
                  (compare->turns_all - compare->turns_done);
    bool has_kind = side->who == SIDE_OURS || side->who == SIDE_FLOOR;
    fprintf(stderr, "[%u/%u, %.0f s left] %-17s %-36s ", compare->turns_done, compare->turns_all,
        left, has_kind ? traffic_name(side->kind) : "", side->name);
    compare->turns_disturbed += turn->others > TURN_OTHERS_MOST;
    if (turn->others > TURN_OTHERS_MOST)
        fprintf(stderr, "disturbed, others had %.0f %% of a core; ", turn->others * 100);
    if (turn->is_measured)
        fprintf(stderr,
            "%9.0f requests/s %8.2f us of CPU each, %3.0f %% busy, %.2f of the "
            "kernel's threads%s%s\n",
            turn->per_second, turn->us, turn->busy * 100, turn->kernel_us,
            turn->reason[0] == '\0' ? "" : ", ", turn->reason);
    else
        fprintf(stderr, "not measured: %s\n", turn->reason);
}

/* A side that failed once is not tried again. */
static void play_side(struct compare *compare, int id, uint32_t round)
{
    const struct side *side = &compare_sides[id];
    struct turn *turn = &compare->turns[id][round];
    if (round > 0 && !compare->turns[id][round - 1].is_measured) {
        *turn = compare->turns[id][round - 1];
        compare->turns_done++;
        return;
    }
    compare_stage_play(&compare->stage, side, &compare->turns[side->like][round], turn);
    tell(compare, side, turn);
}

static void play(struct compare *compare)
{
    compare->began = now_seconds();
    for (uint32_t round = 0; round < compare->options.rounds; round++) {
        compare_stage_open(
            &compare->stage, &compare->options.plan, compare_sides, compare->needed, SIDES);
        for (int id = 0; id < SIDES; id++) {
            if (compare->needed[id])
                play_side(compare, id, round);
        }
        compare_stage_close(&compare->stage);
    }
    for (uint32_t at = 0; at < compare->measured_count; at++)
        compare->measured[at] = compare_row_measure(compare->measured[at].row,
            (const struct turn(*)[COMPARE_ROUNDS_MAX])compare->turns, compare->options.rounds);
}

static void write_json(FILE *file, const struct compare *compare)
{
    struct utsname system;
    uname(&system);
    fprintf(file,
        "{\"format\": \"hotshelf-bench 2\", \"started_at\": \"%s\", \"seconds\": %.3f, "
        "\"rounds\": %u, \"connections\": %u, \"turns\": %u, \"disturbed_turns\": %u, \"machine\": "
        "{\"cores\": %ld, \"kernel\": \"%s\"}, "
        "\"rows\": [",
        compare->started_at, compare->options.plan.seconds, compare->options.rounds,
        compare->options.plan.connections, compare->turns_done, compare->turns_disturbed,
        sysconf(_SC_NPROCESSORS_ONLN), system.release);
    compare_rows_json(file, compare->measured, compare->measured_count);
    fputs("\n]}\n", file);
}

static bool write_files(const struct compare *compare)
{
    const struct compare_options *options = &compare->options;
    char *json = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&json, &size);
    if (memory == NULL)
        return false;
    write_json(memory, compare);
    fclose(memory);
    FILE *file = options->json_path == NULL ? NULL : fopen(options->json_path, "w");
    bool good = options->json_path == NULL || (file != NULL && fputs(json, file) >= 0);
    if (file != NULL && fclose(file) != 0)
        good = false;
    const struct page page = {.kind = PAGE_BENCH,
        .title = "hotshelf and its peers",
        .description =
            "What a request costs, beside the floor and what a shop would use otherwise.",
        .json = json,
        .json_size = size};
    good = good && (options->html_path == NULL || page_write_file(options->html_path, &page) == 0);
    if (!good)
        fprintf(stderr, "hotshelf-bench: the result cannot be written: %s\n", strerror(errno));
    free(json);
    return good;
}

static bool report(const struct compare *compare)
{
    bool all = compare_rows_print(stdout, compare->measured, compare->measured_count);
    printf(
        "Each side alone on core 0, driven from core 1; medians of %u rounds of turns of %.2f s.\n"
        "CPU: user and system, all threads and processes; --json tells beside it what the kernel's "
        "own threads took.\n"
        "cpu: CPU of one request, ours / it where the target is <=, it / ours elsewhere; rate: "
        "requests a second, ours / it.\n"
        "Redis remembers no idempotency key, ours does.\n"
        "Other targets: hotshelf-bench modules (decide and apply, stock alone), journal "
        "(recovery), growth (tables as\nthey fill), latency (four fifths of the limit, too).\n",
        compare->options.rounds, compare->options.plan.seconds);
    turns_print_disturbed(stdout, compare->turns_disturbed, compare->turns_done);
    if (!write_files(compare))
        return false;
    if (!compare->options.is_short)
        return all;
    const char *path = compare->options.ratios_path;
    if (compare->options.records)
        return all && compare_ratios_write(path, compare->measured, compare->measured_count);
    return compare_ratios_judge(path, compare->measured, compare->measured_count);
}

static enum module_status run(int argc, char **argv)
{
    struct compare *compare = calloc(1, sizeof *compare);
    if (compare == NULL || !parse_options(&compare->options, argc, argv) ||
        !knows_all(compare->options.only)) {
        print_usage(stderr);
        free(compare);
        return MODULE_USAGE;
    }
    time_t now = time(NULL);
    struct tm parts;
    strftime(compare->started_at, sizeof compare->started_at, "%Y-%m-%dT%H:%M:%SZ",
        gmtime_r(&now, &parts));
    enum module_status status = MODULE_FAILED;
    choose(compare);
    if (compare->measured_count == 0) {
        fputs("hotshelf-bench: compare: no row is left of --only, --job and --short\n", stderr);
    } else if (process_pin(COMPARE_CORE_GENERATOR) < 0) {
        fputs("hotshelf-bench: two cores are needed, 0 for the server and 1 for us\n", stderr);
    } else if (guard_begin(&compare->guard, &compare->options.plan.parent)) {
        play(compare);
        status = report(compare) ? MODULE_MEASURED : MODULE_FAILED;
    }
    free(compare);
    return status;
}

const struct module compare_module = {
    .name = "compare",
    .summary = "beside the floor and the peers, with the targets: a table of ratios",
    .usage = print_usage,
    .run = run,
};
