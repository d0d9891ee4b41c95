/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The envelope is the same for all; the data is written by one function for each family of events.
 * Members of the envelope, and of an order (payload_order.c), stand as jsonb keeps them.
 * An event that is not streamed has no type, and asking for its payload is our bug.
 */
#include "persist/payload.h"

#include "core/check.h"
#include "core/sale_json.h"
#include "core/switches.h"
#include "persist/payload_order.h"

struct bytes payload_result_name(uint8_t result)
{
    switch ((enum payment_result)result) {
    case RESULT_NONE:
        return (struct bytes){0};
    case RESULT_PENDING:
        return BYTES("pending");
    case RESULT_AUTHORIZED:
        return BYTES("authorized");
    case RESULT_CAPTURED:
        return BYTES("captured");
    case RESULT_DECLINED:
        return BYTES("declined");
    case RESULT_CANCELLED:
        return BYTES("cancelled");
    case RESULT_REFUNDED:
        return BYTES("refunded");
    }
    CHECK(false);
}

struct bytes payload_mode_name(uint8_t mode)
{
    return mode == PAYMENT_DEFERRED ? BYTES("deferred") : BYTES("external");
}

static struct bytes placed_type(const struct event *event, uint32_t index)
{
    if (index == 0)
        return BYTES("order.placed.v1");
    return event->fact.order.status_born == ORDER_REVIEW ? BYTES("order.review.v1")
                                                         : BYTES("order.confirmed.v1");
}

/* A pending report is noted on the order as a declined one is, but nothing was declined. */
static struct bytes attempt_type(const struct event *event)
{
    return event->fact.order.result == RESULT_PENDING ? BYTES("order.payment_pending.v1")
                                                      : BYTES("order.payment_declined.v1");
}

static struct bytes switch_type(uint8_t action)
{
    switch ((enum switch_action)action) {
    case SWITCH_RESUME:
        return BYTES("sale.resumed.v1");
    case SWITCH_PAUSE:
        return BYTES("sale.paused.v1");
    case SWITCH_FREEZE:
        return BYTES("sale.frozen.v1");
    case SWITCH_KILL:
        return BYTES("sale.killed.v1");
    }
    CHECK(!"every action is listed");
    return (struct bytes){0};
}

struct bytes payload_type(const struct event *event, uint32_t index)
{
    static const char *const types[] = {
        [EVENT_ORDER_CONFIRMED] = "order.confirmed.v1",
        [EVENT_ORDER_LINES_CANCELLED] = "order.lines_cancelled.v1",
        [EVENT_ORDER_CANCELLED] = "order.cancelled.v1",
        [EVENT_ORDER_EXPIRED] = "order.expired.v1",
        [EVENT_ORDER_REVIEW] = "order.review.v1",
        [EVENT_ORDER_REFUND_REQUIRED] = "order.refund_required.v1",
        [EVENT_ORDER_REFUNDED] = "order.refunded.v1",
        [EVENT_PAYMENT_UNMATCHED] = "payment.unmatched.v1",
        [EVENT_PRODUCT_SET] = "product.changed.v1",
        [EVENT_STOCK_ADJUSTED] = "stock.adjusted.v1",
        [EVENT_SALE_SET] = "sale.changed.v1",
        [EVENT_SALE_OPENED] = "sale.opened.v1",
        [EVENT_SALE_CLOSED] = "sale.closed.v1",
    };
    if (event->kind == EVENT_ORDER_PLACED)
        return placed_type(event, index);
    if (event->kind == EVENT_ORDER_PAYMENT_DECLINED)
        return attempt_type(event);
    if (event->kind == EVENT_SWITCH_SET)
        return switch_type(event->fact.switched.action);
    bool is_listed = event->kind < sizeof(types) / sizeof(types[0]) && types[event->kind] != NULL;
    return is_listed ? bytes_of_string(types[event->kind]) : (struct bytes){0};
}

/* Those whose fact is the sale as it is. */
static bool is_sale(enum event_kind kind)
{
    return kind == EVENT_SALE_SET || kind == EVENT_SALE_OPENED || kind == EVENT_SALE_CLOSED;
}

struct bytes payload_aggregate_type(const struct event *event)
{
    if (event_is_order(event->kind))
        return BYTES("order");
    if (event->kind == EVENT_PAYMENT_UNMATCHED)
        return BYTES("payment");
    if (event->kind == EVENT_PRODUCT_SET)
        return BYTES("product");
    if (event->kind == EVENT_STOCK_ADJUSTED)
        return BYTES("stock");
    CHECK(is_sale(event->kind) || event->kind == EVENT_SWITCH_SET);
    return BYTES("sale");
}

/* The name of the sale or the SKU. */
static struct bytes switch_subject(const struct event *event)
{
    if (event->fact.switched.scope == SCOPE_ALL)
        return BYTES("all");
    return event->text[event->fact.switched.scope == SCOPE_SALE ? TEXT_SALE : TEXT_SKU];
}

