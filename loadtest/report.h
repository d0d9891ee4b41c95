/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report - what the run did and what the comparison of the books found: as text for people, as JSON
 * for programs (result.h), as a page with plots (page.h).
 *
 * Ownership  None; what it points to must outlive it.
 * Threads    One.
 * Units      Latencies in microseconds, times in seconds.
 * Errors     report_files(): -1 after one line on stderr when a file cannot be written.
 * Cost       Nothing worth naming.
 */
#ifndef HOTSHELF_LOADTEST_REPORT_H
#define HOTSHELF_LOADTEST_REPORT_H

#include "loadtest/verdict.h"

#define REPORT_WORDS_SIZE 256
#define REPORT_MOMENT_SIZE 40

/* Whether the generator, not the server, was the limit. */
struct report_generator {
    double busy_percent;
    uint64_t late_p99_us;
    bool limited;
    char says[REPORT_WORDS_SIZE];
};

struct report {
    const struct crowd *crowd;
    const struct oracle *oracle;
    const struct differences *differences;
    const char *what;     /* run, replay */
    const char *scenario; /* its name; of a replay the file of orders */
    const char *protocol; /* http, resp */
    const char *url;
    char started_at[REPORT_MOMENT_SIZE]; /* RFC 3339 */
    uint64_t units_sold;                 /* of orders that stay confirmed */
    uint64_t units_ordered;              /* of all acknowledged orders */
    uint64_t lines_ordered;
    uint64_t orders_cancelled; /* acknowledged, but no longer confirmed */
    double seconds;
    struct report_generator generator;
    bool interrupted;
    struct verdict verdict;
};

struct report report_make(const struct crowd *crowd, const struct oracle *oracle);

void report_text(const struct report *report);

/* Writes what the options ask for: --json, --html. */
int report_files(const struct report *report);

#endif
