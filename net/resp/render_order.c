/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An order as a reply, which most of what is written here is. Room for the largest that it can
 * become is asked for once; then each part goes where the one before has ended, which stands in a
 * register, and nothing is asked any more: half the instructions of a writer that is asked for each
 * name and value.
 */
#include "core/check.h"
#include "core/json_writer.h"
#include "core/line_names.h"
#include "core/order_json.h"
#include "core/view.h"
#include "net/resp/reply.h"

enum { ORDER_BASE = 1024 }; /* of an order without its lines and JSON */

static inline uint8_t *put_end(uint8_t *to)
{
    memcpy(to, "\r\n", 2);
    return to + 2;
}

static uint8_t *put_number(uint8_t *to, uint8_t sign, int64_t value)
{
    *to++ = sign;
    if (value < 0)
        *to++ = '-';
    uint64_t absolute = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    uint32_t digits = json_digits(absolute);
    json_put_digits(to, digits, absolute);
    return put_end(to + digits);
}

/* A sign and a digit, which most numbers are. */
static inline uint8_t *put_digit(uint8_t *to, uint8_t sign, uint32_t value)
{
    const uint8_t text[4] = {sign, (uint8_t)('0' + value), '\r', '\n'};
    memcpy(to, text, sizeof text);
    return to + sizeof text;
}

static inline uint8_t *put_integer(uint8_t *to, int64_t value)
{
    return (uint64_t)value < 10 ? put_digit(to, ':', (uint32_t)value) : put_number(to, ':', value);
}

static uint8_t *put_text(uint8_t *to, struct bytes text)
{
    if (text.size < 10) {
        to = put_digit(to, '$', text.size);
    } else if (text.size < 100) {
        *to = '$';
        json_put_pair(to + 1, text.size);
        to = put_end(to + 3);
    } else {
        to = put_number(to, '$', text.size);
    }
    bytes_copy(to, text);
    return put_end(to + text.size);
}

/* Text whose size the compiler knows. */
OF_LITERAL uint8_t *put_known(uint8_t *to, const void *text, uint32_t size)
{
    *to++ = '$';
    if (size >= 10)
        *to++ = (uint8_t)('0' + size / 10);
    *to++ = (uint8_t)('0' + size % 10);
    to = put_end(to);
    memcpy(to, text, size);
    return put_end(to + size);
}

OF_LITERAL uint8_t *put_name(uint8_t *to, const char *name)
{
    return put_known(to, name, (uint32_t)strlen(name));
}

static inline uint8_t *put_null(uint8_t *to, bool has_maps)
{
    memcpy(to, has_maps ? "_\r\n\0" : "$-1\r", 4);
    to[4] = '\n';
    return to + (has_maps ? 3 : 5);
}

static uint8_t *put_text_or_null(uint8_t *to, struct bytes text, bool has_maps)
{
    return text.size > 0 ? put_text(to, text) : put_null(to, has_maps);
}

static uint8_t *put_time(uint8_t *to, int64_t wall_ms, bool has_maps)
{
    if (wall_ms == 0)
        return put_null(to, has_maps);
    memcpy(to, "$24\r\n", 5);
    json_format_time((char *)to + 5, wall_ms);
    return put_end(to + 5 + JSON_TIME_SIZE);
}

static uint8_t *put_id(uint8_t *to, const uint8_t id[16])
{
    memcpy(to, "$36\r\n", 5);
    json_format_uuid((char *)to + 5, id);
    return put_end(to + 5 + JSON_UUID_SIZE);
}

/* "*36" or "%18": names, each with its value, of an order and of a line. */
static inline uint8_t *open_order(uint8_t *to, bool has_maps)
{
    memcpy(to, has_maps ? "%18\r\n" : "*36\r\n", 5);
    return to + 5;
}

static inline uint8_t *open_line(uint8_t *to, bool has_maps)
{
    memcpy(to, has_maps ? "%8\r\n" : "*16\r\n", 5);
    return to + (has_maps ? 4 : 5);
}

