/* SPDX-License-Identifier: Apache-2.0 */
/*
 * histogram - how long things took, in fixed memory, to better than one part in 64.
 *
 *     0 .. 127 us: a bucket each; above, every doubling is cut into 64 equal buckets
 *
 * Ownership  A plain value without pointers.
 * Threads    One at a time.
 * Units      Microseconds, up to HISTOGRAM_MAX_US; what is longer counts as that long (the exact
 *            maximum is kept beside).
 * Errors     None. Of an empty histogram every number is 0.
 * Cost       record: O(1); percentile and add: O(buckets).
 */
#ifndef HOTSHELF_LOADTEST_HISTOGRAM_H
#define HOTSHELF_LOADTEST_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_SUB_BUCKETS 64
#define HISTOGRAM_DOUBLINGS 26
#define HISTOGRAM_BUCKETS (HISTOGRAM_SUB_BUCKETS * (HISTOGRAM_DOUBLINGS + 2))
#define HISTOGRAM_MAX_US ((UINT64_C(1) << (HISTOGRAM_DOUBLINGS + 7)) - 1)

struct histogram {
    uint64_t bucket[HISTOGRAM_BUCKETS];
    uint64_t count;
    uint64_t sum_us;
    uint64_t max_us;
};

void histogram_record(struct histogram *histogram, uint64_t us);

/* All that was recorded in the other one counts in this one, too. */
void histogram_add(struct histogram *histogram, const struct histogram *other);

/* The smallest time that `percent` of all recorded ones do not exceed, rounded up to its bucket. */
uint64_t histogram_percentile_us(const struct histogram *histogram, double percent);

#endif
