/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_schema - makes the schema `hotshelf` in a database that does not have it, brings an
 * older one up to date, and says which database it is.
 *
 * Ownership  None.
 * Threads    The stream's own; several servers at once take turns by an advisory lock.
 * Units      Schema versions count from 1.
 * Errors     As postgres.h; -EPERM also when the schema is newer than this server.
 * Cost       Four round trips when there is nothing to do.
 */
#ifndef HOTSHELF_PERSIST_POSTGRES_SCHEMA_H
#define HOTSHELF_PERSIST_POSTGRES_SCHEMA_H

#include "persist/postgres.h"

enum { POSTGRES_SCHEMA_VERSION = 4 };

/* `identity` is the random number made with the schema: never 0, kept by replicas and backups. */
int postgres_schema_prepare(struct postgres *postgres, uint64_t *identity);

#endif
