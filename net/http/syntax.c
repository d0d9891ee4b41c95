/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything here is a look at a table. Field names are found by their size first: most fields
 * that browsers send and this server does not read have a size that none of ours has. Names and
 * targets are made of few characters, which sixteen at a time are told from all others; where
 * another one stands the table says whether it may.
 */
#include "net/http/syntax.h"

#include "net/http/blocks.h"

enum { FIELD_NAME_SIZE_MAX = 18 };

/* RFC 9110 token, the characters of RFC 3986 in a path, query or authority, a registered name. */
const uint8_t http_character_class[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* control */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* control */
    0, 3, 0, 1, 3, 1, 3, 3, 2, 2, 3, 3, 2, 7, 7, 2, /* space to slash */
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 2, 2, 0, 2, 0, 2, /* 0 to ? */
    2, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, /* @ to O */
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 0, 0, 0, 1, 7, /* P to _ */
    1, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, /* ` to o */
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 0, 1, 0, 7, 0, /* p to DEL; the rest is zero */
};

static const char field_names[HTTP_FIELD_COUNT][FIELD_NAME_SIZE_MAX + 1] = {
    [HTTP_FIELD_HOST] = "host",
    [HTTP_FIELD_CONTENT_LENGTH] = "content-length",
    [HTTP_FIELD_TRANSFER_ENCODING] = "transfer-encoding",
    [HTTP_FIELD_CONNECTION] = "connection",
    [HTTP_FIELD_CONTENT_TYPE] = "content-type",
    [HTTP_FIELD_CONTENT_ENCODING] = "content-encoding",
    [HTTP_FIELD_EXPECT] = "expect",
    [HTTP_FIELD_ACCEPT] = "accept",
    [HTTP_FIELD_AUTHORIZATION] = "authorization",
    [HTTP_FIELD_IDEMPOTENCY_KEY] = "idempotency-key",
    [HTTP_FIELD_IF_MATCH] = "if-match",
    [HTTP_FIELD_IF_NONE_MATCH] = "if-none-match",
    [HTTP_FIELD_X_CUSTOMER_ID] = "x-customer-id",
    [HTTP_FIELD_X_ROLE] = "x-role",
    [HTTP_FIELD_X_REQUEST_ID] = "x-request-id",
    [HTTP_FIELD_X_FORWARDED_FOR] = "x-forwarded-for",
    [HTTP_FIELD_HOTSHELF_SIGNATURE] = "hotshelf-signature",
    [HTTP_FIELD_LAST_EVENT_ID] = "last-event-id",
    [HTTP_FIELD_TRACEPARENT] = "traceparent",
    [HTTP_FIELD_FORWARDED] = "forwarded",
};

/* Which fields have a name of that size: most fields of a browser are settled by this look. */
static const uint32_t fields_by_name_size[FIELD_NAME_SIZE_MAX + 1] = {
    [4] = HTTP_FIELD_BIT(HTTP_FIELD_HOST),
    [6] = HTTP_FIELD_BIT(HTTP_FIELD_EXPECT) | HTTP_FIELD_BIT(HTTP_FIELD_ACCEPT) |
          HTTP_FIELD_BIT(HTTP_FIELD_X_ROLE),
    [8] = HTTP_FIELD_BIT(HTTP_FIELD_IF_MATCH),
    [9] = HTTP_FIELD_BIT(HTTP_FIELD_FORWARDED),
    [10] = HTTP_FIELD_BIT(HTTP_FIELD_CONNECTION),
    [11] = HTTP_FIELD_BIT(HTTP_FIELD_TRACEPARENT),
    [12] = HTTP_FIELD_BIT(HTTP_FIELD_CONTENT_TYPE) | HTTP_FIELD_BIT(HTTP_FIELD_X_REQUEST_ID),
    [13] = HTTP_FIELD_BIT(HTTP_FIELD_AUTHORIZATION) | HTTP_FIELD_BIT(HTTP_FIELD_IF_NONE_MATCH) |
           HTTP_FIELD_BIT(HTTP_FIELD_X_CUSTOMER_ID) | HTTP_FIELD_BIT(HTTP_FIELD_LAST_EVENT_ID),
    [14] = HTTP_FIELD_BIT(HTTP_FIELD_CONTENT_LENGTH),
    [15] = HTTP_FIELD_BIT(HTTP_FIELD_IDEMPOTENCY_KEY) | HTTP_FIELD_BIT(HTTP_FIELD_X_FORWARDED_FOR),
    [16] = HTTP_FIELD_BIT(HTTP_FIELD_CONTENT_ENCODING),
    [17] = HTTP_FIELD_BIT(HTTP_FIELD_TRANSFER_ENCODING),
    [18] = HTTP_FIELD_BIT(HTTP_FIELD_HOTSHELF_SIGNATURE),
};

