/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each event does two things here: it moves units as it says it does, and it replaces what is known
 * of one cart line or one order. The two counts are compared once, at the end, since a unit may be
 * freed in one journal and taken in another, and journals are read one after the other.
 */
#include "persist/audit_model.h"

#include <inttypes.h>
#include <string.h>

#include "core/check.h"
#include "core/view.h"
#include "persist/audit_parts.h"

static void move_units(struct audit_model *model, const struct event *event, uint8_t move)
{
    for (uint32_t i = 0; i < event->line_count; i++) {
        struct audit_sku *sku = audit_sku_at(model, event->lines[i].sku_number);
        int64_t units = event->lines[i].moved;
        if (move == MOVE_GIVE || move == MOVE_SELL)
            sku->held_by_moves -= units;
        if (move == MOVE_SELL)
            sku->sold_by_moves += units;
        if (move == MOVE_RESTOCK)
            sku->sold_by_moves -= units;
    }
}

static void cart_event(struct audit_model *model, const struct event *event)
{
    const struct fact_cart *cart = &event->fact.cart;
    bool cleared = event->kind == EVENT_CART_CLEARED;
    for (uint32_t i = 0; i < event->line_count; i++) {
        const struct event_line *line = &event->lines[i];
        bool held = !cleared && cart->state == LINE_HELD;
        audit_hold_set(
            model, event->text[TEXT_CUSTOMER], line->sku_number, held ? line->quantity : 0);
    }
    if (event->line_count > 0 && !cleared)
        audit_sku_at(model, event->lines[0].sku_number)->held_by_moves += cart->taken;
    move_units(model, event, cart->move);
}

/* Units on the way from a guest's cart are nobody's and free after a crash, so by the moves, too,
 * they leave when they are moved out and come when they are merged (C4). */
static void merge_event(struct audit_model *model, const struct event *event)
{
    bool leaves = event->kind == EVENT_CART_MOVED_OUT;
    for (uint32_t i = 0; i < event->line_count; i++) {
        const struct event_line *line = &event->lines[i];
        struct event_hold hold = event_hold_at(event, i);
        struct audit_sku *sku = audit_sku_at(model, line->sku_number);
        int64_t units = (int64_t)line->from_hold + hold.taken;
        sku->held_by_moves += leaves ? -units : units;
        if (line->quantity > 0)
            audit_hold_set(model, event->text[TEXT_CUSTOMER], line->sku_number,
                !leaves && hold.state == LINE_HELD ? line->quantity : 0);
    }
}

/* One that a walk restated is known by its hash alone until it is used. */
static uint32_t key_by_hash(struct audit_model *model, struct hash128 hash)
{
    uint32_t number = audit_index_find(&model->hash_index, hash);
    if (number != AUDIT_NONE && hash128_is_set(hash))
        return number;
    uint32_t added = audit_key_add(model, 0, model->order_count - 1);
    if (number == AUDIT_NONE)
        audit_index_add(&model->hash_index, hash, added);
    return added;
}

/* I2, V7: within the life of a key it makes one order, the newest one here. */
static void check_key(struct audit_model *model, const struct event *event)
{
    const struct fact_order *fact = &event->fact.order;
    char id[JSON_UUID_SIZE + 1];
    struct bytes text = event->text[TEXT_CUSTOMER];
    struct hash128 customer = audit_hash(text.data, text.size, 0);
    struct hash128 key =
        audit_hash(event->text[TEXT_KEY].data, event->text[TEXT_KEY].size, customer.low);
    uint32_t number = audit_index_find(&model->key_index, key);
    if (number == AUDIT_NONE) {
        number = key_by_hash(model, fact->key_hash);
        audit_index_add(&model->key_index, key, number);
    }
    if (model->keys[number].keep_shelf_ms > fact->now_shelf_ms)
        audit_find(model->findings, AUDIT_DUPLICATED,
            "order %s of customer %.*s: its idempotency key has made an order before",
            audit_id(id, fact->id), (int)text.size, (const char *)text.data);
    model->keys[number].keep_shelf_ms = fact->keep_shelf_ms;
    model->keys[number].order = model->order_count - 1;
    model->keys[number].walk = audit_here(model)->walk;
}

