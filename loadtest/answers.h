/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answers - what the server's answer means for a basket.
 *
 * Each call reads the answer in buyer->connection.reply. Nothing in it is taken on trust: an order
 * must hold exactly the lines asked for, its sums must be exact, an availability must name the SKUs
 * asked, in order.
 *
 * Ownership  Uses crowd->json; writes to crowd->ledger.
 * Threads    One.
 * Units      Money in minor units.
 * Errors     What must not be is told to crowd->differences, and the call answers false.
 * Cost       O(bytes of the answer + lines of the basket squared, both bounded).
 */
#ifndef HOTSHELF_LOADTEST_ANSWERS_H
#define HOTSHELF_LOADTEST_ANSWERS_H

#include "loadtest/crowd.h"

#define ANSWER_CODE_SIZE 40

/* One chunk of availability; a buyer who heeds it wants no more of what is gone. */
bool answer_look(struct crowd *crowd, struct buyer *buyer);

/* A new order: id, status, sums, and the very lines that were asked for. */
bool answer_new_order(struct crowd *crowd, struct buyer *buyer);

/* A later state of the order in the ledger. */
bool answer_order(struct crowd *crowd, struct buyer *buyer);

/* The code of a problem; "" when the answer is none. */
void answer_code(struct crowd *crowd, struct buyer *buyer, char code[ANSWER_CODE_SIZE]);

/* A refused checkout: lowers or drops the lines it names. False when it names none. */
bool answer_refused_lines(struct crowd *crowd, struct buyer *buyer);

/* A refused cart line: lowers or drops it. */
void answer_refused_line(struct crowd *crowd, struct buyer *buyer);

/* Tells that this answer is not one the rules allow here. */
void answer_unexpected(struct crowd *crowd, struct buyer *buyer, const char *why);

#endif
