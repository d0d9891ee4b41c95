/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies in chunks, against a table and against the reference, at every split; and what they cost
 * when they come slowly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "tests/lib/dice.h"
#include "tests/net/http_reference.h"

static uint8_t room[64];
static const struct http_limits limits = {
    .header_bytes = 256, .target_bytes = 64, .body_bytes = 64, .chunk_room = room};

struct vector {
    const char *text; /* behind the head */
    uint32_t size;
    uint16_t status;  /* 0: incomplete, 200: a request, else the refusal */
    const char *body; /* of a request */
};

#define HEAD "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
#define WITH(status_wanted, literal)                                                               \
    {                                                                                              \
        literal, sizeof(literal) - 1, status_wanted, NULL                                          \
    }
#define BAD(literal) WITH(400, literal)
#define OK(literal, wanted)                                                                        \
    {                                                                                              \
        literal, sizeof(literal) - 1, 200, wanted                                                  \
    }
#define LAST "0\r\n\r\n"
#define TEN "0123456789"
#define TINY "1\r\n0\r\n1\r\n1\r\n1\r\n2\r\n1\r\n3\r\n1\r\n4\r\n1\r\n5\r\n1\r\n6\r\n"
#define FIFTY TEN TEN TEN TEN TEN

/* clang-format off */
static const struct vector vectors[] = {
    OK(LAST, ""), OK("3\r\nabc\r\n" LAST, "abc"), OK("3\r\nabc\r\n2\r\nde\r\n" LAST, "abcde"),
    OK("a\r\n" TEN "\r\n" LAST, TEN), OK("A\r\n" TEN "\r\n" LAST, TEN),
    OK("00000000000000000000003\r\nabc\r\n0000\r\n\r\n", "abc"),
    OK("2\r\n\r\n\r\n" LAST, "\r\n"), OK("5\r\n0\r\n\r\n\r\n" LAST, "0\r\n\r\n"),
    OK("40\r\n" FIFTY TEN "0123\r\n" LAST, FIFTY TEN "0123"), WITH(413, "41\r\n"),
    WITH(413, "41\r\n" FIFTY TEN "01234\r\n" LAST),
    WITH(413, "3f\r\n" FIFTY TEN "012\r\n2\r\n"), WITH(413, "FFFFFFFFFFFFFFFF\r\n"),
    WITH(413, "10000000000000003\r\nabc\r\n" LAST),
    WITH(413, "100000003\r\nabc\r\n" LAST), WITH(413, "ffffffffffffffffffffffffffffffff\r\n"),
    /* Sizes. */
    BAD("\r\n"), BAD(" 3\r\nabc\r\n" LAST), BAD("+3\r\nabc\r\n" LAST), BAD("-3\r\nabc\r\n" LAST),
    BAD("0x3\r\nabc\r\n" LAST),
    BAD("3 \r\nabc\r\n" LAST), BAD("3\t\r\nabc\r\n" LAST), BAD("3 3\r\nabc\r\n" LAST),
    BAD("3,3\r\nabc\r\n" LAST), BAD("3.0\r\nabc\r\n" LAST),
    BAD("g\r\n"), BAD("3g\r\nabc\r\n" LAST), BAD("3\0\r\nabc\r\n" LAST),
    BAD("\xd9\xa3\r\nabc\r\n" LAST), BAD("3_0\r\nabc\r\n" LAST), BAD("\"3\"\r\nabc\r\n" LAST),
    /* Line ends. */
    BAD("3\nabc\r\n" LAST), BAD("3\rabc\r\n" LAST), BAD("3\r\r\nabc\r\n" LAST),
    BAD("3\n\rabc\r\n" LAST),
    BAD("3\r\nabc\n" LAST), BAD("3\r\nabc\rX" LAST), BAD("3\r\nabc" LAST),
    BAD("3\r\nabcd\r\n" LAST), BAD("4\r\nabc\r\n" LAST),
    BAD("3\r\nabc\r\n\r\n" LAST), BAD("3\r\nabc\r\n0\n\n"), BAD("3\r\nabc\r\n0\r\n\n"),
    BAD("0\r\n\rX"), BAD("0\n\r\n"),
    /* Extensions. */
    OK("3;a\r\nabc\r\n" LAST, "abc"), OK("3;a=b\r\nabc\r\n0;c;d=e\r\n\r\n", "abc"),
    OK("3 ; a\t= \"b;\\\"\xff\tc\" ;d \t;e\r\nabc\r\n" LAST, "abc"),
    OK("3;a=\"\"\r\nabc\r\n" LAST, "abc"), OK("3;\ta =b\r\nabc\r\n" LAST, "abc"),
    BAD("3;\r\nabc\r\n" LAST), BAD("3;;a\r\nabc\r\n" LAST), BAD("3;a=\r\nabc\r\n" LAST),
    BAD("3;=b\r\nabc\r\n" LAST), BAD("3;a b\r\nabc\r\n" LAST),
    BAD("3;a \r\nabc\r\n" LAST), BAD("3;a=b \r\nabc\r\n" LAST), BAD("3;a=b c\r\nabc\r\n" LAST),
    BAD("3;a=\"b\r\nabc\r\n" LAST), BAD("3;a=\"b\"c\r\nabc\r\n" LAST),
    BAD("3;a=\"\n\"\r\nabc\r\n" LAST), BAD("3;a=\"\\\r\n\"\r\nabc\r\n" LAST),
    BAD("3;a\nabc\r\n" LAST), BAD("3;a\rb\r\nabc\r\n" LAST), BAD("3;\0\r\nabc\r\n" LAST),
    BAD("3;a=\"\0\"\r\nabc\r\n" LAST), BAD("3;a@\r\nabc\r\n" LAST), BAD("3;a=@\r\nabc\r\n" LAST),
    BAD("3;\x80\r\nabc\r\n" LAST),
    /* Trailers. */
    OK("0\r\nX-Sum: 1\r\n\r\n", ""), OK("1\r\na\r\n0\r\nX:\r\nY: \xff \r\n\r\n", "a"),
    BAD("0\r\nContent-Length: 3\r\n\r\n"), BAD("0\r\ntransfer-encoding: chunked\r\n\r\n"),
    BAD("0\r\nHost: b\r\n\r\n"),
    BAD("0\r\nX-Customer-Id: eve\r\n\r\n"), BAD("0\r\nX-Role: service\r\n\r\n"),
    BAD("0\r\nAuthorization: b\r\n\r\n"), BAD("0\r\nIdempotency-Key: b\r\n\r\n"),
    BAD("0\r\nContent-Type: b\r\n\r\n"), BAD("0\r\nExpect: 100-continue\r\n\r\n"),
    BAD("0\r\nConnection: close\r\n\r\n"),
    BAD("0\r\nX : 1\r\n\r\n"), BAD("0\r\n X: 1\r\n\r\n"), BAD("0\r\nX: 1\r\n y\r\n\r\n"),
    BAD("0\r\nX\r\n\r\n"), BAD("0\r\nX: \0\r\n\r\n"), BAD("0\r\nX: 1\n\r\n"),
    BAD("0\r\n: 1\r\n\r\n"), BAD("0\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    /* Too much of what is no data. */
    WITH(431, "0\r\nX: " FIFTY FIFTY FIFTY FIFTY "\r\n\r\n"),
    WITH(431, "3;a=" FIFTY FIFTY FIFTY FIFTY "\r\nabc\r\n" LAST),
    WITH(431, "3;a=\"" FIFTY FIFTY FIFTY FIFTY), WITH(431, "000" FIFTY FIFTY FIFTY FIFTY),
    WITH(431, TINY TINY TINY TINY TINY TINY TINY TINY),
    /* Unfinished ones. */
    WITH(0, ""), WITH(0, "3"), WITH(0, "3\r"), WITH(0, "3\r\n"), WITH(0, "3\r\nab"),
    WITH(0, "3\r\nabc"), WITH(0, "3\r\nabc\r"), WITH(0, "3\r\nabc\r\n"),
    WITH(0, "0"), WITH(0, "0\r\n"), WITH(0, "0\r\n\r"), WITH(0, "3;a=\"\\"), WITH(0, "3;"),
    WITH(0, "3 "), WITH(0, "0\r\nX: 1\r\n"),
};
/* clang-format on */
enum { VECTOR_COUNT = sizeof vectors / sizeof vectors[0] };

/* The whole request, and another behind it. */
struct input {
    uint8_t data[2048];
    uint32_t size;
};

static void add(struct input *input, const void *data, uint32_t size)
{
    assert_true(size <= sizeof input->data - input->size);
    memcpy(input->data + input->size, data, size);
    input->size += size;
}

static struct input input_of(const struct vector *vector)
{
    struct input input = {.size = 0};
    add(&input, HEAD, sizeof HEAD - 1);
    add(&input, vector->text, vector->size);
    return input;
}

static uint16_t parse(const struct input *input, struct http_request *request)
{
    struct http_progress progress = {0};
    struct bytes bytes = bytes_of(input->data, input->size);
    enum http_answer answer = http_parse(bytes, &limits, &progress, request);
    if (answer == HTTP_REQUEST)
        return 200;
    return answer == HTTP_INCOMPLETE ? 0 : request->status;
}

static void each_body_has_its_verdict(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < VECTOR_COUNT; i++) {
        struct input input = input_of(&vectors[i]);
        uint32_t size = input.size;
        if (vectors[i].body != NULL)
            add(&input, "GET / HTTP/1.1\r\n", 16);
        struct http_request request;
        uint16_t status = parse(&input, &request);
        if (status != vectors[i].status)
            fail_msg("vector %u: %u and not %u: %s", i, status, vectors[i].status, vectors[i].text);
        if (vectors[i].body == NULL)
            continue;
        assert_int_equal(request.consumed, size);
        assert_true(bytes_equal(request.body, bytes_of_string(vectors[i].body)));
    }
}

