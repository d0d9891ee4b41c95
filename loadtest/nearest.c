/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The optimal string alignment distance: `row[j]` is that of the letters of the word looked at so
 * far to the first j letters of the name, `above` one letter of the word before, `before` two.
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
    uint32_t rows[3][NEAREST_SIZE_MAX + 1];
    for (uint32_t j = 0; j <= name_size; j++)
        rows[0][j] = j;
    for (uint32_t i = 1; i <= word_size; i++) {
        uint32_t *row = rows[i % 3];
        const uint32_t *above = rows[(i + 2) % 3];
        const uint32_t *before = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= name_size; j++) {
            uint32_t replaced = above[j - 1] + (word[i - 1] != name[j - 1]);
            row[j] = smaller(replaced, smaller(row[j - 1], above[j]) + 1);
            if (i > 1 && j > 1 && word[i - 1] == name[j - 2] && word[i - 2] == name[j - 1])
                row[j] = smaller(row[j], before[j - 2] + 1);
        }
    }
    return rows[word_size % 3][name_size];
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
