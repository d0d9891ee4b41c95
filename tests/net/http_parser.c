/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP parser against a table of requests. Each vector is read whole, byte by byte, and with
 * another request behind it: the verdict has to be the same each time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "net/http/parser.h"
#include "tests/net/http_reference.h"

static uint8_t chunk_room[64];
static const struct http_limits limits = {
    .header_bytes = 512, .target_bytes = 128, .body_bytes = 64, .chunk_room = chunk_room};

struct vector {
    const char *text;
    uint32_t size;
    uint16_t status; /* 0: incomplete, 200: a request, else the refusal */
};

#define WITH(status_wanted, literal)                                                               \
    {                                                                                              \
        literal, sizeof literal - 1, status_wanted                                                 \
    }
#define OK(literal) WITH(200, literal)
#define BAD(literal) WITH(400, literal)
#define END "\r\n\r\n"
#define GET "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"
#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN

/* clang-format off */
static const struct vector vectors[] = {
    /* Methods and the empty line that may stand before them. */
    OK("GET / HTTP/1.1\r\nHost: a" END), OK("HEAD / HTTP/1.1\r\nHost: a" END),
    OK("POST / HTTP/1.1\r\nHost: a" END), OK("PUT / HTTP/1.1\r\nHost: a" END),
    OK("PATCH / HTTP/1.1\r\nHost: a" END), OK("DELETE / HTTP/1.1\r\nHost: a" END),
    OK("OPTIONS / HTTP/1.1\r\nHost: a" END), OK("OPTIONS * HTTP/1.1\r\nHost: a" END),
    OK("\r\nGET / HTTP/1.1\r\nHost: a" END),
    WITH(501, "get / HTTP/1.1\r\nHost: a" END), WITH(501, "TRACE / HTTP/1.1\r\nHost: a" END),
    WITH(501, "CONNECT a:80 HTTP/1.1\r\nHost: a" END), WITH(501, "GETT / HTTP/1.1\r\nHost: a" END),
    WITH(501, "PRI * HTTP/2.0" END "SM" END),
    WITH(501, "AMETHODTHATNEVERENDS / HTTP/1.1\r\nHost: a" END),
    BAD("GET\0 / HTTP/1.1\r\nHost: a" END), BAD("G(T / HTTP/1.1\r\nHost: a" END),
    BAD("\r\n\r\nGET / HTTP/1.1\r\nHost: a" END), BAD("\nGET / HTTP/1.1\r\nHost: a" END),
    BAD("\rGET / HTTP/1.1\r\nHost: a" END), BAD(" GET / HTTP/1.1\r\nHost: a" END),
    BAD("\tGET / HTTP/1.1\r\nHost: a" END), BAD("\0GET / HTTP/1.1\r\nHost: a" END),
    BAD("\x16\x03\x01\x02\x00\x01\x00\x01"), BAD("*1\r\n$4\r\nPING\r\n"),
    /* The spaces of the request line. */
    BAD("GET  / HTTP/1.1\r\nHost: a" END), BAD("GET /  HTTP/1.1\r\nHost: a" END),
    BAD("GET\t/ HTTP/1.1\r\nHost: a" END), BAD("GET /\tHTTP/1.1\r\nHost: a" END),
    BAD("GET / HTTP/1.1 \r\nHost: a" END), BAD("GET /\r\nHost: a" END),
    BAD("GET / \r\nHost: a" END),
    BAD("GET\r\nHost: a" END), BAD("GET \r\nHost: a" END), BAD("GET HTTP/1.1\r\nHost: a" END),
    BAD("GET / HTTP/1.1\nHost: a" END), BAD("GET / HTTP/1.1\rHost: a" END),
    BAD("GET / HTTP/1.1\r\r\nHost: a" END), BAD("GET / HTTP/1.1\n\nHost: a\n\n"),
    /* Versions. */
    OK("GET / HTTP/1.0\r\nHost: a" END), OK("GET / HTTP/1.0" END),
    BAD("GET / http/1.1\r\nHost: a" END), BAD("GET / HTTP/1\r\nHost: a" END),
    BAD("GET / HTTP/1.\r\nHost: a" END), BAD("GET / HTTP/11\r\nHost: a" END),
    BAD("GET / HTTP/1.11\r\nHost: a" END), BAD("GET / HTTP/01.1\r\nHost: a" END),
    BAD("GET / HTTP/-1.1\r\nHost: a" END), BAD("GET / HTTP 1.1\r\nHost: a" END),
    BAD("GET / HTTP/1.1x\r\nHost: a" END), BAD("GET / FTP/1.1\r\nHost: a" END),
    BAD("GET / HTTP/1,1\r\nHost: a" END), BAD("GET / HTTP/1.1\0\r\nHost: a" END),
    WITH(505, "GET / HTTP/2.0\r\nHost: a" END), WITH(505, "GET / HTTP/0.9\r\nHost: a" END),
    OK("GET / HTTP/1.2\r\nHost: a" END), OK("GET / HTTP/1.9\r\nHost: a" END),
    WITH(505, "GET / HTTP/3.1\r\nHost: a" END),
    /* Targets. */
    OK("GET /a/b;c=1,2/%41?q=%20&r=(')!*+$@:/?~ HTTP/1.1\r\nHost: a" END),
    OK("GET /%00%2f%aF?%41 HTTP/1.1\r\nHost: a" END), /* what they mean is for whoever reads them */
    BAD("GET /%zz HTTP/1.1\r\nHost: a" END), BAD("GET /% HTTP/1.1\r\nHost: a" END),
    BAD("GET /%4 HTTP/1.1\r\nHost: a" END),
    BAD("GET /%%41 HTTP/1.1\r\nHost: a" END), BAD("GET /a?b=%4g HTTP/1.1\r\nHost: a" END),
    BAD("GET /a?% HTTP/1.1\r\nHost: a" END),
    OK("GET http://[::1]:80/x HTTP/1.1\r\nHost: a" END), BAD("GET /a[0] HTTP/1.1\r\nHost: a" END),
    BAD("GET http://a/? [ HTTP/1.1\r\nHost: a" END),
    BAD("GET http://a%41/ HTTP/1.1\r\nHost: a" END), BAD("GET http://a]/ HTTP/1.1\r\nHost: a" END),
    BAD("GET http://a?] HTTP/1.1\r\nHost: a" END),
    OK("GET http://a HTTP/1.1\r\nHost: a" END), OK("GET http://a/x?y HTTP/1.1\r\nHost: b" END),
    OK("GET HTTPS://a:443/x HTTP/1.1\r\nHost: a" END), OK("GET http://a?y HTTP/1.1\r\nHost: a" END),
    BAD("GET http:///x HTTP/1.1\r\nHost: a" END), BAD("GET http://u@a/x HTTP/1.1\r\nHost: a" END),
    BAD("GET ftp://a/x HTTP/1.1\r\nHost: a" END), BAD("GET a/x HTTP/1.1\r\nHost: a" END),
    BAD("GET http:/x HTTP/1.1\r\nHost: a" END), BAD("GET http://a/x HTTP/1.1" END),
    BAD("GET http://a/x HTTP/1.1\r\nHost: b c" END),
    BAD("GET * HTTP/1.1\r\nHost: a" END), BAD("GET ** HTTP/1.1\r\nHost: a" END),
    BAD("GET /a#b HTTP/1.1\r\nHost: a" END), BAD("GET /a\\b HTTP/1.1\r\nHost: a" END),
    BAD("GET /a\"b HTTP/1.1\r\nHost: a" END), BAD("GET /a<b HTTP/1.1\r\nHost: a" END),
    BAD("GET /a|b HTTP/1.1\r\nHost: a" END), BAD("GET /a^b HTTP/1.1\r\nHost: a" END),
    BAD("GET /a{b} HTTP/1.1\r\nHost: a" END), BAD("GET /\xc3\xa9 HTTP/1.1\r\nHost: a" END),
    BAD("GET /a\0b HTTP/1.1\r\nHost: a" END), BAD("GET /a\x7f HTTP/1.1\r\nHost: a" END),
    BAD("GET /a\rb HTTP/1.1\r\nHost: a" END), BAD("GET /a\nb HTTP/1.1\r\nHost: a" END),
    OK("GET /" FIFTY FIFTY TEN TEN "0123456 HTTP/1.1\r\nHost: a" END), /* 128 */
    WITH(414, "GET /" FIFTY FIFTY TEN TEN "01234567 HTTP/1.1\r\nHost: a" END),
    WITH(414, "GET /" FIFTY FIFTY FIFTY END), WITH(400, "GET /" FIFTY "\x01" FIFTY FIFTY END),
    /* Host. */
    BAD("GET / HTTP/1.1" END), BAD("GET / HTTP/1.1\r\nHost:" END),
    BAD("GET / HTTP/1.1\r\nHost: a\r\nHost: a" END),
    BAD("GET / HTTP/1.1\r\nHost: a\r\nhost: b" END),
    BAD("GET / HTTP/1.0\r\nHost: a\r\nHost: a" END), BAD("GET / HTTP/1.1\r\nHost: a b" END),
    BAD("GET / HTTP/1.1\r\nHost: a,b" END), BAD("GET / HTTP/1.1\r\nHost: a/b" END),
    BAD("GET / HTTP/1.1\r\nHost: u@a" END), BAD("GET / HTTP/1.1\r\nHost: a:8o" END),
    BAD("GET / HTTP/1.1\r\nHost: a:123456" END), BAD("GET / HTTP/1.1\r\nHost: [::1" END),
    BAD("GET / HTTP/1.1\r\nHost: []" END), BAD("GET / HTTP/1.1\r\nHost: :80" END),
    BAD("GET / HTTP/1.1\r\nHost: [::1]x" END), BAD("GET / HTTP/1.1\r\nHost : a" END),
    OK("GET / HTTP/1.1\r\nHost: [::1]:80" END), OK("GET / HTTP/1.1\r\nhOST:\t a-b_c.d:8080 \t" END),
    OK("GET / HTTP/1.1\r\nHost: a:" END),
    /* Fields: names, colons, folding, line ends. */
    OK(GET "X-Empty:" END), OK(GET "X: a\tb" END), OK(GET "X: \xff\x80" END),
    OK(GET "!#$%&'*+-.^_`|~9: x" END),
    OK(GET "X: a:b" END), OK(GET "X: " FIFTY END), OK(GET "X: 0123456789012345\t0123456789" END),
    BAD(GET "X : a" END), BAD(GET "X\t: a" END), BAD(GET " X: a" END), BAD(GET "\tX: a" END),
    BAD(GET "X: a\r\n b" END), BAD(GET "X: a\r\n\tb" END), BAD(GET ": a" END), BAD(GET "X a" END),
    BAD(GET ":: a" END), BAD(GET ":X: a" END), BAD(GET ":X-Role: service" END),
    BAD(GET "X" END), BAD(GET "X(Y): a" END), BAD(GET "X\0: a" END), BAD(GET "X\x80: a" END),
    BAD(GET "X,Y: a" END), BAD(GET "X;Y: a" END), BAD(GET "\"X\": a" END), BAD(GET "X/Y: a" END),
    BAD(GET "X: a\0b" END), BAD(GET "X: a\x01" END), BAD(GET "X: a\x1f" END),
    BAD(GET "X: a\x7f" END),
    BAD(GET "X: " FIFTY "\x7f" END), BAD(GET "X: " FIFTY "\0" END), BAD(GET "X: " FIFTY "\x0b" END),
    BAD(GET "X: a\rb" END), BAD(GET "X: a\nb" END), BAD(GET "X: a\n" END),
    BAD(GET "X: a\r\r\n\r\n"),
    BAD(GET "X: a\r\n\n"), BAD(GET "\n"), BAD(GET "\rx" END), BAD(GET "X: a\n\r\n"),
    /* Content-Length. */
    OK(POST "Content-Length: 0" END), OK(POST "Content-Length: 3" END "abc"),
    OK(POST "content-LENGTH:3" END "abc"), OK(POST "Content-Length: \t 3 \t" END "abc"),
    OK(POST "Content-Length: 0000000003" END "abc"),
    OK(POST "Content-Length: 64" END FIFTY TEN "0123"), WITH(413, POST "Content-Length: 65" END),
    WITH(413, POST "Content-Length: 9999999999" END),
    OK(POST "Content-Length: 00000000000000000000000000000003" END "abc"),
    WITH(413, POST "Content-Length: 18446744073709551617" END),
    WITH(413, POST "Content-Length: 18446744073709551616" END),
    WITH(413, POST "Content-Length: 4294967299" END),
    WITH(413, POST "Content-Length: " FIFTY FIFTY END),
    BAD(POST "Content-Length: " FIFTY FIFTY "x" END), BAD(POST "Content-Length:" END),
    BAD(POST "Content-Length: +3" END "abc"), BAD(POST "Content-Length: -3" END "abc"),
    BAD(POST "Content-Length: 3 3" END "abc"), BAD(POST "Content-Length: 3,3" END "abc"),
    BAD(POST "Content-Length: 3, 3" END "abc"), BAD(POST "Content-Length: 0x3" END "abc"),
    BAD(POST "Content-Length: 3.0" END "abc"), BAD(POST "Content-Length: 3e0" END "abc"),
    BAD(POST "Content-Length: \"3\"" END "abc"), BAD(POST "Content-Length: 3;" END "abc"),
    BAD(POST "Content-Length: \xd9\xa3" END "abc"), BAD(POST "Content-Length: 3\r\n 4" END "abc"),
    BAD(POST "Content-Length: 3\r\nContent-Length: 3" END "abc"),
    BAD(POST "Content-Length: 3\r\nContent-Length: 4" END "abcd"),
    BAD(POST "Content-Length : 3" END "abc"), BAD(POST "Content-Length: 3\0" END "abc"),
    OK(GET "Content-Length: 0" END), BAD(GET "Content-Length: 3" END "abc"),
    BAD("HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 3" END "abc"),
    OK("DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 3" END "abc"),
    OK(POST "Content_Length: 5" END), OK(POST "Xontent-Length: 5" END),
    /* Transfer-Encoding; bodies in chunks are in http_chunks.c. */
    OK(POST "Transfer-Encoding: chunked" END "0" END),
    OK(POST "tRANSFER-eNCODING:\tCHUNKED\t" END "0" END),
    WITH(501, POST "Transfer-Encoding: gzip, chunked" END),
    WITH(501, POST "Transfer-Encoding: , chunked" END),
    WITH(501, POST "Transfer-Encoding: chunked," END),
    BAD(POST "Transfer-Encoding: chunked, chunked" END),
    BAD(POST "Transfer-Encoding: chunked, gzip" END),
    BAD(POST "Transfer-Encoding: identity" END), BAD(POST "Transfer-Encoding: gzip" END),
    BAD(POST "Transfer-Encoding: xchunked" END), BAD(POST "Transfer-Encoding:" END),
    BAD(POST "Transfer-Encoding: chunked;q=1" END), BAD(POST "Transfer-Encoding: \"chunked\"" END),
    BAD(POST "Transfer-Encoding: chunked chunked" END),
    BAD(POST "Transfer-Encoding: chunked\0" END),
    BAD(POST "Transfer-Encoding: chu\xffnked" END), BAD(POST "Transfer-Encoding: 'chunked'" END),
    BAD(POST "Transfer-Encoding: a\r\nTransfer-Encoding: chunked" END),
    BAD(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked" END),
    BAD(POST "Transfer-Encoding: chunked\r\nTransfer-encoding: x" END),
    BAD(GET "Transfer-Encoding: chunked" END "0" END),
    BAD("HEAD / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked" END "0" END),
    BAD(POST "Transfer-Encoding : chunked" END), BAD(POST "Transfer-Encoding\t: chunked" END),
    BAD(POST " Transfer-Encoding: chunked" END), BAD(POST "Transfer-Encoding: chunked\n\n"),
    BAD(POST "X: a\r\n Transfer-Encoding: chunked" END),
    BAD(POST "Transfer-Encoding:\x0b chunked" END),
    BAD(POST "Content-Length: 3\r\nTransfer-Encoding: chunked" END "abc"),
    BAD(POST "Transfer-Encoding: chunked\r\nContent-Length: 3" END "abc"),
    BAD("POST / HTTP/1.0\r\nTransfer-Encoding: chunked" END "0" END),
    /* Connection: a list of tokens, none of them a field that is meant for us. */
    OK(GET "Connection: Upgrade, HTTP2-Settings" END), OK(GET "Connection:" END),
    OK(GET "Connection: ,close,," END),
    BAD(GET "Connection: close keep-alive" END), BAD(GET "Connection: \"close\"" END),
    BAD(GET "Connection: a;b" END),
    BAD(GET "Connection: Content-Length" END), BAD(GET "Connection: close, host" END),
    BAD(GET "Connection: X-Customer-Id" END),
    BAD(POST "Connection: transfer-encoding\r\nContent-Length: 0" END),
    /* Fields that may stand once, and those that may be repeated. */
    BAD(GET "Authorization: a\r\nAuthorization: b" END),
    BAD(GET "X-Customer-Id: a\r\nX-Customer-Id: a" END),
    BAD(GET "X-Role: a\r\nX-ROLE: b" END), BAD(GET "Content-Type: a\r\nContent-Type: a" END),
    OK(GET "Hotshelf-Signature: a\r\nHotshelf-Signature: a" END),
    OK(GET "Idempotency-Key: a\r\nIdempotency-Key: b" END), OK(GET "Accept: a\r\nAccept: b" END),
    OK(GET "If-None-Match: a\r\nIf-None-Match: b" END),
    OK(GET "X-Forwarded-For: a\r\nX-Forwarded-For: b" END),
    /* Expectations. */
    OK(POST "Expect: 100-continue\r\nContent-Length: 1" END "a"),
    OK(POST "Expect: 100-Continue" END),
    WITH(417, POST "Expect: 100-continued" END), WITH(417, POST "Expect: tea" END),
    BAD(POST "Expect: 100-continue\r\nExpect: 100-continue" END),
    OK("POST / HTTP/1.0\r\nExpect: tea" END),
    /* The size of the head. */
    WITH(431, GET "X: " FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY END),
    WITH(431, GET "X: " FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY),
    WITH(431, GET "X" FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY),
    /* Unfinished ones. */
    WITH(0, ""), WITH(0, "\r"), WITH(0, "\r\n"), WITH(0, "G"), WITH(0, "GET"), WITH(0, "GET /"),
    WITH(0, "GET / HTTP/1.1"), WITH(0, "GET / HTTP/1.1\r"), WITH(0, GET), WITH(0, GET "\r"),
    WITH(0, GET "X: y\r"), WITH(0, GET "X: " FIFTY), WITH(0, POST "Content-Length: 3" END "ab"),
};
/* clang-format on */
enum { VECTOR_COUNT = sizeof vectors / sizeof vectors[0] };
_Static_assert(VECTOR_COUNT >= 150, "the table of request vectors");

static uint16_t verdict(enum http_answer answer, const struct http_request *request)
{
    if (answer == HTTP_INCOMPLETE)
        return 0;
    if (answer == HTTP_REQUEST)
        return 200;
    assert_non_null(request->reason);
    return request->status;
}

/* An exact heap copy, so that AddressSanitizer sees a read past what has arrived. */
static uint16_t parse_copy(struct bytes bytes, struct http_progress *progress, uint64_t *consumed)
{
    uint8_t *copy = malloc(bytes.size + 1U);
    assert_non_null(copy);
    uint8_t *start = copy + 1;
    memcpy(start, bytes.data, bytes.size);
    struct http_request request;
    uint16_t status =
        verdict(http_parse(bytes_of(start, bytes.size), &limits, progress, &request), &request);
    *consumed = status == 200 ? request.consumed : 0;
    free(copy);
    return status;
}

static uint16_t parse_whole(struct bytes bytes, uint64_t *consumed)
{
    struct http_progress progress = {0};
    return parse_copy(bytes, &progress, consumed);
}

static void fail_vector(uint32_t index, const char *how, uint16_t status)
{
    print_error("vector %u %s: %u instead of %u: %s\n", index, how, status, vectors[index].status,
        vectors[index].text);
    fail();
}

static void each_vector_has_its_verdict(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < VECTOR_COUNT; i++) {
        uint64_t consumed;
        uint16_t status = parse_whole(bytes_of(vectors[i].text, vectors[i].size), &consumed);
        if (status != vectors[i].status)
            fail_vector(i, "whole", status);
        if (status == 200)
            assert_int_equal(consumed, vectors[i].size);
    }
}