bool http_equals_ignoring_case(const uint8_t *bytes, const char *small, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        uint8_t byte = bytes[i];
        if (byte >= 'A' && byte <= 'Z')
            byte |= 0x20;
        if (byte != (uint8_t)small[i])
            return false;
    }
    return true;
}

bool http_host_is_valid(struct bytes host)
{
    uint32_t i = 0;
    if (host.size > 0 && host.data[0] == '[') {
        for (i = 1; i < host.size && host.data[i] != ']'; i++)
            if (!http_is_class(host.data[i], HTTP_CLASS_HOST) && host.data[i] != ':')
                return false;
        if (i == host.size || i == 1)
            return false;
        i++;
    } else {
        while (i < host.size && http_is_class(host.data[i], HTTP_CLASS_HOST))
            i++;
        if (i == 0)
            return false;
    }
    if (i == host.size)
        return true;
    if (host.data[i++] != ':' || host.size - i > 5)
        return false;
    while (i < host.size && http_is_digit(host.data[i]))
        i++;
    return i == host.size;
}

/* Folds letters to lower case; of the other characters of a token only such change as stand in no
 * name of ours. */
#define FOLD_8 UINT64_C(0x2020202020202020)

static uint64_t load_8(const void *from)
{
    uint64_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

static uint32_t load_4(const void *from)
{
    uint32_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

/* By words that overlap: 4 to 18 bytes, of which no byte is looked at alone. */
static bool name_is(const uint8_t *name, const char *small, uint32_t size)
{
    if (size < 8)
        return (load_4(name) | (uint32_t)FOLD_8) == load_4(small) &&
               (load_4(name + size - 4) | (uint32_t)FOLD_8) == load_4(small + size - 4);
    uint64_t differs = (load_8(name) | FOLD_8) ^ load_8(small);
    differs |= (load_8(name + size - 8) | FOLD_8) ^ load_8(small + size - 8);
    if (size > 16)
        differs |= (load_8(name + 8) | FOLD_8) ^ load_8(small + 8);
    return differs == 0;
}

enum http_field http_field_find(struct bytes name)
{
    if (name.size > FIELD_NAME_SIZE_MAX)
        return HTTP_FIELD_COUNT;
    uint32_t candidates = fields_by_name_size[name.size];
    for (; candidates != 0; candidates &= candidates - 1) {
        uint32_t field = (uint32_t)__builtin_ctz(candidates);
        if (name_is(name.data, field_names[field], name.size))
            return (enum http_field)field;
    }
    return HTTP_FIELD_COUNT;
}

static const uint8_t *skip_plainly(const uint8_t *at, const uint8_t *end, uint8_t class)
{
    while (at < end && http_is_class(*at, class))
        at++;
    return at;
}

#ifdef HAVE_BLOCKS

/* All of a target but "!", "$", "~" and what its reader looks at: "%" and brackets. */
static inline __m128i in_usual_target(__m128i block)
{
    __m128i marks = _mm_or_si128(block_in_range(block, '&', ';'), block_in_range(block, '?', 'Z'));
    __m128i others = _mm_or_si128(block_is(block, '='), block_is(block, '_'));
    return _mm_or_si128(block_in_range(block, 'a', 'z'), _mm_or_si128(marks, others));
}

#define SKIP(usual, class)                                                                         \
    while (end - at >= 16) {                                                                       \
        __m128i block = block_load(at);                                                            \
        uint32_t stop = ~block_mask(usual(block)) & 0xffff;                                        \
        if (stop == 0) {                                                                           \
            at += 16;                                                                              \
            continue;                                                                              \
        }                                                                                          \
        at += __builtin_ctz(stop);                                                                 \
        if (!http_is_class(*at, class))                                                            \
            return at;                                                                             \
        at++; /* of the class, and unusual */                                                      \
    }
#else
#define SKIP(usual, class)
#endif

const uint8_t *http_skip_token(const uint8_t *at, const uint8_t *end)
{
    SKIP(block_in_usual_token, HTTP_CLASS_TOKEN)
    return skip_plainly(at, end, HTTP_CLASS_TOKEN);
}

const uint8_t *http_skip_target(const uint8_t *at, const uint8_t *end)
{
    SKIP(in_usual_target, HTTP_CLASS_TARGET)
    return skip_plainly(at, end, HTTP_CLASS_TARGET);
}
