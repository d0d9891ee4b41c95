/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chance - numbers that look random and are the same for the same seed, on every machine.
 *
 * Either a row of them (struct chance), or one for a pair of numbers, whatever was drawn before:
 * that of a visit and a question about it, so that a run repeats though answers come in any order.
 *
 * Ownership  A plain value.
 * Threads    One each.
 * Units      chance_below() answers 0 to bound - 1; chance_unit() 0 to less than 1.
 * Errors     None.
 * Cost       A few instructions (SplitMix64).
 */
#ifndef HOTSHELF_LOADTEST_CHANCE_H
#define HOTSHELF_LOADTEST_CHANCE_H

#include <math.h>
#include <stdint.h>

struct chance {
    uint64_t state;
};

static inline uint64_t chance_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Rows of different `row` have nothing to do with each other. */
static inline struct chance chance_of(uint64_t seed, uint64_t row)
{
    return (struct chance){.state = chance_mix(seed * UINT64_C(0x9e3779b97f4a7c15) + row)};
}

static inline uint64_t chance_next(struct chance *chance)
{
    return chance_mix(chance->state += UINT64_C(0x9e3779b97f4a7c15));
}

static inline uint64_t chance_below(struct chance *chance, uint64_t bound)
{
    return chance_next(chance) % bound;
}

static inline double chance_unit_of(uint64_t number)
{
    return (double)(number >> 11) * 0x1p-53;
}

static inline double chance_unit(struct chance *chance)
{
    return chance_unit_of(chance_next(chance));
}

/* Memoryless, with a mean of 1, for a number of chance_next(). */
static inline double chance_exponential_of(uint64_t number)
{
    return -log1p(-chance_unit_of(number));
}

static inline double chance_exponential(struct chance *chance)
{
    return chance_exponential_of(chance_next(chance));
}

/* The number for one question about one thing. */
static inline uint64_t chance_for(uint64_t seed, uint32_t thing, uint64_t question)
{
    return chance_mix(seed * UINT64_C(0x9e3779b97f4a7c15) +
                      (((uint64_t)thing << 16) + question) * UINT64_C(0xbf58476d1ce4e5b9));
}

#endif
