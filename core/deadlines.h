/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deadlines - which timer is due next: a hierarchical timer wheel of one shard.
 *
 *     level 0:   64 slots of 1 ms      the 64 ms around the wheel's time
 *     level 1:   64 slots of 64 ms     the 4 s around it
 *     ...
 *     level 7:   64 slots of 139 years
 *
 * A timer waits at the level of the highest digit (of 6 bits) in which its deadline differs from
 * the wheel's time, and cascades down as the time reaches its slot. A bit map per level finds the
 * next slot that is not empty, so that a jump of days costs as much as one of a millisecond.
 *
 * Order: by deadline, exact to the millisecond, and within a millisecond the one set first comes
 * first. The wheel's time never runs ahead of the `now` of deadlines_peek(), nor of the earliest
 * timer; a timer set to a deadline before the wheel's time is due at once, behind those that are
 * due at that time already.
 *
 * Ownership  Nodes and slots live in the arena. Timers are ids that the caller gives meaning to.
 * Threads    One: the wheel belongs to its shard.
 * Units      Milliseconds of the shelf clock, below DEADLINE_END; id from 0 to count - 1.
 * Errors     None. An id or a deadline out of range is a bug (check.h).
 * Cost       set, clear, next: O(1). A timer is moved at most 7 times before it is due, each move
 *            one step of `work`. deadlines_check(): O(timers + slots).
 */
#ifndef HOTSHELF_CORE_DEADLINES_H
#define HOTSHELF_CORE_DEADLINES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/arena.h"

enum {
    DEADLINE_LEVELS = 8,
    DEADLINE_SLOT_BITS = 6, /* 64 slots: one word of bit map per level */
    DEADLINE_SLOTS = 1 << DEADLINE_SLOT_BITS,
    DEADLINE_BITS = DEADLINE_LEVELS * DEADLINE_SLOT_BITS,
};

/* No deadline may lie at or beyond this: 8,900 years. */
#define DEADLINE_END (UINT64_C(1) << DEADLINE_BITS)

struct deadline_node {
    uint64_t deadline : DEADLINE_BITS;
    uint64_t level : 3; /* where the node hangs */
    uint64_t slot : DEADLINE_SLOT_BITS;
    uint64_t is_set : 1;
    uint32_t next; /* id + 1; 0: the last of its slot */
    uint32_t prev; /* id + 1; 0: the first of its slot */
};

_Static_assert(sizeof(struct deadline_node) == 16, "four nodes to a cache line");

/* The timers of one slot in the order they were set: id + 1, 0 for none. */
struct deadline_list {
    uint32_t first, last;
};

struct deadlines {
    struct deadline_node *nodes;
    struct deadline_list *lists; /* DEADLINE_LEVELS x DEADLINE_SLOTS */
    uint64_t time;               /* the wheel's time: no timer that is set lies before it */
    uint64_t occupied[DEADLINE_LEVELS];
    uint32_t draining; /* the level whose slot at `time` is being emptied downwards; 0 none */
    uint32_t count;
    uint32_t used;
};

void deadlines_init(struct deadlines *deadlines, struct arena *arena, uint32_t count);

/* Sets or moves a timer; setting the deadline it has already keeps its place. */
void deadlines_set(struct deadlines *deadlines, uint32_t id, uint64_t deadline_ms);

/* Does nothing when the timer is not set. */
void deadlines_clear(struct deadlines *deadlines, uint32_t id);

/* The deadline as it was set; UINT64_MAX when the timer is not set. */
uint64_t deadlines_get(const struct deadlines *deadlines, uint32_t id);

/* The first timer that is due at `now_ms` (deadline <= now_ms), which stays set. False when none
 * is due, or when `*work` steps, counted down, did not suffice to know: then deadlines_next() is
 * not after now_ms, and the next call goes on from there. */
bool deadlines_peek(struct deadlines *deadlines, uint64_t now_ms, uint32_t *work, uint32_t *id);

/* No timer is due before this; UINT64_MAX when none is set. Exact when the earliest deadline lies
 * in the same aligned 64 ms as the wheel's time, otherwise the start of its slot: a loop that
 * sleeps until then and peeks wakes at most once per level for nothing. */
uint64_t deadlines_next(const struct deadlines *deadlines);

/* Proves that every timer hangs where its deadline belongs and that bit maps and counts agree. */
void deadlines_check(const struct deadlines *deadlines);

#endif
