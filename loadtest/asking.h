/* SPDX-License-Identifier: Apache-2.0 */
/*
 * asking - what a buyer asks at each step.
 *
 * Ownership  The question points into crowd->item, key, payment_id and refund_id until the next
 *            one is made.
 * Threads    One.
 * Units      Money in minor units.
 * Errors     None.
 * Cost       O(lines of the basket).
 */
#ifndef HOTSHELF_LOADTEST_ASKING_H
#define HOTSHELF_LOADTEST_ASKING_H

#include "loadtest/crowd.h"

struct question asking_question(struct crowd *crowd, const struct buyer *buyer);

enum request_kind asking_kind(enum buyer_step step);

#endif
