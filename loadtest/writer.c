/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every piece is appended whole or not at all, so an overflowed buffer never ends inside an escape.
 */
#include "loadtest/writer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct writer writer_over(char *data, size_t capacity)
{
    return (struct writer){.data = data, .capacity = capacity};
}

void writer_bytes(struct writer *writer, const char *data, size_t size)
{
    if (writer->overflowed || size > writer->capacity - writer->size) {
        writer->overflowed = true;
        return;
    }
    memcpy(writer->data + writer->size, data, size);
    writer->size += size;
}

void writer_text(struct writer *writer, const char *text)
{
    writer_bytes(writer, text, strlen(text));
}

/* From its end: numbers are in every request, and snprintf() takes longer than all of its rest. */
void writer_number(struct writer *writer, int64_t number)
{
    char digits[24];
    size_t first = sizeof digits;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do {
        digits[--first] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0)
        digits[--first] = '-';
    writer_bytes(writer, digits + first, sizeof digits - first);
}

void writer_format(struct writer *writer, const char *format, ...)
{
    size_t room = writer->capacity - writer->size;
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(writer->data + writer->size, room, format, arguments);
    va_end(arguments);
    /* vsnprintf() ends with a NUL, which needs a byte of the room too. */
    if (writer->overflowed || size < 0 || (size_t)size >= room)
        writer->overflowed = true;
    else
        writer->size += (size_t)size;
}

static bool is_plain(char character)
{
    return character != '"' && character != '\\' && (unsigned char)character >= 0x20;
}

static void write_escaped(struct writer *writer, char character)
{
    if (character == '"' || character == '\\') {
        writer_bytes(writer, (char[]){'\\', character}, 2);
        return;
    }
    char escape[8];
    snprintf(escape, sizeof escape, "\\u%04x", (unsigned)(unsigned char)character);
    writer_bytes(writer, escape, 6);
}

void writer_json_string(struct writer *writer, const char *text)
{
    writer_bytes(writer, "\"", 1);
    while (*text != '\0') {
        size_t plain = 0;
        while (is_plain(text[plain]))
            plain++;
        writer_bytes(writer, text, plain);
        text += plain;
        if (*text != '\0')
            write_escaped(writer, *text++);
    }
    writer_bytes(writer, "\"", 1);
}

static bool is_unreserved(char character)
{
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9') || strchr("-._~", character) != NULL;
}

void writer_percent_encoded(struct writer *writer, const char *text, size_t size)
{
    for (size_t at = 0; at < size; at++) {
        if (text[at] != '\0' && is_unreserved(text[at])) {
            writer_bytes(writer, text + at, 1);
            continue;
        }
        char escape[4];
        snprintf(escape, sizeof escape, "%%%02X", (unsigned)(unsigned char)text[at]);
        writer_bytes(writer, escape, 3);
    }
}
