/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target - the parts of a request target: path segments, query parameters, lists, percent-encoding.
 *
 *     /v1/cart/items/10124%40A ? skus=A,B & only_available=true
 *        http_path_match          http_query_next  ->  http_unescape_query  ->  http_list_next
 *
 * Paths are compared segment by segment as sent; only captured segments are decoded, after the
 * match, so an encoded slash never moves a boundary. Dot segments are not resolved: "/v1/../x" is
 * a path nobody serves. Query values are decoded before a list in them is split, since clients
 * encode the commas; our names and SKUs contain none.
 *
 * Ownership  Results borrow from the input, or from the caller's buffer when something had to be
 *            decoded.
 * Threads    None: pure functions.
 * Units      Sizes in bytes.
 * Errors     HTTP_UNESCAPE_MALFORMED: a "%" without two hexadecimal digits, or %00.
 *            HTTP_UNESCAPE_TOO_LONG: more than buffer_size bytes.
 * Cost       O(size); a copy only where an escape stands.
 */
#ifndef HOTSHELF_NET_HTTP_TARGET_H
#define HOTSHELF_NET_HTTP_TARGET_H

#include "core/bytes.h"

enum http_unescape { HTTP_UNESCAPED, HTTP_UNESCAPE_MALFORMED, HTTP_UNESCAPE_TOO_LONG };

/* A path segment: %XX only. */
enum http_unescape http_unescape_segment(
    struct bytes raw, uint8_t *buffer, uint32_t buffer_size, struct bytes *decoded);

/* A name or value of a query: %XX, and "+" is a space, as forms and most clients send it. */
enum http_unescape http_unescape_query(
    struct bytes raw, uint8_t *buffer, uint32_t buffer_size, struct bytes *decoded);

/* Takes the next parameter off `rest`; false when there is none left. Empty ones are skipped; one
 * without "=" has an empty value. Both parts are as sent. */
bool http_query_next(struct bytes *rest, struct bytes *name, struct bytes *value);

/* Takes the next item of a comma-separated list off `rest`, without the white space around it;
 * false when there is none left. Empty items are skipped (RFC 9110 5.6.1.2). */
bool http_list_next(struct bytes *rest, struct bytes *item);

/* Whether `path` has exactly the segments of `pattern`. A "{}" in the pattern stands for any one
 * segment that is not empty; it is stored, as sent, in the next of `captures`, which has room for
 * as many as the pattern has. "/v1/orders/{}" matches "/v1/orders/7" and not "/v1/orders/7/". */
bool http_path_match(struct bytes path, const char *pattern, struct bytes *captures);

#endif
