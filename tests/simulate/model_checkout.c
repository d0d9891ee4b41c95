/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checkout: K1 to K4, K6 to K8, V6, Q1 to Q3, I3 to I5, P1, P11, M3, M4.
 */
#include "tests/simulate/model_parts.h"

/* The basket by SKU: what is wanted, and how much of it a live hold has already. */
struct wanted {
    int sku;
    uint32_t quantity, from_hold;
    const struct cart_line *hold;
    int64_t price; /* of what the hold has not */
    struct selling_now selling;
};

struct basket_of {
    uint32_t count;
    struct wanted wanted[CART_AT_MOST];
    bool from_cart;
    int currency;
    uint8_t mode, born;
    uint32_t payment_seconds, review_seconds, new_allowances;
    int64_t ends_wall_ms;
    bool takes_units;
};

static struct wanted *wanted_of(struct basket_of *basket, int sku)
{
    for (uint32_t i = 0; i < basket->count; i++) {
        if (basket->wanted[i].sku == sku)
            return &basket->wanted[i];
    }
    CHECK(basket->count < CART_AT_MOST);
    basket->wanted[basket->count] = (struct wanted){.sku = sku};
    return &basket->wanted[basket->count++];
}

/* What is in a cart is known although its sale is leaving: it is over (W1). */
static bool is_known(const struct model *model, const struct basket_of *basket, int sku)
{
    return basket->from_cart || model->shown[sku].visible;
}

/* V6: the same SKU on several lines is one. */
static uint64_t gather_items(
    const struct model *model, const struct ask *ask, struct basket_of *basket)
{
    if (ask->item_count > model->policy.lines_per_order)
        return BIT(OUTCOME_TOO_MANY_LINES);
    for (uint32_t i = 0; i < ask->item_count; i++) {
        struct wanted *wanted = wanted_of(basket, ask->items[i].sku);
        wanted->quantity += ask->items[i].quantity;
        bool visible = model->shown[wanted->sku].visible;
        if (ask->items[i].quantity > model->policy.units_per_line ||
            (visible && wanted->quantity > model->policy.units_per_line))
            return BIT(OUTCOME_QUANTITY_TOO_LARGE);
    }
    return 0;
}

static uint64_t gather_cart(
    const struct model *model, const struct ask *ask, struct basket_of *basket)
{
    const struct buyer *buyer = &model->buyers[ask->customer];
    basket->from_cart = true;
    if (buyer->line_count == 0)
        return BIT(OUTCOME_CART_EMPTY);
    if (buyer->line_count > model->policy.lines_per_order)
        return BIT(OUTCOME_TOO_MANY_LINES);
    for (uint32_t i = 0; i < buyer->line_count; i++) {
        if (buyer->merging && buyer->lines[i].state == LINE_MOVED)
            return BIT(OUTCOME_VERSION_CONFLICT);
        wanted_of(basket, buyer->lines[i].sku)->quantity = buyer->lines[i].quantity;
    }
    return 0;
}

/* K8: a live hold on the same SKU is used first. */
static void use_holds(const struct model *model, const struct ask *ask, struct basket_of *basket)
{
    for (uint32_t i = 0; i < basket->count; i++) {
        struct wanted *wanted = &basket->wanted[i];
        wanted->selling = selling_now(model, wanted->sku);
        const struct cart_line *line = line_of(model, ask->customer, wanted->sku);
        if (line == NULL || line->state != LINE_HELD)
            continue;
        wanted->hold = line;
        wanted->from_hold = line->quantity < wanted->quantity ? line->quantity : wanted->quantity;
    }
}

static void choose_currency(
    const struct model *model, const struct ask *ask, struct basket_of *basket)
{
    int cart = model->buyers[ask->customer].currency;
    basket->currency = ask->currency;
    if (cart != 0 && (basket->from_cart || ask->currency == 0))
        basket->currency = cart;
    for (uint32_t i = 0; basket->currency == 0 && i < basket->count; i++) {
        if (is_known(model, basket, basket->wanted[i].sku))
            basket->currency = basket->wanted[i].selling.terms->own_currency;
    }
}

