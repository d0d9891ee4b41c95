/* SPDX-License-Identifier: Apache-2.0 */
/*
 * moment - what the world tells the core about now: the core has no clock and no dice of its own.
 *
 * The shelf clock is milliseconds of the monotonic clock minus one offset: it stands still in a
 * freeze and while the process is down. Deadlines of holds, payments and retention live on it.
 * The wall clock is Unix time, clamped by the caller so that it never runs back within a shard.
 *
 * Ownership  A plain value, passed by the shard for each command.
 * Threads    None.
 * Units      Milliseconds; random is 128 fresh bits for each command (62 become an order id).
 * Errors     None.
 * Cost       None.
 */
#ifndef HOTSHELF_CORE_MOMENT_H
#define HOTSHELF_CORE_MOMENT_H

#include <stdint.h>

struct moment {
    uint64_t shelf_ms;
    int64_t wall_ms;
    uint64_t random[2];
    /* The newest stream number of this shard that PostgreSQL has; UINT64_MAX without one. */
    uint64_t streamed_seq;
    /* Refuse whatever takes new units: the journal is near its limit (S5). */
    uint8_t journal_full;
    /* The shelf clock stands still (W4): deadlines have no wall time. */
    uint8_t frozen;
};

#endif
