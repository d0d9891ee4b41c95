/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each event does two things here: it moves units as it says it does, and it replaces what is known
 * of one cart line or one order. The two counts are compared once, at the end, since a unit may be
 * freed in one journal and taken in another, and journals are read one after the other.
 */
#include "persist/audit_model.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "core/check.h"
#include "core/json_writer.h"
#include "core/line_names.h"
#include "core/view.h"
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
        model->position[i] = UINT64_MAX;
}

void audit_model_free(struct audit_model *model)
{
    for (uint32_t i = 0; i < model->order_count; i++)
        free(model->orders[i].lines);
    free(model->skus);
    free(model->orders);
    free(model->holds);
    free(model->keys);
    audit_index_free(&model->order_index);
    audit_index_free(&model->hold_index);
    audit_index_free(&model->key_index);
    audit_index_free(&model->hash_index);
}

static struct audit_sku *sku_at(struct audit_model *model, uint32_t number)
{
    while (model->sku_count <= number) {
        model->skus = audit_grow(model->skus, model->sku_count, sizeof(*model->skus));
        model->sku_count++;
    }
    return &model->skus[number];
}

static struct hash128 hash_of(const void *data, size_t size, uint64_t seed)
{
    XXH128_hash_t hash = XXH3_128bits_withSeed(data, size, seed);
    return (struct hash128){hash.low64, hash.high64};
}

static struct hash128 hash_of_text(struct bytes text, uint64_t seed)
{
    return hash_of(text.data, text.size, seed);
}

struct audit_order *audit_model_order(struct audit_model *model, const uint8_t id[16])
{
    uint32_t number = audit_index_find(&model->order_index, hash_of(id, 16, 0));
    return number == AUDIT_NONE ? NULL : &model->orders[number];
}

/* The units that a customer's cart holds of a SKU. */
static uint64_t *hold_of(struct audit_model *model, struct bytes customer, uint32_t sku_number)
{
    struct hash128 key = hash_of_text(customer, 1 + (uint64_t)sku_number);
    uint32_t number = audit_index_find(&model->hold_index, key);
    if (number == AUDIT_NONE) {
        model->holds = audit_grow(model->holds, model->hold_count, sizeof(*model->holds));
        number = model->hold_count++;
        audit_index_add(&model->hold_index, key, number);
    }
    return &model->holds[number];
}

static void set_hold(
    struct audit_model *model, struct bytes customer, uint32_t sku_number, uint64_t units)
{
    uint64_t *hold = hold_of(model, customer, sku_number);
    sku_at(model, sku_number)->held_by_state += (int64_t)units - (int64_t)*hold;
    *hold = units;
}

static void move_units(struct audit_model *model, const struct event *event, uint8_t move)
{
    for (uint32_t i = 0; i < event->line_count; i++) {
        struct audit_sku *sku = sku_at(model, event->lines[i].sku_number);
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
        set_hold(model, event->text[TEXT_CUSTOMER], line->sku_number, held ? line->quantity : 0);
    }
    if (event->line_count > 0 && !cleared)
        sku_at(model, event->lines[0].sku_number)->held_by_moves += cart->taken;
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
        struct audit_sku *sku = sku_at(model, line->sku_number);
        int64_t units = (int64_t)line->from_hold + hold.taken;
        sku->held_by_moves += leaves ? -units : units;
        if (line->quantity > 0)
            set_hold(model, event->text[TEXT_CUSTOMER], line->sku_number,
                !leaves && hold.state == LINE_HELD ? line->quantity : 0);
    }
}

static bool is_open(uint8_t status)
{
    return status == ORDER_PENDING_PAYMENT || status == ORDER_REVIEW;
}

/* Adds (sign 1) or takes away (-1) what an order keeps of each SKU. */
static void count_order(struct audit_model *model, const struct audit_order *order, int64_t sign)
{
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct audit_line *line = &order->lines[i];
        struct audit_sku *sku = sku_at(model, line->sku_number);
        if (is_open(order->status))
            sku->held_by_state += sign * (int64_t)line->quantity;
        else if (order->sold)
            sku->sold_by_state += sign * ((int64_t)line->quantity - (int64_t)line->restocked);
    }
}

/* The same text as audit_postgres.c asks of PostgreSQL, hashed. */
static uint64_t hash_lines(const struct event *event)
{
    XXH3_state_t *state = XXH3_createState();
    struct bytes rest = event->text[TEXT_NAMES];
    if (state == NULL)
        fatal("out of memory for a hash");
    XXH3_64bits_reset(state);
    for (uint32_t i = 0; i < event->line_count; i++) {
        const struct event_line *line = &event->lines[i];
        struct line_names names = {0};
        bool named = line_names_next(&rest, &names);
        CHECK(named); /* record_valid() */
        char text[192];
        int size = snprintf(text, sizeof(text), "%u %.*s %u %u %u %" PRId64 ";", i + 1,
            (int)names.sku.size, (const char *)names.sku.data, line->quantity, line->cancelled,
            line->restocked, line->unit_price);
        XXH3_64bits_update(state, text, (size_t)size);
    }
    uint64_t hash = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    return hash;
}

