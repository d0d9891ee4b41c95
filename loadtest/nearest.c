/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Levenshtein's distance in one row: `row[j]` is the distance of the letters of the word looked at
 * so far to the first j letters of the name.
 */
#include "loadtest/nearest.h"

#include <stdbool.h>
#include <string.h>

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t distance(const char *word, size_t word_size, const char *name, size_t name_size)
{
    uint32_t row[NEAREST_SIZE_MAX + 1];
    for (uint32_t j = 0; j <= name_size; j++)
        row[j] = j;
    for (size_t i = 0; i < word_size; i++) {
        uint32_t diagonal = row[0];
        row[0] = (uint32_t)i + 1;
        for (size_t j = 0; j < name_size; j++) {
            uint32_t replaced = diagonal + (word[i] != name[j]);
            diagonal = row[j + 1];
            row[j + 1] = smaller(replaced, smaller(row[j], diagonal) + 1);
        }
    }
    return row[name_size];
}

void nearest_offer(struct nearest *nearest, const char *name)
{
    size_t word_size = strlen(nearest->word);
    size_t name_size = strlen(name);
    if (word_size > NEAREST_SIZE_MAX || name_size > NEAREST_SIZE_MAX)
        return;
    uint32_t found = distance(nearest->word, word_size, name, name_size);
    bool is_near = found <= 1 || found <= name_size / 3;
    if (is_near && (nearest->best[0] == '\0' || found < nearest->best_distance)) {
        memcpy(nearest->best, name, name_size + 1);
        nearest->best_distance = found;
    }
}
