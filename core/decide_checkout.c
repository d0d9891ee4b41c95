/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A checkout makes one draft per SKU, judges each without touching stock, and only when none has
 * failed claims them one after another in SKU order (K1): of two equal baskets one wins, whatever
 * shards they run on. At the first claim that fails, what was claimed goes back at once (nothing
 * was promised) and the rest is only looked at, so that a refusal lists every failing line (K2).
 */
#include "core/check.h"
#include "core/decide_draft.h"
#include "core/identities.h"
#include "core/key_hash.h"

/* The same key before: the same order again, or another request under a used key (I3, I4). */
static bool checkout_replayed(struct decision *decision, enum outcome *outcome)
{
    uint32_t index = key_find(decision->engine, decision->key);
    if (index == NONE)
        return false;
    const struct request_key *entry = pool_at(&decision->engine->keys, index);
    CHECK(entry->kind == REQUEST_CHECKOUT);
    *outcome = OUTCOME_KEY_REUSED;
    if (key_is_of(entry, command_hash(decision->command))) {
        decision->answer->replayed = true;
        decision->answer->order_index = entry->order_index;
        *outcome = OUTCOME_OK;
    }
    return true;
}

/* What role service alone may say (P1, P11, K7, Q5). */
static bool checkout_is_service(const struct command *command)
{
    return command->mode != 0 || command->adjustments_set || command->identity_count > 0 ||
           command->risk_decision != RISK_NONE || command->risk_score > 0;
}

/* The stricter of what the service decided and what the rules say of its score (P11). */
static enum risk_decision checkout_risk(const struct decision *decision)
{
    const struct command *command = decision->command;
    const struct policy *policy = &decision->engine->policy;
    enum risk_decision rules = RISK_NONE;
    if (policy->risk_review_score > 0 && command->risk_score >= policy->risk_review_score)
        rules = RISK_REVIEW;
    if (policy->risk_decline_score > 0 && command->risk_score >= policy->risk_decline_score)
        rules = RISK_DECLINE;
    enum risk_decision said = (enum risk_decision)command->risk_decision;
    return said > rules ? said : rules;
}

/* What the order is born as; an order that is not paid yet is one of few (max_open_orders). */
static enum outcome checkout_born(struct decision *decision, struct basket *basket)
{
    const struct command *command = decision->command;
    const struct policy *policy = &decision->engine->policy;
    if (command->mode != 0)
        basket->payment_mode = command->mode;
    basket->born = ORDER_PENDING_PAYMENT;
    if (basket->payment_mode == PAYMENT_DEFERRED)
        basket->born = ORDER_CONFIRMED;
    if (checkout_risk(decision) == RISK_REVIEW)
        basket->born = ORDER_REVIEW;
    if (order_is_open(basket->born) && decision->customer_index != NONE &&
        customer_at(decision->engine, decision->customer_index)->open_orders >=
            policy->max_open_orders)
        return decision_bound(
            decision, OUTCOME_TOO_MANY_OPEN_ORDERS, "max_open_orders", policy->max_open_orders);
    return OUTCOME_OK;
}

static enum outcome checkout_room(struct decision *decision, const struct basket *basket)
{
    struct engine *engine = decision->engine;
    const char *full = room_for_customer(decision);
    const struct command *command = decision->command;
    uint32_t texts = text_blocks(command->references.size) +
                     text_blocks(command->adjustments.size) +
                     text_blocks(command->identity_count * (uint32_t)sizeof(struct hash128));
    if (decision->customer_index == NONE)
        texts += text_blocks(command->customer.size);
    if (full != NULL)
        return decision_full(decision, full);
    if (pool_room(&engine->orders) == 0)
        return decision_full(decision, "orders");
    if (pool_room(&engine->lines) < basket->line_count)
        return decision_full(decision, "lines");
    if (text_room(&engine->texts) < texts)
        return decision_full(decision, "text_bytes");
    if (pool_room(&engine->keys) == 0)
        return decision_full(decision, "idempotency_keys");
    if (pool_room(&engine->allowances) < basket->allowances_new)
        return decision_full(decision, "allowances");
    /* Payment slots are set aside for every order that is kept: see PAYMENTS_PER_ORDER. */
    if ((engine->orders.used + 1ull) * PAYMENTS_PER_ORDER > engine->payments.capacity)
        return decision_full(decision, "claims");
    return OUTCOME_OK;
}

static void give_back(struct decision *decision, struct basket *basket)
{
    struct draft *drafts = decision->engine->scratch->drafts;
    for (uint32_t i = 0; i < basket->draft_count; i++) {
        if (drafts[i].taken > 0)
            stock_give(&decision->engine->shelf->stock, drafts[i].sku_index, drafts[i].taken);
        drafts[i].taken = 0;
    }
}

