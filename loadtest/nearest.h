/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nearest - the name that somebody probably meant, for "did you mean refresh_storm?".
 *
 * Ownership  Borrows the word, copies the name that is nearest.
 * Threads    Any.
 * Units      Letters to insert, remove, replace or swap with their neighbour.
 * Errors     `best` stays "" when nothing is near: more than a third of the letters differ.
 * Cost       O(size of the word x size of the name) an offer; for error messages only.
 */
#ifndef HOTSHELF_LOADTEST_NEAREST_H
#define HOTSHELF_LOADTEST_NEAREST_H

#include <stdint.h>

#define NEAREST_SIZE_MAX 63

struct nearest {
    const char *word;
    char best[NEAREST_SIZE_MAX + 1];
    uint32_t best_distance;
};

void nearest_offer(struct nearest *nearest, const char *name);

#endif
