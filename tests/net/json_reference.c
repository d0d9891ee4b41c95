/* SPDX-License-Identifier: Apache-2.0 */
/* One function for each rule of the grammar; a rule moves `at` behind what it has read. */
#include "tests/net/json_reference.h"

#include <stdlib.h>

#include "core/check.h"
#include "net/http/json.h"

struct reader {
    const uint8_t *at, *end;
    uint32_t count, count_max;
};

/* What stands between the quotes, decoded. */
struct decoded {
    uint32_t size;
    uint8_t text[4096];
};

static int peek(const struct reader *reader)
{
    return reader->at < reader->end ? *reader->at : -1;
}

static bool take(struct reader *reader, int byte)
{
    if (peek(reader) != byte)
        return false;
    reader->at++;
    return true;
}

static bool take_range(struct reader *reader, int first, int last)
{
    int byte = peek(reader);
    if (byte < first || byte > last)
        return false;
    reader->at++;
    return true;
}

static void white_space(struct reader *reader)
{
    while (take(reader, ' ') || take(reader, '\t') || take(reader, '\n') || take(reader, '\r'))
        continue;
}

static bool word(struct reader *reader, const char *text)
{
    for (; *text != 0; text++)
        if (!take(reader, *text))
            return false;
    return true;
}

static bool digits(struct reader *reader)
{
    if (!take_range(reader, '0', '9'))
        return false;
    while (take_range(reader, '0', '9'))
        continue;
    return true;
}

/* number = [ minus ] int [ frac ] [ exp ] */
static bool number(struct reader *reader)
{
    take(reader, '-');
    if (!take(reader, '0')) {
        if (!take_range(reader, '1', '9'))
            return false;
        while (take_range(reader, '0', '9'))
            continue;
    }
    if (take(reader, '.') && !digits(reader))
        return false;
    if (take(reader, 'e') || take(reader, 'E')) {
        if (!take(reader, '+'))
            take(reader, '-');
        return digits(reader);
    }
    return true;
}

static void add(struct decoded *decoded, uint32_t byte)
{
    CHECK(decoded->size < sizeof decoded->text);
    decoded->text[decoded->size++] = (uint8_t)byte;
}

static bool hex4(struct reader *reader, uint32_t *value)
{
    *value = 0;
    for (int i = 0; i < 4; i++) {
        int byte = peek(reader);
        char digit[2] = {(char)byte, 0};
        if (!take_range(reader, '0', '9') && !take_range(reader, 'a', 'f') &&
            !take_range(reader, 'A', 'F'))
            return false;
        *value = *value * 16 + (uint32_t)strtoul(digit, NULL, 16);
    }
    return true;
}

static void add_character(struct decoded *decoded, uint32_t point)
{
    if (point < 0x80) {
        add(decoded, point);
    } else if (point < 0x800) {
        add(decoded, 0xc0 + point / 64);
        add(decoded, 0x80 + point % 64);
    } else if (point < 0x10000) {
        add(decoded, 0xe0 + point / 4096);
        add(decoded, 0x80 + point / 64 % 64);
        add(decoded, 0x80 + point % 64);
    } else {
        add(decoded, 0xf0 + point / 262144);
        add(decoded, 0x80 + point / 4096 % 64);
        add(decoded, 0x80 + point / 64 % 64);
        add(decoded, 0x80 + point % 64);
    }
}

/* Behind "\\u". Halves of a pair stand together or not at all. */
static bool unicode_escape(struct reader *reader, struct decoded *decoded)
{
    uint32_t unit, low;
    if (!hex4(reader, &unit) || (unit >= 0xdc00 && unit < 0xe000))
        return false;
    if (unit >= 0xd800 && unit < 0xdc00) {
        if (!take(reader, '\\') || !take(reader, 'u') || !hex4(reader, &low))
            return false;
        if (low < 0xdc00 || low >= 0xe000)
            return false;
        unit = 0x10000 + (unit - 0xd800) * 0x400 + (low - 0xdc00);
    }
    add_character(decoded, unit);
    return true;
}

static bool escape(struct reader *reader, struct decoded *decoded)
{
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    if (take(reader, 'u'))
        return unicode_escape(reader, decoded);
    for (uint32_t i = 0; i < sizeof letters - 1; i++) {
        if (take(reader, letters[i])) {
            add(decoded, (uint8_t)meant[i]);
            return true;
        }
    }
    return false;
}

