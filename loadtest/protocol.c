/* SPDX-License-Identifier: Apache-2.0 */
#include "loadtest/protocol.h"

#include "loadtest/http.h"
#include "loadtest/resp_shop.h"

int protocol_reader_open(struct protocol_reader *reader, enum protocol protocol)
{
    *reader = (struct protocol_reader){.protocol = protocol};
    return protocol == PROTOCOL_HTTP ? json_open(&reader->json) : resp_open(&reader->resp);
}

void protocol_reader_close(struct protocol_reader *reader)
{
    json_close(&reader->json);
    resp_close(&reader->resp);
}

const char *protocol_name(enum protocol protocol)
{
    return protocol == PROTOCOL_HTTP ? "http" : "resp";
}

bool protocol_can_ask(enum protocol protocol, const struct question *question)
{
    return protocol == PROTOCOL_HTTP ||
           (question->kind != QUESTION_PRODUCTS && !question->only_available);
}

void protocol_write(enum protocol protocol, const struct question *question,
    const struct protocol_door *door, struct writer *out, struct writer *body)
{
    if (protocol == PROTOCOL_HTTP)
        http_write(question, door, out, body);
    else
        resp_shop_write(question, out);
}

void protocol_greet(enum protocol protocol, const struct protocol_door *door, struct writer *out)
{
    if (protocol == PROTOCOL_RESP && door->token != NULL)
        resp_shop_write_token(door->token, out);
}

enum protocol_progress protocol_scan(
    enum protocol protocol, struct protocol_scan *scan, const char *data, size_t size)
{
    if (protocol == PROTOCOL_HTTP)
        return http_scan(scan, data, size);
    switch (resp_scan(&scan->size, &scan->missing, data, size)) {
    case RESP_INCOMPLETE:
        return PROTOCOL_INCOMPLETE;
    case RESP_WHOLE:
        return PROTOCOL_WHOLE;
    case RESP_BROKEN:
        break;
    }
    return PROTOCOL_BROKEN;
}

bool protocol_read(struct protocol_reader *reader, enum question_kind kind, const char *data,
    size_t size, struct facts *facts)
{
    if (reader->protocol == PROTOCOL_HTTP)
        return http_read(&reader->json, kind, data, size, facts);
    resp_shop_read(&reader->resp, kind, data, size, facts);
    return false;
}
