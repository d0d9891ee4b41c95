/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sales and what they say of their products: L9, W1, A5, P1; and what is told of their windows.
 */
#include "tests/simulate/model_parts.h"

static uint32_t first_of(uint32_t own, uint32_t sale, uint32_t configured)
{
    if (own != 0)
        return own;
    return sale != 0 ? sale : configured;
}

struct selling_now selling_now(const struct model *model, int sku)
{
    const struct terms *terms = &model->shown[sku].terms;
    const struct sale_terms *sale = &model->shown_sales[terms->sale].terms;
    const struct policy *policy = &model->policy;
    return (struct selling_now){
        .terms = terms,
        .sale = sale,
        .reserve_on = (uint8_t)first_of(terms->reserve_on, sale->reserve_on, policy->reserve_on),
        .payment_mode = (uint8_t)first_of(0, sale->payment_mode, policy->payment_mode),
        .hold_seconds = first_of(terms->hold_seconds, sale->hold_seconds, policy->hold_seconds),
        .payment_seconds = first_of(0, sale->payment_seconds, policy->payment_seconds),
        .review_seconds = first_of(0, sale->review_seconds, policy->review_seconds),
        .limit = first_of(terms->limit, sale->limit, 0),
        .starts_wall_ms = terms->starts_wall_ms != 0 ? terms->starts_wall_ms : sale->starts_wall_ms,
        .ends_wall_ms = terms->ends_wall_ms != 0 ? terms->ends_wall_ms : sale->ends_wall_ms,
    };
}

uint64_t window_reason(const struct model *model, const struct selling_now *selling)
{
    int64_t now = model->now.wall_ms;
    if (selling->starts_wall_ms != 0 && now < selling->starts_wall_ms)
        return BIT(OUTCOME_SALE_NOT_STARTED);
    if (selling->ends_wall_ms != 0 && now >= selling->ends_wall_ms)
        return BIT(OUTCOME_SALE_ENDED);
    return 0;
}

uint64_t opening_reason(const struct model *model, int sku, const struct selling_now *selling)
{
    uint64_t window = window_reason(model, selling);
    if (window == 0 && model_stopped(model, sku, selling->terms->sale) != 0)
        return BIT(OUTCOME_PAUSED);
    return window;
}

uint32_t known_units(const struct sale_terms *sale)
{
    if (sale->counts == COUNTS_EXACT)
        return UINT32_MAX;
    return sale->counts == COUNTS_CAPPED ? sale->counts_cap : 1;
}

uint32_t shown_units(const struct sale_terms *sale, uint32_t units)
{
    if (sale->counts == COUNTS_BOOLEAN)
        return UINT32_MAX; /* no number at all */
    return units < known_units(sale) ? units : known_units(sale);
}

uint32_t names_used(const struct model *model)
{
    uint32_t count = model->resting_names;
    for (int i = 1; i < SALES_AT_MOST; i++)
        count += (model->sales[i].version != 0 ? 1u : 0u) + model->seller_named[i];
    return count;
}

static bool same_sale(const struct sale_terms *a, const struct sale_terms *b)
{
    return a->limit == b->limit && a->hold_seconds == b->hold_seconds &&
           a->payment_seconds == b->payment_seconds && a->review_seconds == b->review_seconds &&
           a->counts_cap == b->counts_cap && a->reserve_on == b->reserve_on &&
           a->payment_mode == b->payment_mode && a->counts == b->counts &&
           a->starts_wall_ms == b->starts_wall_ms && a->ends_wall_ms == b->ends_wall_ms;
}

void expect_sale(const struct model *model, const struct ask *ask, struct expect *expect)
{
    const struct sale_of *sale = &model->sales[ask->sale];
    if (sale->version != model->shown_sales[ask->sale].version)
        expect->refusals |= BIT(OUTCOME_VERSION_CONFLICT);
    if (model->leaving == ask->sale)
        expect->refusals |= BIT(OUTCOME_VERSION_CONFLICT);
    if (ask->expected_version != 0 && ask->expected_version != sale->version)
        expect->refusals |= BIT(OUTCOME_STALE_VERSION);
    if (sale->version == 0 && names_used(model) >= model->capacity.names)
        expect->refusals |= BIT(OUTCOME_CAPACITY_EXHAUSTED);
    if (model->now.journal_full)
        expect->refusals |= BIT(OUTCOME_JOURNAL_FULL);
    expect->unchanged = sale->version != 0 && same_sale(&sale->terms, &ask->sale_terms);
    expect->has_effect = !expect->unchanged;
    expect->version = sale->version + expect->has_effect;
}

void happen_sale(struct model *model, struct record *record, const struct ask *ask)
{
    struct sale_of *sale = &model->sales[ask->sale];
    keep(model, 0, sale, sizeof(*sale));
    sale->version++;
    sale->terms = ask->sale_terms;
    record->publishes_sale = ask->sale;
    model->happened = EVENT_SALE_SET;
}

static bool is_open(const struct model *model, int sale)
{
    const struct sale_terms *terms = &model->shown_sales[sale].terms;
    int64_t now = model->now.wall_ms;
    return now >= terms->starts_wall_ms && (terms->ends_wall_ms == 0 || now < terms->ends_wall_ms);
}

const char *observe_window(struct model *model, const struct seen *seen)
{
    uint8_t *told = &model->sale_told[seen->sale];
    bool opens = seen->kind == EVENT_SALE_OPENED;
    if (model->shown_sales[seen->sale].version == 0)
        return "the window of a sale that is not there turned";
    if (opens != is_open(model, seen->sale))
        return "a sale opened or closed that did not (W1)";
    if (*told == (opens ? SALE_TOLD_OPEN : SALE_TOLD_CLOSED))
        return "a sale opened or closed twice";
    keep(model, 0, told, sizeof(*told));
    *told = opens ? SALE_TOLD_OPEN : SALE_TOLD_CLOSED;
    return NULL;
}

const char *model_windows(const struct model *model)
{
    if (model->now.wall_ms <= model->kept_since_wall_ms + 1000)
        return NULL; /* a full journal tells nothing */
    for (int sale = 1; sale < SALES_AT_MOST; sale++) {
        const struct sale_of *shown = &model->shown_sales[sale];
        bool bounded = shown->terms.starts_wall_ms != 0 || shown->terms.ends_wall_ms != 0;
        if (shown->version == 0 || shown->version != model->sales[sale].version ||
            sale == model->leaving)
            continue;
        if (is_open(model, sale) && bounded && model->sale_told[sale] != SALE_TOLD_OPEN)
            return "nobody was told that a sale opened";
        if (!is_open(model, sale) && model->sale_told[sale] == SALE_TOLD_OPEN)
            return "nobody was told that a sale closed";
    }
    return NULL;
}
