/* SPDX-License-Identifier: Apache-2.0 */
/*
 * asked - the bytes of requests that are read here: those that the whole server is measured with
 * (bench/traffic.h), and one as a gateway sends it.
 *
 * Ownership  Written into the caller's room.
 * Threads    Any.
 * Units      Bytes.
 * Errors     None.
 * Cost       None.
 */
#ifndef HOTSHELF_BENCH_MODULES_ASKED_H
#define HOTSHELF_BENCH_MODULES_ASKED_H

#include <stdio.h>

#include "bench/traffic.h"
#include "core/bytes.h"

enum { ASKED_SIZE = GENERATOR_REQUEST_SIZE_MAX };

/* The first of this kind; more of them: traffic_fill(). */
static inline struct bytes asked_traffic(enum traffic_kind kind, char text[ASKED_SIZE])
{
    struct traffic traffic = {.kind = kind};
    text[0] = '\0';
    return bytes_of(text, traffic_fill(&traffic, 0, text));
}

static inline struct bytes asked_by_gateway(char text[ASKED_SIZE])
{
    int size = snprintf(text, ASKED_SIZE,
        "GET /v1/availability?skus=BENCH-CHECKOUT HTTP/1.1\r\nHost: shop.example.com\r\n"
        "X-Real-IP: 203.0.113.7\r\nX-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\n"
        "X-Request-Id: 4b1f0c6e2f3d4a5b8c7d6e5f4a3b2c1d\r\n"
        "User-Agent: Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X)\r\n"
        "Accept: application/json\r\nAccept-Language: en-GB,en;q=0.9\r\n"
        "Accept-Encoding: gzip, deflate, br\r\n\r\n");
    return bytes_of(text, (uint32_t)size);
}

#endif
