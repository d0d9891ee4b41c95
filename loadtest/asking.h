/* SPDX-License-Identifier: Apache-2.0 */
/*
 * asking - what a buyer asks at each step: writes the request into its connection.
 *
 * Ownership  Writes to the buyer's connection and to crowd->body.
 * Threads    One.
 * Units      Money in minor units.
 * Errors     false when the request does not fit its buffer.
 * Cost       O(lines of the basket).
 */
#ifndef HOTSHELF_LOADTEST_ASKING_H
#define HOTSHELF_LOADTEST_ASKING_H

#include "loadtest/crowd.h"

bool asking_write(struct crowd *crowd, struct buyer *buyer);

enum request_kind asking_kind(enum buyer_step step);

#endif
