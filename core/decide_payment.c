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

/* Money that the order stands for, and is not due back. */
static bool is_own_money(const struct payment *payment)
{
    return payment->results & (1u << RESULT_AUTHORIZED | 1u << RESULT_CAPTURED) &&
           !(payment->results & PAYMENT_DUE_BACK);
}

static bool has_own_money(const struct engine *engine, const struct order *order)
{
    uint32_t link = order->payments_first;
    for (uint32_t i = 0; i < order->payment_count; i++) {
        const struct payment *payment = pool_at(&engine->payments, link - 1);
        if (is_own_money(payment))
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
        fact->payment_due_wall_ms = decision_wall_of(decision, fact->payment_due_shelf_ms);
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

static enum outcome money_overflows(struct decision *decision)
{
    image_reset(decision->engine, decision->event);
    return decision_bound(decision, OUTCOME_INVALID, "amount", INT64_MAX);
}

/* What was cancelled before the order's own money came, and now is due back. */
static int64_t cancelled_value(const struct event *event)
{
    int64_t value = 0;
    for (uint32_t i = 0; i < event->line_count; i++)
        value += event->lines[i].unit_price * (int64_t)event->lines[i].cancelled;
    return value;
}

static enum outcome money_confirms(struct decision *decision, uint32_t order_index)
{
    order_event_begin(decision, order_index, EVENT_ORDER_CONFIRMED);
    struct fact_order *fact = &decision->event->fact.order;
    fact->status = ORDER_CONFIRMED;
    if (fact->confirmed_wall_ms == 0) {
        fact->confirmed_wall_ms = decision->now->wall_ms;
        fact->cancel_until_wall_ms =
            decision->now->wall_ms + (int64_t)decision->engine->policy.cancel_seconds * 1000;
    }
    if (decision->command->result != RESULT_CAPTURED)
        return OUTCOME_OK;
    fact->paid_wall_ms = decision->now->wall_ms;
    if (__builtin_add_overflow(fact->paid, decision->command->amount, &fact->paid) ||
        __builtin_add_overflow(
            fact->refund_due, cancelled_value(decision->event), &fact->refund_due))
        return money_overflows(decision);
    return OUTCOME_OK;
}

/* Money that buys nothing: it is due back, and the stream says so (P6, P7). An authorization that
 * was counted is not counted again when it is captured, unless it was given back meanwhile. */
static enum outcome money_comes_back(
    struct decision *decision, uint32_t order_index, const struct payment *known)
{
    bool counted = known != NULL && known->results & PAYMENT_DUE_BACK;
    order_event_begin(decision, order_index, EVENT_ORDER_REFUND_REQUIRED);
    struct fact_order *fact = &decision->event->fact.order;
    int64_t amount = decision->command->amount;
    int64_t due = counted && fact->status != ORDER_REFUNDED ? 0 : amount;
    if (__builtin_add_overflow(fact->refund_due, due, &fact->refund_due) ||
        (decision->command->result == RESULT_CAPTURED &&
            __builtin_add_overflow(fact->paid, amount, &fact->paid)))
        return money_overflows(decision);
    /* An order that stands goes on standing; nothing is due of an order that costs nothing. */
    if (fact->status == ORDER_CONFIRMED)
        return OUTCOME_OK;
    if (fact->refund_due > 0)
        fact->status = ORDER_REFUND_REQUIRED;
    return OUTCOME_REFUND_REQUIRED;
}

/* The line's place in the order of SKU numbers, and what an earlier line of the same SKU counts
 * against its limit: a basket has two when a hold was used first. */
static struct event_line *line_in_turn(struct decision *decision, uint32_t turn, uint32_t *before)
{
    struct event_line *lines = (struct event_line *)decision->event->lines;
    const uint16_t *by_number = decision->engine->scratch->by_number;
    struct event_line *line = &lines[by_number[turn]];
    *before = 0;
    if (turn > 0) {
        const struct event_line *last = &lines[by_number[turn - 1]];
        if (last->limit > 0 && last->sku_number == line->sku_number &&
            last->sale_number == line->sale_number)
            *before = last->quantity;
    }
    return line;
}

/* Allowances that the lines need anew. */
static uint32_t allowances_again(struct decision *decision, uint32_t customer)
{
    uint32_t count = 0, before;
    for (uint32_t turn = 0; turn < decision->event->line_count; turn++) {
        const struct event_line *line = line_in_turn(decision, turn, &before);
        count +=
            line->limit > 0 && before == 0 &&
            allowance_used(decision->engine, customer, line->sku_number, line->sale_number) == 0;
    }
    return count;
}

static bool take_line(
    struct decision *decision, uint32_t customer, struct event_line *line, uint32_t before)
{
    struct shelf *shelf = decision->engine->shelf;
    uint32_t sku_index = catalog_find_number(&shelf->catalog, line->sku_number);
    uint64_t used =
        allowance_used(decision->engine, customer, line->sku_number, line->sale_number) +
        (uint64_t)before;
    if (sku_index == SKU_NONE || (line->limit > 0 && used + line->quantity > line->limit) ||
        stock_take(&shelf->stock, sku_index, line->quantity) != STOCK_TAKEN)
        return false;
    line->moved = line->quantity;
    return true;
}

/* Units of an expired order once more: all or none, in the order of SKU numbers (K1, P5). */
static bool take_again(struct decision *decision, uint32_t customer)
{
    struct shelf *shelf = decision->engine->shelf;
    uint32_t before;
    CHECK(decision->event->fact.order.status_before == ORDER_EXPIRED);
    for (uint32_t turn = 0; turn < decision->event->line_count; turn++) {
        struct event_line *line = line_in_turn(decision, turn, &before);
        if (take_line(decision, customer, line, before))
            continue;
        while (turn > 0) {
            line = line_in_turn(decision, --turn, &before);
            uint32_t sku_index = catalog_find_number(&shelf->catalog, line->sku_number);
            stock_give(&shelf->stock, sku_index, line->moved);
        }
        return false;
    }
    return true;
}

/* A kill gives back what it reaches, and takes nothing for an order of its scope (W5). */
static bool order_stays_dead(const struct engine *engine, const struct order *order)
{
    uint32_t link = order->lines_first;
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct order_line *line = line_at(engine, link - 1);
        uint32_t sku_index = catalog_find_number(&engine->shelf->catalog, line->sku_number);
        link = line->next;
        if (sku_index != SKU_NONE &&
            switches_state(&engine->shelf->switches, sku_index, line->sale_number) &
                SWITCHED_KILLED)
            return true;
    }
    return false;
}

static enum outcome money_for_expired(struct decision *decision, uint32_t order_index)
{
    struct engine *engine = decision->engine;
    uint32_t customer = order_at(engine, order_index)->customer_index;
    if (order_stays_dead(engine, order_at(engine, order_index)))
        return money_comes_back(decision, order_index, NULL);
    if (decision->now->journal_full)
        return OUTCOME_JOURNAL_FULL;
    enum outcome outcome = money_confirms(decision, order_index);
    if (outcome != OUTCOME_OK)
        return outcome;
    struct event *event = decision->event;
    for (uint32_t i = 0; i < event->line_count; i++)
        engine->scratch->numbers[i] = event->lines[i].sku_number;
    sort_by_number(engine->scratch, event->line_count);
    if (allowances_again(decision, customer) > pool_room(&engine->allowances)) {
        image_reset(engine, event);
        return decision_full(decision, "allowances");
    }
    event->fact.order.move = MOVE_SELL;
    event->fact.order.reclaimed = 1;
    if (take_again(decision, customer))
        return OUTCOME_OK;
    return money_comes_back(decision, order_index, NULL);
}

static enum outcome money_for_confirmed(
    struct decision *decision, uint32_t order_index, const struct payment *known)
{
    const struct order *order = order_at(decision->engine, order_index);
    bool own = known != NULL && is_own_money(known);
    if (own || !has_own_money(decision->engine, order))
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
        order_event_begin(decision, order_index, EVENT_ORDER_REVIEW);
        if (decision->command->result == RESULT_CAPTURED) {
            decision->event->fact.order.paid = order->total;
            decision->event->fact.order.paid_wall_ms = decision->now->wall_ms;
        }
        return OUTCOME_OK;
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

/* Until when an order's units are held at most, for who asks when some come back. */
static void order_note_releases(struct decision *decision)
{
    struct shelf *shelf = decision->engine->shelf;
    const struct event *event = decision->event;
    for (uint32_t i = 0; i < event->line_count; i++) {
        uint32_t sku_index = catalog_find_number(&shelf->catalog, event->lines[i].sku_number);
        if (sku_index != SKU_NONE)
            stock_note_release(&shelf->stock, sku_index, event->fact.order.payment_due_shelf_ms,
                decision->now->shelf_ms);
    }
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
    uint64_t latest = order->born_due_shelf_ms;
    if (policy->max_life_seconds > policy->payment_seconds)
        latest += (policy->max_life_seconds - policy->payment_seconds) * 1000ull;
    due = due < latest ? due : latest;
    if (order->payment_due_shelf_ms == order->born_due_shelf_ms &&
        due > order->payment_due_shelf_ms)
        fact->payment_due_shelf_ms = due;
    fact->payment_due_wall_ms = decision_wall_of(decision, fact->payment_due_shelf_ms);
    order_note_releases(decision);
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

static bool is_money(uint8_t result)
{
    return result == RESULT_AUTHORIZED || result == RESULT_CAPTURED;
}

static void report_note(struct event *event, const struct command *command, struct hash128 hash)
{
    struct fact_order *fact = &event->fact.order;
    bool refund = command->result == RESULT_REFUNDED;
    fact->payment_hash = hash;
    fact->refund_hash_set = refund;
    fact->refund_hash = refund ? hash_parts(&command->refund_id, 1).low : 0;
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
    const struct payment *known = report_known(engine, order, hash);
    if (report_seen(known, command->result)) {
        decision->answer->replayed = true;
        return OUTCOME_OK;
    }
    bool remembered = known != NULL || payment_fits(engine, order, command->result);
    /* Money that cannot be told from its repetition is PostgreSQL's to judge. */
    if (!remembered && is_money(command->result)) {
        decision->answer->order_index = NONE;
        return report_unmatched(decision);
    }
    bool claims_id = known == NULL && remembered && command->result != RESULT_REFUNDED;
    enum outcome claimed = claims_id ? report_claim(decision, order, hash) : OUTCOME_OK;
    if (claimed != OUTCOME_OK)
        return claimed;
    enum outcome outcome = report_apply(decision, order_index, known);
    if (decision->event->kind == EVENT_NONE && claims_id)
        claims_drop(&engine->shelf->claims, hash, order_owner(order->id));
    if (decision->event->kind != EVENT_NONE && remembered)
        report_note(decision->event, command, hash);
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
