/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hotshelf-bench stock: the one word that all shards move units in.
 *
 * Contended is two cores that take and give back on one line as fast as they can, which no shop
 * does: between two takes of a shard lie the rest of its requests. How often an exchange has to be
 * tried again is counted with a loop of our own over the same word, since the product counts
 * nothing there.
 */
#include <stdlib.h>

#include "bench/modules/core_module.h"
#include "bench/modules/pair.h"
#include "bench/modules/room.h"
#include "core/check.h"
#include "core/stock.h"

enum { MOVES = 100000, SKUS = 4096, SKU = 7, EMPTY = 8, STOCK_UNITS = 2000000000 };

struct stock_bench {
    struct room room;
    struct stock stock;
    struct pair pair;
};

static void close_stock(void *context)
{
    struct stock_bench *bench = context;
    stock_check(&bench->stock);
    room_close(&bench->room);
    free(bench);
}

static void *open_stock(const struct measure_case *own)
{
    struct stock_bench *bench = aligned_alloc(64, (sizeof *bench + 63) / 64 * 64);
    (void)own;
    if (bench == NULL || !room_open(&bench->room, SKUS * sizeof(struct stock_line))) {
        free(bench);
        return NULL;
    }
    stock_init(&bench->stock, &bench->room.arena, SKUS);
    stock_derive(&bench->stock, SKU, STOCK_UNITS, 0, 0);
    stock_derive(&bench->stock, EMPTY, 1, 0, 1);
    return bench;
}

static void take(void *context, uint32_t first, uint32_t count)
{
    struct stock_bench *bench = context;
    for (uint32_t i = first; i < first + count; i++)
        CHECK(stock_take(&bench->stock, SKU, 1) == STOCK_TAKEN);
}

static void give(void *context, uint32_t first, uint32_t count)
{
    struct stock_bench *bench = context;
    for (uint32_t i = first; i < first + count; i++)
        stock_give(&bench->stock, SKU, 1);
}

static void refuse(void *context, uint32_t first, uint32_t count)
{
    struct stock_bench *bench = context;
    for (uint32_t i = first; i < first + count; i++)
        CHECK(stock_take(&bench->stock, EMPTY, 1) == STOCK_SOLD_OUT);
}

static void look(void *context, uint32_t first, uint32_t count)
{
    struct stock_bench *bench = context;
    uint32_t available, sum = 0;
    for (uint32_t i = first; i < first + count; i++) {
        CHECK(stock_look(&bench->stock, SKU, 1, &available) == STOCK_TAKEN);
        sum += available;
    }
    measure_keep(sum);
}

static void take_and_give(void *context, uint32_t first, uint32_t count)
{
    struct stock_bench *bench = context;
    for (uint32_t i = first; i < first + count; i++) {
        CHECK(stock_take(&bench->stock, SKU, 1) == STOCK_TAKEN);
        stock_give(&bench->stock, SKU, 1);
    }
}

static void contend(struct pair *pair, void *context)
{
    while (!pair_stops(pair))
        take_and_give(context, 0, 1);
}

static void *open_contended(const struct measure_case *own)
{
    struct stock_bench *bench = open_stock(own);
    if (bench == NULL || pair_start(&bench->pair, contend, bench))
        return bench;
    close_stock(bench);
    return NULL;
}

static void close_contended(void *context)
{
    struct stock_bench *bench = context;
    pair_stop(&bench->pair);
    close_stock(bench);
}

/* As stock_try() does it, but for the refusals. */
static double count_retries(void *context)
{
    struct stock_bench *bench = context;
    _Atomic uint64_t *line = &bench->stock.lines[SKU].word;
    uint64_t retries = 0;
    for (uint32_t i = 0; i < MOVES; i++) {
        uint64_t word = atomic_load_explicit(line, memory_order_acquire);
        while (!atomic_compare_exchange_weak_explicit(line, &word, word - 1 + (UINT64_C(1) << 32),
            memory_order_acq_rel, memory_order_acquire))
            retries++;
        stock_give(&bench->stock, SKU, 1);
    }
    return (double)retries / MOVES;
}

#define ALONE(title, what, how)                                                                    \
    {                                                                                              \
        .name = (title), .operation = (what), .count = MOVES, .open = open_stock,                  \
        .close = close_stock, .parts = {                                                           \
            {.run = how}                                                                           \
        }                                                                                          \
    }

static const struct measure_case cases[] = {
    {.name = "alone",
        .operation = "one unit of a line that nobody else touches",
        .count = MOVES,
        .open = open_stock,
        .close = close_stock,
        .parts = {{"take", take}, {"give", give}}},
    ALONE("refuse", "a take where nothing is left", refuse),
    ALONE("look", "what a take would answer", look),
    {.name = "contended",
        .operation = "a take and a give, two cores on one line",
        .count = MOVES,
        .has_threads = true,
        .open = open_contended,
        .close = close_contended,
        .parts = {{.run = take_and_give}},
        .extra = "retries",
        .read_extra = count_retries},
};

const struct core_module stock_module = {
    .name = "stock",
    .summary = "a unit taken and given back, alone and by two cores at once",
    .cases = cases,
    .count = sizeof cases / sizeof cases[0],
};
