/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Money for an order that has expired: P5, W5.
 */
#include "core/switches.h"
#include "tests/simulate/model_parts.h"

/* What an earlier line of the order counts against the same limit. */
static uint32_t counted_before(const struct sold_order *order, uint32_t index)
{
    uint32_t units = 0;
    for (uint32_t i = 0; i < index; i++) {
        const struct sold_line *line = &order->lines[i];
        if (line->limit > 0 && line->sku == order->lines[index].sku &&
            line->sale == order->lines[index].sale)
            units += line->quantity;
    }
    return units;
}

/* P5: the units of an expired order once more, all or none. */
bool order_can_reclaim(
    const struct model *model, const struct sold_order *order, const struct ask *ask)
{
    uint32_t wanted[SKUS_AT_MOST] = {0};
    if (identities_answer(model, order, ask) != COUNT_TAKEN)
        return false;
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct sold_line *line = &order->lines[i];
        uint32_t used =
            limit_used_of(model, order->customer, line->sku, line->sale) + counted_before(order, i);
        wanted[line->sku] += line->quantity;
        if (model_numbers(model, line->sku).available < wanted[line->sku])
            return false;
        if (line->limit > 0 && used + line->quantity > line->limit)
            return false;
    }
    return true;
}

/* A kill takes nothing back for what it would have reached (W5). */
bool order_stays_dead(const struct model *model, const struct sold_order *order)
{
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct sold_line *line = &order->lines[i];
        if (model_stopped(model, line->sku, line->sale) & SWITCHED_KILLED)
            return true;
    }
    return false;
}

uint32_t order_new_allowances(const struct model *model, const struct sold_order *order)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct sold_line *line = &order->lines[i];
        count += line->limit > 0 && counted_before(order, i) == 0 &&
                 allowance_of(model, order->customer, line->sku, line->sale) == 0;
    }
    return count;
}

void order_reclaims(struct model *model, uint32_t shard, struct sold_order *order)
{
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct sold_line *line = &order->lines[i];
        model->units[line->sku].live += line->quantity;
        allowance_more(
            model, shard, order->customer, line->sku, line->sale, line->limit, line->quantity);
    }
    order_units_leave(model, shard, order, WAY_SELL);
    order->reclaimed = true;
    order_confirms(model, order);
    for (uint32_t i = 0; i < order->line_count; i++)
        identities_count(model, order, &order->lines[i]);
}
