/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bucket of a number is its highest bit (which doubling) and the six bits below it.
 */
#include "loadtest/histogram.h"

_Static_assert(HISTOGRAM_SUB_BUCKETS == 1 << 6, "bucket_of() shifts by six bits");

static uint32_t bucket_of(uint64_t us)
{
    if (us < 2 * HISTOGRAM_SUB_BUCKETS)
        return (uint32_t)us;
    if (us > HISTOGRAM_MAX_US)
        us = HISTOGRAM_MAX_US;
    uint32_t shift = 63 - 6 - (uint32_t)__builtin_clzll(us);
    return (shift + 1) * HISTOGRAM_SUB_BUCKETS +
           (uint32_t)((us >> shift) & (HISTOGRAM_SUB_BUCKETS - 1));
}

static uint64_t highest_of(uint32_t bucket)
{
    if (bucket < 2 * HISTOGRAM_SUB_BUCKETS)
        return bucket;
    uint32_t shift = bucket / HISTOGRAM_SUB_BUCKETS - 1;
    uint64_t leading = HISTOGRAM_SUB_BUCKETS + bucket % HISTOGRAM_SUB_BUCKETS;
    return ((leading + 1) << shift) - 1;
}

void histogram_record(struct histogram *histogram, uint64_t us)
{
    histogram->bucket[bucket_of(us)]++;
    histogram->count++;
    histogram->sum_us += us;
    if (us > histogram->max_us)
        histogram->max_us = us;
}

void histogram_add(struct histogram *histogram, const struct histogram *other)
{
    if (other->count == 0)
        return;
    for (uint32_t bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++)
        histogram->bucket[bucket] += other->bucket[bucket];
    histogram->count += other->count;
    histogram->sum_us += other->sum_us;
    if (other->max_us > histogram->max_us)
        histogram->max_us = other->max_us;
}

uint64_t histogram_percentile_us(const struct histogram *histogram, double percent)
{
    double wanted = (double)histogram->count * percent / 100.0;
    uint64_t passed = 0;
    for (uint32_t bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        passed += histogram->bucket[bucket];
        if (passed > 0 && (double)passed >= wanted)
            return highest_of(bucket) < histogram->max_us ? highest_of(bucket) : histogram->max_us;
    }
    return histogram->max_us;
}
