/* SPDX-License-Identifier: Apache-2.0 */
#include "core/handed.h"

#include <stdatomic.h>

#include "core/bugs.h"
#include "core/check.h"
#include "core/identities.h"
#include "core/image.h"

/* The customer as an identity of his guests. */
static struct hash128 identity_of(struct bytes customer)
{
    struct bytes parts[2] = {BYTES("customer"), customer};
    return hash_parts(parts, 2);
}

/* A shard sees at least the counters that it has taken itself. */
static bool has_counters(const struct claims *claims)
{
    return atomic_load_explicit(&claims->supply->counts, memory_order_relaxed) > 0;
}

uint32_t limit_used(const struct engine *engine, uint32_t customer_index, struct bytes customer,
    const struct event_line *line)
{
    const struct claims *claims = &engine->shelf->claims;
    uint64_t used = allowance_used(engine, customer_index, line->sku_number, line->sale_number);
    if (has_counters(claims))
        used += claims_count(
            claims, identity_key(identity_of(customer), line->sku_number, line->sale_number));
    return used < UINT32_MAX ? (uint32_t)used : UINT32_MAX;
}

uint32_t handed_due(
    const struct engine *engine, const struct allowance *allowance, struct bytes customer)
{
    uint32_t units = allowance_bought(engine, allowance);
    CHECK(allowance->handed <= units);
    if (allowance->handed > 0 && !hash128_equal(allowance->handed_to, identity_of(customer)))
        return 0;
    return units - allowance->handed;
}

/* Gives back the first `lines` lines. */
static void drop(struct shelf *shelf, const struct event *event, uint32_t lines)
{
    struct hash128 identity = identity_of(event->text[TEXT_ACTOR]);
    for (uint32_t i = 0; i < lines; i++) {
        const struct event_line *line = &event->lines[i];
        uint32_t units = event_hold_at(event, i).handed;
        if (units > 0)
            claims_count_give(
                &shelf->claims, identity_key(identity, line->sku_number, line->sale_number), units);
    }
}

bool handed_take(struct shelf *shelf, const struct event *moved_out)
{
    struct hash128 identity = identity_of(moved_out->text[TEXT_ACTOR]);
    for (uint32_t i = 0; i < moved_out->line_count; i++) {
        const struct event_line *line = &moved_out->lines[i];
        struct hash128 key = identity_key(identity, line->sku_number, line->sale_number);
        uint32_t units = event_hold_at(moved_out, i).handed;
        uint64_t used;
        if (units == 0 ||
            claims_count_take(&shelf->claims, key, units, UINT64_MAX, &used) == COUNT_TAKEN)
            continue;
        drop(shelf, moved_out, i);
        return false;
    }
    return true;
}

static const struct allowance *allowance_of(
    const struct engine *engine, uint32_t customer_index, const struct event_line *line)
{
    uint32_t index = allowance_find(engine, customer_index, line->sku_number, line->sale_number);
    return index == NONE ? NULL : pool_at(&engine->allowances, index);
}

static void put(const struct engine *engine, struct event *event, const struct allowance *allowance,
    uint32_t units)
{
    if (units == 0)
        return;
    struct identity_count one = {
        .key = identity_key(allowance->handed_to, allowance->sku_number, allowance->sale_number),
        .units = units};
    struct bytes copy = image_bytes(engine, &one, sizeof(one));
    struct bytes *text = &event->text[TEXT_COUNTS];
    if (text->size == 0)
        text->data = copy.data;
    CHECK(text->data + text->size == copy.data);
    text->size += copy.size;
}

/* Units that the line before takes from the same allowance: an order has at most two lines of one
 * SKU, next to each other. */
static uint32_t uncounted_before(const struct event *event, uint32_t index)
{
    const struct event_line *line = &event->lines[index];
    if (index == 0 || line[-1].limit == 0 || line[-1].sku_number != line->sku_number ||
        line[-1].sale_number != line->sale_number)
        return 0;
    return line[-1].uncounted;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void note_order(const struct engine *engine, struct event *event)
{
    uint32_t customer_index = NONE;
    for (uint32_t i = 0; i < event->line_count; i++) {
        const struct event_line *line = &event->lines[i];
        if (line->limit == 0 || line->uncounted == 0)
            continue;
        if (customer_index == NONE)
            customer_index = customer_find(engine, event->text[TEXT_CUSTOMER]);
        const struct allowance *allowance = allowance_of(engine, customer_index, line);
        CHECK(allowance != NULL);
        if (allowance->handed == 0)
            continue;
        uint32_t bought = allowance_bought(engine, allowance) - uncounted_before(event, i);
        uint32_t left = bought - line->uncounted;
        put(engine, event, allowance,
            smaller(allowance->handed, bought) - smaller(allowance->handed, left));
    }
}

/* Allowances that go whole: of one customer, or each with its own in TEXT_CUSTOMERS. */
static void note_allowances(const struct engine *engine, struct event *event)
{
    struct bytes customer = event->text[TEXT_CUSTOMER], customers = event->text[TEXT_CUSTOMERS];
    for (uint32_t i = 0; i < event->line_count; i++) {
        uint32_t index =
            customer.size > 0 ? customer_find(engine, customer) : customer_next(engine, &customers);
        const struct allowance *allowance = allowance_of(engine, index, &event->lines[i]);
        CHECK(allowance != NULL);
        put(engine, event, allowance, allowance->handed);
    }
}

void handed_note(const struct engine *engine, struct event *event)
{
    if (!has_counters(&engine->shelf->claims) || bug(BUG_HANDED_NOT_GIVEN_BACK))
        return;
    if (event_is_order(event->kind) && event->kind != EVENT_ORDER_PLACED)
        note_order(engine, event);
    else if (event->kind == EVENT_ALLOWANCES_FORGOTTEN ||
             (event->kind == EVENT_SALE_PART_REMOVED && event->fact.part.part == PART_ALLOWANCES))
        note_allowances(engine, event);
}

void handed_add(struct engine *engine, uint32_t guest_index, const struct event_line *line,
    struct bytes customer, uint32_t units)
{
    uint32_t index = allowance_find(engine, guest_index, line->sku_number, line->sale_number);
    CHECK(index != NONE);
    struct allowance *allowance = pool_at(&engine->allowances, index);
    struct hash128 identity = identity_of(customer);
    CHECK(allowance->handed == 0 || hash128_equal(allowance->handed_to, identity));
    allowance->handed_to = identity;
    allowance->handed += units;
}

void handed_derive(struct shelf *shelf, const struct allowance *allowance)
{
    uint64_t used;
    if (allowance->handed == 0)
        return;
    struct hash128 key =
        identity_key(allowance->handed_to, allowance->sku_number, allowance->sale_number);
    CHECK(claims_count_take(&shelf->claims, key, allowance->handed, UINT64_MAX, &used) ==
          COUNT_TAKEN);
}
