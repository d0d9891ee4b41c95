/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syntax - the alphabet of HTTP: which byte may stand where.
 *
 * Ownership  None: constant tables and pure functions.
 * Threads    Any.
 * Units      Sizes in bytes.
 * Errors     A bool says no.
 * Cost       O(size).
 */
#ifndef HOTSHELF_NET_HTTP_SYNTAX_H
#define HOTSHELF_NET_HTTP_SYNTAX_H

#include "core/bytes.h"
#include "net/http/parser.h"

#define HTTP_FIELD_BIT(field) (1U << (field))
_Static_assert(HTTP_FIELD_COUNT <= 32, "a field is a bit of http_request.fields_seen");

/* Bits of http_character_class: RFC 9110 tokens, the characters of RFC 3986 in a path, query or
 * authority but "%" and brackets, and those of a host name or address (narrower than RFC 3986: no
 * commas, no escapes and the like). */
enum { HTTP_CLASS_TOKEN = 1, HTTP_CLASS_TARGET = 2, HTTP_CLASS_HOST = 4 };

extern const uint8_t http_character_class[256];

static inline bool http_is_class(uint8_t byte, uint8_t class)
{
    return (http_character_class[byte] & class) != 0;
}

static inline bool http_is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static inline bool http_is_hex_digit(uint8_t byte)
{
    return http_is_digit(byte) || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f');
}

/* The first byte in `at` to `end` that is not of that class. Sixteen bytes at a time where the
 * machine has SSE2; the plain loop alone gives the same, which the tests hold it against. */
const uint8_t *http_skip_token(const uint8_t *at, const uint8_t *end);
const uint8_t *http_skip_target(const uint8_t *at, const uint8_t *end);

/* Whether `bytes` are those of `small`, which is written in lower case. */
bool http_equals_ignoring_case(const uint8_t *bytes, const char *small, uint32_t size);

/* Nothing but the characters of ASCII from space to tilde. */
bool http_is_printable(struct bytes text);

/* A part of a query that stands for itself and for one thing: nothing encoded, no further parameter
 * and no list in it. */
bool http_is_bare_value(struct bytes text);

/* "name", "name:port", "[address]" or "[address]:port". */
bool http_host_is_valid(struct bytes host);

#endif
