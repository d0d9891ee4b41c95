/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One function for each member or group of members, in the order of the file. Every group ends with
 * its comma, and "differences" is the last: so nobody has to know who comes next.
 */
#include "loadtest/result.h"

#include "loadtest/scenario_keys.h"

#include <limits.h>
#include <string.h>

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

static const char *word(bool flag)
{
    return flag ? "true" : "false";
}

/* How many bytes of a valid UTF-8 character start here; 0: it is none. */
static size_t character_size(const unsigned char *at)
{
    size_t size = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    if (at[0] > 0xf4)
        return 0;
    for (size_t follower = 1; follower < size; follower++) {
        if ((at[follower] & 0xc0) != 0x80)
            return 0;
    }
    bool overlong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
    bool surrogate = at[0] == 0xed && at[1] > 0x9f;
    bool beyond = at[0] == 0xf4 && at[1] > 0x8f;
    return overlong || surrogate || beyond ? 0 : size;
}

void result_text(FILE *file, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    fputc('"', file);
    while (*at != '\0') {
        size_t size = character_size(at);
        if (size == 0)
            fputs("\\ufffd", file);
        else if (*at == '"' || *at == '\\')
            fprintf(file, "\\%c", *at);
        else if (*at < 0x20 || *at == 0x7f)
            fprintf(file, "\\u%04x", *at);
        else
            fwrite(at, 1, size, file);
        at += size == 0 ? 1 : size;
    }
    fputc('"', file);
}

static void write_name(FILE *file, const char *name, const char *text)
{
    fprintf(file, "  \"%s\": ", name);
    result_text(file, text);
    fputs(",\n", file);
}

/* Every key of the scenario but those that stand in members of their own. */
static void write_settings(FILE *file, const struct scenario *scenario)
{
    char text[PATH_MAX];
    const char *before = "";
    fputs("  \"settings\": {", file);
    for (uint32_t at = 0; at < scenario_key_count; at++) {
        const struct scenario_key *key = &scenario_keys[at];
        if (strcmp(key->section, "scenario") == 0)
            continue;
        fprintf(file, "%s\"%s.%s\": ", before, key->section, key->name);
        if (scenario_key_tell(scenario, key, text, sizeof text))
            fputs(text, file);
        else
            result_text(file, text);
        before = ", ";
    }
    fputs("},\n", file);
}

static void write_about(FILE *file, const struct report *report)
{
    const struct options *options = report->crowd->options;
    const struct scenario *scenario = &report->crowd->plan->scenario;
    write_name(file, "format", RESULT_FORMAT);
    write_name(file, "what", report->what);
    write_name(file, "scenario", report->scenario);
    write_name(file, "url", report->url);
    write_name(file, "protocol", report->protocol);
    write_name(file, "run", report->crowd->ledger.run);
    write_name(file, "started_at", report->started_at);
    write_name(file, "mode", scenario->mode[0] == '\0' ? "as the server has it" : scenario->mode);
    fprintf(file, "  \"seed\": %llu,\n  \"connections\": %u,\n  \"rate\": %g,\n",
        wide(options->seed), report->crowd->buyer_count,
        plan_is_open_loop(report->crowd->plan) ? scenario->arrivals.rate : 0);
    write_settings(file, scenario);
}

static void write_numbers(FILE *file, const struct report *report)
{
    const struct crowd *crowd = report->crowd;
    const struct crowd_numbers *numbers = &crowd->numbers;
    const struct oracle *oracle = report->oracle;
    double seconds = report->seconds > 0 ? report->seconds : 1e-3;
    fprintf(file, "  \"seconds\": %.3f,\n  \"requests_per_second\": %.1f,\n", report->seconds,
        (double)numbers->answered / seconds);
    fprintf(file, "  \"baskets\": %u,\n  \"orders_acknowledged\": %llu,\n", crowd->baskets->count,
        wide(crowd->ledger.ordered_count));
    fprintf(file, "  \"nothing_left\": %llu,\n  \"gave_up\": %llu,\n  \"failed\": %llu,\n",
        wide(numbers->state_count[PURCHASE_NOTHING_LEFT]),
        wide(numbers->state_count[PURCHASE_GAVE_UP]), wide(numbers->state_count[PURCHASE_FAILED]));
    fprintf(file, "  \"units_ordered\": %llu,\n  \"units_sold\": %llu,\n",
        wide(report->units_ordered), wide(report->units_sold));
    fprintf(file, "  \"orders_cancelled\": %llu,\n  \"answers_replayed\": %llu,\n",
        wide(report->orders_cancelled), wide(numbers->replayed));
    if (oracle->has_stock)
        fprintf(file, "  \"skus\": %llu,\n  \"skus_sold_out\": %u,\n  \"units_at_start\": %lld,\n",
            wide(oracle->stock.sku_count), oracle->stock.sold_out_count,
            (long long)oracle->units_at_start);
    if (oracle->has_postgres)
        fprintf(file, "  \"postgres_orders\": %llu,\n  \"postgres_catch_up_seconds\": %.3f,\n",
            wide(oracle->postgres.order_count), oracle->postgres.wait_seconds);
}

