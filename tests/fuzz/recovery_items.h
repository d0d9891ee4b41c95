/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recovery_items - the script of the fuzzer of recovery, taken apart, changed and put together.
 *
 * Ownership  Items borrow the script.
 * Threads    One.
 * Units      Bytes.
 * Errors     What is cut short is made to fit.
 * Cost       Copies.
 */
#ifndef HOTSHELF_TESTS_FUZZ_RECOVERY_ITEMS_H
#define HOTSHELF_TESTS_FUZZ_RECOVERY_ITEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tests/fuzz/recovery.h"
#include "tests/lib/dice.h"

enum { ITEMS_MAX = 256, RECORD_HEADER_SIZE = 24 };

struct item {
    uint8_t flags;
    uint16_t size;
    const uint8_t *record;
};

/* The next item of a script; its size is cut to what is left. */
static inline bool next_item(const uint8_t **data, size_t *size, struct item *item)
{
    if (*size < ITEM_HEADER_SIZE + RECORD_HEADER_SIZE)
        return false;
    memcpy(&item->size, *data + 2, sizeof(item->size));
    item->flags = (*data)[0];
    item->record = *data + ITEM_HEADER_SIZE;
    if (item->size > *size - ITEM_HEADER_SIZE)
        item->size = (uint16_t)(*size - ITEM_HEADER_SIZE);
    if (item->size < RECORD_HEADER_SIZE)
        item->size = RECORD_HEADER_SIZE;
    *data += ITEM_HEADER_SIZE + item->size;
    *size -= ITEM_HEADER_SIZE + item->size;
    return true;
}

static inline uint32_t items_of(const uint8_t *data, size_t size, struct item *items)
{
    uint32_t count = 0;
    while (count < ITEMS_MAX && next_item(&data, &size, &items[count]))
        count++;
    return count;
}

static inline size_t append(uint8_t *out, size_t used, size_t size_max, const struct item *item)
{
    size_t size = (size_t)ITEM_HEADER_SIZE + item->size;
    if (used + size > size_max)
        return used;
    out[used] = item->flags;
    out[used + 1] = 0;
    memcpy(out + used + 2, &item->size, sizeof(item->size));
    memcpy(out + used + ITEM_HEADER_SIZE, item->record, item->size);
    return used + size;
}

/* A number of the fact or of a line is another one: near, none, large, or of another record. */
static inline void change_field(
    struct dice *dice, uint8_t *record, uint32_t size, const struct item *other)
{
    uint32_t width = 1u << dice_below(dice, 4);
    uint32_t from = dice_below(dice, 8) == 0 ? 4 : RECORD_HEADER_SIZE;
    if (size < from + width)
        return;
    uint32_t at = from + dice_below(dice, (size - from) / width) * width;
    uint64_t value = 0;
    memcpy(&value, record + at, width);
    switch (dice_below(dice, 6)) {
    case 0:
        value += 1;
        break;
    case 1:
        value -= 1;
        break;
    case 2:
        value = 0;
        break;
    case 3:
        value = dice_next(dice) >> dice_below(dice, 64);
        break;
    case 4:
        value = UINT64_MAX >> dice_below(dice, 64);
        break;
    case 5:
        if (at + width <= other->size)
            memcpy(&value, other->record + at, width);
        break;
    }
    memcpy(record + at, &value, width);
}

#endif
