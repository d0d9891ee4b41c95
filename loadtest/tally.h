/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tally - counts how often each word was heard: refusals by their code.
 *
 * Ownership  A plain value without pointers.
 * Threads    One at a time.
 * Units      Occurrences.
 * Errors     When every place is taken, a new word counts as "other".
 * Cost       O(distinct words), at most TALLY_WORDS_MAX.
 */
#ifndef HOTSHELF_LOADTEST_TALLY_H
#define HOTSHELF_LOADTEST_TALLY_H

#include <stdint.h>

#define TALLY_WORDS_MAX 64
#define TALLY_WORD_SIZE 40

struct tally {
    struct tally_word {
        char word[TALLY_WORD_SIZE];
        uint64_t count;
    } word[TALLY_WORDS_MAX];
    uint32_t word_count;
    uint64_t sum;
};

void tally_add(struct tally *tally, const char *word);

#endif
