/* SPDX-License-Identifier: Apache-2.0 */
/*
 * facts_read - takes the members of an answer's body into facts, whichever protocol wrote it.
 *
 * Ownership  Texts are copied into the facts.
 * Threads    One at a time.
 * Units      Money in minor units; -1 where a number is not told.
 * Errors     A member that must be there and is not makes the facts FACTS_WRONG.
 * Cost       O(bytes of the answer).
 */
#ifndef HOTSHELF_LOADTEST_FACTS_READ_H
#define HOTSHELF_LOADTEST_FACTS_READ_H

#include "loadtest/document.h"

/* Everything unset but these. */
void facts_begin(struct facts *facts, enum facts_class class, int status);

void facts_wrong(struct facts *facts, const char *why);

int facts_status_when_done(enum question_kind kind);
enum facts_class facts_class_of_status(enum question_kind kind, int status);

/* SKUs with status and number of units, of availability or of a page of products. */
void facts_read_items(
    const struct document *document, int items, bool has_price, struct facts *facts);

/* The document's root is an order. */
void facts_read_order(const struct document *document, struct facts *facts);

/* `lines` of a problem, if there are any. */
void facts_read_refused_lines(const struct document *document, struct facts *facts);

#endif
