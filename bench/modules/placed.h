/* SPDX-License-Identifier: Apache-2.0 */
/*
 * placed - an order as a checkout makes it: born unpaid, one unit of each line taken.
 *
 * Ownership  The event borrows from the struct that it is in.
 * Threads    Any.
 * Units      Minor units of money, milliseconds.
 * Errors     None.
 * Cost       None.
 */
#ifndef HOTSHELF_BENCH_MODULES_PLACED_H
#define HOTSHELF_BENCH_MODULES_PLACED_H

#include "core/event.h"

enum { PLACED_LINES_MAX = 8 };

struct placed {
    struct event event;
    struct event_line lines[PLACED_LINES_MAX];
    uint8_t names[PLACED_LINES_MAX * 32];
};

void placed_write(struct placed *placed, uint32_t lines);

#endif
