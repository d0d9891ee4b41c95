/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carts: C1 to C3, C5, C6, L2, L6, Q1 to Q3, W2, M3.
 */
#include "tests/simulate/model_parts.h"

bool cart_is_old(const struct model *model, const struct ask *ask)
{
    const struct buyer *buyer = &model->buyers[ask->customer];
    uint32_t version = buyer->known ? buyer->cart_version : 0;
    return ask->if_version_set && ask->if_version != version;
}

static void room_for_line(const struct model *model, const struct ask *ask, bool new_line,
    bool new_allowance, struct expect *expect)
{
    const struct used *used = &model->used[model->home[ask->customer]];
    const struct capacity *capacity = &model->capacity;
    bool known = model->buyers[ask->customer].known;
    if ((!known && used->customers >= capacity->customers) ||
        (!known && used->blocks + blocks_of(customer_text_size(ask->customer)) >
                       capacity->text_bytes / 32) ||
        (new_line && used->holds >= capacity->holds) ||
        (new_allowance && used->allowances >= capacity->allowances))
        expect->refusals |= BIT(OUTCOME_CAPACITY_EXHAUSTED);
    if (model->now.journal_full)
        expect->refusals |= BIT(OUTCOME_JOURNAL_FULL);
}

void compete(const struct model *model, const struct ask *ask, uint32_t more,
    const struct cart_line *live, int sale, struct expect *expect)
{
    struct selling_now selling = selling_now(model, ask->sku);
    uint32_t own = live == NULL ? 0 : live->quantity;
    uint64_t window = opening_reason(model, ask->sku, &selling);
    expect->refusals |= window;
    if (window != 0)
        return;
    expect->used = limit_used_of(model, ask->customer, ask->sku, sale);
    if (live != NULL && live->limit == 0)
        expect->used += live->quantity; /* taken before the SKU had a limit: it counts (Q1) */
    expect->limit = selling.limit;
    if (selling.limit > 0 && expect->used + more > selling.limit) {
        expect->refusals |= BIT(OUTCOME_LIMIT_EXCEEDED); /* stock is not even asked (Q3) */
        return;
    }
    expect->refusals |= stock_reason(model, ask->sku, more, own, &expect->available);
    expect->available = shown_units(selling.sale, expect->available);
}

static void expect_put(const struct model *model, const struct ask *ask,
    const struct cart_line *line, struct expect *expect)
{
    struct selling_now selling = selling_now(model, ask->sku);
    int kept = model->buyers[ask->customer].currency;
    int currency = kept ? kept : ask->currency ? ask->currency : selling.terms->own_currency;
    bool holds = selling.reserve_on == RESERVE_CART;
    if ((kept && ask->currency && kept != ask->currency) || selling.terms->price[currency] == 0) {
        expect->refusals |= BIT(OUTCOME_CURRENCY_MISMATCH); /* C1 */
        return;
    }
    if (line != NULL && !holds && line->state == LINE_NONE && line->quantity == ask->quantity)
        return;
    bool limited = holds && selling.limit > 0 &&
                   allowance_of(model, ask->customer, ask->sku, selling.terms->sale) == 0;
    expect->has_effect = true;
    room_for_line(model, ask, line == NULL, limited, expect);
    if (holds)
        compete(model, ask, ask->quantity, NULL, selling.terms->sale, expect);
}

static void expect_change(const struct model *model, const struct ask *ask,
    const struct cart_line *line, struct expect *expect)
{
    if (ask->currency && ask->currency != model->buyers[ask->customer].currency) {
        expect->refusals |= BIT(OUTCOME_CURRENCY_MISMATCH);
        return;
    }
    expect->has_effect = ask->quantity != line->quantity;
    if (model->now.journal_full && expect->has_effect)
        expect->refusals |= BIT(OUTCOME_JOURNAL_FULL); /* S5 */
    if (ask->quantity <= line->quantity)
        return; /* C2: lowering always succeeds */
    compete(model, ask, ask->quantity - line->quantity, line, line->sale, expect);
}

void expect_cart_set(const struct model *model, const struct ask *ask, struct expect *expect)
{
    const struct cart_line *line = line_of(model, ask->customer, ask->sku);
    if (!model->shown[ask->sku].visible) {
        expect->refusals = BIT(OUTCOME_NOT_FOUND);
        return;
    }
    if (cart_is_old(model, ask)) {
        expect->refusals = BIT(OUTCOME_STALE_VERSION);
        return;
    }
    if (ask->quantity > model->policy.units_per_line) {
        expect->refusals = BIT(OUTCOME_QUANTITY_TOO_LARGE);
        return;
    }
    if (ask->quantity == 0) {
        expect->has_effect = line != NULL;
        if (model->now.journal_full && line != NULL && line->state != LINE_HELD)
            expect->refusals = BIT(OUTCOME_JOURNAL_FULL); /* it ends no hold (S5) */
    } else if (line == NULL &&
               model->buyers[ask->customer].line_count >= model->policy.lines_per_cart)
        expect->refusals = BIT(OUTCOME_TOO_MANY_LINES);
    else if (line != NULL && line->state == LINE_HELD)
        expect_change(model, ask, line, expect);
    else
        expect_put(model, ask, line, expect);
}

/* Units of a live hold that go back: on sale once the record is durable. */
static void hold_frees(
    struct model *model, uint32_t shard, int customer, const struct cart_line *line, uint32_t units)
{
    if (line->state != LINE_HELD)
        return;
    model->units[line->sku].live -= units;
    record_move(model, shard, WAY_FREE, line->sku, units);
    allowance_less(model, shard, customer, line->sku, line->sale, line->limit, units);
}

