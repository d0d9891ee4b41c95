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

void writer_number(struct writer *writer, int64_t number)
{
    char digits[24];
    int size = snprintf(digits, sizeof digits, "%lld", (long long)number);
    writer_bytes(writer, digits, (size_t)size);
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

static void write_json_character(struct writer *writer, char character)
{
    if (character == '"' || character == '\\') {
        writer_bytes(writer, (char[]){'\\', character}, 2);
    } else if ((unsigned char)character < 0x20) {
        char escape[8];
        snprintf(escape, sizeof escape, "\\u%04x", (unsigned)character);
        writer_bytes(writer, escape, 6);
    } else {
        writer_bytes(writer, &character, 1);
    }
}

void writer_json_string(struct writer *writer, const char *text)
{
    writer_bytes(writer, "\"", 1);
    for (; *text != '\0'; text++)
        write_json_character(writer, *text);
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
