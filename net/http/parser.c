/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass from the first byte to the empty line: method, target, version, then line by line name
 * and value. Each step either moves scan.at past what it has read, or ends the pass: with
 * HTTP_INCOMPLETE when the bytes ran out, with HTTP_REFUSED at the first byte that cannot be part
 * of a request we serve. What concerns several fields at once (framing, Host) is judged after the
 * last line. Every step decides on bytes it has seen and none looks behind the window, so a prefix
 * of the input is either incomplete or has the verdict of the whole.
 *
 * While a head is incomplete only new bytes are looked at, for the end of the head or for a line
 * feed that no carriage return precedes; then the pass is done again. So a head that arrives byte
 * by byte costs two passes, not one for each byte.
 */
#include "net/http/parser.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "core/check.h"
#include "net/http/syntax.h"

enum { METHOD_SIZE_MAX = 16 };

static const struct {
    char text[8];
    uint8_t size;
} method_names[HTTP_METHOD_COUNT] = {
    [HTTP_GET] = {"GET", 3},
    [HTTP_HEAD] = {"HEAD", 4},
    [HTTP_POST] = {"POST", 4},
    [HTTP_PUT] = {"PUT", 3},
    [HTTP_PATCH] = {"PATCH", 5},
    [HTTP_DELETE] = {"DELETE", 6},
    [HTTP_OPTIONS] = {"OPTIONS", 7},
};

/* Whoever takes the first and whoever takes the last of these would see two different requests. */
static const uint32_t fields_never_repeated =
    HTTP_FIELD_BIT(HTTP_FIELD_HOST) | HTTP_FIELD_BIT(HTTP_FIELD_CONTENT_LENGTH) |
    HTTP_FIELD_BIT(HTTP_FIELD_CONTENT_TYPE) | HTTP_FIELD_BIT(HTTP_FIELD_CONTENT_ENCODING) |
    HTTP_FIELD_BIT(HTTP_FIELD_AUTHORIZATION) | HTTP_FIELD_BIT(HTTP_FIELD_X_CUSTOMER_ID) |
    HTTP_FIELD_BIT(HTTP_FIELD_X_ROLE) | HTTP_FIELD_BIT(HTTP_FIELD_LAST_EVENT_ID) |
    HTTP_FIELD_BIT(HTTP_FIELD_EXPECT);

static const uint32_t fields_last_wins =
    HTTP_FIELD_BIT(HTTP_FIELD_CONNECTION) | HTTP_FIELD_BIT(HTTP_FIELD_X_FORWARDED_FOR);

/* The first byte that is not of that class. The loops keep the pointer to themselves: bytes may
 * alias anything, so scan->at would be stored and loaded again for each. */
static const uint8_t *skip_class(const uint8_t *at, const uint8_t *end, uint8_t class)
{
    while (at < end && http_is_class(*at, class))
        at++;
    return at;
}

/* The pass in progress. HTTP_REQUEST as the answer of a step means: go on with the next. */
struct scan {
    const uint8_t *at;
    const uint8_t *end; /* of the window: what has arrived, at most header_bytes of it */
    const struct http_limits *limits;
    struct http_request *request;
    bool full;     /* the window holds header_bytes: more bytes would not help */
    bool has_line; /* the request line has been read to its end */
    bool asks_keep_alive;
    bool asks_close;
    struct bytes authority; /* of an absolute-form target, else empty */
};

static enum http_answer refuse(struct http_request *request, uint16_t status, const char *reason)
{
    request->status = status;
    request->reason = reason;
    return HTTP_REFUSED;
}

static enum http_answer out_of_bytes(struct scan *scan)
{
    if (scan->full)
        return refuse(scan->request, 431, "request line and header fields are too large");
    return HTTP_INCOMPLETE;
}

static enum http_answer scan_empty_line(struct scan *scan)
{
    if (scan->at == scan->end)
        return out_of_bytes(scan);
    if (*scan->at != '\r')
        return HTTP_REQUEST;
    if (scan->end - scan->at < 2)
        return out_of_bytes(scan);
    if (scan->at[1] != '\n')
        return refuse(scan->request, 400, "carriage return without line feed");
    scan->at += 2;
    return HTTP_REQUEST;
}

static bool method_find(const uint8_t *text, uint32_t size, enum http_method *method)
{
    for (int i = 0; i < HTTP_METHOD_COUNT; i++) {
        if (method_names[i].size == size && memcmp(method_names[i].text, text, size) == 0) {
            *method = (enum http_method)i;
            return true;
        }
    }
    return false;
}

