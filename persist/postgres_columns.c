/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each table is a list that reads like its definition in schema.sql. COLUMN makes the function
 * behind one entry: `row` and `batch` in its value are that function's arguments, `type` says which
 * postgres_array_ function takes the value.
 */
#include "persist/postgres_columns.h"

#include "core/json_writer.h"
#include "core/order_json.h"
#include "core/view.h"
#include "persist/order_kept.h"
#include "persist/payload.h"

#define COLUMN(function, type, value)                                                              \
    static void function(struct postgres_array *array, const struct stream_row *row,               \
        const struct stream_batch *batch)                                                          \
    {                                                                                              \
        (void)row;                                                                                 \
        (void)batch;                                                                               \
        postgres_array_##type(array, value);                                                       \
    }

static const struct fact_order *order_of(const struct stream_row *row)
{
    return &row->event->fact.order;
}

static const struct fact_product *product_of(const struct stream_row *row)
{
    return &row->event->fact.product;
}

static const struct event_line *line_of(const struct stream_row *row)
{
    return &row->event->lines[row->index];
}

static struct bytes text_of(const struct stream_row *row, enum event_text text)
{
    return row->event->text[text];
}

/* What only the event that placed the order carries; a row of a later batch leaves it as it is. */
static struct bytes text_of_birth(const struct stream_row *row, enum event_text text)
{
    return row->placed != NULL ? row->placed->text[text] : (struct bytes){0};
}

static struct bytes request_of_birth(const struct stream_row *row)
{
    if (row->placed == NULL)
        return (struct bytes){0};
    const struct hash128 *request = &row->placed->fact.order.request_hash;
    return bytes_of(request, sizeof(*request));
}

/* How long after a moment the deadline is; 0: there is none, or it has passed. */
static uint64_t after(uint64_t moment_ms, uint64_t deadline_ms)
{
    return deadline_ms > moment_ms ? deadline_ms - moment_ms : 0;
}

static struct bytes json_of(const struct stream_row *row, enum event_text text, struct bytes empty)
{
    struct bytes json = row->event->text[text];
    return json.size > 0 ? json : empty;
}

static struct bytes currency_of(const uint8_t currency[4])
{
    return bytes_of(currency, 3);
}

static bool is_order_image(const struct stream_row *row)
{
    return row->event->kind == EVENT_ORDER_IMAGE;
}

/* Of a record that is two stream events, the row stands for the state after the second; of an
 * order's image, after the last event of the order. */
static int64_t last_seq_of(const struct stream_row *row)
{
    if (is_order_image(row))
        return (int64_t)row->event->fact.order_image.stream_seq;
    return (int64_t)(row->event->stream_seq + row->event->stream_count - 1);
}

COLUMN(node, integer, batch->node)
COLUMN(shard, integer, batch->shard)
COLUMN(last_seq, bigint, last_seq_of(row))
COLUMN(occurred_at, time, payload_wall_ms(row->event))
COLUMN(sku, text, text_of(row, TEXT_SKU))

COLUMN(order_id, uuid, order_of(row)->id)
COLUMN(order_customer, text, text_of(row, TEXT_CUSTOMER))
COLUMN(order_sale, text_or_null, order_json_sale(row->event))
COLUMN(order_status, text, order_status_name(order_of(row)->status))
COLUMN(order_version, integer, (int32_t)order_of(row)->version)
COLUMN(order_currency, text, currency_of(order_of(row)->currency))
COLUMN(order_items_total, bigint, order_of(row)->items_total)
COLUMN(order_adjustments, jsonb, json_of(row, TEXT_ADJUSTMENTS, BYTES("[]")))
COLUMN(order_total, bigint, order_of(row)->total)
COLUMN(order_paid, bigint, order_of(row)->paid)
COLUMN(order_refund_due, bigint, order_of(row)->refund_due)
COLUMN(order_refs, jsonb, json_of(row, TEXT_REFERENCES, BYTES("{}")))
COLUMN(order_mode, text, payload_mode_name(order_of(row)->mode))
COLUMN(order_token, text_or_null, text_of_birth(row, TEXT_TOKEN))
COLUMN(order_provider, text_or_null, text_of(row, TEXT_PROVIDER))
COLUMN(order_payment_id, text_or_null, text_of(row, TEXT_PAYMENT_ID))
COLUMN(order_key, text_or_null, text_of_birth(row, TEXT_KEY))
COLUMN(order_reclaimed, boolean, order_of(row)->reclaimed != 0)
COLUMN(order_payment_due, time, order_of(row)->payment_due_wall_ms)
COLUMN(order_cancel_until, time, order_of(row)->cancel_until_wall_ms)
COLUMN(order_created, time, order_of(row)->created_wall_ms)
COLUMN(order_confirmed, time, order_of(row)->confirmed_wall_ms)
COLUMN(order_paid_at, time, order_of(row)->paid_wall_ms)
COLUMN(order_request, bytea_or_null, request_of_birth(row))
COLUMN(order_identities, bytea_or_null,
    is_order_image(row) ? text_of(row, TEXT_IDENTITIES) : text_of_birth(row, TEXT_IDENTITIES))
