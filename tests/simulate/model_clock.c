/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the clock does, and when it may: L2, L3, Q4, and what is kept how long. And
 * the proof that the model agrees with itself and nothing is overdue.
 */
#include <stdlib.h>

#include "tests/simulate/model_parts.h"

static const char *observe_hold(struct model *model, uint32_t shard, const struct seen *seen)
{
    struct cart_line *line = line_of(model, seen->customer, seen->sku);
    if (line == NULL || line->state != LINE_HELD)
        return "a hold that is not alive expired";
    struct killing *killing = killing_of_line(model, shard, line->sku, line->sale);
    if (killing == NULL && line->deadline_shelf_ms > model->now.shelf_ms)
        return "a hold expired before its deadline";
    if (killing == NULL)
        model->observed_deadline_shelf_ms = line->deadline_shelf_ms;
    killer_change(model, shard);
    if (killing != NULL)
        killing->released += line->quantity;
    struct buyer *buyer = buyer_change(model, shard, seen->customer);
    line->state = LINE_EXPIRED;
    line->deadline_shelf_ms = 0;
    buyer->cart_version++;
    model->units[line->sku].live -= line->quantity;
    record_move(model, shard, WAY_FREE, line->sku, line->quantity);
    allowance_less(
        model, shard, seen->customer, line->sku, line->sale, line->limit, line->quantity);
    return NULL;
}

static uint32_t find_order(const struct model *model, uint32_t shard, const uint8_t id[16])
{
    for (uint32_t slot = 1; slot <= model->capacity.orders; slot++) {
        if (model->orders[shard][slot].used && memcmp(model->orders[shard][slot].id, id, 16) == 0)
            return slot;
    }
    return NO_SLOT;
}

static const char *dead_order(
    const struct model *model, const struct sold_order *order, bool killed)
{
    if (killed)
        return sold_is_open(order) ? NULL : "a kill cancelled an order that was not open (W5)";
    if (order->status != ORDER_REVIEW)
        return "the clock cancelled an order that is not in review";
    return order->due_shelf_ms > model->now.shelf_ms ? "a review ended before its time" : NULL;
}

/* No decision by now is a decline (P11); or a kill has reached the order (W5). */
static const char *observe_closed(struct model *model, uint32_t shard, const struct seen *seen)
{
    uint32_t slot = find_order(model, shard, seen->order_id);
    if (slot == NO_SLOT)
        return "the clock cancelled an order that is not kept";
    struct sold_order *order = order_change(model, shard, slot);
    struct killing *killing = killing_of_order(model, shard, order);
    const char *wrong = dead_order(model, order, killing != NULL);
    if (wrong != NULL)
        return wrong;
    killer_change(model, shard);
    for (uint32_t i = 0; killing != NULL && i < order->line_count; i++)
        killing->released += order->lines[i].quantity;
    if (killing != NULL)
        killing->cancelled++;
    else
        model->observed_deadline_shelf_ms = order->due_shelf_ms;
    order_closes(model, shard, order);
    if (killing == NULL)
        order->review_decision = RISK_DECLINE;
    order->version++;
    order->changed_shelf_ms = model->now.shelf_ms;
    order->stream_seq = seen->stream_seq;
    return seen->kind == model->happened ? NULL : "an open order ended with another event";
}

static const char *observe_expired(struct model *model, uint32_t shard, const struct seen *seen)
{
    uint32_t slot = find_order(model, shard, seen->order_id);
    if (slot == NO_SLOT || model->orders[shard][slot].status != ORDER_PENDING_PAYMENT)
        return "an order that waits for no payment expired";
    if (killing_of_order(model, shard, &model->orders[shard][slot]) != NULL)
        return "an order expired that a kill had reached (W5)";
    if (model->orders[shard][slot].due_shelf_ms > model->now.shelf_ms)
        return "an order expired before its payment was due";
    model->observed_deadline_shelf_ms = model->orders[shard][slot].due_shelf_ms;
    struct sold_order *order = order_change(model, shard, slot);
    buyer_change(model, shard, order->customer)->open_orders--;
    order_units_leave(model, shard, order, WAY_FREE);
    order->status = ORDER_EXPIRED;
    order->version++;
    order->changed_shelf_ms = model->now.shelf_ms;
    order->stream_seq = seen->stream_seq;
    return NULL;
}