/* P11: the stricter of what the service decided and what the rules say of its score. */
static uint8_t risk_of(const struct model *model, const struct ask *ask)
{
    uint8_t risk = ask->risk;
    if (model->policy.risk_review_score > 0 && ask->score >= model->policy.risk_review_score &&
        risk < RISK_REVIEW)
        risk = RISK_REVIEW;
    if (model->policy.risk_decline_score > 0 && ask->score >= model->policy.risk_decline_score)
        risk = RISK_DECLINE;
    return risk;
}

/* P1: external stands over deferred, the shortest time to pay and the latest end count. */
static void choose_terms(const struct model *model, const struct ask *ask, struct basket_of *basket)
{
    for (uint32_t i = 0; i < basket->count; i++) {
        const struct selling_now *selling = &basket->wanted[i].selling;
        if (!is_known(model, basket, basket->wanted[i].sku))
            continue;
        if (basket->mode != PAYMENT_EXTERNAL)
            basket->mode = selling->payment_mode;
        if (basket->payment_seconds == 0 || selling->payment_seconds < basket->payment_seconds)
            basket->payment_seconds = selling->payment_seconds;
        if (basket->review_seconds == 0 || selling->review_seconds < basket->review_seconds)
            basket->review_seconds = selling->review_seconds;
        if (selling->ends_wall_ms > basket->ends_wall_ms)
            basket->ends_wall_ms = selling->ends_wall_ms;
    }
    if (basket->mode == 0)
        basket->mode = model->policy.payment_mode;
    if (ask->mode != 0)
        basket->mode = ask->mode;
    basket->born = basket->mode == PAYMENT_DEFERRED ? ORDER_CONFIRMED : ORDER_PENDING_PAYMENT;
    if (risk_of(model, ask) == RISK_REVIEW)
        basket->born = ORDER_REVIEW;
}

static uint64_t line_reason(const struct model *model, const struct ask *ask,
    struct basket_of *basket, struct wanted *wanted, struct expect_line *line)
{
    const struct selling_now *selling = &wanted->selling;
    uint32_t fresh = wanted->quantity - wanted->from_hold;
    if (!is_known(model, basket, wanted->sku))
        return BIT(OUTCOME_UNKNOWN_SKU);
    if (wanted->from_hold > 0 && model->buyers[ask->customer].currency != basket->currency)
        return BIT(OUTCOME_CURRENCY_MISMATCH);
    if (fresh == 0)
        return 0;
    wanted->price = basket->currency ? selling->terms->price[basket->currency] : 0;
    if (wanted->price == 0)
        return BIT(OUTCOME_CURRENCY_MISMATCH);
    uint64_t window = opening_reason(model, wanted->sku, selling);
    if (window != 0)
        return window;
    uint32_t counted = allowance_of(model, ask->customer, wanted->sku, selling->terms->sale);
    line->limit = selling->limit;
    if (selling->limit > 0) {
        line->used = limit_used_of(model, ask->customer, wanted->sku, selling->terms->sale);
        if (wanted->hold != NULL && wanted->hold->limit == 0)
            line->used += wanted->hold->quantity;
    }
    basket->takes_units = true;
    basket->new_allowances += selling->limit > 0 && counted == 0;
    return selling->limit > 0 && line->used + fresh > selling->limit ? BIT(OUTCOME_LIMIT_EXCEEDED)
                                                                     : 0;
}

/* Under a limit that some identity would pass; the first reason stands. */
static void within(struct expect_line *line, uint32_t used, uint32_t units, uint32_t limit)
{
    line->used = used > line->used ? used : line->used;
    if (line->reasons != 0 || units <= limit)
        return;
    line->reasons = BIT(OUTCOME_LIMIT_EXCEEDED);
    line->limit = limit;
}

/* Q5: what comes from a hold and what is fresh are two lines of the order; both count. */
static void identity_reason(const struct model *model, const struct ask *ask,
    const struct wanted *wanted, struct expect_line *line)
{
    const struct selling_now *selling = &wanted->selling;
    uint32_t fresh = wanted->quantity - wanted->from_hold, before = 0, most;
    if (wanted->from_hold > 0 && wanted->hold->limit > 0) {
        most = identities_most(model, ask, wanted->sku, wanted->hold->sale);
        within(line, most, most + wanted->from_hold, wanted->hold->limit);
        before = wanted->hold->sale == selling->terms->sale ? wanted->from_hold : 0;
    }
    if (fresh == 0 || selling->limit == 0)
        return;
    most = identities_most(model, ask, wanted->sku, selling->terms->sale);
    within(line, most, most + before + fresh, selling->limit);
}

