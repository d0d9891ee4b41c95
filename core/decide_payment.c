/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A payment report moves its order along the table of O3. A report that was recorded before, from
 * whichever side it came, answers with the order as it is (P3). A payment id is claimed for its
 * order before anything else can go wrong, so that two orders can never both be paid by it (P4).
 *
 *     money = authorized | captured
 *     pending_payment --money--> confirmed        expired --money--> confirmed | refund_required
 *     cancelled, refunded --money--> refund_required
 *     confirmed, refund_required --money under another id--> the same, refund_due grows
 */
#include "core/check.h"
#include "core/engine_steps.h"

/* Refunds are told apart by their own id. */
static struct hash128 report_hash(const struct command *command)
{
    struct bytes parts[4] = {BYTES("payment"), command->provider, command->payment_id,
        command->result == RESULT_REFUNDED ? command->refund_id : (struct bytes){0}};
    return hash_parts(parts, command->result == RESULT_REFUNDED ? 4 : 3);
}

static bool report_seen(
    const struct engine *engine, const struct order *order, struct hash128 hash, uint8_t result)
{
    uint32_t index = payment_find(engine, order, hash);
    if (index == NONE)
        return false;
    const struct payment *payment = pool_at(&engine->payments, index);
    /* An authorization that arrives after its capture says nothing new. */
    if (result == RESULT_AUTHORIZED && payment->results & 1u << RESULT_CAPTURED)
        return true;
    return payment->results & 1u << result;
}

/* Money under this very payment id was counted before: an authorization now captured. */
static bool money_seen(const struct engine *engine, const struct order *order, struct hash128 hash)
{
    uint32_t index = payment_find(engine, order, hash);
    if (index == NONE)
        return false;
    const struct payment *payment = pool_at(&engine->payments, index);
    return payment->results & (1u << RESULT_AUTHORIZED | 1u << RESULT_CAPTURED);
}

static bool any_money_seen(const struct engine *engine, const struct order *order)
{
    uint32_t link = order->payments_first;
    for (uint32_t i = 0; i < order->payment_count; i++) {
        const struct payment *payment = pool_at(&engine->payments, link - 1);
        if (payment->results & (1u << RESULT_AUTHORIZED | 1u << RESULT_CAPTURED))
            return true;
        link = payment->next;
    }
    return false;
}

void order_event_begin(struct decision *decision, uint32_t order_index, enum event_kind kind)
{
    const struct command *command = decision->command;
    struct event *event = decision->event;
    const struct moment *now = decision->now;
    image_order(decision->engine, order_index, event);
    event->kind = kind;
    struct fact_order *fact = &event->fact.order;
    const struct order *order = order_at(decision->engine, order_index);
    fact->now_shelf_ms = now->shelf_ms;
    fact->now_wall_ms = now->wall_ms;
    fact->cart_version = customer_at(decision->engine, order->customer_index)->cart_version;
    if (fact->payment_due_shelf_ms > now->shelf_ms)
        fact->payment_due_wall_ms =
            now->wall_ms + (int64_t)(fact->payment_due_shelf_ms - now->shelf_ms);
    if (command != NULL && command->kind == COMMAND_PAYMENT) {
        fact->amount = command->amount;
        fact->result = command->result;
        event->text[TEXT_PROVIDER] = command->provider;
        event->text[TEXT_PAYMENT_ID] = command->payment_id;
    }
    fact->version++;
    decision_stream(decision, 1);
}

void order_event_move(struct event *event, enum stock_move move)
{
    struct event_line *lines = (struct event_line *)event->lines;
    event->fact.order.move = (uint8_t)move;
    for (uint32_t i = 0; i < event->line_count; i++)
        lines[i].moved = lines[i].quantity - lines[i].cancelled;
}

void order_event_cancel(struct event *event, enum stock_move move)
{
    struct event_line *lines = (struct event_line *)event->lines;
    order_event_move(event, move);
    event->fact.order.status = ORDER_CANCELLED;
    for (uint32_t i = 0; i < event->line_count; i++) {
        lines[i].cancelled += lines[i].moved;
        if (move == MOVE_RESTOCK)
            lines[i].restocked += lines[i].moved;
    }
}

