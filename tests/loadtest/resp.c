/* SPDX-License-Identifier: Apache-2.0 */
/* Replies of the Redis protocol: whole, in pieces, broken, and looked up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loadtest/resp.h"

static enum resp_result scan(const char *text, size_t size, size_t *reply_size)
{
    uint64_t missing = 0;
    *reply_size = 0;
    return resp_scan(reply_size, &missing, text, size);
}

static const char cart[] = "*6\r\n$8\r\ncurrency\r\n$3\r\nGBP\r\n$5\r\nlines\r\n*2\r\n"
                           "*4\r\n$3\r\nsku\r\n$1\r\nA\r\n$8\r\nquantity\r\n:2\r\n"
                           "%2\r\n$3\r\nsku\r\n$1\r\nB\r\n$10\r\nexpires_at\r\n_\r\n"
                           "$7\r\nversion\r\n:-3\r\n";

static void a_reply_is_whole_with_its_last_byte(void **state)
{
    (void)state;
    static const char *const replies[] = {cart, "+OK\r\n", "-SOLDOUT A:sold_out:0\r\n", ":0\r\n",
        "$0\r\n\r\n", "$-1\r\n", "*-1\r\n", "*0\r\n", "_\r\n", "$5\r\na\r\nbc\r\n",
        ":-9223372036854775808\r\n"};
    for (size_t at = 0; at < sizeof replies / sizeof replies[0]; at++) {
        size_t whole = strlen(replies[at]), size;
        for (size_t cut = 0; cut < whole; cut++)
            assert_int_equal(scan(replies[at], cut, &size), RESP_INCOMPLETE);
        assert_int_equal(scan(replies[at], whole, &size), RESP_WHOLE);
        assert_int_equal(size, whole);
    }
}

static void a_scan_goes_on_where_it_stopped(void **state)
{
    (void)state;
    size_t at = 0;
    uint64_t missing = 0;
    for (size_t size = 0; size < sizeof cart - 1; size++) {
        size_t before = at;
        assert_int_equal(resp_scan(&at, &missing, cart, size), RESP_INCOMPLETE);
        assert_true(at >= before && at <= size);
    }
    assert_int_equal(resp_scan(&at, &missing, cart, sizeof cart - 1), RESP_WHOLE);
    assert_int_equal(at, sizeof cart - 1);
}

static void what_follows_a_reply_does_not_belong_to_it(void **state)
{
    (void)state;
    size_t size;
    assert_int_equal(scan("+OK\r\n+OK\r\n", 10, &size), RESP_WHOLE);
    assert_int_equal(size, 5);
    struct resp resp;
    assert_int_equal(resp_open(&resp), 0);
    assert_false(resp_parse(&resp, "+OK\r\n+OK\r\n", 10));
    resp_close(&resp);
}

static void what_is_no_reply_is_broken(void **state)
{
    (void)state;
    static const char *const broken[] = {"HTTP/1.1 400 Bad Request\r\n", "+OK\n", "\r\n", ":1a\r\n",
        ":+1\r\n", ":01\r\n", ":-0\r\n", ":\r\n", ":9223372036854775808\r\n", "$-2\r\n",
        "$3\r\nabcd\r\n", "$524289\r\n", "*-2\r\n", "*16385\r\n", "%-1\r\n", "%8193\r\n", "_x\r\n",
        "+a\rb\r\n", "*2\r\n:1\r\n?\r\n", "$1\r\nab\r\n"};
    for (size_t at = 0; at < sizeof broken / sizeof broken[0]; at++) {
        size_t size;
        assert_int_equal(scan(broken[at], strlen(broken[at]), &size), RESP_BROKEN);
    }
}

static void a_line_without_end_is_broken(void **state)
{
    (void)state;
    size_t size = 70000, reply_size;
    char *line = malloc(size);
    assert_non_null(line);
    memset(line, 'x', size);
    line[0] = '-';
    assert_int_equal(scan(line, 60000, &reply_size), RESP_INCOMPLETE);
    assert_int_equal(scan(line, size, &reply_size), RESP_BROKEN);
    free(line);
}

static void more_values_than_fit_are_broken(void **state)
{
    (void)state;
    char text[256] = "";
    size_t size = 0, reply_size;
    for (uint32_t depth = 0; depth < 3; depth++)
        size += (size_t)snprintf(text + size, sizeof text - size, "*6000\r\n");
    assert_int_equal(scan(text, size, &reply_size), RESP_BROKEN);
}

static void values_are_found_by_name_and_in_order(void **state)
{
    (void)state;
    struct resp resp;
    char text[8];
    int64_t number = 0;
    assert_int_equal(resp_open(&resp), 0);
    assert_true(resp_parse(&resp, cart, sizeof cart - 1));
    assert_true(resp_text(&resp, resp_member(&resp, RESP_ROOT, "currency"), text, sizeof text));
    assert_string_equal(text, "GBP");
    assert_true(resp_integer(&resp, resp_member(&resp, RESP_ROOT, "version"), &number));
    assert_int_equal(number, -3);
    int lines = resp_member(&resp, RESP_ROOT, "lines");
    int first = resp_first(&resp, lines);
    assert_true(resp_integer(&resp, resp_member(&resp, first, "quantity"), &number));
    assert_int_equal(number, 2);
    int second = resp_next(&resp, lines, first);
    assert_true(resp_text(&resp, resp_member(&resp, second, "sku"), text, sizeof text));
    assert_string_equal(text, "B");
    int none = resp_member(&resp, second, "expires_at");
    assert_true(none != RESP_NONE);
    assert_false(resp_integer(&resp, none, &number));
    assert_false(resp_text(&resp, none, text, sizeof text));
    assert_int_equal(resp_next(&resp, lines, second), RESP_NONE);
    resp_close(&resp);
}

static void what_is_not_there_is_none(void **state)
{
    (void)state;
    struct resp resp;
    char text[3];
    int64_t number = 7;
    assert_int_equal(resp_open(&resp), 0);
    assert_true(resp_parse(&resp, cart, sizeof cart - 1));
    assert_int_equal(resp_member(&resp, RESP_ROOT, "sku"), RESP_NONE);
    assert_int_equal(resp_member(&resp, RESP_NONE, "sku"), RESP_NONE);
    assert_int_equal(resp_first(&resp, RESP_NONE), RESP_NONE);
    assert_false(resp_text(&resp, resp_member(&resp, RESP_ROOT, "currency"), text, sizeof text));
    assert_false(resp_integer(&resp, resp_member(&resp, RESP_ROOT, "currency"), &number));
    assert_true(resp_parse(&resp, "*3\r\n+a\r\n:1\r\n+b\r\n", 16));
    assert_int_equal(resp_member(&resp, RESP_ROOT, "a"), RESP_NONE);
    assert_int_equal(number, 7);
    resp_close(&resp);
}

static void a_reply_nests_to_a_bound(void **state)
{
    (void)state;
    struct resp resp;
    char text[64] = "";
    size_t size = 0, reply_size;
    assert_int_equal(resp_open(&resp), 0);
    for (uint32_t depth = 0; depth <= RESP_DEPTH_MAX; depth++) {
        char whole[96];
        int whole_size = snprintf(whole, sizeof whole, "%s:1\r\n", text);
        assert_int_equal(scan(whole, (size_t)whole_size, &reply_size), RESP_WHOLE);
        assert_int_equal(resp_parse(&resp, whole, (size_t)whole_size), depth <= RESP_DEPTH_MAX);
        size += (size_t)snprintf(text + size, sizeof text - size, "*1\r\n");
    }
    size += (size_t)snprintf(text + size, sizeof text - size, ":1\r\n");
    assert_false(resp_parse(&resp, text, size));
    resp_close(&resp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_is_whole_with_its_last_byte),
        cmocka_unit_test(a_scan_goes_on_where_it_stopped),
        cmocka_unit_test(what_follows_a_reply_does_not_belong_to_it),
        cmocka_unit_test(what_is_no_reply_is_broken),
        cmocka_unit_test(a_line_without_end_is_broken),
        cmocka_unit_test(more_values_than_fit_are_broken),
        cmocka_unit_test(values_are_found_by_name_and_in_order),
        cmocka_unit_test(what_is_not_there_is_none),
        cmocka_unit_test(a_reply_nests_to_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