COLUMN(order_shelf, bigint, (int64_t)order_of(row)->now_shelf_ms)
COLUMN(order_due_shelf, bigint, (int64_t)order_of(row)->payment_due_shelf_ms)

static void order_kept(
    struct postgres_array *array, const struct stream_row *row, const struct stream_batch *batch)
{
    (void)batch;
    const struct fact_order *order = order_of(row);
    struct bytes adjustments = text_of(row, TEXT_ADJUSTMENTS_BORN);
    uint8_t bytes[sizeof(struct order_kept) + ADJUSTMENTS_SIZE_MAX];
    const struct order_kept kept = {
        .born_total = order->born_total,
        .born_due_ms = after(order->created_shelf_ms, order->born_due_shelf_ms),
        .due_ms = after(order->now_shelf_ms, order->payment_due_shelf_ms),
        .payment_seconds = order->payment_seconds,
        .status_born = order->status_born,
        .extended = order->extended,
        .adjusted = order->adjusted,
        .review_decision = order->review_decision,
    };
    memcpy(bytes, &kept, sizeof(kept));
    if (adjustments.size > 0)
        memcpy(bytes + sizeof(kept), adjustments.data, adjustments.size);
    postgres_array_bytea_or_null(array, bytes_of(bytes, (uint32_t)sizeof(kept) + adjustments.size));
}

const struct postgres_column postgres_columns_orders[] = {
    {"order_id", POSTGRES_UUID, order_id},
    {"node", POSTGRES_INTEGER, node},
    {"shard", POSTGRES_INTEGER, shard},
    {"seq", POSTGRES_BIGINT, last_seq},
    {"customer", POSTGRES_TEXT, order_customer},
    {"sale", POSTGRES_TEXT, order_sale},
    {"status", POSTGRES_TEXT, order_status},
    {"order_version", POSTGRES_INTEGER, order_version},
    {"currency", POSTGRES_TEXT, order_currency},
    {"items_total", POSTGRES_BIGINT, order_items_total},
    {"adjustments", POSTGRES_JSONB, order_adjustments},
    {"total", POSTGRES_BIGINT, order_total},
    {"paid", POSTGRES_BIGINT, order_paid},
    {"refund_due", POSTGRES_BIGINT, order_refund_due},
    {"refs", POSTGRES_JSONB, order_refs},
    {"payment_mode", POSTGRES_TEXT, order_mode},
    {"payment_token", POSTGRES_TEXT, order_token},
    {"provider", POSTGRES_TEXT, order_provider},
    {"payment_id", POSTGRES_TEXT, order_payment_id},
    {"idempotency_key", POSTGRES_TEXT, order_key},
    {"reclaimed", POSTGRES_BOOLEAN, order_reclaimed},
    {"payment_due_at", POSTGRES_TIMESTAMPTZ, order_payment_due},
    {"cancel_until", POSTGRES_TIMESTAMPTZ, order_cancel_until},
    {"created_at", POSTGRES_TIMESTAMPTZ, order_created},
    {"confirmed_at", POSTGRES_TIMESTAMPTZ, order_confirmed},
    {"paid_at", POSTGRES_TIMESTAMPTZ, order_paid_at},
    {"updated_at", POSTGRES_TIMESTAMPTZ, occurred_at},
    {"request_hash", POSTGRES_BYTEA, order_request},
    {"identities", POSTGRES_BYTEA, order_identities},
    {"kept", POSTGRES_BYTEA, order_kept},
    {"shelf_ms", POSTGRES_BIGINT, order_shelf},
    {"due_shelf_ms", POSTGRES_BIGINT, order_due_shelf},
    {0},
};

