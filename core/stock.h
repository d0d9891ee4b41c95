/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stock - how many units of each SKU are available, held and sold, for all shards at once.
 *
 *     available --take--> held --sell--> sold
 *         ^                 |              |
 *         +------give-------+----restock---+
 *
 *     allot:  nothing --> available     (allotment up)
 *     lower:  available --> held, then lowered: held --> nothing     (allotment down)
 *
 * For each SKU: available + held + sold == allotment. One word holds available and held, so every
 * answer comes from one load; sold is derived. A unit that a shard has taken and not yet recorded
 * is held: a bystander hears "held by others", not "sold out".
 *
 * Ownership  One struct stock for the process, in the shared arena; never freed.
 * Threads    Every shard calls these functions at once, without locks: one cache line per SKU.
 *            What touches the allotment (allot, lower, lowered, derive, reset, numbers) runs on
 *            shard 0 only.
 * Units      Whole units, at least 1 per move. sku_index is a slot of catalog.h, not the sku that
 *            customers see. Hints are milliseconds of the shelf clock.
 * Order      Take and lower before the record is written; give, sell, restock, allot and lowered
 *            only after the record is durable.
 * Errors     None; stock_take() answers how it went. A wrong index, or a move of units that are
 *            not there, is a bug (check.h).
 * Cost       take: one compare-and-swap when alone; the other moves: one atomic addition; no
 *            system call. stock_check(): O(SKUs).
 */
#ifndef HOTSHELF_CORE_STOCK_H
#define HOTSHELF_CORE_STOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/arena.h"

enum stock_answer { STOCK_TAKEN, STOCK_SOLD_OUT, STOCK_HELD_BY_OTHERS, STOCK_INSUFFICIENT };

struct stock_numbers {
    uint32_t allotment, available, held, sold;
};

struct stock_line {
    _Alignas(64) _Atomic uint64_t word; /* available in the low 32 bits, held in the high */
    _Atomic uint64_t next_release;      /* a hint; 0 unknown */
    _Atomic uint32_t allotment;
};

_Static_assert(sizeof(struct stock_line) == 64, "one cache line per SKU");

struct stock {
    struct stock_line *lines;
    uint32_t count;
};

void stock_init(struct stock *stock, struct arena *arena, uint32_t skus);

/* available -> held, all units or none. */
enum stock_answer stock_take(struct stock *stock, uint32_t sku_index, uint32_t units);

/* The same, and how many are available by the load that answered: of a refusal the two agree. */
enum stock_answer stock_try(
    struct stock *stock, uint32_t sku_index, uint32_t units, uint32_t *available);

/* What stock_take() would answer now, without taking; and how many are available. */
enum stock_answer stock_look(
    const struct stock *stock, uint32_t sku_index, uint32_t units, uint32_t *available);

/* held -> available. Only once the record that frees the units is durable, or at once for units
 * that were taken for a record that will not be written. */
void stock_give(struct stock *stock, uint32_t sku_index, uint32_t units);

/* held -> sold. */
void stock_sell(struct stock *stock, uint32_t sku_index, uint32_t units);

/* sold -> available. The caller knows that so many were sold (O2). */
void stock_restock(struct stock *stock, uint32_t sku_index, uint32_t units);

/* Allotment and available up; the sum must stay below 2^32 (shard 0 decided so). */
void stock_allot(struct stock *stock, uint32_t sku_index, uint32_t units);

/* available -> held, all units or none: what a lowering sets aside until its record is durable. */
bool stock_lower(struct stock *stock, uint32_t sku_index, uint32_t units);

/* held and allotment down, for units that stock_lower() set aside. */
void stock_lowered(struct stock *stock, uint32_t sku_index, uint32_t units);

/* Recovery: sets the line from what the tables of all shards add up to. */
void stock_derive(
    struct stock *stock, uint32_t sku_index, uint32_t allotment, uint32_t held, uint32_t sold);

/* A slot that another SKU gets: all zero. Nothing may be held. */
void stock_reset(struct stock *stock, uint32_t sku_index);

/* All four numbers of one moment: only shard 0 may ask, since only it changes allotments. */
struct stock_numbers stock_numbers(const struct stock *stock, uint32_t sku_index);

/* A hold of this SKU ends at `deadline_shelf_ms` (above 0): keeps the earliest noted that has not
 * passed by now. */
void stock_note_release(
    struct stock *stock, uint32_t sku_index, uint64_t deadline_shelf_ms, uint64_t now_shelf_ms);

/* The earliest deadline noted since the last one passed; 0 when unknown or passed by now. */
uint64_t stock_next_release(struct stock *stock, uint32_t sku_index, uint64_t now_shelf_ms);

/* Proves available + held <= allotment for every SKU. Only while no shard moves units. */
void stock_check(const struct stock *stock);

#endif
