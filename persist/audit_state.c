/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "core/check.h"
#include "persist/audit_parts.h"
#include "persist/fatal.h"

static const char *violation_name(enum audit_violation violation)
{
    static const char *const names[AUDIT_VIOLATIONS] = {
        "oversold", "stranded", "lost", "duplicated", "gap", "different"};
    return names[violation];
}

void audit_find(
    struct audit_findings *findings, enum audit_violation violation, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(findings->out, "%s: ", violation_name(violation));
    vfprintf(findings->out, format, arguments);
    fputc('\n', findings->out);
    va_end(arguments);
    findings->counts[violation]++;
}

void audit_model_init(struct audit_model *model, struct audit_findings *findings)
{
    *model = (struct audit_model){.findings = findings};
    for (uint32_t i = 0; i < SHARDS_MAX; i++)
        model->shards[i].position = UINT64_MAX;
}

void audit_model_free(struct audit_model *model)
{
    for (uint32_t i = 0; i < model->order_count; i++)
        free(model->orders[i].lines);
    free(model->skus);
    free(model->orders);
    free(model->holds);
    free(model->gone);
    free(model->keys);
    audit_index_free(&model->order_index);
    audit_index_free(&model->hold_index);
    audit_index_free(&model->gone_index);
    audit_index_free(&model->key_index);
    audit_index_free(&model->hash_index);
}

struct audit_shard *audit_here(struct audit_model *model)
{
    return &model->shards[model->shard];
}

struct hash128 audit_hash(const void *data, size_t size, uint64_t seed)
{
    XXH128_hash_t hash = XXH3_128bits_withSeed(data, size, seed);
    return (struct hash128){hash.low64, hash.high64};
}

const char *audit_id(char text[JSON_UUID_SIZE + 1], const uint8_t id[16])
{
    json_format_uuid(text, id);
    text[JSON_UUID_SIZE] = 0;
    return text;
}

struct audit_sku *audit_sku_at(struct audit_model *model, uint32_t number)
{
    while (model->sku_count <= number) {
        model->skus = audit_grow(model->skus, model->sku_count, sizeof(*model->skus));
        /* So that a finding names one that no product has. */
        (void)snprintf(
            model->skus[model->sku_count].name, SKU_SIZE_MAX, "number %u", model->sku_count);
        model->sku_count++;
    }
    return &model->skus[number];
}

bool audit_sku_is_removed(const struct audit_model *model, const struct audit_sku *sku)
{
    return !sku->known && sku - model->skus < model->sku_next;
}

static struct hash128 hold_key(struct bytes customer, uint32_t sku_number)
{
    return audit_hash(customer.data, customer.size, 1 + (uint64_t)sku_number);
}

struct audit_hold *audit_hold_find(
    struct audit_model *model, struct bytes customer, uint32_t sku_number)
{
    uint32_t number = audit_index_find(&model->hold_index, hold_key(customer, sku_number));
    return number == AUDIT_NONE ? NULL : &model->holds[number];
}

void audit_hold_set(
    struct audit_model *model, struct bytes customer, uint32_t sku_number, uint64_t units)
{
    struct audit_hold *hold = audit_hold_find(model, customer, sku_number);
    if (hold == NULL) {
        model->holds = audit_grow(model->holds, model->hold_count, sizeof(*model->holds));
        audit_index_add(&model->hold_index, hold_key(customer, sku_number), model->hold_count);
        hold = &model->holds[model->hold_count++];
        hold->sku_number = sku_number;
        hold->shard = (uint16_t)model->shard;
    }
    audit_sku_at(model, sku_number)->held_by_state += (int64_t)units - (int64_t)hold->units;
    hold->units = units;
    hold->walk = audit_here(model)->walk;
}

struct audit_gone *audit_gone_of(struct audit_model *model, uint32_t sku_number, bool *added)
{
    const struct hash128 key = {sku_number, model->shard};
    uint32_t number = audit_index_find(&model->gone_index, key);
    *added = number == AUDIT_NONE;
    if (number == AUDIT_NONE) {
        model->gone = audit_grow(model->gone, model->gone_count, sizeof(*model->gone));
        number = model->gone_count++;
        audit_index_add(&model->gone_index, key, number);
        model->gone[number].sku_number = sku_number;
        model->gone[number].shard = (uint16_t)model->shard;
    }
    model->gone[number].walk = audit_here(model)->walk;
    return &model->gone[number];
}

uint32_t audit_key_add(struct audit_model *model, uint64_t keep_shelf_ms, uint32_t order)
{
    model->keys = audit_grow(model->keys, model->key_count, sizeof(*model->keys));
    model->keys[model->key_count] = (struct audit_key){.keep_shelf_ms = keep_shelf_ms,
        .walk = audit_here(model)->walk,
        .order = order,
        .shard = (uint16_t)model->shard};
    return model->key_count++;
}

struct audit_order *audit_model_order(struct audit_model *model, const uint8_t id[16])
{
    uint32_t number = audit_index_find(&model->order_index, audit_hash(id, 16, 0));
    return number == AUDIT_NONE ? NULL : &model->orders[number];
}