static void money_confirms(struct decision *decision, uint32_t order_index)
{
    order_event_begin(decision, order_index, EVENT_ORDER_CONFIRMED);
    struct fact_order *fact = &decision->event->fact.order;
    fact->status = ORDER_CONFIRMED;
    if (fact->confirmed_wall_ms == 0) {
        fact->confirmed_wall_ms = decision->now->wall_ms;
        fact->cancel_until_wall_ms =
            decision->now->wall_ms + (int64_t)decision->engine->policy.cancel_seconds * 1000;
    }
    if (decision->command->result == RESULT_CAPTURED) {
        fact->paid = fact->total;
        fact->paid_wall_ms = decision->now->wall_ms;
    }
}

/* Money that buys nothing: it is due back, and the stream says so once for each report (P6, P7). */
static enum outcome money_comes_back(struct decision *decision, uint32_t order_index, bool counted)
{
    order_event_begin(decision, order_index, EVENT_ORDER_REFUND_REQUIRED);
    struct fact_order *fact = &decision->event->fact.order;
    int64_t amount = decision->command->amount;
    int64_t due = counted ? 0 : amount;
    if (fact->status != ORDER_CONFIRMED)
        fact->status = ORDER_REFUND_REQUIRED;
    if (__builtin_add_overflow(fact->refund_due, due, &fact->refund_due) ||
        (decision->command->result == RESULT_CAPTURED &&
            __builtin_add_overflow(fact->paid, amount, &fact->paid))) {
        image_reset(decision->engine, decision->event);
        return OUTCOME_INVALID;
    }
    return OUTCOME_REFUND_REQUIRED;
}

/* Units of an expired order once more: all or none, in the order of SKU numbers (K1, P5). */
static bool take_again(struct decision *decision)
{
    struct event *event = decision->event;
    struct shelf *shelf = decision->engine->shelf;
    const struct fact_order *fact = &event->fact.order;
    uint32_t customer = customer_find(decision->engine, event->text[TEXT_CUSTOMER]);
    struct event_line *lines = (struct event_line *)event->lines;
    CHECK(fact->status_before == ORDER_EXPIRED);
    for (uint32_t i = 0; i < event->line_count; i++) {
        uint32_t units = lines[i].quantity;
        uint32_t sku_index = catalog_find_number(&shelf->catalog, lines[i].sku_number);
        uint32_t used =
            allowance_used(decision->engine, customer, lines[i].sku_number, lines[i].sale_number);
        bool allowed = lines[i].limit == 0 || (uint64_t)used + units <= lines[i].limit;
        if (allowed && stock_take(&shelf->stock, sku_index, units) == STOCK_TAKEN) {
            lines[i].moved = units;
            continue;
        }
        for (uint32_t back = 0; back < i; back++) {
            sku_index = catalog_find_number(&shelf->catalog, lines[back].sku_number);
            stock_give(&shelf->stock, sku_index, lines[back].moved);
        }
        return false;
    }
    return true;
}

static enum outcome money_for_expired(struct decision *decision, uint32_t order_index)
{
    if (decision->engine->allowances.capacity - decision->engine->allowances.used <
        order_at(decision->engine, order_index)->line_count)
        return decision_full(decision, "allowances");
    money_confirms(decision, order_index);
    decision->event->fact.order.move = MOVE_SELL;
    decision->event->fact.order.reclaimed = 1;
    if (take_again(decision))
        return OUTCOME_OK;
    return money_comes_back(decision, order_index, false);
}

static enum outcome money_for_confirmed(
    struct decision *decision, uint32_t order_index, bool counted)
{
    const struct order *order = order_at(decision->engine, order_index);
    if (counted || !any_money_seen(decision->engine, order)) {
        money_confirms(decision, order_index);
        return OUTCOME_OK;
    }
    enum outcome outcome = money_comes_back(decision, order_index, false);
    /* The order stands; only the second payment goes back, and the stream says so. */
    return outcome == OUTCOME_REFUND_REQUIRED ? OUTCOME_OK : outcome;
}

