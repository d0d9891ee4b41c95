/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything here is a look at a table. Names, hosts and targets are made of few characters, which
 * sixteen at a time are told from all others; where another one stands the table says whether it
 * may.
 */
#include "net/http/syntax.h"

#include "net/http/blocks.h"
#include "net/http/words.h"

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

static inline __m128i is_bare(__m128i block)
{
    __m128i encoded = _mm_or_si128(block_is(block, '%'), block_is(block, '+'));
    __m128i between = _mm_or_si128(block_is(block, ','), block_is(block, ';'));
    __m128i marks = _mm_or_si128(_mm_or_si128(encoded, between), block_is(block, '&'));
    return _mm_cmpeq_epi8(marks, _mm_setzero_si128());
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

bool http_is_bare_value(struct bytes text)
{
#ifdef HAVE_BLOCKS
    return blocks_fit(text.data, text.size, is_bare);
#else
    for (uint32_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte == '%' || byte == '+' || byte == ',' || byte == ';' || byte == '&')
            return false;
    }
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
