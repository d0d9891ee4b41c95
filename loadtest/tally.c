/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list searched from the start: there are a few dozen codes, the frequent ones come first.
 */
#include "loadtest/tally.h"

#include <stdio.h>
#include <string.h>

void tally_add(struct tally *tally, const char *word)
{
    if (tally->word_count == TALLY_WORDS_MAX - 1)
        word = "other";
    uint32_t at = 0;
    while (at < tally->word_count && strncmp(tally->word[at].word, word, TALLY_WORD_SIZE - 1) != 0)
        at++;
    if (at == TALLY_WORDS_MAX)
        at--;
    if (at == tally->word_count) {
        snprintf(tally->word[at].word, TALLY_WORD_SIZE, "%s", word);
        tally->word_count++;
    }
    tally->word[at].count++;
    tally->sum++;
}
