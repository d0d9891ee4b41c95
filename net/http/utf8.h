/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utf8 - whether bytes are UTF-8 as RFC 3629 has it: nothing overlong, no surrogates, no more than
 * U+10FFFF.
 *
 * Ownership  None.
 * Threads    None: pure functions.
 * Units      Sizes in bytes.
 * Errors     0 or false: malformed.
 * Cost       O(size).
 */
#ifndef HOTSHELF_NET_HTTP_UTF8_H
#define HOTSHELF_NET_HTTP_UTF8_H

#include "core/bytes.h"

/* How many bytes the character at `at` has, 1 to 4; 0 when it is malformed or cut at `end`. */
uint32_t utf8_character_size(const uint8_t *at, const uint8_t *end);

bool utf8_is_valid(struct bytes text);

/* Writes the character, which is no surrogate and at most U+10FFFF; answers how many bytes. */
uint32_t utf8_encode(uint32_t character, uint8_t out[4]);

/* The largest size up to `size_max` that does not cut a character of `text` in two. */
uint32_t utf8_cut(struct bytes text, uint32_t size_max);

#endif