static enum outcome report_money(struct decision *decision, uint32_t order_index, bool counted)
{
    const struct order *order = order_at(decision->engine, order_index);
    switch ((enum order_status)order->status) {
    case ORDER_PENDING_PAYMENT:
        money_confirms(decision, order_index);
        order_event_move(decision->event, MOVE_SELL);
        return OUTCOME_OK;
    case ORDER_REVIEW:
        order_event_begin(decision, order_index, EVENT_ORDER_REVIEW);
        if (decision->command->result == RESULT_CAPTURED)
            decision->event->fact.order.paid = order->total;
        return OUTCOME_OK;
    case ORDER_EXPIRED:
        return money_for_expired(decision, order_index);
    case ORDER_CONFIRMED:
        return money_for_confirmed(decision, order_index, counted);
    case ORDER_CANCELLED:
    case ORDER_REFUND_REQUIRED:
    case ORDER_REFUNDED:
        return money_comes_back(decision, order_index, counted);
    }
    CHECK(!"every status is listed");
    return OUTCOME_INVALID_TRANSITION;
}

/* declined, pending: the attempt is noted, the order stays what it is (P8, P9). */
static enum outcome report_attempt(struct decision *decision, uint32_t order_index)
{
    const struct order *order = order_at(decision->engine, order_index);
    const struct command *command = decision->command;
    const struct policy *policy = &decision->engine->policy;
    bool deferred =
        order->status == ORDER_CONFIRMED && order->mode == PAYMENT_DEFERRED && order->paid == 0;
    if (order->status != ORDER_PENDING_PAYMENT && !deferred)
        return OUTCOME_INVALID_TRANSITION;
    order_event_begin(decision, order_index, EVENT_ORDER_PAYMENT_DECLINED);
    if (command->result == RESULT_DECLINED || order->status == ORDER_CONFIRMED)
        return OUTCOME_OK;
    struct fact_order *fact = &decision->event->fact.order;
    uint64_t due = decision->now->shelf_ms + policy->payment_seconds * 1000ull;
    /* The order's life began when its payment was first due, less the time to pay. */
    uint64_t latest = order->born_due_shelf_ms - policy->payment_seconds * 1000ull +
                      policy->max_life_seconds * 1000ull;
    due = due < latest ? due : latest;
    if (order->payment_due_shelf_ms == order->born_due_shelf_ms &&
        due > order->payment_due_shelf_ms)
        fact->payment_due_shelf_ms = due;
    fact->payment_due_wall_ms =
        decision->now->wall_ms + (int64_t)(fact->payment_due_shelf_ms - decision->now->shelf_ms);
    return OUTCOME_OK;
}

static enum outcome report_cancelled(struct decision *decision, uint32_t order_index)
{
    const struct order *order = order_at(decision->engine, order_index);
    bool deferred =
        order->status == ORDER_CONFIRMED && order->mode == PAYMENT_DEFERRED && order->paid == 0;
    if (order->status != ORDER_PENDING_PAYMENT && !deferred)
        return OUTCOME_INVALID_TRANSITION;
    order_event_begin(decision, order_index, EVENT_ORDER_CANCELLED);
    order_event_cancel(decision->event, deferred ? MOVE_RESTOCK : MOVE_GIVE);
    return OUTCOME_OK;
}

static enum outcome report_refunded(struct decision *decision, uint32_t order_index)
{
    const struct order *order = order_at(decision->engine, order_index);
    if (order->refund_due == 0)
        return OUTCOME_INVALID_TRANSITION;
    if (decision->command->amount > order->refund_due)
        return OUTCOME_PAYMENT_MISMATCH;
    order_event_begin(decision, order_index, EVENT_ORDER_REFUNDED);
    struct fact_order *fact = &decision->event->fact.order;
    fact->refund_due -= decision->command->amount;
    if (fact->refund_due == 0 && fact->status == ORDER_REFUND_REQUIRED)
        fact->status = ORDER_REFUNDED;
    return OUTCOME_OK;
}

static enum outcome report_apply(struct decision *decision, uint32_t order_index, bool counted)
{
    switch ((enum payment_result)decision->command->result) {
    case RESULT_AUTHORIZED:
    case RESULT_CAPTURED:
        return report_money(decision, order_index, counted);
    case RESULT_PENDING:
    case RESULT_DECLINED:
        return report_attempt(decision, order_index);
    case RESULT_CANCELLED:
        return report_cancelled(decision, order_index);
    case RESULT_REFUNDED:
        return report_refunded(decision, order_index);
    case RESULT_NONE:
        break;
    }
    CHECK(!"a payment report has a result");
    return OUTCOME_INVALID;
}

