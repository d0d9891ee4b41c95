/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events are copied because the reader's buffer is its own until the next record, while a batch
 * lives until PostgreSQL has answered, and longer when it has to be sent again in halves.
 */
#include "persist/stream_batch.h"

#include <xxhash.h>

#include "core/check.h"
#include "core/tables.h"
#include "persist/record.h"

_Static_assert((int)RECORD_SIZE_MAX <= STREAM_BATCH_SIZE, "an empty batch has room for any event");
_Static_assert(STREAM_BATCH_SLOTS >= 2 * STREAM_BATCH_EVENTS_MAX, "probes end");
_Static_assert((STREAM_BATCH_SLOTS & (STREAM_BATCH_SLOTS - 1)) == 0, "masked");
/* Results of an image's payment that are rows: those that somebody may report again. */
static const uint8_t adopted_results[] = {RESULT_AUTHORIZED, RESULT_CAPTURED};
enum { ADOPTED_RESULTS = sizeof(adopted_results) / sizeof(adopted_results[0]) };

_Static_assert(STREAM_BATCH_EVENTS_MAX < UINT16_MAX, "a slot holds a row index + 1");

static const uint32_t rows_max[STREAM_ROWS_KINDS] = {
    [STREAM_ROWS_ORDERS] = STREAM_BATCH_EVENTS_MAX,
    [STREAM_ROWS_LINES] = STREAM_BATCH_LINES_MAX,
    [STREAM_ROWS_PAYMENTS] = ADOPTED_RESULTS * STREAM_BATCH_EVENTS_MAX,
    [STREAM_ROWS_UNMATCHED] = STREAM_BATCH_EVENTS_MAX,
    [STREAM_ROWS_PRODUCTS] = STREAM_BATCH_EVENTS_MAX,
    [STREAM_ROWS_MOVEMENTS] = STREAM_BATCH_EVENTS_MAX,
    [STREAM_ROWS_ADOPTED] = STREAM_BATCH_EVENTS_MAX,
    [STREAM_ROWS_OUTBOX] = STREAM_EVENTS_MAX * STREAM_BATCH_EVENTS_MAX,
};

static uint64_t round_up(uint64_t size, uint64_t to)
{
    return (size + to - 1) / to * to;
}

static const uint64_t alignment = 64;

uint64_t stream_batch_size(void)
{
    uint64_t size = round_up(STREAM_BATCH_EVENTS_MAX * sizeof(struct event), alignment);
    size += STREAM_BATCH_SIZE;
    size += round_up(2 * STREAM_BATCH_SLOTS * sizeof(uint16_t), alignment);
    for (uint32_t i = 0; i < STREAM_ROWS_KINDS; i++)
        size += round_up(rows_max[i] * sizeof(struct stream_row), alignment);
    return size;
}

static void *carve(uint8_t **memory, uint64_t size)
{
    void *part = *memory;
    *memory += round_up(size, alignment);
    return part;
}

void stream_batch_init(struct stream_batch *batch, void *memory, uint16_t node)
{
    uint8_t *rest = memory;
    CHECK((uintptr_t)memory % alignment == 0);
    *batch = (struct stream_batch){.node = node, .event_count_max = STREAM_BATCH_EVENTS_MAX};
    batch->events = carve(&rest, STREAM_BATCH_EVENTS_MAX * sizeof(struct event));
    batch->bytes = carve(&rest, STREAM_BATCH_SIZE);
    batch->slots = carve(&rest, 2 * STREAM_BATCH_SLOTS * sizeof(uint16_t));
    for (uint32_t i = 0; i < STREAM_ROWS_KINDS; i++)
        batch->rows[i] = carve(&rest, rows_max[i] * sizeof(struct stream_row));
    CHECK((uint64_t)(rest - (uint8_t *)memory) == stream_batch_size());
}

static void clear_rows(struct stream_batch *batch)
{
    memset(batch->row_count, 0, sizeof(batch->row_count));
    memset(batch->row_new, 0, sizeof(batch->row_new));
    memset(batch->row_copied, 0, sizeof(batch->row_copied));
}

void stream_batch_clear(struct stream_batch *batch, uint16_t shard)
{
    batch->shard = shard;
    batch->event_count = 0;
    batch->used = 0;
    batch->first_seq = 0;
    batch->last_seq = 0;
    batch->adopted = false;
    batch->refused = false;
    clear_rows(batch);
}

