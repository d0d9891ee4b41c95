/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys go before their orders, so that an order never goes before a key that leads to it; units
 * that orders leave as sold and forgotten go last, back to available, so that the counters are what
 * the tables say after every event. An order that comes alive again in the middle (money for a
 * cancelled one) is left until it is final: the sale waits.
 *
 * A merge of carts under way may have units of the sale with it, in no table. It is looked for
 * before and after all else: one that lies in between found nothing of the sale here, or we found
 * it.
 */
#include "core/removal.h"

#include "core/check.h"
#include "core/restate.h"

enum {
    ROUND_MERGES,
    ROUND_KEYS,
    ROUND_ORDERS,
    ROUND_CARTS,
    ROUND_ALLOWANCES,
    ROUND_GONE,
    ROUND_MERGES_AGAIN,
    ROUND_END
};

static bool sku_is_of(const struct engine *engine, uint32_t sku_number, uint32_t sale_number)
{
    const struct catalog *catalog = &engine->shelf->catalog;
    uint32_t index = catalog_find_number(catalog, sku_number);
    return index != SKU_NONE && catalog_sale_of(catalog, index) == sale_number;
}

enum belongs { BELONGS_NOT, BELONGS_PARTLY, BELONGS_WHOLLY };

static enum belongs order_belongs(
    const struct engine *engine, const struct order *order, uint32_t sale_number)
{
    bool some = false, all = true;
    uint32_t link = order->lines_first;
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct order_line *line = line_at(engine, link - 1);
        bool is_of = sku_is_of(engine, line->sku_number, sale_number);
        some = some || is_of || line->sale_number == sale_number;
        all = all && is_of;
        link = line->next;
    }
    if (!some)
        return BELONGS_NOT;
    return all ? BELONGS_WHOLLY : BELONGS_PARTLY;
}

static bool is_final(const struct decision *decision, const struct order *order)
{
    const struct policy *policy = &decision->engine->policy;
    uint64_t late_ms = order->changed_shelf_ms + policy->late_payment_seconds * 1000ull;
    switch ((enum order_status)order->status) {
    case ORDER_PENDING_PAYMENT:
    case ORDER_REVIEW:
    case ORDER_REFUND_REQUIRED:
        return false;
    case ORDER_EXPIRED:
        return decision->now->shelf_ms >= late_ms;
    case ORDER_CONFIRMED:
    case ORDER_CANCELLED:
    case ORDER_REFUNDED:
        return order->refund_due == 0;
    }
    CHECK(!"every status is final or not");
    return false;
}

/* Whether an order of the sale may go, apart from its keys; otherwise it is counted. */
static bool order_may_go(const struct decision *decision, const struct order *order,
    enum belongs belongs, struct removal_counts *counts)
{
    CHECK(belongs != BELONGS_NOT);
    if (!is_final(decision, order))
        counts->not_final++;
    else if (order->stream_seq > decision->now->streamed_seq)
        counts->not_streamed++;
    else if (belongs == BELONGS_PARTLY)
        counts->shared++;
    else
        return true;
    return false;
}

static void count_order(const struct decision *decision, uint32_t index, uint32_t sale_number,
    struct removal_counts *counts)
{
    const struct engine *engine = decision->engine;
    if (!pool_is_used(&engine->orders, index))
        return;
    enum belongs belongs = order_belongs(engine, order_at(engine, index), sale_number);
    if (belongs != BELONGS_NOT)
        (void)order_may_go(decision, order_at(engine, index), belongs, counts);
}

static void count_hold(const struct engine *engine, uint32_t index, uint32_t sale_number,
    struct removal_counts *counts)
{
    if (!pool_is_used(&engine->holds, index))
        return;
    const struct hold *hold = hold_at(engine, index);
    bool is_of =
        hold->sale_number == sale_number || sku_is_of(engine, hold->sku_number, sale_number);
    counts->held += is_of && hold->state == LINE_HELD;
}

bool removal_count(const struct decision *decision, uint32_t sale_number, uint32_t *at,
    struct removal_counts *counts)
{
    const struct engine *engine = decision->engine;
    uint32_t orders = engine->orders.fresh, end = orders + engine->holds.fresh;
    for (uint32_t i = 0; i < REMOVAL_SLOTS && *at < end; i++, (*at)++) {
        if (*at < orders)
            count_order(decision, *at, sale_number, counts);
        else
            count_hold(engine, *at - orders, sale_number, counts);
    }
    return *at >= end;
}

bool removal_is_blocked(const struct removal_counts *counts)
{
    return counts->not_final + counts->not_streamed + counts->shared + counts->held > 0;
}

