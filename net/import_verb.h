/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import_verb - `hotshelf import FILE.csv`: a small client of the admin listener's import.
 *
 * Ownership  None is kept.
 * Threads    One.
 * Units      None.
 * Errors     The exit status: 0 when every row is on the shelf, 1 with the reason otherwise.
 * Cost       One call.
 */
#ifndef HOTSHELF_NET_IMPORT_VERB_H
#define HOTSHELF_NET_IMPORT_VERB_H

#include <stdio.h>

#include "net/config.h"

/* Prints the server's answer {created, updated, unchanged, stock_ignored, errors}. */
int import_file(const struct config *config, const char *path, bool dry_run, FILE *out);

#endif
