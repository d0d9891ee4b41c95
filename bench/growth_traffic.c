/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any of them is a walk in long steps of a prime: who follows lies far away, and each comes again
 * when all others have been there.
 */
#include "bench/growth_traffic.h"

#include "bench/sandbox.h"

#include <stdio.h>
#include <string.h>

#define NUMBER_DIGITS 8
#define NUMBER_ZERO "00000000"
#define STEP UINT64_C(2654435761)

static void write_number(char *digits, uint32_t number)
{
    for (int at = NUMBER_DIGITS; at-- > 0; number /= 10)
        digits[at] = (char)('0' + number % 10);
}

static uint32_t any_of(uint32_t made, uint32_t count)
{
    return (uint32_t)(made * STEP % count);
}

static uint32_t write_availability(char *request)
{
    return (uint32_t)snprintf(request, GENERATOR_REQUEST_SIZE_MAX,
        "GET /v1/availability?skus=BENCH-" NUMBER_ZERO " HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n");
}

static uint32_t write_cart(char *request)
{
    return (uint32_t)snprintf(request, GENERATOR_REQUEST_SIZE_MAX,
        "PUT /v1/cart/items/" SANDBOX_SKU " HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n"
        "X-Customer-Id: buyer-" NUMBER_ZERO "\r\nContent-Type: application/json\r\n"
        "Content-Length: 14\r\n\r\n{\"quantity\":1}");
}

static uint32_t write_checkout(char *request, enum growth_kind kind)
{
    return (uint32_t)snprintf(request, GENERATOR_REQUEST_SIZE_MAX,
        "POST /v1/checkout HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nX-Customer-Id: buyer-" NUMBER_ZERO
        "\r\nIdempotency-Key: %s-" NUMBER_ZERO
        "\r\nContent-Type: application/json\r\nContent-Length: 49\r\n\r\n"
        "{\"items\":[{\"sku\":\"" SANDBOX_SKU "\",\"quantity\":1}]}",
        kind == GROWTH_CHECKOUT ? "again" : "first");
}

static uint32_t place_of(const char *request, const char *before)
{
    const char *found = strstr(request, before);
    return found == NULL ? 0 : (uint32_t)(found - request) + (uint32_t)strlen(before);
}

static void write_first(struct growth_traffic *traffic, char *request)
{
    switch (traffic->kind) {
    case GROWTH_AVAILABILITY:
        traffic->request_size = write_availability(request);
        traffic->changing[0] = place_of(request, "BENCH-");
        return;
    case GROWTH_CART:
    case GROWTH_FILL_CARTS:
        traffic->request_size = write_cart(request);
        traffic->changing[0] = place_of(request, "buyer-");
        traffic->changing[2] = place_of(request, "\"quantity\":");
        return;
    case GROWTH_CHECKOUT:
    case GROWTH_FILL_ORDERS:
        traffic->request_size = write_checkout(request, traffic->kind);
        traffic->changing[0] = place_of(request, "buyer-");
        traffic->changing[1] =
            place_of(request, traffic->kind == GROWTH_CHECKOUT ? "again-" : "first-");
        return;
    case GROWTH_KINDS:
        return;
    }
}

uint32_t growth_fill(void *context, uint32_t connection, char *request)
{
    struct growth_traffic *traffic = context;
    (void)connection;
    if (request[0] == '\0')
        write_first(traffic, request);
    bool fills = traffic->kind >= GROWTH_MEASURED;
    uint32_t made = traffic->made++;
    uint32_t count = traffic->kind == GROWTH_AVAILABILITY ? traffic->skus : traffic->customers;
    write_number(&request[traffic->changing[0]], fills ? made : any_of(made, count));
    if (traffic->changing[1] > 0)
        write_number(&request[traffic->changing[1]], made);
    /* Of each pass over all of them another one. */
    if (traffic->kind == GROWTH_CART)
        request[traffic->changing[2]] = (char)('2' + made / count % 7);
    return traffic->request_size;
}

const char *growth_name(enum growth_kind kind)
{
    static const char *const name[GROWTH_KINDS] = {
        "availability", "cart", "checkout", "filling", "filling"};
    return name[kind];
}

int growth_status(enum growth_kind kind)
{
    return kind == GROWTH_CHECKOUT || kind == GROWTH_FILL_ORDERS ? 201 : 200;
}
