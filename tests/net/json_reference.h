/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_reference - a second reader of JSON, to hold the parser against.
 *
 * Written from the grammar of RFC 8259 (and RFC 3629 for UTF-8) without a look at net/http: one
 * function for each rule, names decoded into texts and compared. It shares the parser's limits:
 * depth, members of an object, count of values and names.
 *
 * Ownership  Borrows the text while it reads it.
 * Threads    None.
 * Units      Sizes in bytes.
 * Errors     A bool.
 * Cost       Names of an object are compared each with each.
 */
#ifndef HOTSHELF_TESTS_NET_JSON_REFERENCE_H
#define HOTSHELF_TESTS_NET_JSON_REFERENCE_H

#include "core/bytes.h"

/* Whether `text` is one JSON value within the limits; `count` is that of its values and names. */
bool json_reference_is_valid(struct bytes text, uint32_t count_max, uint32_t *count);

#endif
