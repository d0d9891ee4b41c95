/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was found stands at the end of the same buffer in which the reply is written from the front;
 * the largest page of each list leaves room for the largest reply of it.
 */
#include "core/check.h"
#include "core/look.h"
#include "net/http/render.h"

enum {
    CUSTOMER_TEXT = 2 * CUSTOMER_SIZE_MAX, /* quotes and backslashes are escaped */
    ORDER_ITEM_SIZE_MAX = 512 + CUSTOMER_TEXT,
    RESERVATION_SIZE_MAX = 384 + CUSTOMER_TEXT + 2 * SKU_SIZE_MAX,
    VIOLATION_SIZE_MAX = 256 + 2 * SKU_SIZE_MAX,
    LIST_FRAME_SIZE = 1024,
    CUSTOMER_ORDERS_MAX = 50,
    ROOM = REQUEST_REPLY_LARGE - REQUEST_HEAD_SIZE - (int)sizeof(struct look) - 64,
};

_Static_assert(LIST_FRAME_SIZE + LOOK_ORDERS_MAX * ORDER_ITEM_SIZE_MAX <=
                   ROOM - LOOK_ORDERS_MAX * (int)sizeof(struct look_order),
    "a page of orders and its reply");
_Static_assert(LIST_FRAME_SIZE + LOOK_RESERVATIONS_MAX * RESERVATION_SIZE_MAX <=
                   ROOM - LOOK_RESERVATIONS_MAX * (int)sizeof(struct look_reservation),
    "a page of reservations and its reply");
_Static_assert(LIST_FRAME_SIZE + LOOK_VIOLATIONS_MAX * VIOLATION_SIZE_MAX <=
                   ROOM - LOOK_SKUS * (int)sizeof(struct look_sum),
    "an audit and its reply");

static void put_order_summary(
    struct http_context *context, struct json_writer *json, const struct look_order *order)
{
    json_open_object(json);
    json_put_member_uuid(json, "id", order->id);
    json_put_member_string(json, "status", order_status_name(order->status));
    json_put_member_integer(json, "version", order->version);
    json_put_member_string(json, "customer", bytes_of(order->customer, order->customer_size));
    json_put_member_string(json, "payment_mode",
        order->mode == PAYMENT_DEFERRED ? BYTES("deferred") : BYTES("external"));
    json_put_member_currency(json, "currency", order->currency);
    json_put_member_integer(json, "line_count", order->line_count);
    json_put_member_integer(json, "items_total", order->items_total);
    json_put_member_integer(json, "total", order->total);
    json_put_member_integer(json, "paid", order->paid);
    json_put_member_integer(json, "refund_due", order->refund_due);
    json_put_member_time(
        json, "payment_due_at", http_wall_of(context, order->payment_due_shelf_ms));
    json_put_member_time(json, "created_at", order->created_wall_ms);
    json_put_member_time(json, "confirmed_at", order->confirmed_wall_ms);
    json_close_object(json);
}

static struct json_writer begin_list(struct request *request, const void *found)
{
    struct json_writer json = head_body(request);
    json.size_max = (uint32_t)((const uint8_t *)found - json.data);
    json_open_object(&json);
    json_put_name(&json, "items");
    json_open_array(&json);
    return json;
}

void render_orders_found(struct http_context *context, struct request *request)
{
    const struct look *look = look_of(&request->work->command);
    const struct look_order *orders = look_orders(&request->work->command);
    struct json_writer json = begin_list(request, orders);
    uint8_t cursor[16] = {0};
    if (look->more)
        memcpy(cursor, orders[look->found - 1].id, sizeof(cursor));
    for (uint32_t i = 0; i < look->found; i++)
        put_order_summary(context, &json, &orders[i]);
    json_close_array(&json);
    render_order_cursor(&json, cursor);
    json_close_object(&json);
    CHECK(!json.overflow);
    render_end(context, request, &json, (struct head){.status = 200});
}

static struct bytes sku_of(const struct http_context *context, uint32_t sku_number)
{
    const struct catalog *catalog = &context->shelf->catalog;
    uint32_t sku_index = catalog_find_number(catalog, sku_number);
    return sku_index == SKU_NONE ? BYTES("?") : catalog_sku(catalog, sku_index);
}