static uint64_t units_reason(
    const struct model *model, const struct wanted *wanted, struct expect_line *line)
{
    const struct selling_now *selling = &wanted->selling;
    uint32_t fresh = wanted->quantity - wanted->from_hold;
    if (fresh == 0)
        return 0;
    uint64_t reason = stock_reason(model, wanted->sku, fresh, wanted->from_hold, &line->available);
    line->may_be_untold = reason != 0 && fresh > known_units(selling->sale) &&
                          line->available - wanted->from_hold >= known_units(selling->sale);
    line->available = shown_units(selling->sale, line->available);
    return reason;
}

/* K2: every line that fails. */
static void judge_lines(const struct model *model, const struct ask *ask, struct basket_of *basket,
    struct expect *expect)
{
    for (uint32_t i = 0; i < basket->count; i++) {
        struct expect_line line = {.sku = basket->wanted[i].sku};
        line.reasons = line_reason(model, ask, basket, &basket->wanted[i], &line);
        if (ask->identity_count > 0 && is_known(model, basket, line.sku))
            identity_reason(model, ask, &basket->wanted[i], &line);
        if (line.reasons == 0)
            line.reasons = units_reason(model, &basket->wanted[i], &line);
        if (line.reasons == 0)
            continue;
        expect->refusals |= line.reasons | BIT(OUTCOME_LINES_REFUSED);
        expect->lines[expect->line_count++] = line;
    }
}

/* In a full journal there is room for one checkout of each hold (S5). */
static bool leaves_a_hold(const struct basket_of *basket)
{
    for (uint32_t i = 0; i < basket->count; i++) {
        const struct wanted *wanted = &basket->wanted[i];
        if (wanted->from_hold > 0 && wanted->from_hold < wanted->hold->quantity)
            return true;
    }
    return false;
}

static void room_for_order(const struct model *model, const struct ask *ask,
    const struct basket_of *basket, const struct sold_order *placed, struct expect *expect)
{
    const struct used *used = &model->used[model->home[ask->customer]];
    const struct capacity *capacity = &model->capacity;
    bool new = !model->buyers[ask->customer].known;
    uint32_t blocks = blocks_of(ask->reference_size) + blocks_of(ask->adjusting.size) +
                      blocks_of(16 * ask->identity_count) +
                      (new ? blocks_of(customer_text_size(ask->customer)) : 0);
    if ((new && used->customers >= capacity->customers) || used->orders >= capacity->orders ||
        used->lines + placed->line_count > capacity->lines ||
        used->blocks + blocks > capacity->text_bytes / 32 ||
        used->keys >= capacity->idempotency_keys ||
        used->allowances + basket->new_allowances > capacity->allowances ||
        (used->orders + 1) * PAYMENTS_PER_ORDER > capacity->claims)
        expect->refusals |= BIT(OUTCOME_CAPACITY_EXHAUSTED);
    if ((basket->takes_units || leaves_a_hold(basket)) && model->now.journal_full)
        expect->refusals |= BIT(OUTCOME_JOURNAL_FULL);
    if (model->now.postgres_down)
        expect->refusals |= BIT(OUTCOME_UNCONFIRMED);
}

static void place_line(struct expect *expect, const struct sold_line *line, uint32_t from_hold)
{
    struct sold_order *placed = &expect->placed;
    CHECK(placed->line_count < ORDER_LINES_AT_MOST);
    expect->from_hold[placed->line_count] = from_hold;
    placed->lines[placed->line_count++] = *line;
}

/* The lines of the order it would become: what a hold had keeps the hold's price and terms. */
static void place_lines(const struct basket_of *basket, struct expect *expect)
{
    for (uint32_t i = 0; i < basket->count; i++) {
        const struct wanted *wanted = &basket->wanted[i];
        uint32_t fresh = wanted->quantity - wanted->from_hold;
        struct sold_line line = {.sku = wanted->sku};
        if (wanted->from_hold > 0) {
            line.sale = wanted->hold->sale;
            line.quantity = wanted->from_hold;
            line.limit = wanted->hold->limit;
            line.price = wanted->hold->price;
            place_line(expect, &line, wanted->from_hold);
        }
        if (fresh == 0)
            continue;
        line.sale = wanted->selling.terms->sale;
        line.quantity = fresh;
        line.limit = wanted->selling.limit;
        line.price = wanted->price;
        place_line(expect, &line, 0);
    }
}

