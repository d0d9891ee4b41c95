/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answers - what the server's answer means for a basket.
 *
 * Each call reads the answer in crowd->facts. Nothing in it is taken on trust: an order
 * must hold exactly the lines asked for, its sums must be exact, an availability must name the SKUs
 * asked, in order.
 *
 * Ownership  Writes to crowd->ledger.
 * Threads    One.
 * Units      Money in minor units.
 * Errors     What must not be is told to crowd->differences, and the call answers false.
 * Cost       O(lines of the basket squared, which are bounded).
 */
#ifndef HOTSHELF_LOADTEST_ANSWERS_H
#define HOTSHELF_LOADTEST_ANSWERS_H

#include "loadtest/crowd.h"

/* The answer is of class FACTS_DONE; tells when it is not. */
bool answer_is_done(struct crowd *crowd, struct buyer *buyer);

/* One chunk of availability; a buyer who heeds it wants no more of what is gone. */
bool answer_look(struct crowd *crowd, struct buyer *buyer);

/* A new order: id, status, sums, and the very lines that were asked for. */
bool answer_new_order(struct crowd *crowd, struct buyer *buyer);

/* The order of a checkout that was sent again: the very same, as it was born. */
bool answer_same_order(struct crowd *crowd, struct buyer *buyer);

/* A page of products: keeps its SKUs and the cursor of the next one. */
bool answer_page(struct crowd *crowd, struct buyer *buyer);

/* Which of the page can be bought: only such, in the order of the page. */
bool answer_filter(struct crowd *crowd, struct buyer *buyer);

/* A later state of the order in the ledger. */
bool answer_order(struct crowd *crowd, struct buyer *buyer);

/* Counts the refusal by its code. */
void answer_tally_code(struct crowd *crowd);

/* A refused checkout: lowers or drops the lines it names. False when it names none. */
bool answer_refused_lines(struct crowd *crowd, struct buyer *buyer);

/* A refused cart line: lowers or drops it. */
void answer_refused_line(struct crowd *crowd, struct buyer *buyer);

/* Tells that this answer is not one the rules allow here. */
void answer_unexpected(struct crowd *crowd, struct buyer *buyer, const char *why);

#endif
