/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names - gives every distinct text (SKU, customer, order id) a small number, and finds it again.
 *
 * Ownership  Copies the texts; memory is taken in names_open() and given back in names_close().
 * Threads    One at a time.
 * Units      Numbers count from 0 in the order of first sight. Capacity in names and in bytes.
 * Errors     names_open(): -ENOMEM. names_add(): NAMES_NONE when full.
 * Cost       O(length) on average: a hash table at most half full.
 */
#ifndef HOTSHELF_LOADTEST_NAMES_H
#define HOTSHELF_LOADTEST_NAMES_H

#include <stddef.h>
#include <stdint.h>

#define NAMES_NONE UINT32_MAX

struct names {
    char *text;
    size_t text_size;
    size_t text_capacity;
    size_t *offset;
    uint32_t count;
    uint32_t capacity;
    uint32_t *slot;
    uint32_t slot_mask;
};

int names_open(struct names *names, uint32_t capacity, size_t text_capacity);
void names_close(struct names *names);

/* The number of the text; a new one when it was never seen. */
uint32_t names_add(struct names *names, const char *text, size_t size);

/* The number of the text, or NAMES_NONE. */
uint32_t names_find(const struct names *names, const char *text, size_t size);

/* The text of a number, NUL-terminated; valid until names_close(). */
const char *names_text(const struct names *names, uint32_t number);

#endif
