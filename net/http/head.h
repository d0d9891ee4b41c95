/* SPDX-License-Identifier: Apache-2.0 */
/*
 * head - status line and fields, put right before a body that is already there.
 *
 *     data                     start                    data + REQUEST_HEAD_SIZE        end
 *     | unused                 | HTTP/1.1 200 OK ..     | {"as_of":...                  |
 *
 * So a body is written once, wherever its size is known last, and head and body leave in one send.
 *
 * Ownership  Writes into the request's reply buffer.
 * Threads    The shard that holds the request.
 * Units      Sizes in bytes.
 * Errors     None: the longest head fits in REQUEST_HEAD_SIZE (checked).
 * Cost       About ten small copies of constant parts.
 */
#ifndef HOTSHELF_NET_HTTP_HEAD_H
#define HOTSHELF_NET_HTTP_HEAD_H

#include "core/json_writer.h"
#include "net/http/http.h"

enum head_type { HEAD_NO_BODY, HEAD_JSON, HEAD_PROBLEM, HEAD_HTML, HEAD_EVENT_STREAM };

/* Products and availability, carts and orders, errors. */
enum head_cache { HEAD_CACHE_UNSAID, HEAD_NO_CACHE, HEAD_PRIVATE_NO_STORE, HEAD_NO_STORE };

/* A hash as 16 hexadecimal digits, or a version as a decimal number: "7". */
enum head_etag { HEAD_NO_ETAG, HEAD_ETAG_STRONG, HEAD_ETAG_WEAK, HEAD_ETAG_VERSION };

enum { HEAD_ETAG_SIZE = 20 }; /* W/"0123456789abcdef" with one to spare */

struct head {
    uint16_t status;
    enum head_type type;
    enum head_cache cache;
    enum head_etag etag;
    uint64_t etag_hash;           /* or version */
    uint32_t retry_after_seconds; /* 0: none */
    bool invalid_token; /* 401: the token that was sent is to blame (RFC 6750 3.1) */
    bool replayed;
    bool chunked;                  /* of an event stream: else it ends with the connection */
    const uint8_t *location_order; /* id of the order created; NULL none */
    uint32_t allowed;              /* bits of enum http_method; 0: no Allow */
};

/* A writer over the room for the body. */
struct json_writer head_body(struct request *request);

/* Completes a reply whose body has that many bytes. HEAD requests keep the head only. */
void head_put(const struct http_context *context, struct request *request, const struct head *head,
    uint32_t body_size);

/* The request's id, taken from the client when it is sane, else made. Once, before any reply. */
void head_take_request_id(struct http_context *context, struct request *request, struct bytes sent);

/* Whether a list of If-None-Match, or "*", names this ETag (weak comparison, RFC 9110 8.8.3.2). */
bool head_etag_matches(struct bytes if_none_match, uint64_t etag_hash);

#endif
