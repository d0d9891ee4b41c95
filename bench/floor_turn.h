/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor_turn - one measured turn of a server, and what all turns of a kind of request say together.
 *
 * Ownership  Plain values.
 * Threads    One.
 * Units      Microseconds of CPU time (user and system) for each request completed.
 * Errors     false after one line on stderr.
 * Cost       As long as the plan says.
 */
#ifndef HOTSHELF_BENCH_FLOOR_TURN_H
#define HOTSHELF_BENCH_FLOOR_TURN_H

#include "bench/generator.h"

#define FLOOR_CORE_SERVER 0
#define FLOOR_ROUNDS_MAX 32

struct floor_turn {
    struct generator_result result;
    double requests_per_second;
    double stat_us;  /* from /proc/PID/stat */
    double sched_us; /* from schedstat, exact */
    double busy;     /* share of the turn that it ran: a server that sleeps also pays for waking */
};

/* Connects, drives the plan, disconnects; one line of progress. */
bool floor_turn_play(struct floor_turn *turn, const struct generator_plan *plan,
    const char *traffic, const char *whom);

/* Medians over the rounds; [0] the server, [1] the floor. */
struct floor_summary {
    const char *name;
    uint32_t rounds;
    double request_size;
    double reply_size;
    double requests_per_second[2];
    double stat_us[2];
    double sched_us[2];
    double busy[2];
    double ratio; /* median of the rounds' ratios, by sched_us */
    double ratio_min;
    double ratio_max;
};

struct floor_summary floor_summary_make(const char *name, const struct floor_turn *server,
    const struct floor_turn *floor, uint32_t rounds);
void floor_summary_print(const struct floor_summary *summary, uint32_t count);
bool floor_summary_json(const struct floor_summary *summary, uint32_t count, const char *path);

#endif
