/* SPDX-License-Identifier: Apache-2.0 */
/* Text in a buffer of fixed size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loadtest/writer.h"

static void pieces_follow_each_other(void **state)
{
    (void)state;
    char data[64];
    struct writer writer = writer_over(data, sizeof data);
    writer_text(&writer, "a=");
    writer_number(&writer, -12);
    writer_format(&writer, ";%s", "b");
    writer_json_string(&writer, "x\"\\\n");
    assert_false(writer.overflowed);
    assert_int_equal(writer.size, 20);
    assert_memory_equal(data, "a=-12;b\"x\\\"\\\\\\u000a\"", 20);
}

static void numbers_are_decimal(void **state)
{
    (void)state;
    char data[80] = "";
    struct writer writer = writer_over(data, sizeof data - 1);
    static const int64_t numbers[] = {0, 9, 10, -1, INT64_MAX, INT64_MIN};
    for (size_t at = 0; at < sizeof numbers / sizeof numbers[0]; at++) {
        writer_number(&writer, numbers[at]);
        writer_text(&writer, " ");
    }
    assert_string_equal(data, "0 9 10 -1 9223372036854775807 -9223372036854775808 ");
}

static void a_path_is_percent_encoded(void **state)
{
    (void)state;
    char data[64];
    struct writer writer = writer_over(data, sizeof data);
    writer_percent_encoded(&writer, "A-1_2.~@b/c%", 12);
    assert_int_equal(writer.size, 18);
    assert_memory_equal(data, "A-1_2.~%40b%2Fc%25", 18);
}

static void what_does_not_fit_is_dropped_whole_and_told(void **state)
{
    (void)state;
    char data[4] = "....";
    struct writer writer = writer_over(data, sizeof data);
    writer_text(&writer, "abc");
    writer_text(&writer, "de");
    assert_true(writer.overflowed);
    assert_int_equal(writer.size, 3);
    writer_text(&writer, "d");
    assert_int_equal(writer.size, 3);
    writer = writer_over(data, sizeof data);
    writer_format(&writer, "%s", "abcd");
    assert_true(writer.overflowed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_follow_each_other),
        cmocka_unit_test(numbers_are_decimal),
        cmocka_unit_test(a_path_is_percent_encoded),
        cmocka_unit_test(what_does_not_fit_is_dropped_whole_and_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