static uint32_t copied_size(const struct event *event)
{
    uint64_t size = event->line_count * sizeof(struct event_line);
    for (uint32_t i = 0; i < EVENT_TEXTS; i++)
        size += event->text[i].size;
    size = round_up(size, sizeof(uint64_t)); /* so that the next event's lines are aligned */
    CHECK(size <= STREAM_BATCH_SIZE);
    return (uint32_t)size;
}

static void *copy_bytes(struct stream_batch *batch, const void *data, uint32_t size)
{
    uint8_t *copy = batch->bytes + batch->used;
    if (size > 0)
        memcpy(copy, data, size);
    batch->used += size;
    return copy;
}

static void copy_event(struct stream_batch *batch, const struct event *event)
{
    struct event *copy = &batch->events[batch->event_count++];
    *copy = *event;
    copy->lines =
        copy_bytes(batch, event->lines, event->line_count * (uint32_t)sizeof(struct event_line));
    for (uint32_t i = 0; i < EVENT_TEXTS; i++)
        copy->text[i].data = copy_bytes(batch, event->text[i].data, event->text[i].size);
    batch->used = (uint32_t)round_up(batch->used, sizeof(uint64_t));
}

bool stream_batch_add(struct stream_batch *batch, const struct event *event)
{
    CHECK(event->stream_count >= 1 || event_is_image(event->kind));
    CHECK(event->stream_count <= STREAM_EVENTS_MAX);
    if (batch->event_count == batch->event_count_max ||
        copied_size(event) > STREAM_BATCH_SIZE - batch->used)
        return false;
    copy_event(batch, event);
    if (event->stream_count == 0)
        return true;
    CHECK(batch->first_seq == 0 || event->stream_seq == batch->last_seq + 1);
    if (batch->first_seq == 0)
        batch->first_seq = event->stream_seq;
    batch->last_seq = event->stream_seq + event->stream_count - 1;
    return true;
}

static struct stream_row *add_row(
    struct stream_batch *batch, enum stream_rows kind, const struct event *event, uint32_t index)
{
    CHECK(batch->row_count[kind] < rows_max[kind]);
    struct stream_row *row = &batch->rows[kind][batch->row_count[kind]++];
    *row = (struct stream_row){.event = event, .index = index};
    return row;
}

static bool is_of_order(const struct event *event)
{
    return event_is_order(event->kind) || event->kind == EVENT_ORDER_IMAGE;
}

static bool is_same_thing(const struct event *a, const struct event *b)
{
    if (is_of_order(a))
        return memcmp(a->fact.order.id, b->fact.order.id, sizeof(a->fact.order.id)) == 0;
    return a->fact.product.sku_number == b->fact.product.sku_number;
}

static uint64_t hash_of_thing(const struct event *event)
{
    if (is_of_order(event))
        return XXH3_64bits(event->fact.order.id, sizeof(event->fact.order.id));
    return XXH3_64bits(&event->fact.product.sku_number, sizeof(event->fact.product.sku_number));
}

/* The row of an order or a product in this batch: the one that is there, or a new one. */
static struct stream_row *row_of_thing(
    struct stream_batch *batch, enum stream_rows kind, const struct event *event)
{
    uint16_t *slots = batch->slots + (kind == STREAM_ROWS_ORDERS ? 0 : STREAM_BATCH_SLOTS);
    uint32_t at = (uint32_t)hash_of_thing(event) & (STREAM_BATCH_SLOTS - 1);
    while (slots[at] != 0) {
        struct stream_row *row = &batch->rows[kind][slots[at] - 1];
        if (is_same_thing(row->event, event))
            return row;
        at = (at + 1) & (STREAM_BATCH_SLOTS - 1);
    }
    struct stream_row *row = add_row(batch, kind, event, 0);
    slots[at] = (uint16_t)batch->row_count[kind];
    return row;
}

static void add_order(struct stream_batch *batch, const struct event *event)
{
    struct stream_row *row = row_of_thing(batch, STREAM_ROWS_ORDERS, event);
    row->event = event;
    if (event->kind == EVENT_ORDER_PLACED)
        row->placed = event;
    if (event->fact.order.result != RESULT_NONE && event->text[TEXT_PAYMENT_ID].size > 0)
        add_row(batch, STREAM_ROWS_PAYMENTS, event, 0);
}

/* A life of a SKU begins with a movement, of no unit too: what the one before had ends there. */
static void add_product(struct stream_batch *batch, const struct event *event)
{
    row_of_thing(batch, STREAM_ROWS_PRODUCTS, event)->event = event;
    if (event->fact.product.created != 0)
        add_row(batch, STREAM_ROWS_MOVEMENTS, event, 0);
}

