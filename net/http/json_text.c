/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An escape becomes up to four bytes, which are then handed out one at a time; so two spellings of
 * one name ("sku" and "s\u006bu") compare equal without a buffer for either.
 */
#include "net/http/json_text.h"

#include "core/check.h"
#include "net/http/utf8.h"

int32_t json_text_hex4(const uint8_t digits[4])
{
    int32_t value = 0;
    for (uint32_t i = 0; i < 4; i++) {
        uint8_t letter = digits[i] | 0x20;
        int32_t digit = -1;
        if (digits[i] >= '0' && digits[i] <= '9')
            digit = digits[i] - '0';
        else if (letter >= 'a' && letter <= 'f')
            digit = letter - 'a' + 10;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

static uint32_t short_escape(uint8_t letter)
{
    switch (letter) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return letter; /* quote, backslash, slash */
    }
}

/* text->at stands behind the backslash. */
static uint32_t take_escape(struct json_text *text)
{
    CHECK(text->at < text->end);
    uint8_t letter = *text->at++;
    if (letter != 'u')
        return short_escape(letter);
    CHECK(text->end - text->at >= 4);
    int32_t unit = json_text_hex4(text->at);
    CHECK(unit >= 0);
    text->at += 4;
    if (unit < 0xd800 || unit > 0xdbff)
        return (uint32_t)unit;
    CHECK(text->end - text->at >= 6);
    int32_t low = json_text_hex4(text->at + 2);
    CHECK(low >= 0xdc00 && low <= 0xdfff);
    text->at += 6;
    return 0x10000 + ((uint32_t)(unit - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
}

int32_t json_text_next(struct json_text *text)
{
    if (text->pending_at < text->pending_size)
        return text->pending[text->pending_at++];
    if (text->at == text->end)
        return -1;
    uint8_t byte = *text->at++;
    if (byte != '\\')
        return byte;
    text->pending_size = utf8_encode(take_escape(text), text->pending);
    text->pending_at = 1;
    return text->pending[0];
}

bool json_text_equal(struct bytes raw_a, struct bytes raw_b)
{
    struct json_text a = json_text_of(raw_a);
    struct json_text b = json_text_of(raw_b);
    for (;;) {
        int32_t byte = json_text_next(&a);
        if (byte != json_text_next(&b))
            return false;
        if (byte < 0)
            return true;
    }
}
