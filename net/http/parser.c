/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass from the first byte to the empty line: method, target, version, then the fields line by
 * line (fields.c), then a body of a known size or in chunks (chunks.c). Each step either moves
 * scan.at past what it has read, or ends the pass: with HTTP_INCOMPLETE when the bytes ran out,
 * with HTTP_REFUSED at the first byte that cannot be part of a request we serve. What concerns
 * several fields at once (framing, Host) is judged after the last line. Every step decides on
 * bytes it has seen and none looks behind the window, so a prefix of the input is either
 * incomplete or has the verdict of the whole.
 *
 * While a head is incomplete only new bytes are looked at, for the end of the head or for a line
 * feed that no carriage return precedes; then the pass is done again. So a head that arrives byte
 * by byte costs two passes, not one for each byte.
 */
#include "net/http/parser.h"

#include "core/check.h"
#include "net/http/chunks.h"
#include "net/http/fields.h"
#include "net/http/syntax.h"
#include "net/http/words.h"

enum { METHOD_SIZE_MAX = 16 };

/* With the space behind it each is a word or less. */
static const struct {
    char text[8 + 1];
    uint8_t size;
} methods[HTTP_METHOD_COUNT] = {
    [HTTP_GET] = {"GET ", 4},
    [HTTP_HEAD] = {"HEAD ", 5},
    [HTTP_POST] = {"POST ", 5},
    [HTTP_PUT] = {"PUT ", 4},
    [HTTP_PATCH] = {"PATCH ", 6},
    [HTTP_DELETE] = {"DELETE ", 7},
    [HTTP_OPTIONS] = {"OPTIONS ", 8},
};

static enum http_answer scan_empty_line(struct http_scan *scan)
{
    if (scan->at == scan->end)
        return http_out_of_bytes(scan);
    if (*scan->at != '\r')
        return HTTP_REQUEST;
    if (scan->end - scan->at < 2)
        return http_out_of_bytes(scan);
    if (scan->at[1] != '\n')
        return http_refused(scan->request, 400, "carriage return without line feed");
    scan->at += 2;
    return HTTP_REQUEST;
}

/* Takes one of ours and the space behind it off the line. */
static bool take_method(struct http_scan *scan)
{
    int64_t left = scan->end - scan->at;
    uint64_t word = left >= 8 ? word_load_8(scan->at) : word_of(scan->at, (uint32_t)left);
    for (uint32_t i = 0; i < HTTP_METHOD_COUNT; i++) {
        uint64_t differs = word ^ word_load_8(methods[i].text);
        if (differs << (8 - methods[i].size) * 8 == 0) {
            scan->request->method = (enum http_method)i;
            scan->at += methods[i].size;
            return true;
        }
    }
    return false;
}

static enum http_answer scan_method(struct http_scan *scan)
{
    if (take_method(scan))
        return HTTP_REQUEST;
    const uint8_t *start = scan->at;
    scan->at = http_skip_token(start, scan->end);
    if (scan->at - start > METHOD_SIZE_MAX)
        return http_refused(scan->request, 501, "unknown method");
    if (scan->at == scan->end)
        return http_out_of_bytes(scan);
    if (*scan->at != ' ' || scan->at == start)
        return http_refused(scan->request, 400, "malformed request line");
    return http_refused(scan->request, 501, "unknown method");
}

/* "http://authority" before the path: what a request through a proxy looks like. */
static enum http_answer take_authority(struct http_scan *scan, struct bytes *target)
{
    uint32_t skip = 0;
    if (target->size > 7 && http_equals_ignoring_case(target->data, "http://", 7))
        skip = 7;
    else if (target->size > 8 && http_equals_ignoring_case(target->data, "https://", 8))
        skip = 8;
    else
        return http_refused(scan->request, 400, "request target is neither a path nor an http URL");
    uint32_t end = skip;
    while (end < target->size && target->data[end] != '/' && target->data[end] != '?')
        end++;
    scan->authority = bytes_of(target->data + skip, end - skip);
    if (!http_host_is_valid(scan->authority))
        return http_refused(scan->request, 400, "malformed host in the request target");
    *target = bytes_of(target->data + end, target->size - end);
    return HTTP_REQUEST;
}

/* Brackets stand around an address, and nowhere behind it. */
static bool has_bracket(struct bytes target)
{
    return target.size > 0 && (memchr(target.data, '[', target.size) != NULL ||
                                  memchr(target.data, ']', target.size) != NULL);
}

static enum http_answer set_target(struct http_scan *scan, struct bytes target, bool brackets)
{
    struct http_request *request = scan->request;
    bool is_asterisk = target.size == 1 && target.data[0] == '*';
    if (is_asterisk && request->method == HTTP_OPTIONS) {
        request->path = target;
        return HTTP_REQUEST;
    }
    if (target.data[0] != '/' && take_authority(scan, &target) != HTTP_REQUEST)
        return HTTP_REFUSED;
    if (brackets && has_bracket(target))
        return http_refused(scan->request, 400, "malformed request target");
    const uint8_t *mark = target.size == 0 ? NULL : memchr(target.data, '?', target.size);
    uint32_t path_size = mark == NULL ? target.size : (uint32_t)(mark - target.data);
    request->path = path_size == 0 ? BYTES("/") : bytes_of(target.data, path_size);
    if (mark != NULL)
        request->query = bytes_of(mark + 1, target.size - path_size - 1);
    return HTTP_REQUEST;
}