static void keys_event(struct audit_model *model, const struct event *event)
{
    const struct fact_forgotten *fact = &event->fact.forgotten;
    for (uint32_t i = 0; i < fact->count; i++) {
        struct hash128 hash;
        memcpy(&hash, event->text[TEXT_IDS].data + (size_t)i * sizeof(hash), sizeof(hash));
        uint32_t number = audit_index_find(&model->hash_index, hash);
        if (number == AUDIT_NONE)
            continue; /* a cancel's, or a stock change's */
        struct audit_key *key = &model->keys[number];
        if (key->keep_shelf_ms > fact->now_shelf_ms)
            model->orders[key->order].key_went = true;
        key->keep_shelf_ms = 0;
    }
}

static void forget_order(struct audit_model *model, struct audit_order *order)
{
    char id[JSON_UUID_SIZE + 1];
    if (order->forgotten || audit_order_is_open(order->status))
        audit_find(model->findings, AUDIT_LOST, "order %s: it was forgotten, and is %.*s",
            audit_id(id, order->id), (int)order_status_name(order->status).size,
            (const char *)order_status_name(order->status).data);
    for (uint32_t i = 0; order->sold && !order->forgotten && i < order->line_count; i++) {
        const struct audit_line *line = &order->lines[i];
        bool added;
        audit_gone_of(model, line->sku_number, &added)->units += line->quantity - line->restocked;
    }
    order->forgotten = true;
}

static void orders_event(struct audit_model *model, const struct event *event)
{
    char id[JSON_UUID_SIZE + 1];
    for (uint32_t i = 0; i < event->fact.forgotten.count; i++) {
        const uint8_t *bytes = event->text[TEXT_IDS].data + (size_t)i * 16;
        struct audit_order *order = audit_model_order(model, bytes);
        if (order == NULL)
            audit_find(model->findings, AUDIT_LOST, "order %s is forgotten but was never placed",
                audit_id(id, bytes));
        else
            forget_order(model, order);
    }
}

/* What was sold of a sale that is removed stays sold here: nobody can buy of it any more. */
static void part_event(struct audit_model *model, const struct event *event)
{
    bool added;
    for (uint32_t i = 0; event->fact.part.part == PART_GONE && i < event->line_count; i++)
        audit_gone_of(model, event->lines[i].sku_number, &added)->units = 0;
}

/* Units come to an order from a cart of its customer, or are taken for it. */
static void place_units(struct audit_model *model, const struct event *event)
{
    struct bytes customer = event->text[TEXT_CUSTOMER];
    for (uint32_t i = 0; i < event->line_count; i++) {
        const struct event_line *line = &event->lines[i];
        const struct audit_hold *hold = audit_hold_find(model, customer, line->sku_number);
        uint64_t had = hold == NULL ? 0 : hold->units;
        audit_sku_at(model, line->sku_number)->held_by_moves +=
            (int64_t)line->quantity - (int64_t)line->from_hold;
        if (line->from_hold > had)
            audit_find(model->findings, AUDIT_OVERSOLD,
                "SKU %s: an order used %u held units of customer %.*s, who held %" PRIu64,
                audit_sku_at(model, line->sku_number)->name, line->from_hold, (int)customer.size,
                (const char *)customer.data, had);
        audit_hold_set(
            model, customer, line->sku_number, line->from_hold > had ? 0 : had - line->from_hold);
    }
}

/* An expired order whose money came late takes its units again (P5). */
static void take_again(struct audit_model *model, const struct event *event)
{
    const struct fact_order *fact = &event->fact.order;
    if (fact->status_before != ORDER_EXPIRED || fact->status != ORDER_CONFIRMED)
        return;
    for (uint32_t i = 0; i < event->line_count; i++)
        audit_sku_at(model, event->lines[i].sku_number)->held_by_moves += event->lines[i].moved;
}

