/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alarms - one alarm for each of a fixed number of things: which of them must be woken next?
 *
 * Moving an alarm to later costs nothing until its old moment has come, so one that is nearly
 * always moved again, as that of an answer which does come, is nearly free.
 *
 * Ownership  alarms_open() takes the memory, alarms_close() gives it back.
 * Threads    One at a time.
 * Units      Nanoseconds of CLOCK_MONOTONIC; ALARMS_NEVER: none is set.
 * Errors     alarms_open(): -ENOMEM.
 * Cost       set to an earlier moment, take: O(log things); 16 bytes a thing.
 */
#ifndef HOTSHELF_LOADTEST_ALARMS_H
#define HOTSHELF_LOADTEST_ALARMS_H

#include <stdint.h>

#define ALARMS_NEVER UINT64_MAX
#define ALARMS_NONE UINT32_MAX

struct alarms {
    uint64_t *wanted_ns; /* by thing: when it rings */
    uint64_t *heaped_ns; /* by thing: where it stands in the heap, never later than wanted */
    uint32_t *heap;      /* things, the earliest on top */
    uint32_t *place;     /* by thing: in the heap, or ALARMS_NONE */
    uint32_t heap_count;
    uint32_t count;
};

int alarms_open(struct alarms *alarms, uint32_t count);
void alarms_close(struct alarms *alarms);

/* Sets, moves or (ALARMS_NEVER) clears the alarm of a thing. */
void alarms_set(struct alarms *alarms, uint32_t thing, uint64_t at_ns);

/* A thing whose alarm has come, and is cleared by this; ALARMS_NONE when there is no more. */
uint32_t alarms_take(struct alarms *alarms, uint64_t now_ns);

/* Not later than the next alarm; ALARMS_NEVER when none is set. */
uint64_t alarms_next_ns(const struct alarms *alarms);

#endif
