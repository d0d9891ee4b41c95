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
    if (size > writer->size_max - writer->size) {
        writer->overflow = true;
        return;
    }
    if (size > 0)
        memcpy(writer->data + writer->size, data, size);
    writer->size += size;
}

static void put_number(struct resp_writer *writer, char sign, int64_t value)
{
    char line[32];
    int size = snprintf(line, sizeof(line), "%c%lld\r\n", sign, (long long)value);
    CHECK(size > 0);
    resp_put(writer, line, (uint32_t)size);
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

void resp_put_member(struct resp_writer *writer, const char *name, struct bytes text)
{
    resp_put_text(writer, bytes_of_string(name));
    resp_put_text(writer, text);
}

void resp_put_member_integer(struct resp_writer *writer, const char *name, int64_t value)
{
    resp_put_text(writer, bytes_of_string(name));
    resp_put_integer(writer, value);
}

void resp_put_member_time(struct resp_writer *writer, const char *name, int64_t wall_ms)
{
    char text[JSON_TIME_SIZE + 1];
    resp_put_text(writer, bytes_of_string(name));
    if (wall_ms == 0) {
        resp_put_null(writer);
        return;
    }
    json_format_time(text, wall_ms);
    resp_put_text(writer, bytes_of(text, JSON_TIME_SIZE));
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
    static const char *const overloads[] = {"overloaded", "unconfirmed"};
    static const char *const full[] = {"journal_full", "capacity_exhausted"};
    for (uint32_t i = 0; i < 2; i++) {
        if (strcmp(code, overloads[i]) == 0) {
            resp_answer_error(request, "OVERLOADED", detail);
            return;
        }
        if (strcmp(code, full[i]) == 0) {
            resp_answer_error(request, "FULL", detail);
            return;
        }
    }
    resp_answer_error(request, "ERR", detail);
}
