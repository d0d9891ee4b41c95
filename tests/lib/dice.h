/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dice - random numbers for tests that print their seed and repeat exactly with SEED=n.
 *
 * Ownership  A plain value.
 * Threads    One each.
 * Units      dice_below() answers 0 to bound - 1.
 * Errors     None.
 * Cost       A few instructions (SplitMix64).
 */
#ifndef HOTSHELF_TESTS_LIB_DICE_H
#define HOTSHELF_TESTS_LIB_DICE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct dice {
    uint64_t state;
};

static inline struct dice dice_of(uint64_t seed)
{
    return (struct dice){.state = seed};
}

/* From SEED in the environment, else from the clock; says which. */
static inline struct dice dice_seeded(const char *test)
{
    const char *given = getenv("SEED");
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)now.tv_nsec;
    printf("%s: SEED=%llu\n", test, (unsigned long long)seed);
    return dice_of(seed);
}

static inline uint64_t dice_next(struct dice *dice)
{
    uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline uint32_t dice_below(struct dice *dice, uint32_t bound)
{
    return (uint32_t)(dice_next(dice) % bound);
}

#endif
