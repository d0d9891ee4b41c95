/* SPDX-License-Identifier: Apache-2.0 */
#include "persist/audit_index.h"

#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "persist/fatal.h"

enum { FIRST_COUNT = 64 };

/* Items are added one by one, so the list is full exactly when its count is a power of two. */
void *audit_grow(void *items, uint32_t count, size_t item_size)
{
    if (count != 0 && (count < FIRST_COUNT || (count & (count - 1)) != 0))
        return items;
    size_t room = count == 0 ? FIRST_COUNT : 2 * (size_t)count;
    uint8_t *grown = realloc(items, room * item_size);
    if (grown == NULL)
        fatal("out of memory for %zu items of %zu bytes", room, item_size);
    memset(grown + count * item_size, 0, (room - count) * item_size);
    return grown;
}

static struct audit_slot *slot_of(const struct audit_index *index, struct hash128 key)
{
    uint32_t at = (uint32_t)(key.low ^ key.high >> 7) & (index->slot_count - 1);
    while (index->slots[at].number_plus_1 != 0 &&
           (index->slots[at].key.low != key.low || index->slots[at].key.high != key.high))
        at = (at + 1) & (index->slot_count - 1);
    return &index->slots[at];
}

uint32_t audit_index_find(const struct audit_index *index, struct hash128 key)
{
    if (index->used == 0)
        return AUDIT_NONE;
    const struct audit_slot *slot = slot_of(index, key);
    return slot->number_plus_1 == 0 ? AUDIT_NONE : slot->number_plus_1 - 1;
}

static void make_room(struct audit_index *index)
{
    struct audit_index larger = {
        .slot_count = index->slot_count == 0 ? 2 * FIRST_COUNT : 2 * index->slot_count,
        .used = index->used};
    larger.slots = calloc(larger.slot_count, sizeof(*larger.slots));
    if (larger.slots == NULL)
        fatal("out of memory for %u entries", larger.slot_count);
    for (uint32_t i = 0; i < index->slot_count; i++) {
        if (index->slots[i].number_plus_1 != 0)
            *slot_of(&larger, index->slots[i].key) = index->slots[i];
    }
    free(index->slots);
    *index = larger;
}

void audit_index_add(struct audit_index *index, struct hash128 key, uint32_t number)
{
    if (2 * index->used >= index->slot_count)
        make_room(index);
    struct audit_slot *slot = slot_of(index, key);
    CHECK(slot->number_plus_1 == 0);
    *slot = (struct audit_slot){.key = key, .number_plus_1 = number + 1};
    index->used++;
}

void audit_index_free(struct audit_index *index)
{
    free(index->slots);
    *index = (struct audit_index){0};
}
