/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The customer's side of a merge (C4): what of the guest's cart stays, at which price and until
 * when, and what is dropped.
 */
#include "core/merge.h"
#include "tests/simulate/model_parts.h"

static bool has_merged(const struct model *model, uint32_t shard, const struct merging_of *merging)
{
    for (uint32_t slot = model->merge_keys[shard]; slot != NO_SLOT;
         slot = model->keys[shard][slot].next) {
        const struct ask *ask = &model->keys[shard][slot].ask;
        if (ask->customer == merging->customer && ask->guest == merging->guest &&
            ask->merge_id == merging->id)
            return true;
    }
    return false;
}

static bool has_room(
    const struct model *model, uint32_t shard, const struct merging_of *merging, uint32_t places)
{
    const struct buyer *buyer = &model->buyers[merging->customer];
    const struct used *used = &model->used[shard];
    const struct capacity *capacity = &model->capacity;
    uint32_t lines = 0, allowances = 0;
    for (uint32_t i = 0; i < merging->line_count; i++) {
        const struct cart_line *was = &merging->lines[i].was;
        if (merging->lines[i].life != model->life[was->sku]) { /* of a SKU that is no more */
            lines++;
            allowances++;
            continue;
        }
        lines += line_of(model, merging->customer, was->sku) == NULL;
        /* It may count in the guest's sale, or in today's. */
        int today = selling_now(model, was->sku).terms->sale;
        allowances += allowance_of(model, merging->customer, was->sku, was->sale) == 0 ||
                      allowance_of(model, merging->customer, was->sku, today) == 0;
    }
    if (!buyer->known && (used->customers >= capacity->customers ||
                             used->blocks + blocks_of(customer_text_size(merging->customer)) >
                                 capacity->text_bytes / 32))
        return false;
    return used->holds + (lines < places ? lines : places) <= capacity->holds &&
           used->allowances + allowances <= capacity->allowances &&
           used->keys < capacity->idempotency_keys;
}

static void drop(const struct model *model, struct merging_of *merging, int sku, uint64_t units,
    uint64_t reasons)
{
    if (units == 0)
        return;
    CHECK(merging->dropped_count < DROPPED_AT_MOST);
    merging->dropped[merging->dropped_count++] = (struct dropped){
        .sku = sku, .life = model->life[sku], .quantity = (uint32_t)units, .reasons = reasons};
}

/* Bought by either of them in that sale. */
static uint32_t bought_by_both(const struct model *model, const struct merging_of *merging,
    const struct cart_line *own, int sku, int sale)
{
    uint32_t sum = limit_used_of(model, merging->customer, sku, sale);
    if (own != NULL && own->state == LINE_HELD && own->limit > 0 && own->sale == sale)
        sum -= own->quantity;
    return sum;
}

