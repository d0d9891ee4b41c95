/* SPDX-License-Identifier: Apache-2.0 */
/* What is written eight bytes at a time is what snprintf() and a loop over bytes write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "core/json_writer.h"
#include "tests/lib/dice.h"

enum { TEXT_MAX = 20, ROOM = 6 * TEXT_MAX + 8 };

static struct bytes written(struct json_writer *json)
{
    assert_false(json->overflow);
    return json_bytes(json);
}

static void assert_written(struct json_writer *json, const char *expected)
{
    struct bytes bytes = written(json);
    assert_int_equal(bytes.size, strlen(expected));
    assert_memory_equal(bytes.data, expected, bytes.size);
}

/* RFC 8259, section 7, byte by byte. */
static void escape(const uint8_t *text, uint32_t size, char *out)
{
    static const char short_ones[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    *out++ = '"';
    for (uint32_t i = 0; i < size; i++) {
        const char *found = text[i] == 0 ? NULL : strchr(short_ones, text[i]);
        if (found != NULL)
            out += snprintf(out, 3, "\\%c", letters[found - short_ones]);
        else if (text[i] < 0x20)
            out += snprintf(out, 7, "\\u%04x", text[i]);
        else
            *out++ = (char)text[i];
    }
    *out++ = '"';
    *out = 0;
}

static void every_byte_at_every_place_is_escaped_or_goes_as_it_is(void **state)
{
    (void)state;
    for (uint32_t size = 1; size <= TEXT_MAX; size++) {
        for (uint32_t at = 0; at < size; at++) {
            for (uint32_t byte = 0; byte < 256; byte++) {
                uint8_t text[TEXT_MAX], room[ROOM];
                char expected[ROOM];
                memset(text, 'a', sizeof(text));
                text[at] = (uint8_t)byte;
                struct json_writer json = json_writer_of(room, sizeof(room));
                json_put_string(&json, bytes_of(text, size));
                escape(text, size, expected);
                assert_written(&json, expected);
            }
        }
    }
}

static void neighbours_do_not_hide_each_other(void **state)
{
    (void)state;
    struct dice dice = dice_seeded("json_writer");
    static const uint8_t sides[] = {0, 0x1f, 0x20, 0x21, '"', '#', '\\', ']', 0x7f, 0x80, 0xff};
    for (uint32_t i = 0; i < 100000; i++) {
        uint8_t text[TEXT_MAX], room[ROOM];
        char expected[ROOM];
        uint32_t size = dice_below(&dice, TEXT_MAX + 1);
        for (uint32_t at = 0; at < size; at++)
            text[at] = sides[dice_below(&dice, sizeof(sides))];
        struct json_writer json = json_writer_of(room, sizeof(room));
        json_put_string(&json, bytes_of(text, size));
        escape(text, size, expected);
        assert_written(&json, expected);
    }
}

static void numbers_are_those_of_snprintf(void **state)
{
    (void)state;
    for (uint32_t digits = 1; digits <= 20; digits++) {
        int64_t power = 1;
        for (uint32_t i = 1; i < digits && i < 19; i++)
            power *= 10;
        const int64_t values[] = {power - 1, power, power + 1, -power, 1 - power, INT64_MAX,
            INT64_MIN, 0, 9 * (power / 10)};
        for (uint32_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
            char expected[32], room[32];
            snprintf(expected, sizeof(expected), "%lld", (long long)values[i]);
            struct json_writer json = json_writer_of(room, sizeof(room));
            json_put_integer(&json, values[i]);
            assert_written(&json, expected);
        }
    }
}

static void uuids_are_those_of_snprintf(void **state)
{
    (void)state;
    struct dice dice = dice_seeded("json_writer");
    for (uint32_t i = 0; i < 10000; i++) {
        uint8_t id[16];
        char expected[64], text[JSON_UUID_SIZE];
        for (uint32_t at = 0; at < 16; at++)
            id[at] = (uint8_t)dice_below(&dice, 256);
        uint32_t size = 0;
        for (uint32_t at = 0; at < 16; at++) {
            bool dash = at == 4 || at == 6 || at == 8 || at == 10;
            size += (uint32_t)snprintf(
                expected + size, sizeof(expected) - size, dash ? "-%02x" : "%02x", id[at]);
        }
        json_format_uuid(text, id);
        assert_memory_equal(text, expected, JSON_UUID_SIZE);
    }
}

/* Each day from 1900 to 2107, at any moment of it or at its last. */
static void times_are_those_of_strftime(void **state)
{
    (void)state;
    struct dice dice = dice_seeded("json_writer");
    for (int64_t day = -25567; day < 50403; day++) {
        int64_t ms = dice_below(&dice, 2) ? dice_below(&dice, 1000) : 999;
        time_t seconds = day * 86400 + (dice_below(&dice, 2) ? dice_below(&dice, 86400) : 86399);
        char expected[40], text[JSON_TIME_SIZE];
        struct tm tm;
        size_t size =
            strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &tm));
        (void)snprintf(expected + size, sizeof expected - size, ".%03dZ", (int)ms);
        json_format_time(text, seconds * 1000 + ms);
        assert_int_equal(strlen(expected), sizeof text);
        assert_memory_equal(text, expected, sizeof text);
    }
}

/* Which need not stand anywhere. */
static void no_text_at_all_is_an_empty_string(void **state)
{
    (void)state;
    char room[8];
    struct json_writer json = json_writer_of(room, sizeof(room));
    json_put_string(&json, (struct bytes){0});
    assert_written(&json, "\"\"");
}

static void what_does_not_fit_is_left_out_and_nothing_follows(void **state)
{
    (void)state;
    char room[8];
    struct json_writer json = json_writer_of(room, sizeof(room));
    json_open_object(&json);
    json_put_member_string(&json, "long", BYTES("text"));
    assert_true(json.overflow);
    uint32_t size = json.size;
    json_put_integer(&json, 1);
    json_close_object(&json);
    assert_int_equal(json.size, size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_at_every_place_is_escaped_or_goes_as_it_is),
        cmocka_unit_test(neighbours_do_not_hide_each_other),
        cmocka_unit_test(numbers_are_those_of_snprintf),
        cmocka_unit_test(uuids_are_those_of_snprintf),
        cmocka_unit_test(times_are_those_of_strftime),
        cmocka_unit_test(no_text_at_all_is_an_empty_string),
        cmocka_unit_test(what_does_not_fit_is_left_out_and_nothing_follows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
