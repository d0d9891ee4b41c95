/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blocks - sixteen bytes at a time, on machines with SSE2, which every x86-64 has.
 *
 * What stands here has a plain counterpart beside each use, which other machines run alone. The
 * tests hold both against the references of tests/net (http_reference.h, json_reference.h), the
 * fuzzers the one that the machine has.
 *
 * Ownership  None: values.
 * Threads    Any.
 * Units      Bytes; a mask has a bit for each byte, the first one lowest.
 * Errors     None.
 * Cost       A few instructions for sixteen bytes.
 */
#ifndef HOTSHELF_NET_HTTP_BLOCKS_H
#define HOTSHELF_NET_HTTP_BLOCKS_H

/* With NO_BLOCKS the tests run the plain counterparts. */
#if defined(__SSE2__) && !defined(NO_BLOCKS)
#define HAVE_BLOCKS 1

#include <emmintrin.h>

#include "net/http/words.h"

static inline __m128i block_load(const uint8_t *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

/* Eight bytes, and zeros behind them. */
static inline __m128i block_load_half(const uint8_t *at)
{
    return _mm_loadl_epi64((const __m128i *)(const void *)at);
}

/* All bytes of a text of 1 to 16 bytes and no others, in any order and some of them twice. */
static inline __m128i block_covering(const uint8_t *text, uint32_t size)
{
    if (size >= 8)
        return _mm_unpacklo_epi64(block_load_half(text), block_load_half(text + size - 8));
    uint64_t word;
    if (size >= 4)
        word = word_load_4(text) | (uint64_t)word_load_4(text + size - 4) << 32;
    else
        word = (text[0] | (uint64_t)text[size / 2] << 8 | (uint64_t)text[size - 1] << 16 |
                   (uint64_t)text[0] << 24) *
               UINT64_C(0x100000001);
    return _mm_set1_epi64x((int64_t)word);
}

static inline uint32_t block_mask(__m128i bytes)
{
    return (uint32_t)_mm_movemask_epi8(bytes);
}

/* 0xff for each byte from `first` to `last`. */
static inline __m128i block_in_range(__m128i block, char first, char last)
{
    __m128i above = _mm_sub_epi8(block, _mm_set1_epi8(first));
    return _mm_cmpeq_epi8(_mm_min_epu8(above, _mm_set1_epi8((char)(last - first))), above);
}

static inline __m128i block_is(__m128i block, char byte)
{
    return _mm_cmpeq_epi8(block, _mm_set1_epi8(byte));
}

/* Whether `fits` says 0xff of every byte of a text. */
static inline bool blocks_fit(const uint8_t *at, uint32_t size, __m128i (*fits)(__m128i block))
{
    for (; size > 16; at += 16, size -= 16)
        if (block_mask(fits(block_load(at))) != 0xffff)
            return false;
    return size == 0 || block_mask(fits(block_covering(at, size))) == 0xffff;
}

/* Letters, digits and "-": what names of fields are made of. */
static inline __m128i block_in_usual_token(__m128i block)
{
    __m128i letters = block_in_range(_mm_or_si128(block, _mm_set1_epi8(0x20)), 'a', 'z');
    return _mm_or_si128(
        letters, _mm_or_si128(block_in_range(block, '0', '9'), block_is(block, '-')));
}

#endif

#endif
