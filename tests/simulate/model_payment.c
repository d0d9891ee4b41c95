/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payment reports: K7, P2 to P4, P6 to P9, O3, one row of the table after another.
 */
#include "tests/simulate/model_parts.h"

static bool is_money(uint8_t result)
{
    return result == RESULT_AUTHORIZED || result == RESULT_CAPTURED;
}

static bool is_refund(const struct paying *paying)
{
    return paying->results == 1u << RESULT_REFUNDED;
}

/* A report is told by its payment id, a refund also by its own (I1). */
static const struct paying *known_report(const struct sold_order *order, const struct ask *ask)
{
    for (uint32_t i = 0; i < order->payment_count; i++) {
        const struct paying *paying = &order->payments[i];
        bool refund = ask->result == RESULT_REFUNDED;
        if (paying->payment == ask->payment && is_refund(paying) == refund &&
            (!refund || paying->refund == ask->refund))
            return paying;
    }
    return NULL;
}

static bool is_repeated(const struct paying *known, uint8_t result)
{
    if (known == NULL)
        return false;
    if (result == RESULT_AUTHORIZED && known->results & 1u << RESULT_CAPTURED)
        return true; /* the bank's older news */
    return known->results & 1u << result;
}

/* Of the slots one is for refunds, one for money: the others take any report. */
static bool is_remembered(const struct sold_order *order, const struct ask *ask)
{
    uint32_t ids = 0;
    for (uint32_t i = 0; i < order->payment_count; i++)
        ids += !is_refund(&order->payments[i]);
    return ask->result == RESULT_REFUNDED ||
           ids < PAYMENTS_PER_ORDER - (is_money(ask->result) ? 1u : 2u);
}

/* P4; a refund names a payment that is no other order's, and claims nothing. */
static void claim_reason(const struct model *model, const struct sold_order *order,
    const struct ask *ask, struct expect *expect)
{
    const struct claim *claim = &model->claims[ask->payment];
    bool refund = ask->result == RESULT_REFUNDED;
    if (!refund && !claim->taken &&
        model->claims_taken + model->counters_used >= model->claims_room)
        expect->refusals |= BIT(OUTCOME_CAPACITY_EXHAUSTED);
    if (claim->taken && memcmp(claim->order_id, order->id, 16) != 0)
        expect->refusals |=
            claim->durable ? BIT(OUTCOME_PAYMENT_ID_USED) : BIT(OUTCOME_PAYMENT_ID_PENDING);
}

static bool is_own_money(const struct paying *paying)
{
    return !paying->due_back && paying->results & (1u << RESULT_AUTHORIZED | 1u << RESULT_CAPTURED);
}

bool has_own_money(const struct sold_order *order)
{
    for (uint32_t i = 0; i < order->payment_count; i++) {
        if (is_own_money(&order->payments[i]))
            return true;
    }
    return false;
}

/* Whether the report is the order's own money and not a second payment. */
static bool pays_order(const struct sold_order *order, const struct paying *known)
{
    return (known != NULL && is_own_money(known)) || !has_own_money(order);
}

/* Its price, and at most the total: that is all that was paid; all of it when nothing is left. */
int64_t cancelled_value(const struct sold_order *order)
{
    int64_t value = 0;
    bool whole = true;
    for (uint32_t i = 0; i < order->line_count; i++) {
        value += order->lines[i].price * order->lines[i].cancelled;
        whole = whole && order->lines[i].cancelled == order->lines[i].quantity;
    }
    return whole || value > order->total ? order->total : value;
}

/* Money for an order that cannot have it: due back, unless this very money is due back already. */
static int64_t comes_back(
    const struct sold_order *order, const struct paying *known, int64_t amount)
{
    bool counted = known != NULL && known->due_back;
    return counted && order->status != ORDER_REFUNDED ? 0 : amount;
}

static bool fits(int64_t a, int64_t b)
{
    return (wide)a + b <= INT64_MAX;
}

/* M2: a sum that 64 bits do not hold is refused. */
static void money_reason(const struct sold_order *order, const struct ask *ask,
    const struct paying *known, bool pays, struct expect *expect)
{
    int64_t paid = ask->result == RESULT_CAPTURED ? ask->amount : 0;
    int64_t due = !pays                            ? comes_back(order, known, ask->amount)
                  : ask->result == RESULT_CAPTURED ? cancelled_value(order)
                                                   : 0;
    if (!fits(order->paid, paid) || !fits(order->refund_due, due))
        expect->refusals |= BIT(OUTCOME_INVALID);
    /* In review a decline may add the order's own money, and nobody could be refused then. */
    if (order->status == ORDER_REVIEW && (wide)order->refund_due + due + order->total > INT64_MAX)
        expect->refusals |= BIT(OUTCOME_INVALID);
}

