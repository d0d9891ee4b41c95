/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream - carries every durable event to PostgreSQL, each exactly once, and never in the way of a
 * sale.
 *
 *     journals --reader--> batch of one shard --one transaction--> rows, outbox, position
 *                                                 |
 *                          no answer, or an error: read the position back, go on from there
 *
 * The position of a shard is stored with the rows. So after whatever happened the database says
 * how far it is, and the journal has the rest. First contact compares the two: a journal that ends
 * before PostgreSQL's position is a lost or an old data directory, and must not sell again (S1).
 *
 * A database without a position is added to a journal that may have overwritten its first events.
 * The position then starts at the oldest event kept, and the shards are asked for a walk with names
 * (walker.h): its images of orders and products become rows, in their place among the events. Until
 * it has all of them PostgreSQL says that it is adopting; whatever ends the connection or the
 * process before, they are written again.
 *
 * Ownership  stream_start() takes all memory there will be (one mapping and libpq's budget);
 *            stream_stop() gives it back. `directory` and `shared` must outlive it; texts of the
 *            options are copied.
 * Threads    One of its own for all shards. The functions here: any thread, stream_stop() once.
 * Units      Milliseconds; bytes; stream numbers of a shard.
 * Errors     Negative errno. What happens later is logged when it changes and kept for
 *            stream_problem(); a data directory that turns out to be behind while the server sells
 *            ends the process (fatal.h).
 * Cost       A sale pays nothing. Idle: no wake-up at all. Busy: one transaction per batch.
 */
#ifndef HOTSHELF_PERSIST_STREAM_H
#define HOTSHELF_PERSIST_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "persist/datadir.h"
#include "persist/journal_shared.h"

enum {
    STREAM_DSN_SIZE_MAX = 1024,
    STREAM_PROBLEM_SIZE = 768,
    STREAM_BUDGET_SIZE = 32 << 20, /* libpq: two of its largest buffers while one grows, and TLS */
    STREAM_GATHER_MS = 5, /* between small batches: a commit costs the disk and a core the same */
    STREAM_NOTIFY_MS = 100,
    STREAM_COPY_EVENTS = 256, /* a batch of so many goes by COPY: some round trips more */
};

struct stream_options {
    const struct datadir *directory;
    struct journal_shared *shared; /* the journals are open: their durable marks are true */
    const char *dsn;
    uint64_t attached_id; /* recovery.postgres_system_id */
    /* The last stream number used under each shard number that the directory does not use now;
     * NULL: nobody knows. SHARDS_MAX of them. */
    const uint64_t *seqs;
    uint32_t gather_ms;   /* STREAM_GATHER_MS; 0 when replies wait for PostgreSQL */
    uint32_t copy_events; /* 0: STREAM_COPY_EVENTS */
    uint64_t settles_ms;  /* so long PostgreSQL may lose what it has committed, in a failover */
    /* NULL: nobody waits. Else called by the stream's thread whenever streamed_seq of a shard has
     * changed; PostgreSQL is then asked to commit to its disk, whatever its default is. */
    void (*committed)(void *context, uint32_t shard);
    void *context;
};

struct stream;

/* Bytes that a stream takes at start, the budget of libpq included: for the bill. */
uint64_t stream_memory(const struct datadir *directory);

/* The stream without a thread, in stream_size() bytes of the caller's, aligned to 4 KiB. */
uint64_t stream_size(const struct datadir *directory);
int stream_open(struct stream **stream, void *memory, const struct stream_options *options);
void stream_close(struct stream *stream);
/* What the thread does between two waits: connects if it is time, or sends a batch of each shard.
 * 1: there may be more, 0: nothing to do now, -ECANCELED: it has ended, else the connection has
 * been lost. */
int stream_turn(struct stream *stream);

/* Takes the memory and starts the thread, which connects at once. */
int stream_start(struct stream **stream, const struct stream_options *options);

/*
 * Waits until the first contact is made.
 *   0        made: the schema is there, every position known and covered by its journal
 *   -EAGAIN  not in this time, stream_problem() says why; from now on a refusal ends the process.
 *            A fresh data directory must not sell yet: ask stream_has_contact() again.
 *   -ESTALE  refused: the data directory is behind PostgreSQL; stream_problem() says how.
 */
int stream_first_contact(struct stream *stream, uint32_t wait_ms);
bool stream_has_contact(const struct stream *stream);
/* Identity of the database met, for EVENT_STREAM_ATTACHED; 0 before first contact. */
uint64_t stream_system_id(const struct stream *stream);
/* Whether PostgreSQL is taking events now. */
bool stream_connected(const struct stream *stream);
/* Whether PostgreSQL is taking events of this shard now. */
bool stream_takes(const struct stream *stream, uint32_t shard);
/* Whether PostgreSQL still lacks what was live when it was added. */
bool stream_adopting(const struct stream *stream);
/* Whether a shard's stream has stopped for good: a person must look. */
bool stream_halted(const struct stream *stream);
/* The latest problem as a sentence, "" when there is none. */
void stream_problem(struct stream *stream, char problem[STREAM_PROBLEM_SIZE]);

/* Sends what is durable for at most `drain_ms`, then ends the thread. */
void stream_stop(struct stream *stream, uint32_t drain_ms);

#endif
