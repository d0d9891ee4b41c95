/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal - one shard's ledger: events are appended, gathered into batches, written one batch at a
 * time, and settled when durable. It is passive: it hands out writes and is told how they ended.
 *
 *     append, append, ..   the filling batch; room is asked before each command
 *     commit -> write      the filling batch is sealed and handed out; the other buffer fills
 *     written              durable: published to the other shards and the stream
 *     settle_next, ..      its events in order, decoded from the buffer; then the buffer is free
 *
 * A reply that tells of a customer's state notes journal_newest() when it is made and leaves when
 * journal_durable() has reached it and that batch is settled.
 *
 * Near its end a journal refuses in steps: journal_full() what takes new units (S5), then
 * journal_exhausted() everything; room for the closing mark is always kept.
 *
 * Ownership  Buffers come from the arena and stay. An event from journal_settle_next() borrows its
 *            buffer until the next call.
 * Threads    Its shard's only; struct journal_shared shows the others how far it is.
 * Units      Bytes, batch numbers; time is moment.h's shelf clock.
 * Errors     -errno from journal_open(). A failed write ends the process (fatal.h) and is never
 *            retried: a second success would prove nothing. Appending without room is a CHECK.
 * Cost       append: one encode in memory, some 100 ns. commit: one XXH3 over the batch, and once
 *            per segment the opening of a file.
 */
#ifndef HOTSHELF_PERSIST_JOURNAL_H
#define HOTSHELF_PERSIST_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/event.h"
#include "core/moment.h"
#include "persist/batch.h"
#include "persist/datadir.h"
#include "persist/journal_shared.h"
#include "persist/record.h"
#include "persist/segment.h"

enum {
    JOURNAL_EVENTS_PER_COMMAND_MAX = 2, /* a due event that is asked for counts as a command */
    JOURNAL_SEAL_MS = 100,              /* idle so long: an empty batch vouches for the last one */
    JOURNAL_HEARTBEAT_MS = 1000, /* between batches while a hold lives: they carry the clock */
    JOURNAL_CLOSING_SIZE = 4 * BATCH_BLOCK_SIZE, /* kept for the closing marks of a full journal */
    JOURNAL_RESERVE_DIVISOR = 8, /* at least this part of the budget is kept for ends of holds */
};

_Static_assert((int)BATCH_SIZE_DEFAULT / 2 >=
                   (int)BATCH_HEADER_SIZE_MAX + JOURNAL_EVENTS_PER_COMMAND_MAX * RECORD_SIZE_MAX,
    "half of a batch can be filled before commands must wait");
_Static_assert((int)SEGMENT_SIZE_MIN >=
                   (int)SEGMENT_HEADER_SIZE + (int)BATCH_SIZE_DEFAULT + (int)JOURNAL_CLOSING_SIZE,
    "a largest batch and the closing marks fit an empty segment");

struct journal_options {
    const struct datadir *directory;
    uint32_t shard;
    struct chain start;     /* recovered_shard.chain */
    uint64_t incarnation;   /* recovery.incarnation */
    uint64_t reserve_bytes; /* kept for confirmations and ends; at least an eighth is */
};

struct journal_write {
    int fd;
    bool direct; /* the file is open with O_DIRECT; RWF_DSYNC is the caller's in both cases */
    const void *data;
    uint32_t size;
    uint64_t offset;
};

enum journal_phase { JOURNAL_FREE, JOURNAL_WRITING, JOURNAL_SETTLING };

struct journal {
    const struct datadir *directory;
    struct journal_shared *shared;
    struct journal_origin origin;
    uint64_t incarnation;
    uint64_t reserve_bytes;

    /* the filling batch */
    uint8_t *filling;
    uint32_t filling_used; /* bytes of records */
    uint32_t filling_records;
    uint64_t filling_seq; /* last stream number used, the filling batch included */
    bool closing;         /* the closing mark is in it: nothing may follow */

    /* the other buffer: in flight, then settled */
    uint8_t *written;
    enum journal_phase phase;
    struct batch_header writing;
    uint32_t settled; /* bytes of its records settled */

    struct chain chain; /* up to the batch handed out last */
    uint64_t durable;   /* number of the last durable batch */
    bool unsealed;      /* the last batch has records and no batch after it */
    bool opened;        /* a batch of this incarnation has been handed out */

    struct segment_file current; /* chain.segment */
    struct segment_file next;    /* the one after, opened ahead; fd -1 for none */
};

/* Bytes of arena that journal_open() takes. */
uint64_t journal_memory(const struct datadir_geometry *geometry);

int journal_open(struct journal *journal, struct arena *arena, struct journal_shared *shared,
    const struct journal_options *options, char *error, size_t error_size);
void journal_close(struct journal *journal);

/* Whether one more command may run: its events fit the filling batch, and that fits the disk. */
bool journal_room(const struct journal *journal);
void journal_append(struct journal *journal, const struct event *event);

/* What a reply made now must wait for: the batch that is filling, or when that is empty the one
 * handed out last. */
uint64_t journal_newest(const struct journal *journal);
uint64_t journal_durable(const struct journal *journal);
/* Nothing is filling, in flight or unsettled. */
bool journal_idle(const struct journal *journal);

/* Seals and hands out a batch: if the other buffer is free and there is something to write, or the
 * batch before wants a seal, or a live hold a heartbeat. Write it with RWF_DSYNC, whole or not. */
bool journal_commit(struct journal *journal, const struct moment *now, bool live_holds,
    struct journal_write *write);
/* How that write ended: bytes or -errno. Anything but all of it ends the process. */
void journal_written(struct journal *journal, int32_t result);
/* The next event of the batch that became durable; false when all are settled. */
bool journal_settle_next(struct journal *journal, struct event *event);

/* Shelf time at which journal_commit() has a batch to write by itself; UINT64_MAX: never. */
uint64_t journal_next_wake(const struct journal *journal, bool live_holds);

/* Refuse what takes new units: only the reserve is left. */
bool journal_full(const struct journal *journal);
/* Refuse every write: journal_room() will not come back. */
bool journal_exhausted(const struct journal *journal);
uint64_t journal_bytes_left(const struct journal *journal);

/* A clean stop: the mark goes into a batch of its own, so call it when journal_idle(), then commit
 * and wait. False when not even that has room: the stop is then like a crash. */
bool journal_close_mark(struct journal *journal, int64_t wall_ms);

#endif
