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

enum {
    MOVES = 100000,
    MOVES_AT_ONCE = 5000,
    AT_WORK = 100,
    SKUS = 4096,
    SKU = 7,
    EMPTY = 8,
    STOCK_UNITS = 2000000000
};

struct stock_bench {
    struct room room;
    struct stock stock;
    struct pair pair;
    _Alignas(64) _Atomic uint64_t others; /* moves of the other core */
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
    struct stock_bench *bench = context;
    for (uint64_t moves = 0; !pair_stops(pair); moves++) {
        take_and_give(bench, 0, 1);
        atomic_store_explicit(&bench->others, moves, memory_order_relaxed);
    }
}

/* The other core may be somebody else's just now: then nobody contends. */
static void await_other(void *context, uint32_t first, uint32_t count)
{
    struct stock_bench *bench = context;
    uint64_t before = atomic_load_explicit(&bench->others, memory_order_relaxed);
    measure_keep(first + count);
    for (uint64_t looks = 0;
         atomic_load_explicit(&bench->others, memory_order_relaxed) < before + AT_WORK; looks++) {
        CHECK(looks < PAIR_LOOKS_MAX);
        pair_pause();
    }
}

static void *open_contended(const struct measure_case *own)
{
    struct stock_bench *bench = open_stock(own);
    if (bench != NULL)
        atomic_init(&bench->others, 0);
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
        if (i % MOVES_AT_ONCE == 0)
            await_other(bench, 0, 0);
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
        .before = await_other,
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
