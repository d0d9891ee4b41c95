/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every byte goes into a room that json_room() gave: the one place that knows how large the buffer
 * is. Once something did not fit, nothing more is written, so that a short value after a long one
 * can not make half a document look whole.
 */
#include "core/json_writer.h"

static const char hex_digits[] = "0123456789abcdef";

static void put_bytes(struct json_writer *json, const void *data, uint32_t size)
{
    uint8_t *room = json_room(json, size);
    if (room != NULL)
        memcpy(room, data, size);
}

/* Room for a value, behind the comma that it needs. */
static uint8_t *value_room(struct json_writer *json, uint32_t size)
{
    uint32_t comma = json->comma ? 1 : 0;
    json->comma = true;
    uint8_t *room = json_room(json, comma + size);
    if (room == NULL)
        return NULL;
    if (comma != 0)
        *room++ = ',';
    return room;
}

static void open_with(struct json_writer *json, uint8_t bracket)
{
    uint8_t *room = value_room(json, 1);
    if (room != NULL)
        *room = bracket;
    json->comma = false;
}

static void close_with(struct json_writer *json, uint8_t bracket)
{
    put_bytes(json, &bracket, 1);
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

/* Whether all of eight bytes are plain. Of a byte the high bit tells: it is set where a subtraction
 * borrows, or the byte has it itself, and such are plain. */
static bool are_plain(const uint8_t *bytes)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    uint64_t word;
    memcpy(&word, bytes, sizeof(word));
    uint64_t quote = word ^ '"' * each, backslash = word ^ '\\' * each;
    uint64_t special = (word - 0x20 * each) | (quote - each) | (backslash - each);
    return (special & ~word & 0x80 * each) == 0;
}

/* How many bytes go as they are. Most texts are plain to their end. */
static uint32_t plain_size(struct bytes text)
{
    uint32_t size = 0;
    while (text.size - size >= 8 && are_plain(text.data + size))
        size += 8;
    while (size < text.size && is_plain(text.data[size]))
        size++;
    return size;
}

static bool is_all_plain(struct bytes text)
{
    if (text.size < 8)
        return plain_size(text) == text.size;
    for (uint32_t at = 0; at < text.size - 8; at += 8)
        if (!are_plain(text.data + at))
            return false;
    return are_plain(text.data + text.size - 8);
}

/* Room for a text between its quotes. */
static uint8_t *quoted_room(struct json_writer *json, uint32_t size)
{
    uint8_t *room = value_room(json, size + 2);
    if (room == NULL)
        return NULL;
    room[0] = '"';
    room[size + 1] = '"';
    return room + 1;
}

static void put_quoted(struct json_writer *json, struct bytes text)
{
    uint8_t *room = quoted_room(json, text.size);
    if (room != NULL)
        bytes_copy(room, text);
}

static void put_with_escapes(struct json_writer *json, struct bytes text)
{
    uint8_t *quote = value_room(json, 1);
    if (quote != NULL)
        *quote = '"';
    while (text.size > 0) {
        uint32_t size = plain_size(text);
        put_bytes(json, text.data, size);
        if (size < text.size)
            put_escaped(json, text.data[size++]);
        text = bytes_of(text.data + size, text.size - size);
    }
    put_bytes(json, "\"", 1);
}

void json_put_string(struct json_writer *json, struct bytes text)
{
    if (is_all_plain(text))
        put_quoted(json, text);
    else
        put_with_escapes(json, text);
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
    uint64_t absolute = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    uint32_t minus = value < 0 ? 1 : 0, digits = json_digits(absolute);
    uint8_t *room = value_room(json, minus + digits);
    if (room == NULL)
        return;
    if (minus != 0)
        *room++ = '-';
    json_put_digits(room, digits, absolute);
}

void json_put_boolean(struct json_writer *json, bool value)
{
    json_put_raw(json, value ? BYTES("true") : BYTES("false"));
}

void json_put_null(struct json_writer *json)
{
    json_put_raw(json, BYTES("null"));
}

void json_put_time(struct json_writer *json, int64_t wall_ms)
{
    if (wall_ms == 0) {
        json_put_null(json);
        return;
    }
    uint8_t *room = quoted_room(json, JSON_TIME_SIZE);
    if (room != NULL)
        json_format_time((char *)room, wall_ms);
}

void json_put_uuid(struct json_writer *json, const uint8_t id[16])
{
    uint8_t *room = quoted_room(json, JSON_UUID_SIZE);
    if (room != NULL)
        json_format_uuid((char *)room, id);
}

void json_put_currency(struct json_writer *json, const uint8_t currency[4])
{
    put_quoted(json, bytes_of(currency, 3));
}

void json_put_raw(struct json_writer *json, struct bytes value)
{
    uint8_t *room = value_room(json, value.size);
    if (room != NULL)
        bytes_copy(room, value);
}

void json_put_cursor(struct json_writer *json, uint64_t cursor)
{
    char text[20];
    uint32_t first = sizeof(text);
    for (; cursor > 0; cursor /= 10)
        text[--first] = (char)('0' + cursor % 10);
    json_put_string_or_null(json, bytes_of(text + first, (uint32_t)sizeof(text) - first));
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
    uint32_t seconds = rest / 1000, minutes = seconds / 60, milliseconds = rest % 1000;
    memcpy(text, "0000-00-00T00:00:00.000Z", JSON_TIME_SIZE);
    json_put_pair(text, date.year / 100 % 100);
    json_put_pair(text + 2, date.year % 100);
    json_put_pair(text + 5, date.month);
    json_put_pair(text + 8, date.day);
    json_put_pair(text + 11, minutes / 60);
    json_put_pair(text + 14, minutes % 60);
    json_put_pair(text + 17, seconds % 60);
    json_put_pair(text + 20, milliseconds / 10);
    text[22] = (char)('0' + milliseconds % 10);
}

void json_format_uuid(char text[JSON_UUID_SIZE], const uint8_t id[16])
{
    uint64_t digits[4];
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t four;
        memcpy(&four, id + 4 * i, sizeof(four));
        json_put_hex_8((uint8_t *)&digits[i], __builtin_bswap32(four));
    }
    memcpy(text, &digits[0], 8);
    memcpy(text + 9, &digits[1], 4);
    memcpy(text + 14, (const char *)&digits[1] + 4, 4);
    memcpy(text + 19, &digits[2], 4);
    memcpy(text + 24, (const char *)&digits[2] + 4, 4);
    memcpy(text + 28, &digits[3], 8);
    text[8] = text[13] = text[18] = text[23] = '-';
}
