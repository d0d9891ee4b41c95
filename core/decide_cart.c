/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cart line holds units from the moment it is put (reserve_on = cart), or is a wish until the
 * checkout. PUT sets an absolute quantity: the same again changes nothing, lowering always works,
 * raising competes for the difference and leaves everything as it was when it fails (C2).
 */
#include "core/check.h"
#include "core/counts.h"
#include "core/engine_steps.h"
#include "core/handed.h"

enum {
    VERSION_SHIFT = 8
}; /* of 256 ms: 2^32 of them are 34 years, and no shopper's changes
                             * outrun it on the way through an idle half hour */

static uint32_t cart_version(const struct decision *decision)
{
    if (decision->customer_index == NONE)
        return 0;
    return customer_at(decision->engine, decision->customer_index)->cart_version;
}

bool cart_is_stale(const struct decision *decision)
{
    uint32_t version = cart_version(decision);
    if (!command_is_stale(decision->command, version))
        return false;
    decision->answer->version = version;
    return true;
}

uint32_t cart_version_next(const struct decision *decision)
{
    if (decision->customer_index == NONE)
        return (uint32_t)(decision->now->shelf_ms >> VERSION_SHIFT) + 1;
    return cart_version(decision) + 1;
}

/* The event of one cart line, as it will be. */
static void line_event(struct decision *decision, const struct event_line *line, uint8_t state)
{
    struct engine *engine = decision->engine;
    struct event *event = decision->event;
    engine->scratch->room.lines[0] = *line;
    event->kind = EVENT_CART_LINE_SET;
    event->lines = engine->scratch->room.lines;
    event->line_count = 1;
    event->text[TEXT_CUSTOMER] = decision->command->customer;
    event->fact.cart = (struct fact_cart){
        .now_shelf_ms = decision->now->shelf_ms,
        .cart_version = cart_version_next(decision),
        .state = state,
        .move = line->moved > 0 ? MOVE_GIVE : MOVE_NONE,
    };
}

static enum outcome cart_room(
    struct decision *decision, bool new_line, const struct event_line *line)
{
    const struct engine *engine = decision->engine;
    const char *full = room_for_customer(decision);
    if (full != NULL)
        return decision_full(decision, full);
    if (new_line && pool_room(&engine->holds) == 0)
        return decision_full(decision, "holds");
    if (line->limit > 0 && pool_room(&engine->allowances) == 0 &&
        allowance_used(engine, decision->customer_index, line->sku_number, line->sale_number) == 0)
        return decision_full(decision, "allowances");
    if (decision->now->journal_full)
        return OUTCOME_JOURNAL_FULL;
    return OUTCOME_OK;
}

/* The cart's currency, else the one named, else the product's own; a second one is refused (C1). */
static enum outcome cart_currency(struct decision *decision, const struct product_terms *terms,
    uint8_t currency[4], int64_t *price)
{
    const uint8_t *named = decision->command->currency;
    const uint8_t *kept = NULL;
    if (decision->customer_index != NONE) {
        kept = customer_at(decision->engine, decision->customer_index)->currency;
        if (kept[0] == 0)
            kept = NULL;
    }
    if (kept != NULL && named[0] != 0 && memcmp(kept, named, 3) != 0)
        return OUTCOME_CURRENCY_MISMATCH;
    const uint8_t *chosen = kept != NULL ? kept : named[0] != 0 ? named : terms->prices[0].currency;
    memcpy(currency, chosen, 4);
    return product_price(terms, currency, price) ? OUTCOME_OK : OUTCOME_CURRENCY_MISMATCH;
}

static bool exceeds_limit(const struct decision *decision, uint32_t limit,
    const struct event_line *line, uint32_t units, const struct hold *hold)
{
    if (limit == 0)
        return false;
    uint32_t used =
        limit_used(decision->engine, decision->customer_index, decision->command->customer, line);
    used += hold == NULL ? 0 : hold_uncounted(hold);
    if ((uint64_t)used + units <= limit)
        return false;
    decision->answer->limit = limit;
    decision->answer->used = used;
    return true;
}

/* Takes `units` more of a SKU for a customer with this hold of it: limit first, then stock (Q2,
 * Q3).
 */
enum outcome cart_take(struct decision *decision, const struct selling *selling, uint32_t sku_index,
    const struct event_line *line, uint32_t units, const struct hold *hold)
{
    uint32_t own = hold == NULL ? 0 : hold->quantity;
    struct answer *answer = decision->answer;
    struct stock *stock = &decision->engine->shelf->stock;
    if (selling_refuses(selling, decision->command))
        return OUTCOME_FORBIDDEN;
    enum outcome window =
        selling_opens(decision->engine, sku_index, selling, decision->now, &answer->starts_wall_ms);
    if (window != OUTCOME_OK)
        return window;
    if (exceeds_limit(decision, selling->limit, line, units, hold))
        return OUTCOME_LIMIT_EXCEEDED;
    uint32_t left;
    enum stock_answer taken = stock_try(stock, sku_index, units, &left);
    if (taken == STOCK_TAKEN)
        return OUTCOME_OK;
    return line_refused(
        decision, sku_index, taken, left, own, &answer->available, &answer->next_release_shelf_ms);
}

