/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of the Redis protocol: each is read whole and from every prefix of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/resp/parser.h"

enum { COMMAND_SIZE_MAX = 65536 };

static struct resp_request request;
static uint8_t room[RESP_INLINE_SIZE_MAX];

static enum resp_answer parse(const uint8_t *text, uint32_t size)
{
    uint8_t *copy = malloc(size + 1);
    assert_non_null(copy);
    memcpy(copy, text, size);
    static uint8_t kept[2 * COMMAND_SIZE_MAX];
    memcpy(kept, copy, size);
    free(copy);
    return resp_parse(bytes_of(kept, size), COMMAND_SIZE_MAX, room, &request);
}

/* The verdict on the whole, after every prefix has been found to be too short or has met the same
 * fate already. */
static enum resp_answer verdict(const char *text)
{
    uint32_t size = (uint32_t)strlen(text);
    enum resp_answer early = RESP_INCOMPLETE;
    for (uint32_t i = 1; i < size && early == RESP_INCOMPLETE; i++) {
        early = parse((const uint8_t *)text, i);
        assert_true(early == RESP_INCOMPLETE || early == RESP_REFUSED);
        if (early == RESP_INCOMPLETE)
            assert_true(request.needed == 0 || (request.needed > i && request.needed <= size + 64));
    }
    enum resp_answer whole = parse((const uint8_t *)text, size);
    assert_true(early == RESP_INCOMPLETE || early == whole);
    return whole;
}

static void assert_words(const char *text, const char *joined)
{
    char got[256] = "";
    assert_int_equal(verdict(text), RESP_REQUEST);
    for (uint32_t i = 0; i < request.count; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%.*s", i > 0 ? "|" : "",
            (int)request.arguments[i].size, (const char *)request.arguments[i].data);
    assert_string_equal(got, joined);
    assert_int_equal(request.consumed, strlen(text));
}

static void assert_refused(const char *text, const char *reason)
{
    assert_int_equal(verdict(text), RESP_REFUSED);
    assert_non_null(strstr(request.reason, reason));
}

static void test_arrays(void **state)
{
    (void)state;
    assert_words("*1\r\n$4\r\nPING\r\n", "PING");
    assert_words("*3\r\n$4\r\nECHO\r\n$0\r\n\r\n$3\r\na\nb\r\n", "ECHO||a\nb");
    assert_int_equal(verdict("*0\r\n"), RESP_EMPTY);
    assert_int_equal(verdict("*-1\r\n"), RESP_EMPTY);
    assert_int_equal(request.consumed, 5);
}

static void test_inline(void **state)
{
    (void)state;
    assert_words("PING\r\n", "PING");
    assert_words(" \t PING\n", "PING");
    assert_words("ECHO \"a b\" 'c d' e\r\n", "ECHO|a b|c d|e");
    assert_words("ECHO \"\\x41\\n\\\"\\\\\" 'it\\'s\\n' \"\"\r\n", "ECHO|A\n\"\\|it's\\n|");
    assert_int_equal(verdict("\r\n"), RESP_EMPTY);
    assert_int_equal(verdict("  \n"), RESP_EMPTY);
}

static void test_refusals(void **state)
{
    (void)state;
    assert_refused("*x\r\n", "multibulk length");
    assert_refused("*\r\n", "multibulk length");
    assert_refused("*2049\r\n", "multibulk length");
    assert_refused("*1\rx", "multibulk length");
    assert_refused("*1\r\n:1\r\n", "expected '$'");
    assert_refused("*1\r\n$-1\r\n", "bulk length");
    assert_refused("*1\r\n$99999999999999\r\n", "bulk length");
    assert_refused("*1\r\n$00000000000000001\r\n", "bulk length");
    assert_refused("*1\r\n$2\r\nabcd\r\n", "does not end");
    assert_refused("*1\r\n$65536\r\n", "too large");
    assert_refused("ECHO \"a\r\n", "unbalanced");
    assert_refused("ECHO \"a\"b\r\n", "unbalanced");
    assert_refused("POST / HTTP/1.1\r\n", "HTTP");
    assert_refused("host: example\r\n", "HTTP");
}

/* The bound holds to the byte, and is told before the line has an end. */
static void test_inline_bound(void **state)
{
    (void)state;
    uint8_t line[RESP_INLINE_SIZE_MAX + 1];
    memset(line, 'x', sizeof line);
    assert_int_equal(parse(line, RESP_INLINE_SIZE_MAX - 1), RESP_INCOMPLETE);
    assert_int_equal(parse(line, RESP_INLINE_SIZE_MAX), RESP_REFUSED);
    line[RESP_INLINE_SIZE_MAX - 1] = '\n';
    assert_int_equal(parse(line, RESP_INLINE_SIZE_MAX), RESP_REQUEST);
    assert_int_equal(request.arguments[0].size, RESP_INLINE_SIZE_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_inline),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_inline_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
