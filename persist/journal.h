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
 * Segments are used in a ring. A walk is complete when the batch with its WALK_ENDED is durable;
 * the journal sees both ends of it pass. journal_commit() then hands out the header of the next
 * segment, too, with nothing else in flight (segment_ring.h).
 *
 * A reply that tells of a customer's state notes journal_newest() when it is made and leaves when
 * journal_durable() has reached it and that batch is settled.
 *
 * Near its end a journal refuses in steps: journal_full() all but what was promised, of which the
 * room is set aside (S5), then journal_exhausted() everything; room for the closing mark is always
 * kept. When it is full, batches are at least JOURNAL_GATHER_MS apart and heartbeats are the seals.
 *
 * Ownership  Buffers come from the arena and stay. An event from journal_settle_next() borrows its
 *            buffer until the next call.
 * Threads    Its shard's only; struct journal_shared shows the others how far it is.
 * Units      Bytes, batch numbers; time is moment.h's shelf clock.
 * Errors     -errno from journal_open(). A failed write ends the process (fatal.h) and is never
 *            retried: a second success would prove nothing. Appending without room is a CHECK.
 * Cost       append: one encode in memory, some 100 ns. commit: one XXH3 over the batch, and once
 *            per segment the opening of a file and a write of 4 KiB.
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
#include "persist/segment_ring.h"

enum {
    JOURNAL_EVENTS_PER_COMMAND_MAX = 3, /* .. and their images; a due event that is asked for counts
                                         * as a command */
    JOURNAL_SEAL_MS = 100,              /* idle so long: an empty batch vouches for the last one */
    JOURNAL_HEARTBEAT_MS = 1000, /* between batches while a hold lives: they carry the clock */
    JOURNAL_CLOSING_SIZE = 4 * BATCH_BLOCK_SIZE, /* kept for the closing marks of a full journal */
    JOURNAL_REVIEW_BEAT_MS =
        60000,                /* between those of a full one while nothing but reviews lives */
    JOURNAL_BEATS_MAX = 2048, /* of a full one, at least a second apart: for 34 minutes of lives */
    JOURNAL_GATHER_MS = 10,   /* between batches of a full journal: so they are fewer .. */
    JOURNAL_PACE_MS = 100, /* .. and where it has promised more records than these in their time */
    JOURNAL_FREEZE_PACE_MS = 2000,   /* and in a freeze, when time stands still */
    JOURNAL_FULL_GATHERS = 64 << 10, /* bytes that end that wait, and then no command is added */
    JOURNAL_FULL_BATCH =
        JOURNAL_FULL_GATHERS + (JOURNAL_EVENTS_PER_COMMAND_MAX + 1) * RECORD_SIZE_MAX,
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
    struct walk_place walk; /* recovered_shard.walk */
    uint64_t incarnation;   /* recovery.incarnation */
    uint32_t command_size;  /* bytes of records that a command makes at most, where tables are so
                             * small that it is less than usual (tests); else 0 */
    bool streamed;          /* it has met a PostgreSQL: segments wait until that has them */
};

struct journal_write {
    int fd;      /* of disk.h */
    bool direct; /* the file is open with O_DIRECT; RWF_DSYNC is the caller's in both cases */
    const void *data;
    uint32_t size;
    uint64_t offset;
};

enum journal_phase { JOURNAL_FREE, JOURNAL_HEADER, JOURNAL_WRITING, JOURNAL_SETTLING };

/* What is set aside, as the owner of the promises says after each change of them (space.h). */
struct journal_aside {
    uint64_t bytes;         /* full when less is left .. */
    uint64_t again;         /* .. until so much is left: not for one order now and then */
    uint64_t near;          /* .. and nothing may be promised by the hundred */
    uint64_t beats;         /* of it: no heartbeat may have .. */
    uint64_t promised;      /* .. not even a switch */
    uint64_t live_until_ms; /* shelf time; holds and unpaid orders are over then */
    bool paces;             /* of a full journal batches are JOURNAL_PACE_MS apart (space.h) */
};

struct journal {
    const struct datadir *directory;
    struct journal_shared *shared;
    struct journal_origin origin;
    uint64_t incarnation;
    uint32_t command_size;
    struct journal_aside aside;
    bool was_full;    /* when it was set */
    uint64_t beat_ms; /* of a full journal */
    uint64_t frozen;  /* batches of a freeze while it was full: room for the next one is less */
    bool streamed;