COLUMN(line_number, integer, (int32_t)row->index + 1)
COLUMN(line_sku, text, row->names.sku)
COLUMN(line_seller, text_or_null, row->names.seller)
COLUMN(line_sale, text_or_null, row->names.sale)
COLUMN(line_quantity, bigint, line_of(row)->quantity)
COLUMN(line_cancelled, bigint, line_of(row)->cancelled)
COLUMN(line_restocked, bigint, line_of(row)->restocked)
COLUMN(line_unit_price, bigint, line_of(row)->unit_price)
COLUMN(line_sku_number, bigint, line_of(row)->sku_number)
COLUMN(line_limit, bigint, line_of(row)->limit)
COLUMN(line_total, bigint, order_json_line_total(line_of(row)))

const struct postgres_column postgres_columns_lines[] = {
    {"order_id", POSTGRES_UUID, order_id},
    {"line", POSTGRES_INTEGER, line_number},
    {"sku", POSTGRES_TEXT, line_sku},
    {"seller", POSTGRES_TEXT, line_seller},
    {"sale", POSTGRES_TEXT, line_sale},
    {"quantity", POSTGRES_BIGINT, line_quantity},
    {"cancelled", POSTGRES_BIGINT, line_cancelled},
    {"restocked", POSTGRES_BIGINT, line_restocked},
    {"unit_price", POSTGRES_BIGINT, line_unit_price},
    {"line_total", POSTGRES_BIGINT, line_total},
    {"max_per_customer", POSTGRES_BIGINT, line_limit},
    {"sku_number", POSTGRES_BIGINT, line_sku_number},
    {0},
};

/* A report stands in an order's event, or in an event of its own when the order is long gone. */
static bool is_unmatched(const struct stream_row *row)
{
    return row->event->kind == EVENT_PAYMENT_UNMATCHED;
}

static const uint8_t *paid_order_of(const struct stream_row *row)
{
    return is_unmatched(row) ? row->event->fact.unmatched.order_id : order_of(row)->id;
}

static struct bytes result_of(const struct stream_row *row)
{
    if (is_order_image(row))
        return payload_result_name((uint8_t)row->index);
    return payload_result_name(
        is_unmatched(row) ? row->event->fact.unmatched.result : order_of(row)->result);
}

static struct bytes paid_currency_of(const struct stream_row *row)
{
    return currency_of(
        is_unmatched(row) ? row->event->fact.unmatched.currency : order_of(row)->currency);
}

/* What is authorized or captured is the order's total: an amount that differs is refused. */
static int64_t paid_amount_of(const struct stream_row *row)
{
    if (is_order_image(row))
        return order_of(row)->total;
    return is_unmatched(row) ? row->event->fact.unmatched.amount : order_of(row)->amount;
}

COLUMN(payment_order_id, uuid, paid_order_of(row))
COLUMN(payment_result, text, result_of(row))
COLUMN(payment_amount, bigint, paid_amount_of(row))
COLUMN(payment_currency, text, paid_currency_of(row))
COLUMN(payment_refund_id, text_or_null, text_of(row, TEXT_REFUND_ID))