/* When an order may be forgotten; UINT64_MAX while it is not final. */
static uint64_t forget_order_at(const struct model *model, const struct sold_order *order)
{
    uint64_t kept = model->policy.order_keep_seconds * UINT64_C(1000);
    uint64_t late = model->policy.late_payment_seconds * UINT64_C(1000);
    if (sold_is_open(order) || order->refund_due > 0 || order->status == ORDER_REFUND_REQUIRED)
        return UINT64_MAX;
    uint64_t at = order->changed_shelf_ms + (order->status == ORDER_EXPIRED ? late : kept);
    return at > order->keep_shelf_ms ? at : order->keep_shelf_ms + 1;
}

static bool key_leads_to(const struct model *model, uint32_t shard, uint32_t first, uint32_t order)
{
    for (uint32_t slot = first; slot != NO_SLOT; slot = model->keys[shard][slot].next) {
        if (model->keys[shard][slot].order == order)
            return true;
    }
    return false;
}

static uint32_t order_blocks(const struct sold_order *order)
{
    return blocks_of(order->reference_size) + blocks_of(order->adjustment_size) +
           blocks_of(order->born_adjustment_size) + blocks_of(16 * order->identity_count) +
           (order->provider_kept != 0) + (order->payment_kept != 0);
}

static void order_leaves(struct model *model, uint32_t shard, struct record *record, uint32_t slot)
{
    struct sold_order *order = order_change(model, shard, slot);
    struct buyer *buyer = &model->buyers[order->customer];
    keep(model, shard, buyer, sizeof(*buyer));
    buyer->left_shelf_ms = model->now.shelf_ms;
    uint32_t *link = &buyer->newest_order;
    while (*link != slot)
        link = &model->orders[shard][*link].older;
    if (link != &buyer->newest_order)
        keep(model, shard, link, sizeof(*link));
    *link = order->older;
    for (uint32_t i = 0; order->confirmed_wall_ms != 0 && i < order->line_count; i++) {
        const struct sold_line *line = &order->lines[i];
        uint32_t *gone = &model->units[line->sku].gone_sold[shard];
        keep(model, shard, gone, sizeof(*gone));
        *gone += line->quantity - line->restocked;
        record_uncount(model, shard, order, line, line_counts(order, line));
        for (uint32_t j = 0; line->limit > 0 && j < buyer->allowance_count; j++) {
            if (buyer->allowances[j].sku == line->sku && buyer->allowances[j].sale == line->sale)
                buyer->allowances[j].gone += line->quantity - line->cancelled;
        }
    }
    for (uint32_t i = 0; i < order->payment_count; i++) {
        if (order->payments[i].results != 1u << RESULT_REFUNDED)
            record->drops[record->drop_count++] = order->payments[i].payment;
    }
    struct used *used = &model->used[shard];
    used->orders--;
    used->lines -= order->line_count;
    used->blocks -= order_blocks(order);
    *order = (struct sold_order){0};
}

static const char *observe_forgotten(
    struct model *model, uint32_t shard, struct record *record, const struct seen *seen)
{
    uint32_t slot = find_order(model, shard, seen->order_id);
    if (slot == NO_SLOT)
        return "an order was forgotten twice";
    const struct sold_order *order = &model->orders[shard][slot];
    if (forget_order_at(model, order) > model->now.shelf_ms && !leaves_with_sale(model, order))
        return "an order was forgotten that is not final, or not long enough";
    if (order->stream_seq > model->now.streamed_seq)
        return "an order was forgotten before it was streamed";
    if (order->first_key != NO_SLOT ||
        key_leads_to(model, shard, model->buyers[order->customer].first_key, slot))
        return "an order was forgotten before its keys";
    order_leaves(model, shard, record, slot);
    return NULL;
}

static uint32_t *keys_of(struct model *model, uint32_t shard, const struct used_key *key)
{
    if (key->ask.kind == COMMAND_CHECKOUT)
        return &model->buyers[key->ask.customer].first_key;
    if (key->ask.kind == COMMAND_CANCEL)
        return &model->orders[shard][key->order].first_key;
    if (key->ask.kind == COMMAND_CART_MERGE)
        return &model->merge_keys[shard];
    return key->orphaned ? &model->orphan_keys : &model->products[key->ask.sku].first_key;
}

