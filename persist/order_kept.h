/* SPDX-License-Identifier: Apache-2.0 */
/*
 * order_kept - the column `kept` of hotshelf.orders: what the engine knows of an order and its
 * other columns do not say. Only a rebuild reads it (rebuild.h).
 *
 * The struct as it stands, little-endian, and behind it the adjustments of the checkout when a
 * payment report has replaced them.
 *
 * Ownership  A value.
 * Threads    None.
 * Units      Milliseconds of the shelf clock, as differences: another server has another clock.
 * Errors     None.
 * Cost       Plain memory.
 */
#ifndef HOTSHELF_PERSIST_ORDER_KEPT_H
#define HOTSHELF_PERSIST_ORDER_KEPT_H

#include <stdint.h>

struct order_kept {
    int64_t born_total;
    uint64_t born_due_ms; /* after it was created: payment due as first set; 0 none */
    uint64_t due_ms; /* after the event that wrote the row: payment due, or the review; 0 none */
    uint32_t payment_seconds;
    uint8_t status_born; /* enum order_status */
    uint8_t extended;
    uint8_t adjusted;
    uint8_t review_decision; /* enum risk_decision */
};

_Static_assert(sizeof(struct order_kept) == 32, "layout in PostgreSQL");

#endif
