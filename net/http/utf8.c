/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first byte says how long a character is and how small it may be; a second byte outside the
 * range given for that first byte makes it overlong, a surrogate or too large (RFC 3629 section 4).
 */
#include "net/http/utf8.h"

#include "core/check.h"

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

static bool second_byte_fits(uint8_t first, uint8_t second)
{
    switch (first) {
    case 0xe0:
        return second >= 0xa0 && second <= 0xbf;
    case 0xed:
        return second >= 0x80 && second <= 0x9f;
    case 0xf0:
        return second >= 0x90 && second <= 0xbf;
    case 0xf4:
        return second >= 0x80 && second <= 0x8f;
    default:
        return is_continuation(second);
    }
}

uint32_t utf8_character_size(const uint8_t *at, const uint8_t *end)
{
    if (at == end)
        return 0;
    if (*at < 0x80)
        return 1;
    uint32_t size = 0;
    if (*at >= 0xc2 && *at <= 0xdf)
        size = 2;
    else if (*at >= 0xe0 && *at <= 0xef)
        size = 3;
    else if (*at >= 0xf0 && *at <= 0xf4)
        size = 4;
    if (size == 0 || end - at < (int64_t)size || !second_byte_fits(at[0], at[1]))
        return 0;
    for (uint32_t i = 2; i < size; i++)
        if (!is_continuation(at[i]))
            return 0;
    return size;
}

bool utf8_is_valid(struct bytes text)
{
    uint32_t at = 0;
    while (at < text.size) {
        uint32_t size = utf8_character_size(text.data + at, text.data + text.size);
        if (size == 0)
            return false;
        at += size;
    }
    return true;
}

uint32_t utf8_encode(uint32_t character, uint8_t out[4])
{
    CHECK(character <= 0x10ffff);
    CHECK(character < 0xd800 || character > 0xdfff);
    if (character < 0x80) {
        out[0] = (uint8_t)character;
        return 1;
    }
    if (character < 0x800) {
        out[0] = (uint8_t)(0xc0 | character >> 6);
        out[1] = (uint8_t)(0x80 | (character & 0x3f));
        return 2;
    }
    if (character < 0x10000) {
        out[0] = (uint8_t)(0xe0 | character >> 12);
        out[1] = (uint8_t)(0x80 | (character >> 6 & 0x3f));
        out[2] = (uint8_t)(0x80 | (character & 0x3f));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | character >> 18);
    out[1] = (uint8_t)(0x80 | (character >> 12 & 0x3f));
    out[2] = (uint8_t)(0x80 | (character >> 6 & 0x3f));
    out[3] = (uint8_t)(0x80 | (character & 0x3f));
    return 4;
}

uint32_t utf8_cut(struct bytes text, uint32_t size_max)
{
    if (text.size <= size_max)
        return text.size;
    uint32_t size = size_max;
    while (size > 0 && is_continuation(text.data[size]))
        size--;
    return size;
}