static enum http_answer scan_method(struct scan *scan)
{
    const uint8_t *start = scan->at;
    scan->at = skip_class(start, scan->end, HTTP_CLASS_TOKEN);
    if (scan->at - start > METHOD_SIZE_MAX)
        return refuse(scan->request, 501, "unknown method");
    if (scan->at == scan->end)
        return out_of_bytes(scan);
    if (*scan->at != ' ' || scan->at == start)
        return refuse(scan->request, 400, "malformed request line");
    if (!method_find(start, (uint32_t)(scan->at - start), &scan->request->method))
        return refuse(scan->request, 501, "unknown method");
    scan->at++;
    return HTTP_REQUEST;
}

/* "http://authority" before the path: what a request through a proxy looks like. */
static enum http_answer take_authority(struct scan *scan, struct bytes *target)
{
    uint32_t skip = 0;
    if (target->size > 7 && http_equals_ignoring_case(target->data, "http://", 7))
        skip = 7;
    else if (target->size > 8 && http_equals_ignoring_case(target->data, "https://", 8))
        skip = 8;
    else
        return refuse(scan->request, 400, "request target is neither a path nor an http URL");
    uint32_t end = skip;
    while (end < target->size && target->data[end] != '/' && target->data[end] != '?')
        end++;
    scan->authority = bytes_of(target->data + skip, end - skip);
    if (!http_host_is_valid(scan->authority))
        return refuse(scan->request, 400, "malformed host in the request target");
    *target = bytes_of(target->data + end, target->size - end);
    return HTTP_REQUEST;
}

static enum http_answer set_target(struct scan *scan, struct bytes target)
{
    struct http_request *request = scan->request;
    bool is_asterisk = target.size == 1 && target.data[0] == '*';
    if (is_asterisk && request->method == HTTP_OPTIONS) {
        request->path = target;
        return HTTP_REQUEST;
    }
    if (target.data[0] != '/' && take_authority(scan, &target) != HTTP_REQUEST)
        return HTTP_REFUSED;
    const uint8_t *mark = target.size == 0 ? NULL : memchr(target.data, '?', target.size);
    uint32_t path_size = mark == NULL ? target.size : (uint32_t)(mark - target.data);
    request->path = path_size == 0 ? BYTES("/") : bytes_of(target.data, path_size);
    if (mark != NULL)
        request->query = bytes_of(mark + 1, target.size - path_size - 1);
    return HTTP_REQUEST;
}

static enum http_answer scan_target(struct scan *scan)
{
    const uint8_t *start = scan->at;
    scan->at = skip_class(start, scan->end, HTTP_CLASS_TARGET);
    if (scan->at - start > (int64_t)scan->limits->target_bytes)
        return refuse(scan->request, 414, "request target is too long");
    if (scan->at == scan->end)
        return out_of_bytes(scan);
    if (*scan->at != ' ' || scan->at == start)
        return refuse(scan->request, 400, "malformed request target");
    struct bytes target = bytes_of(start, (uint32_t)(scan->at - start));
    scan->at++;
    return set_target(scan, target);
}

static enum http_answer scan_version(struct scan *scan)
{
    static const char form[] = "HTTP/d.d\r\n"; /* d stands for a digit */
    enum { FORM_SIZE = sizeof form - 1, MAJOR = 5, MINOR = 7 };
    for (uint32_t i = 0; i < FORM_SIZE; i++) {
        if (scan->at + i == scan->end)
            return out_of_bytes(scan);
        bool fits = form[i] == 'd' ? http_is_digit(scan->at[i]) : scan->at[i] == (uint8_t)form[i];
        if (!fits)
            return refuse(scan->request, 400, "malformed HTTP version");
    }
    if (scan->at[MAJOR] != '1' || scan->at[MINOR] > '1')
        return refuse(scan->request, 505, "only HTTP/1.0 and HTTP/1.1 are served");
    scan->request->minor = (uint8_t)(scan->at[MINOR] - '0');
    scan->at += FORM_SIZE;
    scan->has_line = true;
    return HTTP_REQUEST;
}

/* The first byte that ends or spoils a field value: a control character other than tab. */
static const uint8_t *value_end(const uint8_t *at, const uint8_t *end)
{
#ifdef __SSE2__
    const __m128i last_control = _mm_set1_epi8(0x1f);
    const __m128i tab = _mm_set1_epi8('\t');
    const __m128i rubout = _mm_set1_epi8(0x7f);
    while (end - at >= 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(block, last_control), block);
        __m128i stop = _mm_or_si128(
            _mm_andnot_si128(_mm_cmpeq_epi8(block, tab), control), _mm_cmpeq_epi8(block, rubout));
        uint32_t found = (uint32_t)_mm_movemask_epi8(stop);
        if (found != 0)
            return at + __builtin_ctz(found);
        at += 16;
    }