enum outcome line_refused(const struct decision *decision, uint32_t sku_index,
    enum stock_answer said, uint32_t left, uint32_t own, uint32_t *available,
    uint64_t *next_release_shelf_ms)
{
    struct stock *stock = &decision->engine->shelf->stock;
    struct selling selling;
    selling_terms(decision->engine, sku_index, &selling);
    *available = counts_shown(&selling.sale, said == STOCK_INSUFFICIENT ? left + own : own);
    /* A customer's own held units count as available to him (A6): then some are left. */
    if (said == STOCK_INSUFFICIENT || own > 0)
        return OUTCOME_INSUFFICIENT;
    if (said == STOCK_SOLD_OUT)
        return OUTCOME_SOLD_OUT;
    if (!decision->now->frozen)
        *next_release_shelf_ms = stock_next_release(stock, sku_index, decision->now->shelf_ms);
    return OUTCOME_HELD_BY_OTHERS;
}

static enum outcome cart_remove(struct decision *decision, uint32_t hold_index)
{
    if (hold_index == NONE)
        return OUTCOME_OK;
    const struct hold *hold = hold_at(decision->engine, hold_index);
    if (decision->now->journal_full && hold->state != LINE_HELD)
        return OUTCOME_JOURNAL_FULL;
    struct event_line line = image_hold_line(hold);
    line.moved = hold->state == LINE_HELD ? hold->quantity : 0;
    line.quantity = 0;
    line_event(decision, &line, LINE_NONE);
    image_names(decision->engine, decision->event);
    return OUTCOME_OK;
}

/* A hold that lives keeps its price and deadline whatever its quantity becomes. It may be lowered
 * as often as it has units: there is no room set aside for that, only for its end (S5). */
static enum outcome cart_change(
    struct decision *decision, const struct selling *selling, uint32_t sku_index, uint32_t index)
{
    const struct hold *hold = hold_at(decision->engine, index);
    uint32_t quantity = decision->command->quantity;
    struct event_line line = image_hold_line(hold);
    line.quantity = quantity;
    uint32_t taken = 0;
    if (quantity == hold->quantity)
        return OUTCOME_OK;
    if (decision->now->journal_full)
        return OUTCOME_JOURNAL_FULL;
    if (quantity < hold->quantity) {
        line.moved = hold->quantity - quantity;
    } else {
        taken = quantity - hold->quantity;
        enum outcome outcome = cart_take(decision, selling, sku_index, &line, taken, hold);
        if (outcome != OUTCOME_OK)
            return outcome;
    }
    line_event(decision, &line, LINE_HELD);
    struct fact_cart *fact = &decision->event->fact.cart;
    fact->deadline_shelf_ms = hold->deadline_shelf_ms;
    fact->created_shelf_ms = hold->created_shelf_ms;
    fact->extensions = hold->extensions;
    fact->taken = taken;
    memcpy(fact->currency, customer_at(decision->engine, hold->customer_index)->currency, 4);
    image_names(decision->engine, decision->event);
    return OUTCOME_OK;
}

/* A new line, or one whose hold died: it competes at today's price (C6), or is only a wish. */
static enum outcome cart_put(
    struct decision *decision, const struct selling *selling, uint32_t sku_index, uint32_t index)
{
    struct engine *engine = decision->engine;
    const struct product_terms *terms = &selling->terms;
    bool holds_units = selling->reserve_on == RESERVE_CART;
    uint8_t currency[4];
    struct event_line line = {
        .sku_number = terms->number,
        .quantity = decision->command->quantity,
        .seller_number = terms->seller_number,
        .sale_number = terms->sale_number,
        .limit = holds_units ? selling->limit : 0,
    };
    if (selling_refuses(selling, decision->command))
        return OUTCOME_FORBIDDEN;
    enum outcome outcome = cart_currency(decision, terms, currency, &line.unit_price);
    if (outcome != OUTCOME_OK)
        return outcome;
    if (index != NONE && !holds_units) {
        const struct hold *hold = hold_at(engine, index);
        if (hold->quantity == line.quantity && hold->state == LINE_NONE)
            return OUTCOME_OK;
    }
    outcome = cart_room(decision, index == NONE, &line);
    if (outcome == OUTCOME_OK && holds_units)
        outcome = cart_take(decision, selling, sku_index, &line, line.quantity, NULL);
    if (outcome != OUTCOME_OK)
        return outcome;
    line_event(decision, &line, holds_units ? LINE_HELD : LINE_NONE);
    struct fact_cart *fact = &decision->event->fact.cart;
    memcpy(fact->currency, currency, 4);
    image_names(engine, decision->event);
    if (!holds_units)
        return OUTCOME_OK;
    fact->taken = line.quantity;
    fact->created_shelf_ms = decision->now->shelf_ms;
    fact->deadline_shelf_ms = decision->now->shelf_ms + selling->hold_seconds * 1000ull;
    stock_note_release(
        &engine->shelf->stock, sku_index, fact->deadline_shelf_ms, decision->now->shelf_ms);
    return OUTCOME_OK;
}

