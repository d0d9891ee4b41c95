/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an event changes, by its kind: its customer, its order, the allowances of its lines, what it
 * forgets and where that is counted afterwards. What the walk has not been at comes first.
 */
#include "core/bugs.h"
#include "core/check.h"
#include "core/restate.h"
#include "core/restate_catalog.h"
#include "core/restate_images.h"

/* Slots not yet restated, each once. */
struct gathered {
    uint32_t indexes[IMAGES_MAX];
    uint32_t count;
};

static void gather(struct gathered *gathered, const struct pool *pool, uint32_t index)
{
    if (index == NONE || gathered->count == IMAGES_MAX || pool_is_walked(pool, index))
        return;
    for (uint32_t i = 0; i < gathered->count; i++)
        if (gathered->indexes[i] == index)
            return;
    gathered->indexes[gathered->count++] = index;
}

static bool before_customer(struct engine *engine, uint32_t index, struct event *image)
{
    if (index == NONE || pool_is_walked(&engine->customers, index) || bug(BUG_CUSTOMER_NOT_BEFORE))
        return false;
    restate_customer(engine, index, image);
    return true;
}

static bool before_order(struct engine *engine, uint32_t index, struct event *image)
{
    if (index == NONE || pool_is_walked(&engine->orders, index) || bug(BUG_ORDER_NOT_BEFORE))
        return false;
    if (!before_customer(engine, order_at(engine, index)->customer_index, image))
        restate_order(engine, index, image);
    return true;
}

static bool before_allowances(
    struct engine *engine, uint32_t customer_index, const struct event *about, struct event *image)
{
    struct gathered found = {.count = 0};
    for (uint32_t i = 0; customer_index != NONE && i < about->line_count; i++) {
        const struct event_line *line = &about->lines[i];
        gather(&found, &engine->allowances,
            allowance_find(engine, customer_index, line->sku_number, line->sale_number));
    }
    if (found.count == 0 || bug(BUG_ALLOWANCES_NOT_BEFORE))
        return false;
    restate_allowances(engine, found.indexes, found.count, image);
    return true;
}

/* Each key with its order, which counts the keys that lead to it. */
static bool before_keys_go(struct engine *engine, const struct event *about, struct event *image)
{
    struct gathered found = {.count = 0};
    for (uint32_t i = 0; i < about->fact.forgotten.count; i++) {
        struct hash128 key;
        memcpy(&key, about->text[TEXT_IDS].data + 16 * i, sizeof(key));
        uint32_t index = key_find(engine, key);
        CHECK(index != NONE);
        const struct request_key *entry = pool_at(&engine->keys, index);
        if (before_order(engine, entry->order_index, image))
            return true;
        gather(&found, &engine->keys, index);
    }
    if (found.count == 0 || bug(BUG_KEYS_NOT_BEFORE))
        return false;
    restate_keys(engine, found.indexes, found.count, image);
    return true;
}

/* Each order, and what is counted already of the SKUs that it sold. */
static bool before_orders_go(struct engine *engine, const struct event *about, struct event *image)
{
    struct gathered found = {.count = 0};
    for (uint32_t i = 0; i < about->fact.forgotten.count; i++) {
        uint32_t index = order_find(engine, about->text[TEXT_IDS].data + 16 * i);
        CHECK(index != NONE);
        if (before_order(engine, index, image))
            return true;
        const struct order *order = order_at(engine, index);
        for (uint32_t link = order->lines_first; link != 0; link = line_at(engine, link - 1)->next)
            gather(&found, &engine->gone, gone_find(engine, line_at(engine, link - 1)->sku_number));
    }
    if (found.count == 0)
        return false;
    restate_gone(engine, found.indexes, found.count, image);
    return true;
}

static bool before_of_customer(
    struct engine *engine, const struct event *about, struct event *image)
{
    uint32_t customer_index = about->text[TEXT_CUSTOMER].size == 0
                                  ? NONE
                                  : customer_find(engine, about->text[TEXT_CUSTOMER]);
    if (before_customer(engine, customer_index, image))
        return true;
    if (event_is_order(about->kind) &&
        before_order(engine, order_find(engine, about->fact.order.id), image))
        return true;
    return before_allowances(engine, customer_index, about, image);
}

static bool before_event(struct engine *engine, const struct event *about, struct event *image)
{
    if (engine->shard == 0 && restate_catalog_before(engine, about, image))
        return true;
    if (about->kind == EVENT_KEYS_FORGOTTEN)
        return before_keys_go(engine, about, image);
    if (about->kind == EVENT_ORDERS_FORGOTTEN)
        return before_orders_go(engine, about, image);
    return before_of_customer(engine, about, image);
}

bool restate_before(struct engine *engine, const struct event *about, struct event *image)
{
    if (!engine->walk.under_way)
        return false;
    /* What a removal records changes too much at once, and is not urgent: it waits for the walk. */
    CHECK(about->kind != EVENT_SALE_PART_REMOVED || about->fact.part.part == PART_ALL);
    if (restate_heads(engine, image))
        return true;
    return before_event(engine, about, image);
}

/* What no walk has beside it. */
static bool is_of_removal(const struct event *event)
{
    return event->kind == EVENT_SALE_REMOVED ||
           (event->kind == EVENT_SALE_PART_REMOVED && event->fact.part.part != PART_ALL);
}

/* Until somebody has recorded what he should not have, as one who begins anew may. */
void restate_read(struct engine *engine, const struct event *event)
{
    struct event image;
    struct walk *walk = &engine->walk;
    if (!walk->open || walk->spoiled || event_is_image(event->kind) ||
        event->kind == EVENT_WALK_BEGUN || event->kind == EVENT_WALK_ENDED)
        return;
    walk->spoiled = (is_of_removal(event) || before_event(engine, event, &image)) &&
                    !bug(BUG_SPOILED_WALK_RESUMED);
}
