/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open addressing with linear probing. Nothing is ever removed, so an empty slot ends a search.
 */
#include "loadtest/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

int names_open(struct names *names, uint32_t capacity, size_t text_capacity)
{
    uint32_t slots = 16;
    while (slots / 2 < capacity)
        slots *= 2;
    /* One byte more for each name: its terminating NUL. */
    *names = (struct names){
        .text = malloc(text_capacity + capacity + 1),
        .text_capacity = text_capacity + capacity + 1,
        .offset = malloc(((size_t)capacity + 1) * sizeof(size_t)),
        .capacity = capacity,
        .slot = malloc(slots * sizeof(uint32_t)),
        .slot_mask = slots - 1,
    };
    if (names->text == NULL || names->offset == NULL || names->slot == NULL) {
        names_close(names);
        return -ENOMEM;
    }
    memset(names->slot, 0xff, slots * sizeof(uint32_t));
    return 0;
}

void names_close(struct names *names)
{
    free(names->text);
    free(names->offset);
    free(names->slot);
    *names = (struct names){0};
}

/* The slot that holds the text, or the empty one where it would go. */
static uint32_t *find_slot(const struct names *names, const char *text, size_t size)
{
    uint32_t at = (uint32_t)XXH3_64bits(text, size) & names->slot_mask;
    while (names->slot[at] != NAMES_NONE) {
        const char *known = names->text + names->offset[names->slot[at]];
        if (strncmp(known, text, size) == 0 && known[size] == '\0')
            break;
        at = (at + 1) & names->slot_mask;
    }
    return &names->slot[at];
}

uint32_t names_find(const struct names *names, const char *text, size_t size)
{
    return *find_slot(names, text, size);
}

uint32_t names_add(struct names *names, const char *text, size_t size)
{
    uint32_t *slot = find_slot(names, text, size);
    if (*slot != NAMES_NONE)
        return *slot;
    if (names->count == names->capacity || size + 1 > names->text_capacity - names->text_size)
        return NAMES_NONE;
    names->offset[names->count] = names->text_size;
    memcpy(names->text + names->text_size, text, size);
    names->text[names->text_size + size] = '\0';
    names->text_size += size + 1;
    *slot = names->count;
    return names->count++;
}

const char *names_text(const struct names *names, uint32_t number)
{
    return names->text + names->offset[number];
}