static void byte_by_byte_gives_the_same_verdict(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < VECTOR_COUNT; i++) {
        struct http_progress progress = {0};
        uint16_t status = 0;
        uint64_t consumed;
        for (uint32_t size = 0; size <= vectors[i].size && status == 0; size++)
            status = parse_copy(bytes_of(vectors[i].text, size), &progress, &consumed);
        if (status != vectors[i].status)
            fail_vector(i, "byte by byte", status);
    }
}

static void a_prefix_is_incomplete_or_has_the_verdict_of_the_whole(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < VECTOR_COUNT; i++) {
        for (uint32_t size = 0; size < vectors[i].size; size++) {
            uint64_t consumed;
            uint16_t status = parse_whole(bytes_of(vectors[i].text, size), &consumed);
            if (status != 0 && status != vectors[i].status)
                fail_vector(i, "cut", status);
        }
    }
}

static void a_request_behind_it_changes_nothing(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < VECTOR_COUNT; i++) {
        if (vectors[i].status != 200)
            continue;
        uint8_t both[1024];
        uint32_t size = vectors[i].size;
        memcpy(both, vectors[i].text, size);
        memcpy(both + size, GET "\r\n", sizeof GET "\r\n" - 1);
        uint64_t consumed;
        struct bytes pipelined = bytes_of(both, size + (uint32_t)sizeof GET "\r\n" - 1);
        assert_int_equal(parse_whole(pipelined, &consumed), 200);
        assert_int_equal(consumed, size);
    }
}

