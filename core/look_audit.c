/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The proof of V1 and V2 while the shop sells: what is held and sold by the tables of all shards is
 * added up and compared with the counters. Selling goes on meanwhile, so a round notes each
 * counter before it begins; a SKU whose counter has moved, or whose sum is torn because a unit went
 * from a shard not yet seen to one already seen, is looked at again. Only a difference that stands
 * still through every round is a violation; one that never stood still stays unsettled.
 *
 * Between visits the command waits for the disk, so what a shard had freed before it was looked at
 * is settled when the counters are read again: it shows as a move, not as a difference.
 */
#include "core/check.h"
#include "core/engine_steps.h"

static bool bit_of(const uint64_t *bits, uint32_t i)
{
    return (bits[i / 64] >> (i % 64)) & 1;
}

static void bit_set(uint64_t *bits, uint32_t i)
{
    bits[i / 64] |= UINT64_C(1) << (i % 64);
}

static uint64_t word_of(struct stock_numbers numbers)
{
    return (uint64_t)numbers.held << 32 | numbers.available;
}

/* Notes the counters of the SKUs that are not judged yet; the sums begin at 0. */
static void begin_round(const struct decision *decision, struct look *look)
{
    const struct shelf *shelf = decision->engine->shelf;
    struct look_sum *sums = look_sums(decision->command);
    CHECK(decision->engine->shard == 0);
    for (uint32_t i = 0; i < look->sku_count; i++) {
        struct stock_numbers numbers = stock_numbers(&shelf->stock, look->sku_first + i);
        sums[i] = (struct look_sum){.stock_before = word_of(numbers)};
    }
    look->shard = 0;
    look->shards_left = decision->engine->shard_count;
    look->table = look->slot = look->line = 0;
}

static void begin_skus(const struct decision *decision, struct look *look, uint32_t first)
{
    uint32_t end = catalog_walk_end(&decision->engine->shelf->catalog);
    look->sku_first = first;
    look->sku_count = end - first < LOOK_SKUS ? end - first : LOOK_SKUS;
    look->round = 0;
    memset(look->judged, 0, sizeof(look->judged));
    memset(look->moved, 0, sizeof(look->moved));
    begin_round(decision, look);
}

void look_audit_begin(const struct decision *decision, struct look *look)
{
    begin_skus(decision, look, 0);
}

static void add(const struct decision *decision, struct look *look, uint32_t sku_number,
    uint64_t held, uint64_t sold)
{
    uint32_t sku_index = catalog_find_number(&decision->engine->shelf->catalog, sku_number);
    if (sku_index == SKU_NONE || sku_index < look->sku_first ||
        sku_index - look->sku_first >= look->sku_count)
        return;
    struct look_sum *sum = &look_sums(decision->command)[sku_index - look->sku_first];
    sum->held += (uint32_t)held;
    sum->sold += (uint32_t)sold;
}

static void add_order(const struct decision *decision, struct look *look, const struct order *order)
{
    bool open = order->status == ORDER_PENDING_PAYMENT || order->status == ORDER_REVIEW;
    bool sold = order->confirmed_wall_ms != 0;
    uint32_t link = order->lines_first;
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct order_line *line = line_at(decision->engine, link - 1);
        add(decision, look, line->sku_number, open ? line->quantity - line->cancelled : 0,
            sold ? line->quantity - line->restocked : 0);
        link = line->next;
    }
}

void look_audit_add(
    const struct decision *decision, struct look *look, uint32_t table, const void *entry)
{
    if (table == LOOK_HOLDS) {
        const struct hold *hold = entry;
        if (hold->state == LINE_HELD)
            add(decision, look, hold->sku_number, hold->quantity, 0);
    } else if (table == LOOK_ORDERS) {
        add_order(decision, look, entry);
    } else {
        const struct gone *gone = entry;
        add(decision, look, gone->sku_number, 0, gone->units);
    }
}

static void note_violation(
    struct look *look, uint32_t sku_index, struct stock_numbers numbers, const struct look_sum *sum)
{
    if (look->violation_count < LOOK_VIOLATIONS_MAX)
        look->violations[look->violation_count] = (struct look_violation){
            .sku_index = sku_index,
            .allotment = numbers.allotment,
            .available = numbers.available,
            .held = numbers.held,
            .sold = numbers.sold,
            .held_by_tables = sum->held,
            .sold_by_tables = sum->sold,
        };
    look->violation_count++;
}

/* What this round says of one SKU; true: it must be looked at again. */
static bool judge(const struct decision *decision, struct look *look, uint32_t i)
{
    uint32_t sku_index = look->sku_first + i;
    struct stock_numbers numbers = stock_numbers(&decision->engine->shelf->stock, sku_index);
    const struct look_sum *sum = &look_sums(decision->command)[i];
    bool moved = word_of(numbers) != sum->stock_before;
    bool last = look->round + 1 == LOOK_ROUNDS_MAX;
    if (moved)
        bit_set(look->moved, i);
    else if (sum->held == numbers.held && sum->sold == numbers.sold)
        bit_set(look->judged, i);
    bool judged = bit_of(look->judged, i);
    look->checked += judged;
    if (judged || !last)
        return !judged;
    if (bit_of(look->moved, i))
        look->unsettled++;
    else
        note_violation(look, sku_index, numbers, sum);
    return false;
}

enum outcome look_audit_judge(struct decision *decision, struct look *look)
{
    bool again = false;
    for (uint32_t i = 0; i < look->sku_count; i++) {
        if (!bit_of(look->judged, i))
            again = judge(decision, look, i) || again;
    }
    if (again) {
        look->round++;
        begin_round(decision, look);
        look_next(decision, 0, LOOK_ON);
        return OUTCOME_OK;
    }
    uint32_t next = look->sku_first + look->sku_count;
    if (next < catalog_walk_end(&decision->engine->shelf->catalog)) {
        begin_skus(decision, look, next);
        look_next(decision, 0, LOOK_ON);
    }
    return OUTCOME_OK;
}