enum outcome decide_cart_set(struct decision *decision)
{
    const struct command *command = decision->command;
    struct engine *engine = decision->engine;
    CHECK(command->customer.size > 0);
    uint32_t sku_index = catalog_find(&engine->shelf->catalog, command->sku);
    if (sku_index == SKU_NONE)
        return OUTCOME_NOT_FOUND;
    if (cart_is_stale(decision))
        return OUTCOME_STALE_VERSION;
    if (command->quantity > engine->policy.units_per_line)
        return decision_bound(
            decision, OUTCOME_QUANTITY_TOO_LARGE, "units_per_line", engine->policy.units_per_line);
    struct selling selling;
    selling_terms(engine, sku_index, &selling);
    uint32_t hold_index = NONE, hold_count = 0;
    if (decision->customer_index != NONE) {
        const struct customer *customer = customer_at(engine, decision->customer_index);
        hold_index = hold_find(engine, customer, selling.terms.number);
        hold_count = customer->hold_count;
    }
    if (command->quantity == 0)
        return cart_remove(decision, hold_index);
    if (hold_index == NONE && hold_count >= engine->policy.lines_per_cart)
        return decision_bound(
            decision, OUTCOME_TOO_MANY_LINES, "lines_per_cart", engine->policy.lines_per_cart);
    if (hold_index != NONE && hold_at(engine, hold_index)->state == LINE_HELD) {
        const uint8_t *kept = customer_at(engine, decision->customer_index)->currency;
        if (command->currency[0] != 0 && memcmp(kept, command->currency, 3) != 0)
            return OUTCOME_CURRENCY_MISMATCH;
        return cart_change(decision, &selling, sku_index, hold_index);
    }
    return cart_put(decision, &selling, sku_index, hold_index);
}

enum outcome decide_cart_clear(struct decision *decision)
{
    struct engine *engine = decision->engine;
    if (cart_is_stale(decision))
        return OUTCOME_STALE_VERSION;
    if (decision->customer_index == NONE)
        return OUTCOME_OK;
    const struct customer *customer = customer_at(engine, decision->customer_index);
    if (customer->hold_count == 0)
        return OUTCOME_OK;
    if (decision->now->journal_full && customer->live_holds == 0)
        return OUTCOME_JOURNAL_FULL;
    CHECK(customer->hold_count <= LINES_PER_ORDER_MAX);
    struct event *event = decision->event;
    uint32_t link = customer->holds_first;
    for (uint32_t i = 0; i < customer->hold_count; i++) {
        const struct hold *hold = hold_at(engine, link - 1);
        engine->scratch->room.lines[i] = image_hold_line(hold);
        engine->scratch->room.lines[i].moved = hold->state == LINE_HELD ? hold->quantity : 0;
        link = hold->next;
    }
    event->kind = EVENT_CART_CLEARED;
    event->lines = engine->scratch->room.lines;
    event->line_count = customer->hold_count;
    event->text[TEXT_CUSTOMER] = decision->command->customer;
    event->fact.cart = (struct fact_cart){
        .now_shelf_ms = decision->now->shelf_ms,
        .cart_version = cart_version_next(decision),
        .move = MOVE_GIVE,
    };
    return OUTCOME_OK;
}

void decide_hold_due(struct decision *decision, uint32_t hold_index)
{
    struct engine *engine = decision->engine;
    const struct hold *hold = hold_at(engine, hold_index);
    CHECK(hold->state == LINE_HELD);
    const struct customer *customer = customer_at(engine, hold->customer_index);
    struct event *event = decision->event;
    engine->scratch->room.lines[0] = image_hold_line(hold);
    engine->scratch->room.lines[0].moved = hold->quantity;
    event->kind = EVENT_HOLD_EXPIRED;
    event->lines = engine->scratch->room.lines;
    event->line_count = 1;
    event->text[TEXT_CUSTOMER] = image_text(engine, customer->id);
    event->fact.cart = (struct fact_cart){
        .now_shelf_ms = decision->now->shelf_ms,
        .created_shelf_ms = hold->created_shelf_ms,
        .cart_version = customer->cart_version + 1,
        .state = LINE_EXPIRED,
        .extensions = hold->extensions,
        .move = MOVE_GIVE,
    };
    memcpy(event->fact.cart.currency, customer->currency, 4);
    image_names(engine, event);
}
