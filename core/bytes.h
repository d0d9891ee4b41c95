/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bytes - a run of bytes as a value: text from the wire, a name, a part of a record.
 *
 * Ownership  Borrowed: whoever hands out a struct bytes says how long it stays valid.
 * Threads    None: plain values.
 * Units      size in bytes; no terminating NUL is implied or counted.
 * Errors     None.
 * Cost       O(size) at most.
 */
#ifndef HOTSHELF_CORE_BYTES_H
#define HOTSHELF_CORE_BYTES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const uint8_t *data;
    uint32_t size;
};

/* A string literal as bytes, without its NUL. */
#define BYTES(literal) ((struct bytes){(const uint8_t *)(literal), (uint32_t)sizeof(literal) - 1})

static inline struct bytes bytes_of(const void *data, uint32_t size)
{
    return (struct bytes){.data = data, .size = size};
}

static inline struct bytes bytes_of_string(const char *string)
{
    return (struct bytes){.data = (const uint8_t *)string, .size = (uint32_t)strlen(string)};
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* What takes a literal: inline whatever else is, so that its length is known and its bytes are a
 * few stores. A compiler that weighs each call leaves some outside, with strlen() and memcpy(). */
#define OF_LITERAL static inline __attribute__((always_inline))

/* Copies a text that is short in most cases: two words that overlap. Of memcpy() a compiler that
 * knows the size to be small makes a loop over bytes, and who reads the text by words soon after
 * waits until all of them have reached the cache. */
static inline void bytes_copy(uint8_t *to, struct bytes bytes)
{
    struct sixteen {
        uint64_t low, high;
    };
#define BYTES_COPY_ENDS(word)                                                                      \
    do {                                                                                           \
        word first, last;                                                                          \
        memcpy(&first, bytes.data, sizeof(word));                                                  \
        memcpy(&last, bytes.data + bytes.size - sizeof(word), sizeof(word));                       \
        memcpy(to, &first, sizeof(word));                                                          \
        memcpy(to + bytes.size - sizeof(word), &last, sizeof(word));                               \
    } while (0)
    if (bytes.size > 2 * sizeof(struct sixteen))
        memcpy(to, bytes.data, bytes.size);
    else if (bytes.size >= sizeof(struct sixteen))
        BYTES_COPY_ENDS(struct sixteen);
    else if (bytes.size >= sizeof(uint64_t))
        BYTES_COPY_ENDS(uint64_t);
    else if (bytes.size >= sizeof(uint32_t))
        BYTES_COPY_ENDS(uint32_t);
    else
        for (uint32_t i = 0; i < bytes.size; i++)
            to[i] = bytes.data[i];
#undef BYTES_COPY_ENDS
}

#endif
