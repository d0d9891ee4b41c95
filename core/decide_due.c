/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What time decides. Every entity has one timer; what it means depends on the entity: a hold dies,
 * an unpaid order expires, a final order, a key, an idle customer is forgotten once PostgreSQL has
 * what it needs. A timer that is early (the customer came back, the stream lags) is set again.
 */
#include "core/bugs.h"
#include "core/check.h"
#include "core/engine_steps.h"
#include "core/handed.h"
#include "core/identities.h"
#include "core/kills.h"
#include "core/merge.h"

enum { DUE_WORK_MAX = 256, RETRY_MS = 1000, DAY_MS = 86400 * 1000 };

/* One 16-byte id, copied: apply gives its slot back. */
static void forget_begin(struct decision *decision, enum event_kind kind, const void *id)
{
    struct event *event = decision->event;
    event->kind = kind;
    event->fact.forgotten =
        (struct fact_forgotten){.now_shelf_ms = decision->now->shelf_ms, .count = 1};
    event->text[TEXT_IDS] = image_bytes(decision->engine, id, 16);
}

/* The payment ids that are free again when the order is gone; see settle.c. */
static struct bytes forget_claims(struct decision *decision, const struct order *order)
{
    struct engine *engine = decision->engine;
    uint8_t *begin = engine->scratch->room.text + engine->scratch->room.text_used;
    uint32_t size = 0, link = order->payments_first;
    CHECK(engine->scratch->room.text_used + 32 * PAYMENTS_PER_ORDER <=
          sizeof(engine->scratch->room.text));
    for (uint32_t i = 0; i < order->payment_count; i++) {
        const struct payment *payment = pool_at(&engine->payments, link - 1);
        link = payment->next;
        if (!payment_is_claim(payment))
            continue;
        memcpy(begin + size, order->id, 16);
        memcpy(begin + size + 16, &payment->hash, 16);
        size += 32;
    }
    engine->scratch->room.text_used += size;
    return bytes_of(begin, size);
}

/* What the order still counts for its identities (Q5). */
static struct bytes forget_counts(struct decision *decision, const struct order *order)
{
    struct engine *engine = decision->engine;
    struct scratch *scratch = engine->scratch;
    struct bytes identities = image_text(engine, order->identities);
    uint8_t *begin = scratch->room.text + scratch->room.text_used;
    uint32_t size = 0, link = order->lines_first;
    CHECK(IDENTITIES_MAX * sizeof(struct identity_count) * order->line_count <=
          sizeof(scratch->room.text) - scratch->room.text_used);
    for (uint32_t i = 0; identities.size > 0 && i < order->line_count; i++) {
        const struct order_line *line = line_at(engine, link - 1);
        size += identities_put(identities, line, order_line_counts(order, line), begin + size);
        link = line->next;
    }
    scratch->room.text_used += size;
    return bytes_of(begin, size);
}

void decide_order_forgotten(struct decision *decision, uint32_t order_index)
{
    const struct order *order = order_at(decision->engine, order_index);
    CHECK(order->key_count == 0);
    forget_begin(decision, EVENT_ORDERS_FORGOTTEN, order->id);
    decision->event->text[TEXT_CLAIMS] = forget_claims(decision, order);
    decision->event->text[TEXT_COUNTS] = forget_counts(decision, order);
}

/* A journal that is full has no room for what is not urgent. But what is kept can be what fills it:
 * then forgetting is the only way out. */
static bool forgetting_waits(const struct decision *decision, uint32_t timer)
{
    const struct moment *now = decision->now;
    if (!now->journal_full || now->forgets || bug(BUG_FORGOTTEN_WHEN_FULL))
        return false;
    deadlines_set(&decision->engine->deadlines, timer, decision->now->shelf_ms + RETRY_MS);
    return true;
}

static bool due_order(struct decision *decision, uint32_t index)
{
    struct engine *engine = decision->engine;
    const struct order *order = order_at(engine, index);
    if (order->status == ORDER_PENDING_PAYMENT || order->status == ORDER_REVIEW) {
        if (kill_of_order(engine, order) != NULL)
            decide_order_killed(decision, index);
        else
            decide_order_due(decision, index);
        return true;
    }
    if (forgetting_waits(decision, engine->orders_base + index))
        return false;
    bool keyed = order->keep_shelf_ms >= decision->now->shelf_ms;
    bool streamed = order->stream_seq <= decision->now->streamed_seq;
    /* A key whose forgetting has waited for a full journal goes first. */
    bool waits = order->key_count > 0 || !(streamed || bug(BUG_FORGOTTEN_UNSTREAMED));
    if (keyed || waits) {
        deadlines_set(&engine->deadlines, engine->orders_base + index,
            keyed ? order->keep_shelf_ms + 1 : decision->now->shelf_ms + RETRY_MS);
        return false;
    }
    decide_order_forgotten(decision, index);
    return true;
}

