/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In the walk that a shard begins with, an image of what nobody has named yet is where both counts
 * begin. Any other image must be what is known, and at the end of a later walk everything that
 * lives has been named since its beginning: by an image, or by what has happened to it.
 */
#include <inttypes.h>
#include <string.h>

#include "core/check.h"
#include "core/tables.h"
#include "persist/audit_parts.h"

static void find_order(struct audit_model *model, enum audit_violation violation,
    const uint8_t id[16], const char *what)
{
    char text[JSON_UUID_SIZE + 1];
    audit_find(model->findings, violation, "order %s: %s", audit_id(text, id), what);
}

void audit_walk_begun(struct audit_model *model, const struct event *event)
{
    struct audit_shard *here = audit_here(model);
    const struct fact_walk *fact = &event->fact.walk;
    here->is_base = !here->begun;
    if (here->is_base) {
        here->seq = here->base_seq = fact->stream_seq;
        model->sku_next = model->shard == 0 ? fact->sku_next : model->sku_next;
        model->leaving = model->shard == 0 ? fact->leaving : model->leaving;
    } else if (fact->stream_seq != here->seq) {
        audit_find(model->findings, AUDIT_GAPS,
            "shard %u: walk %" PRIu64 " begins after stream number %" PRIu64 ", not %" PRIu64,
            model->shard, fact->number, fact->stream_seq, here->seq);
    }
    here->walk = fact->number;
    here->images = 0;
}

static void miss(const struct audit_model *model, const char *what, const char *name)
{
    const struct audit_shard *here = &model->shards[model->shard];
    audit_find(model->findings, AUDIT_LOST, "%s %s: shard %u does not restate it in walk %" PRIu64,
        what, name, model->shard, here->walk);
}

static void miss_orders(const struct audit_model *model, uint64_t walk)
{
    char id[JSON_UUID_SIZE + 1];
    for (uint32_t i = 0; i < model->order_count; i++) {
        const struct audit_order *order = &model->orders[i];
        if (order->shard == model->shard && !order->forgotten && order->walk != walk)
            miss(model, "order", audit_id(id, order->id));
    }
    for (uint32_t i = 0; i < model->key_count; i++) {
        const struct audit_key *key = &model->keys[i];
        if (key->shard == model->shard && key->keep_shelf_ms != 0 && key->walk != walk)
            miss(model, "the key of order", audit_id(id, model->orders[key->order].id));
    }
}

static void miss_units(const struct audit_model *model, uint64_t walk)
{
    for (uint32_t i = 0; i < model->hold_count; i++) {
        const struct audit_hold *hold = &model->holds[i];
        if (hold->shard == model->shard && hold->units > 0 && hold->walk != walk)
            miss(model, "a hold of SKU", model->skus[hold->sku_number].name);
    }
    for (uint32_t i = 0; i < model->gone_count; i++) {
        const struct audit_gone *gone = &model->gone[i];
        if (gone->shard == model->shard && gone->units > 0 && gone->walk != walk)
            miss(model, "what was sold in forgotten orders of SKU",
                model->skus[gone->sku_number].name);
    }
    for (uint32_t i = 0; model->shard == 0 && i < model->sku_count; i++) {
        const struct audit_sku *sku = &model->skus[i];
        if (sku->known && !sku->leaving && sku->walk != walk)
            miss(model, "SKU", sku->name);
    }
}

void audit_walk_ended(struct audit_model *model, const struct event *event)
{
    struct audit_shard *here = audit_here(model);
    const struct fact_walk_end *fact = &event->fact.walk_end;
    if (fact->number != here->walk || fact->images != here->images)
        audit_find(model->findings, AUDIT_LOST,
            "shard %u: walk %" PRIu64 " ends with %" PRIu64 " images, walk %" PRIu64
            " was begun and has %" PRIu64,
            model->shard, fact->number, fact->images, here->walk, here->images);
    if (!here->is_base) {
        miss_orders(model, here->walk);
        miss_units(model, here->walk);
    }
    here->is_base = false;
}

static void customer_image(struct audit_model *model, const struct event *event)
{
    struct bytes customer = event->text[TEXT_CUSTOMER];
    for (uint32_t i = 0; i < event->line_count; i++) {
        const struct event_line *line = &event->lines[i];
        struct audit_sku *sku = audit_sku_at(model, line->sku_number);
        const struct audit_hold *hold = audit_hold_find(model, customer, line->sku_number);
        uint64_t units = event_hold_at(event, i).state == LINE_HELD ? line->quantity : 0;
        uint64_t known = hold == NULL ? 0 : hold->units;
        if (hold == NULL && audit_here(model)->is_base)
            sku->held_by_moves += (int64_t)units;
        else if (units != known)
            audit_find(model->findings, AUDIT_DIFFERENT,
                "SKU %s: customer %.*s holds %" PRIu64 ", a walk says %" PRIu64, sku->name,
                (int)customer.size, (const char *)customer.data, known, units);
        audit_hold_set(model, customer, line->sku_number, units);
    }
}

/* Both counts begin with it. */
static void begin_order(struct audit_model *model, const struct event *event)
{
    const struct fact_order_image *fact = &event->fact.order_image;
    struct audit_order *order = audit_order_add(model, event);
    audit_order_write(model, order, event, fact->stream_seq);
    order->row_unknown = order->streamed.version == 0;
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct audit_line *line = &order->lines[i];
        struct audit_sku *sku = audit_sku_at(model, line->sku_number);
        if (audit_order_is_open(order->status))
            sku->held_by_moves += line->quantity;
        else if (order->sold)
            sku->sold_by_moves += (int64_t)line->quantity - (int64_t)line->restocked;
    }
}

