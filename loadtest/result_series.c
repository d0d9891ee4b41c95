/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was measured, as series.h keeps it: a column of the table becomes an array, a histogram its
 * percentiles and a curve.
 */
#include "loadtest/result_parts.h"

static const double percentile[] = {50, 90, 99, 99.9, 99.99};
#define PERCENTILES (sizeof percentile / sizeof percentile[0])

/* From point to point of a curve the part of all that is above becomes this much of itself: five
 * points halve it. */
#define CURVE_STEP 0.8705505632961241
#define CURVE_POINTS_MAX 200

static unsigned long long wide(uint64_t number)
{
    return number;
}

/* From the fastest to the slowest; the last point is the maximum, at 100 %. */
static void write_curve(FILE *file, const struct histogram *histogram)
{
    double above = 1; /* the part of all that is not yet passed */
    fprintf(file, "\"curve\": [");
    for (uint32_t at = 0; at < CURVE_POINTS_MAX && above * (double)histogram->count >= 1; at++) {
        fprintf(file, "[%.8g, %llu], ", 100 * (1 - above),
            wide(histogram_percentile_us(histogram, 100 * (1 - above))));
        above *= CURVE_STEP;
    }
    fprintf(file, "[100, %llu]]", wide(histogram->max_us));
}

void result_latencies(FILE *file, const char *name, const struct histogram *of_kind)
{
    const char *before = "\n";
    fprintf(file, "  \"%s\": {", name);
    for (int kind = 0; kind < REQUEST_KINDS; kind++) {
        const struct histogram *latency = &of_kind[kind];
        if (latency->count == 0)
            continue;
        fprintf(file, "%s    \"%s\": {\"count\": %llu", before,
            request_kind_name((enum request_kind)kind), wide(latency->count));
        for (size_t at = 0; at < PERCENTILES; at++)
            fprintf(file, ", \"p%g\": %llu", percentile[at],
                wide(histogram_percentile_us(latency, percentile[at])));
        fprintf(file, ", \"max\": %llu,\n      ", wide(latency->max_us));
        write_curve(file, latency);
        fputc('}', file);
        before = ",\n";
    }
    fprintf(file, "\n  },\n");
}

enum column {
    COLUMN_PLANNED,
    COLUMN_BEGUN,
    COLUMN_REQUESTS,
    COLUMN_OK,
    COLUMN_REFUSED,
    COLUMN_PUSHED_BACK,
    COLUMN_FAILED,
    COLUMN_P50,
    COLUMN_P99,
    COLUMN_P999,
    COLUMN_MAX,
    COLUMN_UNITS_SOLD,
    COLUMN_LIVE,
    COLUMN_WAITING,
    COLUMNS
};

/* What a row has in a column; -1: it was not measured. */
static int64_t cell(const struct series_row *row, enum column column)
{
    bool answered = row->intended.count > 0;
    switch (column) {
    case COLUMN_PLANNED:
        return (int64_t)row->planned;
    case COLUMN_BEGUN:
        return (int64_t)row->begun;
    case COLUMN_REQUESTS:
        return (int64_t)(row->outcome[SERIES_OK] + row->outcome[SERIES_REFUSED] +
                         row->outcome[SERIES_PUSHED_BACK] + row->outcome[SERIES_FAILED]);
    case COLUMN_OK:
        return (int64_t)row->outcome[SERIES_OK];
    case COLUMN_REFUSED:
        return (int64_t)row->outcome[SERIES_REFUSED];
    case COLUMN_PUSHED_BACK:
        return (int64_t)row->outcome[SERIES_PUSHED_BACK];
    case COLUMN_FAILED:
        return (int64_t)row->outcome[SERIES_FAILED];
    case COLUMN_P50:
        return answered ? (int64_t)histogram_percentile_us(&row->intended, 50) : -1;
    case COLUMN_P99:
        return answered ? (int64_t)histogram_percentile_us(&row->intended, 99) : -1;
    case COLUMN_P999:
        return answered ? (int64_t)histogram_percentile_us(&row->intended, 99.9) : -1;
    case COLUMN_MAX:
        return answered ? (int64_t)row->intended.max_us : -1;
    case COLUMN_UNITS_SOLD:
        return row->units_told ? row->units_sold : -1;
    case COLUMN_LIVE:
        return row->gauge_told ? (int64_t)row->live : -1;
    case COLUMN_WAITING:
        return row->gauge_told ? (int64_t)row->waiting : -1;
    case COLUMNS:
        return -1;
    }
    return -1;
}

static const char *const column_name[COLUMNS] = {
    [COLUMN_PLANNED] = "planned",
    [COLUMN_BEGUN] = "begun",
    [COLUMN_REQUESTS] = "requests",
    [COLUMN_OK] = "ok",
    [COLUMN_REFUSED] = "refused",
    [COLUMN_PUSHED_BACK] = "pushed_back",
    [COLUMN_FAILED] = "failed",
    [COLUMN_P50] = "p50_us",
    [COLUMN_P99] = "p99_us",
    [COLUMN_P999] = "p99.9_us",
    [COLUMN_MAX] = "max_us",
    [COLUMN_UNITS_SOLD] = "units_sold",
    [COLUMN_LIVE] = "live",
    [COLUMN_WAITING] = "waiting",
};

static void write_column(FILE *file, const struct series *series, enum column column)
{
    int64_t before = column == COLUMN_UNITS_SOLD ? 0 : -1;
    fprintf(file, ",\n    \"%s\": [", column_name[column]);
    for (uint32_t at = 0; at < series->row_count; at++) {
        int64_t value = cell(&series->row[at], column);
        if (value < 0 && column == COLUMN_UNITS_SOLD)
            value = before; /* nothing was sold since */
        before = value;
        fputs(at == 0 ? "" : ", ", file);
        if (value < 0)
            fputs("null", file);
        else
            fprintf(file, "%lld", (long long)value);
    }
    fputc(']', file);
}

void result_series(FILE *file, const struct series *series)
{
    fprintf(file, "  \"series\": {\"step_seconds\": %g", (double)series->step_ns / 1e9);
    for (int column = 0; column < COLUMNS; column++)
        write_column(file, series, (enum column)column);
    fprintf(file, ",\n    \"generator_busy_percent\": [");
    for (uint32_t at = 0; at < series->row_count; at++) {
        const struct series_row *row = &series->row[at];
        fputs(at == 0 ? "" : ", ", file);
        if (row->gauge_told)
            fprintf(file, "%.1f", row->busy_percent);
        else
            fputs("null", file);
    }
    fputs("]\n  },\n", file);
}

/* How requests of each kind ended, the ones that were sent again included. */
void result_requests(FILE *file, const struct series *series)
{
    const char *before = "\n";
    fputs("  \"requests\": {", file);
    for (int kind = 0; kind < REQUEST_KINDS; kind++) {
        const uint64_t *outcome = series->outcome[kind];
        if (outcome[SERIES_OK] + outcome[SERIES_REFUSED] + outcome[SERIES_PUSHED_BACK] +
                outcome[SERIES_FAILED] ==
            0)
            continue;
        fprintf(file,
            "%s    \"%s\": {\"ok\": %llu, \"refused\": %llu, \"pushed_back\": %llu, "
            "\"failed\": %llu}",
            before, request_kind_name((enum request_kind)kind), wide(outcome[SERIES_OK]),
            wide(outcome[SERIES_REFUSED]), wide(outcome[SERIES_PUSHED_BACK]),
            wide(outcome[SERIES_FAILED]));
        before = ",\n";
    }
    fputs("\n  },\n", file);
}
