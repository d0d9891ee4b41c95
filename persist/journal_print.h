/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_print - `hotshelf journal dump`: every record kept as a JSON line (event_print.h),
 * shard after shard, beside a running server or without one.
 *
 * Ownership  None is kept.
 * Threads    One.
 * Units      Batch numbers.
 * Errors     Answers the exit status; the reason goes to stderr, after what could be read.
 * Cost       One pass over the journal.
 */
#ifndef HOTSHELF_PERSIST_JOURNAL_PRINT_H
#define HOTSHELF_PERSIST_JOURNAL_PRINT_H

#include <stdint.h>
#include <stdio.h>

/* Records of batches with lower numbers than `from` are left out; `shard` may be
 * VISIT_EVERY_SHARD. */
int journal_print(const char *dir, uint32_t shard, uint64_t from, FILE *out);

#endif
