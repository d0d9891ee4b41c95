/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The happy path of a line: token, colon, white space, value, CR LF; its field is told by the size
 * and the first letter of its name, and its value noted. What can go wrong in a line ends the pass
 * at that byte; what can go wrong between lines (two lengths, no Host) is only noted there and
 * judged after the empty line, so that the verdict is that of the whole head however it arrives.
 *
 * Framing is judged by RFC 9112 6.3, and where that leaves a choice, by refusal: whoever sends both
 * Content-Length and Transfer-Encoding, or either of them twice, is read in two ways by somebody.
 */
#include "net/http/fields.h"

#include "core/check.h"
#include "net/http/blocks.h"
#include "net/http/syntax.h"
#include "net/http/target.h"
#include "net/http/words.h"

/* Longer than any body, and no sum with it overflows. */
#define BODY_SIZE_MAX (UINT64_MAX / 4)

/* Whoever takes the first and whoever takes the last of these would see two different requests. */
static const uint32_t fields_never_repeated =
    HTTP_FIELD_BIT(HTTP_FIELD_HOST) | HTTP_FIELD_BIT(HTTP_FIELD_CONTENT_LENGTH) |
    HTTP_FIELD_BIT(HTTP_FIELD_CONTENT_TYPE) | HTTP_FIELD_BIT(HTTP_FIELD_CONTENT_ENCODING) |
    HTTP_FIELD_BIT(HTTP_FIELD_AUTHORIZATION) | HTTP_FIELD_BIT(HTTP_FIELD_X_CUSTOMER_ID) |
    HTTP_FIELD_BIT(HTTP_FIELD_X_ROLE) | HTTP_FIELD_BIT(HTTP_FIELD_LAST_EVENT_ID) |
    HTTP_FIELD_BIT(HTTP_FIELD_EXPECT) | HTTP_FIELD_BIT(HTTP_FIELD_TRANSFER_ENCODING);

static const uint32_t fields_last_wins =
    HTTP_FIELD_BIT(HTTP_FIELD_CONNECTION) | HTTP_FIELD_BIT(HTTP_FIELD_X_FORWARDED_FOR);

enum { FIELD_NAME_SIZE_MIN = 4, FIELD_NAME_SIZE_MAX = 18, FIELD_KEYS = 64 };

struct field_name {
    uint8_t size;
    char text[FIELD_NAME_SIZE_MAX + 1];
};

#define NAME(literal)                                                                              \
    {                                                                                              \
        sizeof(literal) - 1, literal                                                               \
    }

static const struct field_name field_names[HTTP_FIELD_COUNT] = {
    [HTTP_FIELD_HOST] = NAME("host"),
    [HTTP_FIELD_CONTENT_LENGTH] = NAME("content-length"),
    [HTTP_FIELD_TRANSFER_ENCODING] = NAME("transfer-encoding"),
    [HTTP_FIELD_CONNECTION] = NAME("connection"),
    [HTTP_FIELD_CONTENT_TYPE] = NAME("content-type"),
    [HTTP_FIELD_CONTENT_ENCODING] = NAME("content-encoding"),
    [HTTP_FIELD_EXPECT] = NAME("expect"),
    [HTTP_FIELD_ACCEPT] = NAME("accept"),
    [HTTP_FIELD_AUTHORIZATION] = NAME("authorization"),
    [HTTP_FIELD_IDEMPOTENCY_KEY] = NAME("idempotency-key"),
    [HTTP_FIELD_IF_MATCH] = NAME("if-match"),
    [HTTP_FIELD_IF_NONE_MATCH] = NAME("if-none-match"),
    [HTTP_FIELD_X_CUSTOMER_ID] = NAME("x-customer-id"),
    [HTTP_FIELD_X_ROLE] = NAME("x-role"),
    [HTTP_FIELD_X_REQUEST_ID] = NAME("x-request-id"),
    [HTTP_FIELD_X_FORWARDED_FOR] = NAME("x-forwarded-for"),
    [HTTP_FIELD_HOTSHELF_SIGNATURE] = NAME("hotshelf-signature"),
    [HTTP_FIELD_LAST_EVENT_ID] = NAME("last-event-id"),
    [HTTP_FIELD_TRACEPARENT] = NAME("traceparent"),
    [HTTP_FIELD_FORWARDED] = NAME("forwarded"),
};

/* No two of our names have the same one. */
#define FIELD_KEY(name_size, first_letter) (((name_size)*5 + (first_letter)*2) % FIELD_KEYS)

