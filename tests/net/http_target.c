/* SPDX-License-Identifier: Apache-2.0 */
/* Paths, queries, lists and percent-encoding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "net/http/target.h"

static void assert_bytes(struct bytes bytes, const char *text)
{
    assert_int_equal(bytes.size, strlen(text));
    assert_memory_equal(bytes.data, text, bytes.size);
}

static void assert_segment(const char *raw, enum http_unescape answer, const char *text)
{
    uint8_t buffer[8];
    struct bytes decoded;
    assert_int_equal(
        http_unescape_segment(bytes_of_string(raw), buffer, sizeof buffer, &decoded), answer);
    if (answer == HTTP_UNESCAPED)
        assert_bytes(decoded, text);
}

static void segments_are_decoded(void **state)
{
    (void)state;
    assert_segment("", HTTP_UNESCAPED, "");
    assert_segment("10124A", HTTP_UNESCAPED, "10124A");
    assert_segment("a+b", HTTP_UNESCAPED, "a+b");
    assert_segment("%41%62%2f%2F%fF", HTTP_UNESCAPED, "Ab//\xff");
    assert_segment("%41bcdefgh", HTTP_UNESCAPED, "Abcdefgh");
    assert_segment("%2500", HTTP_UNESCAPED, "%00");
}

static void malformed_escapes_are_refused(void **state)
{
    (void)state;
    const char *malformed[] = {"%", "%4", "a%", "%g1", "%1g", "%%41", "% 41", "%00", "%0", "%+1"};
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++)
        assert_segment(malformed[i], HTTP_UNESCAPE_MALFORMED, NULL);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    assert_segment("abcdefgh", HTTP_UNESCAPED, "abcdefgh");
    assert_segment("abcdefghi", HTTP_UNESCAPE_TOO_LONG, NULL);
    assert_segment("%41bcdefghi", HTTP_UNESCAPE_TOO_LONG, NULL);
    assert_segment("%41%41%41%41%41%41%41%41%41", HTTP_UNESCAPE_TOO_LONG, NULL);
}

static void a_segment_without_escapes_is_not_copied(void **state)
{
    (void)state;
    struct bytes raw = BYTES("sku"), decoded;
    uint8_t buffer[8];
    http_unescape_segment(raw, buffer, sizeof buffer, &decoded);
    assert_ptr_equal(decoded.data, raw.data);
}

static void a_plus_in_a_query_is_a_space(void **state)
{
    (void)state;
    uint8_t buffer[16];
    struct bytes decoded;
    assert_int_equal(http_unescape_query(BYTES("toys+%2B+games"), buffer, 16, &decoded), 0);
    assert_bytes(decoded, "toys + games");
}

static void queries_are_walked_in_order(void **state)
{
    (void)state;
    struct bytes rest = BYTES("&skus=A%2CB&&only&x==y&=z&"), name, value;
    assert_true(http_query_next(&rest, &name, &value));
    assert_bytes(name, "skus");
    assert_bytes(value, "A%2CB");
    assert_true(http_query_next(&rest, &name, &value));
    assert_bytes(name, "only");
    assert_bytes(value, "");
    assert_true(http_query_next(&rest, &name, &value));
    assert_bytes(name, "x");
    assert_bytes(value, "=y");
    assert_true(http_query_next(&rest, &name, &value));
    assert_bytes(name, "");
    assert_bytes(value, "z");
    assert_false(http_query_next(&rest, &name, &value));
    assert_false(http_query_next(&(struct bytes){NULL, 0}, &name, &value));
}

static void lists_are_walked_in_order(void **state)
{
    (void)state;
    struct bytes rest = BYTES(" ,A, B\t,,C D ,"), item;
    assert_true(http_list_next(&rest, &item));
    assert_bytes(item, "A");
    assert_true(http_list_next(&rest, &item));
    assert_bytes(item, "B");
    assert_true(http_list_next(&rest, &item));
    assert_bytes(item, "C D");
    assert_false(http_list_next(&rest, &item));
}

static void paths_match_segment_by_segment(void **state)
{
    (void)state;
    struct bytes found[2];
    assert_true(http_path_match(BYTES("/"), "/", found));
    assert_true(http_path_match(BYTES("/v1/cart"), "/v1/cart", found));
    assert_true(http_path_match(BYTES("/v1/orders/7/payment"), "/v1/orders/{}/payment", found));
    assert_bytes(found[0], "7");
    assert_true(http_path_match(BYTES("/a/x%2Fy/b/z"), "/a/{}/b/{}", found));
    assert_bytes(found[0], "x%2Fy");
    assert_bytes(found[1], "z");
}

static void paths_that_differ_do_not_match(void **state)
{
    (void)state;
    struct bytes found[2];
    assert_false(http_path_match(BYTES("/v1/cart/"), "/v1/cart", found));
    assert_false(http_path_match(BYTES("/v1/cart"), "/v1/cart/", found));
    assert_false(http_path_match(BYTES("/v1/carts"), "/v1/cart", found));
    assert_false(http_path_match(BYTES("/v1/car"), "/v1/cart", found));
    assert_false(http_path_match(BYTES("/v1"), "/v1/cart", found));
    assert_false(http_path_match(BYTES("/v1//cart"), "/v1/cart", found));
    assert_false(http_path_match(BYTES("/v1/./cart"), "/v1/cart", found));
    assert_false(http_path_match(BYTES("/v1/orders/"), "/v1/orders/{}", found));
    assert_false(http_path_match(BYTES("/v1/orders"), "/v1/orders/{}", found));
    assert_false(http_path_match(BYTES("/v1/orders//cancel"), "/v1/orders/{}/cancel", found));
    assert_false(http_path_match(BYTES("*"), "/", found));
    assert_false(http_path_match(BYTES(""), "/", found));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_are_decoded),
        cmocka_unit_test(malformed_escapes_are_refused),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(a_segment_without_escapes_is_not_copied),
        cmocka_unit_test(a_plus_in_a_query_is_a_space),
        cmocka_unit_test(queries_are_walked_in_order),
        cmocka_unit_test(lists_are_walked_in_order),
        cmocka_unit_test(paths_match_segment_by_segment),
        cmocka_unit_test(paths_that_differ_do_not_match),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
