/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every byte goes through put_bytes(), which is the one place that knows how large the buffer is.
 * Once something did not fit, nothing more is written, so that a short value after a long one can
 * not make half a document look whole.
 */
#include "core/json_writer.h"

static const char hex_digits[] = "0123456789abcdef";

static void put_bytes(struct json_writer *json, const void *data, uint32_t size)
{
    if (json->overflow || size > json->size_max - json->size) {
        json->overflow = true;
        return;
    }
    memcpy(json->data + json->size, data, size);
    json->size += size;
}

static void put_byte(struct json_writer *json, char byte)
{
    put_bytes(json, &byte, 1);
}

static void begin_value(struct json_writer *json)
{
    if (json->comma)
        put_byte(json, ',');
    json->comma = true;
}

static void open_with(struct json_writer *json, char bracket)
{
    begin_value(json);
    put_byte(json, bracket);
    json->comma = false;
}

static void close_with(struct json_writer *json, char bracket)
{
    put_byte(json, bracket);
    json->comma = true;
}

void json_open_object(struct json_writer *json)
{
    open_with(json, '{');
}

void json_close_object(struct json_writer *json)
{
    close_with(json, '}');
}

void json_open_array(struct json_writer *json)
{
    open_with(json, '[');
}

void json_close_array(struct json_writer *json)
{
    close_with(json, ']');
}

void json_put_name(struct json_writer *json, const char *name)
{
    begin_value(json);
    put_byte(json, '"');
    put_bytes(json, name, (uint32_t)strlen(name));
    put_bytes(json, "\":", 2);
    json->comma = false;
}

/* The letter of a short escape, 0 for none: RFC 8259 section 7. */
static char short_escape(uint8_t byte)
{
    switch (byte) {
    case '"':
    case '\\':
        return (char)byte;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default: /* any other byte; not an enum of ours */
        return 0;
    }
}

static void put_escaped(struct json_writer *json, uint8_t byte)
{
    char letter = short_escape(byte);
    if (letter != 0) {
        char pair[2] = {'\\', letter};
        put_bytes(json, pair, sizeof(pair));
        return;
    }
    char six[6] = {'\\', 'u', '0', '0', hex_digits[byte >> 4], hex_digits[byte & 15]};
    put_bytes(json, six, sizeof(six));
}

static bool is_plain(uint8_t byte)
{
    return byte >= 0x20 && byte != '"' && byte != '\\';
}

void json_put_string(struct json_writer *json, struct bytes text)
{
    begin_value(json);
    put_byte(json, '"');
    uint32_t start = 0;
    for (uint32_t i = 0; i < text.size; i++) {
        if (is_plain(text.data[i]))
            continue;
        if (i > start)
            put_bytes(json, text.data + start, i - start);
        put_escaped(json, text.data[i]);
        start = i + 1;
    }
    if (text.size > start)
        put_bytes(json, text.data + start, text.size - start);
    put_byte(json, '"');
}

void json_put_string_or_null(struct json_writer *json, struct bytes text)
{
    if (text.size == 0)
        json_put_null(json);
    else
        json_put_string(json, text);
}

void json_put_integer(struct json_writer *json, int64_t value)
{
    char digits[JSON_INTEGER_SIZE_MAX];
    uint32_t first = sizeof(digits);
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[--first] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (value < 0)
        digits[--first] = '-';
    begin_value(json);
    put_bytes(json, digits + first, (uint32_t)sizeof(digits) - first);
}

void json_put_boolean(struct json_writer *json, bool value)
{
    json_put_raw(json, value ? BYTES("true") : BYTES("false"));
}

void json_put_null(struct json_writer *json)
{
    json_put_raw(json, BYTES("null"));
}

static void put_quoted(struct json_writer *json, const char *text, uint32_t size)
{
    begin_value(json);
    put_byte(json, '"');
    put_bytes(json, text, size);
    put_byte(json, '"');
}

void json_put_time(struct json_writer *json, int64_t wall_ms)
{
    if (wall_ms == 0) {
        json_put_null(json);
        return;
    }
    char text[JSON_TIME_SIZE];
    json_format_time(text, wall_ms);
    put_quoted(json, text, sizeof(text));
}

void json_put_uuid(struct json_writer *json, const uint8_t id[16])
{
    char text[JSON_UUID_SIZE];
    json_format_uuid(text, id);
    put_quoted(json, text, sizeof(text));
}

