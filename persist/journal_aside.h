/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_aside - what a journal does otherwise while it spends what is set aside.
 *
 * Ownership  The journal's.
 * Threads    Its shard's.
 * Units      Shelf time.
 * Errors     None.
 * Cost       A subtraction and two comparisons.
 */
#ifndef HOTSHELF_PERSIST_JOURNAL_ASIDE_H
#define HOTSHELF_PERSIST_JOURNAL_ASIDE_H

#include "persist/journal.h"

bool journal_spends(const struct journal *journal);
/* When what is filling may be written, and when the next heartbeat is due. */
uint64_t journal_gathered_at(const struct journal *journal);
bool journal_is_gathered(const struct journal *journal, const struct moment *now);
uint64_t journal_next_beat(const struct journal *journal);

#endif
