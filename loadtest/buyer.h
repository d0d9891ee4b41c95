/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buyer - one customer with one basket, from the first look to the last status of the order.
 *
 *     LOOK -> [FILL ..] -> BUY --201--> [PAY] -> [CANCEL -> [REFUND]] -> DONE
 *               ^           |
 *               +--refused--+  fewer lines or units, a new key, a bounded number of tries
 *
 * No answer (503, a lost connection, a server that is being restarted) changes nothing: the same
 * request with the same key is sent again, later and later, until an answer is known.
 *
 * Ownership  A buyer is one element of crowd->buyer.
 * Threads    One.
 * Units      Nanoseconds of CLOCK_MONOTONIC.
 * Errors     An answer that no rule allows is a difference; the basket is then FAILED.
 * Cost       One request in flight.
 */
#ifndef HOTSHELF_LOADTEST_BUYER_H
#define HOTSHELF_LOADTEST_BUYER_H

#include "loadtest/crowd.h"

/* After so many refusals of one basket a shopper gives up. */
#define BUYER_TRIES_MAX 12

/* Starts with the basket; the first request is on its way when this returns. */
void buyer_begin(struct crowd *crowd, struct buyer *buyer, uint32_t basket);

/* An answer, or that there will be none. */
void buyer_hear(struct crowd *crowd, struct buyer *buyer, const struct transport_news *news);

/* wake_ns has come: an answer is overdue, or the time to send again. */
void buyer_wake(struct crowd *crowd, struct buyer *buyer);

#endif