/* M4: the exact sum of its lines; false when no 64 bits hold it or what it is adjusted to, or when
 * that is negative (K7). */
static bool add_up(struct expect *expect, const struct ask *ask)
{
    struct sold_order *placed = &expect->placed;
    wide sum = 0;
    for (uint32_t i = 0; i < placed->line_count; i++)
        sum += (wide)placed->lines[i].price * placed->lines[i].quantity;
    wide adjusted = sum + ask->adjusting.sum;
    bool fits = adjusted >= 0 && adjusted <= INT64_MAX;
    placed->items_total = expect->total = sum <= INT64_MAX ? (int64_t)sum : 0;
    placed->total = placed->born_total = fits ? (int64_t)adjusted : 0;
    return sum <= INT64_MAX && fits;
}

static bool asks_as_service(const struct ask *ask)
{
    return ask->mode != 0 || ask->adjusting.set || ask->risk != RISK_NONE || ask->score > 0 ||
           ask->identity_count > 0;
}

static void place(const struct model *model, const struct ask *ask, const struct basket_of *basket,
    struct expect *expect)
{
    struct sold_order *placed = &expect->placed;
    bool confirmed = basket->born == ORDER_CONFIRMED;
    uint32_t seconds =
        basket->born == ORDER_REVIEW ? basket->review_seconds : basket->payment_seconds;
    uint64_t due = model->now.shelf_ms + seconds * UINT64_C(1000);
    int64_t now = model->now.wall_ms;
    placed->used = true;
    placed->customer = ask->customer;
    placed->status = placed->born = basket->born;
    placed->mode = basket->mode;
    placed->currency = basket->currency;
    placed->payment_seconds = basket->payment_seconds;
    /* placed, and confirmed or in review (S2) */
    placed->version = basket->born == ORDER_PENDING_PAYMENT ? 1 : 2;
    placed->due_shelf_ms = placed->born_due_shelf_ms = confirmed ? 0 : due;
    placed->keep_shelf_ms = keep_until(model, basket->ends_wall_ms);
    placed->created_shelf_ms = placed->changed_shelf_ms = model->now.shelf_ms;
    placed->created_wall_ms = now;
    placed->confirmed_wall_ms = confirmed ? now : 0;
    placed->cancel_until_wall_ms =
        confirmed ? now + (int64_t)model->policy.cancel_seconds * 1000 : 0;
    placed->reference_size = ask->reference_size;
    placed->adjustment_size = ask->adjusting.size;
    placed->identity_count = ask->identity_count;
    memcpy(placed->identities, ask->identities, sizeof(placed->identities));
}

static bool known_key(const struct model *model, const struct ask *ask, struct expect *expect)
{
    uint32_t shard = model->home[ask->customer];
    uint32_t slot = key_of(model, shard, model->buyers[ask->customer].first_key, ask->key);
    if (slot == NO_SLOT)
        return false;
    const struct used_key *key = &model->keys[shard][slot];
    if (!ask_same(&key->ask, ask)) {
        expect->refusals = BIT(OUTCOME_KEY_REUSED); /* I4 */
        return true;
    }
    expect->replayed = true; /* I3 */
    expect->order = key->order;
    return true;
}