static uint32_t at_most(uint32_t limit, uint32_t used, const struct policy *policy, uint64_t *why)
{
    uint32_t left = limit > used ? limit - used : 0;
    bool limited = limit > 0 && left < policy->units_per_line;
    *why = limited ? BIT(OUTCOME_LIMIT_EXCEEDED) : BIT(OUTCOME_QUANTITY_TOO_LARGE);
    return limited ? left : policy->units_per_line;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* The line as it would be, but for quantity and times: terms of the customer's hold, else of the
 * guest's, else of today. False: no price in the cart's currency. */
static bool joint_terms(const struct model *model, const struct merging_of *merging,
    const struct carried *carried, const struct cart_line *own, bool alive, struct cart_line *line)
{
    struct selling_now selling = selling_now(model, carried->was.sku);
    if (own != NULL && own->state == LINE_HELD) {
        *line = *own;
        return true;
    }
    *line = (struct cart_line){.sku = carried->was.sku,
        .sale = selling.terms->sale,
        .seller = selling.terms->seller,
        .limit = selling.limit,
        .price = selling.terms->price[merging->cart_currency]};
    if (alive) {
        line->sale = carried->was.sale;
        line->seller = carried->was.seller;
        line->limit = carried->was.limit;
        if (merging->cart_currency == merging->currency)
            line->price = carried->was.price;
    }
    return line->price != 0;
}

/* Where stock is taken at checkout a line is a wish. */
static void join_wish(const struct model *model, struct merging_of *merging,
    struct carried *carried, const struct cart_line *own)
{
    uint32_t has = own == NULL ? 0 : own->quantity, sum = has + carried->was.quantity;
    uint64_t why;
    uint32_t most = at_most(selling_now(model, carried->was.sku).limit, 0, &model->policy, &why);
    uint32_t target = smaller(sum, most) > has ? smaller(sum, most) : has;
    drop(model, merging, carried->was.sku, sum - target, why);
    carried->writes = target > has;
    carried->line.quantity = target;
    carried->line.limit = 0;
    carried->line.state = LINE_NONE;
}

/* The earlier of the two ends (C4). */
static void joint_times(const struct model *model, struct carried *carried,
    const struct cart_line *own, uint32_t hold_seconds)
{
    struct cart_line *line = &carried->line;
    const struct cart_line *was = &carried->was;
    bool own_hold = own != NULL && own->state == LINE_HELD;
    line->state = LINE_HELD;
    if (!own_hold) {
        line->deadline_shelf_ms = model->now.shelf_ms + hold_seconds * UINT64_C(1000);
        line->created_shelf_ms = model->now.shelf_ms;
    }
    if (carried->kept == 0)
        return;
    if (!own_hold || was->deadline_shelf_ms < line->deadline_shelf_ms)
        line->deadline_shelf_ms = was->deadline_shelf_ms;
    if (was->created_shelf_ms < line->created_shelf_ms)
        line->created_shelf_ms = was->created_shelf_ms;
    if (was->extensions > line->extensions)
        line->extensions = was->extensions;
}

/* The customer's units, then the guest's, then free ones: all or none of these. */
static void join_hold(const struct model *model, const struct ask *ask, struct merging_of *merging,
    struct carried *carried, const struct cart_line *own)
{
    int sku = carried->was.sku;
    struct selling_now selling = selling_now(model, sku);
    struct expect took = {0};
    struct ask more = {.customer = ask->customer, .sku = sku};
    uint32_t has = own == NULL ? 0 : own->quantity;
    uint32_t held = own != NULL && own->state == LINE_HELD ? own->quantity : 0;
    uint32_t sum = has + carried->was.quantity;
    uint64_t why;
    uint32_t used = bought_by_both(model, merging, own, sku, carried->line.sale);
    uint32_t most = at_most(selling.limit, used, &model->policy, &why);
    uint32_t target = smaller(sum, most) > held ? smaller(sum, most) : held;
    uint32_t alive = merge_is_alive(model, merging, carried) ? carried->units : 0;
    carried->kept = smaller(alive, target - held);
    uint32_t missing = target - held - carried->kept;
    if (missing > 0) {
        compete(model, &more, missing, held > 0 ? own : NULL, carried->line.sale, &took);
        carried->taken = took.refusals == 0 ? missing : 0;
    }
    uint32_t gained = carried->kept + carried->taken;
    if (gained == 0) {
        drop(model, merging, sku, carried->was.quantity, took.refusals == 0 ? why : took.refusals);
        return;
    }
    drop(model, merging, sku, sum - target, why);
    drop(model, merging, sku, target - held - gained, took.refusals);
    carried->writes = true;
    carried->line.quantity = held + gained;
    joint_times(model, carried, own, selling.hold_seconds);
}

static void join(const struct model *model, const struct ask *ask, struct merging_of *merging,
    struct carried *carried, uint32_t *places)
{
    const struct cart_line *was = &carried->was;
    const struct cart_line *own = line_of(model, merging->customer, was->sku);
    bool alive = merge_is_alive(model, merging, carried);
    bool own_hold = own != NULL && own->state == LINE_HELD;
    if (is_leaving(model, carried, alive))
        drop(model, merging, was->sku, was->quantity, BIT(OUTCOME_UNKNOWN_SKU));
    else if (!joint_terms(model, merging, carried, own, alive, &carried->line))
        drop(model, merging, was->sku, was->quantity, BIT(OUTCOME_CURRENCY_MISMATCH));
    else if (own == NULL && *places == 0)
        drop(model, merging, was->sku, was->quantity, BIT(OUTCOME_TOO_MANY_LINES));
    else if (alive || own_hold || selling_now(model, was->sku).reserve_on == RESERVE_CART)
        join_hold(model, ask, merging, carried, own);
    else
        join_wish(model, merging, carried, own);
    *places -= carried->writes && own == NULL;
}

struct visit_want merge_come_in(
    const struct model *model, const struct ask *ask, struct merging_of *merging)
{
    const struct buyer *buyer = &model->buyers[merging->customer];
    uint32_t shard = model->home[merging->customer], most = model->policy.lines_per_cart;
    uint32_t places = most > buyer->line_count ? most - buyer->line_count : 0;
    if (has_merged(model, shard, merging))
        return merge_next(EVENT_NONE, MERGE_END);
    if (merging->rounds == 1 && cart_is_old(model, ask))
        return merge_refused(merging, MERGE_RETURN, BIT(OUTCOME_STALE_VERSION));
    if (model->now.journal_full)
        return merge_refused(merging, MERGE_RETURN, BIT(OUTCOME_JOURNAL_FULL));
    if (!has_room(model, shard, merging, places))
        return merge_refused(merging, MERGE_RETURN, BIT(OUTCOME_CAPACITY_EXHAUSTED));
    merging->cart_currency = buyer->line_count > 0 ? buyer->currency : merging->currency;
    for (uint32_t i = 0; i < merging->line_count; i++) {
        if (merging->lines[i].life == model->life[merging->lines[i].was.sku])
            join(model, ask, merging, &merging->lines[i], &places);
    }
    return merge_next(EVENT_CART_MERGED, MERGE_END);
}

static void line_comes_in(struct model *model, uint32_t shard, const struct merging_of *merging,
    const struct carried *carried)
{
    struct buyer *buyer = &model->buyers[merging->customer];
    int sku = carried->was.sku;
    model->units[sku].moving -= carried->units;
    model->units[sku].live += carried->kept + carried->taken;
    record_move(model, shard, WAY_FREE, sku, carried->units - carried->kept);
    touch_sku(model, sku);
    if (!carried->writes)
        return;
    struct cart_line *line = line_of(model, merging->customer, sku);
    if (line == NULL) {
        CHECK(buyer->line_count < CART_AT_MOST);
        line = &buyer->lines[buyer->line_count++];
        model->used[shard].holds++;
    }
    *line = carried->line;
    allowance_more(model, shard, merging->customer, sku, line->sale, line->limit,
        carried->kept + carried->taken);
}

void merge_came_in(struct model *model, uint32_t shard, const struct ask *ask,
    const struct merging_of *merging, const struct seen *seen)
{
    struct buyer *buyer = buyer_change(model, shard, merging->customer);
    struct ask key = *ask;
    for (uint32_t i = 0; i < merging->line_count; i++) {
        const struct carried *carried = &merging->lines[i];
        if (carried->life == model->life[carried->was.sku])
            line_comes_in(model, shard, merging, carried);
    }
    if (buyer->line_count > 0)
        buyer->currency = merging->cart_currency;
    buyer->cart_version++;
    key.merge_id = merging->id;
    keep(model, shard, &model->merge_keys[shard], sizeof(model->merge_keys[shard]));
    key_note(model, shard, &model->merge_keys[shard], &key, seen, keep_until(model, 0));
}
