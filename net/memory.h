/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory - the one mapping that holds everything: exactly as large as the bill, resident from the
 * start, never larger.
 *
 *     memory_measure --build everything in it--> bytes used --> memory_take of exactly these
 *
 * Measuring is building: arenas promise that zero bytes are their valid empty state, so a mapping
 * without memory behind it serves as well, and costs a few pages.
 *
 * Ownership  memory_give() unmaps.
 * Threads    The main thread, at start.
 * Units      Bytes.
 * Errors     -errno; `error` is a sentence with the remedy.
 * Cost       take: touches every page once, about 0.3 s per GiB.
 */
#ifndef HOTSHELF_NET_MEMORY_H
#define HOTSHELF_NET_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memory {
    uint8_t *base;
    uint64_t size;
    bool huge;   /* the kernel was asked for huge pages, and has them */
    bool locked; /* nothing of the process can be swapped out or grow by a page it already has */
};

/* Address space only, far more than any configuration needs. */
int memory_measure(struct memory *memory, char *error, size_t error_size);
/* Zero bytes, all of them resident. */
int memory_take(struct memory *memory, uint64_t size, char *error, size_t error_size);
void memory_give(struct memory *memory);

/* Keeps all pages of the process in memory, its code and libraries too; false where the limits do
 * not allow it (the arena is resident all the same, but may be swapped). */
bool memory_lock(struct memory *memory);

/* Keys and tokens stand in memory: no core of this process is ever written, into a file or into a
 * program, and no other process of its user may read it. */
void memory_forbid_cores(void);

/* What the kernel counts as resident now; 0 when it does not say. */
uint64_t memory_resident(void);

#endif