struct bytes payload_aggregate_id(const struct event *event, char scratch[JSON_UUID_SIZE])
{
    if (event->kind == EVENT_PRODUCT_SET || event->kind == EVENT_STOCK_ADJUSTED)
        return event->text[TEXT_SKU];
    if (is_sale(event->kind))
        return event->text[TEXT_SALE];
    if (event->kind == EVENT_SWITCH_SET)
        return switch_subject(event);
    bool unmatched = event->kind == EVENT_PAYMENT_UNMATCHED;
    CHECK(unmatched || event_is_order(event->kind));
    json_format_uuid(scratch, unmatched ? event->fact.unmatched.order_id : event->fact.order.id);
    return bytes_of(scratch, JSON_UUID_SIZE);
}

void payload_id(uint8_t id[16], uint16_t node, uint16_t shard, uint64_t seq)
{
    const uint8_t version = 0x80, variant = 0x80;
    CHECK(seq >> 62 == 0);
    memset(id, 0, 16);
    id[0] = 'h';
    id[1] = 's';
    id[2] = (uint8_t)(node >> 8);
    id[3] = (uint8_t)node;
    id[4] = (uint8_t)(shard >> 8);
    id[5] = (uint8_t)shard;
    id[6] = version;
    for (uint32_t i = 0; i < 8; i++)
        id[15 - i] = (uint8_t)(seq >> (8 * i));
    id[8] |= variant;
}

int64_t payload_wall_ms(const struct event *event)
{
    if (event_is_order(event->kind))
        return event->fact.order.now_wall_ms;
    if (event->kind == EVENT_PAYMENT_UNMATCHED)
        return event->fact.unmatched.now_wall_ms;
    if (event->kind == EVENT_PRODUCT_SET)
        return event->fact.product.now_wall_ms;
    if (event->kind == EVENT_STOCK_ADJUSTED)
        return event->fact.stock.now_wall_ms;
    if (event->kind == EVENT_SWITCH_SET)
        return event->fact.switched.now_wall_ms;
    if (event->kind == EVENT_ORDER_IMAGE)
        return event->fact.order_image.order.now_wall_ms;
    if (event->kind == EVENT_PRODUCT_IMAGE)
        return event->fact.product.now_wall_ms;
    CHECK(is_sale(event->kind));
    return event->fact.sale.now_wall_ms;
}

uint32_t payload_order_version(const struct event *event, uint32_t index)
{
    CHECK(event_is_order(event->kind));
    CHECK(index < event->stream_count);
    uint32_t after = event->stream_count - 1 - index;
    CHECK(event->fact.order.version > after);
    return event->fact.order.version - after;
}

static void put_unmatched(struct json_writer *json, const struct event *event)
{
    const struct fact_unmatched *report = &event->fact.unmatched;
    json_put_member_uuid(json, "order_id", report->order_id);
    json_put_member_string(json, "provider", event->text[TEXT_PROVIDER]);
    json_put_member_string(json, "payment_id", event->text[TEXT_PAYMENT_ID]);
    json_put_member_string_or_null(json, "result", payload_result_name(report->result));
    json_put_member_string_or_null(json, "refund_id", event->text[TEXT_REFUND_ID]);
    json_put_member_integer(json, "amount", report->amount);
    json_put_member_currency(json, "currency", report->currency);
}

void payload_put_prices(struct json_writer *json, const struct fact_product *product)
{
    json_open_object(json);
    for (uint32_t i = 0; i < product->price_count; i++) {
        char code[4] = {0};
        memcpy(code, product->prices[i].currency, 3);
        json_put_member_integer(json, code, product->prices[i].amount);
    }
    json_close_object(json);
}

struct bytes payload_reserve_name(uint8_t reserve_on)
{
    if (reserve_on == RESERVE_UNSET)
        return (struct bytes){0};
    return reserve_on == RESERVE_CART ? BYTES("cart") : BYTES("checkout");
}

static void put_product(struct json_writer *json, const struct event *event)
{
    const struct fact_product *product = &event->fact.product;
    json_put_member_string(json, "sku", event->text[TEXT_SKU]);
    json_put_member_string(json, "title", event->text[TEXT_TITLE]);
    json_put_member_string_or_null(json, "category", event->text[TEXT_CATEGORY]);
    json_put_member_string_or_null(json, "seller", event->text[TEXT_SELLER]);
    json_put_member_string_or_null(json, "sale", event->text[TEXT_SALE]);
    json_put_member_string_or_null(json, "group", event->text[TEXT_GROUP]);
    json_put_member_string_or_null(json, "option", event->text[TEXT_OPTION]);
    json_put_member_string_or_null(json, "image", event->text[TEXT_IMAGE]);
    json_put_member_currency(json, "currency", product->prices[0].currency);
    json_put_member_integer(json, "price", product->prices[0].amount);
    json_put_name(json, "prices");
    payload_put_prices(json, product);
    json_put_member_integer(json, "max_per_customer", product->max_per_customer);
    json_put_member_integer(json, "hold_seconds", product->hold_seconds);
    json_put_member_string_or_null(json, "reserve_on", payload_reserve_name(product->reserve_on));
    json_put_member_time(json, "starts_at", product->starts_wall_ms);
    json_put_member_time(json, "ends_at", product->ends_wall_ms);
    json_put_member_integer(json, "version", product->version);
    json_put_member_boolean(json, "created", product->created != 0);
    json_put_member_integer(json, "allotment_added", product->allotment);
    json_put_member_string_or_null(json, "actor", event->text[TEXT_ACTOR]);
}

