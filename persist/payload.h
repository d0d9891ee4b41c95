/* SPDX-License-Identifier: Apache-2.0 */
/*
 * payload - what a consumer reads of an event: its type, its id, and its CloudEvents 1.0 JSON. The
 * outbox and `hotshelf orders` write the same bytes.
 *
 * One journal record may be two stream events: an order born confirmed is `order.placed.v1` and
 * `order.confirmed.v1`, one born in review `order.placed.v1` and `order.review.v1`. `index` says
 * which, 0 .. event->stream_count - 1; its number is event->stream_seq + index.
 *
 * Members stand in no order that means anything: JSON's readers take them by name.
 *
 * The id is a UUIDv8 (RFC 9562) that names (node, shard, seq) and nothing else, so that whoever
 * sends an event again sends the same id:
 *
 *     0        2      4       6         8                16
 *     'h' 's'  node   shard   8 | 0     10 | 62 bits of seq    (big-endian)
 *
 * Ownership  Bytes answered are constant or borrow the event.
 * Threads    None.
 * Units      Wall milliseconds; minor units of money.
 * Errors     What does not fit sets the writer's overflow; PAYLOAD_SIZE_MAX always fits.
 * Cost       O(lines), no allocation.
 */
#ifndef HOTSHELF_PERSIST_PAYLOAD_H
#define HOTSHELF_PERSIST_PAYLOAD_H

#include "core/event.h"
#include "core/json_writer.h"
#include "core/order_json.h"
#include "persist/record.h"

enum {
    PAYLOAD_SIZE_MAX =
        ORDER_JSON_HEAD_SIZE_MAX + LINES_PER_ORDER_MAX * ORDER_JSON_LINE_SIZE_MAX +
        REFERENCES_SIZE_MAX + RECORD_ADJUSTMENTS_SIZE_MAX + 6 * (TOKEN_SIZE_MAX + KEY_SIZE_MAX) +
        6 * (3 * PAYMENT_TEXT_SIZE_MAX + RECORD_ACTOR_SIZE_MAX + RECORD_REASON_SIZE_MAX) +
        6 * (RECORD_IMAGE_SIZE_MAX + TITLE_SIZE_MAX) + 4096,
};

/* Where an event stands in the stream. */
struct payload_place {
    uint16_t node;
    uint16_t shard;
    uint32_t index; /* of the stream events of this record */
};

/* "order.placed.v1"; size 0 for an event that is never streamed. */
struct bytes payload_type(const struct event *event, uint32_t index);
/* "order", "payment", "stock", "product", "sale": Debezium routes by it. */
struct bytes payload_aggregate_type(const struct event *event);
/* The order's id in text (written to `scratch`), the SKU or the sale's name. */
struct bytes payload_aggregate_id(const struct event *event, char scratch[JSON_UUID_SIZE]);
void payload_id(uint8_t id[16], uint16_t node, uint16_t shard, uint64_t seq);
int64_t payload_wall_ms(const struct event *event);
/* The order_version that the stream event shows: contiguous from 1 for each order (S2). */
uint32_t payload_order_version(const struct event *event, uint32_t index);
/* "captured"; size 0 for RESULT_NONE. */
struct bytes payload_result_name(uint8_t result);
/* "external", "deferred". */
struct bytes payload_mode_name(uint8_t mode);
/* "cart", "checkout"; size 0 for RESERVE_UNSET. */
struct bytes payload_reserve_name(uint8_t reserve_on);
/* {"GBP":4500,"USD":5200} */
void payload_put_prices(struct json_writer *json, const struct fact_product *product);

/* The whole CloudEvent, one line without a line feed. */
void payload_put(
    struct json_writer *json, const struct event *event, const struct payload_place *place);
/* The same envelope with `data` null: what the outbox keeps of an event that PostgreSQL refuses. */
void payload_put_refused(
    struct json_writer *json, const struct event *event, const struct payload_place *place);

#endif
