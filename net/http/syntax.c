/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything here is a look at a table. A field is found by the size and the first letter of its
 * name, which only one of ours has. Names, hosts and targets are made of few characters, which
 * sixteen at a time are told from all others; where another one stands the table says whether it
 * may.
 */
#include "net/http/syntax.h"

#include "net/http/blocks.h"
#include "net/http/words.h"

enum { FIELD_NAME_SIZE_MIN = 4, FIELD_NAME_SIZE_MAX = 18, FIELD_KEYS = 64 };

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

struct field_name {
    uint8_t size;
    char text[FIELD_NAME_SIZE_MAX + 1];
};

#define NAME(literal)                                                                              \
    {                                                                                              \
        sizeof(literal) - 1, literal                                                               \
    }

static const struct field_name field_names[HTTP_FIELD_COUNT] = {
    [HTTP_FIELD_HOST] = NAME("host"),
    [HTTP_FIELD_CONTENT_LENGTH] = NAME("content-length"),
    [HTTP_FIELD_TRANSFER_ENCODING] = NAME("transfer-encoding"),
    [HTTP_FIELD_CONNECTION] = NAME("connection"),
    [HTTP_FIELD_CONTENT_TYPE] = NAME("content-type"),
    [HTTP_FIELD_CONTENT_ENCODING] = NAME("content-encoding"),
    [HTTP_FIELD_EXPECT] = NAME("expect"),
    [HTTP_FIELD_ACCEPT] = NAME("accept"),
    [HTTP_FIELD_AUTHORIZATION] = NAME("authorization"),
    [HTTP_FIELD_IDEMPOTENCY_KEY] = NAME("idempotency-key"),
    [HTTP_FIELD_IF_MATCH] = NAME("if-match"),
    [HTTP_FIELD_IF_NONE_MATCH] = NAME("if-none-match"),
    [HTTP_FIELD_X_CUSTOMER_ID] = NAME("x-customer-id"),
    [HTTP_FIELD_X_ROLE] = NAME("x-role"),
    [HTTP_FIELD_X_REQUEST_ID] = NAME("x-request-id"),
    [HTTP_FIELD_X_FORWARDED_FOR] = NAME("x-forwarded-for"),
    [HTTP_FIELD_HOTSHELF_SIGNATURE] = NAME("hotshelf-signature"),
    [HTTP_FIELD_LAST_EVENT_ID] = NAME("last-event-id"),
    [HTTP_FIELD_TRACEPARENT] = NAME("traceparent"),
    [HTTP_FIELD_FORWARDED] = NAME("forwarded"),
};

/* No two of our names have the same one. */
#define FIELD_KEY(name_size, first_letter) (((name_size)*5 + (first_letter)*2) % FIELD_KEYS)

/* The field + 1; 0: none of ours has that key. */
static const uint8_t field_by_key[FIELD_KEYS] = {
    [FIELD_KEY(4, 'h')] = HTTP_FIELD_HOST + 1,
    [FIELD_KEY(14, 'c')] = HTTP_FIELD_CONTENT_LENGTH + 1,
    [FIELD_KEY(17, 't')] = HTTP_FIELD_TRANSFER_ENCODING + 1,
    [FIELD_KEY(10, 'c')] = HTTP_FIELD_CONNECTION + 1,
    [FIELD_KEY(12, 'c')] = HTTP_FIELD_CONTENT_TYPE + 1,
    [FIELD_KEY(16, 'c')] = HTTP_FIELD_CONTENT_ENCODING + 1,
    [FIELD_KEY(6, 'e')] = HTTP_FIELD_EXPECT + 1,
    [FIELD_KEY(6, 'a')] = HTTP_FIELD_ACCEPT + 1,
    [FIELD_KEY(13, 'a')] = HTTP_FIELD_AUTHORIZATION + 1,
    [FIELD_KEY(15, 'i')] = HTTP_FIELD_IDEMPOTENCY_KEY + 1,
    [FIELD_KEY(8, 'i')] = HTTP_FIELD_IF_MATCH + 1,
    [FIELD_KEY(13, 'i')] = HTTP_FIELD_IF_NONE_MATCH + 1,
    [FIELD_KEY(13, 'x')] = HTTP_FIELD_X_CUSTOMER_ID + 1,
    [FIELD_KEY(6, 'x')] = HTTP_FIELD_X_ROLE + 1,
    [FIELD_KEY(12, 'x')] = HTTP_FIELD_X_REQUEST_ID + 1,
    [FIELD_KEY(15, 'x')] = HTTP_FIELD_X_FORWARDED_FOR + 1,
    [FIELD_KEY(18, 'h')] = HTTP_FIELD_HOTSHELF_SIGNATURE + 1,
    [FIELD_KEY(13, 'l')] = HTTP_FIELD_LAST_EVENT_ID + 1,
    [FIELD_KEY(11, 't')] = HTTP_FIELD_TRACEPARENT + 1,
    [FIELD_KEY(9, 'f')] = HTTP_FIELD_FORWARDED + 1,
};

