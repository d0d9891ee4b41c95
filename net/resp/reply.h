/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reply - what is answered in the Redis protocol.
 *
 *     RESP2   a map is a flat array of names and values, nothing is a null bulk string
 *     RESP3   a map is a map, nothing is a null
 *
 * An error is one upper-case word and a text; that of lines which failed names each of them as
 * sku:code:available, so that a back end reads it without knowing our sentences.
 *
 * Ownership  The writer borrows the request's reply room until resp_end().
 * Threads    The shard that has the request.
 * Units      Bytes; amounts in minor units, times as RFC 3339 in UTC.
 * Errors     What does not fit sets `overflow`.
 * Cost       O(bytes written).
 */
#ifndef HOTSHELF_NET_RESP_REPLY_H
#define HOTSHELF_NET_RESP_REPLY_H

#include "net/http/http.h"

struct resp_writer {
    uint8_t *data;
    uint32_t size_max;
    uint32_t size;
    bool overflow;
    bool has_maps; /* RESP3 */
};

/* Room for so many bytes, which then count as written; NULL: there is none. */
static inline uint8_t *resp_room(struct resp_writer *writer, uint32_t size)
{
    if (size > writer->size_max - writer->size) {
        writer->overflow = true;
        return NULL;
    }
    uint8_t *room = writer->data + writer->size;
    writer->size += size;
    return room;
}

/* Bytes as they are; a text up to its first control character. */
void resp_put(struct resp_writer *writer, const void *data, uint32_t size);
void resp_put_line(struct resp_writer *writer, const char *text);

struct resp_writer resp_begin(const struct request *request);
/* The reply is complete, or reply.overflow says that it did not fit. */
void resp_end(struct request *request, const struct resp_writer *writer);

void resp_open_array(struct resp_writer *writer, uint32_t count);
/* `count` names, each with its value. */
void resp_open_map(struct resp_writer *writer, uint32_t count);
void resp_put_simple(struct resp_writer *writer, const char *text);
void resp_put_text(struct resp_writer *writer, struct bytes text);
void resp_put_integer(struct resp_writer *writer, int64_t value);
void resp_put_null(struct resp_writer *writer);
/* RFC 3339; 0: none. */
void resp_put_time(struct resp_writer *writer, int64_t wall_ms);

/* Room for a text shorter than 100 bytes, between its length and its line end, and for what stands
 * behind it. */
static inline uint8_t *resp_text_room(struct resp_writer *writer, uint32_t size, uint32_t behind)
{
    uint32_t digits = size < 10 ? 1 : 2;
    uint8_t *room = resp_room(writer, digits + size + 5 + behind);
    if (room == NULL)
        return NULL;
    *room++ = '$';
    if (digits == 2)
        *room++ = (uint8_t)('0' + size / 10);
    *room++ = (uint8_t)('0' + size % 10);
    memcpy(room, "\r\n", 2);
    memcpy(room + 2 + size, "\r\n", 2);
    return room + 2;
}

/* Room for the value of a member, and its name before that: a literal. */
OF_LITERAL uint8_t *resp_member_room(struct resp_writer *writer, const char *name, uint32_t value)
{
    uint32_t size = (uint32_t)strlen(name);
    uint8_t *room = resp_text_room(writer, size, value);
    if (room == NULL)
        return NULL;
    memcpy(room, name, size);
    return room + size + 2;
}

/* A literal, which names the value that comes next. */
OF_LITERAL void resp_put_name(struct resp_writer *writer, const char *name)
{
    (void)resp_member_room(writer, name, 0);
}

OF_LITERAL void resp_put_member(struct resp_writer *writer, const char *name, struct bytes text)
{
    resp_put_name(writer, name);
    resp_put_text(writer, text);
}

OF_LITERAL void resp_put_member_integer(struct resp_writer *writer, const char *name, int64_t value)
{
    if ((uint64_t)value >= 10) {
        resp_put_name(writer, name);
        resp_put_integer(writer, value);
        return;
    }
    const uint8_t text[4] = {':', (uint8_t)('0' + value), '\r', '\n'}; /* most of them */
    uint8_t *room = resp_member_room(writer, name, sizeof text);
    if (room != NULL)
        memcpy(room, text, sizeof text);
}

OF_LITERAL void resp_put_member_time(struct resp_writer *writer, const char *name, int64_t wall_ms)
{
    resp_put_name(writer, name);
    resp_put_time(writer, wall_ms);
}

/* A whole reply: "-WORD text". The text has no line end in it, or what is behind it is left out. */
void resp_answer_error(struct request *request, const char *word, const char *text);
void resp_answer_simple(struct request *request, const char *text);

enum { RESP_ORDER_LINE = 448 }; /* bytes of an order's line, at most */

/* An order that a command has made, changed or asked for. A checkout's is the order as it was born,
 * also when it is replayed (I3). */
void resp_put_order(struct http_context *context, struct resp_writer *writer,
    const struct engine *engine, const struct answer *answer, bool checkout);

/* As http_refuse(), http_render() and http_reply_bound() for requests of this protocol; the code
 * stands behind the word. */
void resp_refuse(struct request *request, const char *code, const char *detail);
bool resp_render(struct http_context *context, const struct engine *engine, struct request *request,
    const struct answer *answer);
uint32_t resp_reply_bound(const struct engine *engine, const struct request *request);

#endif
