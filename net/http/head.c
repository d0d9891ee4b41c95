/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body stands where it will be sent from, with room before it. The head is written into that
 * room from its last byte to its first, so nothing is copied and no length has to be known
 * beforehand: read the functions below from their ends.
 */
#include "net/http/head.h"

#include "core/check.h"
#include "net/http/rate.h"
#include "net/http/route.h"
#include "net/http/target.h"

struct head_text {
    uint8_t *room;
    uint32_t start; /* in the room: the first byte written */
};

/* Before all that is written. */
static inline void put(struct head_text *text, struct bytes bytes)
{
    CHECK(bytes.size <= text->start);
    text->start -= bytes.size;
    bytes_copy(text->room + text->start, bytes);
}

#define PUT(text, literal)                                                                         \
    do {                                                                                           \
        CHECK(sizeof(literal) - 1 <= (text)->start);                                               \
        (text)->start -= (uint32_t)sizeof(literal) - 1;                                            \
        memcpy((text)->room + (text)->start, (literal), sizeof(literal) - 1);                      \
    } while (0)

static void put_number(struct head_text *text, uint64_t value)
{
    uint32_t digits = json_digits(value);
    CHECK(digits <= text->start);
    text->start -= digits;
    json_put_digits(text->room + text->start, digits, value);
}

static void put_hex_16(uint8_t text[16], uint64_t value)
{
    json_put_hex_8(text, (uint32_t)(value >> 32));
    json_put_hex_8(text + 8, (uint32_t)value);
}

