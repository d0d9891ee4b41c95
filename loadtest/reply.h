/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reply - one HTTP/1.1 answer, found in the bytes that have arrived so far.
 *
 * Only what a server of JSON sends is understood: a status line, headers, a body of Content-Length
 * bytes. A body without a length, or in chunks, is broken.
 *
 * Ownership  The body points into the bytes that were parsed.
 * Threads    Any.
 * Units      Bytes; Retry-After in seconds, -1 when absent.
 * Errors     REPLY_BROKEN: these bytes can never become an answer.
 * Cost       O(header bytes).
 */
#ifndef HOTSHELF_LOADTEST_REPLY_H
#define HOTSHELF_LOADTEST_REPLY_H

#include <stdbool.h>
#include <stddef.h>

struct reply {
    int status;
    const char *body;
    size_t body_size;
    size_t size; /* of head and body */
    long retry_after;
    bool closes;   /* Connection: close */
    bool replayed; /* Idempotency-Replayed: true */
};

enum reply_result { REPLY_INCOMPLETE, REPLY_COMPLETE, REPLY_BROKEN };

enum reply_result reply_parse(struct reply *reply, const char *data, size_t size);

#endif
