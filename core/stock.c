/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stock - one word per SKU, so that a shard decides from one load and moves with one instruction.
 *
 * take loads the word, answers when there is too little, and else exchanges it, again when another
 * shard was faster: it is the only move that may find too little. The moves out of held and back
 * from sold concern units that the caller owns, so they are plain additions; each looks at the
 * value it met and ends the process when the units were not there.
 *
 * Order: a move that gives units back releases, a take acquires, so whoever takes a unit sees what
 * its former owner did before. The two halves never carry into each other: available + held is at
 * most the allotment, which is below 2^32.
 */
#include "core/stock.h"

#include <stdatomic.h>

#include "core/bugs.h"
#include "core/check.h"

static struct stock_line *line_at(const struct stock *stock, uint32_t sku_index)
{
    CHECK(sku_index < stock->count);
    return &stock->lines[sku_index];
}

static uint32_t available_of(uint64_t word)
{
    return (uint32_t)word;
}

static uint32_t held_of(uint64_t word)
{
    return (uint32_t)(word >> 32);
}

static uint64_t word_of(uint32_t available, uint32_t held)
{
    return (uint64_t)held << 32 | available;
}

static enum stock_answer answer_of(uint64_t word, uint32_t units)
{
    if (available_of(word) >= units)
        return STOCK_TAKEN;
    if (available_of(word) > 0)
        return STOCK_INSUFFICIENT;
    return held_of(word) > 0 ? STOCK_HELD_BY_OTHERS : STOCK_SOLD_OUT;
}

void stock_init(struct stock *stock, struct arena *arena, uint32_t skus)
{
    *stock = (struct stock){
        .lines = arena_take(arena, "stock", skus, sizeof(struct stock_line)),
        .count = skus,
    };
}

enum stock_answer stock_take(struct stock *stock, uint32_t sku_index, uint32_t units)
{
    uint32_t available;
    return stock_try(stock, sku_index, units, &available);
}

enum stock_answer stock_try(
    struct stock *stock, uint32_t sku_index, uint32_t units, uint32_t *available)
{
    CHECK(units >= 1);
    struct stock_line *line = line_at(stock, sku_index);
    uint64_t word = atomic_load_explicit(&line->word, memory_order_acquire);
    uint64_t taken;
    do {
        enum stock_answer answer = answer_of(word, units);
        *available = available_of(word);
        if (answer != STOCK_TAKEN)
            return answer;
        CHECK(held_of(word) <= UINT32_MAX - available_of(word));
        taken = word_of(available_of(word) - units, held_of(word) + units);
        if (bug(BUG_TAKE_NOT_ATOMIC)) {
            for (volatile uint32_t stopped = 0; stopped < 1000; stopped++) /* as a scheduler may */
                continue;
            atomic_store(&line->word, taken);
            return STOCK_TAKEN;
        }
    } while (!atomic_compare_exchange_weak_explicit(
        &line->word, &word, taken, memory_order_acq_rel, memory_order_acquire));
    return STOCK_TAKEN;
}

enum stock_answer stock_look(
    const struct stock *stock, uint32_t sku_index, uint32_t units, uint32_t *available)
{
    uint64_t word = atomic_load_explicit(&line_at(stock, sku_index)->word, memory_order_acquire);
    *available = available_of(word);
    return answer_of(word, units);
}

static void add_available(struct stock_line *line, uint32_t units)
{
    uint64_t before = atomic_fetch_add_explicit(&line->word, units, memory_order_acq_rel);
    CHECK((uint64_t)available_of(before) + held_of(before) + units <= UINT32_MAX);
}

static void remove_held(struct stock_line *line, uint32_t units)
{
    uint64_t before =
        atomic_fetch_sub_explicit(&line->word, word_of(0, units), memory_order_acq_rel);
    CHECK(held_of(before) >= units);
}

void stock_give(struct stock *stock, uint32_t sku_index, uint32_t units)
{
    CHECK(units >= 1);
    uint64_t change = word_of(0, units) - units;
    uint64_t before =
        atomic_fetch_sub_explicit(&line_at(stock, sku_index)->word, change, memory_order_acq_rel);
    CHECK(held_of(before) >= units);
    CHECK(available_of(before) <= UINT32_MAX - units);
}

void stock_sell(struct stock *stock, uint32_t sku_index, uint32_t units)
{
    CHECK(units >= 1);
    remove_held(line_at(stock, sku_index), units);
}

