/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The optimal string alignment distance, three rows of the table at a time. Letters are compared
 * without their case: "SKU" is at distance 0 of "sku", and still a wrong name.
 */
#include "net/nearest.h"

#include "core/check.h"

static uint8_t lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20) : byte;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t distance(struct bytes a, struct bytes b)
{
    uint32_t rows[3][NEAREST_SIZE_MAX + 1];
    uint32_t *before = rows[0], *above = rows[1], *row = rows[2];
    CHECK(a.size <= NEAREST_SIZE_MAX);
    CHECK(b.size <= NEAREST_SIZE_MAX);
    for (uint32_t j = 0; j <= b.size; j++)
        above[j] = j;
    for (uint32_t i = 1; i <= a.size; i++) {
        row[0] = i;
        for (uint32_t j = 1; j <= b.size; j++) {
            bool same = lower(a.data[i - 1]) == lower(b.data[j - 1]);
            row[j] = least(above[j - 1] + !same, least(above[j], row[j - 1]) + 1);
            bool swapped = i > 1 && j > 1 && lower(a.data[i - 1]) == lower(b.data[j - 2]) &&
                           lower(a.data[i - 2]) == lower(b.data[j - 1]);
            if (swapped)
                row[j] = least(row[j], before[j - 2] + 1);
        }
        uint32_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[b.size];
}

struct nearest nearest_to(struct bytes word)
{
    return (struct nearest){.word = word, .best_distance = UINT32_MAX};
}

void nearest_offer(struct nearest *nearest, const char *name)
{
    struct bytes offer = bytes_of_string(name);
    if (offer.size > NEAREST_SIZE_MAX || nearest->word.size > NEAREST_SIZE_MAX)
        return;
    uint32_t found = distance(nearest->word, offer);
    if (found > (offer.size + 2) / 3 || found >= nearest->best_distance)
        return;
    nearest->best = name;
    nearest->best_distance = found;
}

const char *nearest_name(const struct nearest *nearest)
{
    return nearest->best;
}