bool http_equals_ignoring_case(const uint8_t *bytes, const char *small, uint32_t size)
{
    for (; size > 8; bytes += 8, small += 8, size -= 8)
        if (word_lower(word_load_8(bytes)) != word_load_8(small))
            return false;
    return word_lower(word_of(bytes, size)) == word_of((const uint8_t *)small, size);
}

#ifdef HAVE_BLOCKS
static inline __m128i is_printable(__m128i block)
{
    return block_in_range(block, ' ', '~');
}

/* What names of hosts are made of; a host may also have "_" and "~". */
static inline __m128i is_usual_host(__m128i block)
{
    return _mm_or_si128(block_in_usual_token(block), block_is(block, '.'));
}
#endif

bool http_is_printable(struct bytes text)
{
#ifdef HAVE_BLOCKS
    return blocks_fit(text.data, text.size, is_printable);
#else
    for (uint32_t i = 0; i < text.size; i++)
        if (text.data[i] < ' ' || text.data[i] > '~')
            return false;
    return true;
#endif
}

static bool is_host_name(struct bytes name)
{
#ifdef HAVE_BLOCKS
    if (name.size > 0 && blocks_fit(name.data, name.size, is_usual_host))
        return true;
#endif
    for (uint32_t i = 0; i < name.size; i++)
        if (!http_is_class(name.data[i], HTTP_CLASS_HOST))
            return false;
    return name.size > 0;
}

/* Between the brackets: host characters and colons. */
static bool is_address(struct bytes text)
{
    for (uint32_t i = 0; i < text.size; i++)
        if (!http_is_class(text.data[i], HTTP_CLASS_HOST) && text.data[i] != ':')
            return false;
    return text.size > 0;
}

bool http_host_is_valid(struct bytes host)
{
    enum { PORT_SIZE_MAX = 5 };
    uint32_t size = host.size;
    while (size > 0 && host.size - size < PORT_SIZE_MAX && http_is_digit(host.data[size - 1]))
        size--;
    if (size > 0 && host.data[size - 1] == ':') /* of the port; all else behind it are digits */
        host.size = size - 1;
    if (host.size >= 2 && host.data[0] == '[' && host.data[host.size - 1] == ']')
        return is_address(bytes_of(host.data + 1, host.size - 2));
    return is_host_name(host);
}

/* Folds letters to lower case; of the other characters of a token only such change as stand in no
 * name of ours. */
#define FOLD_8 UINT64_C(0x2020202020202020)

/* By words that overlap: 4 to 18 bytes, of which no byte is looked at alone. */
static inline bool name_is(const uint8_t *name, const char *small, uint32_t size)
{
    if (size < 8)
        return (word_load_4(name) | (uint32_t)FOLD_8) == word_load_4(small) &&
               (word_load_4(name + size - 4) | (uint32_t)FOLD_8) == word_load_4(small + size - 4);
    uint64_t differs = (word_load_8(name) | FOLD_8) ^ word_load_8(small);
    differs |= (word_load_8(name + size - 8) | FOLD_8) ^ word_load_8(small + size - 8);
    if (size > 16)
        differs |= (word_load_8(name + 8) | FOLD_8) ^ word_load_8(small + 8);
    return differs == 0;
}

enum http_field http_field_find(struct bytes name)
{
    if (name.size < FIELD_NAME_SIZE_MIN || name.size > FIELD_NAME_SIZE_MAX)
        return HTTP_FIELD_COUNT;
    uint32_t field = field_by_key[FIELD_KEY(name.size, name.data[0] | 0x20U)];
    if (field == 0)
        return HTTP_FIELD_COUNT;
    const struct field_name *known = &field_names[--field];
    if (known->size != name.size || !name_is(name.data, known->text, name.size))
        return HTTP_FIELD_COUNT;
    return (enum http_field)field;
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