static void check_history(
    struct audit_model *model, const struct audit_order *order, const struct event *event)
{
    const struct fact_order *fact = &event->fact.order;
    char id[JSON_UUID_SIZE + 1];
    if (fact->version != order->version + event->stream_count)
        audit_find(model->findings, AUDIT_GAPS, "order %s: version %u comes after %u",
            audit_id(id, fact->id), fact->version, order->version);
    if (fact->status_before != order->status)
        audit_find(model->findings, AUDIT_LOST,
            "order %s: an event that changed its status to %.*s is missing", audit_id(id, fact->id),
            (int)order_status_name(fact->status_before).size,
            (const char *)order_status_name(fact->status_before).data);
    if (event->line_count != order->line_count)
        audit_find(model->findings, AUDIT_DIFFERENT, "order %s: %u lines have become %u",
            audit_id(id, fact->id), order->line_count, event->line_count);
}

static void order_event(struct audit_model *model, const struct event *event)
{
    const struct fact_order *fact = &event->fact.order;
    struct audit_order *order = audit_model_order(model, fact->id);
    char id[JSON_UUID_SIZE + 1];
    bool placed = event->kind == EVENT_ORDER_PLACED;
    if (placed && order != NULL) {
        audit_find(
            model->findings, AUDIT_DUPLICATED, "order %s was placed twice", audit_id(id, fact->id));
        return;
    }
    if (!placed && order == NULL) {
        audit_find(model->findings, AUDIT_LOST, "order %s has events but was never placed",
            audit_id(id, fact->id));
        return;
    }
    if (placed) {
        order = audit_order_add(model, event);
        check_key(model, event);
        place_units(model, event);
    }
    check_history(model, order, event);
    take_again(model, event);
    move_units(model, event, fact->move);
    audit_order_write(model, order, event, event->stream_seq + event->stream_count - 1);
}

static void product_event(struct audit_model *model, const struct event *event)
{
    const struct fact_product *product = &event->fact.product;
    struct audit_sku *sku = audit_sku_at(model, product->sku_number);
    struct bytes name = event->text[TEXT_SKU];
    CHECK(name.size < sizeof(sku->name)); /* record_valid() */
    memcpy(sku->name, name.data, name.size);
    sku->name[name.size] = 0;
    sku->known = true;
    sku->sale_number = product->sale_number;
    sku->walk = audit_here(model)->walk;
    if (product->created)
        sku->allotment += product->allotment;
}

static void stock_event(struct audit_model *model, const struct event *event)
{
    const struct fact_stock *stock = &event->fact.stock;
    struct audit_sku *sku = audit_sku_at(model, stock->sku_number);
    sku->allotment += stock->delta;
    sku->walk = audit_here(model)->walk;
    if (sku->allotment != stock->allotment)
        audit_find(model->findings, AUDIT_LOST,
            "SKU %s: its changes add up to an allotment of %" PRId64 ", the last one says %u",
            sku->name, sku->allotment, stock->allotment);
}

/* Those of its products that the walk it reads from has still to restate are leaving, too. */
static void closing_event(struct audit_model *model, const struct event *event)
{
    model->leaving = event->fact.removal.sale_number;
    for (uint32_t i = 0; i < model->sku_count; i++) {
        if (model->skus[i].sale_number == event->fact.removal.sale_number)
            model->skus[i].leaving = true;
    }
}

static void check_seq(struct audit_model *model, const struct event *event)
{
    struct audit_shard *here = audit_here(model);
    if (event->stream_count == 0)
        return;
    if (event->stream_seq != here->seq + 1)
        audit_find(model->findings, AUDIT_GAPS,
            "shard %u: stream number %" PRIu64 " comes after %" PRIu64, model->shard,
            event->stream_seq, here->seq);
    here->seq = event->stream_seq + event->stream_count - 1;
}

