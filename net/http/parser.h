/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parser - one HTTP/1.1 request out of the bytes received so far, strictly and without a copy.
 *
 *     received --http_parse_head--> request line and fields --http_parse_body--> request
 *         |                              |                        |
 *         +-- HTTP_INCOMPLETE: call again with more bytes --------+
 *         +-- HTTP_REFUSED: answer request.status, then close the connection
 *
 * An origin server's parser: what RFC 9112 lets two parties read differently is refused, not
 * repaired, because a gateway in front may have read it the other way (request smuggling). So:
 * lines end with CR LF only, no folded fields, no space before a colon, exactly one Host (HTTP/1.0
 * may leave it out), at most one Content-Length or one Transfer-Encoding and never both, no other
 * coding than chunked (501), no body on GET and HEAD, "%" only before two hexadecimal digits. A
 * refused connection is closed: nothing after it can be trusted to be a request. One empty line
 * before the request line is skipped, as RFC 9112 2.2 asks, and HTTP/1.2 to 1.9 are read as 1.1.
 *
 * The verdict does not depend on how the bytes arrive: one at a time or all at once gives the same,
 * though a fault may be seen only at the end of its line or head, if they arrive in pieces.
 *
 * Ownership  The request borrows from `received`; it is valid until those bytes are moved or
 *            overwritten. A later call parses again from the first byte, so they may move between
 *            calls. A chunked body lies in limits->chunk_room. `reason` is static text.
 * Threads    None: pure functions over their arguments.
 * Units      Sizes in bytes. `consumed` counts from the first byte of `received`.
 * Errors     HTTP_REFUSED with `status` 400, 411, 413, 414, 417, 431, 501 or 505 and a `reason`.
 * Cost       One pass; bytes already scanned are not scanned again while a head is incomplete. A
 *            GET of 360 bytes through a gateway takes about 130 ns.
 */
#ifndef HOTSHELF_NET_HTTP_PARSER_H
#define HOTSHELF_NET_HTTP_PARSER_H

#include "core/bytes.h"

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_METHOD_COUNT,
};

/* The fields this server reads; all others are checked for form and skipped. */
enum http_field {
    HTTP_FIELD_HOST, /* the authority of an absolute-form target stands over the field */
    HTTP_FIELD_CONTENT_LENGTH,
    HTTP_FIELD_TRANSFER_ENCODING,
    HTTP_FIELD_CONNECTION, /* the last one; keep_alive has read all of them */
    HTTP_FIELD_CONTENT_TYPE,
    HTTP_FIELD_CONTENT_ENCODING,
    HTTP_FIELD_EXPECT,
    HTTP_FIELD_ACCEPT,
    HTTP_FIELD_AUTHORIZATION,
    HTTP_FIELD_IDEMPOTENCY_KEY, /* may be repeated here: its owner answers 400 with a code */
    HTTP_FIELD_IF_MATCH,
    HTTP_FIELD_IF_NONE_MATCH,
    HTTP_FIELD_X_CUSTOMER_ID,
    HTTP_FIELD_X_ROLE,
    HTTP_FIELD_X_REQUEST_ID,
    HTTP_FIELD_X_FORWARDED_FOR,    /* the last one: what the nearest proxy wrote */
    HTTP_FIELD_HOTSHELF_SIGNATURE, /* may be repeated here: its owner answers 401 */
    HTTP_FIELD_LAST_EVENT_ID,
    HTTP_FIELD_TRACEPARENT,
    HTTP_FIELD_FORWARDED, /* may be repeated here, as X-Forwarded-For: see forwarded.h */
    HTTP_FIELD_COUNT,
};

struct http_request {
    enum http_method method;
    uint8_t minor;    /* HTTP/1.minor: 0 or 1 */
    bool chunked;     /* the body is (chunks.h) */
    bool keep_alive;  /* the client lets the connection be used again after the reply */
    bool expects_100; /* the client waits for "100 Continue" before it sends the body */

    struct bytes path;  /* as sent, still percent-encoded; "*" for OPTIONS * (target.h decodes) */
    struct bytes query; /* after the '?', as sent; empty when there is none */
    struct bytes field[HTTP_FIELD_COUNT]; /* without the white space around; see http_has() */
    uint32_t fields_seen;                 /* bit per enum http_field */
    uint32_t fields_repeated;
    struct bytes lines; /* all fields as sent, for who wants each of a repeated one (fields.h) */

    uint32_t head_size; /* from the first byte of `received` to the end of the empty line */
    uint64_t body_size; /* known before the body is here, unless it is chunked */
    struct bytes body;
    uint64_t consumed; /* where the next request begins */

    uint16_t status; /* of HTTP_REFUSED */
    const char *reason;
};

struct http_limits {
    uint32_t header_bytes; /* request line and fields: 431 */
    uint32_t target_bytes; /* 414; at most header_bytes */
    uint64_t body_bytes;   /* 413 */
    uint8_t *chunk_room;   /* body_bytes, for a chunked body; NULL: none is taken (411) */
};

/* Of a chunked body: where the walk over it goes on. */
struct http_chunks {
    uint64_t at; /* the line that is not whole; 0: none was looked at */
    uint64_t data_size;
    bool in_trailers;
};

/* What one unfinished request has taught so far. Zero it when a request begins. */
struct http_progress {
    uint32_t scanned; /* no end of the head before this byte */
    bool has_line;    /* the request line is among them and was found good */
    uint64_t needed;  /* head and body together at least, once the head is complete */
    struct http_chunks chunks;
};

enum http_answer { HTTP_INCOMPLETE, HTTP_REQUEST, HTTP_REFUSED };

/* The head only: HTTP_REQUEST means that everything but `body` is set, and that the first
 * head_size bytes are done with. For routes that have a body limit of their own or stream it. */
enum http_answer http_parse_head(struct bytes received, const struct http_limits *limits,
    struct http_progress *progress, struct http_request *request);

/* After http_parse_head() said HTTP_REQUEST over the same `received`: 413 when the body is larger
 * than limits->body_bytes (also before all of it is here), else sets `body` once all is here. */
enum http_answer http_parse_body(struct bytes received, const struct http_limits *limits,
    struct http_progress *progress, struct http_request *request);

/* Head and body in one. When HTTP_INCOMPLETE comes with progress->needed just set, the head is
 * whole and `request` holds it: the moment to answer expects_100, which later calls may forget. */
enum http_answer http_parse(struct bytes received, const struct http_limits *limits,
    struct http_progress *progress, struct http_request *request);

static inline bool http_has(const struct http_request *request, enum http_field field)
{
    return (request->fields_seen >> field) & 1U;
}

static inline bool http_repeated(const struct http_request *request, enum http_field field)
{
    return (request->fields_repeated >> field) & 1U;
}

#endif
