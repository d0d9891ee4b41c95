/* SPDX-License-Identifier: Apache-2.0 */
/*
 * result - what there is to tell of a run, as one JSON object: "hotshelf-loadtest 2".
 *
 * Programs read it (--json), the page of a run carries it (--html), `compare` takes two of them.
 * Members carry their unit. Texts of others are escaped, and what is no UTF-8 in them is replaced,
 * so that every result can be read by every reader.
 *
 * Ownership  None.
 * Threads    One.
 * Units      Microseconds for latencies, seconds for times; what was not measured is null.
 * Errors     Those of the stream: ferror().
 * Cost       O(rows of the series + buckets of the histograms).
 */
#ifndef HOTSHELF_LOADTEST_RESULT_H
#define HOTSHELF_LOADTEST_RESULT_H

#include "loadtest/report.h"

void result_write(FILE *file, const struct report *report);

#endif
