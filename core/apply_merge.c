/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply, for merges of carts: what leaves the guest, what comes to the customer, and the end of it
 * at the guest's. See merge.h.
 */
#include "core/bugs.h"
#include "core/check.h"
#include "core/engine_steps.h"
#include "core/handed.h"

static uint32_t hold_of(const struct engine *engine, uint32_t customer_index, uint32_t sku_number)
{
    return hold_find(engine, customer_at(engine, customer_index), sku_number);
}

void apply_cart_moved_out(struct engine *engine, const struct event *event)
{
    const struct fact_merge *fact = &event->fact.merge;
    uint32_t customer_index = apply_customer(engine, event, fact->now_shelf_ms);
    for (uint32_t i = 0; i < event->line_count; i++) {
        const struct event_line *line = &event->lines[i];
        uint32_t handed = event_hold_at(event, i).handed;
        if (line->quantity > 0) {
            uint32_t hold_index = hold_of(engine, customer_index, line->sku_number);
            CHECK(hold_index != NONE);
            allowance_subtract(engine, customer_index, line, line->from_hold);
            hold_set_state(engine, hold_index, bug(BUG_MOVED_OUT_STAYS) ? LINE_HELD : LINE_MOVED);
        }
        if (handed > 0)
            handed_add(engine, customer_index, line, event->text[TEXT_ACTOR], handed);
    }
    struct customer *guest = customer_at(engine, customer_index);
    CHECK(guest->merge_id == 0);
    guest->merge_id = fact->merge_id;
    engine->promises.merges++;
    guest->merge_shelf_ms = fact->now_shelf_ms;
    guest->merging = true;
    cart_touched(engine, customer_index, fact->cart_version);
}

void apply_cart_merged(struct engine *engine, const struct event *event)
{
    const struct fact_merge *fact = &event->fact.merge;
    uint32_t customer_index = apply_customer(engine, event, fact->now_shelf_ms);
    for (uint32_t i = 0; i < event->line_count; i++) {
        const struct event_line *line = &event->lines[i];
        struct event_hold image = event_hold_at(event, i);
        if (line->quantity == 0)
            continue;
        if (image.state == LINE_HELD)
            allowance_add(engine, customer_index, line, line->from_hold + image.taken);
        hold_write(engine, customer_index, line, &image);
    }
    struct customer *customer = customer_at(engine, customer_index);
    if (customer->hold_count > 0)
        memcpy(customer->currency, fact->currency, 4);
    uint32_t index = key_add(engine, fact->key_hash);
    struct request_key *key = pool_at(&engine->keys, index);
    key->keep_shelf_ms = fact->keep_shelf_ms;
    key->order_index = NONE;
    key->kind = REQUEST_MERGE;
    key->partition = (uint16_t)partition_of_customer(event->text[TEXT_CUSTOMER]);
    deadlines_set(&engine->deadlines, engine->keys_base + index, fact->keep_shelf_ms);
    cart_touched(engine, customer_index, fact->cart_version);
}

/* A refused merge: what the guest has not changed meanwhile is as it was. */
static void lines_return(struct engine *engine, uint32_t customer_index, const struct event *event)
{
    for (uint32_t i = 0; i < event->line_count; i++) {
        const struct event_line *line = &event->lines[i];
        struct event_hold image = event_hold_at(event, i);
        if (line->quantity == 0)
            continue;
        allowance_add(engine, customer_index, line, line->from_hold);
        hold_write(engine, customer_index, line, &image);
    }
}

/* Every line that is still moved out goes. */
static void moved_lines_go(struct engine *engine, uint32_t customer_index)
{
    const struct customer *customer = customer_at(engine, customer_index);
    uint32_t link = customer->holds_first, count = customer->hold_count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t next = hold_at(engine, link - 1)->next;
        if (hold_at(engine, link - 1)->state == LINE_MOVED)
            hold_remove(engine, link - 1);
        link = next;
    }
    CHECK(link == 0);
}

void apply_cart_merge_ended(struct engine *engine, const struct event *event)
{
    const struct fact_merge *fact = &event->fact.merge;
    uint32_t customer_index = apply_customer(engine, event, fact->now_shelf_ms);
    struct customer *guest = customer_at(engine, customer_index);
    CHECK(guest->merge_id == fact->merge_id);
    if (fact->returned)
        lines_return(engine, customer_index, event);
    moved_lines_go(engine, customer_index);
    guest->merge_id = guest->merge_shelf_ms = 0;
    engine->promises.merges--;
    guest->merging = false;
    cart_touched(engine, customer_index, fact->cart_version);
}
