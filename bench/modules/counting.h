/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counting - instructions of each part of each case, counted by valgrind, the same each time.
 *
 *     we --start--> valgrind (callgrind) --runs--> ourselves, with --under-valgrind
 *      ^                                              |  each case once, its parts called by
 *      +----reads---- one profile for each case <-----+  functions of known names (measure.h)
 *
 * A profile says how many instructions were spent in all calls of a function, with everything that
 * it called; so neither what prepares a case nor the loop around it is in the figure. Nothing in a
 * case depends on the clock, on addresses or on luck, and what does depend on the processor is kept
 * away: valgrind shows the program another one than ours, and the C library is told to use nothing
 * of it beyond what every x86-64 has.
 *
 * Ownership  Profiles are written to a directory in /tmp, which is removed.
 * Threads    One.
 * Units      Instructions for each operation.
 * Errors     false after a line on stderr: there is no valgrind, or the run under it failed.
 * Cost       Some 50 times as long as the same operations take, and a second for valgrind.
 */
#ifndef HOTSHELF_BENCH_MODULES_COUNTING_H
#define HOTSHELF_BENCH_MODULES_COUNTING_H

#include <stdbool.h>

#include "bench/modules/measure.h"

struct counting_result {
    double instructions[MEASURE_PARTS_MAX];
};

struct counting_plan {
    const struct measure_case *const *cases; /* that measure_is_counted() */
    struct counting_result *results;         /* one for each */
    uint32_t count;
    const char *directory;    /* for the profiles */
    const char *const *again; /* how to call us so that we play these cases; ends with NULL */
};

bool counting_run(const struct counting_plan *plan);

/* What we do under valgrind; slowed: this case makes a tenth more operations than it says, so that
 * tests can see a rise. NULL: none. */
bool counting_play(const struct measure_case *const *cases, uint32_t count, const char *slowed);

#endif