void expect_checkout(const struct model *model, const struct ask *ask, struct expect *expect)
{
    struct basket_of basket = {0};
    if (known_key(model, ask, expect))
        return;
    expect->has_effect = true;
    if (cart_is_old(model, ask)) {
        expect->refusals = BIT(OUTCOME_STALE_VERSION);
        return;
    }
    if (asks_as_service(ask) && ask->role == ROLE_CUSTOMER) { /* P1, P11, K7, Q5 */
        expect->refusals = BIT(OUTCOME_FORBIDDEN);
        return;
    }
    expect->refusals =
        ask->item_count > 0 ? gather_items(model, ask, &basket) : gather_cart(model, ask, &basket);
    if (expect->refusals != 0)
        return;
    if (risk_of(model, ask) == RISK_DECLINE)
        expect->refusals |= BIT(OUTCOME_RISK_DECLINED);
    use_holds(model, ask, &basket);
    choose_currency(model, ask, &basket);
    choose_terms(model, ask, &basket);
    if (basket.from_cart && ask->currency != 0 && ask->currency != basket.currency) {
        expect->refusals = BIT(OUTCOME_CURRENCY_MISMATCH); /* C1 */
        return;
    }
    judge_lines(model, ask, &basket, expect);
    if (basket.born != ORDER_CONFIRMED &&
        model->buyers[ask->customer].open_orders >= model->policy.max_open_orders)
        expect->refusals |= BIT(OUTCOME_TOO_MANY_OPEN_ORDERS);
    place_lines(&basket, expect);
    if (!add_up(expect, ask))
        expect->refusals |= BIT(OUTCOME_INVALID); /* M2, K7 */
    if (ask->expected_total_set && ask->expected_total != expect->total)
        expect->refusals |= BIT(OUTCOME_PRICE_CHANGED); /* K4 */
    room_for_order(model, ask, &basket, &expect->placed, expect);
    place(model, ask, &basket, expect);
    if (identities_answer(model, &expect->placed, ask) == COUNT_FULL)
        expect->refusals |= BIT(OUTCOME_CAPACITY_EXHAUSTED); /* Q6 */
}

static uint32_t order_slot(struct model *model, uint32_t shard)
{
    uint32_t slot = model->order_last[shard];
    CHECK(model->used[shard].orders < model->capacity.orders);
    do
        slot = slot % model->capacity.orders + 1;
    while (model->orders[shard][slot].used);
    model->order_last[shard] = slot;
    return slot;
}

/* Units that a hold had go on being held, others are taken; a deferred order sells both. */
static void units_into_order(struct model *model, uint32_t shard, const struct sold_order *order,
    const struct expect *expect)
{
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct sold_line *line = &order->lines[i];
        struct cart_line *hold = line_of(model, order->customer, line->sku);
        touch_sku(model, line->sku);
        identities_count(model, order, line);
        if (expect->from_hold[i] > 0) {
            hold->quantity -= line->quantity;
        } else {
            model->units[line->sku].live += line->quantity;
            allowance_more(
                model, shard, order->customer, line->sku, line->sale, line->limit, line->quantity);
        }
        if (expect->from_hold[i] > 0 && hold->quantity == 0)
            line_remove(model, shard, order->customer, line->sku);
        if (order->status != ORDER_CONFIRMED)
            continue;
        model->units[line->sku].live -= line->quantity;
        model->units[line->sku].bought += line->quantity;
        record_move(model, shard, WAY_SELL, line->sku, line->quantity);
    }
}

void happen_checkout(struct model *model, uint32_t shard, const struct ask *ask,
    const struct expect *expect, const struct seen *seen)
{
    bool known = model->buyers[ask->customer].known;
    model->happened = EVENT_ORDER_PLACED;
    struct buyer *buyer = buyer_change(model, shard, ask->customer);
    uint32_t slot = order_slot(model, shard);
    struct sold_order *order = order_change(model, shard, slot);
    *order = expect->placed;
    memcpy(order->id, seen->order_id, 16);
    order->stream_seq = seen->stream_seq;
    order->older = buyer->newest_order;
    buyer->newest_order = slot;
    buyer->open_orders += sold_is_open(order);
    bool changes = !known || ask->item_count == 0; /* or a hold in it was used (K8) */
    for (uint32_t i = 0; i < order->line_count; i++)
        changes = changes || expect->from_hold[i] > 0;
    buyer->cart_version += changes;
    model->used[shard].orders++;
    model->used[shard].lines += order->line_count;
    model->used[shard].blocks += blocks_of(order->reference_size) +
                                 blocks_of(order->adjustment_size) +
                                 blocks_of(16 * order->identity_count);
    units_into_order(model, shard, order, expect);
    if (ask->item_count == 0) { /* K6: the cart became this order */
        while (buyer->line_count > 0)
            line_remove(model, shard, ask->customer, buyer->lines[0].sku);
        memcpy(buyer->last_order, order->id, 16);
    }
    key_note(model, shard, &buyer->first_key, ask, seen, order->keep_shelf_ms)->order = slot;
}