static void write_tally(FILE *file, const char *name, const struct tally *tally)
{
    fprintf(file, "  \"%s\": {", name);
    for (uint32_t at = 0; at < tally->word_count; at++) {
        fputs(at == 0 ? "" : ", ", file);
        result_text(file, tally->word[at].word);
        fprintf(file, ": %llu", wide(tally->word[at].count));
    }
    fputs("},\n", file);
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

static void write_latencies(FILE *file, const char *name, const struct histogram *of_kind)
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

static void write_series(FILE *file, const struct series *series)
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
static void write_requests(FILE *file, const struct series *series)
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

static void write_outcomes(FILE *file, const struct report *report)
{
    const struct crowd *crowd = report->crowd;
    const uint64_t *count = crowd->numbers.state_count;
    fprintf(file,
        "  \"outcomes\": {\"ordered\": %llu, \"cancelled\": %llu, \"nothing_left\": %llu, "
        "\"gave_up\": %llu, \"abandoned\": %llu, \"looked\": %llu, \"failed\": %llu},\n",
        wide(crowd->ledger.ordered_count - report->orders_cancelled),
        wide(report->orders_cancelled), wide(count[PURCHASE_NOTHING_LEFT]),
        wide(count[PURCHASE_GAVE_UP]), wide(count[PURCHASE_ABANDONED]),
        wide(count[PURCHASE_LOOKED]), wide(count[PURCHASE_FAILED]));
}

static void write_generator(FILE *file, const struct report_generator *generator)
{
    fprintf(file,
        "  \"generator\": {\"busy_percent\": %.1f, \"late_p99_us\": %llu, \"limited\": %s, "
        "\"says\": ",
        generator->busy_percent, wide(generator->late_p99_us), word(generator->limited));
    result_text(file, generator->says);
    fputs("},\n", file);
}

static void write_differences(FILE *file, const struct differences *differences)
{
    const char *before = "";
    fputs("\"differences\": {", file);
    for (int kind = 0; kind < DIFFERENCES; kind++) {
        if (differences->count[kind] == 0)
            continue;
        fprintf(file, "%s\"%s\": %llu", before, difference_name((enum difference)kind),
            wide(differences->count[kind]));
        before = ", ";
    }
    fputc('}', file);
}

static void write_verdict(FILE *file, const struct report *report)
{
    const struct verdict *verdict = &report->verdict;
    fprintf(file,
        "  \"verdict\": {\"correct\": %s, \"finished\": %s, \"oversold\": %llu, "
        "\"stranded\": %llu, \"lost\": %llu, \"duplicated\": %llu,\n"
        "    \"compared\": {\"server\": %s, \"postgres\": %s},\n    \"says\": ",
        word(verdict->correct), word(verdict->finished), wide(verdict->oversold),
        wide(verdict->stranded), wide(verdict->lost), wide(verdict->duplicated),
        word(verdict->server_compared), word(verdict->postgres_compared));
    result_text(file, verdict->says);
    fputs(", ", file);
    write_differences(file, report->differences);
    fputs("},\n", file);
}

void result_write(FILE *file, const struct report *report)
{
    const struct crowd *crowd = report->crowd;
    fputs("{\n", file);
    write_about(file, report);
    write_numbers(file, report);
    write_outcomes(file, report);
    write_generator(file, &report->generator);
    write_verdict(file, report);
    write_tally(file, "refused", &crowd->numbers.refusals);
    write_tally(file, "sent_again", &crowd->numbers.retries);
    write_requests(file, &crowd->series);
    write_latencies(file, "latency_us", crowd->series.intended);
    write_latencies(file, "service_us", crowd->series.service);
    write_series(file, &crowd->series);
    fputs("  ", file);
    write_differences(file, report->differences);
    fputs("\n}\n", file);
}