/* What the payment that the order shows has done, as far as it is remembered: other payments of it
 * are known by a hash only. */
static void adopt_payments(struct stream_batch *batch, const struct event *image)
{
    const struct bytes entries = image->text[TEXT_ENTRIES];
    const struct bytes parts[] = {
        BYTES("payment"), image->text[TEXT_PROVIDER], image->text[TEXT_PAYMENT_ID]};
    struct hash128 hash = hash_parts(parts, 3);
    struct payment_entry entry;
    for (uint32_t at = 0; parts[2].size > 0 && at < entries.size; at += sizeof(entry)) {
        memcpy(&entry, entries.data + at, sizeof(entry));
        for (uint32_t i = 0; i < ADOPTED_RESULTS && hash128_equal(entry.hash, hash); i++)
            if (entry.results & 1u << adopted_results[i])
                add_row(batch, STREAM_ROWS_PAYMENTS, image, adopted_results[i]);
    }
}

/* An event of the same order in this batch says more of the same: its row stays. */
static void adopt_order(struct stream_batch *batch, const struct event *image)
{
    row_of_thing(batch, STREAM_ROWS_ORDERS, image)->adopted = true;
    adopt_payments(batch, image);
}

static void adopt_product(struct stream_batch *batch, const struct event *image)
{
    row_of_thing(batch, STREAM_ROWS_PRODUCTS, image);
    add_row(batch, STREAM_ROWS_ADOPTED, image, 0);
}

/* Lines are written when they are new or no longer what they were when new: both are seen in the
 * order's last image. */
static void add_lines(struct stream_batch *batch, const struct stream_row *order)
{
    struct bytes rest = order->event->text[TEXT_NAMES];
    for (uint32_t i = 0; i < order->event->line_count; i++) {
        struct line_names names = {0};
        bool named = line_names_next(&rest, &names);
        CHECK(named);
        if (order->placed != NULL || order->adopted || order->event->lines[i].cancelled > 0)
            add_row(batch, STREAM_ROWS_LINES, order->event, i)->names = names;
    }
}

/* In front: orders that began in this batch. The slots are of no use from here on. */
static void sort_orders(struct stream_batch *batch)
{
    struct stream_row *rows = batch->rows[STREAM_ROWS_ORDERS];
    uint32_t fresh = 0;
    for (uint32_t i = 0; i < batch->row_count[STREAM_ROWS_ORDERS]; i++) {
        struct stream_row row = rows[i];
        if (row.placed == NULL || row.adopted)
            continue;
        rows[i] = rows[fresh];
        rows[fresh++] = row;
    }
    batch->row_new[STREAM_ROWS_ORDERS] = fresh;
}

static void add_all_lines(struct stream_batch *batch)
{
    for (uint32_t i = 0; i < batch->row_count[STREAM_ROWS_ORDERS]; i++) {
        add_lines(batch, &batch->rows[STREAM_ROWS_ORDERS][i]);
        if (i < batch->row_new[STREAM_ROWS_ORDERS])
            batch->row_new[STREAM_ROWS_LINES] = batch->row_count[STREAM_ROWS_LINES];
    }
}

void stream_batch_rows(struct stream_batch *batch)
{
    clear_rows(batch);
    memset(batch->slots, 0, 2 * STREAM_BATCH_SLOTS * sizeof(uint16_t));
    for (uint32_t i = 0; i < batch->event_count; i++) {
        const struct event *event = &batch->events[i];
        for (uint32_t index = 0; index < event->stream_count; index++)
            add_row(batch, STREAM_ROWS_OUTBOX, event, index);
        if (event_is_order(event->kind))
            add_order(batch, event);
        else if (event->kind == EVENT_PRODUCT_SET)
            add_product(batch, event);
        else if (event->kind == EVENT_STOCK_ADJUSTED)
            add_row(batch, STREAM_ROWS_MOVEMENTS, event, 0);
        else if (event->kind == EVENT_PAYMENT_UNMATCHED)
            add_row(batch, STREAM_ROWS_UNMATCHED, event, 0);
        else if (event->kind == EVENT_ORDER_IMAGE)
            adopt_order(batch, event);
        else if (event->kind == EVENT_PRODUCT_IMAGE)
            adopt_product(batch, event);
    }
    sort_orders(batch);
    add_all_lines(batch);
    batch->row_new[STREAM_ROWS_OUTBOX] = batch->row_count[STREAM_ROWS_OUTBOX];
}