static void happen_change(
    struct model *model, uint32_t shard, const struct ask *ask, struct cart_line *line)
{
    if (ask->quantity < line->quantity) {
        hold_frees(model, shard, ask->customer, line, line->quantity - ask->quantity);
    } else {
        uint32_t more = ask->quantity - line->quantity;
        model->units[line->sku].live += more;
        allowance_more(model, shard, ask->customer, line->sku, line->sale, line->limit, more);
    }
    line->quantity = ask->quantity; /* neither deadline nor price moves (C2, M3) */
}

static void happen_put(struct model *model, uint32_t shard, const struct ask *ask)
{
    struct buyer *buyer = &model->buyers[ask->customer];
    struct selling_now selling = selling_now(model, ask->sku);
    struct cart_line *line = line_of(model, ask->customer, ask->sku);
    bool holds = selling.reserve_on == RESERVE_CART;
    if (line == NULL) {
        CHECK(buyer->line_count < CART_AT_MOST);
        line = &buyer->lines[buyer->line_count++];
        model->used[shard].holds++;
    }
    if (buyer->currency == 0)
        buyer->currency = ask->currency ? ask->currency : selling.terms->own_currency;
    *line = (struct cart_line){
        .sku = ask->sku,
        .sale = selling.terms->sale,
        .seller = selling.terms->seller,
        .quantity = ask->quantity,
        .state = holds ? LINE_HELD : LINE_NONE,
        .limit = holds ? selling.limit : 0,
        .price = selling.terms->price[buyer->currency],
        .deadline_shelf_ms =
            holds ? model->now.shelf_ms + selling.hold_seconds * UINT64_C(1000) : 0,
        .created_shelf_ms = model->now.shelf_ms,
    };
    if (!holds)
        return;
    model->units[ask->sku].live += ask->quantity;
    allowance_more(model, shard, ask->customer, ask->sku, line->sale, line->limit, ask->quantity);
}

void happen_cart_set(struct model *model, uint32_t shard, const struct ask *ask)
{
    struct buyer *buyer = buyer_change(model, shard, ask->customer);
    struct cart_line *line = line_of(model, ask->customer, ask->sku);
    touch_sku(model, ask->sku);
    model->happened = EVENT_CART_LINE_SET;
    buyer->cart_version++;
    if (ask->quantity == 0) {
        hold_frees(model, shard, ask->customer, line, line->quantity);
        line_remove(model, shard, ask->customer, ask->sku);
    } else if (line != NULL && line->state == LINE_HELD) {
        happen_change(model, shard, ask, line);
    } else {
        happen_put(model, shard, ask);
    }
}

void happen_cart_clear(struct model *model, uint32_t shard, const struct ask *ask)
{
    struct buyer *buyer = buyer_change(model, shard, ask->customer);
    model->happened = EVENT_CART_CLEARED;
    buyer->cart_version++;
    while (buyer->line_count > 0) {
        const struct cart_line *line = &buyer->lines[0];
        hold_frees(model, shard, ask->customer, line, line->quantity);
        line_remove(model, shard, ask->customer, line->sku);
    }
}

/* The deadline after one more extension; 0, and why there is none (L6, W2). */
static uint64_t extended(const struct model *model, const struct cart_line *line, uint64_t *reasons)
{
    struct selling_now selling = selling_now(model, line->sku);
    uint64_t most = line->created_shelf_ms + model->policy.max_life_seconds * UINT64_C(1000);
    uint64_t until = model->now.shelf_ms + selling.hold_seconds * UINT64_C(1000);
    if (line->state != LINE_HELD)
        return 0;
    if (window_reason(model, &selling) == BIT(OUTCOME_SALE_ENDED))
        *reasons |= BIT(OUTCOME_SALE_ENDED);
    else if (line->extensions < model->policy.max_extensions && line->deadline_shelf_ms < most &&
             until >= line->deadline_shelf_ms)
        return until < most ? until : most;
    *reasons |= BIT(OUTCOME_RESERVATION_EXPIRED);
    return 0;
}

void expect_extend(const struct model *model, const struct ask *ask, struct expect *expect)
{
    const struct buyer *buyer = &model->buyers[ask->customer];
    uint64_t reasons = 0;
    if (cart_is_old(model, ask)) {
        expect->refusals = BIT(OUTCOME_STALE_VERSION);
        return;
    }
    for (uint32_t i = 0; i < buyer->line_count; i++) {
        if (extended(model, &buyer->lines[i], &reasons) != 0)
            expect->has_effect = true;
    }
    if (!expect->has_effect)
        expect->refusals = reasons == 0 ? BIT(OUTCOME_RESERVATION_EXPIRED) : reasons;
    if (model->now.journal_full && buyer->known)
        expect->refusals |= BIT(OUTCOME_JOURNAL_FULL);
}

void happen_extend(struct model *model, uint32_t shard, const struct ask *ask)
{
    struct buyer *buyer = buyer_change(model, shard, ask->customer);
    uint64_t reasons = 0;
    model->happened = EVENT_CART_EXTENDED;
    buyer->cart_version++;
    for (uint32_t i = 0; i < buyer->line_count; i++) {
        uint64_t until = extended(model, &buyer->lines[i], &reasons);
        if (until == 0)
            continue;
        buyer->lines[i].deadline_shelf_ms = until;
        buyer->lines[i].extensions++;
    }
}
