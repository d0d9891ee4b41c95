/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attempt - work in which a CHECK that fails is an answer, and not the end of the process.
 *
 * Recovery applies records that it has only read. What does not hold then is damage, or an old bug
 * of ours, and no reason to abort instead of saying so. So recovery applies them inside an
 * attempt, and whoever started it throws away what was worked on: it is in no known state. That is
 * possible because core takes no memory, no file and no lock.
 *
 * Ownership  None. What the work holds when a CHECK in it fails stays taken for ever: nothing may.
 * Threads    Any. A CHECK that fails ends the innermost attempt of its own thread.
 * Units      None.
 * Errors     False, and what did not hold.
 * Cost       A few ns.
 */
#ifndef HOTSHELF_PERSIST_ATTEMPT_H
#define HOTSHELF_PERSIST_ATTEMPT_H

#include <stdbool.h>

/* What did not hold. */
struct broken_fact {
    const char *file;
    int line;
    const char *fact;
};

/* Calls `work`; false: a CHECK failed in it, and it was left there and then. */
bool attempt(void (*work)(void *context), void *context, struct broken_fact *broken);

/* For who provides check_failed(): ends the attempt under way; returns when there is none. */
void attempt_fails(const char *file, int line, const char *fact);

#endif
