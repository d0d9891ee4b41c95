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

#endif
