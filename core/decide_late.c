/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Money for an order that has expired: its units are taken once more, all or none, in the order of
 * SKU numbers as a checkout takes them (K1), and within every limit. What cannot be had any more
 * makes the money due back.
 */
#include "core/bugs.h"
#include "core/check.h"
#include "core/decide_money.h"
#include "core/handed.h"
#include "core/identities.h"

/* The line's place in the order of SKU numbers, and what an earlier line of the same SKU counts
 * against its limit: a basket has two when a hold was used first. */
static struct event_line *line_in_turn(struct decision *decision, uint32_t turn, uint32_t *before)
{
    struct event_line *lines = (struct event_line *)decision->event->lines;
    const uint16_t *by_number = decision->engine->scratch->by_number;
    struct event_line *line = &lines[by_number[turn]];
    *before = 0;
    if (turn > 0) {
        const struct event_line *last = &lines[by_number[turn - 1]];
        if (last->limit > 0 && last->sku_number == line->sku_number &&
            last->sale_number == line->sale_number)
            *before = last->quantity;
    }
    return line;
}

/* Allowances that the lines need anew. */
static uint32_t allowances_again(struct decision *decision, uint32_t customer)
{
    uint32_t count = 0, before;
    for (uint32_t turn = 0; turn < decision->event->line_count; turn++) {
        const struct event_line *line = line_in_turn(decision, turn, &before);
        count +=
            line->limit > 0 && before == 0 &&
            allowance_used(decision->engine, customer, line->sku_number, line->sale_number) == 0;
    }
    return count;
}

static bool take_line(
    struct decision *decision, uint32_t customer, struct event_line *line, uint32_t before)
{
    struct shelf *shelf = decision->engine->shelf;
    uint32_t sku_index = catalog_find_number(&shelf->catalog, line->sku_number);
    struct bytes id = decision->event->text[TEXT_CUSTOMER];
    uint64_t used = limit_used(decision->engine, customer, id, line) + (uint64_t)before;
    if (sku_index == SKU_NONE || (line->limit > 0 && used + line->quantity > line->limit) ||
        stock_take(&shelf->stock, sku_index, line->quantity) != STOCK_TAKEN)
        return false;
    line->moved = line->quantity;
    if (bug(BUG_LATE_MONEY_SELLS_TWICE)) {
        stock_give(&shelf->stock, sku_index, line->moved);
        line->moved = 0;
    }
    return true;
}

/* Units of an expired order once more: all or none, in the order of SKU numbers (K1, P5). */
static bool take_again(struct decision *decision, uint32_t customer)
{
    struct shelf *shelf = decision->engine->shelf;
    uint32_t before;
    CHECK(decision->event->fact.order.status_before == ORDER_EXPIRED);
    for (uint32_t turn = 0; turn < decision->event->line_count; turn++) {
        struct event_line *line = line_in_turn(decision, turn, &before);
        if (take_line(decision, customer, line, before))
            continue;
        while (turn > 0) {
            line = line_in_turn(decision, --turn, &before);
            uint32_t sku_index = catalog_find_number(&shelf->catalog, line->sku_number);
            stock_give(&shelf->stock, sku_index, line->moved);
        }
        return false;
    }
    return true;
}

/* A kill gives back what it reaches, and takes nothing for an order of its scope (W5). */
static bool order_stays_dead(const struct engine *engine, const struct order *order)
{
    uint32_t link = order->lines_first;
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct order_line *line = line_at(engine, link - 1);
        uint32_t sku_index = catalog_find_number(&engine->shelf->catalog, line->sku_number);
        link = line->next;
        if (sku_index != SKU_NONE &&
            switches_state(&engine->shelf->switches, sku_index, line->sale_number) &
                SWITCHED_KILLED)
            return true;
    }
    return false;
}

enum outcome money_for_expired(struct decision *decision, uint32_t order_index)
{
    struct engine *engine = decision->engine;
    uint32_t customer = order_at(engine, order_index)->customer_index;
    if (order_stays_dead(engine, order_at(engine, order_index)))
        return money_comes_back(decision, order_index, NULL);
    enum outcome outcome = money_confirms(decision, order_index);
    if (outcome != OUTCOME_OK)
        return outcome;
    struct event *event = decision->event;
    for (uint32_t i = 0; i < event->line_count; i++)
        engine->scratch->numbers[i] = event->lines[i].sku_number;
    sort_by_number(engine->scratch, event->line_count);
    if (allowances_again(decision, customer) > pool_room(&engine->allowances)) {
        image_reset(engine, event);
        return decision_full(decision, "allowances");
    }
    struct identity_refusal refusal;
    enum count_answer counted = identities_take(engine->shelf, event, &refusal);
    if (counted == COUNT_FULL) {
        image_reset(engine, event);
        return decision_full(decision, "identities");
    }
    event->fact.order.move = MOVE_SELL;
    event->fact.order.reclaimed = 1;
    if (counted == COUNT_TAKEN && take_again(decision, customer))
        return OUTCOME_OK;
    if (counted == COUNT_TAKEN)
        identities_drop(engine->shelf, event);
    return money_comes_back(decision, order_index, NULL);
}
