/* SPDX-License-Identifier: Apache-2.0 */
/*
 * salvage_verb - `hotshelf recover --salvage`: says what of a damaged journal is whole and what is
 * lost, and with `--yes` cuts off what is lost.
 *
 * Ownership  None is kept.
 * Threads    One; no server may have the data directory.
 * Units      Batches and stream numbers, see persist/salvage.h.
 * Errors     The exit status: 0 the journal is whole, or was made so; 1 otherwise, with the reason.
 * Cost       The memory of a server, and a few times the reading of a start.
 */
#ifndef HOTSHELF_NET_SALVAGE_VERB_H
#define HOTSHELF_NET_SALVAGE_VERB_H

#include <stdbool.h>
#include <stdio.h>

#include "net/config.h"

int salvage_journal(const struct config *config, bool yes, FILE *out);

#endif
