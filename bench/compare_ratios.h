/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare_ratios - the ratios of a short comparison, as they were recorded, and what has become
 * worse.
 *
 * A file of lines "ratio | job | beside"; lines with # are words. A ratio more than twice as bad as
 * its record fails: machines and minutes differ by less, slow decay shows before.
 *
 * Ownership  Files are opened and closed here.
 * Threads    One.
 * Units      Ratios.
 * Errors     false after a line on stderr.
 * Cost       None.
 */
#ifndef HOTSHELF_BENCH_COMPARE_RATIOS_H
#define HOTSHELF_BENCH_COMPARE_RATIOS_H

#include "bench/compare_rows.h"

bool compare_ratios_write(const char *path, const struct compare_measured *rows, uint32_t count);

/* Prints each beside its record, ends with "N passed, N failed". */
bool compare_ratios_judge(const char *path, const struct compare_measured *rows, uint32_t count);

#endif
