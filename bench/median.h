/* SPDX-License-Identifier: Apache-2.0 */
/*
 * median - the middle of a few numbers: one noisy neighbour does not move it.
 *
 * Ownership  The numbers are the caller's; they are sorted in place.
 * Threads    Any.
 * Units      Those of the numbers.
 * Errors     Of no numbers it is 0.
 * Cost       O(count log count).
 */
#ifndef HOTSHELF_BENCH_MEDIAN_H
#define HOTSHELF_BENCH_MEDIAN_H

#include <stdint.h>

/* Of an even count: the mean of the two in the middle. */
double median(double *numbers, uint32_t count);

#endif