/* The sum against the allotment is checked by stock_check() and not here: shard 0 may move the
 * allotment between our two loads. */
void stock_restock(struct stock *stock, uint32_t sku_index, uint32_t units)
{
    CHECK(units >= 1);
    add_available(line_at(stock, sku_index), units);
}

void stock_allot(struct stock *stock, uint32_t sku_index, uint32_t units)
{
    CHECK(units >= 1);
    struct stock_line *line = line_at(stock, sku_index);
    uint32_t allotment = atomic_load_explicit(&line->allotment, memory_order_relaxed);
    CHECK(allotment <= UINT32_MAX - units);
    atomic_store_explicit(&line->allotment, allotment + units, memory_order_relaxed);
    add_available(line, units);
}

bool stock_lower(struct stock *stock, uint32_t sku_index, uint32_t units)
{
    return stock_take(stock, sku_index, units) == STOCK_TAKEN;
}

void stock_lowered(struct stock *stock, uint32_t sku_index, uint32_t units)
{
    CHECK(units >= 1);
    struct stock_line *line = line_at(stock, sku_index);
    remove_held(line, units);
    uint32_t allotment = atomic_load_explicit(&line->allotment, memory_order_relaxed);
    CHECK(allotment >= units);
    atomic_store_explicit(&line->allotment, allotment - units, memory_order_relaxed);
}

void stock_derive(
    struct stock *stock, uint32_t sku_index, uint32_t allotment, uint32_t held, uint32_t sold)
{
    CHECK((uint64_t)held + sold <= allotment);
    struct stock_line *line = line_at(stock, sku_index);
    atomic_store_explicit(&line->allotment, allotment, memory_order_relaxed);
    atomic_store_explicit(
        &line->word, word_of(allotment - held - sold, held), memory_order_release);
}

void stock_reset(struct stock *stock, uint32_t sku_index)
{
    struct stock_line *line = line_at(stock, sku_index);
    CHECK(held_of(atomic_load_explicit(&line->word, memory_order_acquire)) == 0);
    atomic_store_explicit(&line->next_release, 0, memory_order_relaxed);
    stock_derive(stock, sku_index, 0, 0, 0);
}

struct stock_numbers stock_numbers(const struct stock *stock, uint32_t sku_index)
{
    const struct stock_line *line = line_at(stock, sku_index);
    uint64_t word = atomic_load_explicit(&line->word, memory_order_acquire);
    uint32_t allotment = atomic_load_explicit(&line->allotment, memory_order_relaxed);
    uint64_t unsold = (uint64_t)available_of(word) + held_of(word);
    CHECK(unsold <= allotment);
    return (struct stock_numbers){
        .allotment = allotment,
        .available = available_of(word),
        .held = held_of(word),
        .sold = (uint32_t)(allotment - unsold),
    };
}

void stock_note_release(
    struct stock *stock, uint32_t sku_index, uint64_t deadline_shelf_ms, uint64_t now_shelf_ms)
{
    CHECK(deadline_shelf_ms > 0);
    struct stock_line *line = line_at(stock, sku_index);
    uint64_t noted = atomic_load_explicit(&line->next_release, memory_order_relaxed);
    while (noted <= now_shelf_ms || noted > deadline_shelf_ms) {
        if (atomic_compare_exchange_weak_explicit(&line->next_release, &noted, deadline_shelf_ms,
                memory_order_relaxed, memory_order_relaxed))
            return;
    }
}

uint64_t stock_next_release(struct stock *stock, uint32_t sku_index, uint64_t now_shelf_ms)
{
    struct stock_line *line = line_at(stock, sku_index);
    uint64_t noted = atomic_load_explicit(&line->next_release, memory_order_relaxed);
    if (noted > now_shelf_ms)
        return noted;

    /* Passed: forget it, so that the next one noted counts; unless another was noted just now. */
    if (noted != 0)
        atomic_compare_exchange_strong_explicit(
            &line->next_release, &noted, 0, memory_order_relaxed, memory_order_relaxed);
    return 0;
}

void stock_check(const struct stock *stock)
{
    for (uint32_t i = 0; i < stock->count; i++) {
        const struct stock_line *line = line_at(stock, i);
        uint64_t word = atomic_load_explicit(&line->word, memory_order_acquire);
        uint32_t allotment = atomic_load_explicit(&line->allotment, memory_order_relaxed);
        CHECK((uint64_t)available_of(word) + held_of(word) <= allotment);
    }
}