static void the_reference_says_the_same_at_every_split(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < VECTOR_COUNT; i++) {
        struct input input = input_of(&vectors[i]);
        for (uint32_t step = 1; step < input.size; step = step * 2 + (step > 4))
            reference_compare(&limits, bytes_of(input.data, input.size), step);
        for (uint32_t size = 0; size < input.size; size++)
            reference_compare(&limits, bytes_of(input.data, size), size / 2 + 1);
    }
}

/* A body in two pieces, cut at each of its bytes. */
static void two_pieces_are_one_body(void **state)
{
    (void)state;
    struct input input = {.size = 0};
    add(&input, HEAD, sizeof HEAD - 1);
    static const char body[] = "5;x\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\nX: y\r\n\r\n";
    add(&input, body, sizeof body - 1);
    for (uint32_t cut = 1; cut < input.size; cut++) {
        struct http_progress progress = {0};
        struct http_request request;
        assert_int_equal(
            http_parse(bytes_of(input.data, cut), &limits, &progress, &request), HTTP_INCOMPLETE);
        assert_true(progress.needed <= input.size);
        assert_int_equal(http_parse(bytes_of(input.data, input.size), &limits, &progress, &request),
            HTTP_REQUEST);
        assert_true(bytes_equal(request.body, BYTES("hello world")));
        assert_int_equal(request.consumed, input.size);
    }
}

