/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rebuild_verb - hotshelf recover --from-postgres: a data directory that is lost is made anew from
 * what PostgreSQL has, and what that lacks is told.
 *
 * Ownership  None is kept.
 * Threads    The main thread; no server runs on the directory.
 * Units      See config.h.
 * Errors     The exit status; the reason on standard error.
 * Cost       The memory of a server's tables, the disk space of its journal.
 */
#ifndef HOTSHELF_NET_REBUILD_VERB_H
#define HOTSHELF_NET_REBUILD_VERB_H

#include <stdbool.h>
#include <stdio.h>

#include "net/config.h"

/* `yes`: a journal that is there is put aside. */
int rebuild_directory(const struct config *config, bool yes, FILE *out);

#endif
