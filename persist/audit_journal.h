/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_journal - feeds the events of a data directory to a model, at one moment of all shards.
 *
 * Each shard is read from its first segment if that is kept. Otherwise from a restating walk, which
 * a segment's header names only after the walk was whole on the disk: so if its own segments are
 * kept, everything since is. AUDIT_FROM_OLDEST takes the oldest of those, for the most history; the
 * slots before the latest are free to be used again, so beside a running server they may be
 * overwritten while they are read. AUDIT_FROM_LATEST takes the one that a start would take, whose
 * segments stay until a later walk is complete.
 *
 * Without a server the journals are first judged as a start would judge them (recover.h): damage is
 * found and named. Beside a running server the shards are read one after the other while they grow;
 * then every batch that any batch read so far calls durable is read too, until none is missing. So
 * a unit that one shard freed and another took is seen freed, and never only taken.
 *
 * Ownership  Buffers are taken and given back inside.
 * Threads    One.
 * Units      Batch numbers.
 * Errors     Negative errno; `problem` is a sentence. -ERANGE: the server was faster, and has used
 *            a segment again before it was read; look again, with another model.
 * Cost       One pass over the journal, two without a server.
 */
#ifndef HOTSHELF_PERSIST_AUDIT_JOURNAL_H
#define HOTSHELF_PERSIST_AUDIT_JOURNAL_H

#include <stddef.h>

#include "persist/audit_model.h"
#include "persist/datadir.h"
#include "persist/segment.h"

enum audit_from { AUDIT_FROM_OLDEST, AUDIT_FROM_LATEST };

/* `starts` has SHARDS_MAX places: the walk that each shard was read from, number 0 without. */
int audit_journal(const struct datadir *directory, enum audit_from from, struct audit_model *model,
    struct walk_place *starts, char *problem, size_t problem_size);

#endif