static void put_stock(struct json_writer *json, const struct event *event)
{
    const struct fact_stock *stock = &event->fact.stock;
    json_put_member_string(json, "sku", event->text[TEXT_SKU]);
    json_put_member_integer(json, "delta", stock->delta);
    json_put_member_integer(json, "allotment", stock->allotment);
    json_put_member_integer(json, "available", stock->available);
    json_put_member_integer(json, "held", stock->held);
    json_put_member_integer(json, "sold", stock->sold);
    json_put_member_string_or_null(json, "actor", event->text[TEXT_ACTOR]);
    json_put_member_string_or_null(json, "reason", event->text[TEXT_REASON]);
}

static void put_sale(struct json_writer *json, const struct event *event)
{
    const struct sale sale = sale_of(&event->fact.sale);
    sale_json_put_members(json, event->text[TEXT_SALE], &sale);
    json_put_member_string_or_null(json, "actor", event->text[TEXT_ACTOR]);
}

static void put_switch(struct json_writer *json, const struct event *event)
{
    uint8_t text[SWITCH_SCOPE_SIZE_MAX];
    uint32_t size = switches_scope_text(event->fact.switched.scope, switch_subject(event), text);
    json_put_member_string(json, "scope", bytes_of(text, size));
    json_put_member_string(json, "state", switches_name(event->fact.switched.state));
    json_put_member_string_or_null(json, "actor", event->text[TEXT_ACTOR]);
}

/* An order's are many, the others few: where they stand in the stream comes last in those. */
static void put_data(
    struct json_writer *json, const struct event *event, const struct payload_place *place)
{
    if (event_is_order(event->kind)) {
        payload_order_put(json, event, place);
        return;
    }
    if (event->kind == EVENT_PAYMENT_UNMATCHED)
        put_unmatched(json, event);
    else if (event->kind == EVENT_PRODUCT_SET)
        put_product(json, event);
    else if (event->kind == EVENT_STOCK_ADJUSTED)
        put_stock(json, event);
    else if (event->kind == EVENT_SWITCH_SET)
        put_switch(json, event);
    else
        put_sale(json, event);
    json_put_member_integer(json, "node", place->node);
    json_put_member_integer(json, "shard", place->shard);
    json_put_member_integer(json, "seq", (int64_t)(event->stream_seq + place->index));
}

static void put_source(struct json_writer *json, const struct payload_place *place)
{
    uint8_t text[32];
    struct json_writer source = json_writer_of(text, sizeof(text));
    json_put_raw(&source, BYTES("hotshelf/"));
    source.comma = false;
    json_put_integer(&source, place->node);
    source.comma = false;
    json_put_raw(&source, BYTES("/"));
    source.comma = false;
    json_put_integer(&source, place->shard);
    json_put_member_string(json, "source", json_bytes(&source));
}

/* CloudEvents' attributes, ours among them (node, shard, seq), around the data. */
static void put_envelope(struct json_writer *json, const struct event *event,
    const struct payload_place *place, bool with_data)
{
    CHECK(event->stream_seq > 0);
    CHECK(place->index < event->stream_count);
    uint8_t id[16];
    char scratch[JSON_UUID_SIZE];
    payload_id(id, place->node, place->shard, event->stream_seq + place->index);
    json_open_object(json);
    json_put_member_uuid(json, "id", id);
    json_put_member_integer(json, "seq", (int64_t)(event->stream_seq + place->index));
    json_put_name(json, "data");
    if (with_data) {
        json_open_object(json);
        put_data(json, event, place);
        json_close_object(json);
    } else {
        json_put_null(json);
    }
    json_put_member_integer(json, "node", place->node);
    json_put_member_time(json, "time", payload_wall_ms(event));
    json_put_member_string(json, "type", payload_type(event, place->index));
    json_put_member_integer(json, "shard", place->shard);
    put_source(json, place);
    json_put_member_string(json, "subject", payload_aggregate_id(event, scratch));
    json_put_member_string(json, "specversion", BYTES("1.0"));
    json_put_member_string(json, "datacontenttype", BYTES("application/json"));
    json_close_object(json);
}

void payload_put(
    struct json_writer *json, const struct event *event, const struct payload_place *place)
{
    put_envelope(json, event, place, true);
}

void payload_put_refused(
    struct json_writer *json, const struct event *event, const struct payload_place *place)
{
    put_envelope(json, event, place, false);
}
