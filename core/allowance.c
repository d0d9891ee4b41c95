/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What counts although no cart and no order shows it: the units that a customer holds or has bought
 * of a SKU in a sale, and of each SKU the units confirmed in orders that are forgotten.
 */
#include "core/tables.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/bugs.h"
#include "core/check.h"

static uint32_t hash_triple(const struct engine *engine, uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t parts[3] = {a, b, c};
    return (uint32_t)XXH3_64bits_withSeed(parts, sizeof(parts), engine->seed);
}

uint32_t allowance_find(
    const struct engine *engine, uint32_t customer, uint32_t sku_number, uint32_t sale_number)
{
    uint32_t hash = hash_triple(engine, customer, sku_number, sale_number);
    uint32_t position = table_start(&engine->allowance_table, hash);
    uint32_t index;
    while ((index = table_next(&engine->allowance_table, hash, &position)) != TABLE_NONE) {
        const struct allowance *entry = pool_at(&engine->allowances, index);
        if (entry->customer_index == customer && entry->sku_number == sku_number &&
            entry->sale_number == sale_number)
            return index;
    }
    return NONE;
}

uint32_t allowance_used(
    const struct engine *engine, uint32_t customer, uint32_t sku_number, uint32_t sale_number)
{
    if (customer == NONE)
        return 0;
    uint32_t index = allowance_find(engine, customer, sku_number, sale_number);
    return index == NONE ? 0 : ((struct allowance *)pool_at(&engine->allowances, index))->used;
}

static struct allowance *allowance_at(const struct engine *engine, uint32_t index)
{
    return pool_at(&engine->allowances, index);
}

static struct allowance *allowance_take(
    struct engine *engine, uint32_t customer_index, const struct event_line *line)
{
    uint32_t index = allowance_find(engine, customer_index, line->sku_number, line->sale_number);
    if (index != NONE)
        return allowance_at(engine, index);
    struct customer *customer = customer_at(engine, customer_index);
    index = pool_take(&engine->allowances);
    *allowance_at(engine, index) = (struct allowance){
        .customer_index = customer_index,
        .next = customer->allowances_first,
        .sku_number = line->sku_number,
        .sale_number = line->sale_number,
    };
    if (customer->allowances_first != 0)
        allowance_at(engine, customer->allowances_first - 1)->prev = index + 1;
    customer->allowances_first = index + 1;
    customer->allowance_count++;
    engine->id_bytes += customer->id.size;
    table_insert(&engine->allowance_table,
        hash_triple(engine, customer_index, line->sku_number, line->sale_number), index);
    return allowance_at(engine, index);
}

static void allowance_remove(struct engine *engine, uint32_t index)
{
    const struct allowance *entry = allowance_at(engine, index);
    struct customer *customer = customer_at(engine, entry->customer_index);
    if (entry->prev != 0)
        allowance_at(engine, entry->prev - 1)->next = entry->next;
    else
        customer->allowances_first = entry->next;
    if (entry->next != 0)
        allowance_at(engine, entry->next - 1)->prev = entry->prev;
    CHECK(customer->allowance_count > 0);
    customer->allowance_count--;
    engine->id_bytes -= customer->id.size;
    table_remove(&engine->allowance_table,
        hash_triple(engine, entry->customer_index, entry->sku_number, entry->sale_number), index);
    pool_give(&engine->allowances, index);
}

void allowance_add(
    struct engine *engine, uint32_t customer, const struct event_line *line, uint32_t units)
{
    if (line->limit == 0 || units == 0)
        return;
    struct allowance *entry = allowance_take(engine, customer, line);
    CHECK(units <= UINT32_MAX - entry->used);
    entry->used += units;
}

uint32_t allowance_bought(const struct engine *engine, const struct allowance *allowance)
{
    const struct customer *customer = customer_at(engine, allowance->customer_index);
    uint32_t index = hold_find(engine, customer, allowance->sku_number);
    if (index == NONE)
        return allowance->used;
    const struct hold *hold = hold_at(engine, index);
    bool counts =
        hold->state == LINE_HELD && hold->limit > 0 && hold->sale_number == allowance->sale_number;
    CHECK(!counts || hold->quantity <= allowance->used);
    return counts ? allowance->used - hold->quantity : allowance->used;
}

static void subtract(struct engine *engine, uint32_t index, uint32_t units)
{
    struct allowance *entry = allowance_at(engine, index);
    CHECK(entry->used >= units);
    entry->used -= units;
    CHECK(entry->handed <= entry->used);
    if (entry->used == 0)
        allowance_remove(engine, index);
}

void allowance_subtract(
    struct engine *engine, uint32_t customer, const struct event_line *line, uint32_t units)
{
    if (line->limit == 0 || units == 0)
        return;
    uint32_t index = allowance_find(engine, customer, line->sku_number, line->sale_number);
    CHECK(index != NONE);
    subtract(engine, index, units);
}

