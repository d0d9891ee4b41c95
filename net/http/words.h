/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words - short texts compared four and eight bytes at a time.
 *
 *     "idempotency-key"    [idempote]
 *                                [ency-key]      two words that overlap are the whole text
 *
 * Names of header fields and of JSON members are 2 to 20 bytes: what a call of memcmp() costs
 * before its first comparison is more than comparing them takes.
 *
 * Ownership  None: values.
 * Threads    Any.
 * Units      Sizes in bytes. No byte outside of a text is read.
 * Errors     None.
 * Cost       Two loads of each text up to 16 bytes, no loop.
 */
#ifndef HOTSHELF_NET_HTTP_WORDS_H
#define HOTSHELF_NET_HTTP_WORDS_H

#include "core/bytes.h"

static inline uint64_t word_load_8(const void *from)
{
    uint64_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

static inline uint32_t word_load_4(const void *from)
{
    uint32_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

/* A text of at most eight bytes, and zeros behind it. */
static inline uint64_t word_of(const uint8_t *text, uint32_t size)
{
    if (size >= 4)
        return word_load_4(text) | (uint64_t)word_load_4(text + size - 4) << (size - 4) * 8;
    if (size == 0)
        return 0;
    return text[0] | (uint64_t)text[size / 2] << size / 2 * 8 |
           (uint64_t)text[size - 1] << (size - 1) * 8;
}

/* Capital letters made small; no other byte changes. */
static inline uint64_t word_lower(uint64_t word)
{
    const uint64_t each = UINT64_C(0x0101010101010101), low = word & each * 0x7f;
    uint64_t from_a = low + each * (0x80 - 'A'), above_z = low + each * (0x7f - 'Z');
    uint64_t capitals = from_a & ~above_z & ~word & each * 0x80;
    return word | capitals >> 2;
}

/* Whether two texts of one size are the same. */
static inline bool words_equal(const uint8_t *a, const uint8_t *b, uint32_t size)
{
    if (size > 16)
        return memcmp(a, b, size) == 0;
    if (size <= 8)
        return word_of(a, size) == word_of(b, size);
    uint64_t differs = word_load_8(a) ^ word_load_8(b);
    return (differs | (word_load_8(a + size - 8) ^ word_load_8(b + size - 8))) == 0;
}

#endif
