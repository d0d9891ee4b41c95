/* SPDX-License-Identifier: Apache-2.0 */
/* Looking things up in an answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loadtest/json.h"

static bool parse(struct json *json, const char *text)
{
    return json_parse(json, text, strlen(text));
}

static int open_json(void **state)
{
    struct json *json = calloc(1, sizeof *json);
    *state = json;
    return json_open(json);
}

static int close_json(void **state)
{
    json_close(*state);
    free(*state);
    return 0;
}

static void members_are_found_past_nested_ones(void **state)
{
    struct json *json = *state;
    assert_true(parse(json, "{\"a\":{\"b\":[1,{\"c\":2}]},\"b\":-7,\"t\":true,\"n\":null}"));
    int64_t number;
    bool flag;
    assert_true(json_integer(json, json_member(json, JSON_ROOT, "b"), &number));
    assert_int_equal(number, -7);
    assert_true(json_boolean(json, json_member(json, JSON_ROOT, "t"), &flag));
    assert_true(flag);
    assert_false(json_boolean(json, json_member(json, JSON_ROOT, "n"), &flag));
    assert_int_equal(json_member(json, JSON_ROOT, "c"), JSON_NONE);
    assert_int_equal(json_member(json, json_member(json, JSON_ROOT, "zzz"), "c"), JSON_NONE);
}

static void an_array_is_walked_to_its_end(void **state)
{
    struct json *json = *state;
    assert_true(parse(json, "{\"l\":[{\"q\":1},{\"q\":[2]},{\"q\":3}],\"e\":[],\"x\":9}"));
    int list = json_member(json, JSON_ROOT, "l");
    int count = 0;
    for (int at = json_first(json, list); at != JSON_NONE; at = json_next(json, list, at))
        count++;
    assert_int_equal(count, 3);
    assert_int_equal(json_first(json, json_member(json, JSON_ROOT, "e")), JSON_NONE);
    assert_int_equal(json_first(json, json_member(json, JSON_ROOT, "x")), JSON_NONE);
}

static void only_whole_numbers_are_numbers(void **state)
{
    struct json *json = *state;
    assert_true(
        parse(json, "{\"a\":1.5,\"b\":1e3,\"c\":9223372036854775808,\"d\":\"1\",\"e\":true}"));
    int64_t number;
    for (const char *name = "a\0b\0c\0d\0e\0"; *name != '\0'; name += 2)
        assert_false(json_integer(json, json_member(json, JSON_ROOT, name), &number));
}

static void a_measure_may_have_a_fraction(void **state)
{
    struct json *json = *state;
    double number;
    assert_true(parse(json, "{\"a\":1.5,\"b\":-2e3,\"c\":7,\"d\":\"1\",\"e\":true,\"f\":1.2.3}"));
    assert_true(json_number(json, json_member(json, JSON_ROOT, "a"), &number) && number == 1.5);
    assert_true(json_number(json, json_member(json, JSON_ROOT, "b"), &number) && number == -2000);
    assert_true(json_number(json, json_member(json, JSON_ROOT, "c"), &number) && number == 7);
    for (const char *name = "d\0e\0f\0z\0"; *name != '\0'; name += 2)
        assert_false(json_number(json, json_member(json, JSON_ROOT, name), &number));
}

static void members_are_walked_by_their_names(void **state)
{
    struct json *json = *state;
    char name[8];
    size_t size;
    assert_true(parse(json, "{\"a\":{\"x\":[1,2]},\"b\":3.5,\"c\":\"y\",\"d\":{}}"));
    int at = json_first_name(json, JSON_ROOT);
    for (const char *wanted = "a\0b\0c\0d\0"; *wanted != '\0'; wanted += 2) {
        assert_true(json_string(json, at, name, sizeof name));
        assert_string_equal(name, wanted);
        at = json_next_name(json, JSON_ROOT, at);
    }
    assert_int_equal(at, JSON_NONE);
    assert_int_equal(json_first_name(json, json_member(json, JSON_ROOT, "d")), JSON_NONE);
    assert_int_equal(json_first_name(json, JSON_NONE), JSON_NONE);
    assert_memory_equal(json_raw(json, json_member(json, JSON_ROOT, "b"), &size), "3.5", 3);
    assert_int_equal(size, 3);
    assert_null(json_raw(json, JSON_NONE, &size));
}

static void escapes_are_undone(void **state)
{
    struct json *json = *state;
    char text[8];
    assert_true(
        parse(json, "{\"a\":\"x\\\\\\\"\\u0041\\/\",\"b\":\"12345678\",\"c\":\"\\u00e9\"}"));
    assert_true(json_string(json, json_member(json, JSON_ROOT, "a"), text, sizeof text));
    assert_string_equal(text, "x\\\"A/");
    assert_false(json_string(json, json_member(json, JSON_ROOT, "b"), text, sizeof text));
    assert_false(json_string(json, json_member(json, JSON_ROOT, "c"), text, sizeof text));
}

static void what_is_not_one_value_is_refused(void **state)
{
    struct json *json = *state;
    const char *const broken[] = {
        "", "{", "{\"a\":1", "[1]]", "{\"a\":1} {\"b\":2}", "{\"a\":nope}"};
    for (size_t at = 0; at < sizeof broken / sizeof broken[0]; at++)
        assert_false(parse(json, broken[at]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_found_past_nested_ones),
        cmocka_unit_test(an_array_is_walked_to_its_end),
        cmocka_unit_test(only_whole_numbers_are_numbers),
        cmocka_unit_test(a_measure_may_have_a_fraction),
        cmocka_unit_test(members_are_walked_by_their_names),
        cmocka_unit_test(escapes_are_undone),
        cmocka_unit_test(what_is_not_one_value_is_refused),
    };
    return cmocka_run_group_tests(tests, open_json, close_json);
}