/* A look takes nothing, so it tells no more than everybody may know: asked for more units than
 * that, it answers for so many as are no secret (A5). */
static void draft_look(struct decision *decision, struct draft *draft)
{
    if (draft->outcome != OUTCOME_OK || draft->quantity == draft->from_hold)
        return;
    uint32_t units = draft->quantity - draft->from_hold, left = 0;
    if (units > draft->known)
        units = draft->known;
    enum stock_answer said =
        stock_look(&decision->engine->shelf->stock, draft->sku_index, units, &left);
    if (said != STOCK_TAKEN)
        draft->outcome = line_refused(decision, draft->sku_index, said, left, draft->from_hold,
            &draft->available, &draft->next_release_shelf_ms);
}

/* Whether all that can be known without taking is in favour. */
static bool look_at_all(struct decision *decision, struct basket *basket)
{
    struct draft *drafts = decision->engine->scratch->drafts;
    bool good = true;
    for (uint32_t i = 0; i < basket->draft_count; i++) {
        draft_look(decision, &drafts[i]);
        good = good && drafts[i].outcome == OUTCOME_OK;
    }
    return good;
}

/* Every line or none; false when one could not be had. */
static bool claim_all(struct decision *decision, struct basket *basket)
{
    struct scratch *scratch = decision->engine->scratch;
    for (uint32_t i = 0; i < basket->draft_count; i++) {
        struct draft *draft = &scratch->drafts[scratch->by_number[i]];
        uint32_t units = draft->quantity - draft->from_hold;
        if (units == 0)
            continue;
        uint32_t left;
        enum stock_answer said =
            stock_try(&decision->engine->shelf->stock, draft->sku_index, units, &left);
        if (said == STOCK_TAKEN) {
            draft->taken = units;
            continue;
        }
        draft->outcome = line_refused(decision, draft->sku_index, said, left, draft->from_hold,
            &draft->available, &draft->next_release_shelf_ms);
        give_back(decision, basket);
        (void)look_at_all(decision, basket);
        return false;
    }
    return true;
}

static void note_releases(
    struct decision *decision, const struct basket *basket, uint64_t deadline_shelf_ms)
{
    const struct draft *drafts = decision->engine->scratch->drafts;
    for (uint32_t i = 0; i < basket->draft_count; i++)
        stock_note_release(&decision->engine->shelf->stock, drafts[i].sku_index, deadline_shelf_ms,
            decision->now->shelf_ms);
}

/* With items the cart is left alone, unless a hold in it was used first (K8). */
static uint32_t placed_cart_version(const struct decision *decision, const struct basket *basket)
{
    bool changes = basket->from_cart || decision->customer_index == NONE;
    for (uint32_t i = 0; i < basket->draft_count; i++)
        changes |= decision->engine->scratch->drafts[i].from_hold > 0;
    return changes ? cart_version_next(decision)
                   : customer_at(decision->engine, decision->customer_index)->cart_version;
}

static void placed_fact(struct decision *decision, const struct basket *basket)
{
    const struct command *command = decision->command;
    const struct moment *now = decision->now;
    bool confirmed = basket->born == ORDER_CONFIRMED;
    struct fact_order *fact = &decision->event->fact.order;
    *fact = (struct fact_order){
        .key_hash = decision->key,
        .request_hash = command_hash(command),
        .items_total = basket->items_total,
        .total = basket->total,
        .born_total = basket->total,
        .payment_seconds = basket->payment_seconds,
        .created_shelf_ms = now->shelf_ms,
        .keep_shelf_ms = decision_keep_ms(decision, basket->ends_wall_ms),
        .now_shelf_ms = now->shelf_ms,
        .now_wall_ms = now->wall_ms,
        .created_wall_ms = now->wall_ms,
        .version = basket->born == ORDER_PENDING_PAYMENT ? 1 : 2,
        .cart_version = placed_cart_version(decision, basket),
        .status = basket->born,
        .status_born = basket->born,
        .mode = basket->payment_mode,
        .move = confirmed ? MOVE_SELL : MOVE_NONE,
        .from_cart = basket->from_cart,
    };
    memcpy(fact->currency, basket->currency, 4);
    memcpy(fact->id, decision->order_id, sizeof(fact->id));
    if (confirmed) {
        order_event_confirm(decision);
        return;
    }
    uint32_t seconds =
        basket->born == ORDER_REVIEW ? basket->review_seconds : basket->payment_seconds;
    order_event_due(decision, now->shelf_ms + seconds * 1000ull);
    fact->born_due_shelf_ms = fact->payment_due_shelf_ms;
}