static bool due_key(struct decision *decision, uint32_t index)
{
    const struct request_key *key = pool_at(&decision->engine->keys, index);
    if (forgetting_waits(decision, decision->engine->keys_base + index))
        return false;
    forget_begin(decision, EVENT_KEYS_FORGOTTEN, &key->key);
    return true;
}

/* When an allowance's sale ends; a SKU's own end stands over its sale's (L9). 0: never. */
static int64_t allowance_ends(const struct engine *engine, const struct allowance *allowance)
{
    const struct catalog *catalog = &engine->shelf->catalog;
    uint32_t sku_index = catalog_find_number(catalog, allowance->sku_number);
    struct selling selling;
    struct sale sale;
    if (sku_index == SKU_NONE)
        return 0; /* it goes with its sale, see removal.c */
    selling_terms(engine, sku_index, &selling);
    if (selling.terms.sale_number == allowance->sale_number)
        return selling_ends(&selling);
    catalog_sale(catalog, allowance->sale_number, &sale);
    return sale.ends_wall_ms;
}

static bool allowance_is_over(const struct decision *decision, const struct allowance *allowance)
{
    const struct engine *engine = decision->engine;
    int64_t ends = allowance_ends(engine, allowance);
    return ends != 0 && ends + DAY_MS <= decision->now->wall_ms &&
           allowance_shown(engine, allowance) == 0;
}

/* Kept until a day after the sale's end, and while anything of it may still come back. */
static bool due_allowance(struct decision *decision, const struct customer *customer)
{
    struct engine *engine = decision->engine;
    struct event *event = decision->event;
    uint32_t link = customer->allowances_first;
    for (uint32_t i = 0; i < customer->allowance_count; i++) {
        const struct allowance *allowance = pool_at(&engine->allowances, link - 1);
        link = allowance->next;
        if (!allowance_is_over(decision, allowance))
            continue;
        event->kind = EVENT_ALLOWANCES_FORGOTTEN;
        event->fact.forgotten =
            (struct fact_forgotten){.now_shelf_ms = decision->now->shelf_ms, .count = 1};
        event->text[TEXT_CUSTOMER] = image_text(engine, customer->id);
        event->lines = engine->scratch->room.lines;
        event->line_count = 1;
        engine->scratch->room.lines[0] = (struct event_line){
            .sku_number = allowance->sku_number,
            .sale_number = allowance->sale_number,
            .quantity = allowance->used,
        };
        image_names(engine, event);
        return true;
    }
    return false;
}

static bool due_customer(struct decision *decision, uint32_t index)
{
    struct engine *engine = decision->engine;
    const struct customer *customer = customer_at(engine, index);
    uint64_t pause = engine->policy.cart_idle_seconds * 1000ull;
    uint64_t idle = customer->touched_shelf_ms + pause, now = decision->now->shelf_ms;
    if (forgetting_waits(decision, engine->customers_base + index))
        return false;
    if (due_allowance(decision, customer))
        return true;
    if (customer->order_count > 0 || customer->allowance_count > 0 || customer->live_holds > 0 ||
        idle > now) {
        deadlines_set(
            &engine->deadlines, engine->customers_base + index, idle > now ? idle : now + pause);
        return false;
    }
    decision->event->kind = EVENT_CUSTOMER_FORGOTTEN;
    decision->event->fact.forgotten =
        (struct fact_forgotten){.now_shelf_ms = decision->now->shelf_ms};
    decision->event->text[TEXT_CUSTOMER] = image_text(engine, customer->id);
    return true;
}

/* Decides what the timer says; false when it was early and is set again. */
static bool due_one(struct decision *decision, uint32_t id)
{
    const struct engine *engine = decision->engine;
    if (id >= engine->customers_base)
        return due_customer(decision, id - engine->customers_base);
    if (id >= engine->keys_base)
        return due_key(decision, id - engine->keys_base);
    if (id >= engine->orders_base)
        return due_order(decision, id - engine->orders_base);
    decide_hold_due(decision, id);
    return true;
}