static void shop_event(struct audit_model *model, const struct event *event)
{
    if (event_is_order(event->kind))
        order_event(model, event);
    else if (event->kind == EVENT_CART_LINE_SET || event->kind == EVENT_HOLD_EXPIRED ||
             event->kind == EVENT_CART_CLEARED)
        cart_event(model, event);
    else if (event->kind >= EVENT_CART_MOVED_OUT && event->kind <= EVENT_CART_MERGE_ENDED)
        merge_event(model, event);
    else if (event->kind == EVENT_PRODUCT_SET)
        product_event(model, event);
    else if (event->kind == EVENT_STOCK_ADJUSTED)
        stock_event(model, event);
    else if (event->kind == EVENT_KEYS_FORGOTTEN)
        keys_event(model, event);
    else if (event->kind == EVENT_ORDERS_FORGOTTEN)
        orders_event(model, event);
    else if (event->kind == EVENT_SALE_PART_REMOVED)
        part_event(model, event);
    else if (event->kind == EVENT_SALE_CLOSING)
        closing_event(model, event);
}

void audit_model_event(struct audit_model *model, uint32_t shard, const struct event *event)
{
    CHECK(shard < SHARDS_MAX);
    model->events++;
    model->shard = shard;
    check_seq(model, event);
    if (event->kind == EVENT_WALK_BEGUN)
        audit_walk_begun(model, event);
    else if (event->kind == EVENT_WALK_ENDED)
        audit_walk_ended(model, event);
    else if (event_is_image(event->kind))
        audit_image(model, event);
    else
        shop_event(model, event);
    model->shards[shard].begun = true;
}

static void check_sku(struct audit_model *model, const struct audit_sku *sku)
{
    bool removed = audit_sku_is_removed(model, sku);
    if (!removed && sku->held_by_state + sku->sold_by_state > sku->allotment)
        audit_find(model->findings, AUDIT_OVERSOLD,
            "SKU %s: %" PRId64 " held and %" PRId64 " sold of an allotment of %" PRId64, sku->name,
            sku->held_by_state, sku->sold_by_state, sku->allotment);
    if (sku->held_by_moves != sku->held_by_state)
        audit_find(model->findings, AUDIT_STRANDED,
            "SKU %s: %" PRId64 " units went into holds, %" PRId64 " are in live ones", sku->name,
            sku->held_by_moves, sku->held_by_state);
    if (sku->sold_by_moves != sku->sold_by_state)
        audit_find(model->findings, AUDIT_STRANDED,
            "SKU %s: %" PRId64 " units were sold, confirmed orders have %" PRId64, sku->name,
            sku->sold_by_moves, sku->sold_by_state);
    if ((sku->leaving || removed) && sku->held_by_state != 0)
        audit_find(model->findings, AUDIT_LOST,
            "SKU %s: its sale is removed, and customers hold %" PRId64, sku->name,
            sku->held_by_state);
    bool touched = sku->held_by_moves != 0 || sku->sold_by_moves != 0;
    if (!sku->known && !removed && touched)
        audit_find(model->findings, AUDIT_OVERSOLD, "units of a SKU were sold that never was");
}

static bool is_leaving(struct audit_model *model, uint32_t sku_number)
{
    const struct audit_sku *sku = audit_sku_at(model, sku_number);
    return sku->leaving || audit_sku_is_removed(model, sku);
}

/* I6: a key is kept as long as was said, or until the sale of all its order's lines is removed. */
static void check_order(struct audit_model *model, const struct audit_order *order)
{
    char id[JSON_UUID_SIZE + 1];
    bool leaving = true;
    for (uint32_t i = 0; i < order->line_count; i++)
        leaving = leaving && is_leaving(model, order->lines[i].sku_number);
    if (order->key_went && !leaving)
        audit_find(model->findings, AUDIT_LOST,
            "order %s: its idempotency key was forgotten too early", audit_id(id, order->id));
}

void audit_model_check(struct audit_model *model)
{
    for (uint32_t i = 0; i < model->order_count; i++)
        check_order(model, &model->orders[i]);
    for (uint32_t i = 0; i < model->sku_count; i++)
        check_sku(model, &model->skus[i]);
}
