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
#include "core/decide_money.h"
#include "core/key_hash.h"

static struct hash128 report_hash(const struct command *command)
{
    if (command->result == RESULT_REFUNDED)
        return hash_of_refund(command->provider, command->payment_id, command->refund_id);
    return hash_of_payment(command->provider, command->payment_id);
}

/* What the order remembers under the report's payment id; NULL nothing. */
static const struct payment *report_known(
    const struct engine *engine, const struct order *order, struct hash128 hash)
{
    uint32_t index = payment_find(engine, order, hash);
    return index == NONE ? NULL : pool_at(&engine->payments, index);
}

static bool report_seen(const struct payment *known, uint8_t result)
{
    if (known == NULL)
        return false;
    /* An authorization that arrives after its capture says nothing new. */
    if (result == RESULT_AUTHORIZED && known->results & 1u << RESULT_CAPTURED)
        return true;
    return known->results & 1u << result;
}

static enum outcome money_for_confirmed(
    struct decision *decision, uint32_t order_index, const struct payment *known)
{
    const struct order *order = order_at(decision->engine, order_index);
    bool own = known != NULL && money_is_own(known);
    if (own || !money_has_own(decision->engine, order))
        return money_confirms(decision, order_index);
    /* The order stands; only the second payment goes back, and the stream says so. */
    return money_comes_back(decision, order_index, known);
}

