/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shed - who is refused while more comes than can be done: reads first, then new holds, then
 * checkouts, what confirms or ends an order last.
 *
 *     level 0   nobody
 *           1   reads: products, availability, carts, orders     their client asks again by himself
 *           2   .. new holds: what would only become more work
 *           3   .. checkouts: they hold units already
 *           4   .. payments, cancels: money and units that wait for us
 *
 *     load >= rises[level] in every look of a window      one level, or several, up
 *     load <  rises[level - 1] / 2 for SHED_CALM_MS       one level down
 *
 * A burst is no overload: it is worked off. So a gauge rises by the least that it saw in a window,
 * a load that stood, and falls late, since what is refused comes back at once when it is not.
 *
 * Ownership  Plain values.
 * Threads    The shard's own.
 * Units      Milliseconds; the load is in whatever unit the scale has.
 * Errors     None.
 * Cost       A few comparisons a look.
 */
#ifndef HOTSHELF_NET_LOOP_SHED_H
#define HOTSHELF_NET_LOOP_SHED_H

#include <stdbool.h>
#include <stdint.h>

enum { SHED_LEVELS = 4, SHED_WINDOW_MS = 100, SHED_LOOKS_MIN = 8, SHED_CALM_MS = 1000 };

/* In the order in which they are refused. A look waits for no disk, a read does. */
enum shed_work {
    SHED_NEVER,
    SHED_LOOK,
    SHED_READ,
    SHED_HOLD,
    SHED_CHECKOUT,
    SHED_CONFIRMATION,
};

struct shed_scale {
    uint32_t rises[SHED_LEVELS]; /* ascending; UINT32_MAX: never */
};

/* Valid when zero. */
struct shed_gauge {
    uint32_t level;
    uint32_t looks;       /* in this window */
    uint32_t least;       /* load of them */
    uint64_t window_ms;   /* it began */
    uint64_t not_calm_ms; /* the last time at which the load was too high for the level to fall */
};

void shed_look(
    struct shed_gauge *gauge, const struct shed_scale *scale, uint64_t now_ms, uint32_t load);

/* Bit per enum shed_work: what a level refuses. `looks`: and also those who wait for no disk. */
uint32_t shed_refused(uint32_t level, bool looks);

#endif
