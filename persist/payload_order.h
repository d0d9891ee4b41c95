/* SPDX-License-Identifier: Apache-2.0 */
/*
 * payload_order - the data of an order's event: the whole order as it then is, what was reported of
 * its payment, and who did it.
 *
 * Ownership  Borrows the event during the call.
 * Threads    None.
 * Units      As payload.h.
 * Errors     The writer's overflow.
 * Cost       O(lines), no allocation.
 */
#ifndef HOTSHELF_PERSIST_PAYLOAD_ORDER_H
#define HOTSHELF_PERSIST_PAYLOAD_ORDER_H

#include "persist/payload.h"

/* The members of an object that the caller opens and closes. */
void payload_order_put(
    struct json_writer *json, const struct event *event, const struct payload_place *place);

#endif
