/* SPDX-License-Identifier: Apache-2.0 */
/*
 * budget - a fixed amount of memory for a library that insists on malloc.
 *
 *     | one jemalloc arena's extents, handed out upwards ->      | free |
 *     base                                                       used   size
 *
 * The region is taken and touched at start; a jemalloc arena gets its extents from it and from
 * nowhere else, and the thread that calls the library is bound to that arena. jemalloc keeps what
 * is freed and uses it again. When the region is used up malloc answers NULL: the library reports
 * an error, its caller drops the connection and tries again. Nobody else's memory is touched.
 *
 * Ownership  A budget lives as long as the process: libraries keep some of it until exit (OpenSSL's
 *            own cleanup), so that it could never be given back safely. `budget` must not move.
 * Threads    take: one, once per budget. bind: the thread to be bound.
 * Units      Bytes.
 * Errors     Negative errno.
 * Cost       One addition per extent; jemalloc asks for few and keeps them.
 *
 * Without jemalloc (sanitizer builds) take and bind do nothing and answer 0.
 */
#ifndef HOTSHELF_PERSIST_BUDGET_H
#define HOTSHELF_PERSIST_BUDGET_H

#include <stdatomic.h>
#include <stdint.h>

struct budget {
    uint8_t *base;
    uint64_t size;
    uint32_t arena; /* jemalloc's index of it */
    _Atomic uint64_t used;
    _Atomic uint64_t refusals; /* extents that did not fit */
};

int budget_take(struct budget *budget, uint64_t size);
/* From now on what this thread allocates comes from the budget. */
int budget_bind(struct budget *budget);
/* Bytes handed to jemalloc so far: the high-water mark, it never falls. */
uint64_t budget_used(const struct budget *budget);
uint64_t budget_refusals(const struct budget *budget);

#endif
