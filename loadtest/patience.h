/* SPDX-License-Identifier: Apache-2.0 */
/*
 * patience - how long one thing is waited for, and a line on stderr while it is.
 *
 * The first line comes after a second, the next ones each second on a terminal and every five
 * elsewhere, as those of a run's progress do.
 *
 * Ownership  A plain value.
 * Threads    One.
 * Units      Seconds of patience; nanoseconds of CLOCK_MONOTONIC, milliseconds for poll().
 * Errors     None: a line that cannot be written is no harm.
 * Cost       A reading of the clock a call.
 */
#ifndef HOTSHELF_LOADTEST_PATIENCE_H
#define HOTSHELF_LOADTEST_PATIENCE_H

#include "loadtest/interrupt.h"

#include <stdbool.h>
#include <stdint.h>

#define PATIENCE_WORDS_SIZE 256

struct patience {
    uint64_t begun_ns;
    uint64_t until_ns;
    uint64_t tell_ns; /* when the next line is due */
    uint64_t interval_ns;
    char awaited[PATIENCE_WORDS_SIZE];
    struct interrupt *interrupt; /* the end of all patience, NULL: none is looked for */
    bool is_interrupted;
};

/* The format says what is awaited: "the storefront at http://127.0.0.1:8080". Whose interrupt ends
 * it stays as it was. */
__attribute__((format(printf, 3, 4))) void patience_begin(
    struct patience *patience, uint32_t seconds, const char *format, ...);

/* Something came: as many seconds once more. */
void patience_renew(struct patience *patience);

/* False when it is at its end or interrupted; tells what is awaited when that is due. */
bool patience_is_left(struct patience *patience);

/* Until it ends or the next line is due, at least 1: how long poll() may sleep. */
int patience_wait_ms(const struct patience *patience);

/* Sleeps for as long, and for at most_ms, until `fd` can do one of `events` (POLLIN, POLLOUT); true
 * when it can. -1: nothing but the interrupt is awaited. */
bool patience_poll(const struct patience *patience, int fd, short events, int most_ms);

#endif
