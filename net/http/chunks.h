/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chunks - the body of a request in the chunked transfer coding (RFC 9112 7.1).
 *
 *     HEX [; name[=value]].. CR LF  data CR LF  ...  0 CR LF  [trailer CR LF].. CR LF
 *     \------ framing -----------/       \----------- framing ----------------------/
 *
 * A body that is sent so is put together in chunk_room before anybody reads it. What is not data is
 * counted with the head against header_bytes (431), the data against body_bytes (413): so no client
 * can send more bytes for one request than there is room for, however small its chunks are.
 *
 * Extensions are checked for form and dropped. So are trailers, and one that is the name of a field
 * this server reads is refused: it stands where a proxy may have looked for it, or not.
 *
 * Ownership  Writes to limits->chunk_room; request.body borrows from it until the next request.
 * Threads    None: pure functions over their arguments.
 * Units      Sizes in bytes, places in bytes from the first byte of the request.
 * Errors     HTTP_REFUSED with status 400, 413 or 431 and a reason.
 * Cost       Whole chunks are looked at once while others are awaited, and once more when the body
 *            is whole, with one copy of the data.
 */
#ifndef HOTSHELF_NET_HTTP_CHUNKS_H
#define HOTSHELF_NET_HTTP_CHUNKS_H

#include "net/http/parser.h"

/* After a head that is chunked: HTTP_REQUEST sets body, body_size and consumed. progress->needed is
 * never more than what is needed for sure. */
enum http_answer http_chunks_read(struct bytes received, const struct http_limits *limits,
    struct http_progress *progress, struct http_request *request);

#endif