    /* the filling batch */
    uint8_t *filling;
    uint32_t filling_used; /* bytes of records */
    uint32_t filling_records;
    uint64_t filling_seq; /* last stream number used, the filling batch included */
    bool closing;         /* the closing mark is in it: nothing may follow */
    uint64_t walk_begins; /* number of the walk whose WALK_BEGUN is in it; 0 none */
    uint64_t walk_ends;   /* the same of a WALK_ENDED */

    /* the other buffer: in flight, then settled */
    uint8_t *written;
    enum journal_phase phase;
    struct batch_header writing;
    uint32_t settled; /* bytes of its records settled */

    struct chain chain;    /* up to the batch handed out last */
    uint64_t durable;      /* number of the last durable batch */
    bool unsealed;         /* the last batch has records and no batch after it */
    bool opened;           /* a batch of this incarnation has been handed out */
    uint64_t committed_ms; /* of the monotonic clock, when the last one was */
    uint64_t now_ms;       /* of the shelf clock, when one was last asked for */

    struct walk_place begun; /* the last walk that began in a batch handed out */
    struct walk_place ended; /* complete when the batch in flight is durable; number 0: none */
    struct segment_ring ring;
};

/* Bytes of arena that journal_open() takes. */
uint64_t journal_memory(const struct datadir_geometry *geometry);

int journal_open(struct journal *journal, struct arena *arena, struct journal_shared *shared,
    const struct journal_options *options, char *error, size_t error_size);
void journal_close(struct journal *journal);

/* Whether one more command may run: its events fit the filling batch, and that fits the disk. */
bool journal_room(const struct journal *journal);
void journal_append(struct journal *journal, const struct event *event);

/* The number that the filling batch will have, and the bytes of records that are in it. */
uint64_t journal_filling(const struct journal *journal);
uint32_t journal_filling_size(const struct journal *journal);
/* Those of the batch that was handed out last. */
uint32_t journal_written_size(const struct journal *journal);

/* What journal_commit() handed out is on its way. */
bool journal_is_writing(const struct journal *journal);

/* What a reply made now must wait for: the batch that is filling, or when that is empty the one
 * handed out last. */
uint64_t journal_newest(const struct journal *journal);
uint64_t journal_durable(const struct journal *journal);
/* Nothing is filling, in flight or unsettled. */
bool journal_idle(const struct journal *journal);

/* Hands out the header of a segment, if one is due. Else seals and hands out a batch: if the other
 * buffer is free and there is something to write, or the batch before wants a seal, or a live hold
 * a heartbeat. Write it with RWF_DSYNC, whole or not. */
bool journal_commit(struct journal *journal, const struct moment *now, bool live_holds,
    struct journal_write *write);
/* How that write ended: bytes or -errno. Anything but all of it ends the process. */
void journal_written(struct journal *journal, int32_t result);
/* The next event of the batch that became durable; false when all are settled. */
bool journal_settle_next(struct journal *journal, struct event *event);

/* Shelf time at which journal_commit() has a batch to write by itself; UINT64_MAX: never. */
uint64_t journal_next_wake(const struct journal *journal, bool live_holds);

/* What PostgreSQL has decides what may be overwritten; done by each commit. */
void journal_look_ahead(struct journal *journal);
void journal_set_aside(struct journal *journal, const struct journal_aside *aside);
/* Only what is set aside is left. */
bool journal_full(const struct journal *journal);
enum journal_state journal_state(const struct journal *journal);
/* Not full, but no place for a large merge. */
bool journal_near(const struct journal *journal);
/* Refuse every write: journal_room() will not come back. */
bool journal_exhausted(const struct journal *journal);
uint64_t journal_bytes_left(const struct journal *journal);
/* No walk is in the journal that a durable header does not name yet. */
bool journal_walk_is_named(const struct journal *journal);
/* A walk that began before this start goes on: its end, too, is of the one that began there. */
void journal_resume_walk(struct journal *journal, const struct walk_place *begun);
/* Bytes of batches that an empty segment holds. */
uint32_t journal_segment_room(const struct journal *journal);

/* A clean stop: the mark goes into a batch of its own, so call it when journal_idle(), then commit
 * and wait. False when not even that has room: the stop is then like a crash. */
bool journal_close_mark(struct journal *journal, int64_t wall_ms);

#endif