static void the_reference_says_the_same(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < VECTOR_COUNT; i++)
        for (uint32_t step = 1; step < 8; step += 3)
            reference_compare(&limits, bytes_of(vectors[i].text, vectors[i].size), step);
}

static struct http_request parse_text(const char *text)
{
    struct http_progress progress = {0};
    struct http_request request;
    enum http_answer answer = http_parse(bytes_of_string(text), &limits, &progress, &request);
    assert_int_equal(answer, HTTP_REQUEST);
    return request;
}

static void assert_bytes(struct bytes bytes, const char *text)
{
    assert_int_equal(bytes.size, strlen(text));
    assert_memory_equal(bytes.data, text, bytes.size);
}

static void a_request_says_all_that_was_sent(void **state)
{
    (void)state;
    struct http_request request = parse_text(
        "PUT /v1/cart/items/10124%40A?x=1&y HTTP/1.1\r\nHost: shop:80\r\nX-CUSTOMER-ID: ann\r\n"
        "content-type: application/json\r\nIf-Match: \"7\"\r\nIf-Match: \"8\"\r\n"
        "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2\r\nContent-Length: 14\r\n\r\n"
        "{\"quantity\":1}");
    assert_int_equal(request.method, HTTP_PUT);
    assert_int_equal(request.minor, 1);
    assert_true(request.keep_alive);
    assert_bytes(request.path, "/v1/cart/items/10124%40A");
    assert_bytes(request.query, "x=1&y");
    assert_bytes(request.body, "{\"quantity\":1}");
    assert_bytes(request.field[HTTP_FIELD_HOST], "shop:80");
    assert_bytes(request.field[HTTP_FIELD_X_CUSTOMER_ID], "ann");
    assert_bytes(request.field[HTTP_FIELD_CONTENT_TYPE], "application/json");
    assert_bytes(request.field[HTTP_FIELD_IF_MATCH], "\"7\"");
    assert_bytes(request.field[HTTP_FIELD_X_FORWARDED_FOR], "2.2.2.2");
    assert_true(http_repeated(&request, HTTP_FIELD_IF_MATCH));
    assert_false(http_repeated(&request, HTTP_FIELD_CONTENT_TYPE));
    assert_false(http_has(&request, HTTP_FIELD_IDEMPOTENCY_KEY));
}

