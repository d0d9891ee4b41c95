/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_writer - writes JSON into a buffer of fixed size: replies, the order stream, reports.
 *
 *     json_open_object(&json);
 *     json_put_name(&json, "sku");
 *     json_put_string(&json, sku);          or, in one: json_put_member_string(&json, "sku", sku)
 *     json_close_object(&json);
 *
 * Commas are its own business: a value after a value gets one.
 *
 * Ownership  The buffer is the caller's; the writer is a plain value.
 * Threads    None.
 * Units      Sizes in bytes, amounts in minor units, times in Unix milliseconds.
 * Errors     What does not fit sets `overflow` and is dropped; whoever reads the buffer asks first.
 *            Nesting is the caller's: an object closed twice is not noticed here.
 * Cost       O(bytes written), no allocation.
 */
#ifndef HOTSHELF_CORE_JSON_WRITER_H
#define HOTSHELF_CORE_JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/bytes.h"

/* Decimal digits of a number. */
static inline uint32_t json_digits(uint64_t value)
{
    uint32_t digits = 1;
    for (; value >= 10000; value /= 10000)
        digits += 4;
    return digits + (value >= 10) + (value >= 100) + (value >= 1000);
}

/* Two digits of a number below 100. */
static inline void json_put_pair(void *to, uint32_t value)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    memcpy(to, pairs + 2 * (size_t)value, 2);
}

/* Writes so many digits where they shall stand: copied from a room of their own, they would have to
 * leave the machine's store buffer first, behind all that waits for slow memory there. */
static inline void json_put_digits(uint8_t *to, uint32_t digits, uint64_t value)
{
    for (; digits > 2; digits -= 2, value /= 100)
        json_put_pair(to + digits - 2, (uint32_t)(value % 100));
    if (digits == 2)
        json_put_pair(to, (uint32_t)value);
    else
        to[0] = (uint8_t)('0' + value);
}

/* Eight digits at once, of 32 bits: a digit in each byte of a word, then its letter. */
static inline void json_put_hex_8(uint8_t *to, uint32_t value)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    uint64_t word = value;
    word = (word | word << 16) & UINT64_C(0x0000ffff0000ffff);
    word = (word | word << 8) & UINT64_C(0x00ff00ff00ff00ff);
    word = (word | word << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    uint64_t letters = (word + 6 * each) >> 4 & each; /* 1 for a to f */
    word = __builtin_bswap64(word + '0' * each + letters * ('a' - '0' - 10));
    memcpy(to, &word, sizeof(word));
}

enum {
    JSON_TIME_SIZE = 24, /* 2026-01-02T03:04:05.678Z */
    JSON_UUID_SIZE = 36,
    JSON_INTEGER_SIZE_MAX = 20,
};

struct json_writer {
    uint8_t *data;
    uint32_t size_max;
    uint32_t size;
    bool comma; /* the next value or name follows another */
    bool overflow;
};

static inline struct json_writer json_writer_of(void *data, uint32_t size_max)
{
    return (struct json_writer){.data = data, .size_max = size_max};
}

static inline struct bytes json_bytes(const struct json_writer *json)
{
    return bytes_of(json->data, json->size);
}

void json_open_object(struct json_writer *json);
void json_close_object(struct json_writer *json);
void json_open_array(struct json_writer *json);
void json_close_array(struct json_writer *json);

/* Escapes quote, backslash and control characters; all else is UTF-8 already and goes as it is. */
void json_put_string(struct json_writer *json, struct bytes text);
/* null when the text is empty: our optional texts are never the empty string. */
void json_put_string_or_null(struct json_writer *json, struct bytes text);
void json_put_integer(struct json_writer *json, int64_t value);
void json_put_boolean(struct json_writer *json, bool value);
void json_put_null(struct json_writer *json);
/* A position of a list as text, null for 0. */
void json_put_cursor(struct json_writer *json, uint64_t cursor);
/* RFC 3339 in UTC with milliseconds; 0 is null: no moment of ours is 1970. */
void json_put_time(struct json_writer *json, int64_t wall_ms);
void json_put_uuid(struct json_writer *json, const uint8_t id[16]);
/* Three letters. */
void json_put_currency(struct json_writer *json, const uint8_t currency[4]);
/* JSON that was made and checked elsewhere. */
void json_put_raw(struct json_writer *json, struct bytes value);

