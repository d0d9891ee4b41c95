/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elements are read from the left, because quoted texts of Forwarded may have commas; the last one
 * that is not a trusted proxy stays. One that cannot be read is only a fault when it is that one:
 * whatever stands left of the client's address he may have made up.
 */
#include "net/http/forwarded.h"

#include "core/check.h"
#include "net/http/fields.h"
#include "net/http/syntax.h"
#include "net/http/target.h"

enum forwarded { FORWARDED_ABSENT, FORWARDED_FOUND, FORWARDED_UNREADABLE };

struct walk {
    const struct proxies *proxies;
    uint32_t count;
    bool outside; /* an element that is not a trusted proxy was seen */
    enum forwarded answer;
    struct address client;
};

static bool is_port(struct bytes text)
{
    for (uint32_t i = 0; i < text.size; i++)
        if (!http_is_digit(text.data[i]))
            return false;
    return text.size >= 1 && text.size <= 5;
}

/* 1.2.3.4, 1.2.3.4:5678, [2001:db8::1], [2001:db8::1]:5678, and where `bare` 2001:db8::1. */
static bool read_node(struct bytes text, bool bare, struct address *address)
{
    if (text.size == 0)
        return false;
    bool bracketed = text.data[0] == '[';
    const uint8_t *end = memchr(text.data, bracketed ? ']' : ':', text.size);
    if (!bracketed && (end == NULL || (bare && address_parse(text, address))))
        return address_parse(text, address) && (bare || address_is_ipv4(address));
    if (end == NULL)
        return false;
    uint32_t size = (uint32_t)(end - text.data);
    struct bytes host = bytes_of(text.data + bracketed, size - bracketed);
    struct bytes rest = bytes_of(end + bracketed, text.size - size - bracketed);
    bool is_ipv6 = memchr(host.data, ':', host.size) != NULL;
    if (is_ipv6 != bracketed || !address_parse(host, address))
        return false;
    return rest.size == 0 ||
           (rest.data[0] == ':' && is_port(bytes_of(rest.data + 1, rest.size - 1)));
}

static void note(struct walk *walk, bool readable, const struct address *address)
{
    bool trusted = readable && proxies_trust(walk->proxies, address);
    walk->count++;
    if (trusted && (walk->outside || walk->count > 1))
        return;
    walk->outside = !trusted;
    walk->client = *address;
    walk->answer = readable ? FORWARDED_FOUND : FORWARDED_UNREADABLE;
}

static void read_addresses(struct walk *walk, struct bytes line)
{
    struct bytes item;
    struct address address = {.kind = ADDRESS_NONE};
    while (http_list_next(&line, &item))
        note(walk, read_node(item, true, &address), &address);
}

struct pairs {
    const uint8_t *at;
    const uint8_t *end;
    struct bytes name, value; /* the value without its quotes */
};

/* A quoted text with an escape in it is none of an address: the value keeps it, and is refused. */
static bool take_quoted(struct pairs *pairs)
{
    const uint8_t *start = ++pairs->at;
    for (; pairs->at < pairs->end && *pairs->at != '"'; pairs->at++)
        if (*pairs->at == '\\')
            pairs->at++;
    if (pairs->at >= pairs->end)
        return false;
    pairs->value = bytes_of(start, (uint32_t)(pairs->at++ - start));
    return true;
}

/* name=value; false: it is none. */
static bool take_pair(struct pairs *pairs)
{
    const uint8_t *start = pairs->at;
    pairs->at = http_skip_token(start, pairs->end);
    pairs->name = bytes_of(start, (uint32_t)(pairs->at - start));
    if (pairs->name.size == 0 || pairs->at == pairs->end || *pairs->at++ != '=')
        return false;
    if (pairs->at < pairs->end && *pairs->at == '"')
        return take_quoted(pairs);
    start = pairs->at;
    pairs->at = http_skip_token(start, pairs->end);
    pairs->value = bytes_of(start, (uint32_t)(pairs->at - start));
    return pairs->value.size > 0;
}

