/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hotshelf-bench parsers: from the bytes of one request to its parts, over HTTP with head and body,
 * and over the Redis protocol.
 */
#include <stdlib.h>

#include "bench/modules/asked.h"
#include "bench/modules/core_module.h"
#include "core/check.h"
#include "net/http/parser.h"
#include "net/resp/parser.h"

enum { REQUESTS = 20000, FROM_GATEWAY = TRAFFIC_KINDS, BODY_MAX = 65536, HEAD_MAX = 16384 };

struct parsers {
    char text[ASKED_SIZE];
    struct bytes asked;
    struct http_limits limits;
    uint8_t room[RESP_INLINE_SIZE_MAX];
    struct resp_request command;
};

static void *open_parsers(const struct measure_case *own)
{
    struct parsers *parsers = calloc(1, sizeof *parsers);
    CHECK(parsers != NULL);
    parsers->limits = (struct http_limits){
        .header_bytes = HEAD_MAX, .target_bytes = HEAD_MAX, .body_bytes = BODY_MAX};
    parsers->asked = own->kind == FROM_GATEWAY
                         ? asked_by_gateway(parsers->text)
                         : asked_traffic((enum traffic_kind)own->kind, parsers->text);
    return parsers;
}

static void close_parsers(void *context)
{
    free(context);
}

static void parse_http(void *context, uint32_t first, uint32_t count)
{
    struct parsers *parsers = context;
    for (uint32_t i = first; i < first + count; i++) {
        struct http_progress progress = {0};
        struct http_request request;
        CHECK(http_parse(parsers->asked, &parsers->limits, &progress, &request) == HTTP_REQUEST);
        CHECK(request.consumed == parsers->asked.size);
    }
}

static void parse_resp(void *context, uint32_t first, uint32_t count)
{
    struct parsers *parsers = context;
    for (uint32_t i = first; i < first + count; i++) {
        CHECK(
            resp_parse(parsers->asked, BODY_MAX, parsers->room, &parsers->command) == RESP_REQUEST);
        CHECK(parsers->command.consumed == parsers->asked.size);
    }
}

#define PARSE(title, what, which, how)                                                             \
    {                                                                                              \
        .name = (title), .operation = (what), .kind = (which), .count = REQUESTS,                  \
        .open = open_parsers, .close = close_parsers, .parts = {                                   \
            {.run = (how)}                                                                         \
        }                                                                                          \
    }

static const struct measure_case cases[] = {
    PARSE("http_availability", "a GET of 79 bytes", TRAFFIC_AVAILABILITY, parse_http),
    PARSE("http_gateway", "the same as a gateway sends it", FROM_GATEWAY, parse_http),
    PARSE("http_cart", "a PUT with its body", TRAFFIC_CART, parse_http),
    PARSE("http_checkout", "a POST with its body", TRAFFIC_CHECKOUT, parse_http),
    PARSE("resp_availability", "HS.AVAIL", TRAFFIC_RESP_AVAILABILITY, parse_resp),
    PARSE("resp_checkout", "HS.CHECKOUT", TRAFFIC_RESP_CHECKOUT, parse_resp),
};

const struct core_module parsers_module = {
    .name = "parsers",
    .summary = "one request of HTTP or of the Redis protocol taken apart",
    .cases = cases,
    .count = sizeof cases / sizeof cases[0],
};
