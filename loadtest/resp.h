/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resp - one reply of the Redis protocol: found in the bytes that have arrived so far, then looked
 * up like JSON.
 *
 *     +text\r\n   -WORD text\r\n   :number\r\n   $size\r\nbytes\r\n   *count\r\n..   %count\r\n..
 *     nothing at all is $-1, *-1 or _
 *
 * An array of names and values (RESP2) and a map (RESP3) are the same to resp_member(). Strict:
 * every line ends with \r\n and holds nothing but what belongs there; numbers have no plus, no
 * leading zero; depth, sizes and values of one reply are bounded.
 *
 * hiredis has a reader too. It makes an object of each value and a buffer that grows with the
 * reply, for each connection; this one takes nothing, reads where the bytes stand, and is not
 * longer than what would have to stand between that reader and the look-ups.
 *
 * Ownership  resp_open() takes the tokens, resp_close() gives them back; the text is the caller's
 *            and must stay until the next resp_parse().
 * Threads    One at a time.
 * Units      Bytes and tokens.
 * Errors     PROTOCOL_BROKEN: these bytes can never become a reply.
 * Cost       scan: O(values) and goes on where it stopped; parse: O(values); member and next: O(1)
 *            for each value passed over.
 */
#ifndef HOTSHELF_LOADTEST_RESP_H
#define HOTSHELF_LOADTEST_RESP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An order of 512 lines has 17 values a line, an availability of 500 SKUs 11 each. */
#define RESP_TOKENS_MAX 16384
#define RESP_DEPTH_MAX 8
#define RESP_SIZE_MAX (512 * 1024)

#define RESP_ROOT 0
#define RESP_NONE (-1)

enum resp_type { RESP_LINE, RESP_ERROR, RESP_NUMBER, RESP_TEXT, RESP_ARRAY, RESP_NULL };

enum resp_result { RESP_INCOMPLETE, RESP_WHOLE, RESP_BROKEN };

struct resp_token {
    enum resp_type type;
    uint32_t start; /* of its text */
    uint32_t size;
    uint32_t count; /* ARRAY: elements; a map has two for each member */
    uint32_t after; /* the token behind it and all that is in it */
};

struct resp {
    const char *text;
    struct resp_token *token;
    uint32_t count;
};

/* Goes on at *at with *missing values to come; both 0 at first. Then *at is the reply's size. */
enum resp_result resp_scan(size_t *at, uint64_t *missing, const char *data, size_t size);

int resp_open(struct resp *resp);
void resp_close(struct resp *resp);

/* False when the text is not exactly one reply, or has more or deeper values than fit. */
bool resp_parse(struct resp *resp, const char *text, size_t size);

int resp_member(const struct resp *resp, int map, const char *name);
int resp_first(const struct resp *resp, int array);
int resp_next(const struct resp *resp, int array, int element);

bool resp_integer(const struct resp *resp, int value, int64_t *number);
bool resp_text(const struct resp *resp, int value, char *text, size_t capacity);

#endif
