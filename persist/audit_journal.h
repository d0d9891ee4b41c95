/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_journal - feeds every event of a data directory to a model, at one moment of all shards.
 *
 * Without a server the journals are first judged as a start would judge them (recover.h): damage is
 * found and named. Beside a running server the shards are read one after the other while they grow;
 * then every batch that any batch read so far calls durable is read too, until none is missing. So
 * a unit that one shard freed and another took is seen freed, and never only taken.
 *
 * Ownership  Buffers are taken and given back inside.
 * Threads    One.
 * Units      Batch numbers.
 * Errors     Negative errno; `problem` is a sentence.
 * Cost       One pass over the journal, two without a server.
 */
#ifndef HOTSHELF_PERSIST_AUDIT_JOURNAL_H
#define HOTSHELF_PERSIST_AUDIT_JOURNAL_H

#include <stddef.h>

#include "persist/audit_model.h"
#include "persist/datadir.h"

int audit_journal(
    const struct datadir *directory, struct audit_model *model, char *problem, size_t problem_size);

#endif