static const char *name_of(char text[JSON_UUID_SIZE + 1], const uint8_t id[16])
{
    json_format_uuid(text, id);
    text[JSON_UUID_SIZE] = 0;
    return text;
}

/* I2, V7: within the life of a key it makes one order, the newest one here. */
static void check_key(struct audit_model *model, const struct event *event)
{
    const struct fact_order *fact = &event->fact.order;
    char id[JSON_UUID_SIZE + 1];
    struct hash128 customer = hash_of_text(event->text[TEXT_CUSTOMER], 0);
    struct hash128 key = hash_of_text(event->text[TEXT_KEY], customer.low);
    uint32_t number = audit_index_find(&model->key_index, key);
    if (number == AUDIT_NONE) {
        model->keys = audit_grow(model->keys, model->key_count, sizeof(*model->keys));
        number = model->key_count++;
        audit_index_add(&model->key_index, key, number);
        if (audit_index_find(&model->hash_index, fact->key_hash) == AUDIT_NONE)
            audit_index_add(&model->hash_index, fact->key_hash, number);
    } else if (model->keys[number].keep_shelf_ms > fact->now_shelf_ms) {
        audit_find(model->findings, AUDIT_DUPLICATED,
            "order %s of customer %.*s: its idempotency key has made an order before",
            name_of(id, fact->id), (int)event->text[TEXT_CUSTOMER].size,
            (const char *)event->text[TEXT_CUSTOMER].data);
    }
    model->keys[number].keep_shelf_ms = fact->keep_shelf_ms;
    model->keys[number].order = model->order_count - 1;
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

static struct audit_order *add_order(
    struct audit_model *model, uint32_t shard, const struct event *event)
{
    model->orders = audit_grow(model->orders, model->order_count, sizeof(*model->orders));
    struct audit_order *order = &model->orders[model->order_count];
    audit_index_add(
        &model->order_index, hash_of(event->fact.order.id, 16, 0), model->order_count++);
    *order = (struct audit_order){.shard = (uint16_t)shard, .line_count = event->line_count};
    memcpy(order->id, event->fact.order.id, sizeof(order->id));
    order->lines = calloc(event->line_count, sizeof(*order->lines));
    if (order->lines == NULL)
        fatal("out of memory for %u lines", event->line_count);
    return order;
}

/* Units come to an order from a cart of its customer, or are taken for it. */
static void place_units(struct audit_model *model, const struct event *event)
{
    struct bytes customer = event->text[TEXT_CUSTOMER];
    for (uint32_t i = 0; i < event->line_count; i++) {
        const struct event_line *line = &event->lines[i];
        uint64_t had = *hold_of(model, customer, line->sku_number);
        sku_at(model, line->sku_number)->held_by_moves +=
            (int64_t)line->quantity - (int64_t)line->from_hold;
        if (line->from_hold > had)
            audit_find(model->findings, AUDIT_OVERSOLD,
                "SKU %s: an order used %u held units of customer %.*s, who held %" PRIu64,
                sku_at(model, line->sku_number)->name, line->from_hold, (int)customer.size,
                (const char *)customer.data, had);
        set_hold(
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
        sku_at(model, event->lines[i].sku_number)->held_by_moves += event->lines[i].moved;
}

static void check_history(
    struct audit_model *model, const struct audit_order *order, const struct event *event)
{
    const struct fact_order *fact = &event->fact.order;
    char id[JSON_UUID_SIZE + 1];
    if (fact->version != order->version + event->stream_count)
        audit_find(model->findings, AUDIT_GAPS, "order %s: version %u comes after %u",
            name_of(id, fact->id), fact->version, order->version);
    if (fact->status_before != order->status)
        audit_find(model->findings, AUDIT_LOST,
            "order %s: an event that changed its status to %.*s is missing", name_of(id, fact->id),
            (int)order_status_name(fact->status_before).size,
            (const char *)order_status_name(fact->status_before).data);
    if (event->line_count != order->line_count)
        audit_find(model->findings, AUDIT_DIFFERENT, "order %s: %u lines have become %u",
            name_of(id, fact->id), order->line_count, event->line_count);
}

static void write_order(
    struct audit_model *model, struct audit_order *order, const struct event *event)
{
    const struct fact_order *fact = &event->fact.order;
    count_order(model, order, -1);
    order->status = fact->status;
    order->version = fact->version;
    order->sold = fact->confirmed_wall_ms != 0;
    for (uint32_t i = 0; i < order->line_count && i < event->line_count; i++) {
        order->lines[i] = (struct audit_line){
            event->lines[i].sku_number, event->lines[i].quantity, event->lines[i].restocked};
    }
    count_order(model, order, 1);
    uint64_t last_seq = event->stream_seq + event->stream_count - 1;
    uint64_t position = model->position[order->shard];
    if (event->stream_count > 0 && position != UINT64_MAX && last_seq <= position)
        order->streamed =
            (struct audit_row){fact->version, fact->status, fact->total, hash_lines(event)};
}

static void order_event(struct audit_model *model, uint32_t shard, const struct event *event)
{
    const struct fact_order *fact = &event->fact.order;
    struct audit_order *order = audit_model_order(model, fact->id);
    char id[JSON_UUID_SIZE + 1];
    bool placed = event->kind == EVENT_ORDER_PLACED;
    if (placed && order != NULL) {
        audit_find(
            model->findings, AUDIT_DUPLICATED, "order %s was placed twice", name_of(id, fact->id));
        return;
    }
    if (!placed && order == NULL) {
        audit_find(model->findings, AUDIT_LOST, "order %s has events but was never placed",
            name_of(id, fact->id));
        return;
    }
    if (placed) {
        order = add_order(model, shard, event);
        check_key(model, event);
        place_units(model, event);
    }
    check_history(model, order, event);
    take_again(model, event);
    move_units(model, event, fact->move);
    write_order(model, order, event);
}

static void product_event(struct audit_model *model, const struct event *event)
{
    const struct fact_product *product = &event->fact.product;
    struct audit_sku *sku = sku_at(model, product->sku_number);
    struct bytes name = event->text[TEXT_SKU];
    CHECK(name.size < sizeof(sku->name)); /* record_valid() */
    memcpy(sku->name, name.data, name.size);
    sku->name[name.size] = 0;
    sku->known = true;
    sku->sale_number = product->sale_number;
    if (product->created)
        sku->allotment += product->allotment;
}

static void stock_event(struct audit_model *model, const struct event *event)
{
    const struct fact_stock *stock = &event->fact.stock;
    struct audit_sku *sku = sku_at(model, stock->sku_number);
    sku->allotment += stock->delta;
    if (sku->allotment != stock->allotment)
        audit_find(model->findings, AUDIT_LOST,
            "SKU %s: its changes add up to an allotment of %" PRId64 ", the last one says %u",
            sku->name, sku->allotment, stock->allotment);
}

static void closing_event(struct audit_model *model, const struct event *event)
{
    for (uint32_t i = 0; i < model->sku_count; i++) {
        if (model->skus[i].sale_number == event->fact.removal.sale_number)
            model->skus[i].leaving = true;
    }
}

static void check_seq(struct audit_model *model, uint32_t shard, const struct event *event)
{
    if (event->stream_count == 0)
        return;
    if (event->stream_seq != model->seq[shard] + 1)
        audit_find(model->findings, AUDIT_GAPS,
            "shard %u: stream number %" PRIu64 " comes after %" PRIu64, shard, event->stream_seq,
            model->seq[shard]);
    model->seq[shard] = event->stream_seq + event->stream_count - 1;
}

void audit_model_event(struct audit_model *model, uint32_t shard, const struct event *event)
{
    CHECK(shard < SHARDS_MAX);
    model->events++;
    check_seq(model, shard, event);
    if (event_is_order(event->kind))
        order_event(model, shard, event);
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
    else if (event->kind == EVENT_SALE_CLOSING)
        closing_event(model, event);
}

static void check_sku(struct audit_model *model, const struct audit_sku *sku)
{
    if (sku->held_by_state + sku->sold_by_state > sku->allotment)
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
    if (sku->leaving && sku->held_by_state != 0)
        audit_find(model->findings, AUDIT_LOST,
            "SKU %s: its sale is removed, and customers hold %" PRId64, sku->name,
            sku->held_by_state);
    bool touched = sku->held_by_moves != 0 || sku->sold_by_moves != 0;
    if (!sku->known && touched)
        audit_find(model->findings, AUDIT_OVERSOLD, "units of a SKU were sold that never was");
}

/* I6: a key is kept as long as was said, or until the sale of all its order's lines is removed. */
static void check_order(struct audit_model *model, const struct audit_order *order)
{
    char id[JSON_UUID_SIZE + 1];
    bool leaving = true;
    for (uint32_t i = 0; i < order->line_count; i++)
        leaving = leaving && sku_at(model, order->lines[i].sku_number)->leaving;
    if (order->key_went && !leaving)
        audit_find(model->findings, AUDIT_LOST,
            "order %s: its idempotency key was forgotten too early", name_of(id, order->id));
}

void audit_model_check(struct audit_model *model)
{
    for (uint32_t i = 0; i < model->order_count; i++)
        check_order(model, &model->orders[i]);
    for (uint32_t i = 0; i < model->sku_count; i++)
        check_sku(model, &model->skus[i]);
}