#define STATUS_LINE(status, reason)                                                                \
    case status:                                                                                   \
        PUT(text, "HTTP/1.1 " #status " " reason "\r\nDate: ");                                    \
        return

static void put_status_line(struct head_text *text, uint16_t status)
{
    switch (status) {
        STATUS_LINE(200, "OK");
        STATUS_LINE(201, "Created");
        STATUS_LINE(204, "No Content");
        STATUS_LINE(304, "Not Modified");
        STATUS_LINE(400, "Bad Request");
        STATUS_LINE(401, "Unauthorized");
        STATUS_LINE(403, "Forbidden");
        STATUS_LINE(404, "Not Found");
        STATUS_LINE(405, "Method Not Allowed");
        STATUS_LINE(408, "Request Timeout");
        STATUS_LINE(409, "Conflict");
        STATUS_LINE(410, "Gone");
        STATUS_LINE(411, "Length Required");
        STATUS_LINE(412, "Precondition Failed");
        STATUS_LINE(413, "Content Too Large");
        STATUS_LINE(414, "URI Too Long");
        STATUS_LINE(415, "Unsupported Media Type");
        STATUS_LINE(417, "Expectation Failed");
        STATUS_LINE(422, "Unprocessable Content");
        STATUS_LINE(429, "Too Many Requests");
        STATUS_LINE(431, "Request Header Fields Too Large");
        STATUS_LINE(501, "Not Implemented");
        STATUS_LINE(503, "Service Unavailable");
        STATUS_LINE(505, "HTTP Version Not Supported");
    default: /* a number, not an enum: whatever else is our mistake */
        CHECK(status == 500);
        PUT(text, "HTTP/1.1 500 Internal Server Error\r\nDate: ");
    }
}

static void put_type(struct head_text *text, enum head_type type)
{
    switch (type) {
    case HEAD_JSON:
        PUT(text, "\r\nContent-Type: application/json");
        break;
    case HEAD_PROBLEM:
        PUT(text, "\r\nContent-Type: application/problem+json");
        break;
    case HEAD_HTML:
        PUT(text, "\r\nContent-Type: text/html; charset=utf-8");
        break;
    case HEAD_EVENT_STREAM: /* nginx shall pass on what comes at once */
        PUT(text, "\r\nContent-Type: text/event-stream\r\nX-Accel-Buffering: no");
        break;
    case HEAD_NO_BODY:
        break;
    }
}

static void put_cache(struct head_text *text, enum head_cache cache)
{
    switch (cache) {
    case HEAD_NO_CACHE:
        PUT(text, "\r\nCache-Control: no-cache");
        break;
    case HEAD_PRIVATE_NO_STORE:
        PUT(text, "\r\nCache-Control: private, no-store");
        break;
    case HEAD_NO_STORE:
        PUT(text, "\r\nCache-Control: no-store");
        break;
    case HEAD_CACHE_UNSAID:
        break;
    }
}

static void put_etag(struct head_text *text, const struct head *head)
{
    if (head->etag == HEAD_NO_ETAG)
        return;
    PUT(text, "\"");
    if (head->etag == HEAD_ETAG_VERSION) {
        put_number(text, head->etag_hash);
        PUT(text, "\r\nETag: \"");
        return;
    }
    CHECK(16 <= text->start);
    text->start -= 16;
    put_hex_16(text->room + text->start, head->etag_hash);
    if (head->etag == HEAD_ETAG_WEAK)
        PUT(text, "\r\nETag: W/\"");
    else
        PUT(text, "\r\nETag: \"");
}

/* What few replies have. */
static void put_rare(struct head_text *text, const struct head *head)
{
    if (head->allowed != 0) {
        uint8_t list[ROUTE_ALLOW_SIZE];
        struct bytes allow = route_allow(head->allowed, list);
        put(text, allow);
        PUT(text, "\r\nAllow: ");
    }
    if (head->location_order != NULL) {
        CHECK(JSON_UUID_SIZE <= text->start);
        text->start -= JSON_UUID_SIZE;
        json_format_uuid((char *)text->room + text->start, head->location_order);
        PUT(text, "\r\nLocation: /v1/orders/");
    }
    if (head->invalid_token)
        PUT(text, " error=\"invalid_token\"");
    if (head->status == 401)
        PUT(text, "\r\nWWW-Authenticate: Bearer");
    if (head->replayed)
        PUT(text, "\r\nIdempotency-Replayed: true");
    if (head->retry_after_seconds != 0) {
        put_number(text, head->retry_after_seconds);
        PUT(text, "\r\nRetry-After: ");
    }
}

static void put_limits(
    struct head_text *text, const struct http_context *context, const struct request *request)
{
    char fields[RATE_FIELDS_SIZE_MAX];
    put(text, bytes_of(fields, rate_fields(context->config, request, fields)));
}

struct json_writer head_body(struct request *request)
{
    struct reply *reply = &request->reply;
    CHECK(reply->size_max > REQUEST_HEAD_SIZE);
    return json_writer_of(reply->data + REQUEST_HEAD_SIZE, reply->size_max - REQUEST_HEAD_SIZE);
}

void head_put(const struct http_context *context, struct request *request, const struct head *head,
    uint32_t body_size)
{
    struct reply *reply = &request->reply;
    struct head_text text = {.room = reply->data, .start = REQUEST_HEAD_SIZE};
    CHECK(body_size <= reply->size_max - REQUEST_HEAD_SIZE);
    PUT(&text, "\r\n\r\n");
    if (!request->keep_alive || reply->close)
        PUT(&text, "\r\nConnection: close");
    else if (request->tells_keep_alive)
        PUT(&text, "\r\nConnection: keep-alive");
    put(&text, bytes_of(request->request_id, request->request_id_size));
    PUT(&text, "\r\nX-Request-Id: ");
    if (request->told.policy != RATE_NONE)
        put_limits(&text, context, request);
    put_rare(&text, head);
    put_etag(&text, head);
    put_cache(&text, head->cache);
    if (head->type == HEAD_EVENT_STREAM) {
        if (head->chunked)
            PUT(&text, "\r\nTransfer-Encoding: chunked");
    } else if (head->type != HEAD_NO_BODY || (head->status != 204 && head->status != 304)) {
        put_number(&text, body_size);
        PUT(&text, "\r\nContent-Length: ");
    }
    put_type(&text, head->type);
    put(&text, bytes_of(context->date, context->date_size));
    put_status_line(&text, head->status);
    reply->start = text.start;
    reply->end = REQUEST_HEAD_SIZE + (request->head_only ? 0 : body_size);
}

static bool request_id_is_sane(struct bytes id)
{
    if (id.size == 0 || id.size > REQUEST_ID_SIZE_MAX)
        return false;
    for (uint32_t i = 0; i < id.size; i++) {
        uint8_t byte = id.data[i];
        bool letter = (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
        bool digit = byte >= '0' && byte <= '9';
        if (!letter && !digit && byte != '-' && byte != '_' && byte != '.')
            return false;
    }
    return true;
}

/* Made ids: milliseconds of the wall clock, shard, counter; so they sort and do not repeat. Twelve,
 * two and ten digits, of which the first sixteen are the same for all requests of a tick. */
static void make_request_id(struct http_context *context, uint8_t id[24])
{
    uint64_t wall_ms = (uint64_t)context->now.wall_ms, counter = ++context->request_counter;
    if (context->made_wall_ms != context->now.wall_ms) {
        uint32_t shard_and_counter = (context->shard & 0xff) << 8 | (counter >> 32 & 0xff);
        context->made_wall_ms = context->now.wall_ms;
        json_put_hex_8(context->made_id, (uint32_t)(wall_ms >> 16));
        json_put_hex_8(context->made_id + 8, (uint32_t)wall_ms << 16 | shard_and_counter);
    }
    memcpy(id, context->made_id, sizeof(context->made_id));
    json_put_hex_8(id + sizeof(context->made_id), (uint32_t)counter);
}

void head_take_request_id(struct http_context *context, struct request *request, struct bytes sent)
{
    enum { MADE_SIZE = 24 };
    if (request_id_is_sane(sent)) {
        bytes_copy(request->request_id, sent);
        request->request_id_size = (uint8_t)sent.size;
        return;
    }
    make_request_id(context, request->request_id);
    request->request_id_size = MADE_SIZE;
}

bool head_etag_matches(struct bytes if_none_match, uint64_t etag_hash)
{
    uint8_t digits[16];
    put_hex_16(digits, etag_hash);
    struct bytes item;
    while (http_list_next(&if_none_match, &item)) {
        if (bytes_equal(item, BYTES("*")))
            return true;
        if (item.size > 2 && memcmp(item.data, "W/", 2) == 0)
            item = bytes_of(item.data + 2, item.size - 2);
        if (item.size == sizeof(digits) + 2 && item.data[0] == '"' &&
            memcmp(item.data + 1, digits, sizeof(digits)) == 0 && item.data[item.size - 1] == '"')
            return true;
    }
    return false;
}
