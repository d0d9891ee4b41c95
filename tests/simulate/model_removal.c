/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a sale leaves (DELETE of it): what may go before its time and in which order, and what must
 * be gone in the end. When the removal does something is the engine's; here is what it may do.
 */
#include "tests/simulate/model_parts.h"

enum { DAY_MS = 86400 * 1000 };

static bool is_of(const struct model *model, int sku, int sale)
{
    return model->shown[sku].version != 0 && model->shown[sku].terms.sale == sale;
}

bool is_leaving(const struct model *model, const struct carried *carried, bool by_its_sale)
{
    int sku = carried->was.sku, sale = carried->was.sale;
    if (carried->life != model->life[sku] ||
        (by_its_sale && carried->sale_life != model->sale_life[sale]))
        return true;
    return model->closing != 0 &&
           ((by_its_sale && model->closing == sale) || is_of(model, sku, model->closing));
}

void expect_removal(const struct model *model, const struct ask *ask, struct expect *expect)
{
    if (model->shown_sales[ask->sale].version == 0)
        expect->refusals = BIT(OUTCOME_NOT_FOUND);
    else if (model->resting_names > 0 && model->leaving == 0)
        return; /* looks whether what was removed before still rests */
    else if (model->leaving != ask->sale && (model->leaving != 0 || model->importing))
        expect->refusals = BIT(OUTCOME_VERSION_CONFLICT);
}

static bool is_final(const struct model *model, const struct sold_order *order)
{
    uint64_t late = model->policy.late_payment_seconds * UINT64_C(1000);
    if (order->status == ORDER_EXPIRED)
        return model->now.shelf_ms >= order->changed_shelf_ms + late;
    return !sold_is_open(order) && order->status != ORDER_REFUND_REQUIRED && order->refund_due == 0;
}

bool leaves_with_sale(const struct model *model, const struct sold_order *order)
{
    if (model->closing == 0 || !is_final(model, order) ||
        order->stream_seq > model->now.streamed_seq)
        return false;
    for (uint32_t i = 0; i < order->line_count; i++) {
        if (!is_of(model, order->lines[i].sku, model->closing))
            return false;
    }
    return true;
}

/* An order that has anything to do with the sale. */
static bool concerns(const struct model *model, const struct sold_order *order, int sale)
{
    for (uint32_t i = 0; i < order->line_count; i++) {
        if (order->lines[i].sale == sale || is_of(model, order->lines[i].sku, sale))
            return true;
    }
    return false;
}

static const char *sale_closes(struct model *model, struct record *record, int sale)
{
    int64_t ends = model->shown_sales[sale].terms.ends_wall_ms;
    if (model->leaving != 0 || model->importing)
        return "a sale closed beside another one, or an import";
    if (model->sales[sale].version != model->shown_sales[sale].version || ends == 0)
        return "a sale closed that has no end, or changes";
    for (int sku = 0; sku < (int)model->skus; sku++) {
        if (is_of(model, sku, sale) && model->shown[sku].terms.ends_wall_ms > ends)
            ends = model->shown[sku].terms.ends_wall_ms;
    }
    if (model->now.wall_ms < ends + DAY_MS)
        return "a sale closed before its end and a day";
    keep(model, 0, &model->leaving, sizeof(model->leaving));
    model->leaving = record->closes = sale;
    return NULL;
}

static const char *drop_line(struct model *model, uint32_t shard, int customer, int sku)
{
    struct buyer *buyer = &model->buyers[customer];
    const struct cart_line *line = line_of(model, customer, sku);
    if (line == NULL || line->state == LINE_HELD || !is_of(model, sku, model->closing))
        return "a sale took along a cart line that is not its own";
    keep(model, shard, buyer, sizeof(*buyer));
    touch_customer(model, customer);
    line_remove(model, shard, customer, sku);
    buyer->cart_version++;
    return NULL;
}

static bool still_counts(const struct model *model, int customer, int sku, int sale)
{
    const struct buyer *buyer = &model->buyers[customer];
    for (uint32_t slot = buyer->newest_order; slot != NO_SLOT;) {
        const struct sold_order *order = &model->orders[model->home[customer]][slot];
        for (uint32_t i = 0; i < order->line_count; i++) {
            if (order->lines[i].limit > 0 && order->lines[i].sku == sku &&
                order->lines[i].sale == sale && line_counts(order, &order->lines[i]) > 0)
                return true;
        }
        slot = order->older;
    }
    const struct cart_line *line = line_of(model, customer, sku);
    return line != NULL && line->state == LINE_HELD && line->limit > 0 && line->sale == sale;
}

