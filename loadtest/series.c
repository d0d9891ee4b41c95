/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The row of a moment is found by one division. A moment beyond the last row makes pairs of rows
 * one, as often as is needed to reach it.
 */
#include "loadtest/series.h"

#include <errno.h>
#include <stdlib.h>

_Static_assert(SERIES_ROWS % 2 == 0, "pairs of rows become one");

int series_open(struct series *series)
{
    *series = (struct series){
        .row = calloc(SERIES_ROWS, sizeof(struct series_row)),
        .step_ns = SERIES_STEP_NS_FIRST,
    };
    return series->row == NULL ? -ENOMEM : 0;
}

void series_close(struct series *series)
{
    free(series->row);
    series->row = NULL;
}

void series_start(struct series *series, uint64_t now_ns)
{
    series->start_ns = now_ns;
}

static void add_gauge(struct series_row *row, const struct series_row *other)
{
    if (!other->gauge_told)
        return;
    row->gauge_told = true;
    row->live = row->live > other->live ? row->live : other->live;
    row->waiting = row->waiting > other->waiting ? row->waiting : other->waiting;
    if (row->busy_percent < other->busy_percent)
        row->busy_percent = other->busy_percent;
}

static void add_counts(struct series_row *row, const struct series_row *other)
{
    row->planned += other->planned;
    row->begun += other->begun;
    for (int outcome = 0; outcome < SERIES_OUTCOMES; outcome++)
        row->outcome[outcome] += other->outcome[outcome];
    histogram_add(&row->intended, &other->intended);
}

static void add_later(struct series_row *row, const struct series_row *later)
{
    add_counts(row, later);
    add_gauge(row, later);
    if (later->units_told) {
        row->units_told = true;
        row->units_sold = later->units_sold;
    }
}

static void double_the_step(struct series *series)
{
    for (uint32_t at = 0; 2 * at < series->row_count; at++) {
        if (at > 0)
            series->row[at] = series->row[2 * at];
        if (2 * at + 1 < series->row_count)
            add_later(&series->row[at], &series->row[2 * at + 1]);
    }
    uint32_t kept = (series->row_count + 1) / 2;
    for (uint32_t at = kept; at < series->row_count; at++)
        series->row[at] = (struct series_row){0};
    series->row_count = kept;
    series->step_ns *= 2;
}

static struct series_row *row_at(struct series *series, uint64_t at_ns)
{
    uint64_t since_ns = at_ns > series->start_ns ? at_ns - series->start_ns : 0;
    while (since_ns / series->step_ns >= SERIES_ROWS)
        double_the_step(series);
    uint32_t number = (uint32_t)(since_ns / series->step_ns);
    if (series->row_count <= number)
        series->row_count = number + 1;
    return &series->row[number];
}

void series_planned(struct series *series, uint64_t at_ns)
{
    row_at(series, at_ns)->planned++;
}

void series_begun(struct series *series, uint64_t at_ns)
{
    row_at(series, at_ns)->begun++;
}

void series_answer(struct series *series, enum request_kind kind, uint64_t at_ns,
    uint64_t intended_us, uint64_t service_us, enum series_outcome outcome)
{
    struct series_row *row = row_at(series, at_ns);
    row->outcome[outcome]++;
    series->outcome[kind][outcome]++;
    if (outcome != SERIES_OK && outcome != SERIES_REFUSED)
        return;
    histogram_record(&row->intended, intended_us);
    histogram_record(&series->intended[kind], intended_us);
    histogram_record(&series->service[kind], service_us);
}

void series_units(struct series *series, uint64_t at_ns, int64_t sold_units)
{
    struct series_row *row = row_at(series, at_ns);
    row->units_told = true;
    row->units_sold = sold_units;
}

void series_gauge(struct series *series, uint64_t at_ns, uint32_t live_visits,
    uint32_t waiting_visits, double generator_busy_percent)
{
    add_gauge(row_at(series, at_ns), &(struct series_row){
                                         .gauge_told = true,
                                         .live = live_visits,
                                         .waiting = waiting_visits,
                                         .busy_percent = generator_busy_percent,
                                     });
}

/* What was not told in a step is as it was in the step before. */
static void carry_forward(struct series *series)
{
    for (uint32_t at = 1; at < series->row_count; at++) {
        struct series_row *row = &series->row[at];
        const struct series_row *before = row - 1;
        if (!row->units_told) {
            row->units_told = before->units_told;
            row->units_sold = before->units_sold;
        }
        if (!row->gauge_told) {
            row->gauge_told = before->gauge_told;
            row->live = before->live;
            row->waiting = before->waiting;
            row->busy_percent = before->busy_percent;
        }
    }
}

static void make_equally_long(struct series *series, struct series *other)
{
    while (series->step_ns < other->step_ns)
        double_the_step(series);
    while (other->step_ns < series->step_ns)
        double_the_step(other);
    uint32_t row_count =
        series->row_count > other->row_count ? series->row_count : other->row_count;
    series->row_count = row_count;
    other->row_count = row_count;
}

static void add_beside(struct series_row *row, const struct series_row *other)
{
    add_counts(row, other);
    row->units_told = row->units_told || other->units_told;
    row->units_sold += other->units_sold;
    row->gauge_told = row->gauge_told || other->gauge_told;
    row->live += other->live;
    row->waiting += other->waiting;
    if (row->busy_percent < other->busy_percent)
        row->busy_percent = other->busy_percent;
}

void series_add(struct series *series, struct series *other)
{
    make_equally_long(series, other);
    carry_forward(series);
    carry_forward(other);
    for (uint32_t at = 0; at < series->row_count; at++)
        add_beside(&series->row[at], &other->row[at]);
    for (int kind = 0; kind < REQUEST_KINDS; kind++) {
        histogram_add(&series->intended[kind], &other->intended[kind]);
        histogram_add(&series->service[kind], &other->service[kind]);
        for (int outcome = 0; outcome < SERIES_OUTCOMES; outcome++)
            series->outcome[kind][outcome] += other->outcome[kind][outcome];
    }
}
