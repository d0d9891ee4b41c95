/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields - the header fields of a request, line by line, and what they say together.
 *
 *     http_fields_scan     name ":" value CR LF ... CR LF  ->  request.field[], fields_seen
 *     http_fields_judge    Host, framing, Connection, Expect  ->  request.body_size, chunked, ..
 *     http_line_next       one such line; the trailers of a chunked body are read by it, too
 *
 * Ownership  Names and values borrow from the bytes that are scanned.
 * Threads    None: pure functions over their arguments.
 * Units      Sizes in bytes.
 * Errors     HTTP_REFUSED with request.status and request.reason, as in parser.h.
 * Cost       One pass.
 */
#ifndef HOTSHELF_NET_HTTP_FIELDS_H
#define HOTSHELF_NET_HTTP_FIELDS_H

#include "net/http/parser.h"

/* The pass over a head in progress. */
struct http_scan {
    const uint8_t *at;
    const uint8_t *end; /* of the window: what has arrived, at most header_bytes of it */
    const struct http_limits *limits;
    struct http_request *request;
    bool full;     /* the window holds header_bytes: more bytes would not help */
    bool has_line; /* the request line has been read to its end */
    bool asks_keep_alive;
    bool asks_close;
    bool connection_is_malformed;
    struct bytes authority; /* of an absolute-form target, else empty */
};

enum http_answer http_refused(struct http_request *request, uint16_t status, const char *reason);

/* The window is used up and the head is not whole. */
enum http_answer http_out_of_bytes(struct http_scan *scan);

/* scan->at stands behind the request line; HTTP_REQUEST: it stands behind the empty line. */
enum http_answer http_fields_scan(struct http_scan *scan);

/* What concerns several fields at once, after the last line. */
enum http_answer http_fields_judge(struct http_scan *scan);

enum http_line { HTTP_LINE_FIELD, HTTP_LINE_EMPTY, HTTP_LINE_CUT, HTTP_LINE_MALFORMED };

struct http_lines {
    const uint8_t *at; /* behind the line, when it was a whole one */
    const uint8_t *end;
    enum http_field field; /* of HTTP_LINE_FIELD; HTTP_FIELD_COUNT: none that this server reads */
    struct bytes value;    /* without the white space around */
    const char *fault;     /* of HTTP_LINE_MALFORMED */
};

enum http_line http_line_next(struct http_lines *lines);

/* HTTP_FIELD_COUNT for a field that this server does not read. The name is a token. */
enum http_field http_field_find(struct bytes name);

#endif
