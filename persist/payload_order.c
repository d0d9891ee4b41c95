/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The members of a reply (core/order_json.c) and some more, in the order in which jsonb keeps them:
 * the shorter name first, of one length as the bytes are. PostgreSQL sorts an object that is not in
 * that order, which took a quarter of its time for an event; who reads an event takes members by
 * name. Replies keep an order that is for people.
 */
#include "persist/payload_order.h"

#include "core/order_json.h"
#include "core/view.h"

static void put_line(struct json_writer *json, const struct event_line *line, uint32_t number,
    const struct line_names *names)
{
    json_open_object(json);
    json_put_member_string(json, "sku", names->sku);
    json_put_member_integer(json, "line", number);
    json_put_member_string_or_null(json, "sale", names->sale);
    json_put_member_string_or_null(json, "seller", names->seller);
    json_put_member_integer(json, "quantity", line->quantity);
    json_put_member_integer(json, "cancelled", line->cancelled);
    json_put_member_integer(json, "line_total", order_json_line_total(line));
    json_put_member_integer(json, "unit_price", line->unit_price);
    json_close_object(json);
}

static void put_payment(struct json_writer *json, const struct event *event)
{
    const struct fact_order *order = &event->fact.order;
    json_put_name(json, "payment");
    json_open_object(json);
    json_put_member_string(json, "mode", payload_mode_name(order->mode));
    json_put_member_string_or_null(json, "token", event->text[TEXT_TOKEN]);
    json_put_name(json, "amount");
    if (order->result != RESULT_NONE)
        json_put_integer(json, order->amount);
    else
        json_put_null(json);
    json_put_member_string_or_null(json, "result", payload_result_name(order->result));
    json_put_member_string_or_null(json, "provider", event->text[TEXT_PROVIDER]);
    json_put_member_string_or_null(json, "refund_id", event->text[TEXT_REFUND_ID]);
    json_put_member_string_or_null(json, "payment_id", event->text[TEXT_PAYMENT_ID]);
    json_close_object(json);
}

/* Names of up to seven bytes. */
static void put_first(struct json_writer *json, const struct event *event,
    const struct payload_place *place, uint32_t version)
{
    const struct fact_order *order = &event->fact.order;
    json_put_member_uuid(json, "id", order->id);
    json_put_member_integer(json, "seq", (int64_t)(event->stream_seq + place->index));
    json_put_member_integer(json, "node", place->node);
    json_put_member_integer(json, "paid", order->paid);
    json_put_member_string_or_null(json, "sale", order_json_sale(event));
    json_put_member_string_or_null(json, "actor", event->text[TEXT_ACTOR]);
    order_json_put_lines(json, event, put_line);
    json_put_member_integer(json, "shard", place->shard);
    json_put_member_integer(json, "total", order->total);
    json_put_member_string_or_null(json, "reason", event->text[TEXT_REASON]);
    json_put_member_string(json, "status", order_status_name(order->status));
    json_put_member_time(json, "paid_at", order->paid_wall_ms);
    put_payment(json, event);
    json_put_member_integer(json, "version", version);
}

void payload_order_put(
    struct json_writer *json, const struct event *event, const struct payload_place *place)
{
    const struct fact_order *order = &event->fact.order;
    uint32_t version = payload_order_version(event, place->index);
    put_first(json, event, place, version);
    json_put_member_currency(json, "currency", order->currency);
    json_put_member_string(json, "customer", event->text[TEXT_CUSTOMER]);
    json_put_member_boolean(json, "reclaimed", order->reclaimed != 0);
    json_put_member_time(json, "created_at", order->created_wall_ms);
    json_put_member_raw(json, "references", order_json_references(event));
    json_put_member_integer(json, "refund_due", order->refund_due);
    json_put_member_raw(json, "adjustments", order_json_adjustments(event));
    json_put_member_integer(json, "items_total", order->items_total);
    json_put_member_time(json, "cancel_until", order->cancel_until_wall_ms);
    json_put_member_time(json, "confirmed_at", order->confirmed_wall_ms);
    json_put_member_integer(json, "order_version", version);
    json_put_member_time(json, "payment_due_at", order->payment_due_wall_ms);
    json_put_member_string_or_null(json, "idempotency_key", event->text[TEXT_KEY]);
}
