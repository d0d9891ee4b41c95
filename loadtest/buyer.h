/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buyer - one visitor, from the first request to the last: asks, waits, thinks, asks again.
 *
 *     moves.h says what --> asked --answered--> moves.h --> [thinks] --> asked ..
 *                             ^ |
 *                             +-+ no answer, or not now: the same again, later and later
 *
 * No answer (503, a lost connection, a server that is being restarted) changes nothing: the same
 * request with the same key is sent again until an answer is known. Only who is told "not now" for
 * longer than give_up_seconds goes, if nothing can come of what was asked before.
 *
 * When a request was intended: the first when the visit was due; a later one when its visitor would
 * have sent it, had all before been sent when intended: the intended moment of the one before, how
 * long its answer took, and the time to think. Who is behind that thinks a quarter less until he is
 * not. A try again is the same request, intended when it was at first.
 *
 * Ownership  A buyer is one element of crowd->buyer.
 * Threads    One.
 * Units      Nanoseconds of CLOCK_MONOTONIC.
 * Errors     An answer that no rule allows is a difference; the visit is then FAILED.
 * Cost       One request in flight.
 */
#ifndef HOTSHELF_LOADTEST_BUYER_H
#define HOTSHELF_LOADTEST_BUYER_H

#include "loadtest/crowd.h"

/* Starts a visit; its first request goes out with the next turn. */
void buyer_begin(struct crowd *crowd, struct buyer *buyer, uint32_t visit, uint64_t intended_ns);

/* Starts to give back what a visit left behind: STEP_CANCEL its order, or STEP_EMPTY its cart. */
void buyer_give_back(
    struct crowd *crowd, struct buyer *buyer, uint32_t visit, enum buyer_step step);

/* The transport has something to say. */
void buyer_hear(struct crowd *crowd, struct buyer *buyer, const struct transport_news *news);

/* Its alarm rings: time to send, or an answer is overdue. */
void buyer_wake(struct crowd *crowd, struct buyer *buyer);

/* Stops thinking. */
void buyer_hurry(struct crowd *crowd, struct buyer *buyer);

#endif
