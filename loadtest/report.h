/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report - what the replay did and what the comparison found, for people and for programs.
 *
 * Ownership  None.
 * Threads    One.
 * Units      Latencies in microseconds, times in seconds.
 * Errors     report_json(): -1 after one line on stderr when the file cannot be written.
 * Cost       Nothing worth naming.
 */
#ifndef HOTSHELF_LOADTEST_REPORT_H
#define HOTSHELF_LOADTEST_REPORT_H

#include "loadtest/oracle.h"

struct report {
    const struct crowd *crowd;
    const struct oracle *oracle;
    const struct differences *differences;
    uint64_t units_sold;    /* of orders that stay confirmed */
    uint64_t units_ordered; /* of all acknowledged orders */
    uint64_t lines_ordered;
    uint64_t orders_cancelled; /* acknowledged, but no longer confirmed */
    double seconds;
};

struct report report_make(
    const struct crowd *crowd, const struct oracle *oracle, const struct differences *differences);

void report_text(const struct report *report);
int report_json(const struct report *report, const char *path);

#endif