static const char *drop_allowance(
    struct model *model, uint32_t shard, int customer, int sku, int sale, uint32_t quantity)
{
    struct buyer *buyer = &model->buyers[customer];
    if (sale != model->closing && !is_of(model, sku, model->closing))
        return "a sale took along an allowance that is not its own";
    if (allowance_of(model, customer, sku, sale) != quantity || quantity == 0)
        return "a sale took along another allowance than there is";
    if (still_counts(model, customer, sku, sale))
        return "an allowance went before the order or hold that it counts (Q1)";
    keep(model, shard, buyer, sizeof(*buyer));
    struct allowance_of *entry = allowance_kept(buyer, sku, sale);
    handed_returns(model, shard, entry, entry->handed);
    *entry = buyer->allowances[--buyer->allowance_count];
    buyer->left_shelf_ms = model->now.shelf_ms;
    model->used[shard].allowances--;
    return NULL;
}

static const char *drop_gone(struct model *model, uint32_t shard, int sku, uint32_t quantity)
{
    struct units *units = &model->units[sku];
    if (!is_of(model, sku, model->closing) || units->gone_sold[shard] != quantity)
        return "a sale took along other sold units than its own";
    keep(model, shard, &units->gone_sold[shard], sizeof(units->gone_sold[shard]));
    units->gone_sold[shard] = 0;
    units->bought -= quantity;
    record_move(model, shard, WAY_RESTOCK, sku, quantity);
    return NULL;
}

/* Nothing of it is left on this shard. */
static const char *part_is_gone(const struct model *model, uint32_t shard)
{
    int sale = model->closing;
    for (uint32_t slot = 1; slot <= model->capacity.orders; slot++) {
        const struct sold_order *order = &model->orders[shard][slot];
        if (order->used && concerns(model, order, sale))
            return "a sale left an order behind";
    }
    for (int customer = 0; customer < (int)model->customers; customer++) {
        const struct buyer *buyer = &model->buyers[customer];
        for (uint32_t i = 0; model->home[customer] == shard && i < buyer->line_count; i++) {
            if (is_of(model, buyer->lines[i].sku, sale))
                return "a sale left a cart line behind";
        }
        for (uint32_t i = 0; model->home[customer] == shard && i < buyer->allowance_count; i++) {
            if (buyer->allowances[i].sale == sale || is_of(model, buyer->allowances[i].sku, sale))
                return "a sale left an allowance behind";
        }
    }
    for (int sku = 0; sku < (int)model->skus; sku++) {
        if (is_of(model, sku, sale) && model->units[sku].gone_sold[shard] != 0)
            return "a sale left sold units behind";
    }
    return NULL;
}

static const char *part_goes(
    struct model *model, uint32_t shard, struct record *record, const struct seen *seen)
{
    const char *wrong = NULL;
    if (model->closing == 0 || seen->sale != model->closing)
        return "a part of a sale went that is not closing";
    if (model->part_gone[shard])
        return "a shard's part of a sale went twice";
    if (seen->part == PART_ALL) {
        keep(model, shard, &model->part_gone[shard], sizeof(model->part_gone[shard]));
        model->part_gone[shard] = true;
        record->ends_part = true;
        return part_is_gone(model, shard);
    }
    for (uint32_t i = 0; wrong == NULL && i < seen->part_count; i++) {
        int customer = seen->parts[i].customer, sku = seen->parts[i].sku;
        if (seen->part == PART_CART_LINES)
            wrong = drop_line(model, shard, customer, sku);
        else if (seen->part == PART_ALLOWANCES)
            wrong = drop_allowance(
                model, shard, customer, sku, seen->parts[i].sale, seen->parts[i].quantity);
        else
            wrong = drop_gone(model, shard, sku, seen->parts[i].quantity);
    }
    return wrong;
}

/* Keys of stock changes stay until their time; no later SKU of that name has them. */
static void orphan_keys(struct model *model, int sku)
{
    uint32_t slot = model->products[sku].first_key;
    while (slot != NO_SLOT) {
        struct used_key *key = &model->keys[0][slot];
        uint32_t next = key->next;
        keep(model, 0, key, sizeof(*key));
        key->orphaned = true;
        key->next = model->orphan_keys;
        model->orphan_keys = slot;
        slot = next;
    }
}

