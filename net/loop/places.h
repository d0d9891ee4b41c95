/* SPDX-License-Identifier: Apache-2.0 */
/*
 * places - how many connections each address has, on all shards together, and who may have no more.
 *
 *     places_take -> a place, by which it is given back when the connection ends
 *
 * One counter for each name's hash: names that share one share what they may have: stricter, never
 * looser.
 *
 * Ownership  The counters are in the arena; none without a bound.
 * Threads    Any; one atomic addition.
 * Units      Connections; a place is the index of a counter + 1.
 * Errors     PLACES_NONE: as many are open as may be.
 * Cost       A cache line for each connection that comes or goes.
 */
#ifndef HOTSHELF_NET_LOOP_PLACES_H
#define HOTSHELF_NET_LOOP_PLACES_H

#include "core/arena.h"
#include "core/bytes.h"

enum {
    PLACES_NONE = 0,
    PLACES_WORDS = 1 << 16, /* 256 KiB; of 650 names at once one shares a counter */
};

struct places {
    _Atomic uint32_t *counts;
    uint32_t most; /* of one name; 0: as many as there are */
    uint64_t key;
};

/* `key` is random and secret, so that nobody can aim at a counter. */
void places_init(struct places *places, struct arena *arena, uint32_t most, uint64_t key);
/* Of places that are bounded. */
uint32_t places_take(struct places *places, struct bytes name);
void places_give(struct places *places, uint32_t place);

#endif
