/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table - linear probing with backward shift.
 *
 * An entry lives in the run of occupied slots that begins at or before its home, hash & mask, and
 * no free slot lies between its home and itself: that is the whole invariant. Inserting puts it in
 * the first free slot. Removing leaves a hole, and every entry behind it whose home is not beyond
 * the hole moves into it, which moves the hole on, until the run ends.
 */
#include "core/table.h"

#include "core/check.h"

enum { TABLE_CAPACITY_MAX = 3 << 28 }; /* 2^30 slots, 8 GiB */

void table_init(struct table *table, struct arena *arena, const char *name, uint32_t capacity)
{
    CHECK(capacity >= 1);
    CHECK(capacity <= TABLE_CAPACITY_MAX);

    uint32_t slot_count = 4;
    while ((uint64_t)slot_count * 3 < (uint64_t)capacity * 4)
        slot_count *= 2;
    *table = (struct table){
        .slots = arena_take(arena, name, slot_count, sizeof(struct table_slot)),
        .mask = slot_count - 1,
        .capacity = capacity,
    };
}

void table_insert(struct table *table, uint32_t hash, uint32_t index)
{
    CHECK(table->used < table->capacity);
    CHECK(index != TABLE_NONE);

    uint32_t position = table_start(table, hash);
    while (table->slots[position].link != 0) {
        CHECK(table->slots[position].link != index + 1 || table->slots[position].hash != hash);
        position = (position + 1) & table->mask;
    }
    table->slots[position] = (struct table_slot){.hash = hash, .link = index + 1};
    table->used++;
}

static uint32_t find_slot(const struct table *table, uint32_t hash, uint32_t index)
{
    uint32_t position = table_start(table, hash);
    while (table->slots[position].hash != hash || table->slots[position].link != index + 1) {
        CHECK(table->slots[position].link != 0);
        position = (position + 1) & table->mask;
    }
    return position;
}

void table_remove(struct table *table, uint32_t hash, uint32_t index)
{
    CHECK(index != TABLE_NONE);
    uint32_t hole = find_slot(table, hash, index);

    uint32_t position = (hole + 1) & table->mask;
    while (table->slots[position].link != 0) {
        uint32_t from_home = (position - table->slots[position].hash) & table->mask;
        uint32_t from_hole = (position - hole) & table->mask;
        if (from_home >= from_hole) {
            table->slots[hole] = table->slots[position];
            hole = position;
        }
        position = (position + 1) & table->mask;
    }
    table->slots[hole] = (struct table_slot){0};
    table->used--;
}

/* Walks the runs from a free slot, so that each is met from its beginning, and once. */
void table_check(const struct table *table)
{
    uint32_t first_free = 0;
    while (table->slots[first_free].link != 0) {
        CHECK(first_free < table->mask);
        first_free++;
    }

    uint32_t used = 0;
    uint32_t run = 0; /* occupied slots just before this one, without a gap */
    for (uint32_t i = 1; i <= table->mask; i++) {
        uint32_t position = (first_free + i) & table->mask;
        struct table_slot slot = table->slots[position];
        if (slot.link == 0) {
            run = 0;
            continue;
        }
        CHECK(((position - slot.hash) & table->mask) <= run);
        run++;
        used++;
    }
    CHECK(used == table->used);
    CHECK(used <= table->capacity);
}