void json_put_currency(struct json_writer *json, const uint8_t currency[4])
{
    put_quoted(json, (const char *)currency, 3);
}

void json_put_raw(struct json_writer *json, struct bytes value)
{
    begin_value(json);
    put_bytes(json, value.data, value.size);
}

void json_put_member_string(struct json_writer *json, const char *name, struct bytes text)
{
    json_put_name(json, name);
    json_put_string(json, text);
}

void json_put_member_string_or_null(struct json_writer *json, const char *name, struct bytes text)
{
    json_put_name(json, name);
    json_put_string_or_null(json, text);
}

void json_put_member_integer(struct json_writer *json, const char *name, int64_t value)
{
    json_put_name(json, name);
    json_put_integer(json, value);
}

void json_put_member_boolean(struct json_writer *json, const char *name, bool value)
{
    json_put_name(json, name);
    json_put_boolean(json, value);
}

void json_put_member_cursor(struct json_writer *json, const char *name, uint64_t cursor)
{
    char text[20];
    uint32_t first = sizeof(text);
    for (; cursor > 0; cursor /= 10)
        text[--first] = (char)('0' + cursor % 10);
    json_put_name(json, name);
    json_put_string_or_null(json, bytes_of(text + first, (uint32_t)sizeof(text) - first));
}

void json_put_member_time(struct json_writer *json, const char *name, int64_t wall_ms)
{
    json_put_name(json, name);
    json_put_time(json, wall_ms);
}

void json_put_member_uuid(struct json_writer *json, const char *name, const uint8_t id[16])
{
    json_put_name(json, name);
    json_put_uuid(json, id);
}

void json_put_member_currency(struct json_writer *json, const char *name, const uint8_t code[4])
{
    json_put_name(json, name);
    json_put_currency(json, code);
}

void json_put_member_raw(struct json_writer *json, const char *name, struct bytes value)
{
    json_put_name(json, name);
    json_put_raw(json, value);
}

static void format_digits(char *text, uint32_t digits, uint32_t value)
{
    for (uint32_t i = digits; i > 0; i--) {
        text[i - 1] = (char)('0' + value % 10);
        value /= 10;
    }
}

struct date {
    uint32_t year, month, day;
};

/*
 * Days since 1970-01-01 to a date of the Gregorian calendar. Counted from 1 March of year 0, where
 * the leap day comes last, a month's first day is (153 m + 2) / 5 and needs no table.
 */
static struct date date_of_days(int64_t days)
{
    const int64_t days_to_epoch = 719468, days_in_era = 146097; /* an era: 400 years */
    int64_t shifted = days + days_to_epoch;
    int64_t era = (shifted >= 0 ? shifted : shifted - (days_in_era - 1)) / days_in_era;
    uint32_t day_of_era = (uint32_t)(shifted - era * days_in_era);
    uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t month_from_march = (5 * day_of_year + 2) / 153;
    uint32_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    return (struct date){
        .year = (uint32_t)(era * 400 + year_of_era) + (month <= 2 ? 1 : 0),
        .month = month,
        .day = day_of_year - (153 * month_from_march + 2) / 5 + 1,
    };
}

void json_format_time(char text[JSON_TIME_SIZE], int64_t wall_ms)
{
    const int64_t day_ms = 86400000;
    int64_t days = wall_ms >= 0 ? wall_ms / day_ms : (wall_ms - (day_ms - 1)) / day_ms;
    uint32_t rest = (uint32_t)(wall_ms - days * day_ms);
    struct date date = date_of_days(days);
    memcpy(text, "0000-00-00T00:00:00.000Z", JSON_TIME_SIZE);
    format_digits(text, 4, date.year);
    format_digits(text + 5, 2, date.month);
    format_digits(text + 8, 2, date.day);
    format_digits(text + 11, 2, rest / 3600000);
    format_digits(text + 14, 2, rest / 60000 % 60);
    format_digits(text + 17, 2, rest / 1000 % 60);
    format_digits(text + 20, 3, rest % 1000);
}

void json_format_uuid(char text[JSON_UUID_SIZE], const uint8_t id[16])
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            text[at++] = '-';
        text[at++] = hex_digits[id[i] >> 4];
        text[at++] = hex_digits[id[i] & 15];
    }
}
