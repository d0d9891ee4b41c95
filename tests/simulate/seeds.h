/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seeds - what the programs that walk from a seed have in common: how the seed is chosen, and how
 * they say which one it was when a CHECK ends the process.
 *
 * Ownership  None.
 * Threads    One: the words of seeds_repeat() are the process's.
 * Units      Seconds.
 * Errors     False: an argument that is no number.
 * Cost       None.
 */
#ifndef HOTSHELF_TESTS_SIMULATE_SEEDS_H
#define HOTSHELF_TESTS_SIMULATE_SEEDS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* "--scripts N"; without a value it is a switch, and becomes 1. */
struct seeds_option {
    const char *name;
    uint64_t *value;
    bool is_switch;
};

/* The seed is an argument, else $SEED, else of the clock. Options end with a name of NULL. */
bool seeds_read(int count, char **arguments, const struct seeds_option *options, uint64_t *seed);

/* If the process aborts from here on, it says that `seed` failed after `passed` others, and by
 * which words behind program and seed it is repeated. */
void seeds_repeat(const char *program, uint64_t seed, const char *words, uint64_t passed);

double seeds_clock(clockid_t clock);

#endif
