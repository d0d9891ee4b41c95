/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve - the life of the server: build, recover, open, run, stop.
 *
 *     data directory locked -> memory taken -> journals replayed, shelf derived and checked
 *     -> journals open -> sealed -> PostgreSQL met, when there is one -> threads -> doors open
 *     SIGHUP: keys and tokens are read anew, see rotation.h
 *     SIGTERM, SIGINT: requests under way answered, closing marks, stream finished -> exit 0
 *
 * A fresh data directory with a PostgreSQL that cannot be reached answers 503 `recovering` until
 * first contact: the directory might be a lost one, and must not sell what was sold (S1).
 *
 * Ownership  Everything lives as long as the process.
 * Threads    The main thread; it waits for signals while the shards run.
 * Units      None.
 * Errors     The exit status; the reason is on stderr.
 * Cost       Start: touches all memory once, reads the journals.
 */
#ifndef HOTSHELF_NET_SERVE_H
#define HOTSHELF_NET_SERVE_H

#include <stdint.h>

#include "net/config.h"

/* Why this build cannot serve that configuration: a sentence, or NULL. */
const char *serve_refuses(const struct config *config);

/* Answers the exit status of the process. */
int serve(const struct config *config);

#endif