static void every_known_field_is_found(void **state)
{
    (void)state;
    struct http_request request = parse_text(
        GET "Connection: 1\r\nContent-Encoding: 2\r\nAccept: 3\r\nAuthorization: 4\r\n"
            "Idempotency-Key: 5\r\nIf-None-Match: 6\r\nX-Role: 7\r\nX-Request-Id: 8\r\n"
            "Hotshelf-Signature: 9\r\nLast-Event-ID: 10\r\nTraceparent: 11\r\nIf-Match: 12" END);
    assert_bytes(request.field[HTTP_FIELD_CONNECTION], "1");
    assert_bytes(request.field[HTTP_FIELD_CONTENT_ENCODING], "2");
    assert_bytes(request.field[HTTP_FIELD_ACCEPT], "3");
    assert_bytes(request.field[HTTP_FIELD_AUTHORIZATION], "4");
    assert_bytes(request.field[HTTP_FIELD_IDEMPOTENCY_KEY], "5");
    assert_bytes(request.field[HTTP_FIELD_IF_NONE_MATCH], "6");
    assert_bytes(request.field[HTTP_FIELD_X_ROLE], "7");
    assert_bytes(request.field[HTTP_FIELD_X_REQUEST_ID], "8");
    assert_bytes(request.field[HTTP_FIELD_HOTSHELF_SIGNATURE], "9");
    assert_bytes(request.field[HTTP_FIELD_LAST_EVENT_ID], "10");
    assert_bytes(request.field[HTTP_FIELD_TRACEPARENT], "11");
    assert_bytes(request.field[HTTP_FIELD_IF_MATCH], "12");
}

