/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/compare_ratios.h"

#include "bench/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WORSE_MAX 2.0
#define LINE_SIZE 256

static void write_place(const struct row *row, char place[LINE_SIZE])
{
    snprintf(place, LINE_SIZE, " | %s | %s", row->job, compare_row_peer(row));
}

bool compare_ratios_write(const char *path, const struct compare_measured *rows, uint32_t count)
{
    char place[LINE_SIZE];
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        fprintf(stderr, "hotshelf-bench: %s: %s\n", path, strerror(errno));
        return false;
    }
    fputs("# SPDX-License-Identifier: Apache-2.0\n"
          "# From hotshelf-bench compare --short --record; ./test compare holds against it.\n",
        file);
    for (uint32_t at = 0; at < count; at++) {
        write_place(rows[at].row, place);
        fprintf(file, "%.2f%s\n", rows[at].ratio, place);
    }
    return options_close_output(file, path);
}

/* 0: there is none. */
static double find_record(FILE *file, const struct row *row)
{
    char line[LINE_SIZE], place[LINE_SIZE];
    write_place(row, place);
    rewind(file);
    while (fgets(line, sizeof line, file) != NULL) {
        char *end = line;
        double ratio = strtod(line, &end);
        end[strcspn(end, "\n")] = '\0';
        if (end != line && strcmp(end, place) == 0)
            return ratio;
    }
    return 0;
}

static bool judge_row(FILE *file, const struct compare_measured *measured)
{
    const struct row *row = measured->row;
    double record = find_record(file, row);
    double worse = row->aim == AIM_AT_MOST ? measured->ratio / record : record / measured->ratio;
    if (measured->reason != NULL) {
        printf("failed: %s beside %s: not measured: %s\n", row->job, compare_row_peer(row),
            measured->reason);
        return false;
    }
    if (record <= 0) {
        printf("failed: %s beside %s: %.2f has no record; write one with --record\n", row->job,
            compare_row_peer(row), measured->ratio);
        return false;
    }
    bool good = worse <= WORSE_MAX;
    printf("%s %s beside %s: %.2f, recorded %.2f\n", good ? "ok:    " : "failed:", row->job,
        compare_row_peer(row), measured->ratio, record);
    return good;
}

bool compare_ratios_judge(const char *path, const struct compare_measured *rows, uint32_t count)
{
    uint32_t failed = 0;
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fprintf(stderr, "hotshelf-bench: %s: %s\n", path, strerror(errno));
        return false;
    }
    for (uint32_t at = 0; at < count; at++)
        failed += !judge_row(file, &rows[at]);
    fclose(file);
    printf("%u passed, %u failed\n", count - failed, failed);
    return failed == 0;
}