static enum outcome report_money(
    struct decision *decision, uint32_t order_index, const struct payment *known)
{
    const struct order *order = order_at(decision->engine, order_index);
    enum outcome outcome;
    switch ((enum order_status)order->status) {
    case ORDER_PENDING_PAYMENT:
        outcome = money_confirms(decision, order_index);
        if (outcome == OUTCOME_OK)
            order_event_move(decision->event, MOVE_SELL);
        return outcome;
    case ORDER_REVIEW:
        return money_in_review(decision, order_index, known);
    case ORDER_EXPIRED:
        return money_for_expired(decision, order_index);
    case ORDER_CONFIRMED:
        return money_for_confirmed(decision, order_index, known);
    case ORDER_CANCELLED:
    case ORDER_REFUND_REQUIRED:
    case ORDER_REFUNDED:
        return money_comes_back(decision, order_index, known);
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
    uint64_t due = decision->now->shelf_ms + order->payment_seconds * 1000ull;
    uint64_t latest = order->created_shelf_ms + policy->max_life_seconds * 1000ull;
    due = due < latest ? due : latest;
    if (!order->extended && due > order->payment_due_shelf_ms) {
        fact->extended = 1;
        order_event_due(decision, due);
    }
    order_event_note_releases(decision);
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

static enum outcome report_apply(
    struct decision *decision, uint32_t order_index, const struct payment *known)
{
    switch ((enum payment_result)decision->command->result) {
    case RESULT_AUTHORIZED:
    case RESULT_CAPTURED:
        return report_money(decision, order_index, known);
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
    if (decision->now->journal_full)
        return OUTCOME_JOURNAL_FULL;
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
    if (command->result == RESULT_REFUNDED)
        event->text[TEXT_REFUND_ID] = command->refund_id;
    decision_stream(decision, 1);
    return OUTCOME_ARCHIVED;
}

static bool is_money(uint8_t result)
{
    return result == RESULT_AUTHORIZED || result == RESULT_CAPTURED;
}

/* Adjustments that come with money stand in place of the checkout's, until the order is confirmed
 * or money came for it: then its total is settled (K7). The amount must be the total they make. */
static enum outcome report_adjusts(struct decision *decision, const struct order *order)
{
    const struct command *command = decision->command;
    const struct engine *engine = decision->engine;
    decision->total = order->total;
    if (!command->adjustments_set ||
        text_equal(&engine->texts, order->adjustments, command->adjustments))
        return OUTCOME_OK;
    if (!is_money(command->result))
        return decision_bound(decision, OUTCOME_INVALID, "adjustments", 0);
    if (order->confirmed_wall_ms != 0 || money_has_any(engine, order))
        return OUTCOME_INVALID_TRANSITION;
    if (__builtin_add_overflow(order->items_total, command->adjustments_sum, &decision->total) ||
        decision->total < 0)
        return decision_bound(decision, OUTCOME_INVALID, "total", INT64_MAX);
    decision->adjusts = true;
    return OUTCOME_OK;
}

/* What a report must agree with before it can be anything (P2). */
static enum outcome report_judge(struct decision *decision, const struct order *order)
{
    const struct command *command = decision->command;
    enum outcome outcome = report_adjusts(decision, order);
    if (outcome != OUTCOME_OK)
        return outcome;
    bool any_amount = command->result == RESULT_REFUNDED;
    if (memcmp(command->currency, order->currency, 3) != 0 ||
        (!any_amount && command->amount != decision->total))
        return OUTCOME_PAYMENT_MISMATCH;
    if (decision->adjusts &&
        text_blocks(command->adjustments.size) > text_room(&decision->engine->texts))
        return decision_full(decision, "text_bytes");
    return OUTCOME_OK;
}

/* A refund names a payment, which is no other order's (P4). */
static enum outcome report_refund_claim(const struct decision *decision, const struct order *order)
{
    const struct command *command = decision->command;
    struct hash128 hash = hash_of_payment(command->provider, command->payment_id);
    uint64_t owner;
    bool durable;
    if (!claims_find(&decision->engine->shelf->claims, hash, &owner, &durable) ||
        owner == order_owner(order->id))
        return OUTCOME_OK;
    return durable ? OUTCOME_PAYMENT_ID_USED : OUTCOME_PAYMENT_ID_PENDING;
}

/* Room is set aside for what ends an unpaid order (S5); all else is reported again. */
static bool report_must_wait(const struct decision *decision, const struct order *order)
{
    uint8_t result = decision->command->result;
    bool ends =
        order->status == ORDER_PENDING_PAYMENT && (is_money(result) || result == RESULT_CANCELLED);
    return decision->now->journal_full && !ends;
}

/* The report is new: its payment id becomes the order's, then it has its effect. */
static enum outcome report_new(struct decision *decision, uint32_t order_index, struct hash128 hash,
    const struct payment *known)
{
    const struct command *command = decision->command;
    struct engine *engine = decision->engine;
    const struct order *order = order_at(engine, order_index);
    bool refund = command->result == RESULT_REFUNDED;
    bool remembered = known != NULL || payment_fits(engine, order, command->result);
    if (report_must_wait(decision, order))
        return OUTCOME_JOURNAL_FULL;
    /* Money that cannot be told from its repetition is PostgreSQL's to judge. */
    if (!remembered && is_money(command->result)) {
        decision->answer->order_index = NONE;
        return report_unmatched(decision);
    }
    bool claims_id = known == NULL && remembered && !refund;
    enum outcome claimed = OUTCOME_OK;
    if (refund)
        claimed = report_refund_claim(decision, order);
    else if (claims_id)
        claimed = report_claim(decision, order, hash);
    if (claimed != OUTCOME_OK)
        return claimed;
    enum outcome outcome = report_apply(decision, order_index, known);
    if (decision->event->kind == EVENT_NONE && claims_id)
        claims_drop(&engine->shelf->claims, hash, order_owner(order->id));
    if (decision->event->kind != EVENT_NONE && remembered)
        decision->event->fact.order.payment_hash = hash;
    return outcome;
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
    enum outcome outcome = report_judge(decision, order);
    if (outcome != OUTCOME_OK)
        return outcome;
    struct hash128 hash = report_hash(command);
    const struct payment *known = report_known(engine, order, hash);
    if (!report_seen(known, command->result))
        return report_new(decision, order_index, hash, known);
    decision->answer->replayed = true;
    return OUTCOME_OK;
}