static const struct pool *pool_of(const struct engine *engine, uint32_t round)
{
    const struct pool *const pools[ROUND_END] = {
        [ROUND_MERGES] = &engine->customers,
        [ROUND_MERGES_AGAIN] = &engine->customers,
        [ROUND_KEYS] = &engine->keys,
        [ROUND_ORDERS] = &engine->orders,
        [ROUND_CARTS] = &engine->holds,
        [ROUND_ALLOWANCES] = &engine->allowances,
        [ROUND_GONE] = &engine->gone,
    };
    CHECK(round < ROUND_END);
    return pools[round];
}

static bool take_merge(struct decision *decision, uint32_t index, uint32_t sale_number)
{
    (void)sale_number;
    struct removal_counts *left = &decision->engine->removal.left;
    if (customer_at(decision->engine, index)->merging && !removal_is_blocked(left))
        left->held++;
    return false;
}

/* A key of an order that may go; its hash joins the event's. */
static bool take_key(struct decision *decision, uint32_t index, uint32_t sale_number)
{
    struct engine *engine = decision->engine;
    struct event *event = decision->event;
    const struct request_key *key = pool_at(&engine->keys, index);
    struct removal_counts unused = {0};
    if (key->order_index == NONE)
        return false;
    const struct order *order = order_at(engine, key->order_index);
    enum belongs belongs = order_belongs(engine, order, sale_number);
    if (belongs == BELONGS_NOT || !order_may_go(decision, order, belongs, &unused))
        return false;
    struct bytes id = image_bytes(engine, &key->key, 16);
    if (event->kind == EVENT_NONE)
        event->text[TEXT_IDS] = id;
    else
        event->text[TEXT_IDS].size += 16;
    event->kind = EVENT_KEYS_FORGOTTEN;
    event->fact.forgotten.now_shelf_ms = decision->now->shelf_ms;
    event->fact.forgotten.count++;
    return event->fact.forgotten.count == FORGET_MAX;
}

/* One order is one event, as when it is forgotten in its time. */
static bool take_order(struct decision *decision, uint32_t index, uint32_t sale_number)
{
    struct engine *engine = decision->engine;
    struct removal_counts *left = &engine->removal.left;
    const struct order *order = order_at(engine, index);
    enum belongs belongs = order_belongs(engine, order, sale_number);
    if (belongs == BELONGS_NOT || !order_may_go(decision, order, belongs, left))
        return false;
    engine->removal.found = true;
    if (order->key_count > 0) /* a key came after its round */
        return false;
    decide_order_forgotten(decision, index);
    return true;
}

/* A line of the event, and whose it is in TEXT_CUSTOMERS; true: the event is full. */
static bool part_line(struct decision *decision, uint8_t part, uint32_t sale_number,
    const struct event_line *line, uint32_t customer_index)
{
    struct engine *engine = decision->engine;
    struct event *event = decision->event;
    if (event->kind == EVENT_NONE) {
        event->kind = EVENT_SALE_PART_REMOVED;
        event->fact.part = (struct fact_part){
            .now_shelf_ms = decision->now->shelf_ms, .sale_number = sale_number, .part = part};
        event->lines = engine->scratch->room.lines;
        event->text[TEXT_CUSTOMERS] = image_bytes(engine, NULL, 0);
    }
    engine->scratch->room.lines[event->line_count++] = *line;
    if (customer_index != NONE) {
        struct text id = customer_at(engine, customer_index)->id;
        uint8_t size = (uint8_t)id.size;
        event->text[TEXT_CUSTOMERS].size += image_bytes(engine, &size, 1).size;
        event->text[TEXT_CUSTOMERS].size += image_text(engine, id).size;
    }
    return event->line_count == PART_LINES_MAX;
}

static bool take_cart_line(struct decision *decision, uint32_t index, uint32_t sale_number)
{
    struct engine *engine = decision->engine;
    const struct hold *hold = hold_at(engine, index);
    bool is_of = sku_is_of(engine, hold->sku_number, sale_number);
    if (hold->state == LINE_HELD) {
        engine->removal.left.held += is_of || hold->sale_number == sale_number;
        return false;
    }
    struct event_line line = image_hold_line(hold);
    return is_of && part_line(decision, PART_CART_LINES, sale_number, &line, hold->customer_index);
}

static bool take_allowance(struct decision *decision, uint32_t index, uint32_t sale_number)
{
    const struct engine *engine = decision->engine;
    const struct allowance *allowance = pool_at(&engine->allowances, index);
    bool is_of = allowance->sale_number == sale_number ||
                 sku_is_of(engine, allowance->sku_number, sale_number);
    if (!is_of || removal_is_blocked(&engine->removal.left))
        return false;
    const struct event_line line = {
        .sku_number = allowance->sku_number,
        .sale_number = allowance->sale_number,
        .quantity = allowance->used,
    };
    return part_line(decision, PART_ALLOWANCES, sale_number, &line, allowance->customer_index);
}

