/* SPDX-License-Identifier: Apache-2.0 */
#include "core/check.h"
#include "core/order_json.h"
#include "net/http/render.h"

enum { LIST_END_SIZE = 64 }; /* what stands behind the last order of a list */

static void put_reservation(
    struct http_context *context, struct json_writer *json, const struct cart_line_view *line)
{
    static const char *const states[] = {
        [LINE_NONE] = "none", [LINE_HELD] = "held", [LINE_EXPIRED] = "expired"};
    CHECK(line->state <= LINE_EXPIRED);
    uint64_t now = context->now.shelf_ms;
    bool live = line->state == LINE_HELD && line->deadline_shelf_ms > now;
    json_put_name(json, "reservation");
    json_open_object(json);
    bool frozen = live && context->now.frozen;
    json_put_member_string(json, "state", bytes_of_string(frozen ? "frozen" : states[line->state]));
    json_put_member_time(
        json, "expires_at", live ? http_wall_of(context, line->deadline_shelf_ms) : 0);
    json_put_name(json, "expires_in_ms");
    if (live)
        json_put_integer(json, (int64_t)(line->deadline_shelf_ms - now));
    else
        json_put_null(json);
    json_put_member_integer(json, "extensions_left", line->extensions_left);
    json_close_object(json);
}

static void put_cart_line(
    struct http_context *context, struct json_writer *json, const struct cart_line_view *line)
{
    json_open_object(json);
    json_put_member_string(json, "sku", line->sku);
    json_put_member_integer(json, "quantity", line->quantity);
    json_put_member_integer(json, "unit_price", line->unit_price);
    json_put_member_integer(json, "line_total", line->line_total);
    put_reservation(context, json, line);
    json_close_object(json);
}

void render_cart_members(
    struct http_context *context, struct json_writer *json, const struct cart_view *cart)
{
    json_put_name(json, "currency");
    if (cart->currency[0] != 0)
        json_put_currency(json, cart->currency);
    else
        json_put_null(json);
    json_put_name(json, "lines");
    json_open_array(json);
    for (uint32_t i = 0; i < cart->line_count; i++)
        put_cart_line(context, json, &cart->lines[i]);
    json_close_array(json);
    json_put_member_integer(json, "items_total", cart->items_total);
    json_put_member_integer(json, "version", cart->version);
}

/* What a merge could not keep of the guest's. */
static void put_dropped(struct json_writer *json, const struct answer *answer)
{
    json_put_name(json, "dropped");
    json_open_array(json);
    for (uint32_t i = 0; i < answer->line_count; i++) {
        const struct answer_line *line = &answer->lines[i];
        json_open_object(json);
        json_put_member_string(json, "sku", line->sku);
        json_put_member_integer(json, "quantity", line->quantity);
        json_put_member_string(json, "code", render_code_of(line->outcome));
        json_close_object(json);
    }
    json_close_array(json);
}

void render_cart(struct http_context *context, const struct engine *engine, struct request *request,
    const struct answer *answer)
{
    struct cart_view cart;
    struct json_writer json = head_body(request);
    engine_cart(engine, answer->customer_index, &cart);
    json_open_object(&json);
    render_cart_members(context, &json, &cart);
    if (request->work->command.kind == COMMAND_CART_MERGE)
        put_dropped(&json, answer);
    json_close_object(&json);
    struct head head = {.status = 200, .etag = HEAD_ETAG_VERSION, .etag_hash = cart.version};
    render_end(context, request, &json, head);
}

/* An order's payment is due at a time only while it waits for it. */
static int64_t payment_due(const struct http_context *context, const struct fact_order *order)
{
    return http_wall_of(context, order->payment_due_shelf_ms);
}

void render_order(struct http_context *context, const struct engine *engine,
    struct request *request, const struct answer *answer)
{
    struct event room;
    bool checkout = request->work->command.kind == COMMAND_CHECKOUT;
    const struct event *event =
        engine_order_of(engine, answer, checkout && answer->replayed, &room);
    const struct fact_order *order = &event->fact.order;
    int64_t due_ms = checkout ? http_first_due(order) : payment_due(context, order);
    struct json_writer json = head_body(request);
    json_open_object(&json);
    order_json_put_members(&json, event, order->version, due_ms);
    json_close_object(&json);
    struct head head = {
        .status = checkout ? 201 : 200,
        .replayed = answer->replayed,
        .location_order = checkout ? order->id : NULL,
    };
    render_end(context, request, &json, head);
}

bool render_is_recorded(const struct answer *answer)
{
    return answer->outcome == OUTCOME_OK || answer->outcome == OUTCOME_REFUND_REQUIRED ||
           answer->outcome == OUTCOME_ARCHIVED;
}

