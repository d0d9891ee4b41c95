/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP parser under libFuzzer, beside a reference written from the grammar: the same verdict,
 * status, parts and end, whole and in pieces. What two readers see differently is how requests are
 * smuggled. */
#include "core/check.h"
#include "net/http/parser.h"
#include "net/http/target.h"
#include "tests/net/http_reference.h"

static uint8_t room[256];
static const struct http_limits limits = {
    .header_bytes = 1024, .target_bytes = 256, .body_bytes = 256, .chunk_room = room};

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
    CHECK(request->chunked || request->head_size + request->body.size == request->consumed);
    CHECK(request->path.size > 0);
    check_inside(request->path, received);
    check_inside(request->query, received);
    check_inside(request->body, request->chunked ? bytes_of(room, sizeof room) : received);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 2048)
        return 0;
    struct bytes received = bytes_of(data, (uint32_t)size);
    struct http_progress progress = {.scanned = 0};
    struct http_request whole;
    reference_compare(&limits, received, size < 200 ? 1 : 2 + (uint32_t)size % 61);
    if (http_parse(received, &limits, &progress, &whole) == HTTP_REQUEST) {
        check_request(received, &whole);
        read_target(&whole);
    }
    return 0;
}