static const char *sale_goes(struct model *model, struct record *record, int sale)
{
    if (sale != model->leaving || sale != model->closing || model->resting_names > 0)
        return "a sale was removed that had not closed";
    if (model->parts_gone != (1u << model->shards) - 1)
        return "a sale was removed before every shard's part";
    keep(model, 0, &model->resting_names, sizeof(model->resting_names));
    keep(model, 0, &model->resting_products, sizeof(model->resting_products));
    keep(model, 0, &model->orphan_keys, sizeof(model->orphan_keys));
    keep(model, 0, model->sales, sizeof(model->sales));
    for (int sku = 0; sku < (int)model->skus; sku++) {
        if (!is_of(model, sku, sale))
            continue;
        keep(model, 0, &model->products[sku], sizeof(model->products[sku]));
        orphan_keys(model, sku);
        model->products[sku] = (struct product){0};
        model->resting_products++;
    }
    model->sales[sale] = (struct sale_of){0};
    model->resting_names = 1;
    record->removes = sale;
    return NULL;
}

const char *observe_removal(
    struct model *model, uint32_t shard, struct record *record, const struct seen *seen)
{
    if (seen->kind == EVENT_SALE_PART_REMOVED)
        return part_goes(model, shard, record, seen);
    if (shard != 0)
        return "a sale is removed by another shard than the first";
    if (seen->kind == EVENT_SALE_CLOSING)
        return sale_closes(model, record, seen->sale);
    return sale_goes(model, record, seen->sale);
}

static void removed(struct model *model, int sale)
{
    for (int sku = 0; sku < (int)model->skus; sku++) {
        if (!is_of(model, sku, sale))
            continue;
        CHECK(model_numbers(model, sku).sold == 0);
        model->shown[sku] = (struct shown){0};
        model->units[sku] = (struct units){0};
        model->stopped_skus[sku] = (struct stopped){0};
        model->life[sku]++;
        touch_sku(model, sku);
    }
    model->shown_sales[sale] = (struct sale_of){0};
    model->sale_told[sale] = SALE_SILENT;
    model->sale_life[sale]++;
    model->stopped_sales[sale] = (struct stopped){0};
    model->leaving = model->closing = 0;
    model->parts_gone = 0;
}

void settle_removal(struct model *model, const struct record *record, uint32_t shard)
{
    if (record->closes != 0) {
        model->closing = record->closes;
        model->parts_gone = 0;
        memset(model->part_gone, 0, sizeof(model->part_gone));
        for (int sku = 0; sku < (int)model->skus; sku++) {
            if (is_of(model, sku, model->closing))
                model->shown[sku].visible = false;
        }
    }
    if (record->ends_part)
        model->parts_gone |= 1u << shard;
    if (record->removes != 0)
        removed(model, record->removes);
}

void model_rested(struct model *model)
{
    model->resting_products = model->resting_names = 0;
}

/* A product's own end stands over its sale's (L9), and the wall clock may have been set back. */
uint64_t model_leaves_in(const struct model *model, int sale, int64_t wall_ms)
{
    int64_t last_ms = 0, day_ms = 25 * 3600 * 1000;
    for (int sku = 0; sku < (int)model->skus; sku++) {
        const struct terms *terms = &model->shown[sku].terms;
        if (terms->sale == sale && terms->ends_wall_ms > last_ms)
            last_ms = terms->ends_wall_ms;
    }
    return last_ms + day_ms > wall_ms ? (uint64_t)(last_ms + day_ms - wall_ms) : 0;
}

const char *model_sale_stays(const struct model *model, int sale)
{
    for (uint32_t shard = 0; shard < model->shards; shard++) {
        for (uint32_t slot = 1; slot <= model->capacity.orders; slot++) {
            const struct sold_order *order = &model->orders[shard][slot];
            if (order->used && concerns(model, order, sale))
                return NULL;
        }
    }
    return "a sale is over, nothing keeps it, and it does not leave";
}

const char *model_limits_stay(const struct model *model, int sale)
{
    for (uint32_t customer = 0; customer < model->customers; customer++) {
        const struct buyer *buyer = &model->buyers[customer];
        for (uint32_t i = 0; i < buyer->allowance_count; i++) {
            const struct allowance_of *allowance = &buyer->allowances[i];
            const struct terms *terms = &model->shown[allowance->sku].terms;
            bool own_end = terms->sale == sale && terms->ends_wall_ms != 0;
            if (allowance->sale == sale && !own_end && allowance->used == allowance->gone)
                return "a limit counts for an order that is forgotten, in a sale that is over (Q1)";
        }
    }
    return NULL;
}
