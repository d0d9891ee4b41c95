/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash128 - a 128-bit hash (XXH3) or key, as two words; all zero: there is none.
 *
 * Ownership  A value.
 * Threads    None.
 * Units      None.
 * Errors     None.
 * Cost       Two words.
 */
#ifndef HOTSHELF_CORE_HASH128_H
#define HOTSHELF_CORE_HASH128_H

#include <stdbool.h>
#include <stdint.h>

struct hash128 {
    uint64_t low, high;
};

static inline bool hash128_equal(struct hash128 a, struct hash128 b)
{
    return a.low == b.low && a.high == b.high;
}

static inline bool hash128_is_set(struct hash128 hash)
{
    return (hash.low | hash.high) != 0;
}

#endif