static void skip_space(struct pairs *pairs)
{
    while (pairs->at < pairs->end && (*pairs->at == ' ' || *pairs->at == '\t'))
        pairs->at++;
}

/* One element with its pairs, up to its comma or the end; false: from here on nothing can be told
 * apart. */
static bool read_element(struct walk *walk, struct pairs *pairs)
{
    struct address address = {.kind = ADDRESS_NONE};
    uint32_t found = 0;
    bool readable = false;
    for (;;) {
        if (!take_pair(pairs))
            return false;
        if (pairs->name.size == 3 && http_equals_ignoring_case(pairs->name.data, "for", 3)) {
            readable = read_node(pairs->value, false, &address);
            found++;
        }
        skip_space(pairs);
        if (pairs->at == pairs->end || *pairs->at == ',')
            break;
        if (*pairs->at++ != ';')
            return false;
        skip_space(pairs);
    }
    note(walk, readable && found == 1, &address);
    return true;
}

static void read_elements(struct walk *walk, struct bytes line)
{
    struct pairs pairs = {.at = line.data, .end = line.data + line.size};
    for (;;) {
        while (pairs.at < pairs.end && (*pairs.at == ',' || *pairs.at == ' ' || *pairs.at == '\t'))
            pairs.at++;
        if (pairs.at == pairs.end)
            return;
        if (!read_element(walk, &pairs)) {
            note(walk, false, &walk->client);
            return;
        }
    }
}

static void read_line(struct walk *walk, enum http_field field, struct bytes line)
{
    if (field == HTTP_FIELD_FORWARDED)
        read_elements(walk, line);
    else
        read_addresses(walk, line);
}

/* Of a repeated field the parser keeps one line. */
static bool read_lines(struct walk *walk, enum http_field field, struct bytes text)
{
    struct http_lines lines = {.at = text.data, .end = text.data + text.size};
    for (uint32_t found = 0; http_line_next(&lines) == HTTP_LINE_FIELD;) {
        if (lines.field != field)
            continue;
        if (found++ == FORWARDED_LINES_MAX)
            return false;
        read_line(walk, field, lines.value);
    }
    return true;
}

static enum forwarded read_field(const struct proxies *proxies, const struct http_request *parsed,
    enum http_field field, struct address *client)
{
    struct walk walk = {.proxies = proxies, .answer = FORWARDED_UNREADABLE};
    if (!http_has(parsed, field))
        return FORWARDED_ABSENT;
    if (http_repeated(parsed, field)) {
        if (!read_lines(&walk, field, parsed->lines))
            return FORWARDED_UNREADABLE;
    } else {
        read_line(&walk, field, parsed->field[field]);
    }
    *client = walk.client;
    return walk.count > FORWARDED_ELEMENTS_MAX ? FORWARDED_UNREADABLE : walk.answer;
}

struct address forwarded_client(
    const struct proxies *proxies, const struct address *peer, const struct http_request *parsed)
{
    struct address by_list, by_pairs;
    if (!proxies_trust(proxies, peer))
        return *peer;
    enum forwarded list = read_field(proxies, parsed, HTTP_FIELD_X_FORWARDED_FOR, &by_list);
    enum forwarded pairs = read_field(proxies, parsed, HTTP_FIELD_FORWARDED, &by_pairs);
    if (list == FORWARDED_ABSENT && pairs == FORWARDED_ABSENT)
        return (struct address){.kind = ADDRESS_NONE};
    if (list == FORWARDED_UNREADABLE || pairs == FORWARDED_UNREADABLE)
        return *peer;
    if (pairs == FORWARDED_ABSENT)
        return by_list;
    if (list == FORWARDED_ABSENT || address_equal(&by_list, &by_pairs))
        return by_pairs;
    return *peer;
}