/* The first byte that cannot stand in a target; what "%" needs behind it is part of that. */
static const uint8_t *target_end(const uint8_t *at, const uint8_t *end, bool *brackets)
{
    for (;;) {
        at = http_skip_target(at, end);
        if (at == end || (*at != '%' && *at != '[' && *at != ']'))
            return at;
        uint32_t digits = *at == '%' ? 2 : 0;
        *brackets = *brackets || digits == 0;
        at++;
        for (; digits > 0; digits--, at++)
            if (at == end || !http_is_hex_digit(*at))
                return at;
    }
}

/* "%" or "%4" at the end. */
static bool is_cut_escape(const uint8_t *start, const uint8_t *end)
{
    return (end - start >= 1 && end[-1] == '%') || (end - start >= 2 && end[-2] == '%');
}

static enum http_answer scan_target(struct http_scan *scan)
{
    const uint8_t *start = scan->at;
    bool brackets = false;
    const uint8_t *end = target_end(start, scan->end, &brackets);
    scan->at = end;
    if (end - start > (int64_t)scan->limits->target_bytes)
        return http_refused(scan->request, 414, "request target is too long");
    if (end == scan->end)
        return http_out_of_bytes(scan);
    if (*end != ' ' || end == start || is_cut_escape(start, end))
        return http_refused(scan->request, 400, "malformed request target");
    scan->at++;
    return set_target(scan, bytes_of(start, (uint32_t)(end - start)), brackets);
}

static enum http_answer scan_version(struct http_scan *scan)
{
    static const char form[] = "HTTP/d.d\r\n"; /* d stands for a digit */
    enum { FORM_SIZE = sizeof form - 1, MAJOR = 5, MINOR = 7 };
    if (scan->end - scan->at >= FORM_SIZE && memcmp(scan->at, "HTTP/1.1\r\n", FORM_SIZE) == 0) {
        scan->request->minor = 1;
        scan->at += FORM_SIZE;
        scan->has_line = true;
        return HTTP_REQUEST;
    }
    for (uint32_t i = 0; i < FORM_SIZE; i++) {
        if (scan->at + i == scan->end)
            return http_out_of_bytes(scan);
        bool fits = form[i] == 'd' ? http_is_digit(scan->at[i]) : scan->at[i] == (uint8_t)form[i];
        if (!fits)
            return http_refused(scan->request, 400, "malformed HTTP version");
    }
    if (scan->at[MAJOR] != '1')
        return http_refused(scan->request, 505, "only HTTP/1.0 and HTTP/1.1 are served");
    scan->request->minor = scan->at[MINOR] > '0'; /* a later one is read as the latest known */
    scan->at += FORM_SIZE;
    scan->has_line = true;
    return HTTP_REQUEST;
}

static enum http_answer scan_request_line(struct http_scan *scan)
{
    enum http_answer answer = scan_empty_line(scan);
    if (answer == HTTP_REQUEST)
        answer = scan_method(scan);
    if (answer == HTTP_REQUEST)
        answer = scan_target(scan);
    if (answer == HTTP_REQUEST)
        answer = scan_version(scan);
    return answer;
}

static enum http_answer scan_head(struct bytes received, struct http_scan *scan)
{
    struct http_request *request = scan->request;
    enum http_answer answer = scan_request_line(scan);
    if (answer == HTTP_REQUEST)
        answer = http_fields_scan(scan);
    if (answer == HTTP_REQUEST)
        answer = http_fields_judge(scan);
    if (answer != HTTP_REQUEST)
        return answer;
    request->head_size = (uint32_t)(scan->at - received.data);
    request->consumed = request->head_size + request->body_size;
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
    struct http_scan scan = {
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

enum http_answer http_parse_body(struct bytes received, const struct http_limits *limits,
    struct http_progress *progress, struct http_request *request)
{
    CHECK(request->head_size > 0);
    CHECK(request->head_size <= received.size);
    if (request->chunked)
        return http_chunks_read(received, limits, progress, request);
    progress->needed = request->consumed;
    if (request->body_size > limits->body_bytes)
        return http_refused(request, 413, "the body is too large");
    if (received.size < request->consumed)
        return HTTP_INCOMPLETE;
    request->body = bytes_of(received.data + request->head_size, (uint32_t)request->body_size);
    return HTTP_REQUEST;
}

/* Of one piece: where copies of it were taken in, they would call what is a part of it here. */
__attribute__((noinline)) enum http_answer http_parse(struct bytes received,
    const struct http_limits *limits, struct http_progress *progress, struct http_request *request)
{
    if (received.size < progress->needed) {
        *request = (struct http_request){.status = 0};
        return HTTP_INCOMPLETE;
    }
    enum http_answer answer = http_parse_head(received, limits, progress, request);
    return answer == HTTP_REQUEST ? http_parse_body(received, limits, progress, request) : answer;
}
