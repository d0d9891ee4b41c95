/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http - questions as requests of HTTP/1.1 with JSON, its answers as facts; protocol.h calls it.
 *
 * Ownership  All text is borrowed for the call; facts point into the answer's bytes.
 * Threads    One at a time with the same struct json.
 * Units      Money in minor units, bytes.
 * Errors     What does not fit is `overflowed`; what is no answer to the question, FACTS_WRONG.
 * Cost       O(bytes).
 */
#ifndef HOTSHELF_LOADTEST_HTTP_H
#define HOTSHELF_LOADTEST_HTTP_H

#include "loadtest/json.h"
#include "loadtest/protocol.h"

void http_write(const struct question *question, const struct protocol_door *door,
    struct writer *out, struct writer *body);

enum protocol_progress http_scan(struct protocol_scan *scan, const char *data, size_t size);

/* True when the server will close the connection. */
bool http_read(
    struct json *json, enum question_kind kind, const char *data, size_t size, struct facts *facts);

#endif
