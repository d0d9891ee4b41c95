/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream_batch - some durable events of one shard on their way to PostgreSQL, and the rows that
 * they become: every event is a row of the outbox, but an order or a product that changes several
 * times within the batch is written once, as it is last.
 *
 *     clear -> add, add, .. (until it answers false or nothing more is durable) -> rows
 *
 * Images of a walk with names (stream_adopt.c) become rows, and none of the outbox: they have no
 * stream number. `stream_seq` of such an event in a batch is the last number before it.
 *
 * Ownership  Events are copied in; rows point into the copies, until the next clear. The memory is
 *            part of the stream's mapping.
 * Threads    The stream's own.
 * Units      Sizes in bytes; seq are stream numbers of the shard, contiguous in the batch.
 * Errors     add() answers false when there is no room; an empty batch has room for any event.
 *            A hole between two stream numbers is a bug (CHECK): the reader proves the order.
 * Cost       add: a copy of the event. rows: O(events + lines).
 */
#ifndef HOTSHELF_PERSIST_STREAM_BATCH_H
#define HOTSHELF_PERSIST_STREAM_BATCH_H

#include <stdbool.h>

#include "core/event.h"
#include "core/line_names.h"

enum {
    STREAM_BATCH_EVENTS_MAX = 2000,
    STREAM_BATCH_SIZE = 1 << 20, /* of copied lines and texts: keeps a transaction short */
    /* A line in a batch takes its 48 bytes and at least three length bytes of names. */
    STREAM_BATCH_LINES_MAX = STREAM_BATCH_SIZE / (sizeof(struct event_line) + 3),
    STREAM_BATCH_SLOTS = 4096, /* at least twice the events: a probe ends soon */
};

/* What a row is made of; columns are postgres_rows.c's business. */
struct stream_row {
    const struct event *event;
    const struct event *placed; /* order: the event with the checkout's key, when in this batch */
    bool adopted;               /* order: its image is in this batch */
    uint32_t index;             /* line of the order, stream event of the record, or (payment of an
                                 * image) its result */
    struct line_names names;    /* order line */
};

enum stream_rows {
    STREAM_ROWS_ORDERS,
    STREAM_ROWS_LINES,
    STREAM_ROWS_PAYMENTS,
    STREAM_ROWS_UNMATCHED,
    STREAM_ROWS_PRODUCTS,
    STREAM_ROWS_MOVEMENTS,
    STREAM_ROWS_ADOPTED, /* allotments of products restated */
    STREAM_ROWS_OUTBOX,
    STREAM_ROWS_KINDS,
};

struct stream_batch {
    uint16_t node;
    uint16_t shard;
    uint32_t event_count;
    uint32_t event_count_max; /* 1 .. STREAM_BATCH_EVENTS_MAX: halved when a batch is refused */
    uint32_t used;
    uint64_t first_seq; /* 0 while no event has a number */
    uint64_t last_seq;
    bool adopted; /* the walk with names ends behind these events */
    bool refused; /* PostgreSQL does not take these rows: the outbox gets their envelopes alone */
    uint32_t row_count[STREAM_ROWS_KINDS];
    uint32_t row_new[STREAM_ROWS_KINDS];    /* so many, in front, are of what began in the batch */
    uint32_t row_copied[STREAM_ROWS_KINDS]; /* so many, in front, go by COPY; the rest by INSERT */
    struct stream_row *rows[STREAM_ROWS_KINDS];
    struct event *events;
    uint8_t *bytes;
    uint16_t *slots; /* row index + 1 by hash; of orders, then of products */
};

/* Bytes of memory that a batch takes, and the batch in them (aligned to 64). */
uint64_t stream_batch_size(void);
void stream_batch_init(struct stream_batch *batch, void *memory, uint16_t node);

void stream_batch_clear(struct stream_batch *batch, uint16_t shard);
bool stream_batch_add(struct stream_batch *batch, const struct event *event);
void stream_batch_rows(struct stream_batch *batch);

#endif
