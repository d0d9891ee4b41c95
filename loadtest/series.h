/* SPDX-License-Identifier: Apache-2.0 */
/*
 * series - what a run was like from its first second to its last, in fixed memory.
 *
 *     row      0        1        2     ...        255
 *           |--step--|--step--|--step--| ...  |--step--|    full? Pairs of rows become one row,
 *           |------step-------|------step-------|           and every step is twice as long.
 *
 * Beside the rows stand two histograms for each kind of request, over the whole run: `intended`
 * counts from the moment the request was due (the schedule, or the moment its visitor would have
 * sent it had everything before been answered in time), `service` from the moment it was sent. The
 * percentiles of a row are of intended times, of all kinds together.
 *
 * Only an answer that ends the asking (ok, refused) has a time in the histograms: what was pushed
 * back or lost is asked again, and the answer that comes at last has waited since it was intended.
 *
 * Ownership  series_open() takes all memory, SERIES_ROWS histograms, touched only where used;
 *            series_close() gives it back.
 * Threads    One at a time. Each thread of a crowd keeps its own; series_add() sums them up.
 * Units      Nanoseconds of CLOCK_MONOTONIC for moments, microseconds for how long things took.
 *            A moment before the start counts as the start.
 * Errors     series_open(): -ENOMEM.
 * Cost       O(1) a call, without a system call; when the rows are full, once in a doubling of the
 *            run's length, a millisecond.
 */
#ifndef HOTSHELF_LOADTEST_SERIES_H
#define HOTSHELF_LOADTEST_SERIES_H

#include "loadtest/histogram.h"
#include "loadtest/request_kind.h"

#include <stdbool.h>

#define SERIES_ROWS 256
#define SERIES_STEP_NS_FIRST UINT64_C(125000000)

enum series_outcome {
    SERIES_OK,
    SERIES_REFUSED,     /* 404, 409, 410, 422: the shop said no */
    SERIES_PUSHED_BACK, /* 429, 503: not now */
    SERIES_FAILED,      /* no answer, or one that no rule allows */
    SERIES_OUTCOMES
};

struct series_row {
    uint64_t planned; /* visits that were due */
    uint64_t begun;   /* visits that were begun */
    uint64_t outcome[SERIES_OUTCOMES];
    struct histogram intended;
    int64_t units_sold; /* the last of the step; only if units_told */
    bool units_told;
    bool gauge_told;
    uint32_t live; /* these three: the highest of the step; only if gauge_told */
    uint32_t waiting;
    double busy_percent;
};

struct series {
    struct series_row *row;
    uint32_t row_count; /* rows from the first to the last with something in it */
    uint64_t start_ns;
    uint64_t step_ns;
    struct histogram intended[REQUEST_KINDS];
    struct histogram service[REQUEST_KINDS];
    uint64_t outcome[REQUEST_KINDS][SERIES_OUTCOMES];
};

int series_open(struct series *series);
void series_close(struct series *series);

/* The run begins now; before anything is recorded. */
void series_start(struct series *series, uint64_t now_ns);

/* A visit was due. May be told late, for a moment that is past. */
void series_planned(struct series *series, uint64_t at_ns);

/* A visit was begun. */
void series_begun(struct series *series, uint64_t at_ns);

/* An answer, or that there was none: the times are then not looked at. */
void series_answer(struct series *series, enum request_kind kind, uint64_t at_ns,
    uint64_t intended_us, uint64_t service_us, enum series_outcome outcome);

/* Units sold so far, and not given back. */
void series_units(struct series *series, uint64_t at_ns, int64_t sold_units);

/* How many visits are going on, how many are due and not begun, and how much of its time the
 * generator has worked since it last told. A few times a second is enough. */
void series_gauge(struct series *series, uint64_t at_ns, uint32_t live_visits,
    uint32_t waiting_visits, double generator_busy_percent);

/* Adds another thread's series to this one; both have the same start, and both are over. Counts,
 * units and visits are summed up; of busy_percent the higher one stays. */
void series_add(struct series *series, struct series *other);

#endif
