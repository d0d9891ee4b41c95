/* SPDX-License-Identifier: Apache-2.0 */
/*
 * growth_traffic - requests of a shop that has grown: of any of its products, any of its customers.
 *
 * First the shop is filled: each customer places one order and puts one unit into the cart, which
 * holds none: how many live holds there can be is the journal's bound and not a table's. Whoever
 * comes afterwards has been there before, and comes again when all others have.
 *
 * Ownership  Plain values; the request buffers are the generator's.
 * Threads    One.
 * Units      Bytes.
 * Errors     None.
 * Cost       A few bytes written for each request.
 */
#ifndef HOTSHELF_BENCH_GROWTH_TRAFFIC_H
#define HOTSHELF_BENCH_GROWTH_TRAFFIC_H

#include "bench/generator.h"

enum growth_kind {
    GROWTH_AVAILABILITY, /* GET of any product */
    GROWTH_CART,         /* PUT another quantity into the cart of any customer */
    GROWTH_CHECKOUT,     /* POST one line, any customer, a new key */
    GROWTH_MEASURED,
    GROWTH_FILL_ORDERS = GROWTH_MEASURED,
    GROWTH_FILL_CARTS,
    GROWTH_KINDS
};

struct growth_traffic {
    enum growth_kind kind;
    uint32_t customers, skus; /* that there are */
    uint32_t made;
    uint32_t request_size;
    uint32_t changing[3]; /* where the numbers of customer or product, key and quantity begin */
};

const char *growth_name(enum growth_kind kind);
int growth_status(enum growth_kind kind);

/* A generator_fill; the context is a struct growth_traffic. */
uint32_t growth_fill(void *context, uint32_t connection, char *request);

#endif