static uint8_t *put_lines(uint8_t *to, const struct event *event, bool has_maps)
{
    struct bytes rest = event->text[TEXT_NAMES];
    to = put_number(to, '*', event->line_count);
    for (uint32_t i = 0; i < event->line_count; i++) {
        const struct event_line *line = &event->lines[i];
        struct line_names names = {0};
        bool named = line_names_next(&rest, &names);
        CHECK(named);
        to = open_line(to, has_maps);
        to = put_integer(put_name(to, "line"), i + 1);
        to = put_text(put_name(to, "sku"), names.sku);
        to = put_text_or_null(put_name(to, "seller"), names.seller, has_maps);
        to = put_text_or_null(put_name(to, "sale"), names.sale, has_maps);
        to = put_integer(put_name(to, "quantity"), line->quantity);
        to = put_integer(put_name(to, "cancelled"), line->cancelled);
        to = put_integer(put_name(to, "unit_price"), line->unit_price);
        to = put_integer(put_name(to, "line_total"), line->quantity * line->unit_price);
    }
    return to;
}

/* The members that HTTP shows. */
static uint8_t *put_members(uint8_t *to, const struct event *event, int64_t due_ms, bool has_maps)
{
    const struct fact_order *order = &event->fact.order;
    to = open_order(to, has_maps);
    to = put_id(put_name(to, "id"), order->id);
    to = put_text(put_name(to, "status"), order_status_name(order->status));
    to = put_integer(put_name(to, "version"), order->version);
    to = put_text(put_name(to, "customer"), event->text[TEXT_CUSTOMER]);
    to = put_text_or_null(put_name(to, "sale"), order_json_sale(event), has_maps);
    to = put_known(put_name(to, "currency"), order->currency, 3);
    to = put_lines(put_name(to, "lines"), event, has_maps);
    to = put_text(put_name(to, "adjustments"), order_json_adjustments(event));
    to = put_integer(put_name(to, "items_total"), order->items_total);
    to = put_integer(put_name(to, "total"), order->total);
    to = put_integer(put_name(to, "paid"), order->paid);
    to = put_integer(put_name(to, "refund_due"), order->refund_due);
    to = put_time(put_name(to, "payment_due_at"), due_ms, has_maps);
    to = put_time(put_name(to, "cancel_until"), order->cancel_until_wall_ms, has_maps);
    to = put_integer(put_name(to, "reclaimed"), order->reclaimed != 0);
    to = put_text(put_name(to, "references"), order_json_references(event));
    to = put_time(put_name(to, "created_at"), order->created_wall_ms, has_maps);
    return put_time(put_name(to, "confirmed_at"), order->confirmed_wall_ms, has_maps);
}

void resp_put_order(struct http_context *context, struct resp_writer *writer,
    const struct engine *engine, const struct answer *answer, bool checkout)
{
    _Static_assert(5 + 104 + 3 * (SKU_SIZE_MAX + 7) + 3 * 13 + 2 * 23 <= RESP_ORDER_LINE,
        "names, texts, counts and amounts of a line fit");
    _Static_assert(11 + 274 + 43 + CUSTOMER_SIZE_MAX + 8 + 2 * (NAME_SIZE_MAX + 7) + 9 + 2 * 9 +
                           6 * 23 + 4 * 31 <=
                       ORDER_BASE,
        "so do those of an order");
    struct event room;
    const struct event *event =
        engine_order_of(engine, answer, checkout && answer->replayed, &room);
    uint32_t most = ORDER_BASE + event->text[TEXT_ADJUSTMENTS].size +
                    event->text[TEXT_REFERENCES].size + event->line_count * RESP_ORDER_LINE;
    uint8_t *from = resp_room(writer, most);
    if (from == NULL)
        return;
    int64_t due_ms = checkout ? http_first_due(&event->fact.order)
                              : http_wall_of(context, event->fact.order.payment_due_shelf_ms);
    uint64_t size = (uint64_t)(put_members(from, event, due_ms, writer->has_maps) - from);
    CHECK(size <= most);
    writer->size -= most - (uint32_t)size;
}
