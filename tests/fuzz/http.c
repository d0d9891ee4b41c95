/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP parser under libFuzzer. Beside crashes it looks for a verdict that depends on how the
 * bytes arrive, which is how requests are smuggled. */
#include <stdlib.h>

#include "core/check.h"
#include "net/http/parser.h"
#include "net/http/target.h"

static const struct http_limits limits = {
    .header_bytes = 1024, .target_bytes = 256, .body_bytes = 256};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct bytes part, struct bytes whole)
{
    if (part.size == 0 || bytes_equal(part, BYTES("/")))
        return;
    CHECK(part.data >= whole.data);
    CHECK(part.data + part.size <= whole.data + whole.size);
}

static void check_request(struct bytes received, const struct http_request *request)
{
    CHECK(request->consumed <= received.size);
    CHECK(request->head_size + request->body.size == request->consumed);
    CHECK(request->path.size > 0);
    check_inside(request->path, received);
    check_inside(request->query, received);
    check_inside(request->body, received);
    for (int i = 0; i < HTTP_FIELD_COUNT; i++) {
        check_inside(request->field[i], received);
        CHECK(http_has(request, (enum http_field)i) || request->field[i].size == 0 ||
              i == HTTP_FIELD_HOST);
    }
}

static void read_target(const struct http_request *request)
{
    uint8_t buffer[64];
    struct bytes captures[2], name, value, decoded, item;
    http_path_match(request->path, "/v1/orders/{}/payment", captures);
    http_path_match(request->path, "/{}/{}", captures);
    http_unescape_segment(request->path, buffer, sizeof buffer, &decoded);
    struct bytes rest = request->query;
    while (http_query_next(&rest, &name, &value)) {
        if (http_unescape_query(value, buffer, sizeof buffer, &decoded) != HTTP_UNESCAPED)
            continue;
        CHECK(decoded.size <= sizeof buffer);
        while (http_list_next(&decoded, &item))
            CHECK(item.size > 0);
    }
}

/* One byte more each time, each time in a buffer of exactly that size. */
static enum http_answer parse_slowly(struct bytes all, struct http_request *request)
{
    struct http_progress progress = {.scanned = 0};
    enum http_answer answer = HTTP_INCOMPLETE;
    for (uint32_t size = 1; size <= all.size && answer == HTTP_INCOMPLETE; size++) {
        uint8_t *copy = malloc(size);
        CHECK(copy != NULL);
        memcpy(copy, all.data, size);
        answer = http_parse(bytes_of(copy, size), &limits, &progress, request);
        free(copy);
    }
    return answer;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 2048)
        return 0;
    struct bytes received = bytes_of(data, (uint32_t)size);
    struct http_progress progress = {.scanned = 0};
    struct http_request whole, slow;
    enum http_answer answer = http_parse(received, &limits, &progress, &whole);
    enum http_answer slowly = parse_slowly(received, &slow);
    if (answer == HTTP_REQUEST) {
        check_request(received, &whole);
        read_target(&whole);
        CHECK(slowly == HTTP_REQUEST);
        CHECK(slow.consumed == whole.consumed);
        CHECK(slow.keep_alive == whole.keep_alive);
    } else if (answer == HTTP_INCOMPLETE) {
        CHECK(slowly == HTTP_INCOMPLETE);
    } else {
        CHECK(whole.reason != NULL);
        CHECK(slowly != HTTP_REQUEST); /* it may wait for the end of a line that never comes */
        CHECK(slowly == HTTP_INCOMPLETE || slow.status == whole.status);
    }
    return 0;
}