const struct postgres_column postgres_columns_payments[] = {
    {"provider", POSTGRES_TEXT, order_provider},
    {"payment_id", POSTGRES_TEXT, order_payment_id},
    {"order_id", POSTGRES_UUID, payment_order_id},
    {"result", POSTGRES_TEXT, payment_result},
    {"amount", POSTGRES_BIGINT, payment_amount},
    {"currency", POSTGRES_TEXT, payment_currency},
    {"refund_id", POSTGRES_TEXT, payment_refund_id},
    {"occurred_at", POSTGRES_TIMESTAMPTZ, occurred_at},
    {"node", POSTGRES_INTEGER, node},
    {"shard", POSTGRES_INTEGER, shard},
    {"seq", POSTGRES_BIGINT, last_seq},
    {0},
};

const struct postgres_column postgres_columns_owners[] = {
    {"provider", POSTGRES_TEXT, order_provider},
    {"payment_id", POSTGRES_TEXT, order_payment_id},
    {"order_id", POSTGRES_UUID, payment_order_id},
    {0},
};

static void product_prices(
    struct postgres_array *array, const struct stream_row *row, const struct stream_batch *batch)
{
    (void)batch;
    uint8_t text[PRICES_MAX * 32 + 2];
    struct json_writer json = json_writer_of(text, sizeof(text));
    payload_put_prices(&json, product_of(row));
    postgres_array_jsonb(array, json_bytes(&json));
}

COLUMN(product_title, text, text_of(row, TEXT_TITLE))
COLUMN(product_category, text_or_null, text_of(row, TEXT_CATEGORY))
COLUMN(product_seller, text_or_null, text_of(row, TEXT_SELLER))
COLUMN(product_sale, text_or_null, text_of(row, TEXT_SALE))
COLUMN(product_group, text_or_null, text_of(row, TEXT_GROUP))
COLUMN(product_option, text_or_null, text_of(row, TEXT_OPTION))
COLUMN(product_image, text_or_null, text_of(row, TEXT_IMAGE))
COLUMN(product_currency, text, currency_of(product_of(row)->prices[0].currency))
COLUMN(product_price, bigint, product_of(row)->prices[0].amount)
COLUMN(product_limit, bigint, product_of(row)->max_per_customer)
COLUMN(product_hold, bigint, product_of(row)->hold_seconds)
COLUMN(product_reserve, text_or_null, payload_reserve_name(product_of(row)->reserve_on))
COLUMN(product_starts, time, product_of(row)->starts_wall_ms)
COLUMN(product_ends, time, product_of(row)->ends_wall_ms)
COLUMN(product_version, bigint, product_of(row)->version)
COLUMN(product_number, bigint, product_of(row)->sku_number)

const struct postgres_column postgres_columns_products[] = {
    {"sku", POSTGRES_TEXT, sku},
    {"node", POSTGRES_INTEGER, node},
    {"title", POSTGRES_TEXT, product_title},
    {"category", POSTGRES_TEXT, product_category},
    {"seller", POSTGRES_TEXT, product_seller},
    {"sale", POSTGRES_TEXT, product_sale},
    {"group", POSTGRES_TEXT, product_group},
    {"option", POSTGRES_TEXT, product_option},
    {"image", POSTGRES_TEXT, product_image},
    {"currency", POSTGRES_TEXT, product_currency},
    {"price", POSTGRES_BIGINT, product_price},
    {"prices", POSTGRES_JSONB, product_prices},
    {"max_per_customer", POSTGRES_BIGINT, product_limit},
    {"hold_seconds", POSTGRES_BIGINT, product_hold},
    {"reserve_on", POSTGRES_TEXT, product_reserve},
    {"starts_at", POSTGRES_TIMESTAMPTZ, product_starts},
    {"ends_at", POSTGRES_TIMESTAMPTZ, product_ends},
    {"version", POSTGRES_BIGINT, product_version},
    {"updated_at", POSTGRES_TIMESTAMPTZ, occurred_at},
    {"sku_number", POSTGRES_BIGINT, product_number},
    {0},
};

static bool is_new_product(const struct stream_row *row)
{
    return row->event->kind == EVENT_PRODUCT_SET;
}

COLUMN(movement_delta, bigint,
    is_new_product(row) ? (int64_t)product_of(row)->allotment : row->event->fact.stock.delta)
COLUMN(movement_allotment, bigint,
    is_new_product(row) ? product_of(row)->allotment : row->event->fact.stock.allotment)
