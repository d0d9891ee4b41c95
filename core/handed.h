/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handed - what a guest has bought counts for the customer who he turned out to be (C4, Q4).
 *
 *     customer, SKU, sale --hash--> counter of claims.h: units bought by guests merged into him
 *
 * The guest's shard alone knows when they are bought no more: an order expires, is cancelled, an
 * allowance is over. So it alone counts, as for a further identity (identities.h): taken when his
 * cart moves out, given back when the event that ends it is durable. His allowance remembers how
 * much it has handed to whom, and recovery derives the counters from that.
 *
 * What a guest buys after a merge, or gets again by late money (P5), is handed with the next one.
 * Units that were handed stay with the first customer; of one SKU and sale nothing is handed to
 * another while any of it counts.
 *
 * Ownership  Counters are the process's, allowances their shard's.
 * Threads    limit_used(): the customer's shard. The rest: the guest's.
 * Units      Units of stock.
 * Errors     The table of counters may be full.
 * Cost       One look-up for each line; none while there are no counters at all.
 */
#ifndef HOTSHELF_CORE_HANDED_H
#define HOTSHELF_CORE_HANDED_H

#include "core/tables.h"

/* Units of the line's SKU and sale that count against the customer's limit (Q1): his own, and what
 * he bought as a guest. The index may be NONE. */
uint32_t limit_used(const struct engine *engine, uint32_t customer_index, struct bytes customer,
    const struct event_line *line);
/* Units that may be handed to the customer now. */
uint32_t handed_due(
    const struct engine *engine, const struct allowance *allowance, struct bytes customer);
/* Counts what a cart that moves out hands over, all or nothing; false: the table is full. */
bool handed_take(struct shelf *shelf, const struct event *moved_out);
/* Says in an event of a guest what counts for nobody else from it on: TEXT_COUNTS. */
void handed_note(const struct engine *engine, struct event *event);
/* apply: so many units of a line were handed to the customer. What is bought no more leaves in
 * allowance_return(). */
void handed_add(struct engine *engine, uint32_t guest_index, const struct event_line *line,
    struct bytes customer, uint32_t units);
/* Recovery: what an allowance counts for a customer. */
void handed_derive(struct shelf *shelf, const struct allowance *allowance);

#endif
