/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of others in a JSON result, and results that are read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "loadtest/json_text.h"
#include "loadtest/result_file.h"

static void assert_written(const char *text, const char *json)
{
    char *written = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&written, &size);
    assert_non_null(memory);
    json_text(memory, text);
    assert_int_equal(fclose(memory), 0);
    assert_string_equal(written, json);
    free(written);
}

static void text_is_escaped_as_json_wants_it(void **state)
{
    (void)state;
    assert_written("", "\"\"");
    assert_written("plain <b>&amp;", "\"plain <b>&amp;\"");
    assert_written("a\"b\\c", "\"a\\\"b\\\\c\"");
    assert_written("\x01\t\n\x1f\x7f", "\"\\u0001\\u0009\\u000a\\u001f\\u007f\"");
}

static void what_is_no_utf8_is_replaced_and_what_is_stays(void **state)
{
    (void)state;
    assert_written(
        "\xc3\xa9\xe2\x82\xac\xf0\x9f\x9b\x92", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x9b\x92\"");
    assert_written("a\xffz", "\"a\\ufffdz\"");
    assert_written("\xc3", "\"\\ufffd\"");                                  /* cut short */
    assert_written("\xe2\x82", "\"\\ufffd\\ufffd\"");                       /* cut short */
    assert_written("\xc0\xaf", "\"\\ufffd\\ufffd\"");                       /* longer than needed */
    assert_written("\xe0\x80\xaf", "\"\\ufffd\\ufffd\\ufffd\"");            /* longer than needed */
    assert_written("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"");            /* half of a pair */
    assert_written("\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""); /* beyond the last */
    assert_written("\xf5\x80\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
}

struct fixture {
    char path[32];
    struct result_file file;
};

static int read_text(struct fixture *fixture, const char *text)
{
    snprintf(fixture->path, sizeof fixture->path, "/tmp/result-XXXXXX");
    int descriptor = mkstemp(fixture->path);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, text, strlen(text)), (ssize_t)strlen(text));
    close(descriptor);
    int outcome = result_file_open(&fixture->file, fixture->path);
    unlink(fixture->path);
    return outcome;
}

static void a_result_is_read_back(void **state)
{
    (void)state;
    struct fixture fixture;
    char text[RESULT_TEXT_SIZE];
    assert_int_equal(read_text(&fixture, "{\"format\": \"" RESULT_FORMAT "\", \"rate\": 2.5, "
                                         "\"seed\": 7, \"below\": -1, \"what\": \"re\\\"play\", "
                                         "\"name\": \"caf\\u00e9\"}"),
        0);
    assert_true(result_file_number(&fixture.file, JSON_ROOT, "rate") == 2.5);
    assert_true(result_file_number(&fixture.file, JSON_ROOT, "seed") == 7);
    assert_true(result_file_number(&fixture.file, JSON_ROOT, "below") == RESULT_NONE);
    assert_true(result_file_number(&fixture.file, JSON_ROOT, "what") == RESULT_NONE);
    assert_true(result_file_number(&fixture.file, JSON_NONE, "rate") == RESULT_NONE);
    result_file_text(&fixture.file, JSON_ROOT, "what", text);
    assert_string_equal(text, "re\"play");
    result_file_text(&fixture.file, JSON_ROOT, "rate", text);
    assert_string_equal(text, "2.5");
    result_file_text(&fixture.file, JSON_ROOT, "name", text);
    assert_string_equal(text, "caf\\u00e9");
    result_file_text(&fixture.file, JSON_ROOT, "nothing", text);
    assert_string_equal(text, "");
    result_file_close(&fixture.file);
}

static void what_is_no_result_of_this_format_is_refused(void **state)
{
    (void)state;
    const char *const refused[] = {"", "{", "[]", "{}", "{\"format\": 2}",
        "{\"format\": \"hotshelf-loadtest 1\"}", "{\"orders_acknowledged\": 12}",
        "{\"format\": \"" RESULT_FORMAT "\"", "{\"format\": \"" RESULT_FORMAT " \"}"};
    for (size_t at = 0; at < sizeof refused / sizeof refused[0]; at++) {
        struct fixture fixture;
        assert_int_equal(read_text(&fixture, refused[at]), -1);
        result_file_close(&fixture.file);
    }
    struct result_file file;
    assert_int_equal(result_file_open(&file, "/nowhere/at/all.json"), -1);
    result_file_close(&file);
    assert_int_equal(result_file_open(&file, "/"), -1);
    result_file_close(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_escaped_as_json_wants_it),
        cmocka_unit_test(what_is_no_utf8_is_replaced_and_what_is_stays),
        cmocka_unit_test(a_result_is_read_back),
        cmocka_unit_test(what_is_no_result_of_this_format_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
