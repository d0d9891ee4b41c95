/* SPDX-License-Identifier: Apache-2.0 */
#include "core/order_json.h"

#include "core/check.h"
#include "core/view.h"

struct bytes order_json_sale(const struct event *event)
{
    struct bytes rest = event->text[TEXT_NAMES];
    struct line_names names;
    struct bytes sale = {0};
    for (uint32_t i = 0; i < event->line_count && line_names_next(&rest, &names); i++) {
        if (i > 0 && !bytes_equal(sale, names.sale))
            return (struct bytes){0};
        sale = names.sale;
    }
    return sale;
}

int64_t order_json_line_total(const struct event_line *line)
{
    int64_t line_total = 0;
    bool too_large = __builtin_mul_overflow((int64_t)line->quantity, line->unit_price, &line_total);
    CHECK(!too_large); /* decide refuses such a total */
    return line_total;
}

static void put_line(struct json_writer *json, const struct event_line *line, uint32_t number,
    const struct line_names *names)
{
    json_open_object(json);
    json_put_member_integer(json, "line", number);
    json_put_member_string(json, "sku", names->sku);
    json_put_member_string_or_null(json, "seller", names->seller);
    json_put_member_string_or_null(json, "sale", names->sale);
    json_put_member_integer(json, "quantity", line->quantity);
    json_put_member_integer(json, "cancelled", line->cancelled);
    json_put_member_integer(json, "unit_price", line->unit_price);
    json_put_member_integer(json, "line_total", order_json_line_total(line));
    json_close_object(json);
}

void order_json_put_lines(
    struct json_writer *json, const struct event *event, order_json_put_line *put_line_of)
{
    struct bytes rest = event->text[TEXT_NAMES];
    json_put_name(json, "lines");
    json_open_array(json);
    for (uint32_t i = 0; i < event->line_count; i++) {
        struct line_names names = {0};
        bool named = line_names_next(&rest, &names);
        CHECK(named);
        put_line_of(json, &event->lines[i], i + 1, &names);
    }
    json_close_array(json);
}

static struct bytes text_or(struct bytes text, struct bytes otherwise)
{
    return text.size > 0 ? text : otherwise;
}

struct bytes order_json_adjustments(const struct event *event)
{
    return text_or(event->text[TEXT_ADJUSTMENTS], BYTES("[]"));
}

struct bytes order_json_references(const struct event *event)
{
    return text_or(event->text[TEXT_REFERENCES], BYTES("{}"));
}

void order_json_put_members(struct json_writer *json, const struct event *event, uint32_t version,
    int64_t payment_due_wall_ms)
{
    const struct fact_order *order = &event->fact.order;
    json_put_member_uuid(json, "id", order->id);
    json_put_member_string(json, "status", order_status_name(order->status));
    json_put_member_integer(json, "version", version);
    json_put_member_string(json, "customer", event->text[TEXT_CUSTOMER]);
    json_put_member_string_or_null(json, "sale", order_json_sale(event));
    json_put_member_currency(json, "currency", order->currency);
    order_json_put_lines(json, event, put_line);
    json_put_member_raw(json, "adjustments", order_json_adjustments(event));
    json_put_member_integer(json, "items_total", order->items_total);
    json_put_member_integer(json, "total", order->total);
    json_put_member_integer(json, "paid", order->paid);
    json_put_member_integer(json, "refund_due", order->refund_due);
    json_put_member_time(json, "payment_due_at", payment_due_wall_ms);
    json_put_member_time(json, "cancel_until", order->cancel_until_wall_ms);
    json_put_member_boolean(json, "reclaimed", order->reclaimed != 0);
    json_put_member_raw(json, "references", order_json_references(event));
    json_put_member_time(json, "created_at", order->created_wall_ms);
    json_put_member_time(json, "confirmed_at", order->confirmed_wall_ms);
}