COLUMN(movement_number, bigint,
    is_new_product(row) ? product_of(row)->sku_number : row->event->fact.stock.sku_number)
COLUMN(movement_actor, text_or_null, text_of(row, TEXT_ACTOR))
COLUMN(movement_reason, text_or_null,
    is_new_product(row) ? BYTES("new product") : text_of(row, TEXT_REASON))
COLUMN(movement_key, text_or_null, text_of(row, TEXT_KEY))

const struct postgres_column postgres_columns_movements[] = {
    {"node", POSTGRES_INTEGER, node},
    {"shard", POSTGRES_INTEGER, shard},
    {"seq", POSTGRES_BIGINT, last_seq},
    {"sku", POSTGRES_TEXT, sku},
    {"delta", POSTGRES_BIGINT, movement_delta},
    {"allotment", POSTGRES_BIGINT, movement_allotment},
    {"actor", POSTGRES_TEXT, movement_actor},
    {"reason", POSTGRES_TEXT, movement_reason},
    {"idempotency_key", POSTGRES_TEXT, movement_key},
    {"occurred_at", POSTGRES_TIMESTAMPTZ, occurred_at},
    {"sku_number", POSTGRES_BIGINT, movement_number},
    {0},
};

COLUMN(adopted_after, bigint, (int64_t)row->event->stream_seq)
COLUMN(adopted_allotment, bigint, product_of(row)->allotment)

const struct postgres_column postgres_columns_adopted[] = {
    {"node", POSTGRES_INTEGER, node},
    {"shard", POSTGRES_INTEGER, shard},
    {"number", POSTGRES_BIGINT, product_number},
    {"after", POSTGRES_BIGINT, adopted_after},
    {"sku", POSTGRES_TEXT, sku},
    {"allotment", POSTGRES_BIGINT, adopted_allotment},
    {"occurred_at", POSTGRES_TIMESTAMPTZ, occurred_at},
    {0},
};

static void outbox_id(
    struct postgres_array *array, const struct stream_row *row, const struct stream_batch *batch)
{
    uint8_t id[16];
    payload_id(id, batch->node, batch->shard, row->event->stream_seq + row->index);
    postgres_array_uuid(array, id);
}

static void outbox_aggregate_id(
    struct postgres_array *array, const struct stream_row *row, const struct stream_batch *batch)
{
    (void)batch;
    char scratch[JSON_UUID_SIZE];
    postgres_array_text(array, payload_aggregate_id(row->event, scratch));
}

/* Written in place: it is the largest value of all. */
static void outbox_payload(
    struct postgres_array *array, const struct stream_row *row, const struct stream_batch *batch)
{
    uint32_t room = 0;
    uint8_t *at = postgres_array_jsonb_open(array, &room);
    if (at == NULL)
        return;
    struct payload_place place = {batch->node, batch->shard, row->index};
    struct json_writer json = json_writer_of(at, room);
    if (batch->refused)
        payload_put_refused(&json, row->event, &place);
    else
        payload_put(&json, row->event, &place);
    if (json.overflow)
        array->overflow = true;
    else
        postgres_array_jsonb_close(array, json.size);
}

COLUMN(outbox_aggregate_type, text, payload_aggregate_type(row->event))
COLUMN(outbox_type, text, payload_type(row->event, row->index))
COLUMN(outbox_seq, bigint, (int64_t)(row->event->stream_seq + row->index))

const struct postgres_column postgres_columns_outbox[] = {
    {"id", POSTGRES_UUID, outbox_id},
    {"aggregatetype", POSTGRES_TEXT, outbox_aggregate_type},
    {"aggregateid", POSTGRES_TEXT, outbox_aggregate_id},
    {"type", POSTGRES_TEXT, outbox_type},
    {"payload", POSTGRES_JSONB, outbox_payload},
    {"node", POSTGRES_INTEGER, node},
    {"shard", POSTGRES_INTEGER, shard},
    {"seq", POSTGRES_BIGINT, outbox_seq},
    {"occurred_at", POSTGRES_TIMESTAMPTZ, occurred_at},
    {0},
};