void allowance_return(
    struct engine *engine, uint32_t customer, const struct event_line *line, uint32_t units)
{
    if (line->limit == 0 || units == 0)
        return;
    uint32_t index = allowance_find(engine, customer, line->sku_number, line->sale_number);
    CHECK(index != NONE);
    struct allowance *entry = allowance_at(engine, index);
    if (entry->handed > 0) {
        uint32_t left = allowance_bought(engine, entry) - units;
        entry->handed = entry->handed < left ? entry->handed : left;
    }
    if (bug(BUG_LIMIT_GIVEN_TWICE) && entry->used >= 2 * units)
        units *= 2;
    subtract(engine, index, units);
}

void allowance_drop(
    struct engine *engine, uint32_t customer, const struct event_line *line, uint32_t units)
{
    uint32_t index = allowance_find(engine, customer, line->sku_number, line->sale_number);
    CHECK(index != NONE);
    CHECK(allowance_at(engine, index)->used == units);
    allowance_remove(engine, index);
}

void allowance_restate(struct engine *engine, uint32_t customer, const struct event_line *line,
    struct hash128 handed_to)
{
    struct allowance *entry = allowance_take(engine, customer, line);
    CHECK(line->quantity > 0);
    if (entry->used == 0) {
        entry->used = line->quantity;
        entry->handed = line->moved;
        entry->handed_to = handed_to;
    }
    CHECK(entry->used == line->quantity);
    CHECK(entry->handed == line->moved);
    CHECK(hash128_equal(entry->handed_to, handed_to));
    uint32_t index = allowance_find(engine, customer, line->sku_number, line->sale_number);
    pool_walked(&engine->allowances, index);
}

static uint64_t order_counts(
    const struct engine *engine, const struct order *order, const struct allowance *allowance)
{
    uint64_t sum = 0;
    uint32_t link = order->lines_first;
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct order_line *line = line_at(engine, link - 1);
        if (line->limit > 0 && line->sku_number == allowance->sku_number &&
            line->sale_number == allowance->sale_number)
            sum += order_line_counts(order, line);
        link = line->next;
    }
    return sum;
}

uint64_t allowance_shown(const struct engine *engine, const struct allowance *allowance)
{
    const struct customer *customer = customer_at(engine, allowance->customer_index);
    uint64_t sum = 0;
    uint32_t link = customer->holds_first;
    for (uint32_t i = 0; i < customer->hold_count; i++) {
        const struct hold *hold = hold_at(engine, link - 1);
        if (hold->state == LINE_HELD && hold->limit > 0 &&
            hold->sku_number == allowance->sku_number &&
            hold->sale_number == allowance->sale_number)
            sum += hold->quantity;
        link = hold->next;
    }
    link = customer->orders_newest;
    for (uint32_t i = 0; i < customer->order_count; i++) {
        sum += order_counts(engine, order_at(engine, link - 1), allowance);
        link = order_at(engine, link - 1)->next;
    }
    return sum;
}

/* Units confirmed in orders that were forgotten. */

uint32_t gone_find(const struct engine *engine, uint32_t sku_number)
{
    uint32_t hash = hash_triple(engine, sku_number, 0, 0);
    uint32_t position = table_start(&engine->gone_table, hash);
    uint32_t index;
    while ((index = table_next(&engine->gone_table, hash, &position)) != TABLE_NONE) {
        if (((struct gone *)pool_at(&engine->gone, index))->sku_number == sku_number)
            return index;
    }
    return NONE;
}

uint64_t gone_units(const struct engine *engine, uint32_t sku_number)
{
    uint32_t index = gone_find(engine, sku_number);
    return index == NONE ? 0 : ((struct gone *)pool_at(&engine->gone, index))->units;
}

static uint32_t gone_take(struct engine *engine, uint32_t sku_number)
{
    uint32_t index = pool_take(&engine->gone);
    *(struct gone *)pool_at(&engine->gone, index) = (struct gone){.sku_number = sku_number};
    table_insert(&engine->gone_table, hash_triple(engine, sku_number, 0, 0), index);
    return index;
}

void gone_add(struct engine *engine, uint32_t sku_number, uint32_t units)
{
    if (units == 0)
        return;
    uint32_t index = gone_find(engine, sku_number);
    if (index == NONE)
        index = gone_take(engine, sku_number);
    ((struct gone *)pool_at(&engine->gone, index))->units += units;
}

void gone_restate(struct engine *engine, uint32_t sku_number, uint64_t units)
{
    uint32_t index = gone_find(engine, sku_number);
    if (index == NONE) {
        index = gone_take(engine, sku_number);
        ((struct gone *)pool_at(&engine->gone, index))->units = units;
    }
    CHECK(((struct gone *)pool_at(&engine->gone, index))->units == units);
    pool_walked(&engine->gone, index);
}

void gone_remove(struct engine *engine, uint32_t sku_number, uint64_t units)
{
    uint32_t index = gone_find(engine, sku_number);
    CHECK(index != NONE);
    CHECK(((struct gone *)pool_at(&engine->gone, index))->units == units);
    table_remove(&engine->gone_table, hash_triple(engine, sku_number, 0, 0), index);
    pool_give(&engine->gone, index);
}
