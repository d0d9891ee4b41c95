/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/compare_rows.h"

#include "bench/median.h"

#include <string.h>

static const char *reason_of(const struct row *row, const compare_turns turns, uint32_t rounds)
{
    for (uint32_t round = 0; round < rounds; round++) {
        if (!turns[row->ours][round].is_measured)
            return turns[row->ours][round].reason;
        if (row->peer != NO_SIDE && !turns[row->peer][round].is_measured)
            return turns[row->peer][round].reason;
    }
    return NULL;
}

static double ours_value(const struct row *row, const struct turn *ours)
{
    return row->measure == MEASURE_P99 ? ours->p99_us : ours->us;
}

static double peer_value(const struct row *row, const struct turn *peer)
{
    return row->measure == MEASURE_P99 ? peer->p99_us + peer->sync_p99_us : peer->us;
}

static double ratio_of(const struct row *row, const struct turn *ours, const struct turn *peer)
{
    if (peer == NULL)
        return ours->us;
    if (row->measure == MEASURE_RATE)
        return ours->per_second / peer->per_second;
    double times = ours_value(row, ours) / peer_value(row, peer);
    return row->aim == AIM_AT_MOST ? times : 1 / times;
}

struct compare_measured compare_row_measure(
    const struct row *row, const compare_turns turns, uint32_t rounds)
{
    double value[7][COMPARE_ROUNDS_MAX] = {{0}};
    struct compare_measured measured = {.row = row, .reason = reason_of(row, turns, rounds)};
    if (measured.reason != NULL)
        return measured;
    for (uint32_t round = 0; round < rounds; round++) {
        const struct turn *ours = &turns[row->ours][round];
        const struct turn *peer = row->peer == NO_SIDE ? NULL : &turns[row->peer][round];
        value[0][round] = ours_value(row, ours);
        value[1][round] = peer == NULL ? 0 : peer_value(row, peer);
        value[2][round] = ours->per_second;
        value[3][round] = peer == NULL ? 0 : peer->per_second;
        value[4][round] = ratio_of(row, ours, peer);
        value[5][round] = ours->kernel_us;
        value[6][round] = peer == NULL ? 0 : peer->kernel_us;
    }
    measured.ours_us = median(value[0], rounds);
    measured.peer_us = median(value[1], rounds);
    measured.ours_per_second = median(value[2], rounds);
    measured.peer_per_second = median(value[3], rounds);
    measured.ours_kernel_us = median(value[5], rounds);
    measured.peer_kernel_us = median(value[6], rounds);
    measured.ratio = median(value[4], rounds); /* sorts */
    measured.ratio_min = value[4][0];
    measured.ratio_max = value[4][rounds - 1];
    measured.is_met =
        row->aim == AIM_AT_MOST ? measured.ratio <= row->target : measured.ratio >= row->target;
    return measured;
}

const char *compare_row_peer(const struct row *row)
{
    return row->peer == NO_SIDE ? "microseconds of CPU" : compare_sides[row->peer].name;
}

static const char *measure_name(const struct row *row)
{
    if (row->peer == NO_SIDE)
        return "us";
    switch (row->measure) {
    case MEASURE_CPU:
        return "cpu";
    case MEASURE_RATE:
        return "rate";
    case MEASURE_P99:
        return "p99";
    }
    return "";
}

static void print_row(FILE *out, const struct compare_measured *measured)
{
    const struct row *row = measured->row;
    fprintf(out, "%-44s %-36s ", row->job, compare_row_peer(row));
    if (measured->reason != NULL) {
        fprintf(out, "not measured: %s\n", measured->reason);
        return;
    }
    fprintf(out, "%9.0f %9.0f %8.2f %8.2f  %-4s %6.2f (%5.2f .. %5.2f)", measured->ours_per_second,
        measured->peer_per_second, measured->ours_us, measured->peer_us, measure_name(row),
        measured->ratio, measured->ratio_min, measured->ratio_max);
    if (row->target > 0)
        fprintf(out, " %s %5.2f  %s", row->aim == AIM_AT_MOST ? "<=" : ">=", row->target,
            measured->is_met ? "met" : "NOT MET");
    fputs("\n", out);
}

bool compare_rows_print(FILE *out, const struct compare_measured *rows, uint32_t count)
{
    bool all = true;
    fprintf(out, "\n%-44s %-36s %19s %17s  %s\n", "", "", "requests/s", "CPU us/request", "");
    fprintf(out, "%-44s %-36s %9s %9s %8s %8s  %-4s %6s %16s %8s\n", "job", "beside", "ours", "it",
        "ours", "it", "", "ratio", "(min .. max)", "target");
    for (uint32_t at = 0; at < count; at++) {
        print_row(out, &rows[at]);
        all = all && rows[at].reason == NULL;
    }
    return all;
}

static void write_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void write_figures(FILE *out, const struct compare_measured *measured)
{
    const struct {
        const char *name;
        double value;
    } figures[] = {
        {"ours_us", measured->ours_us},
        {"peer_us", measured->peer_us},
        {"ours_kernel_us", measured->ours_kernel_us},
        {"peer_kernel_us", measured->peer_kernel_us},
        {"ours_per_second", measured->ours_per_second},
        {"peer_per_second", measured->peer_per_second},
        {"ratio", measured->ratio},
        {"ratio_min", measured->ratio_min},
        {"ratio_max", measured->ratio_max},
    };
    for (size_t at = 0; at < sizeof figures / sizeof figures[0]; at++) {
        fprintf(out, ", \"%s\": ", figures[at].name);
        if (measured->reason == NULL)
            fprintf(out, "%.3f", figures[at].value);
        else
            fputs("null", out);
    }
}

void compare_rows_json(FILE *out, const struct compare_measured *rows, uint32_t count)
{
    for (uint32_t at = 0; at < count; at++) {
        const struct compare_measured *measured = &rows[at];
        const struct row *row = measured->row;
        fprintf(out, "%s\n  {\"job\": \"%s\", \"peer\": \"%s\", \"measure\": \"%s\", ",
            at == 0 ? "" : ",", row->job, compare_row_peer(row), measure_name(row));
        fprintf(out, "\"not_measured\": ");
        if (measured->reason == NULL)
            fputs("null", out);
        else
            write_text(out, measured->reason);
        write_figures(out, measured);
        fprintf(out, ", \"target_kind\": \"%s\"", row->aim == AIM_AT_MOST ? "at_most" : "at_least");
        if (row->target > 0)
            fprintf(out, ", \"target\": %.2f, \"met\": %s}", row->target,
                measured->reason == NULL && measured->is_met ? "true" : "false");
        else
            fputs(", \"target\": null, \"met\": null}", out);
    }
}
