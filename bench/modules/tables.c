/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hotshelf-bench tables: the hash table that every kind of entity is found by.
 *
 * Small ones lie in the caches, large ones have a million and a half places and do not. A look-up
 * that finds something begins only when the one before is known, as those of a request do: so what
 * is told is how long one takes, not how many a processor can have under way; of those that find
 * nothing it may guess so, and go on. As everywhere the table compares hashes and the caller keys,
 * which lie where the index says.
 */
#include <stdlib.h>

#include "bench/modules/core_module.h"
#include "bench/modules/room.h"
#include "core/check.h"
#include "core/table.h"

/* Three quarters of a power of two: no table is fuller. */
enum { SMALL = 3072, LARGE = 3 << 19, LOOKUPS_SMALL = 20000, LOOKUPS_LARGE = 100000 };

struct tables_bench {
    struct room room;
    struct table table;
    uint64_t *keys; /* of the entries, by index */
    uint32_t used;
    uint64_t dice;
    uint64_t *asked; /* of this round */
};

/* Numbers that repeat with the same seed only (Vigna's splitmix64). */
static uint64_t roll(uint64_t *dice)
{
    uint64_t z = (*dice += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static void close_tables(void *context)
{
    struct tables_bench *bench = context;
    table_check(&bench->table);
    room_close(&bench->room);
    free(bench);
}

static void *open_tables(const struct measure_case *own)
{
    struct tables_bench *bench = calloc(1, sizeof *bench);
    uint64_t bytes = (uint64_t)own->scale * 24 + (uint64_t)own->count * 8 + 1024;
    if (bench == NULL || !room_open(&bench->room, 2 * bytes)) {
        free(bench);
        return NULL;
    }
    table_init(&bench->table, &bench->room.arena, "table", own->scale);
    bench->keys = arena_take(&bench->room.arena, "keys", own->scale, sizeof *bench->keys);
    bench->asked = arena_take(&bench->room.arena, "asked", own->count, sizeof *bench->asked);
    bench->used = (uint32_t)((uint64_t)own->scale * own->kind / 100);
    for (uint32_t i = 0; i < bench->used; i++) {
        bench->keys[i] = roll(&bench->dice);
        table_insert(&bench->table, (uint32_t)bench->keys[i], i);
    }
    return bench;
}

static void ask_known(void *context, uint32_t count)
{
    struct tables_bench *bench = context;
    for (uint32_t i = 0; i < count; i++)
        bench->asked[i] = bench->keys[roll(&bench->dice) % bench->used];
}

static void ask_unknown(void *context, uint32_t count)
{
    struct tables_bench *bench = context;
    for (uint32_t i = 0; i < count; i++)
        bench->asked[i] = roll(&bench->dice);
}

static uint32_t find(const struct tables_bench *bench, uint64_t key)
{
    uint32_t hash = (uint32_t)key, index, position = table_start(&bench->table, hash);
    while ((index = table_next(&bench->table, hash, &position)) != TABLE_NONE)
        if (bench->keys[index] == key)
            return index;
    return TABLE_NONE;
}

static void hit(void *context, uint32_t first, uint32_t count)
{
    const struct tables_bench *bench = context;
    uint32_t after = 0;
    for (uint32_t i = first; i < first + count; i++) {
        uint32_t index = find(bench, bench->asked[i + after]);
        CHECK(index != TABLE_NONE);
        after = measure_after(index);
    }
}

static void miss(void *context, uint32_t first, uint32_t count)
{
    const struct tables_bench *bench = context;
    uint32_t after = 0;
    for (uint32_t i = first; i < first + count; i++) {
        uint32_t index = find(bench, bench->asked[i + after]);
        CHECK(index == TABLE_NONE);
        after = measure_after(index);
    }
}

static void come_and_go(void *context, uint32_t first, uint32_t count)
{
    struct tables_bench *bench = context;
    for (uint32_t i = first; i < first + count; i++) {
        table_insert(&bench->table, (uint32_t)bench->asked[i], bench->used);
        table_remove(&bench->table, (uint32_t)bench->asked[i], bench->used);
    }
}

#define TABLE(title, what, percent, places, lookups, prepare, how)                                 \
    {                                                                                              \
        .name = (title), .operation = (what), .kind = (percent), .scale = (places),                \
        .count = (lookups), .is_cold = (places) == LARGE, .open = open_tables,                     \
        .close = close_tables, .round = (prepare), .parts = {                                      \
            {.run = (how)}                                                                         \
        }                                                                                          \
    }
#define SMALL_TABLE(what, percent)                                                                 \
    TABLE("hit_small_" #percent, "found, " what, percent, SMALL, LOOKUPS_SMALL, ask_known, hit),   \
        TABLE("miss_small_" #percent, "not found, " what, percent, SMALL, LOOKUPS_SMALL,           \
            ask_unknown, miss),                                                                    \
        TABLE("change_small_" #percent, "put in and taken out, " what, percent, SMALL,             \
            LOOKUPS_SMALL, ask_unknown, come_and_go)
#define LARGE_TABLE(what, percent)                                                                 \
    TABLE("hit_large_" #percent, "found, " what, percent, LARGE, LOOKUPS_LARGE, ask_known, hit),   \
        TABLE("miss_large_" #percent, "not found, " what, percent, LARGE, LOOKUPS_LARGE,           \
            ask_unknown, miss),                                                                    \
        TABLE("change_large_" #percent, "put in and taken out, " what, percent, LARGE,             \
            LOOKUPS_LARGE, ask_unknown, come_and_go)

static const struct measure_case cases[] = {
    SMALL_TABLE("1 % full, in the caches", 1),
    SMALL_TABLE("50 % full, in the caches", 50),
    SMALL_TABLE("95 % full, in the caches", 95),
    LARGE_TABLE("1 % full, 1.5 million places", 1),
    LARGE_TABLE("50 % full, 1.5 million places", 50),
    LARGE_TABLE("95 % full, 1.5 million places", 95),
};

const struct core_module tables_module = {
    .name = "tables",
    .summary = "look-ups and changes of a hash table, 1 to 95 % full",
    .cases = cases,
    .count = sizeof cases / sizeof cases[0],
};