static bool may_forget_key(const struct model *model, uint32_t shard, const struct used_key *key)
{
    return key->keep_shelf_ms <= model->now.shelf_ms ||
           (key->order != NO_SLOT && leaves_with_sale(model, &model->orders[shard][key->order]));
}

static const char *forget_key(struct model *model, uint32_t shard, const struct hash128 *hash)
{
    uint32_t slot = 1;
    while (slot <= model->capacity.idempotency_keys &&
           !(model->keys[shard][slot].used &&
               memcmp(&model->keys[shard][slot].hash, hash, sizeof(*hash)) == 0))
        slot++;
    if (slot > model->capacity.idempotency_keys)
        return "a key was forgotten twice";
    struct used_key *key = &model->keys[shard][slot];
    if (!may_forget_key(model, shard, key))
        return "a key was forgotten too early (I6)";
    uint32_t *link = keys_of(model, shard, key);
    while (*link != slot)
        link = &model->keys[shard][*link].next;
    if (key->order != NO_SLOT && model->orders[shard][key->order].used)
        order_change(model, shard, key->order)->keyed_until_shelf_ms = model->now.shelf_ms;
    keep(model, shard, link, sizeof(*link));
    keep(model, shard, key, sizeof(*key));
    *link = key->next;
    *key = (struct used_key){0};
    model->used[shard].keys--;
    return NULL;
}

static const char *observe_keys(struct model *model, uint32_t shard, const struct seen *seen)
{
    const char *wrong = NULL;
    for (uint32_t i = 0; wrong == NULL && i < seen->key_count; i++)
        wrong = forget_key(model, shard, &seen->keys[i]);
    return wrong;
}

static bool is_idle(const struct buyer *buyer)
{
    for (uint32_t i = 0; i < buyer->line_count; i++) {
        if (buyer->lines[i].state == LINE_HELD)
            return false;
    }
    return buyer->newest_order == NO_SLOT && buyer->allowance_count == 0 &&
           buyer->first_key == NO_SLOT;
}

static const char *observe_customer(struct model *model, uint32_t shard, const struct seen *seen)
{
    struct buyer *buyer = &model->buyers[seen->customer];
    uint64_t pause = model->policy.cart_idle_seconds * UINT64_C(1000);
    if (!buyer->known)
        return "a customer was forgotten twice";
    if (!is_idle(buyer) || buyer->touched_shelf_ms + pause > model->now.shelf_ms)
        return "a customer was forgotten who has something left";
    keep(model, shard, buyer, sizeof(*buyer));
    model->used[shard].customers--;
    model->used[shard].holds -= buyer->line_count;
    model->used[shard].blocks -= blocks_of(customer_text_size(seen->customer));
    *buyer = (struct buyer){0};
    return NULL;
}

/* A day after the end of what it counts in, and when all of it is of orders that are forgotten. */
static const char *observe_allowance(struct model *model, uint32_t shard, const struct seen *seen)
{
    struct buyer *buyer = &model->buyers[seen->customer];
    struct allowance_of *allowance = allowance_kept(buyer, seen->sku, seen->sale);
    const struct terms *terms = &model->shown[seen->sku].terms;
    int64_t ends = seen->sale == 0 ? 0 : model->shown_sales[seen->sale].terms.ends_wall_ms;
    if (terms->sale == seen->sale && terms->ends_wall_ms != 0)
        ends = terms->ends_wall_ms;
    if (allowance == NULL || allowance->used != allowance->gone)
        return "an allowance was forgotten that is still needed (Q1)";
    if (ends == 0 || ends + 86400 * 1000 > model->now.wall_ms)
        return "an allowance was forgotten before its sale was over for a day (Q1)";
    keep(model, shard, buyer, sizeof(*buyer));
    handed_returns(model, shard, allowance, allowance->handed);
    *allowance = buyer->allowances[--buyer->allowance_count];
    model->used[shard].allowances--;
    return NULL;
}