static struct decision due_decision(
    struct engine *engine, const struct moment *now, struct event *event)
{
    image_reset(engine, event);
    return (struct decision){.engine = engine, .now = now, .event = event, .customer_index = NONE};
}

static bool due_by_the_clock(struct decision *decision)
{
    struct engine *engine = decision->engine;
    uint32_t work = DUE_WORK_MAX, id;
    if (engine->shard == 0 && decide_sale_due(decision))
        return true;
    for (uint32_t early = 0; early < DUE_WORK_MAX; early++) {
        if (!deadlines_peek(&engine->deadlines, decision->now->shelf_ms, &work, &id))
            return false;
        if (due_one(decision, id))
            return true;
    }
    return false;
}

bool engine_due(struct engine *engine, const struct moment *now, struct event *event)
{
    struct decision decision = due_decision(engine, now, event);
    if (!decide_kill_begins(&decision) && !due_by_the_clock(&decision) &&
        !decide_kill_sweeps(&decision) && !decide_removal_due(&decision))
        return false;
    handed_note(engine, event);
    return true;
}

uint64_t engine_next_due(const struct engine *engine)
{
    struct kill_scope kill;
    if (engine->kill_count > 0 ||
        switches_next_kill(&engine->shelf->switches, engine->kill_begun, &kill))
        return 0;
    uint64_t next = deadlines_next(&engine->deadlines), removal = removal_next_due(engine);
    next = removal < next ? removal : next;
    if (engine->shard != 0 || engine->sales_due_wall_ms == INT64_MAX)
        return next;
    int64_t sales = engine->sales_due_wall_ms - engine->wall_offset_ms;
    if (sales <= 0)
        return 0;
    return (uint64_t)sales < next ? (uint64_t)sales : next;
}

static bool is_killed(struct engine *engine, const struct hold *hold)
{
    return engine->kill_count > 0 && kill_of(engine, hold->sku_number, hold->sale_number) != NULL;
}

/* The first hold or open order of the customer whose time is over, or that a kill has reached. */
static uint32_t due_of_customer(
    struct engine *engine, const struct customer *customer, uint64_t now_shelf_ms)
{
    uint32_t link = customer->live_holds > 0 ? customer->holds_first : 0;
    for (uint32_t i = 0; link != 0 && i < customer->hold_count; i++) {
        const struct hold *hold = hold_at(engine, link - 1);
        uint64_t dead_ms = hold->deadline_shelf_ms + (bug(BUG_DEADLINE_OFF_BY_ONE) ? 1 : 0);
        if (hold->state == LINE_HELD && (dead_ms <= now_shelf_ms || is_killed(engine, hold)))
            return engine->holds_base + link - 1;
        link = hold->next;
    }
    link = customer->open_orders > 0 ? customer->orders_newest : 0;
    for (uint32_t open = 0; link != 0 && open < customer->open_orders;) {
        const struct order *order = order_at(engine, link - 1);
        bool is_open = order->status == ORDER_PENDING_PAYMENT || order->status == ORDER_REVIEW;
        if (is_open &&
            (order->payment_due_shelf_ms <= now_shelf_ms || kill_of_order(engine, order) != NULL))
            return engine->orders_base + link - 1;
        open += is_open;
        link = order->next;
    }
    return NONE;
}

bool engine_due_of(struct engine *engine, const struct command *command, const struct moment *now,
    struct event *event)
{
    uint32_t customer_index = NONE;
    struct bytes whose = merge_is_at_guest(command) ? command->guest_id : command->customer;
    if (whose.size > 0) {
        customer_index = customer_find(engine, whose);
    } else if (command->kind == COMMAND_ORDER_READ || command->kind == COMMAND_PAYMENT ||
               command->kind == COMMAND_CANCEL || command->kind == COMMAND_REVIEW) {
        uint32_t order_index = order_find(engine, command->order_id);
        if (order_index != NONE)
            customer_index = order_at(engine, order_index)->customer_index;
    }
    if (customer_index == NONE)
        return false;
    const struct customer *customer = customer_at(engine, customer_index);
    if (customer->live_holds == 0 && customer->open_orders == 0)
        return false;
    uint32_t id = due_of_customer(engine, customer, now->shelf_ms);
    if (id == NONE)
        return false;
    struct decision decision = due_decision(engine, now, event);
    CHECK(due_one(&decision, id));
    handed_note(engine, event);
    return true;
}