/* RFC 3629 section 4, line by line. */
static bool utf8(struct reader *reader, struct decoded *decoded)
{
    static const struct {
        uint8_t first, last, second_first, second_last, tail;
    } rows[] = {{0x20, 0x7f, 0, 0, 0}, {0xc2, 0xdf, 0x80, 0xbf, 0}, {0xe0, 0xe0, 0xa0, 0xbf, 1},
        {0xe1, 0xec, 0x80, 0xbf, 1}, {0xed, 0xed, 0x80, 0x9f, 1}, {0xee, 0xef, 0x80, 0xbf, 1},
        {0xf0, 0xf0, 0x90, 0xbf, 2}, {0xf1, 0xf3, 0x80, 0xbf, 2}, {0xf4, 0xf4, 0x80, 0x8f, 2}};
    const uint8_t *start = reader->at;
    for (uint32_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!take_range(reader, rows[i].first, rows[i].last))
            continue;
        if (i > 0 && !take_range(reader, rows[i].second_first, rows[i].second_last))
            return false;
        for (uint8_t tail = rows[i].tail; tail > 0; tail--)
            if (!take_range(reader, 0x80, 0xbf))
                return false;
        for (; start < reader->at; start++)
            add(decoded, *start);
        return true;
    }
    return false;
}

static bool string(struct reader *reader, struct decoded *decoded)
{
    decoded->size = 0;
    if (!take(reader, '"'))
        return false;
    while (!take(reader, '"')) {
        bool is_good = take(reader, '\\') ? escape(reader, decoded) : utf8(reader, decoded);
        if (!is_good)
            return false;
    }
    return true;
}

static bool counted(struct reader *reader)
{
    return ++reader->count <= reader->count_max;
}

static bool value(struct reader *reader, uint32_t depth);

static bool array(struct reader *reader, uint32_t depth)
{
    white_space(reader);
    if (take(reader, ']'))
        return true;
    do {
        if (!value(reader, depth))
            return false;
    } while (take(reader, ','));
    return take(reader, ']');
}

struct name {
    struct name *before;
    struct decoded text;
};

static bool is_among(const struct name *names, const struct decoded *text)
{
    for (; names != NULL; names = names->before)
        if (names->text.size == text->size && memcmp(names->text.text, text->text, text->size) == 0)
            return true;
    return false;
}

static bool member(struct reader *reader, uint32_t depth, struct name **names)
{
    struct name *name = malloc(sizeof *name);
    CHECK(name != NULL);
    name->before = *names;
    *names = name;
    white_space(reader);
    if (!counted(reader) || !string(reader, &name->text) || is_among(name->before, &name->text))
        return false;
    white_space(reader);
    return take(reader, ':') && value(reader, depth);
}

static bool object(struct reader *reader, uint32_t depth)
{
    struct name *names = NULL;
    white_space(reader);
    if (take(reader, '}'))
        return true;
    uint32_t count = 0;
    bool is_good;
    do {
        is_good = ++count <= JSON_MEMBERS_MAX && member(reader, depth, &names);
    } while (is_good && take(reader, ','));
    while (names != NULL) {
        struct name *before = names->before;
        free(names);
        names = before;
    }
    return is_good && take(reader, '}');
}

/* With the white space around it. */
static bool value(struct reader *reader, uint32_t depth)
{
    static struct decoded text;
    white_space(reader);
    if (!counted(reader))
        return false;
    bool is_good;
    switch (peek(reader)) {
    case '{':
        is_good = depth > 0 && take(reader, '{') && object(reader, depth - 1);
        break;
    case '[':
        is_good = depth > 0 && take(reader, '[') && array(reader, depth - 1);
        break;
    case '"':
        is_good = string(reader, &text);
        break;
    case 't':
        is_good = word(reader, "true");
        break;
    case 'f':
        is_good = word(reader, "false");
        break;
    case 'n':
        is_good = word(reader, "null");
        break;
    default:
        is_good = number(reader);
    }
    white_space(reader);
    return is_good;
}

bool json_reference_is_valid(struct bytes text, uint32_t count_max, uint32_t *count)
{
    struct reader reader = {.at = text.data, .end = text.data + text.size, .count_max = count_max};
    bool is_good = value(&reader, JSON_DEPTH_MAX) && reader.at == reader.end;
    *count = reader.count;
    return is_good;
}
