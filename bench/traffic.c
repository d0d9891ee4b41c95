/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A quantity alternates between 1 and 8 so that every PUT changes something and is journaled.
 */
#include "bench/traffic.h"

#include "bench/sandbox.h"

#include <stdio.h>
#include <string.h>

#define NUMBER_DIGITS 8
#define NUMBER_ZERO "00000000"

static void write_number(char *digits, uint32_t number)
{
    for (int at = NUMBER_DIGITS; at-- > 0; number /= 10)
        digits[at] = (char)('0' + number % 10);
}

static uint32_t write_availability(char *request)
{
    return (uint32_t)snprintf(request, GENERATOR_REQUEST_SIZE_MAX,
        "GET /v1/availability?skus=" SANDBOX_SKU " HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n");
}

static uint32_t write_cart(char *request, const char *sku, uint32_t connection)
{
    return (uint32_t)snprintf(request, GENERATOR_REQUEST_SIZE_MAX,
        "PUT /v1/cart/items/%s HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nX-Customer-Id: cart-%s-%04u\r\n"
        "Content-Type: application/json\r\nContent-Length: 14\r\n\r\n{\"quantity\":1}",
        sku, sku, connection);
}

static uint32_t write_checkout(char *request)
{
    return (uint32_t)snprintf(request, GENERATOR_REQUEST_SIZE_MAX,
        "POST /v1/checkout HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nX-Customer-Id: buyer-" NUMBER_ZERO
        "\r\nIdempotency-Key: order-" NUMBER_ZERO
        "\r\nContent-Type: application/json\r\nContent-Length: 49\r\n\r\n"
        "{\"items\":[{\"sku\":\"" SANDBOX_SKU "\",\"quantity\":1}]}");
}

/* The lengths stand where they are counted: in a word of the protocol. */
#define WORD(size, text) "$" size "\r\n" text "\r\n"

static uint32_t write_resp_availability(char *request)
{
    return (uint32_t)snprintf(request, GENERATOR_REQUEST_SIZE_MAX,
        "*2\r\n" WORD("8", "HS.AVAIL") WORD("14", SANDBOX_SKU));
}

/* Customers of one kind are not those of another. */
static uint32_t write_resp_checkout(char *request, const char *customer)
{
    return (uint32_t)snprintf(request, GENERATOR_REQUEST_SIZE_MAX,
        "*6\r\n" WORD("11", "HS.CHECKOUT") WORD("14", "%s" NUMBER_ZERO) WORD(
            "14", "order-" NUMBER_ZERO) WORD("4", "ITEM") WORD("14", SANDBOX_SKU) WORD("1", "1"),
        customer);
}

_Static_assert(sizeof(SANDBOX_SKU) - 1 == 14, "the length in the words above");
_Static_assert(sizeof("{\"items\":[{\"sku\":\"" SANDBOX_SKU "\",\"quantity\":1}]}") - 1 == 49,
    "the Content-Length of write_checkout()");

static uint32_t place_of(const char *request, const char *before)
{
    const char *found = strstr(request, before);
    return found == NULL ? 0 : (uint32_t)(found - request) + (uint32_t)strlen(before);
}

/* Of one length, since it stands in a word of the protocol. */
static const char *buyer_name(enum traffic_kind kind)
{
    if (kind == TRAFFIC_RESP_CHECKOUT)
        return "once--";
    return kind == TRAFFIC_RESP_CHECKOUT_16 ? "batch-" : "deep--";
}

static void write_first(struct traffic *traffic, uint32_t connection, char *request)
{
    switch (traffic->kind) {
    case TRAFFIC_AVAILABILITY:
        traffic->request_size = write_availability(request);
        return;
    case TRAFFIC_CART:
    case TRAFFIC_CART_HOLD:
        traffic->request_size = write_cart(
            request, traffic->kind == TRAFFIC_CART ? SANDBOX_SKU : SANDBOX_SKU_CART, connection);
        traffic->changing[0] = place_of(request, "\"quantity\":");
        return;
    case TRAFFIC_CHECKOUT:
        traffic->request_size = write_checkout(request);
        traffic->changing[0] = place_of(request, "buyer-");
        traffic->changing[1] = place_of(request, "order-");
        return;
    case TRAFFIC_RESP_AVAILABILITY:
        traffic->request_size = write_resp_availability(request);
        return;
    case TRAFFIC_RESP_CHECKOUT:
    case TRAFFIC_RESP_CHECKOUT_16:
    case TRAFFIC_RESP_CHECKOUT_64:
        traffic->request_size = write_resp_checkout(request, buyer_name(traffic->kind));
        traffic->changing[0] = place_of(request, "$14\r\n") + 6;
        traffic->changing[1] = place_of(request, "order-");
        return;
    case TRAFFIC_KINDS:
        return;
    }
}

static void write_all(struct traffic *traffic, uint32_t connection, char *request)
{
    write_first(traffic, connection, request);
    uint32_t deep = traffic_deep(traffic->kind), size = traffic->request_size;
    for (uint32_t at = 1; at < deep; at++)
        memcpy(request + at * size, request, size);
    request[deep * size] = '\0';
}

static void change(struct traffic *traffic, char *request)
{
    uint32_t number = traffic->requests_made++;
    if (traffic_sells(traffic->kind)) {
        write_number(&request[traffic->changing[0]], number);
        write_number(&request[traffic->changing[1]], number);
    } else if (traffic_is_kept(traffic->kind)) {
        char *digit = &request[traffic->changing[0]];
        *digit = *digit == '8' ? '1' : (char)(*digit + 1);
    }
}

uint32_t traffic_fill(void *context, uint32_t connection, char *request)
{
    struct traffic *traffic = context;
    if (request[0] == '\0')
        write_all(traffic, connection, request);
    uint32_t deep = traffic_deep(traffic->kind);
    for (uint32_t at = 0; at < deep; at++)
        change(traffic, request + at * traffic->request_size);
    return deep * traffic->request_size;
}

const char *traffic_name(enum traffic_kind kind)
{
    static const char *const name[TRAFFIC_KINDS] = {"availability", "cart", "cart_hold", "checkout",
        "resp_availability", "resp_checkout", "resp_checkout_16", "resp_checkout_64"};
    return name[kind];
}

int traffic_status(enum traffic_kind kind)
{
    return kind == TRAFFIC_CHECKOUT ? 201 : 200;
}

bool traffic_is_kept(enum traffic_kind kind)
{
    return kind != TRAFFIC_AVAILABILITY && kind != TRAFFIC_RESP_AVAILABILITY;
}

bool traffic_is_resp(enum traffic_kind kind)
{
    return kind >= TRAFFIC_RESP_AVAILABILITY;
}

uint32_t traffic_deep(enum traffic_kind kind)
{
    if (kind == TRAFFIC_RESP_CHECKOUT_64)
        return 64;
    return kind == TRAFFIC_RESP_CHECKOUT_16 ? 16 : 1;
}

bool traffic_sells(enum traffic_kind kind)
{
    return kind == TRAFFIC_CHECKOUT || (traffic_is_resp(kind) && kind != TRAFFIC_RESP_AVAILABILITY);
}