static enum outcome report_claim(
    struct decision *decision, const struct order *order, struct hash128 hash)
{
    struct claims *claims = &decision->engine->shelf->claims;
    switch (claims_take(claims, hash, order_owner(order->id))) {
    case CLAIM_TAKEN:
    case CLAIM_OWN:
        return OUTCOME_OK;
    case CLAIM_OTHER:
        return OUTCOME_PAYMENT_ID_USED;
    case CLAIM_OTHER_PENDING:
        return OUTCOME_PAYMENT_ID_PENDING;
    case CLAIM_FULL:
        return decision_full(decision, "claims");
    }
    CHECK(!"every answer is listed");
    return OUTCOME_INVALID;
}

/* An order that is no longer kept is PostgreSQL's to judge: the report is streamed as it came. */
static enum outcome report_unmatched(struct decision *decision)
{
    const struct command *command = decision->command;
    struct event *event = decision->event;
    event->kind = EVENT_PAYMENT_UNMATCHED;
    event->fact.unmatched = (struct fact_unmatched){
        .payment_hash = report_hash(command),
        .amount = command->amount,
        .now_wall_ms = decision->now->wall_ms,
        .result = command->result,
    };
    memcpy(event->fact.unmatched.order_id, command->order_id, 16);
    memcpy(event->fact.unmatched.currency, command->currency, 4);
    event->text[TEXT_PROVIDER] = command->provider;
    event->text[TEXT_PAYMENT_ID] = command->payment_id;
    decision_stream(decision, 1);
    return OUTCOME_ARCHIVED;
}

enum outcome decide_payment(struct decision *decision)
{
    const struct command *command = decision->command;
    struct engine *engine = decision->engine;
    CHECK(command->provider.size > 0);
    CHECK(command->payment_id.size > 0);
    if (command->role != ROLE_SERVICE && command->role != ROLE_OPERATOR)
        return OUTCOME_FORBIDDEN;
    uint32_t order_index = order_find(engine, command->order_id);
    if (order_index == NONE)
        return report_unmatched(decision);
    if (!order_may_see(engine, order_index, command))
        return OUTCOME_NOT_FOUND;
    const struct order *order = order_at(engine, order_index);
    decision->answer->order_index = order_index;
    if (memcmp(command->currency, order->currency, 3) != 0 ||
        (command->result != RESULT_REFUNDED && command->amount != order->total))
        return OUTCOME_PAYMENT_MISMATCH;
    struct hash128 hash = report_hash(command);
    if (report_seen(engine, order, hash, command->result)) {
        decision->answer->replayed = true;
        return OUTCOME_OK;
    }
    bool known = payment_find(engine, order, hash) != NONE;
    bool remembered = known || payment_fits(order, command->result);
    bool claims_id = !known && remembered && command->result != RESULT_REFUNDED;
    enum outcome claimed = claims_id ? report_claim(decision, order, hash) : OUTCOME_OK;
    if (claimed != OUTCOME_OK)
        return claimed;
    enum outcome outcome = report_apply(decision, order_index, money_seen(engine, order, hash));
    if (decision->event->kind == EVENT_NONE && claims_id)
        claims_drop(&engine->shelf->claims, hash, order_owner(order->id));
    if (decision->event->kind != EVENT_NONE && remembered) {
        decision->event->fact.order.payment_hash = hash;
        decision->event->fact.order.refund_hash_set = command->result == RESULT_REFUNDED;
        decision->event->fact.order.refund_hash =
            command->result == RESULT_REFUNDED ? hash_parts(&command->refund_id, 1).low : 0;
    }
    return outcome;
}

void decide_order_due(struct decision *decision, uint32_t order_index)
{
    bool review = order_at(decision->engine, order_index)->status == ORDER_REVIEW;
    order_event_begin(decision, order_index, review ? EVENT_ORDER_CANCELLED : EVENT_ORDER_EXPIRED);
    if (review) {
        order_event_cancel(decision->event, MOVE_GIVE);
        return;
    }
    order_event_move(decision->event, MOVE_GIVE);
    decision->event->fact.order.status = ORDER_EXPIRED;
}