static void expect_money(const struct model *model, const struct ask *ask,
    const struct sold_order *order, const struct paying *known, struct expect *expect)
{
    bool pays = true;
    switch ((enum order_status)order->status) {
    case ORDER_PENDING_PAYMENT:
        break;
    case ORDER_REVIEW:
    case ORDER_CONFIRMED:
        pays = pays_order(order, known);
        break;
    case ORDER_EXPIRED:
        if (order_stays_dead(model, order)) {
            pays = false;
            expect->success = OUTCOME_REFUND_REQUIRED;
            break;
        }
        if (order_new_allowances(model, order) +
                model->used[model->home[order->customer]].allowances >
            model->capacity.allowances)
            expect->refusals |= BIT(OUTCOME_CAPACITY_EXHAUSTED);
        if (identities_answer(model, order, ask) == COUNT_FULL)
            expect->refusals |= BIT(OUTCOME_CAPACITY_EXHAUSTED);
        pays = expect->reclaims = order_can_reclaim(model, order, ask);
        expect->success = pays ? OUTCOME_OK : OUTCOME_REFUND_REQUIRED; /* P6 */
        break;
    case ORDER_CANCELLED: /* P7 */
    case ORDER_REFUND_REQUIRED:
    case ORDER_REFUNDED:
        pays = false;
        expect->success = OUTCOME_REFUND_REQUIRED;
        break;
    }
    money_reason(order, ask, known, pays, expect);
}

static void expect_report(const struct model *model, const struct ask *ask,
    const struct sold_order *order, const struct paying *known, struct expect *expect)
{
    bool unpaid_deferred =
        order->status == ORDER_CONFIRMED && order->mode == PAYMENT_DEFERRED && order->paid == 0;
    switch ((enum payment_result)ask->result) {
    case RESULT_AUTHORIZED:
    case RESULT_CAPTURED:
        expect_money(model, ask, order, known, expect);
        return;
    case RESULT_PENDING:
    case RESULT_DECLINED:
    case RESULT_CANCELLED:
        if (order->status != ORDER_PENDING_PAYMENT && !unpaid_deferred)
            expect->refusals |= BIT(OUTCOME_INVALID_TRANSITION);
        return;
    case RESULT_REFUNDED:
        if (order->refund_due == 0)
            expect->refusals |= BIT(OUTCOME_INVALID_TRANSITION);
        else if (ask->amount > order->refund_due)
            expect->refusals |= BIT(OUTCOME_PAYMENT_MISMATCH);
        return;
    case RESULT_NONE:
        break;
    }
    CHECK(!"a report has a result");
}

/* Other adjustments than those that stand (K7). */
static bool report_adjusts(const struct sold_order *order, const struct ask *ask)
{
    return ask->adjusting.set && ask->adjusting.size != order->adjustment_size;
}

/* Until the order is confirmed or has any money its total may still change, with money alone. */
static void adjust_reason(const struct model *model, const struct sold_order *order,
    const struct ask *ask, struct sold_order *adjusted, struct expect *expect)
{
    bool has_money = false;
    for (uint32_t i = 0; i < order->payment_count; i++)
        has_money = has_money ||
                    order->payments[i].results & (1u << RESULT_AUTHORIZED | 1u << RESULT_CAPTURED);
    if (!is_money(ask->result))
        expect->refusals |= BIT(OUTCOME_INVALID);
    if (order->confirmed_wall_ms != 0 || has_money)
        expect->refusals |= BIT(OUTCOME_INVALID_TRANSITION);
    if (!fits(order->items_total, ask->adjusting.sum) ||
        order->items_total + ask->adjusting.sum < 0)
        expect->refusals |= BIT(OUTCOME_INVALID);
    else
        adjusted->total = order->items_total + ask->adjusting.sum;
    if (model->used[model->home[order->customer]].blocks + blocks_of(ask->adjusting.size) >
        model->capacity.text_bytes / 32)
        expect->refusals |= BIT(OUTCOME_CAPACITY_EXHAUSTED);
}

/* What a full journal has room for (S5). */
static bool ends_unpaid(const struct sold_order *order, const struct ask *ask)
{
    return order->status == ORDER_PENDING_PAYMENT &&
           (is_money(ask->result) || ask->result == RESULT_CANCELLED);
}

