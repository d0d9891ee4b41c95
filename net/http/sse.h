/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sse - live availability as server-sent events (WHATWG HTML, 9.2): how a stream is asked for, and
 * the bytes it is made of.
 *
 *     HTTP/1.1 200 OK  Content-Type: text/event-stream  Transfer-Encoding: chunked
 *
 *     retry: 3170                                        first, jittered: a crowd comes back spread
 *     event: availability
 *     data: {"as_of":"...","items":[{"sku":"S1",...}]}   first all, then what has changed
 *
 *     :                                                  a comment, every 15 s
 *
 * A stream carries no id: whoever comes back gets all of it first, so there is nothing to go on
 * from, and Last-Event-ID is not looked at. It is the last reply of its connection. HTTP/1.1 gets
 * each event as one chunk, HTTP/1.0 the bare bytes until the connection ends.
 *
 * Ownership  Events are written into the caller's buffer.
 * Threads    The caller's.
 * Units      Sizes in bytes.
 * Errors     sse_add() is false when the item does not fit; the event stays as it was.
 * Cost       One copy of each item.
 */
#ifndef HOTSHELF_NET_HTTP_SSE_H
#define HOTSHELF_NET_HTTP_SSE_H

#include "core/bytes.h"

enum {
    SSE_FRAME_SIZE_MAX = 144, /* of an event without its items, its chunk included */
    SSE_COMMENT_SIZE_MAX = 16,
    SSE_RETRY_MS = 2000, /* at least, before a client that lost its stream asks again */
    SSE_RETRY_JITTER_MS = 3000,
};

struct sse_event {
    uint8_t *data;
    uint32_t size, size_max;
    uint32_t items;
    bool chunked;
};

/* `as_of` in quotes; retry_ms 0: not said. size_max is at least SSE_FRAME_SIZE_MAX. */
struct sse_event sse_begin(
    uint8_t *data, uint32_t size_max, bool chunked, struct bytes as_of, uint32_t retry_ms);
bool sse_add(struct sse_event *event, struct bytes item);
/* Answers the size of the whole event. */
uint32_t sse_end(struct sse_event *event);

/* Both answer the size, of SSE_COMMENT_SIZE_MAX at most; the end of bare bytes has none. */
uint32_t sse_put_comment(uint8_t *data, bool chunked);
uint32_t sse_put_end(uint8_t *data, bool chunked);

struct decoder;
/* GET /v1/availability/stream: subscribes through http_context.subscribe. */
void answer_stream(struct decoder *decoder);

#endif