const char *model_observe(struct model *model, uint32_t shard, const struct seen *seen)
{
    struct record *record = record_begin(model, shard);
    model->observed_deadline_shelf_ms = 0;
    if (seen->kind == EVENT_HOLD_EXPIRED)
        return observe_hold(model, shard, seen);
    if (seen->kind == EVENT_ORDER_EXPIRED)
        return observe_expired(model, shard, seen);
    if (seen->kind == EVENT_ORDER_CANCELLED || seen->kind == EVENT_ORDER_REFUND_REQUIRED)
        return observe_closed(model, shard, seen);
    if (seen->kind == EVENT_KILL_BEGUN || seen->kind == EVENT_KILL_ENDED)
        return observe_kill(model, shard, record, seen);
    if (seen->kind == EVENT_SALE_OPENED || seen->kind == EVENT_SALE_CLOSED)
        return shard == 0 ? observe_window(model, seen) : "a window turned on another shard";
    if (seen->kind == EVENT_ORDERS_FORGOTTEN)
        return observe_forgotten(model, shard, record, seen);
    if (seen->kind == EVENT_KEYS_FORGOTTEN)
        return observe_keys(model, shard, seen);
    if (seen->kind == EVENT_CUSTOMER_FORGOTTEN)
        return observe_customer(model, shard, seen);
    if (seen->kind == EVENT_ALLOWANCES_FORGOTTEN)
        return observe_allowance(model, shard, seen);
    if (seen->kind == EVENT_SALE_CLOSING || seen->kind == EVENT_SALE_PART_REMOVED ||
        seen->kind == EVENT_SALE_REMOVED)
        return observe_removal(model, shard, record, seen);
    return "the clock does nothing of this kind";
}

/* Sums over the lists, beside the running ones. */
struct counted {
    uint32_t live[SKUS_AT_MOST], bought[SKUS_AT_MOST];
    struct used used[SHARDS_AT_MOST];
    uint32_t claims;
};

static const char *count_customer(const struct model *model, int customer, struct counted *counted)
{
    const struct buyer *buyer = &model->buyers[customer];
    struct used *used = &counted->used[model->home[customer]];
    uint64_t now = model->now.shelf_ms, pause = model->policy.cart_idle_seconds * UINT64_C(1000);
    if (!buyer->known)
        return buyer->line_count > 0 ? "an unknown customer has a cart" : NULL;
    used->customers++;
    used->holds += buyer->line_count;
    used->allowances += buyer->allowance_count;
    used->blocks += blocks_of(customer_text_size(customer));
    for (uint32_t i = 0; i < buyer->line_count; i++) {
        const struct cart_line *line = &buyer->lines[i];
        if (line->state != LINE_HELD)
            continue;
        counted->live[line->sku] += line->quantity;
        if (line->deadline_shelf_ms <= now)
            return "a hold outlives its deadline (L2)";
    }
    uint64_t since = buyer->touched_shelf_ms > buyer->left_shelf_ms ? buyer->touched_shelf_ms
                                                                    : buyer->left_shelf_ms;
    if (since < model->kept_since_shelf_ms)
        since = model->kept_since_shelf_ms;
    return is_idle(buyer) && since + 2 * pause < now ? "an idle customer is never forgotten" : NULL;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static const char *count_order(const struct model *model, uint32_t shard,
    const struct sold_order *order, struct counted *counted)
{
    struct used *used = &counted->used[shard];
    uint64_t now = model->now.shelf_ms;
    used->orders++;
    used->lines += order->line_count;
    used->blocks += order_blocks(order);
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct sold_line *line = &order->lines[i];
        if (sold_is_open(order))
            counted->live[line->sku] += line->quantity - line->cancelled;
        if (order->confirmed_wall_ms != 0)
            counted->bought[line->sku] += line->quantity - line->restocked;
        for (uint32_t j = 0; line->limit > 0 && j < order->identity_count; j++)
            model->recounted[order->identities[j]][line->sku][line->sale] +=
                line_counts(order, line);
    }
    for (uint32_t i = 0; i < order->payment_count; i++) {
        const struct paying *paying = &order->payments[i];
        if (paying->results == 1u << RESULT_REFUNDED)
            continue;
        counted->claims++;
        if (memcmp(model->claims[paying->payment].order_id, order->id, 16) != 0)
            return "a payment id belongs to two orders (P4)";
    }
    if (sold_is_open(order) && order->due_shelf_ms <= now)
        return "an unpaid order outlives its deadline (L3)";
    uint64_t forget = forget_order_at(model, order);
    uint64_t since = later(model->streamed_since_shelf_ms, model->kept_since_shelf_ms);
    since = later(since, order->keyed_until_shelf_ms) + 1000; /* it is looked at each second */
    return forget < now && since < now ? "an order is kept too long" : NULL;
}

