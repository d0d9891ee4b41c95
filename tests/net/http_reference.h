/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_reference - a second reader of HTTP/1.1 requests, to hold the parser against.
 *
 * Written from the grammar of RFC 9112 and RFC 9110 without a look at net/http: a machine that
 * takes one byte at a time, copies everything and compares texts. Slow, and plain enough to be
 * checked by eye. It agrees with the parser about limits and about which of two faults counts: the
 * one whose byte comes first, and behind the head the order of reference_head_ends().
 *
 * Ownership  All it has read stands in struct reference; nothing is borrowed.
 * Threads    None.
 * Units      Sizes in bytes.
 * Errors     HTTP_REFUSED with a status.
 * Cost       Some hundred steps a byte at worst.
 */
#ifndef HOTSHELF_TESTS_NET_HTTP_REFERENCE_H
#define HOTSHELF_TESTS_NET_HTTP_REFERENCE_H

#include "net/http/parser.h"

enum { REFERENCE_TEXT_MAX = 4096, REFERENCE_FIELDS_MAX = 1024 };

/* A text that ends with NUL: none of those kept may contain one. */
struct reference_text {
    char text[REFERENCE_TEXT_MAX];
    uint32_t size;
};

struct reference {
    const struct http_limits *limits;
    int state;
    enum http_answer answer;
    int status;
    uint64_t consumed;
    uint64_t framing; /* bytes of head, chunk lines and trailers */

    struct reference_text line; /* of the version, of a name */
    struct reference_text value;
    struct reference_text method, target, authority, path, query;
    struct {
        char *name, *value; /* in pool */
    } fields[REFERENCE_FIELDS_MAX];
    uint32_t field_count;
    char pool[2 * REFERENCE_TEXT_MAX];
    uint32_t pool_size;
    bool in_trailers;

    int minor;
    bool chunked, keep_alive, expects_100;
    uint64_t left; /* of the chunk, or of the body */
    uint8_t body[REFERENCE_TEXT_MAX];
    uint64_t body_size;
};

/* Reads one request from the beginning of `received`; limits no larger than the texts above. */
void reference_read(
    struct reference *reference, const struct http_limits *limits, struct bytes received);

/* The first or last value of a field, NULL when there is none; `small` in lower case. */
const char *reference_field(const struct reference *reference, const char *small, bool last);

/* Between the files of the reference: what it thinks of a text that it has read whole, 0 or the
 * status of a refusal. */
int reference_target_ends(struct reference *reference);
int reference_head_ends(struct reference *reference);
bool reference_method_is_served(const char *method);
bool reference_is_read(const char *name);
bool reference_is_tchar(int byte);
void reference_add(struct reference_text *text, int byte);
void reference_clear(struct reference_text *text);

/* Reads `received` by both, whole and in pieces that begin with the first byte and grow by `step`,
 * and CHECKs that they say the same. */
void reference_compare(const struct http_limits *limits, struct bytes received, uint32_t step);

#endif
