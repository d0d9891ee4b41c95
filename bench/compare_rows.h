/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare_rows - what the turns of two sides say beside each other: medians, the ratio, the target.
 *
 * The ratio is the median of the rounds' ratios, each of two turns that followed each other, since
 * the same binary varies from minute to minute.
 *
 * Ownership  Plain values; texts are borrowed from the jobs and the turns.
 * Threads    One.
 * Units      Microseconds of CPU time for each request; requests a second.
 * Errors     A row that was not measured says why.
 * Cost       None.
 */
#ifndef HOTSHELF_BENCH_COMPARE_ROWS_H
#define HOTSHELF_BENCH_COMPARE_ROWS_H

#include "bench/compare_jobs.h"
#include "bench/turn.h"

#include <stdio.h>

#define COMPARE_ROUNDS_MAX 32

struct compare_measured {
    const struct row *row;
    const char *reason; /* NULL: measured */
    double ours_us, peer_us;
    double ours_kernel_us, peer_kernel_us;
    double ours_per_second, peer_per_second;
    double ratio, ratio_min, ratio_max;
    bool is_met; /* when there is a target */
};

typedef struct turn compare_turns[SIDES][COMPARE_ROUNDS_MAX];

struct compare_measured compare_row_measure(
    const struct row *row, const compare_turns turns, uint32_t rounds);

/* What a row stands beside, in words. */
const char *compare_row_peer(const struct row *row);

/* false when one was not measured. */
bool compare_rows_print(FILE *out, const struct compare_measured *rows, uint32_t count);
void compare_rows_json(FILE *out, const struct compare_measured *rows, uint32_t count);

#endif
