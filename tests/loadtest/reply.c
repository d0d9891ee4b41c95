/* SPDX-License-Identifier: Apache-2.0 */
/* Answers, whole, in pieces, and broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loadtest/reply.h"

static enum reply_result parse(struct reply *reply, const char *text)
{
    return reply_parse(reply, text, strlen(text));
}

static void an_answer_is_found_only_when_it_is_whole(void **state)
{
    (void)state;
    const char text[] = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n"
                        "Retry-After:  2 \r\nConnection: close\r\n"
                        "Idempotency-Replayed: true\r\n\r\nbody";
    struct reply reply;
    for (size_t size = 0; size < sizeof text - 1; size++)
        assert_int_equal(reply_parse(&reply, text, size), REPLY_INCOMPLETE);
    assert_int_equal(parse(&reply, text), REPLY_COMPLETE);
    assert_int_equal(reply.status, 503);
    assert_int_equal(reply.size, sizeof text - 1);
    assert_memory_equal(reply.body, "body", 4);
    assert_int_equal(reply.retry_after, 2);
    assert_true(reply.closes);
    assert_true(reply.replayed);
}

static void no_content_needs_no_length(void **state)
{
    (void)state;
    struct reply reply;
    assert_int_equal(parse(&reply, "HTTP/1.1 204 No Content\r\n\r\n"), REPLY_COMPLETE);
    assert_int_equal(reply.body_size, 0);
    assert_int_equal(reply.retry_after, -1);
    assert_false(reply.closes);
}

static void what_is_no_answer_is_broken(void **state)
{
    (void)state;
    struct reply reply;
    const char *const broken[] = {
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1a\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 0\r\n\r\n",
    };
    for (size_t at = 0; at < sizeof broken / sizeof broken[0]; at++)
        assert_int_equal(parse(&reply, broken[at]), REPLY_BROKEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_found_only_when_it_is_whole),
        cmocka_unit_test(no_content_needs_no_length),
        cmocka_unit_test(what_is_no_answer_is_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