void expect_payment(const struct model *model, const struct ask *ask, struct expect *expect)
{
    const struct sold_order *order = model_order(model, ask->order_slot, ask->order_id);
    if (ask->role == ROLE_CUSTOMER) {
        expect->refusals = BIT(OUTCOME_FORBIDDEN);
        return;
    }
    expect->has_effect = true;
    expect->success = OUTCOME_ARCHIVED; /* O5: streamed as it came */
    if (order == NULL) {
        if (model->now.journal_full)
            expect->refusals = BIT(OUTCOME_JOURNAL_FULL);
        return;
    }
    expect->success = OUTCOME_OK;
    expect->order = ask->order_slot;
    if (ask->customer != NOBODY && ask->customer != order->customer)
        expect->refusals |= BIT(OUTCOME_NOT_FOUND);
    struct sold_order adjusted = *order;
    if (report_adjusts(order, ask))
        adjust_reason(model, order, ask, &adjusted, expect);
    if (ask->currency != order->currency ||
        (ask->result != RESULT_REFUNDED && ask->amount != adjusted.total))
        expect->refusals |= BIT(OUTCOME_PAYMENT_MISMATCH); /* P2 */
    if (expect->refusals != 0)
        return;
    order = &adjusted;
    const struct paying *known = known_report(order, ask);
    if (is_repeated(known, ask->result)) { /* P3 */
        expect->replayed = true;
        expect->has_effect = false;
        return;
    }
    expect->remembers = known != NULL || is_remembered(order, ask);
    if (model->now.journal_full && !ends_unpaid(order, ask)) {
        expect->refusals = BIT(OUTCOME_JOURNAL_FULL);
        return;
    }
    if (!expect->remembers && is_money(ask->result)) {
        expect->success = OUTCOME_ARCHIVED;
        expect->order = NO_SLOT;
        return;
    }
    if (ask->result == RESULT_REFUNDED || (known == NULL && expect->remembers))
        claim_reason(model, order, ask, expect);
    expect_report(model, ask, order, known, expect);
}

void order_units_leave(struct model *model, uint32_t shard, struct sold_order *order, enum way way)
{
    for (uint32_t i = 0; i < order->line_count; i++) {
        struct sold_line *line = &order->lines[i];
        uint32_t units = line->quantity - line->cancelled;
        struct units *where = &model->units[line->sku];
        if (way == WAY_RESTOCK)
            where->bought -= units;
        else
            where->live -= units;
        if (way == WAY_SELL)
            where->bought += units;
        else
            bought_less(model, shard, order, line, units);
        record_move(model, shard, way, line->sku, units);
    }
}

static void order_cancelled(struct sold_order *order, bool restocked)
{
    for (uint32_t i = 0; i < order->line_count; i++) {
        struct sold_line *line = &order->lines[i];
        line->restocked += restocked ? line->quantity - line->cancelled : 0;
        line->cancelled = line->quantity;
    }
    order->status = ORDER_CANCELLED;
}

static void order_paid(struct model *model, struct sold_order *order, const struct ask *ask)
{
    if (order->status == ORDER_REVIEW)
        model->happened = EVENT_ORDER_REVIEW; /* the payment is noted */
    else
        order_confirms(model, order);
    if (ask->result != RESULT_CAPTURED)
        return;
    order->paid += ask->amount;
    order->paid_wall_ms = model->now.wall_ms;
    order->refund_due += cancelled_value(order);
}

/* True when the money bought nothing. */
static bool happen_money(struct model *model, uint32_t shard, struct sold_order *order,
    const struct ask *ask, const struct expect *expect)
{
    const struct paying *known = known_report(order, ask);
    if (order->status == ORDER_PENDING_PAYMENT) {
        order_units_leave(model, shard, order, WAY_SELL);
    } else if (order->status == ORDER_EXPIRED && expect->reclaims) {
        order_reclaims(model, shard, order);
    } else if ((order->status != ORDER_CONFIRMED && order->status != ORDER_REVIEW) ||
               !pays_order(order, known)) {
        order->refund_due += comes_back(order, known, ask->amount);
        order->paid += ask->result == RESULT_CAPTURED ? ask->amount : 0;
        if (order->status != ORDER_CONFIRMED && order->status != ORDER_REVIEW &&
            order->refund_due > 0)
            order->status = ORDER_REFUND_REQUIRED;
        return true;
    }
    order_paid(model, order, ask);
    return false;
}

/* P9: once, and never past the longest life. */
static void happen_pending(const struct model *model, struct sold_order *order)
{
    uint64_t due = model->now.shelf_ms + order->payment_seconds * UINT64_C(1000);
    uint64_t latest = order->created_shelf_ms + model->policy.max_life_seconds * UINT64_C(1000);
    if (due > latest)
        due = latest;
    if (order->extended || due <= order->due_shelf_ms)
        return;
    order->extended = true;
    order->due_shelf_ms = due;
}

