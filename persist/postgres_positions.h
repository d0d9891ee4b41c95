/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_positions - how far PostgreSQL has got with the stream of each shard, asked from outside
 * of the stream: while no server runs.
 *
 * Ownership  None is kept.
 * Threads    Any.
 * Units      Stream numbers; 0: PostgreSQL does not know the shard.
 * Errors     Those of postgres.h; `problem` is a sentence.
 * Cost       A connection; waits for a commit that is still under way.
 */
#ifndef HOTSHELF_PERSIST_POSTGRES_POSITIONS_H
#define HOTSHELF_PERSIST_POSTGRES_POSITIONS_H

#include <stddef.h>
#include <stdint.h>

#include "core/limits.h"

int postgres_positions(const char *dsn, uint16_t node, uint64_t positions[SHARDS_MAX],
    char *problem, size_t problem_size);

#endif
