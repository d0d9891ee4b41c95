/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prefetch - asks for memory that is written soon, so that it comes while something else is done.
 *
 * Ownership  None: nothing is read or changed, and any address may be asked for.
 * Threads    Any.
 * Units      Bytes.
 * Errors     None.
 * Cost       An instruction for each cache line; a load that no cache holds takes some 300 ns.
 */
#ifndef HOTSHELF_CORE_PREFETCH_H
#define HOTSHELF_CORE_PREFETCH_H

#include <stdint.h>

enum { PREFETCH_LINE = 64 }; /* bytes of a cache line */

static inline void prefetch_to_write(const void *from, uint32_t size)
{
    for (uint32_t at = 0; at < size; at += PREFETCH_LINE)
        __builtin_prefetch((const uint8_t *)from + at, 1);
}

#endif