/* The field + 1; 0: none of ours has that key. */
static const uint8_t field_by_key[FIELD_KEYS] = {
    [FIELD_KEY(4, 'h')] = HTTP_FIELD_HOST + 1,
    [FIELD_KEY(14, 'c')] = HTTP_FIELD_CONTENT_LENGTH + 1,
    [FIELD_KEY(17, 't')] = HTTP_FIELD_TRANSFER_ENCODING + 1,
    [FIELD_KEY(10, 'c')] = HTTP_FIELD_CONNECTION + 1,
    [FIELD_KEY(12, 'c')] = HTTP_FIELD_CONTENT_TYPE + 1,
    [FIELD_KEY(16, 'c')] = HTTP_FIELD_CONTENT_ENCODING + 1,
    [FIELD_KEY(6, 'e')] = HTTP_FIELD_EXPECT + 1,
    [FIELD_KEY(6, 'a')] = HTTP_FIELD_ACCEPT + 1,
    [FIELD_KEY(13, 'a')] = HTTP_FIELD_AUTHORIZATION + 1,
    [FIELD_KEY(15, 'i')] = HTTP_FIELD_IDEMPOTENCY_KEY + 1,
    [FIELD_KEY(8, 'i')] = HTTP_FIELD_IF_MATCH + 1,
    [FIELD_KEY(13, 'i')] = HTTP_FIELD_IF_NONE_MATCH + 1,
    [FIELD_KEY(13, 'x')] = HTTP_FIELD_X_CUSTOMER_ID + 1,
    [FIELD_KEY(6, 'x')] = HTTP_FIELD_X_ROLE + 1,
    [FIELD_KEY(12, 'x')] = HTTP_FIELD_X_REQUEST_ID + 1,
    [FIELD_KEY(15, 'x')] = HTTP_FIELD_X_FORWARDED_FOR + 1,
    [FIELD_KEY(18, 'h')] = HTTP_FIELD_HOTSHELF_SIGNATURE + 1,
    [FIELD_KEY(13, 'l')] = HTTP_FIELD_LAST_EVENT_ID + 1,
    [FIELD_KEY(11, 't')] = HTTP_FIELD_TRACEPARENT + 1,
    [FIELD_KEY(9, 'f')] = HTTP_FIELD_FORWARDED + 1,
};

enum http_answer http_refused(struct http_request *request, uint16_t status, const char *reason)
{
    request->status = status;
    request->reason = reason;
    return HTTP_REFUSED;
}

enum http_answer http_out_of_bytes(struct http_scan *scan)
{
    if (scan->full)
        return http_refused(scan->request, 431, "request line and header fields are too large");
    return HTTP_INCOMPLETE;
}

/* Folds letters to lower case; of the other characters of a token only such change as stand in no
 * name of ours. */
#define FOLD_8 UINT64_C(0x2020202020202020)

/* By words that overlap: 4 to 18 bytes, of which no byte is looked at alone. */
static inline bool name_is(const uint8_t *name, const char *small, uint32_t size)
{
    if (size < 8)
        return (word_load_4(name) | (uint32_t)FOLD_8) == word_load_4(small) &&
               (word_load_4(name + size - 4) | (uint32_t)FOLD_8) == word_load_4(small + size - 4);
    uint64_t differs = (word_load_8(name) | FOLD_8) ^ word_load_8(small);
    differs |= (word_load_8(name + size - 8) | FOLD_8) ^ word_load_8(small + size - 8);
    if (size > 16)
        differs |= (word_load_8(name + 8) | FOLD_8) ^ word_load_8(small + 8);
    return differs == 0;
}

static inline enum http_field find_field(struct bytes name)
{
    if (name.size < FIELD_NAME_SIZE_MIN || name.size > FIELD_NAME_SIZE_MAX)
        return HTTP_FIELD_COUNT;
    uint32_t field = field_by_key[FIELD_KEY(name.size, name.data[0] | 0x20U)];
    if (field == 0)
        return HTTP_FIELD_COUNT;
    const struct field_name *known = &field_names[--field];
    if (known->size != name.size || !name_is(name.data, known->text, name.size))
        return HTTP_FIELD_COUNT;
    return (enum http_field)field;
}

enum http_field http_field_find(struct bytes name)
{
    return find_field(name);
}

/* The first byte that ends or spoils a field value: a control character other than tab. */
static const uint8_t *value_end(const uint8_t *at, const uint8_t *end)
{
#ifdef HAVE_BLOCKS
    while (end - at >= 16) {
        __m128i block = block_load(at);
        __m128i controls = _mm_andnot_si128(block_is(block, '\t'), block_in_range(block, 0, 0x1f));
        uint32_t stop = block_mask(_mm_or_si128(controls, block_is(block, 0x7f)));
        if (stop != 0)
            return at + __builtin_ctz(stop);
        at += 16;
    }
#endif
    while (at < end && ((*at >= 0x20 && *at != 0x7f) || *at == '\t'))
        at++;
    return at;
}

static enum http_line malformed(struct http_lines *lines, const char *fault)
{
    lines->fault = fault;
    return HTTP_LINE_MALFORMED;
}

