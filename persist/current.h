/* SPDX-License-Identifier: Apache-2.0 */
/*
 * current - the file CURRENT of a data directory: a few lines of text that decide which generation
 * of journals is in force.
 *
 *     hotshelf 1
 *     generation 1
 *     directory 8c1f0a5d22e94b17
 *     node 1
 *     shards 2
 *     segments 32
 *     segment_size 16777216
 *     batch_size 1048576
 *     check 0f3b5a86c2d41e97
 *
 * `check` is the XXH3-64 of all lines before it. A file is valid if and only if writing what was
 * read from it gives the same bytes again, and the values can be.
 *
 * Ownership  The caller's struct datadir is filled.
 * Threads    One.
 * Units      Bytes.
 * Errors     Negative errno; -EBADMSG for a file that is not valid.
 * Cost       A file read, or written and synced.
 */
#ifndef HOTSHELF_PERSIST_CURRENT_H
#define HOTSHELF_PERSIST_CURRENT_H

#include "persist/datadir.h"

/* Fills directory's identity, generation, node, shards and geometry from path's CURRENT. */
int current_read(struct datadir *directory);

/* Makes what `directory` says the journal in force: written aside, synced, renamed, synced. */
int current_publish(const struct datadir *directory);

#endif
