/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buffers - a bounded number of large buffers that all connections share: for questions that are
 * larger than what each connection has of its own, and for answers that come in pieces.
 *
 *     size        how many    for
 *     16 KiB      1,024       an order of some 50 lines, a refusal
 *     512 KiB     48          an order of 512 lines, a page of products
 *
 * Those given back last are taken first, so only as many cost memory as were ever taken at once.
 *
 * Ownership  buffers_open() takes address space, buffers_close() gives it back. A buffer belongs to
 *            its taker until buffers_give().
 * Threads    One.
 * Units      Bytes. A buffer is a number, small enough for a part of io_uring's user_data.
 * Errors     buffers_open(): -errno. buffers_take(): BUFFERS_NONE when all of this size are taken,
 *            or none is large enough.
 * Cost       O(1).
 */
#ifndef HOTSHELF_LOADTEST_BUFFERS_H
#define HOTSHELF_LOADTEST_BUFFERS_H

#include <stddef.h>
#include <stdint.h>

#define BUFFERS_SIZES 2
#define BUFFERS_MEDIUM_SIZE (16 * 1024)
#define BUFFERS_MEDIUM_COUNT 1024

/* An order of 512 lines, each with a SKU, a seller and a sale of full length, with room to spare.
 */
#define BUFFERS_LARGE_SIZE (512 * 1024)
#define BUFFERS_LARGE_COUNT 48

#define BUFFERS_COUNT (BUFFERS_MEDIUM_COUNT + BUFFERS_LARGE_COUNT)
#define BUFFERS_NONE UINT16_MAX

struct buffers {
    char *data;
    uint32_t free_count[BUFFERS_SIZES];
    uint16_t free[BUFFERS_SIZES][BUFFERS_MEDIUM_COUNT];
};

int buffers_open(struct buffers *buffers);
void buffers_close(struct buffers *buffers);

/* At least so large. */
uint16_t buffers_take(struct buffers *buffers, size_t size);
void buffers_give(struct buffers *buffers, uint16_t buffer);

char *buffers_data(const struct buffers *buffers, uint16_t buffer);
size_t buffers_size(uint16_t buffer);

#endif
