/* SPDX-License-Identifier: Apache-2.0 */
/*
 * moves - what each kind of visitor does next.
 *
 *     buyer, impatient   [LOOK] -> [FILL ..] -> BUY --201--> [BUY_AGAIN] -> [PAY] -> ..
 *                                    ^           |           .. -> [CANCEL -> [REFUND]]
 *                                    +--refused--+  fewer lines or units, a new key, a bounded
 *                                                   number of tries
 *     abandoner          LOOK -> FILL ..              the cart stays behind
 *     bot                [FILL ..] -> BUY             the order stays behind, unpaid
 *     refresher          LOOK, LOOK ..                until all of it is sold out
 *     searcher           SEARCH -> FILTER, SEARCH ..  a page of products, and which can be bought
 *
 * Which visitors use the cart, heed availability, cancel or think how long is decided by the seed
 * and the number of the visit alone, so that a run repeats.
 *
 * Ownership  A buyer is one element of crowd->buyer.
 * Threads    One.
 * Units      Nanoseconds.
 * Errors     An answer that no rule allows is a difference; the visit is then FAILED.
 * Cost       O(lines of the basket).
 */
#ifndef HOTSHELF_LOADTEST_MOVES_H
#define HOTSHELF_LOADTEST_MOVES_H

#include "loadtest/crowd.h"

/* After so many refusals of one basket a shopper gives up. */
#define MOVES_TRIES_MAX 12

/* How long a request may still be on its way in a server that was hung up on. */
#define MOVES_DOUBT_NS CLOCK_NS_PER_SECOND

/* The kind of the visit buyer->basket, its whims, and its first step. */
void moves_begin(struct crowd *crowd, struct buyer *buyer);

/* The answer in crowd->facts leads to the next step, or to STEP_DONE. */
void moves_answer(struct crowd *crowd, struct buyer *buyer);

/* Nothing can come of the present request any more when it is not sent again. */
bool moves_can_give_up(const struct buyer *buyer);

/* Goes away without an answer, after the cart is empty. */
void moves_give_up(struct crowd *crowd, struct buyer *buyer);

/* How long the visitor looks at an answer, that came after service_ns, before buyer->step. */
uint64_t moves_pause_ns(const struct crowd *crowd, const struct buyer *buyer, uint64_t service_ns);

/* Any number, the same for the same visit and number of tries. */
uint64_t moves_jitter(const struct crowd *crowd, const struct buyer *buyer);

#endif