/* A line that does not begin with a name: the empty one, or a fault. */
static enum http_line line_without_name(struct http_lines *lines)
{
    const uint8_t *at = lines->at;
    if (*at == ' ' || *at == '\t')
        return malformed(lines, "folded header field");
    if (*at != '\r')
        return malformed(lines, "malformed header field name");
    if (at + 1 == lines->end)
        return HTTP_LINE_CUT;
    if (at[1] != '\n')
        return malformed(lines, "carriage return without line feed");
    lines->at = at + 2;
    return HTTP_LINE_EMPTY;
}

/* `end` is where a value ends that no CR LF follows. */
static enum http_line line_without_end(struct http_lines *lines, const uint8_t *end)
{
    if (end < lines->end && *end != '\r')
        return malformed(lines, "control character in a header field");
    if (lines->end - end < 2)
        return HTTP_LINE_CUT;
    return malformed(lines, "carriage return without line feed");
}

/* `at` stands behind the colon. */
static inline enum http_line line_value(struct http_lines *lines, const uint8_t *at)
{
    while (at < lines->end && (*at == ' ' || *at == '\t'))
        at++;
    const uint8_t *start = at;
    const uint8_t *end = value_end(start, lines->end);
    if (lines->end - end < 2 || end[0] != '\r' || end[1] != '\n')
        return line_without_end(lines, end);
    lines->at = end + 2;
    while (end > start && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    lines->value = bytes_of(start, (uint32_t)(end - start));
    return HTTP_LINE_FIELD;
}

/* The colon behind the usual name that begins at `start`: short, of letters, digits and "-". All is
 * then known from one block. NULL: it is another name. */
static inline const uint8_t *find_colon(const uint8_t *start, const uint8_t *end)
{
#ifdef HAVE_BLOCKS
    if (end - start < 16)
        return NULL;
    __m128i block = block_load(start);
    uint32_t colons = block_mask(block_is(block, ':')), first = colons & -colons;
    if (first > 1 && ((first - 1) & ~block_mask(block_in_usual_token(block))) == 0)
        return start + __builtin_ctz(first);
#else
    (void)start;
    (void)end;
#endif
    return NULL;
}

/* The same of any name; HTTP_LINE_FIELD: *colon is set. */
static enum http_line find_any_colon(struct http_lines *lines, const uint8_t **colon)
{
    const uint8_t *at = http_skip_token(lines->at, lines->end);
    if (at == lines->end)
        return HTTP_LINE_CUT;
    if (at == lines->at)
        return line_without_name(lines);
    if (*at == ' ' || *at == '\t')
        return malformed(lines, "space before the colon of a header field");
    if (*at != ':')
        return malformed(lines, "malformed header field name");
    *colon = at;
    return HTTP_LINE_FIELD;
}

static inline enum http_line read_line(struct http_lines *lines)
{
    const uint8_t *start = lines->at;
    if (start < lines->end && *start == '\r')
        return line_without_name(lines);
    const uint8_t *colon = find_colon(start, lines->end);
    if (colon == NULL) {
        enum http_line line = find_any_colon(lines, &colon);
        if (line != HTTP_LINE_FIELD)
            return line;
    }
    lines->field = find_field(bytes_of(start, (uint32_t)(colon - start)));
    return line_value(lines, colon + 1);
}

enum http_line http_line_next(struct http_lines *lines)
{
    return read_line(lines);
}

static bool is_token(struct bytes text)
{
    return text.size > 0 &&
           http_skip_token(text.data, text.data + text.size) == text.data + text.size;
}

static bool is_word(struct bytes text, struct bytes small)
{
    return text.size == small.size &&
           http_equals_ignoring_case(text.data, (const char *)small.data, small.size);
}

/* An option that is the name of a field which is meant for us would have a proxy drop that field:
 * no honest client sends one (RFC 9110 7.6.1). */
static void note_connection(struct http_scan *scan, struct bytes value)
{
    struct bytes option;
    while (http_list_next(&value, &option)) {
        if (is_word(option, BYTES("close")))
            scan->asks_close = true;
        else if (is_word(option, BYTES("keep-alive")))
            scan->asks_keep_alive = true;
        else if (!is_token(option) || find_field(option) != HTTP_FIELD_COUNT)
            scan->connection_is_malformed = true;
    }
}

static inline void note_field(struct http_scan *scan, enum http_field field, struct bytes value)
{
    struct http_request *request = scan->request;
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

enum http_answer http_fields_scan(struct http_scan *scan)
{
    struct http_lines lines = {.at = scan->at, .end = scan->end};
    const uint8_t *first = scan->at;
    for (;;) {
        enum http_line line = read_line(&lines);
        if (line == HTTP_LINE_FIELD) {
            note_field(scan, lines.field, lines.value);
            continue;
        }
        scan->at = lines.at;
        if (line == HTTP_LINE_CUT)
            return http_out_of_bytes(scan);
        if (line == HTTP_LINE_MALFORMED)
            return http_refused(scan->request, 400, lines.fault);
        scan->request->lines = bytes_of(first, (uint32_t)(scan->at - first));
        return HTTP_REQUEST;
    }
}

static enum http_answer judge_length(struct http_request *request)
{
    struct bytes digits = request->field[HTTP_FIELD_CONTENT_LENGTH];
    if (digits.size == 0)
        return http_refused(request, 400, "Content-Length is not a number");
    for (uint32_t i = 0; i < digits.size; i++) {
        if (!http_is_digit(digits.data[i]))
            return http_refused(request, 400, "Content-Length is not a number");
        request->body_size = request->body_size * 10 + (uint64_t)(digits.data[i] - '0');
        if (request->body_size > BODY_SIZE_MAX / 10)
            request->body_size = BODY_SIZE_MAX / 10; /* and stays there: 413, whatever follows */
    }
    return HTTP_REQUEST;
}

/* "gzip, chunked": codings we do not serve, but a body that has an end. */
static bool ends_in_chunked(struct bytes value)
{
    struct bytes coding;
    bool is_chunked = false;
    while (http_list_next(&value, &coding)) {
        if (is_chunked || !is_token(coding))
            return false;
        is_chunked = is_word(coding, BYTES("chunked"));
    }
    return is_chunked;
}

/* RFC 9112 6.3: without chunked at its end a body has no end, which is 400 before it is 501. */
static enum http_answer judge_encoding(struct http_request *request)
{
    struct bytes value = request->field[HTTP_FIELD_TRANSFER_ENCODING];
    if (http_has(request, HTTP_FIELD_CONTENT_LENGTH))
        return http_refused(request, 400, "both Content-Length and Transfer-Encoding");
    if (request->minor == 0)
        return http_refused(request, 400, "Transfer-Encoding in HTTP/1.0");
    if (!ends_in_chunked(value))
        return http_refused(request, 400, "Transfer-Encoding does not end in chunked");
    if (!is_word(value, BYTES("chunked")))
        return http_refused(request, 501, "chunked alone is the transfer coding served");
    request->chunked = true;
    return HTTP_REQUEST;
}

static enum http_answer judge_framing(const struct http_scan *scan)
{
    struct http_request *request = scan->request;
    enum http_answer answer = HTTP_REQUEST;
    if (http_has(request, HTTP_FIELD_TRANSFER_ENCODING))
        answer = judge_encoding(request);
    else if (http_has(request, HTTP_FIELD_CONTENT_LENGTH))
        answer = judge_length(request);
    if (answer != HTTP_REQUEST)
        return answer;
    bool takes_body = request->method != HTTP_GET && request->method != HTTP_HEAD;
    if ((request->body_size > 0 || request->chunked) && !takes_body)
        return http_refused(request, 400, "GET and HEAD take no body");
    if (request->chunked && scan->limits->chunk_room == NULL)
        return http_refused(request, 411, "a body without Content-Length is not taken here");
    return HTTP_REQUEST;
}

static enum http_answer judge_expectation(struct http_request *request)
{
    struct bytes expect = request->field[HTTP_FIELD_EXPECT];
    if (!http_has(request, HTTP_FIELD_EXPECT) || request->minor == 0)
        return HTTP_REQUEST;
    if (!is_word(expect, BYTES("100-continue")))
        return http_refused(request, 417, "the only expectation served is 100-continue");
    request->expects_100 = request->body_size > 0 || request->chunked;
    return HTTP_REQUEST;
}

enum http_answer http_fields_judge(struct http_scan *scan)
{
    struct http_request *request = scan->request;
    if ((request->fields_repeated & fields_never_repeated) != 0)
        return http_refused(request, 400, "a header field that may stand once is repeated");
    bool has_host = http_has(request, HTTP_FIELD_HOST);
    if (!has_host && request->minor == 1)
        return http_refused(request, 400, "Host is missing");
    if (has_host && !http_host_is_valid(request->field[HTTP_FIELD_HOST]))
        return http_refused(request, 400, "malformed Host");
    if (scan->authority.size > 0)
        request->field[HTTP_FIELD_HOST] = scan->authority;
    if (scan->connection_is_malformed)
        return http_refused(request, 400, "Connection names what is no option of a connection");
    if (judge_framing(scan) != HTTP_REQUEST || judge_expectation(request) != HTTP_REQUEST)
        return HTTP_REFUSED;
    bool default_alive = request->minor == 1 || scan->asks_keep_alive;
    request->keep_alive = default_alive && !scan->asks_close;
    return HTTP_REQUEST;
}