/* What came from a hold keeps the hold's price and terms, in a line of its own. */
static void placed_lines(struct decision *decision, struct basket *basket)
{
    struct scratch *scratch = decision->engine->scratch;
    uint32_t count = 0;
    for (uint32_t i = 0; i < basket->draft_count; i++) {
        const struct draft *draft = &scratch->drafts[i];
        if (draft->sku_index == SKU_NONE)
            continue; /* refused: its lines are only looked at */
        if (draft->from_hold > 0) {
            struct event_line line = image_hold_line(hold_at(decision->engine, draft->hold_index));
            line.quantity = line.from_hold = line.moved = draft->from_hold;
            scratch->room.lines[count++] = line;
        }
        uint32_t fresh = draft->quantity - draft->from_hold;
        if (fresh == 0)
            continue;
        struct event_line line = {
            .sku_number = draft->number,
            .quantity = fresh,
            .unit_price = draft->unit_price,
            .seller_number = draft->seller_number,
            .sale_number = draft->sale_number,
            .limit = draft->limit,
            .moved = fresh,
        };
        scratch->room.lines[count++] = line;
    }
    CHECK(count == basket->line_count);
    if (basket->born != ORDER_CONFIRMED) {
        for (uint32_t i = 0; i < count; i++)
            scratch->room.lines[i].moved = 0;
    }
    decision->event->lines = scratch->room.lines;
    decision->event->line_count = count;
}

static void placed_event(struct decision *decision, struct basket *basket)
{
    const struct command *command = decision->command;
    struct event *event = decision->event;
    event->kind = EVENT_ORDER_PLACED;
    placed_fact(decision, basket);
    event->text[TEXT_CUSTOMER] = command->customer;
    event->text[TEXT_KEY] = command->key;
    event->text[TEXT_REFERENCES] = command->references;
    event->text[TEXT_TOKEN] = command->token;
    event->text[TEXT_ADJUSTMENTS] = command->adjustments;
    image_names(decision->engine, event);
    decision_stream(decision, event->fact.order.version);
    if (basket->born != ORDER_CONFIRMED)
        note_releases(decision, basket, event->fact.order.payment_due_shelf_ms);
    decision->answer->created = true;
}

static struct bytes checkout_identities(const struct command *command)
{
    return bytes_of(
        command->identities, command->identity_count * (uint32_t)sizeof(struct hash128));
}

/* A draft's one or two lines under each identity of the checkout (Q5): the largest usage counts. */
static void draft_identify(const struct decision *decision, struct draft *draft,
    const struct event_line *lines, uint32_t count)
{
    struct bytes identities = decision->event->text[TEXT_IDENTITIES];
    uint64_t before = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct event_line *line = &lines[i];
        if (line->limit == 0)
            continue;
        uint64_t used = identities_used(decision->engine->shelf, identities, line);
        if (draft->outcome == OUTCOME_OK && used + before + line->quantity > line->limit) {
            draft->outcome = OUTCOME_LIMIT_EXCEEDED;
            draft->limit = line->limit;
        }
        if (used > draft->used)
            draft->used = used < UINT32_MAX ? (uint32_t)used : UINT32_MAX;
        bool same = i + 1 < count && lines[i + 1].sale_number == line->sale_number;
        before = same ? line->quantity : 0;
    }
}

/* Looks only; false when a draft fails, which then knows why. */
static bool identify_all(struct decision *decision, struct basket *basket)
{
    struct scratch *scratch = decision->engine->scratch;
    const struct event_line *lines = scratch->room.lines;
    bool good = true;
    if (decision->event->text[TEXT_IDENTITIES].size == 0)
        return true;
    for (uint32_t i = 0; i < basket->draft_count; i++) {
        struct draft *draft = &scratch->drafts[i];
        if (draft->sku_index == SKU_NONE)
            continue;
        uint32_t count =
            (draft->from_hold > 0 ? 1u : 0u) + (draft->quantity > draft->from_hold ? 1u : 0u);
        draft_identify(decision, draft, lines, count);
        lines += count;
        good = good && draft->outcome == OUTCOME_OK;
    }
    return good;
}

