/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding copies only when it must: a segment without escapes is returned as it stands in the
 * request. A decoded NUL is refused because the C code and the SQL behind us would end a name
 * there.
 */
#include "net/http/target.h"

static int32_t hex_value(uint8_t digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    uint8_t letter = digit | 0x20;
    if (letter >= 'a' && letter <= 'f')
        return letter - 'a' + 10;
    return -1;
}

static bool has(struct bytes text, char byte)
{
    return text.size > 0 && memchr(text.data, byte, text.size) != NULL;
}

static bool needs_decoding(struct bytes raw, bool plus_is_space)
{
    return has(raw, '%') || (plus_is_space && has(raw, '+'));
}

/* The byte that starts at raw.data[*at]; moves *at behind it. -1: malformed. */
static int32_t decode_byte(struct bytes raw, uint32_t *at, bool plus_is_space)
{
    uint8_t byte = raw.data[(*at)++];
    if (byte == '+' && plus_is_space)
        return ' ';
    if (byte != '%')
        return byte;
    if (raw.size - *at < 2)
        return -1;
    int32_t high = hex_value(raw.data[*at]);
    int32_t low = hex_value(raw.data[*at + 1]);
    *at += 2;
    if (high < 0 || low < 0 || high + low == 0)
        return -1;
    return high * 16 + low;
}

static enum http_unescape decode(struct bytes raw, bool plus_is_space, uint8_t *buffer,
    uint32_t buffer_size, struct bytes *decoded)
{
    if (!needs_decoding(raw, plus_is_space)) {
        *decoded = raw;
        return raw.size <= buffer_size ? HTTP_UNESCAPED : HTTP_UNESCAPE_TOO_LONG;
    }
    uint32_t size = 0;
    for (uint32_t at = 0; at < raw.size; size++) {
        int32_t byte = decode_byte(raw, &at, plus_is_space);
        if (byte < 0)
            return HTTP_UNESCAPE_MALFORMED;
        if (size == buffer_size)
            return HTTP_UNESCAPE_TOO_LONG;
        buffer[size] = (uint8_t)byte;
    }
    *decoded = bytes_of(buffer, size);
    return HTTP_UNESCAPED;
}

enum http_unescape http_unescape_segment(
    struct bytes raw, uint8_t *buffer, uint32_t buffer_size, struct bytes *decoded)
{
    return decode(raw, false, buffer, buffer_size, decoded);
}

enum http_unescape http_unescape_query(
    struct bytes raw, uint8_t *buffer, uint32_t buffer_size, struct bytes *decoded)
{
    return decode(raw, true, buffer, buffer_size, decoded);
}

/* What stands before the first `mark` of `rest`; `rest` goes on behind the mark. */
static struct bytes take_until(struct bytes *rest, char mark)
{
    const uint8_t *found = rest->size == 0 ? NULL : memchr(rest->data, mark, rest->size);
    uint32_t size = found == NULL ? rest->size : (uint32_t)(found - rest->data);
    uint32_t skip = found == NULL ? size : size + 1;
    struct bytes taken = bytes_of(rest->data, size);
    *rest = rest->size == 0 ? taken : bytes_of(rest->data + skip, rest->size - skip);
    return taken;
}

bool http_query_next(struct bytes *rest, struct bytes *name, struct bytes *value)
{
    while (rest->size > 0) {
        struct bytes pair = take_until(rest, '&');
        if (pair.size == 0)
            continue;
        *name = take_until(&pair, '=');
        *value = pair;
        return true;
    }
    return false;
}

static struct bytes trim(struct bytes text)
{
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = bytes_of(text.data + 1, text.size - 1);
    while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

bool http_list_next(struct bytes *rest, struct bytes *item)
{
    while (rest->size > 0) {
        *item = trim(take_until(rest, ','));
        if (item->size > 0)
            return true;
    }
    return false;
}

bool http_path_match(struct bytes path, const char *pattern, struct bytes *captures)
{
    struct bytes wanted = bytes_of_string(pattern);
    while (wanted.size > 0 && path.size > 0) {
        /* Both stand at a slash: the separators are compared like any other byte. */
        if (wanted.data[0] != '/' || path.data[0] != '/')
            return false;
        wanted = bytes_of(wanted.data + 1, wanted.size - 1);
        path = bytes_of(path.data + 1, path.size - 1);
        const uint8_t *end = memchr(wanted.data, '/', wanted.size);
        uint32_t wanted_size = end == NULL ? wanted.size : (uint32_t)(end - wanted.data);
        end = path.size == 0 ? NULL : memchr(path.data, '/', path.size);
        uint32_t size = end == NULL ? path.size : (uint32_t)(end - path.data);
        struct bytes segment = bytes_of(path.data, size);
        if (bytes_equal(bytes_of(wanted.data, wanted_size), BYTES("{}"))) {
            if (size == 0)
                return false;
            *captures++ = segment;
        } else if (!bytes_equal(bytes_of(wanted.data, wanted_size), segment)) {
            return false;
        }
        wanted = bytes_of(wanted.data + wanted_size, wanted.size - wanted_size);
        path = bytes_of(path.data + size, path.size - size);
    }
    return wanted.size == 0 && path.size == 0;
}
