/* SPDX-License-Identifier: Apache-2.0 */
/*
 * result_parts - what result.c puts together; each call writes members and their commas.
 *
 * Ownership  None.
 * Threads    One.
 * Units      As result.h.
 * Errors     Those of the stream: ferror().
 * Cost       O(what there is).
 */
#ifndef HOTSHELF_LOADTEST_RESULT_PARTS_H
#define HOTSHELF_LOADTEST_RESULT_PARTS_H

#include "loadtest/scenario.h"
#include "loadtest/series.h"

#include <stdio.h>

/* "settings": every key of the scenario that no other member tells, as section.key. */
void result_settings(FILE *file, const struct scenario *scenario);

/* One histogram of each kind of request, as percentiles and curves. */
void result_latencies(FILE *file, const char *name, const struct histogram *of_kind);

void result_series(FILE *file, const struct series *series);

/* How requests of each kind ended, the ones that were sent again included. */
void result_requests(FILE *file, const struct series *series);

#endif