/* Somebody with the same card was faster than the look. */
static enum outcome identity_lost(
    struct decision *decision, struct basket *basket, const struct identity_refusal *refusal)
{
    struct scratch *scratch = decision->engine->scratch;
    const struct event_line *line = &scratch->room.lines[refusal->line];
    for (uint32_t i = 0; i < basket->draft_count; i++) {
        struct draft *draft = &scratch->drafts[i];
        if (draft->number != line->sku_number)
            continue;
        draft->outcome = OUTCOME_LIMIT_EXCEEDED;
        draft->limit = line->limit;
        if (refusal->used > draft->used)
            draft->used = (uint32_t)refusal->used;
    }
    (void)look_at_all(decision, basket);
    return basket_refused(decision, basket);
}

/* Identities, then stock: a refusal for a limit never touches stock (Q3). */
static enum outcome checkout_claim(struct decision *decision, struct basket *basket)
{
    struct shelf *shelf = decision->engine->shelf;
    struct identity_refusal refusal;
    enum count_answer counted = identities_take(shelf, decision->event, &refusal);
    if (counted == COUNT_FULL)
        return decision_full(decision, "identities");
    if (counted == COUNT_EXCEEDED)
        return identity_lost(decision, basket, &refusal);
    if (claim_all(decision, basket))
        return OUTCOME_OK;
    identities_drop(shelf, decision->event);
    return basket_refused(decision, basket);
}

/* K4, then K7: what the order costs with its adjustments is never negative. */
static enum outcome checkout_total(struct decision *decision, struct basket *basket)
{
    const struct command *command = decision->command;
    if (command->expected_total_set && command->expected_total != basket->items_total) {
        decision->answer->items_total = basket->items_total;
        memcpy(decision->answer->currency, basket->currency, 4);
        return OUTCOME_PRICE_CHANGED;
    }
    if (__builtin_add_overflow(basket->items_total, command->adjustments_sum, &basket->total))
        return decision_bound(decision, OUTCOME_INVALID, "total", INT64_MAX);
    if (basket->total < 0)
        return decision_bound(decision, OUTCOME_INVALID, "total", 0);
    return OUTCOME_OK;
}

/* There is room set aside for one checkout of each hold, not for one of each unit (S5). */
static bool leaves_a_hold(const struct decision *decision, const struct basket *basket)
{
    const struct engine *engine = decision->engine;
    for (uint32_t i = 0; i < basket->draft_count; i++) {
        const struct draft *draft = &engine->scratch->drafts[i];
        if (draft->from_hold > 0 && draft->from_hold < hold_at(engine, draft->hold_index)->quantity)
            return true;
    }
    return false;
}

/* Refuses for what can be known without touching stock. */
static enum outcome checkout_judge(struct decision *decision, struct basket *basket)
{
    if (decision->command->role == ROLE_CUSTOMER && checkout_is_service(decision->command))
        return OUTCOME_FORBIDDEN;
    enum outcome outcome = basket_build(decision, basket);
    if (outcome != OUTCOME_OK)
        return outcome;
    if (checkout_risk(decision) == RISK_DECLINE)
        return OUTCOME_RISK_DECLINED;
    bool good = basket_judge(decision, basket);
    outcome = checkout_born(decision, basket);
    if (outcome != OUTCOME_OK)
        return outcome;
    placed_lines(decision, basket);
    decision->event->text[TEXT_IDENTITIES] = checkout_identities(decision->command);
    good = identify_all(decision, basket) && good;
    if (!good) {
        (void)look_at_all(decision, basket);
        return basket_refused(decision, basket);
    }
    outcome = basket_total(decision, basket);
    if (outcome == OUTCOME_OK)
        outcome = checkout_total(decision, basket);
    if (outcome != OUTCOME_OK)
        return outcome;
    if (decision->now->journal_full && (basket->fresh_units || leaves_a_hold(decision, basket)))
        return OUTCOME_JOURNAL_FULL;
    if (decision->now->postgres_down)
        return OUTCOME_UNCONFIRMED;
    return checkout_room(decision, basket);
}

enum outcome decide_checkout(struct decision *decision)
{
    CHECK(decision->command->customer.size > 0);
    CHECK(decision->command->key.size > 0);
    enum outcome outcome;
    struct basket basket = {0};
    if (checkout_replayed(decision, &outcome))
        return outcome;
    if (cart_is_stale(decision))
        return OUTCOME_STALE_VERSION;
    outcome = checkout_judge(decision, &basket);
    if (outcome != OUTCOME_OK)
        return outcome;
    /* A basket that is known to fail tries nothing: what the attempt finds is not for free. */
    if (basket.hides_counts && !look_at_all(decision, &basket))
        return basket_refused(decision, &basket);
    outcome = checkout_claim(decision, &basket);
    if (outcome == OUTCOME_OK)
        placed_event(decision, &basket);
    return outcome;
}
