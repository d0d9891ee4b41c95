/* SPDX-License-Identifier: Apache-2.0 */
/*
 * streaming - the real stream of a simulated server, turn by turn, to a simulated PostgreSQL, and
 * what that must have in the end: each order as it was acknowledged last, each event once.
 *
 * Ownership  streaming_create() takes heap memory, streaming_destroy() gives it back. Between
 *            streaming_open() and streaming_close() the directory and the marks must live.
 * Threads    One.
 * Units      Stream numbers.
 * Errors     A sentence about what may not be; NULL when all is well.
 * Cost       A turn: a transaction in memory.
 */
#ifndef HOTSHELF_TESTS_SIMULATE_STREAMING_H
#define HOTSHELF_TESTS_SIMULATE_STREAMING_H

#include "core/event.h"
#include "persist/journal.h"
#include "persist/stream.h"
#include "tests/simulate/postgres_sim.h"

struct streaming {
    struct stream *stream; /* NULL: closed */
    struct journal_shared *shared;
    uint32_t shards;
    void *memory;
    struct postgres_sim *postgres;
    struct rows_sim wanted;
    struct dice dice;
};

const char *streaming_fault_name(enum postgres_fault fault);

struct streaming *streaming_create(uint64_t seed);
void streaming_destroy(struct streaming *streaming);
/* `must_be_refused`: the directory is an old one. */
void streaming_open(struct streaming *streaming, const struct datadir *directory,
    struct journal_shared *shared, uint64_t attached_id, bool must_be_refused);
void streaming_close(struct streaming *streaming);

/* An event that is durable, told by the disk or by a recovery. */
void streaming_note(struct streaming *streaming, uint32_t shard, const struct event *event);
/* Some time passes; PostgreSQL goes, comes, fails; the stream does what it can. */
const char *streaming_turn(struct streaming *streaming);
/* Nothing fails until PostgreSQL has all that is durable. */
const char *streaming_catch_up(struct streaming *streaming);
/* Contact is made or refused: whether it is refused. */
bool streaming_is_refused(struct streaming *streaming);
/* Whether PostgreSQL has more of a shard than that. */
bool streaming_is_ahead(const struct streaming *streaming, uint32_t shard, uint64_t seq);
/* After streaming_catch_up(). */
const char *streaming_judge(const struct streaming *streaming);

#endif