#endif
    while (at < end && ((*at >= 0x20 && *at != 0x7f) || *at == '\t'))
        at++;
    return at;
}

static enum http_answer scan_name(struct scan *scan, struct bytes *name)
{
    const uint8_t *start = scan->at;
    scan->at = skip_class(start, scan->end, HTTP_CLASS_TOKEN);
    if (scan->at == scan->end)
        return out_of_bytes(scan);
    bool is_space = *scan->at == ' ' || *scan->at == '\t';
    if (is_space && scan->at == start)
        return refuse(scan->request, 400, "folded header field");
    if (is_space)
        return refuse(scan->request, 400, "space before the colon of a header field");
    if (*scan->at != ':' || scan->at == start)
        return refuse(scan->request, 400, "malformed header field name");
    *name = bytes_of(start, (uint32_t)(scan->at - start));
    scan->at++;
    return HTTP_REQUEST;
}

static enum http_answer scan_value(struct scan *scan, struct bytes *value)
{
    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\t'))
        scan->at++;
    const uint8_t *start = scan->at;
    const uint8_t *end = value_end(start, scan->end);
    if (end == scan->end)
        return out_of_bytes(scan);
    if (*end != '\r')
        return refuse(scan->request, 400, "control character in a header field");
    if (end + 1 == scan->end)
        return out_of_bytes(scan);
    if (end[1] != '\n')
        return refuse(scan->request, 400, "carriage return without line feed");
    scan->at = end + 2;
    while (end > start && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *value = bytes_of(start, (uint32_t)(end - start));
    return HTTP_REQUEST;
}

static void note_connection(struct scan *scan, struct bytes value)
{
    uint32_t at = 0;
    while (at < value.size) {
        uint32_t start = at;
        while (at < value.size && http_is_class(value.data[at], HTTP_CLASS_TOKEN))
            at++;
        if (at - start == 5 && http_equals_ignoring_case(value.data + start, "close", 5))
            scan->asks_close = true;
        if (at - start == 10 && http_equals_ignoring_case(value.data + start, "keep-alive", 10))
            scan->asks_keep_alive = true;
        while (at < value.size && !http_is_class(value.data[at], HTTP_CLASS_TOKEN))
            at++;
    }
}

static void note_field(struct scan *scan, struct bytes name, struct bytes value)
{
    struct http_request *request = scan->request;
    enum http_field field = http_field_find(name);
    if (field == HTTP_FIELD_COUNT)
        return;
    uint32_t bit = HTTP_FIELD_BIT(field);
    bool is_first = (request->fields_seen & bit) == 0;
    if (!is_first)
        request->fields_repeated |= bit;
    request->fields_seen |= bit;
    if (field == HTTP_FIELD_CONNECTION)
        note_connection(scan, value);
    if (is_first || (fields_last_wins & bit) != 0)
        request->field[field] = value;
}

static enum http_answer scan_fields(struct scan *scan)
{
    for (;;) {
        const uint8_t *line = scan->at;
        enum http_answer answer = scan_empty_line(scan);
        if (answer != HTTP_REQUEST || scan->at != line)
            return answer;
        struct bytes name, value;
        answer = scan_name(scan, &name);
        if (answer == HTTP_REQUEST)
            answer = scan_value(scan, &value);
        if (answer != HTTP_REQUEST)
            return answer;
        note_field(scan, name, value);
    }
}

static enum http_answer judge_length(struct http_request *request)
{
    struct bytes digits = request->field[HTTP_FIELD_CONTENT_LENGTH];
    if (http_has(request, HTTP_FIELD_TRANSFER_ENCODING)) {
        if (http_has(request, HTTP_FIELD_CONTENT_LENGTH))
            return refuse(request, 400, "both Content-Length and Transfer-Encoding");
        if (request->minor == 0)
            return refuse(request, 400, "Transfer-Encoding in HTTP/1.0");
        return refuse(request, 501, "Transfer-Encoding is not served; send Content-Length");
    }
    if (!http_has(request, HTTP_FIELD_CONTENT_LENGTH))
        return HTTP_REQUEST;
    if (digits.size < 1 || digits.size > 10)
        return refuse(request, 400, "Content-Length is not a number of 1 to 10 digits");
    for (uint32_t i = 0; i < digits.size; i++) {
        if (!http_is_digit(digits.data[i]))
            return refuse(request, 400, "Content-Length is not a number of 1 to 10 digits");
        request->body_size = request->body_size * 10 + (uint64_t)(digits.data[i] - '0');
    }
    bool takes_body = request->method != HTTP_GET && request->method != HTTP_HEAD;
    if (request->body_size > 0 && !takes_body)
        return refuse(request, 400, "GET and HEAD take no body");
    return HTTP_REQUEST;
}

static enum http_answer judge_fields(struct scan *scan)
{
    struct http_request *request = scan->request;
    if ((request->fields_repeated & fields_never_repeated) != 0)
        return refuse(request, 400, "a header field that may stand once is repeated");
    bool has_host = http_has(request, HTTP_FIELD_HOST);
    if (!has_host && request->minor == 1)
        return refuse(request, 400, "Host is missing");
    if (has_host && !http_host_is_valid(request->field[HTTP_FIELD_HOST]))
        return refuse(request, 400, "malformed Host");
    if (scan->authority.size > 0)
        request->field[HTTP_FIELD_HOST] = scan->authority;
    if (judge_length(request) != HTTP_REQUEST)
        return HTTP_REFUSED;
    struct bytes expect = request->field[HTTP_FIELD_EXPECT];
    if (http_has(request, HTTP_FIELD_EXPECT) && request->minor == 1) {
        if (expect.size != 12 || !http_equals_ignoring_case(expect.data, "100-continue", 12))
            return refuse(request, 417, "the only expectation served is 100-continue");
        request->expects_100 = request->body_size > 0;
    }
    bool default_alive = request->minor == 1 || scan->asks_keep_alive;
    request->keep_alive = default_alive && !scan->asks_close;
    return HTTP_REQUEST;
}

static enum http_answer scan_head(struct bytes received, struct scan *scan)
{
    typedef enum http_answer (*step)(struct scan *);
    static const step steps[] = {
        scan_empty_line, scan_method, scan_target, scan_version, scan_fields, judge_fields};
    for (uint32_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        enum http_answer answer = steps[i](scan);
        if (answer != HTTP_REQUEST)
            return answer;
    }
    scan->request->head_size = (uint32_t)(scan->at - received.data);
    scan->request->consumed = scan->request->head_size + scan->request->body_size;
    return HTTP_REQUEST;
}

/* Whether the new bytes can change the verdict: the end of the request line, an empty line, or a
 * bare line feed. */
static bool may_be_decided(struct bytes received, const struct http_progress *progress)
{
    const uint8_t *end = received.data + received.size;
    const uint8_t *at = received.data + progress->scanned;
    while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        int64_t before = at - received.data;
        if (!progress->has_line || at[-1] != '\r')
            return true;
        if (before >= 2 && at[-2] == '\n')
            return true;
        at++;
    }
    return false;
}