static void without_a_room_a_length_is_asked_for(void **state)
{
    (void)state;
    struct http_limits none = limits;
    none.chunk_room = NULL;
    struct http_progress progress = {0};
    struct http_request request;
    assert_int_equal(http_parse(BYTES(HEAD LAST), &none, &progress, &request), HTTP_REFUSED);
    assert_int_equal(request.status, 411);
}

static void who_waits_for_100_is_seen_before_the_first_chunk(void **state)
{
    (void)state;
    struct http_progress progress = {0};
    struct http_request request;
    struct bytes head = BYTES("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
                              "Expect: 100-continue\r\n\r\n");
    assert_int_equal(http_parse(head, &limits, &progress, &request), HTTP_INCOMPLETE);
    assert_true(request.expects_100);
    assert_int_equal(progress.needed, head.size);
}

/* Pieces of requests put together at random: what no table thought of. */
static void the_reference_says_the_same_of_any_mixture(void **state)
{
    (void)state;
    static const char *const pieces[] = {"POST / HTTP/1.1\r\n", "GET / HTTP/1.1\r\n", "Host: a\r\n",
        "Transfer-Encoding: chunked\r\n", "Content-Length: 3\r\n", "\r\n", "3\r\n", "abc", "0\r\n",
        "0\r\n\r\n", "\n", "\r", " ", "X: y\r\n", ";a=\"b\"", "Connection: close\r\n", ":", "\t",
        "%41", "chunked", ",", "40\r\n", HEAD, FIFTY, "Expect: 100-continue\r\n", "\x80", "[", "/"};
    struct dice dice = dice_of(0x5eed);
    for (uint32_t round = 0; round < 20000; round++) {
        struct input input = {.size = 0};
        if (dice_below(&dice, 2) == 0)
            add(&input, HEAD, sizeof HEAD - 1);
        for (uint32_t i = 0; i < 12; i++) {
            const char *piece = pieces[dice_below(&dice, sizeof pieces / sizeof pieces[0])];
            add(&input, piece, (uint32_t)strlen(piece));
        }
        reference_compare(&limits, bytes_of(input.data, input.size), 1 + dice_below(&dice, 64));
    }
}

static int64_t nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Chunks of one byte that arrive byte by byte: were each byte to cost a walk over all chunks before
 * it, this would take seconds. */
static void slow_chunks_are_not_quadratic(void **state)
{
    (void)state;
    enum { CHUNKS = 3000 };
    static uint8_t input[sizeof HEAD + CHUNKS * 6 + 8], large_room[65536];
    struct http_limits large = {.header_bytes = 16384,
        .target_bytes = 8192,
        .body_bytes = sizeof large_room,
        .chunk_room = large_room};
    uint32_t size = (uint32_t)sizeof HEAD - 1;
    memcpy(input, HEAD, size);
    for (uint32_t i = 0; i < CHUNKS; i++, size += 6)
        memcpy(input + size, "1\r\nx\r\n", 6);
    memcpy(input + size, LAST, 5);
    size += 5;
    struct http_progress progress = {0};
    struct http_request request;
    int64_t start = nanoseconds();
    for (uint32_t arrived = 1; arrived < size; arrived++)
        assert_int_equal(
            http_parse(bytes_of(input, arrived), &large, &progress, &request), HTTP_INCOMPLETE);
    assert_int_equal(http_parse(bytes_of(input, size), &large, &progress, &request), HTTP_REQUEST);
    assert_int_equal(request.body.size, CHUNKS);
    assert_true(nanoseconds() - start < 500000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_body_has_its_verdict),
        cmocka_unit_test(the_reference_says_the_same_at_every_split),
        cmocka_unit_test(two_pieces_are_one_body),
        cmocka_unit_test(without_a_room_a_length_is_asked_for),
        cmocka_unit_test(who_waits_for_100_is_seen_before_the_first_chunk),
        cmocka_unit_test(the_reference_says_the_same_of_any_mixture),
        cmocka_unit_test(slow_chunks_are_not_quadratic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
