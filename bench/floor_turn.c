/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A turn uses new connections, so no turn inherits the state of another's.
 */
#include "bench/floor_turn.h"

#include "bench/median.h"
#include "bench/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool floor_turn_play(struct floor_turn *turn, const struct generator_plan *plan,
    const char *traffic, const char *whom)
{
    char failure[GENERATOR_FAILURE_SIZE] = "";
    struct generator *generator = generator_open(plan, failure);
    bool played = generator != NULL && generator_run(generator, &turn->result);
    if (!played) {
        fprintf(stderr, "hotshelf-bench: %s, %s: %s\n", traffic, whom,
            generator == NULL ? failure : turn->result.failure);
        generator_close(generator);
        return false;
    }
    generator_close(generator);
    double completed = (double)turn->result.completed;
    turn->requests_per_second = completed / turn->result.seconds;
    turn->stat_us = (double)turn->result.cpu.stat_ns / completed / 1e3;
    turn->sched_us = (double)turn->result.cpu.sched_ns / completed / 1e3;
    turn->busy = (double)turn->result.cpu.sched_ns / 1e9 / turn->result.seconds;
    fprintf(stderr, "%-17s %-7s %9.0f requests/s %7.2f us of CPU each\n", traffic, whom,
        turn->requests_per_second, turn->sched_us);
    return true;
}

struct floor_summary floor_summary_make(const char *name, const struct floor_turn *server,
    const struct floor_turn *floor, uint32_t rounds)
{
    const struct floor_turn *side[2] = {server, floor};
    double value[4][FLOOR_ROUNDS_MAX];
    double ratio[FLOOR_ROUNDS_MAX];
    struct floor_summary summary = {
        .name = name,
        .rounds = rounds,
        .request_size = server[0].result.request_size,
        .reply_size = server[0].result.reply_size,
    };
    for (int at = 0; at < 2; at++) {
        for (uint32_t round = 0; round < rounds; round++) {
            value[0][round] = side[at][round].requests_per_second;
            value[1][round] = side[at][round].stat_us;
            value[2][round] = side[at][round].sched_us;
            value[3][round] = side[at][round].busy;
        }
        summary.requests_per_second[at] = median(value[0], rounds);
        summary.stat_us[at] = median(value[1], rounds);
        summary.sched_us[at] = median(value[2], rounds);
        summary.busy[at] = median(value[3], rounds);
    }
    for (uint32_t round = 0; round < rounds; round++)
        ratio[round] = server[round].sched_us / floor[round].sched_us;
    summary.ratio = median(ratio, rounds); /* sorts */
    summary.ratio_min = ratio[0];
    summary.ratio_max = ratio[rounds - 1];
    return summary;
}

void floor_summary_print(const struct floor_summary *summary, uint32_t count)
{
    printf("\n%-17s %13s %21s %11s %29s\n", "", "bytes", "requests/s", "busy", "CPU us/request");
    printf("%-17s %13s %10s %10s %5s %5s %14s %14s %6s %16s\n", "case", "request/reply", "server",
        "floor", "s", "f", "server", "floor", "ratio", "(min .. max)");
    for (uint32_t at = 0; at < count; at++) {
        const struct floor_summary *row = &summary[at];
        printf("%-17s %6.0f/%-6.0f %10.0f %10.0f %4.0f%% %4.0f%% %6.2f (%5.2f) %6.2f (%5.2f) %6.2f "
               "(%5.2f .. %5.2f)\n",
            row->name, row->request_size, row->reply_size, row->requests_per_second[0],
            row->requests_per_second[1], row->busy[0] * 100, row->busy[1] * 100, row->sched_us[0],
            row->stat_us[0], row->sched_us[1], row->stat_us[1], row->ratio, row->ratio_min,
            row->ratio_max);
    }
    printf(
        "CPU time from schedstat, in brackets from /proc/PID/stat; medians of %u rounds in turns.\n"
        "A server that is less busy than the floor waits for its disk and pays for waking up.\n",
        summary[0].rounds);
}

bool floor_summary_json(const struct floor_summary *summary, uint32_t count, const char *path)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        fprintf(stderr, "hotshelf-bench: %s: %s\n", path, strerror(errno));
        return false;
    }
    fprintf(file, "{\"module\": \"floor\", \"rounds\": %u, \"cases\": [", summary[0].rounds);
    for (uint32_t at = 0; at < count; at++) {
        const struct floor_summary *row = &summary[at];
        fprintf(file,
            "%s\n  {\"name\": \"%s\", \"request_bytes\": %.1f, \"reply_bytes\": %.1f, "
            "\"server_requests_per_second\": %.0f, \"floor_requests_per_second\": %.0f, "
            "\"server_cpu_us\": %.3f, \"floor_cpu_us\": %.3f, \"server_stat_us\": %.3f, "
            "\"floor_stat_us\": %.3f, \"server_busy\": %.3f, \"floor_busy\": %.3f, \"ratio\": "
            "%.3f, \"ratio_min\": %.3f, \"ratio_max\": %.3f}",
            at == 0 ? "" : ",", row->name, row->request_size, row->reply_size,
            row->requests_per_second[0], row->requests_per_second[1], row->sched_us[0],
            row->sched_us[1], row->stat_us[0], row->stat_us[1], row->busy[0], row->busy[1],
            row->ratio, row->ratio_min, row->ratio_max);
    }
    fputs("\n]}\n", file);
    return options_close_output(file, path);
}