enum http_answer http_parse_head(struct bytes received, const struct http_limits *limits,
    struct http_progress *progress, struct http_request *request)
{
    CHECK(progress->scanned <= received.size);
    CHECK(limits->target_bytes <= limits->header_bytes);
    *request = (struct http_request){.status = 0};
    bool full = received.size >= limits->header_bytes;
    if (progress->scanned > 0 && !full && !may_be_decided(received, progress)) {
        progress->scanned = received.size;
        return HTTP_INCOMPLETE;
    }
    struct scan scan = {
        .at = received.data,
        .end = received.data + (full ? limits->header_bytes : received.size),
        .limits = limits,
        .request = request,
        .full = full,
    };
    enum http_answer answer = scan_head(received, &scan);
    if (answer == HTTP_INCOMPLETE) {
        progress->scanned = received.size;
        progress->has_line = scan.has_line;
    }
    return answer;
}

enum http_answer http_parse_body(
    struct bytes received, uint64_t body_bytes, struct http_request *request)
{
    CHECK(request->head_size > 0);
    CHECK(request->head_size <= received.size);
    if (request->body_size > body_bytes)
        return refuse(request, 413, "the body is too large");
    if (received.size < request->consumed)
        return HTTP_INCOMPLETE;
    request->body = bytes_of(received.data + request->head_size, (uint32_t)request->body_size);
    return HTTP_REQUEST;
}

enum http_answer http_parse(struct bytes received, const struct http_limits *limits,
    struct http_progress *progress, struct http_request *request)
{
    if (received.size < progress->needed)
        return HTTP_INCOMPLETE;
    enum http_answer answer = http_parse_head(received, limits, progress, request);
    if (answer != HTTP_REQUEST)
        return answer;
    progress->needed = request->consumed;
    return http_parse_body(received, limits->body_bytes, request);
}
