/* SPDX-License-Identifier: Apache-2.0 */
/*
 * traffic - the requests that are measured: what a storefront sends most, each of a fixed size.
 *
 * A request is written once for each connection; afterwards only digits in it change, so that
 * making requests costs the generator next to nothing and the floor can count bytes.
 *
 * Ownership  A struct traffic is a plain value; the request buffers are the generator's.
 * Threads    One.
 * Units      Bytes.
 * Errors     None.
 * Cost       A few bytes written for each request.
 */
#ifndef HOTSHELF_BENCH_TRAFFIC_H
#define HOTSHELF_BENCH_TRAFFIC_H

#include "bench/generator.h"

enum traffic_kind {
    TRAFFIC_AVAILABILITY, /* GET availability of one SKU */
    TRAFFIC_CART,         /* PUT another quantity; stock is taken at checkout */
    TRAFFIC_CART_HOLD,    /* PUT another quantity of a SKU that is held in the cart */
    TRAFFIC_CHECKOUT,     /* one item, deferred payment, a new customer and key each time */
    /* over the Redis protocol: */
    TRAFFIC_RESP_AVAILABILITY, /* HS.AVAIL of one SKU */
    TRAFFIC_RESP_CHECKOUT,     /* HS.CHECKOUT, as TRAFFIC_CHECKOUT */
    TRAFFIC_RESP_CHECKOUT_16,  /* the same, sixteen in one write */
    TRAFFIC_RESP_CHECKOUT_64,  /* and sixty-four */
    TRAFFIC_KINDS
};

struct traffic {
    enum traffic_kind kind;
    uint32_t requests_made; /* over all rounds: no customer buys twice */
    uint32_t request_size;  /* of one */
    uint32_t changing[2];   /* where the digits that change begin */
};

const char *traffic_name(enum traffic_kind kind);
int traffic_status(enum traffic_kind kind);
bool traffic_is_resp(enum traffic_kind kind);
/* Requests in flight on a connection. */
uint32_t traffic_deep(enum traffic_kind kind);
/* Whether each request makes a customer and an order. */
bool traffic_sells(enum traffic_kind kind);

/* Whether each request takes a place in the server's tables and journal, so that runs are bounded.
 */
bool traffic_is_kept(enum traffic_kind kind);

/* A generator_fill; the context is a struct traffic. */
uint32_t traffic_fill(void *context, uint32_t connection, char *request);

#endif