struct audit_order *audit_order_add(struct audit_model *model, const struct event *event)
{
    model->orders = audit_grow(model->orders, model->order_count, sizeof(*model->orders));
    struct audit_order *order = &model->orders[model->order_count];
    audit_index_add(
        &model->order_index, audit_hash(event->fact.order.id, 16, 0), model->order_count++);
    *order = (struct audit_order){.shard = (uint16_t)model->shard, .line_count = event->line_count};
    memcpy(order->id, event->fact.order.id, sizeof(order->id));
    order->lines = calloc(event->line_count, sizeof(*order->lines));
    if (order->lines == NULL)
        fatal("out of memory for %u lines", event->line_count);
    return order;
}

bool audit_order_is_open(uint8_t status)
{
    return status == ORDER_PENDING_PAYMENT || status == ORDER_REVIEW;
}

void audit_order_count(struct audit_model *model, const struct audit_order *order, int64_t sign)
{
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct audit_line *line = &order->lines[i];
        struct audit_sku *sku = audit_sku_at(model, line->sku_number);
        if (audit_order_is_open(order->status))
            sku->held_by_state += sign * (int64_t)line->quantity;
        else if (order->sold)
            sku->sold_by_state += sign * ((int64_t)line->quantity - (int64_t)line->restocked);
    }
}

static XXH3_state_t *hash_begin(void)
{
    XXH3_state_t *state = XXH3_createState();
    if (state == NULL)
        fatal("out of memory for a hash");
    XXH3_64bits_reset(state);
    return state;
}

static uint64_t hash_end(XXH3_state_t *state)
{
    uint64_t hash = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    return hash;
}

/* The same text as audit_postgres.c asks of PostgreSQL. SKUs are compared by their names. */
static uint64_t hash_lines(const struct event *event)
{
    XXH3_state_t *state = hash_begin();
    for (uint32_t i = 0; i < event->line_count; i++) {
        const struct event_line *line = &event->lines[i];
        char text[96];
        int size = snprintf(text, sizeof(text), "%u %u %u %u %lld;", i + 1, line->quantity,
            line->cancelled, line->restocked, (long long)line->unit_price);
        XXH3_64bits_update(state, text, (size_t)size);
    }
    return hash_end(state);
}

/* Without what is of one event only, and without what an order may drop for want of room. */
static struct fact_order terms_of(const struct fact_order *fact)
{
    struct fact_order terms = {
        .items_total = fact->items_total,
        .total = fact->total,
        .paid = fact->paid,
        .refund_due = fact->refund_due,
        .payment_due_shelf_ms = fact->payment_due_shelf_ms,
        .born_due_shelf_ms = fact->born_due_shelf_ms,
        .now_shelf_ms = fact->now_shelf_ms,
        .created_wall_ms = fact->created_wall_ms,
        .confirmed_wall_ms = fact->confirmed_wall_ms,
        .paid_wall_ms = fact->paid_wall_ms,
        .cancel_until_wall_ms = fact->cancel_until_wall_ms,
        .version = fact->version,
        .status = fact->status,
        .status_born = fact->status_born,
        .mode = fact->mode,
        .reclaimed = fact->reclaimed,
        .adjusted = fact->adjusted,
        .extended = fact->extended,
        .review_decision = fact->review_decision,
        .payment_seconds = fact->payment_seconds,
        .created_shelf_ms = fact->created_shelf_ms,
        .born_total = fact->born_total,
    };
    memcpy(terms.currency, fact->currency, sizeof(terms.currency));
    return terms;
}

uint64_t audit_terms_hash(const struct event *event)
{
    static const enum event_text texts[] = {TEXT_CUSTOMER, TEXT_REFERENCES, TEXT_ADJUSTMENTS};
    XXH3_state_t *state = hash_begin();
    const struct fact_order terms = terms_of(&event->fact.order);
    XXH3_64bits_update(state, &terms, sizeof(terms));
    for (uint32_t i = 0; i < event->line_count; i++) {
        struct event_line line = event->lines[i];
        line.moved = line.from_hold = line.uncounted = 0;
        XXH3_64bits_update(state, &line, sizeof(line));
    }
    for (uint32_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct bytes text = event->text[texts[i]];
        XXH3_64bits_update(state, &text.size, sizeof(text.size));
        XXH3_64bits_update(state, text.data, text.size);
    }
    return hash_end(state);
}

void audit_order_write(struct audit_model *model, struct audit_order *order,
    const struct event *event, uint64_t stream_seq)
{
    const struct fact_order *fact = &event->fact.order;
    audit_order_count(model, order, -1);
    order->status = fact->status;
    order->version = fact->version;
    order->sold = fact->confirmed_wall_ms != 0;
    for (uint32_t i = 0; i < order->line_count && i < event->line_count; i++) {
        order->lines[i] = (struct audit_line){
            event->lines[i].sku_number, event->lines[i].quantity, event->lines[i].restocked};
    }
    audit_order_count(model, order, 1);
    order->walk = audit_here(model)->walk;
    order->stream_seq = stream_seq;
    order->terms_hash = audit_terms_hash(event);
    uint64_t position = audit_here(model)->position;
    if (position != UINT64_MAX && stream_seq <= position)
        order->streamed =
            (struct audit_row){fact->version, fact->status, fact->total, hash_lines(event)};
}
