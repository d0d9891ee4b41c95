/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identities - limits per card, address or device, beside those per customer (Q5).
 *
 *     identity, SKU, sale --hash--> counter of claims.h: units held and bought, of orders kept
 *
 * An order's lines that have a limit count under each of its identities, whole, also what came from
 * a cart's hold: a cart knows no identities. The counters are shared by all shards and follow the
 * law of stock: taken before the record is written, given back once it is durable; derived anew at
 * recovery.
 *
 * Ownership  identities are bytes of a struct hash128 each, as in TEXT_IDENTITIES of an event.
 * Threads    Any shard at once, see claims.h.
 * Units      Units of stock.
 * Errors     enum count_answer: a limit is passed, or the table is full.
 * Cost       One look-up for each identity and limited line.
 */
#ifndef HOTSHELF_CORE_IDENTITIES_H
#define HOTSHELF_CORE_IDENTITIES_H

#include "core/tables.h"

struct identity_refusal {
    uint32_t line; /* of the event's */
    uint64_t used;
};

/* The counter of an identity for a SKU in a sale. */
struct hash128 identity_key(struct hash128 identity, uint32_t sku_number, uint32_t sale_number);

/* The largest usage of a line's SKU and sale under any of the identities. */
uint64_t identities_used(
    const struct shelf *shelf, struct bytes identities, const struct event_line *line);

/* Counts every limited line of an order event under every identity, all or nothing. */
enum count_answer identities_take(
    struct shelf *shelf, const struct event *event, struct identity_refusal *refusal);
/* What was taken for a record that will not be written. */
void identities_drop(struct shelf *shelf, const struct event *event);
/* The units that count no more from the event on, once it is durable. */
void identities_give(struct shelf *shelf, const struct event *event);

/* Writes a struct identity_count for each identity; answers the bytes: 0 when nothing counts. */
uint32_t identities_put(
    struct bytes identities, const struct order_line *line, uint32_t units, uint8_t *out);
/* What an event says that it gives back: all of its TEXT_COUNTS. */
void identities_give_counts(struct shelf *shelf, struct bytes counts);
/* Recovery: what a line of a kept order counts. */
void identities_derive(
    struct shelf *shelf, struct bytes identities, const struct order_line *line, uint32_t units);

#endif
