/* SPDX-License-Identifier: Apache-2.0 */
#include "loadtest/request.h"

static void write_header(struct writer *writer, const char *name, const char *value)
{
    if (value == NULL)
        return;
    writer_text(writer, name);
    writer_text(writer, ": ");
    writer_text(writer, value);
    writer_text(writer, "\r\n");
}

static void write_bearer(struct writer *writer, const char *token)
{
    if (token == NULL)
        return;
    writer_text(writer, "Authorization: Bearer ");
    writer_text(writer, token);
    writer_text(writer, "\r\n");
}

void request_write(struct writer *writer, const struct request *request, const struct writer *body)
{
    writer_text(writer, request->method);
    writer_text(writer, " ");
    writer_text(writer, request->path);
    writer_text(writer, " HTTP/1.1\r\n");
    write_header(writer, "Host", request->host);
    write_header(writer, "X-Customer-Id", request->customer);
    write_header(writer, "X-Role", request->role);
    write_header(writer, "Idempotency-Key", request->idempotency_key);
    write_bearer(writer, request->bearer);
    if (body != NULL) {
        writer_text(writer, "Content-Type: application/json\r\nContent-Length: ");
        writer_number(writer, (int64_t)body->size);
        writer_text(writer, "\r\n");
    }
    writer_text(writer, "\r\n");
    if (body != NULL)
        writer_bytes(writer, body->data, body->size);
}
