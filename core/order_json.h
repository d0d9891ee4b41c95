/* SPDX-License-Identifier: Apache-2.0 */
/*
 * order_json - an order as JSON, from the image that an order event carries, as GET /v1/orders/{id}
 * shows it. The outbox and `hotshelf orders` have these members and more, in another order
 * (persist/payload_order.h).
 *
 * Ownership  The writer's buffer is the caller's.
 * Threads    None.
 * Units      Minor units, wall milliseconds rendered as RFC 3339.
 * Errors     What does not fit sets the writer's overflow.
 * Cost       O(lines).
 */
#ifndef HOTSHELF_CORE_ORDER_JSON_H
#define HOTSHELF_CORE_ORDER_JSON_H

#include "core/event.h"
#include "core/json_writer.h"
#include "core/line_names.h"

enum {
    /* A name of control characters only is six times as long when escaped. */
    ORDER_JSON_LINE_SIZE_MAX = 192 + 6 * (SKU_SIZE_MAX + 2 * NAME_SIZE_MAX),
    ORDER_JSON_HEAD_SIZE_MAX = 2048 + 6 * CUSTOMER_SIZE_MAX + 6 * NAME_SIZE_MAX,
};

/* From fact.order, lines and texts alone: the image in a view has no kind.
 * The members of an object that the caller opened and closes. `version` is the order_version shown.
 * `payment_due_wall_ms` 0 is null. */
void order_json_put_members(struct json_writer *json, const struct event *event, uint32_t version,
    int64_t payment_due_wall_ms);

/* One line of an order, whose names stand beside it. */
typedef void order_json_put_line(struct json_writer *json, const struct event_line *line,
    uint32_t number, const struct line_names *names);

/* The member "lines". */
void order_json_put_lines(
    struct json_writer *json, const struct event *event, order_json_put_line *put_line);

/* Minor units; a line whose total fits no 64 bits is never decided. */
int64_t order_json_line_total(const struct event_line *line);

/* JSON that stands in the event as it came: the adjustments and the references of an order. */
struct bytes order_json_adjustments(const struct event *event);
struct bytes order_json_references(const struct event *event);

/* The one sale of all lines; size 0 when they are of several or of none. */
struct bytes order_json_sale(const struct event *event);

#endif