static void an_absolute_target_names_the_host(void **state)
{
    (void)state;
    struct http_request request =
        parse_text("GET http://shop.example?a=b HTTP/1.1\r\nHost: other\r\n\r\n");
    assert_bytes(request.path, "/");
    assert_bytes(request.query, "a=b");
    assert_bytes(request.field[HTTP_FIELD_HOST], "shop.example");
}

static void the_connection_stays_open_as_asked(void **state)
{
    (void)state;
    assert_true(parse_text(GET "\r\n").keep_alive);
    assert_true(parse_text(GET "Connection: closed, TE" END).keep_alive);
    assert_false(parse_text(GET "Connection: close" END).keep_alive);
    assert_false(parse_text(GET "Connection: TE ,\tCLOSE" END).keep_alive);
    assert_false(parse_text(GET "Connection: close\r\nConnection: keep-alive" END).keep_alive);
    assert_false(parse_text("GET / HTTP/1.0\r\n\r\n").keep_alive);
    assert_true(parse_text("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
}

static void a_client_that_waits_is_seen_before_its_body_comes(void **state)
{
    (void)state;
    struct http_progress progress = {0};
    struct http_request request;
    struct bytes head = BYTES(POST "Expect: 100-continue\r\nContent-Length: 5" END);
    assert_int_equal(http_parse(head, &limits, &progress, &request), HTTP_INCOMPLETE);
    assert_int_equal(progress.needed, head.size + 5);
    assert_true(request.expects_100);
    assert_int_equal(request.body_size, 5);
}

static void a_route_may_take_a_larger_body(void **state)
{
    (void)state;
    struct http_progress progress = {0};
    struct http_request request;
    struct bytes head = BYTES(POST "Content-Length: 9999999999" END "sku,");
    assert_int_equal(http_parse_head(head, &limits, &progress, &request), HTTP_REQUEST);
    assert_int_equal(request.body_size, 9999999999);
    assert_int_equal(request.head_size, head.size - 4);
    struct http_limits large = {
        .header_bytes = 512, .target_bytes = 128, .body_bytes = 10000000000};
    assert_int_equal(http_parse_body(head, &large, &progress, &request), HTTP_INCOMPLETE);
    large.body_bytes = 9999999998;
    assert_int_equal(http_parse_body(head, &large, &progress, &request), HTTP_REFUSED);
    assert_int_equal(request.status, 413);
}

static int64_t nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Sixteen KiB byte by byte: were each byte to cost a pass, this would take 100 ms and more. */
static void a_slow_head_is_not_quadratic(void **state)
{
    (void)state;
    static uint8_t head[16384];
    struct http_limits large = {.header_bytes = 16384, .target_bytes = 8192, .body_bytes = 0};
    uint32_t size = (uint32_t)sizeof GET - 1;
    memcpy(head, GET, size);
    for (; size + 8 < sizeof head; size += 6)
        memcpy(head + size, "a: b\r\n", 6);
    memcpy(head + size, "\r\n", 2);
    size += 2;
    struct http_progress progress = {0};
    struct http_request request;
    int64_t start = nanoseconds();
    for (uint32_t arrived = 1; arrived < size; arrived++)
        assert_int_equal(
            http_parse(bytes_of(head, arrived), &large, &progress, &request), HTTP_INCOMPLETE);
    assert_int_equal(http_parse(bytes_of(head, size), &large, &progress, &request), HTTP_REQUEST);
    assert_true(nanoseconds() - start < 50000000);
}

static void a_typical_request_is_parsed_quickly(void **state)
{
    (void)state;
    struct bytes typical = BYTES("GET /v1/availability?skus=85123A,22423 HTTP/1.1\r\n"
                                 "Host: 127.0.0.1:8080\r\nUser-Agent: wrk/4.1.0\r\n"
                                 "Accept: */*\r\nX-Customer-Id: customer-17850\r\n\r\n");
    enum { ROUNDS = 200000 };
    uint64_t sum = 0;
    int64_t start = nanoseconds();
    for (int i = 0; i < ROUNDS; i++) {
        struct http_progress progress = {0};
        struct http_request request;
        assert_true(http_parse(typical, &limits, &progress, &request) == HTTP_REQUEST);
        sum += request.consumed;
    }
    int64_t each = (nanoseconds() - start) / ROUNDS;
    print_message("%u bytes: %lld ns each\n", typical.size, (long long)each);
    assert_int_equal(sum, (uint64_t)typical.size * ROUNDS);
    assert_true(each < 5000); /* generous: sanitizers and busy machines run this too */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_vector_has_its_verdict),
        cmocka_unit_test(byte_by_byte_gives_the_same_verdict),
        cmocka_unit_test(a_prefix_is_incomplete_or_has_the_verdict_of_the_whole),
        cmocka_unit_test(a_request_behind_it_changes_nothing),
        cmocka_unit_test(the_reference_says_the_same),
        cmocka_unit_test(a_request_says_all_that_was_sent),
        cmocka_unit_test(every_known_field_is_found),
        cmocka_unit_test(an_absolute_target_names_the_host),
        cmocka_unit_test(the_connection_stays_open_as_asked),
        cmocka_unit_test(a_client_that_waits_is_seen_before_its_body_comes),
        cmocka_unit_test(a_route_may_take_a_larger_body),
        cmocka_unit_test(a_slow_head_is_not_quadratic),
        cmocka_unit_test(a_typical_request_is_parsed_quickly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