/* Q1: what is used is what holds and orders have, and forgotten orders had. */
static const char *count_allowances(const struct model *model, int customer)
{
    const struct buyer *buyer = &model->buyers[customer];
    for (uint32_t i = 0; i < buyer->allowance_count; i++) {
        const struct allowance_of *allowance = &buyer->allowances[i];
        uint32_t sum = allowance->gone;
        model->recounted[IDENTITIES + allowance->handed_to][allowance->sku][allowance->sale] +=
            allowance->handed;
        for (uint32_t j = 0; j < buyer->line_count; j++) {
            const struct cart_line *line = &buyer->lines[j];
            if (line->state == LINE_HELD && line->limit > 0 && line->sku == allowance->sku &&
                line->sale == allowance->sale)
                sum += line->quantity;
        }
        for (uint32_t slot = buyer->newest_order; slot != NO_SLOT;) {
            const struct sold_order *order = &model->orders[model->home[customer]][slot];
            for (uint32_t j = 0; j < order->line_count; j++) {
                const struct sold_line *line = &order->lines[j];
                if (line->limit == 0 || line->sku != allowance->sku ||
                    line->sale != allowance->sale)
                    continue;
                if (order->confirmed_wall_ms != 0 || sold_is_open(order))
                    sum += line->quantity - line->cancelled;
            }
            slot = order->older;
        }
        if (sum != allowance->used)
            return "an allowance is not what its customer holds and bought (Q1)";
    }
    return NULL;
}

static const char *compare_sums(const struct model *model, const struct counted *counted)
{
    for (uint32_t sku = 0; sku < model->skus; sku++) {
        const struct units *units = &model->units[sku];
        uint32_t gone = 0;
        for (uint32_t shard = 0; shard < model->shards; shard++)
            gone += units->gone_sold[shard];
        if (units->live != counted->live[sku] || units->bought != counted->bought[sku] + gone)
            return "units are not where carts and orders say (V2)";
    }
    for (uint32_t shard = 0; shard < model->shards; shard++) {
        if (memcmp(&model->used[shard], &counted->used[shard], sizeof(struct used)) != 0)
            return "a table is not as full as its entries say";
    }
    const uint32_t *kept = &model->recounted[0][0][0], *leaving = &model->uncounted[0][0][0];
    const uint32_t *words = &model->counted[0][0][0];
    for (size_t i = 0; i < counters_size(model) / sizeof(*words); i++) {
        if (kept[i] + leaving[i] != words[i])
            return "an identity has not what the orders say (Q5), or a customer his guests' (C4)";
    }
    return counted->claims > model->claims_taken ? "a payment id is claimed by nobody" : NULL;
}

const char *model_recount(const struct model *model)
{
    struct counted counted = {0};
    const char *wrong = NULL;
    memset(model->recounted, 0, counters_size(model));
    for (uint32_t i = 0; wrong == NULL && i < model->customers; i++) {
        wrong = count_customer(model, (int)i, &counted);
        if (wrong == NULL)
            wrong = count_allowances(model, (int)i);
    }
    for (uint32_t shard = 0; shard < model->shards; shard++) {
        for (uint32_t slot = 1; wrong == NULL && slot <= model->capacity.orders; slot++) {
            if (model->orders[shard][slot].used)
                wrong = count_order(model, shard, &model->orders[shard][slot], &counted);
        }
        for (uint32_t slot = 1; slot <= model->capacity.idempotency_keys; slot++)
            counted.used[shard].keys += model->keys[shard][slot].used;
        for (uint32_t slot = 1; wrong == NULL && slot <= model->capacity.idempotency_keys; slot++) {
            const struct used_key *key = &model->keys[shard][slot];
            if (key->used && key->keep_shelf_ms <= model->now.shelf_ms &&
                model->kept_since_shelf_ms + 1000 < model->now.shelf_ms)
                wrong = "a key is kept too long";
        }
    }
    return wrong != NULL ? wrong : compare_sums(model, &counted);
}
