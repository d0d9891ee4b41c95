/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_verify - `hotshelf journal verify`: reads all that is kept, judges it as a start would,
 * and prints a table of the segments.
 *
 * Without a server it holds the directory's lock and answers what a start would answer. Beside a
 * running one everything durable is read and proved by what comes after it; what the server is
 * about to write is not judged, and the report says so.
 *
 * Ownership  None is kept.
 * Threads    One.
 * Units      Batches, records, stream numbers, KiB.
 * Errors     Answers the process's exit status: 0 all is whole, 1 with file and offset.
 * Cost       Two passes over what was written; one beside a running server.
 */
#ifndef HOTSHELF_PERSIST_JOURNAL_VERIFY_H
#define HOTSHELF_PERSIST_JOURNAL_VERIFY_H

#include <stdbool.h>
#include <stdio.h>

/* `progress`: tells on stderr how far it is. */
int journal_verify(const char *dir, bool progress, FILE *out);

#endif