/* The texts alone, without quotes: for file names, logs, headers. */
void json_format_time(char text[JSON_TIME_SIZE], int64_t wall_ms);
void json_format_uuid(char text[JSON_UUID_SIZE], const uint8_t id[16]);

/* Room for so many bytes, which then count as written; NULL: there is none, and never again, since
 * the buffer then ends where it was written to. */
static inline uint8_t *json_room(struct json_writer *json, uint32_t size)
{
    if (size > json->size_max - json->size) {
        json->size_max = json->size;
        json->overflow = true;
        return NULL;
    }
    uint8_t *room = json->data + json->size;
    json->size += size;
    return room;
}

/* Room for the value of a member, and its name before that: a literal with nothing to escape. */
OF_LITERAL uint8_t *json_member_room(struct json_writer *json, const char *name, uint32_t value)
{
    uint32_t size = (uint32_t)strlen(name), comma = json->comma ? 1 : 0;
    json->comma = true;
    uint8_t *room = json_room(json, comma + size + 3 + value);
    if (room == NULL)
        return NULL;
    *room = ',';
    room += comma;
    *room++ = '"';
    memcpy(room, name, size);
    room[size] = '"';
    room[size + 1] = ':';
    return room + size + 2;
}

/* The name of the member whose value comes next. */
OF_LITERAL void json_put_name(struct json_writer *json, const char *name)
{
    (void)json_member_room(json, name, 0);
    json->comma = false;
}

OF_LITERAL void json_put_member_string(
    struct json_writer *json, const char *name, struct bytes text)
{
    json_put_name(json, name);
    json_put_string(json, text);
}

OF_LITERAL void json_put_member_null(struct json_writer *json, const char *name)
{
    uint8_t *room = json_member_room(json, name, 4);
    if (room != NULL)
        memcpy(room, "null", 4);
}

OF_LITERAL void json_put_member_string_or_null(
    struct json_writer *json, const char *name, struct bytes text)
{
    if (text.size == 0)
        json_put_member_null(json, name);
    else
        json_put_member_string(json, name, text);
}

OF_LITERAL void json_put_member_integer(struct json_writer *json, const char *name, int64_t value)
{
    if ((uint64_t)value < 10) { /* most of them */
        uint8_t *room = json_member_room(json, name, 1);
        if (room != NULL)
            *room = (uint8_t)('0' + value);
        return;
    }
    json_put_name(json, name);
    json_put_integer(json, value);
}

static inline void json_put_member_boolean(struct json_writer *json, const char *name, bool value)
{
    json_put_name(json, name);
    json_put_boolean(json, value);
}

static inline void json_put_member_cursor(
    struct json_writer *json, const char *name, uint64_t cursor)
{
    json_put_name(json, name);
    json_put_cursor(json, cursor);
}

OF_LITERAL void json_put_member_time(struct json_writer *json, const char *name, int64_t wall_ms)
{
    if (wall_ms == 0) {
        json_put_member_null(json, name);
        return;
    }
    uint8_t *room = json_member_room(json, name, JSON_TIME_SIZE + 2);
    if (room == NULL)
        return;
    room[0] = room[JSON_TIME_SIZE + 1] = '"';
    json_format_time((char *)room + 1, wall_ms);
}

static inline void json_put_member_uuid(
    struct json_writer *json, const char *name, const uint8_t id[16])
{
    uint8_t *room = json_member_room(json, name, JSON_UUID_SIZE + 2);
    if (room == NULL)
        return;
    room[0] = room[JSON_UUID_SIZE + 1] = '"';
    json_format_uuid((char *)room + 1, id);
}

static inline void json_put_member_currency(
    struct json_writer *json, const char *name, const uint8_t code[4])
{
    json_put_name(json, name);
    json_put_currency(json, code);
}

static inline void json_put_member_raw(
    struct json_writer *json, const char *name, struct bytes value)
{
    json_put_name(json, name);
    json_put_raw(json, value);
}

#endif
