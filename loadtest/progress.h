/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress - a line on stderr now and then, for who watches a run.
 *
 * Once a second on a terminal, every five seconds elsewhere.
 *
 * Ownership  A plain value.
 * Threads    One.
 * Units      Nanoseconds of CLOCK_MONOTONIC, microseconds for how long things took.
 * Errors     None: a line that cannot be written is no harm.
 * Cost       O(1) an answer, a line an interval.
 */
#ifndef HOTSHELF_LOADTEST_PROGRESS_H
#define HOTSHELF_LOADTEST_PROGRESS_H

#include "loadtest/histogram.h"

#include <stdbool.h>

struct crowd;

struct progress {
    struct histogram latency; /* since the last line */
    uint64_t told_ns;
    uint64_t interval_ns;
};

/* The first line: what is going to happen. */
void progress_begin(struct progress *progress, const struct crowd *crowd);

void progress_answer(struct progress *progress, uint64_t us);

/* After the last line: what is still given back, if it is time to tell. */
void progress_give_back(struct progress *progress, const struct crowd *crowd);

/* Tells, if it is time to; when it is the last line, in any case. */
void progress_tell(struct progress *progress, const struct crowd *crowd, bool is_last);

#endif