static void note_payment(struct sold_order *order, const struct ask *ask, bool due_back)
{
    struct paying *known = (struct paying *)known_report(order, ask);
    if (known == NULL) {
        uint32_t at = order->payment_count;
        if (at == PAYMENTS_PER_ORDER) { /* the oldest refund makes room */
            at--;
            while (!is_refund(&order->payments[at])) {
                CHECK(at > 0);
                at--;
            }
        } else {
            order->payment_count++;
        }
        memmove(&order->payments[1], &order->payments[0], at * sizeof(order->payments[0]));
        known = &order->payments[0];
        *known = (struct paying){.payment = ask->payment, .refund = ask->refund};
    }
    known->results |= (uint8_t)(1u << ask->result);
    known->due_back = known->due_back || due_back;
}

/* The latest report's texts stand with the order while there is room for them. */
static void keep_texts(
    struct model *model, uint32_t shard, struct sold_order *order, uint32_t payment)
{
    uint32_t provider = payment % 2 + 1, id = payment / 2 + 1;
    uint32_t *blocks = &model->used[shard].blocks;
    uint32_t most = (uint32_t)(model->capacity.text_bytes / 32);
    if (order->provider_kept != provider) {
        *blocks -= order->provider_kept != 0;
        order->provider_kept = *blocks < most ? provider : 0;
        *blocks += order->provider_kept != 0;
    }
    if (order->payment_kept != id) {
        *blocks -= order->payment_kept != 0;
        order->payment_kept = *blocks < most ? id : 0;
        *blocks += order->payment_kept != 0;
    }
}

static void claim_take(struct model *model, struct record *record, const struct sold_order *order,
    const struct ask *ask)
{
    struct claim *claim = &model->claims[ask->payment];
    record->settles_claim = ask->payment + 1;
    if (claim->taken)
        return;
    *claim = (struct claim){.taken = true};
    memcpy(claim->order_id, order->id, 16);
    model->claims_taken++;
}

static void order_adjusts(
    struct model *model, uint32_t shard, struct sold_order *order, const struct ask *ask)
{
    order->adjusted = true;
    order->born_adjustment_size = order->adjustment_size;
    order->adjustment_size = ask->adjusting.size;
    order->total = order->items_total + ask->adjusting.sum;
    model->used[shard].blocks += blocks_of(order->adjustment_size);
}

/* How a report is streamed that is not money. */
static enum event_kind event_of(enum payment_result result)
{
    if (result == RESULT_CANCELLED)
        return EVENT_ORDER_CANCELLED;
    return result == RESULT_REFUNDED ? EVENT_ORDER_REFUNDED : EVENT_ORDER_PAYMENT_DECLINED;
}

void happen_payment(struct model *model, uint32_t shard, struct record *record,
    const struct ask *ask, const struct expect *expect, const struct seen *seen)
{
    model->happened = EVENT_PAYMENT_UNMATCHED;
    if (expect->success == OUTCOME_ARCHIVED)
        return;
    struct sold_order *order = order_change(model, shard, ask->order_slot);
    struct buyer *buyer = buyer_change(model, shard, order->customer);
    bool was_open = sold_is_open(order), due_back = false;
    model->happened = event_of((enum payment_result)ask->result);
    if (report_adjusts(order, ask))
        order_adjusts(model, shard, order, ask);
    if (is_money(ask->result)) {
        model->happened = EVENT_ORDER_CONFIRMED;
        due_back = happen_money(model, shard, order, ask, expect);
        if (due_back)
            model->happened = EVENT_ORDER_REFUND_REQUIRED;
    } else if (ask->result == RESULT_PENDING && order->status == ORDER_PENDING_PAYMENT) {
        happen_pending(model, order);
    } else if (ask->result == RESULT_CANCELLED) {
        bool open = sold_is_open(order);
        order_units_leave(model, shard, order, open ? WAY_FREE : WAY_RESTOCK);
        order_cancelled(order, !open);
    } else if (ask->result == RESULT_REFUNDED) {
        order->refund_due -= ask->amount;
        if (order->refund_due == 0 && order->status == ORDER_REFUND_REQUIRED)
            order->status = ORDER_REFUNDED;
    }
    if (expect->remembers)
        note_payment(order, ask, due_back);
    if (expect->remembers && ask->result != RESULT_REFUNDED)
        claim_take(model, record, order, ask);
    keep_texts(model, shard, order, ask->payment);
    order->version++;
    order->changed_shelf_ms = model->now.shelf_ms;
    order->stream_seq = seen->stream_seq;
    buyer->open_orders -= was_open && !sold_is_open(order);
}
