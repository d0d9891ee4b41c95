/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record - one event as bytes of the journal, and back.
 *
 *     [header 24][fact, by kind][lines, 48 each][text sizes, 4 each][texts][zeros to 8]
 *
 * Only texts that are not empty are there; a mask in the header says which. Every record begins at
 * a multiple of 8 bytes, so lines are borrowed where they lie. FORMAT.md has the byte table and the
 * rules of validity; record_valid() is those rules for an event in memory, asked on both sides of
 * the disk: before a record is written (CHECK, our bug) and after it is read (-EBADMSG, the world).
 *
 * Ownership  A decoded event borrows lines and texts of the bytes it was decoded from.
 * Threads    None: pure functions.
 * Units      Bytes.
 * Errors     record_decode(): -EBADMSG for what cannot be a record, and `out` is then not filled.
 * Cost       Three copies to encode, one and the bounds of every text to decode.
 */
#ifndef HOTSHELF_PERSIST_RECORD_H
#define HOTSHELF_PERSIST_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/bytes.h"
#include "core/event.h"

enum {
    RECORD_VERSION = 2,
    RECORD_ALIGNMENT = 8,
    RECORD_ADJUSTMENTS_SIZE_MAX = ADJUSTMENTS_SIZE_MAX,
    RECORD_ACTOR_SIZE_MAX = ACTOR_SIZE_MAX,
    RECORD_REASON_SIZE_MAX = REASON_SIZE_MAX,
    RECORD_IMAGE_SIZE_MAX = 1023, /* a URL */
    RECORD_IDS_SIZE_MAX = 16 * FORGET_MAX,
    RECORD_CLAIMS_SIZE_MAX = 32 * PAYMENTS_PER_ORDER * FORGET_MAX,
    RECORD_CUSTOMERS_SIZE_MAX = PART_LINES_MAX * (1 + CUSTOMER_SIZE_MAX),
    RECORD_HOLDS_SIZE_MAX = LINES_PER_ORDER_MAX * (int)sizeof(struct event_hold),
    RECORD_COUNTS_SIZE_MAX = IDENTITIES_MAX * COUNTS_SIZE_MAX, /* the largest order is forgotten */
    RECORD_TEXT_SIZES_MAX = 4 * EVENT_TEXTS,

    /* Every line and every text of an order at its bound: no other kind is larger. */
    RECORD_SIZE_MAX = 24 + (int)sizeof(union event_fact) +
                      LINES_PER_ORDER_MAX * (int)sizeof(struct event_line) + RECORD_TEXT_SIZES_MAX +
                      EVENT_NAMES_SIZE_MAX + CUSTOMER_SIZE_MAX + KEY_SIZE_MAX +
                      REFERENCES_SIZE_MAX + 3 * PAYMENT_TEXT_SIZE_MAX + TOKEN_SIZE_MAX +
                      2 * RECORD_ADJUSTMENTS_SIZE_MAX + IDENTITIES_SIZE_MAX + COUNTS_SIZE_MAX +
                      RECORD_ACTOR_SIZE_MAX + RECORD_REASON_SIZE_MAX + RECORD_ALIGNMENT,
};

/* Bytes of the fact of a kind as it was read; 0: there is no such kind. */
uint32_t record_fact_size(uint32_t kind);

/* Whether the event can be a record: kind, counts, text bounds, names, reserved bytes. */
bool record_valid(const struct event *event);

/* Bytes of the event's record: a multiple of 8, at most RECORD_SIZE_MAX. */
uint32_t record_size(const struct event *event);

/* Writes record_size(event) bytes at `out`, which is aligned to 8. */
void record_encode(const struct event *event, uint8_t *out);
/* The same where there is room for so many bytes; answers how many it took. */
uint32_t record_put(const struct event *event, uint8_t *out, uint32_t room);

/* The event in the first record of `bytes`, which are aligned to 8; `consumed` is its size. */
int record_decode(struct bytes bytes, struct event *out, uint32_t *consumed);

/* The event of a record that this process has encoded and nobody has touched since: believed
 * without a look. Answers its size. */
uint32_t record_read_own(const uint8_t *record, struct event *out);

/* Bit n: the event has text n. */
uint32_t record_texts(const struct event *event);

#endif
