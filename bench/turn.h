/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn - what one program did in one measured stretch of time.
 *
 * Ownership  A plain value.
 * Threads    One.
 * Units      Microseconds of CPU time (user and system, all threads and children) for each request.
 * Errors     false with one line in `reason`; is_measured stays false.
 * Cost       As long as the plan says.
 */
#ifndef HOTSHELF_BENCH_TURN_H
#define HOTSHELF_BENCH_TURN_H

#include "bench/generator.h"

#include <stdio.h>

#define TURN_REASON_SIZE 400

struct turn {
    bool is_measured;
    double us;
    double kernel_us; /* of the kernel's own threads meanwhile, those of the disk among them */
    double per_second;
    double busy;   /* share of the time that it ran: one that sleeps also pays for waking */
    double others; /* cores' worth of time that went to neither it, nor the kernel, nor us */
    double p50_us, p99_us, p999_us, late_p99_us;
    double sync_p99_us; /* of the disk, where that is measured too */
    double request_size;
    double reply_size;
    char
        reason[TURN_REASON_SIZE]; /* why it was not measured; of one that was: what to know of it */
};

#define TURN_OTHERS_MOST 0.2 /* above it a turn was disturbed */

/* Connects, drives the plan with new connections, disconnects. */
bool turn_play(struct turn *turn, const struct generator_plan *plan);

/* What a turn says of so many requests in so many seconds. */
void turn_note(struct turn *turn, uint64_t completed, double seconds, struct cpu_time cpu);

/* false, with the reason as printf() makes it. */
bool turn_fail(struct turn *turn, const char *form, ...) __attribute__((format(printf, 2, 3)));

/* Says so when there are any. */
void turns_print_disturbed(FILE *out, uint32_t disturbed, uint32_t all);

#endif
