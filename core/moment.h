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
 * Units      Milliseconds; random is 64 fresh bits for each command (62 become an order id).
 * Errors     None.
 * Cost       None.
 */
#ifndef HOTSHELF_CORE_MOMENT_H
#define HOTSHELF_CORE_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

/* Near its limit a journal has room for what was promised only: checkout, confirmation and end of
 * what lives, and switches (S5); all else is refused or waits. SPENT: switches have used their
 * room, too, and only what was stopped goes on. */
enum journal_state { JOURNAL_HAS_ROOM = 0, JOURNAL_FULL = 1, JOURNAL_SPENT = 2 };

struct moment {
    uint64_t shelf_ms;
    uint64_t monotonic_ms; /* it runs on in a freeze; for distances only */
    int64_t wall_ms;
    uint64_t random;
    /* The newest stream number of this shard that PostgreSQL has; UINT64_MAX without one. */
    uint64_t streamed_seq;
    uint8_t journal_full; /* enum journal_state */
    uint8_t journal_near; /* what promises many holds at once would not find room */
    bool forgets;         /* a full journal has room for what makes its walks smaller */
    /* Refuse checkouts: their replies wait for PostgreSQL, and it is away (K5). */
    uint8_t postgres_down;
    /* The shelf clock stands still (W4): deadlines have no wall time. */
    uint8_t frozen;
};

#endif
