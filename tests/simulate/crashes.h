/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crashes - what is done to the journals of journals.h, moment by moment, and how often.
 *
 * Ownership  The caller's struct crashes counts.
 * Threads    One.
 * Units      A moment is one at which the power is cut in every way; a recovery is one call of
 *            recover().
 * Errors     As journals.h: what may not be is told and ends the process.
 * Cost       Some 300 us for each crash.
 */
#ifndef HOTSHELF_TESTS_SIMULATE_CRASHES_H
#define HOTSHELF_TESTS_SIMULATE_CRASHES_H

#include "tests/simulate/journals.h"

enum crashes_fault {
    FAULT_CUT,    /* the power, in a script that goes on after it */
    FAULT_KILL,   /* kill -9: writes in flight still land */
    FAULT_SHORT,  /* a write ends short */
    FAULT_FAILED, /* -EIO of a write */
    FAULT_FULL,   /* -ENOSPC of a write */
    FAULT_LIE,    /* a write said to be durable is lost in a cut */
    FAULT_FLIP,   /* a bit of what was durable */
    FAULT_READ,   /* -EIO of one operation of a start */
    FAULT_START,  /* the power is cut in a start */
    CRASHES_FAULTS,
};

struct crashes {
    uint32_t subsets; /* of sectors, at one moment */
    uint64_t moments, crashes, recoveries;
    uint64_t faults[CRASHES_FAULTS];
    uint64_t trace;
};

const char *crashes_fault_name(enum crashes_fault fault);
uint64_t crashes_faults(const struct crashes *crashes);
void crashes_add(struct crashes *sum, const struct crashes *more);

/* A script of events, crashed at every moment; now and then something else happens to it. */
void crashes_of_script(struct crashes *crashes, uint64_t seed);
/* First starts, growing and recovery itself, crashed or failing at every operation. */
void crashes_of_starts(struct crashes *crashes, uint64_t seed);

#endif
