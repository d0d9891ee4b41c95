/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit - proves from the journal alone that nothing was oversold, stranded, lost or duplicated
 * (rules V1-V4, V7), and from PostgreSQL that it has every order of the journal exactly once.
 *
 * It replays the events of all shards into a model of its own, simpler than the engine: for each
 * SKU allotment, held and sold; for each order its lines, status and version. So a fault in the
 * engine's apply is not repeated here.
 *
 * Ownership  None is kept: all memory is taken and given back inside.
 * Threads    One. Beside a running server it judges what was durable when it read.
 * Units      Units of stock, minor units of money.
 * Errors     Negative errno with a sentence printed when it could not look; else what it found.
 * Cost       One pass over the journal, and one over PostgreSQL's orders.
 */
#ifndef HOTSHELF_PERSIST_AUDIT_H
#define HOTSHELF_PERSIST_AUDIT_H

#include <stdio.h>

/* `dir` is a data directory, `dsn` NULL without PostgreSQL. Prints each violation and then a table.
 * Answers the process's exit status: 0 all zeros, 1 otherwise. */
int audit_run(const char *dir, const char *dsn, FILE *out);

#endif