static struct bytes recorded_as(const struct answer *answer)
{
    if (answer->outcome == OUTCOME_REFUND_REQUIRED)
        return BYTES("refund_required");
    if (answer->outcome == OUTCOME_ARCHIVED)
        return BYTES("archived");
    return answer->replayed ? BYTES("replayed") : BYTES("recorded");
}

/* Of an order that is kept in the archive only no status is known here. */
void render_payment_event(struct http_context *context, const struct engine *engine,
    struct request *request, const struct answer *answer)
{
    struct json_writer json = head_body(request);
    struct bytes status = {0};
    CHECK(render_is_recorded(answer));
    if (answer->order_index != UINT32_MAX && answer->outcome != OUTCOME_ARCHIVED) {
        struct event event;
        engine_order_image(engine, answer->order_index, false, &event);
        status = order_status_name(event.fact.order.status);
    }
    json_open_object(&json);
    json_put_member_uuid(&json, "order_id", request->work->command.order_id);
    json_put_member_string_or_null(&json, "status", status);
    json_put_member_string(&json, "outcome", recorded_as(answer));
    json_close_object(&json);
    render_end(context, request, &json, (struct head){.status = 200, .replayed = answer->replayed});
}

static void put_order_item(
    struct http_context *context, struct json_writer *json, const struct event *event)
{
    const struct fact_order *order = &event->fact.order;
    struct bytes adjustments = event->text[TEXT_ADJUSTMENTS];
    struct bytes references = event->text[TEXT_REFERENCES];
    json_open_object(json);
    json_put_member_uuid(json, "id", order->id);
    json_put_member_string(json, "status", order_status_name(order->status));
    json_put_member_integer(json, "version", order->version);
    json_put_member_string(json, "customer", event->text[TEXT_CUSTOMER]);
    json_put_member_string_or_null(json, "sale", order_json_sale(event));
    json_put_member_currency(json, "currency", order->currency);
    json_put_member_raw(json, "adjustments", adjustments.size > 0 ? adjustments : BYTES("[]"));
    json_put_member_integer(json, "items_total", order->items_total);
    json_put_member_integer(json, "total", order->total);
    json_put_member_integer(json, "paid", order->paid);
    json_put_member_integer(json, "refund_due", order->refund_due);
    json_put_member_time(json, "payment_due_at", payment_due(context, order));
    json_put_member_time(json, "cancel_until", order->cancel_until_wall_ms);
    json_put_member_boolean(json, "reclaimed", order->reclaimed != 0);
    json_put_member_raw(json, "references", references.size > 0 ? references : BYTES("{}"));
    json_put_member_time(json, "created_at", order->created_wall_ms);
    json_put_member_time(json, "confirmed_at", order->confirmed_wall_ms);
    json_close_object(json);
}

void render_order_cursor(struct json_writer *json, const uint8_t cursor[16])
{
    json_put_name(json, "next_cursor");
    if (order_id_is_none(cursor))
        json_put_null(json);
    else
        json_put_uuid(json, cursor);
}

/* Writes the order the cursor stands at; false when there is none, or no room for it: then nothing
 * is written and the cursor stays. */
static bool put_next_order(struct http_context *context, const struct engine *engine,
    const struct answer *answer, const struct command *command, struct json_writer *json,
    uint8_t cursor[16])
{
    const struct json_writer before = *json;
    uint8_t next[16];
    uint32_t order_index;
    memcpy(next, cursor, sizeof(next));
    if (engine_orders_of(engine, answer->customer_index, command->from_wall_ms, command->to_wall_ms,
            next, 1, &order_index) == 0) {
        memset(cursor, 0, sizeof(next));
        return false;
    }
    struct event event;
    engine_order_image(engine, order_index, false, &event);
    put_order_item(context, json, &event);
    bool fits = !json->overflow && json->size_max - json->size > LIST_END_SIZE;
    if (fits)
        memcpy(cursor, next, sizeof(next));
    else
        *json = before;
    json->overflow = !fits;
    return fits;
}

/* A small reply that cannot hold the page comes back for a large one; a large one ends early. */
void render_orders(struct http_context *context, const struct engine *engine,
    struct request *request, const struct answer *answer)
{
    const struct command *command = &request->work->command;
    struct json_writer json = head_body(request);
    uint8_t cursor[16];
    memcpy(cursor, command->order_id, sizeof(cursor));
    uint32_t left = command->limit;
    json_open_object(&json);
    json_put_name(&json, "items");
    json_open_array(&json);
    while (left > 0 && put_next_order(context, engine, answer, command, &json, cursor)) {
        left--;
        if (order_id_is_none(cursor))
            break;
    }
    if (json.overflow && request->large != 0)
        json.overflow = false;
    json_close_array(&json);
    render_order_cursor(&json, cursor);
    json_close_object(&json);
    render_end(context, request, &json, (struct head){.status = 200});
}
