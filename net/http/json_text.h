/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_text - the decoded bytes of a JSON string whose form has been checked.
 *
 * Ownership  The reader borrows the raw text (without quotes).
 * Threads    None.
 * Units      Sizes in bytes.
 * Errors     None: the text has passed json_parse(); an escape that cannot be is a bug (check.h).
 * Cost       O(1) for each byte.
 */
#ifndef HOTSHELF_NET_HTTP_JSON_TEXT_H
#define HOTSHELF_NET_HTTP_JSON_TEXT_H

#include "core/bytes.h"

/* What escapes and faults need is kept out of the way of all other bodies. */
#define RARELY __attribute__((noinline, cold))

struct json_text {
    const uint8_t *at;
    const uint8_t *end;
    uint8_t pending[4]; /* what an escape stood for */
    uint32_t pending_at;
    uint32_t pending_size;
};

static inline struct json_text json_text_of(struct bytes raw)
{
    return (struct json_text){.at = raw.data, .end = raw.data + raw.size};
}

/* The next decoded byte, -1 at the end. */
int32_t json_text_next(struct json_text *text);

/* The number that four hexadecimal digits stand for, -1 when they are none. */
int32_t json_text_hex4(const uint8_t digits[4]);

bool json_text_equal(struct bytes raw_a, struct bytes raw_b);

#endif
