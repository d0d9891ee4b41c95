/* SPDX-License-Identifier: Apache-2.0 */
#include "net/resp/reply.h"

#include <stdio.h>

#include "core/check.h"
#include "core/json_writer.h"

struct resp_writer resp_begin(const struct request *request)
{
    return (struct resp_writer){
        .data = request->reply.data + REQUEST_HEAD_SIZE,
        .size_max = request->reply.size_max - REQUEST_HEAD_SIZE,
        .has_maps = request->protocol == PROTOCOL_RESP3,
    };
}

void resp_end(struct request *request, const struct resp_writer *writer)
{
    request->reply.overflow = writer->overflow;
    request->reply.start = REQUEST_HEAD_SIZE;
    request->reply.end = REQUEST_HEAD_SIZE + writer->size;
}

void resp_put(struct resp_writer *writer, const void *data, uint32_t size)
{
    uint8_t *room = resp_room(writer, size);
    if (room != NULL && size > 0)
        memcpy(room, data, size);
}

static void put_number(struct resp_writer *writer, uint8_t sign, int64_t value)
{
    if (value >= 0 && value < 10) { /* most of them */
        const uint8_t text[4] = {sign, (uint8_t)('0' + value), '\r', '\n'};
        uint8_t *one = resp_room(writer, sizeof text);
        if (one != NULL)
            memcpy(one, text, sizeof text);
        return;
    }
    uint64_t absolute = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    uint32_t minus = value < 0 ? 1 : 0, digits = json_digits(absolute);
    uint8_t *room = resp_room(writer, 1 + minus + digits + 2);
    if (room == NULL)
        return;
    *room++ = sign;
    if (minus != 0)
        *room++ = '-';
    json_put_digits(room, digits, absolute);
    memcpy(room + digits, "\r\n", 2);
}

void resp_open_array(struct resp_writer *writer, uint32_t count)
{
    put_number(writer, '*', count);
}

void resp_open_map(struct resp_writer *writer, uint32_t count)
{
    if (writer->has_maps)
        put_number(writer, '%', count);
    else
        put_number(writer, '*', 2 * (int64_t)count);
}

/* A line of ours, or with a part of what was sent: it ends before the first control character. */
void resp_put_line(struct resp_writer *writer, const char *text)
{
    uint32_t size = 0;
    while ((uint8_t)text[size] >= 0x20)
        size++;
    resp_put(writer, text, size);
}

void resp_put_simple(struct resp_writer *writer, const char *text)
{
    resp_put(writer, "+", 1);
    resp_put_line(writer, text);
    resp_put(writer, "\r\n", 2);
}

void resp_put_text(struct resp_writer *writer, struct bytes text)
{
    if (text.size < 100) {
        uint8_t *room = resp_text_room(writer, text.size, 0);
        if (room != NULL)
            bytes_copy(room, text);
        return;
    }
    put_number(writer, '$', text.size);
    resp_put(writer, text.data, text.size);
    resp_put(writer, "\r\n", 2);
}

void resp_put_integer(struct resp_writer *writer, int64_t value)
{
    put_number(writer, ':', value);
}

void resp_put_null(struct resp_writer *writer)
{
    if (writer->has_maps)
        resp_put(writer, "_\r\n", 3);
    else
        resp_put(writer, "$-1\r\n", 5);
}

void resp_put_time(struct resp_writer *writer, int64_t wall_ms)
{
    if (wall_ms == 0) {
        resp_put_null(writer);
        return;
    }
    uint8_t *room = resp_text_room(writer, JSON_TIME_SIZE, 0);
    if (room != NULL)
        json_format_time((char *)room, wall_ms);
}

void resp_answer_error(struct request *request, const char *word, const char *text)
{
    struct resp_writer writer = resp_begin(request);
    resp_put(&writer, "-", 1);
    resp_put_line(&writer, word);
    resp_put(&writer, " ", 1);
    resp_put_line(&writer, text);
    resp_put(&writer, "\r\n", 2);
    resp_end(request, &writer);
    CHECK(!writer.overflow);
}

void resp_answer_simple(struct request *request, const char *text)
{
    struct resp_writer writer = resp_begin(request);
    resp_put_simple(&writer, text);
    resp_end(request, &writer);
    CHECK(!writer.overflow);
}

void resp_refuse(struct request *request, const char *code, const char *detail)
{
    static const struct {
        const char *code, *word;
    } words[] = {
        {"overloaded", "OVERLOADED"},
        {"unconfirmed", "OVERLOADED"},
        {"journal_full", "FULL"},
        {"capacity_exhausted", "FULL"},
    };
    char text[192];
    uint32_t at = 0, count = sizeof(words) / sizeof(words[0]);
    (void)snprintf(text, sizeof(text), "%s %s", code, detail);
    while (at < count && strcmp(code, words[at].code) != 0)
        at++;
    resp_answer_error(request, at < count ? words[at].word : "ERR", text);
}