static void put_found_reservation(struct http_context *context, struct json_writer *json,
    const struct look_reservation *reservation)
{
    bool in_cart = order_id_is_none(reservation->order_id);
    struct bytes kind = in_cart                  ? BYTES("cart")
                        : reservation->in_review ? BYTES("review")
                                                 : BYTES("payment");
    uint64_t now = context->now.shelf_ms, deadline = reservation->deadline_shelf_ms;
    json_open_object(json);
    json_put_member_string(json, "sku", sku_of(context, reservation->sku_number));
    json_put_member_string(
        json, "customer", bytes_of(reservation->customer, reservation->customer_size));
    json_put_member_string(json, "held_for", kind);
    if (!in_cart)
        json_put_member_uuid(json, "order_id", reservation->order_id);
    json_put_member_integer(json, "quantity", reservation->quantity);
    json_put_member_integer(json, "unit_price", reservation->unit_price);
    json_put_member_currency(json, "currency", reservation->currency);
    json_put_member_time(json, "expires_at", http_wall_of(context, deadline));
    json_put_member_integer(json, "expires_in_ms", deadline > now ? (int64_t)(deadline - now) : 0);
    json_close_object(json);
}

void render_reservations(struct http_context *context, struct request *request)
{
    const struct look *look = look_of(&request->work->command);
    const struct look_reservation *found = look_reservations(&request->work->command);
    struct json_writer json = begin_list(request, found);
    uint64_t cursor = look->more ? look_cursor(look) : 0;
    for (uint32_t i = 0; i < look->found; i++)
        put_found_reservation(context, &json, &found[i]);
    json_close_array(&json);
    json_put_member_cursor(&json, "next_cursor", cursor);
    json_close_object(&json);
    CHECK(!json.overflow);
    render_end(context, request, &json, (struct head){.status = 200});
}

static void put_customer_orders(struct http_context *context, const struct engine *engine,
    struct json_writer *json, uint32_t customer_index)
{
    uint32_t indexes[CUSTOMER_ORDERS_MAX];
    uint8_t cursor[16] = {0};
    uint32_t count =
        engine_orders_of(engine, customer_index, 0, 0, cursor, CUSTOMER_ORDERS_MAX, indexes);
    json_put_name(json, "orders");
    json_open_array(json);
    for (uint32_t i = 0; i < count; i++) {
        struct look_order order;
        look_order_at(engine, indexes[i], &order);
        put_order_summary(context, json, &order);
    }
    json_close_array(json);
}

void render_customer(struct http_context *context, const struct engine *engine,
    struct request *request, const struct answer *answer)
{
    struct cart_view cart;
    struct json_writer json = head_body(request);
    CHECK(answer->customer_index != UINT32_MAX);
    json_open_object(&json);
    json_put_member_string(&json, "customer", request->work->command.customer);
    json_put_member_integer(&json, "shard", context->shard);
    json_put_name(&json, "cart");
    json_open_object(&json);
    engine_cart(engine, answer->customer_index, &cart);
    render_cart_members(context, &json, &cart);
    json_close_object(&json);
    put_customer_orders(context, engine, &json, answer->customer_index);
    json_close_object(&json);
    render_end(context, request, &json, (struct head){.status = 200});
}

static void put_violation(const struct http_context *context, struct json_writer *json,
    const struct look_violation *violation)
{
    json_open_object(json);
    json_put_member_string(
        json, "sku", catalog_sku(&context->shelf->catalog, violation->sku_index));
    json_put_member_integer(json, "allotment", violation->allotment);
    json_put_member_integer(json, "available", violation->available);
    json_put_member_integer(json, "held", violation->held);
    json_put_member_integer(json, "sold", violation->sold);
    json_put_member_integer(json, "held_by_tables", violation->held_by_tables);
    json_put_member_integer(json, "sold_by_tables", violation->sold_by_tables);
    json_close_object(json);
}

void render_audit(struct http_context *context, struct request *request)
{
    const struct look *look = look_of(&request->work->command);
    uint32_t shown = look->violation_count;
    if (shown > LOOK_VIOLATIONS_MAX)
        shown = LOOK_VIOLATIONS_MAX;
    struct json_writer json = head_body(request);
    json.size_max = (uint32_t)((const uint8_t *)look - json.data);
    json_open_object(&json);
    json_put_member_boolean(&json, "clean", look->violation_count == 0);
    json_put_member_integer(&json, "checked", look->checked);
    json_put_member_integer(&json, "unsettled", look->unsettled);
    json_put_member_integer(&json, "violation_count", look->violation_count);
    json_put_name(&json, "violations");
    json_open_array(&json);
    for (uint32_t i = 0; i < shown; i++)
        put_violation(context, &json, &look->violations[i]);
    json_close_array(&json);
    json_close_object(&json);
    CHECK(!json.overflow);
    render_end(context, request, &json, (struct head){.status = 200});
}
