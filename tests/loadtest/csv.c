/* SPDX-License-Identifier: Apache-2.0 */
/* Files of orders as shops export them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loadtest/csv.h"

static void expect_field(const struct csv_reader *reader, uint32_t at, const char *text)
{
    assert_in_range(at, 0, reader->field_count - 1);
    assert_int_equal(reader->field[at].size, strlen(text));
    assert_memory_equal(reader->field[at].data, text, strlen(text));
}

static void plain_quoted_and_empty_fields_are_told_apart(void **state)
{
    (void)state;
    char text[] = "\xef\xbb\xbf"
                  "a,,\"b,c\"\r\n\"say \"\"hi\"\"\",\"\",x\n";
    struct csv_reader reader = csv_over(text, sizeof text - 1);
    assert_int_equal(csv_next(&reader), CSV_RECORD);
    assert_int_equal(reader.field_count, 3);
    expect_field(&reader, 0, "a");
    expect_field(&reader, 1, "");
    expect_field(&reader, 2, "b,c");
    assert_int_equal(csv_next(&reader), CSV_RECORD);
    expect_field(&reader, 0, "say \"hi\"");
    expect_field(&reader, 1, "");
    expect_field(&reader, 2, "x");
    assert_int_equal(csv_next(&reader), CSV_END);
}

static void a_quoted_field_runs_over_lines_and_lines_are_counted(void **state)
{
    (void)state;
    char text[] = "a,\"one\ntwo\"\n\nb,c";
    struct csv_reader reader = csv_over(text, sizeof text - 1);
    assert_int_equal(csv_next(&reader), CSV_RECORD);
    expect_field(&reader, 1, "one\ntwo");
    assert_int_equal(reader.line, 1);
    assert_int_equal(csv_next(&reader), CSV_RECORD);
    assert_int_equal(reader.line, 4);
    expect_field(&reader, 1, "c");
    assert_int_equal(csv_next(&reader), CSV_END);
}

static void a_field_that_ends_badly_is_refused(void **state)
{
    (void)state;
    char unclosed[] = "a\n\"b";
    struct csv_reader reader = csv_over(unclosed, sizeof unclosed - 1);
    assert_int_equal(csv_next(&reader), CSV_RECORD);
    assert_int_equal(csv_next(&reader), CSV_BROKEN);
    assert_int_equal(reader.line, 2);
    char trailing[] = "\"b\"c";
    reader = csv_over(trailing, sizeof trailing - 1);
    assert_int_equal(csv_next(&reader), CSV_BROKEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_quoted_and_empty_fields_are_told_apart),
        cmocka_unit_test(a_quoted_field_runs_over_lines_and_lines_are_counted),
        cmocka_unit_test(a_field_that_ends_badly_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