static void order_image(struct audit_model *model, const struct event *event)
{
    const struct fact_order_image *fact = &event->fact.order_image;
    struct audit_order *order = audit_model_order(model, fact->order.id);
    if (order == NULL) {
        if (!audit_here(model)->is_base)
            find_order(model, AUDIT_LOST, fact->order.id, "a walk restates it, it was not placed");
        begin_order(model, event);
        return;
    }
    order->walk = audit_here(model)->walk;
    if (order->forgotten)
        find_order(model, AUDIT_DIFFERENT, order->id, "it was forgotten, and a walk restates it");
    else if (order->version != fact->order.version || order->stream_seq != fact->stream_seq ||
             order->terms_hash != audit_terms_hash(event))
        find_order(
            model, AUDIT_DIFFERENT, order->id, "a walk says otherwise than the events before it");
}

static void key_image(struct audit_model *model, const struct key_entry *entry)
{
    const struct audit_order *order = audit_model_order(model, entry->order_id);
    uint32_t number = audit_index_find(&model->hash_index, entry->key);
    if (entry->kind != REQUEST_CHECKOUT)
        return;
    if (order == NULL) {
        find_order(model, AUDIT_LOST, entry->order_id, "its key is restated, it is not");
        return;
    }
    uint32_t order_number = (uint32_t)(order - model->orders);
    if (number == AUDIT_NONE) {
        if (!audit_here(model)->is_base)
            find_order(model, AUDIT_LOST, order->id, "a walk restates a key that was not used");
        number = audit_key_add(model, entry->keep_shelf_ms, order_number);
        audit_index_add(&model->hash_index, entry->key, number);
    }
    struct audit_key *key = &model->keys[number];
    if (key->keep_shelf_ms != entry->keep_shelf_ms || key->order != order_number)
        find_order(model, AUDIT_DIFFERENT, order->id, "a walk says otherwise of its key");
    key->walk = audit_here(model)->walk;
}

static void keys_image(struct audit_model *model, const struct event *event)
{
    for (uint32_t i = 0; i < event->fact.images.count; i++) {
        struct key_entry entry;
        memcpy(&entry, event->text[TEXT_ENTRIES].data + i * sizeof(entry), sizeof(entry));
        key_image(model, &entry);
    }
}

static void gone_image(struct audit_model *model, const struct event *event)
{
    for (uint32_t i = 0; i < event->line_count; i++) {
        const struct event_line *line = &event->lines[i];
        struct audit_sku *sku = audit_sku_at(model, line->sku_number);
        bool added;
        struct audit_gone *gone = audit_gone_of(model, line->sku_number, &added);
        uint64_t units = (uint64_t)line->unit_price;
        if (added && audit_here(model)->is_base) {
            gone->units = units;
            sku->gone += units;
            sku->sold_by_moves += line->unit_price;
            sku->sold_by_state += line->unit_price;
        } else if (gone->units != units) {
            audit_find(model->findings, AUDIT_DIFFERENT,
                "SKU %s: shard %u has forgotten orders of %" PRIu64 " units, a walk says %" PRIu64,
                sku->name, model->shard, gone->units, units);
        }
    }
}

static bool is_product(const struct audit_sku *sku, const struct event *image)
{
    return sku->known && sku->allotment == image->fact.product.allotment &&
           sku->sale_number == image->fact.product.sale_number &&
           bytes_equal(bytes_of_string(sku->name), image->text[TEXT_SKU]);
}

static void product_image(struct audit_model *model, const struct event *event)
{
    const struct fact_product *fact = &event->fact.product;
    struct audit_sku *sku = audit_sku_at(model, fact->sku_number);
    struct bytes name = event->text[TEXT_SKU];
    CHECK(name.size < sizeof(sku->name)); /* record_valid() */
    if (!sku->known && audit_here(model)->is_base) {
        memcpy(sku->name, name.data, name.size);
        sku->name[name.size] = 0;
        sku->known = true;
        sku->sale_number = fact->sale_number;
        sku->allotment = fact->allotment;
        sku->leaving = model->leaving != 0 && fact->sale_number == model->leaving;
    } else if (!is_product(sku, event)) {
        audit_find(model->findings, AUDIT_DIFFERENT,
            "SKU %s: its allotment is %" PRId64 ", a walk says %u of SKU %.*s", sku->name,
            sku->allotment, fact->allotment, (int)name.size, (const char *)name.data);
    }
    sku->walk = audit_here(model)->walk;
}

void audit_image(struct audit_model *model, const struct event *event)
{
    audit_here(model)->images++;
    if (event->kind == EVENT_CUSTOMER_IMAGE)
        customer_image(model, event);
    else if (event->kind == EVENT_ORDER_IMAGE)
        order_image(model, event);
    else if (event->kind == EVENT_KEYS_IMAGE)
        keys_image(model, event);
    else if (event->kind == EVENT_GONE_IMAGE)
        gone_image(model, event);
    else if (event->kind == EVENT_PRODUCT_IMAGE)
        product_image(model, event);
}