static bool take_gone(struct decision *decision, uint32_t index, uint32_t sale_number)
{
    const struct engine *engine = decision->engine;
    const struct gone *gone = pool_at(&engine->gone, index);
    if (!sku_is_of(engine, gone->sku_number, sale_number) ||
        removal_is_blocked(&engine->removal.left))
        return false;
    CHECK(gone->units <= UINT32_MAX);
    const struct event_line line = {
        .sku_number = gone->sku_number,
        .quantity = (uint32_t)gone->units,
        .moved = (uint32_t)gone->units,
    };
    return part_line(decision, PART_GONE, sale_number, &line, NONE);
}

/* What is in a slot goes into the event, if it is of the sale; true: the event is full. */
static bool (*const takes[ROUND_END])(struct decision *, uint32_t index, uint32_t sale_number) = {
    [ROUND_MERGES] = take_merge,
    [ROUND_MERGES_AGAIN] = take_merge,
    [ROUND_KEYS] = take_key,
    [ROUND_ORDERS] = take_order,
    [ROUND_CARTS] = take_cart_line,
    [ROUND_ALLOWANCES] = take_allowance,
    [ROUND_GONE] = take_gone,
};

static enum removal_step round_ends(struct decision *decision, uint32_t sale_number)
{
    struct removal *removal = &decision->engine->removal;
    bool found = removal->found;
    removal->round = removal->at = 0;
    removal->found = false;
    removal->told = removal->left;
    removal->left = (struct removal_counts){0};
    if (removal_is_blocked(&removal->told))
        return REMOVAL_BLOCKED;
    if (found)
        return REMOVAL_GOES_ON;
    decision->event->kind = EVENT_SALE_PART_REMOVED;
    decision->event->fact.part = (struct fact_part){
        .now_shelf_ms = decision->now->shelf_ms, .sale_number = sale_number, .part = PART_ALL};
    return REMOVAL_EVENT;
}

enum removal_step removal_step(struct decision *decision, uint32_t sale_number)
{
    struct engine *engine = decision->engine;
    struct removal *removal = &engine->removal;
    if (removal->sale_number != sale_number)
        *removal = (struct removal){.sale_number = sale_number};
    if (removal->done)
        return REMOVAL_DONE;
    if (restate_is_under_way(engine)) /* its records change too much at once */
        return REMOVAL_GOES_ON;
    if (removal->round == ROUND_END)
        return round_ends(decision, sale_number);
    const struct pool *pool = pool_of(engine, removal->round);
    bool full = false;
    for (uint32_t i = 0; i < REMOVAL_SLOTS && !full && removal->at < pool->fresh; i++) {
        uint32_t index = removal->at++;
        full = pool_is_used(pool, index) && takes[removal->round](decision, index, sale_number);
    }
    if (removal->at >= pool->fresh) {
        removal->round++;
        removal->at = 0;
    }
    if (decision->event->kind == EVENT_NONE)
        return REMOVAL_GOES_ON;
    removal->found = true;
    return REMOVAL_EVENT;
}

static void drop_cart_line(
    struct engine *engine, uint32_t customer_index, const struct event_line *line)
{
    struct customer *customer = customer_at(engine, customer_index);
    uint32_t index = hold_find(engine, customer, line->sku_number);
    CHECK(index != NONE);
    CHECK(hold_at(engine, index)->state != LINE_HELD);
    hold_remove(engine, index);
    cart_touched(engine, customer_index, customer->cart_version + 1);
}

void apply_part_removed(struct engine *engine, const struct event *event)
{
    const struct fact_part *fact = &event->fact.part;
    struct bytes customers = event->text[TEXT_CUSTOMERS];
    for (uint32_t i = 0; i < event->line_count; i++) {
        const struct event_line *line = &event->lines[i];
        if (fact->part == PART_CART_LINES)
            drop_cart_line(engine, customer_next(engine, &customers), line);
        else if (fact->part == PART_ALLOWANCES)
            allowance_drop(engine, customer_next(engine, &customers), line, line->quantity);
        else
            gone_remove(engine, line->sku_number, line->quantity);
    }
    CHECK(customers.size == 0);
    if (fact->part == PART_ALL) {
        engine->removal = (struct removal){.sale_number = fact->sale_number, .done = true};
        engine->removed_sale = fact->sale_number;
    }
}
