/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream_state - the inside of the stream, shared by its files: stream.c (the thread), stream_shard
 * (one batch of one shard), stream_copy (a large one), stream_contact (whose positions stand
 * where).
 *
 *     shard:  streamed --batch sent--> sending --committed--> streamed
 *                                         \--connection lost--> position read back: streamed, or
 *                                                               sending, or less (a failover)
 *
 * Ownership  All of it is in the stream's one mapping.
 * Threads    The stream's own, but for what is _Atomic or under `mutex`.
 * Units      See stream.h.
 * Errors     Negative errno as in postgres.h.
 * Cost       See stream.h.
 */
#ifndef HOTSHELF_PERSIST_STREAM_STATE_H
#define HOTSHELF_PERSIST_STREAM_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "persist/budget.h"
#include "persist/postgres.h"
#include "persist/reader.h"
#include "persist/stream.h"
#include "persist/stream_batch.h"

/* Where a record stands: the batch in which to begin to read, and the record itself. */
struct stream_place {
    struct walk_place batch; /* of no walk; number 0: nowhere */
    uint64_t record;         /* its journal_place() */
};

struct stream_shard {
    struct reader reader;
    bool opened;
    _Atomic bool halted; /* for good: a person must look */
    bool known;          /* PostgreSQL has a position of it: streamed and epoch are true */
    uint64_t epoch;
    uint64_t streamed;   /* last stream number that PostgreSQL is known to have */
    uint64_t sending;    /* last one of the batch under way: it may have that too */
    uint64_t seen_place; /* the durable place up to which everything was looked at */
    struct event next;   /* read, but not yet in a batch; borrows the reader's buffer */
    bool has_next;
    bool in_batch;                   /* the reader shows a batch that may have more events */
    uint64_t passed_seq;             /* last stream number of what was read */
    struct stream_place next_place;  /* of `next` */
    struct stream_place taken_place; /* of the last event of the batch under way */

    /* While PostgreSQL lacks what is live: read on after what it has, not after a number. */
    bool adopting;
    uint64_t adopting_from;         /* what has a later event becomes a row by that */
    struct stream_place sent_place; /* of the last event committed on this connection */
    uint64_t walk;                  /* number of the walk that is written; 0: none has begun */
    struct walk_place walk_begins;
    uint64_t walk_seq;        /* last stream number before it */
    uint32_t event_count_max; /* of batches, since one was too large; 0 any */
};

enum stream_contact { STREAM_CONTACT_NONE, STREAM_CONTACT_MADE, STREAM_CONTACT_REFUSED };

struct stream {
    struct stream_options options; /* dsn: the copy below */
    char dsn[STREAM_DSN_SIZE_MAX];
    pthread_t thread;

    struct postgres postgres;
    struct postgres_stop stop;
    struct budget *budget; /* lives longer than the stream; NULL without a thread */
    struct stream_batch batch;
    struct postgres_array arrays;
    struct stream_shard shards[SHARDS_MAX];

    uint64_t backoff_ms;
    uint64_t retry_ms;      /* not before */
    uint64_t jitter;        /* state of the dice */
    int64_t holder;         /* random: this run of the server, as stream_position names it */
    uint64_t refusals_seen; /* of the budget */
    uint64_t sent_ms;       /* when the last batch was committed */
    bool copy_denied;       /* on this connection: PostgreSQL takes statements, but no COPY */
    bool notify_due;        /* rows were written since the last NOTIFY */
    uint64_t notified_ms;
    bool logged_down;
    uint64_t adoptions; /* walks with names that were asked for */

    _Atomic bool connected;
    _Atomic bool any_halted;
    _Atomic uint64_t system_id;

    pthread_mutex_t mutex; /* of the rest */
    pthread_cond_t contact_changed;
    enum stream_contact contact;
    bool selling; /* nobody waits for first contact: a refusal ends the process */
    char problem[STREAM_PROBLEM_SIZE];
};

/* stream.c */
__attribute__((format(printf, 2, 3))) void stream_note(
    struct stream *stream, const char *format, ...);
/* S1: before first contact the start is refused, afterwards the process ends. */
__attribute__((format(printf, 2, 3))) void stream_refuse(
    struct stream *stream, const char *format, ...);

/* stream_contact.c: after each connect. Reads the positions back, compares, rewinds the readers.
 * -ESTALE after stream_refuse(). */
int stream_contact(struct stream *stream);

/* stream_adopt.c. Whether `next` is of the walk that is written; completed then. */
bool stream_adopt_wants(struct stream_shard *shard);
/* After each connect, when the position is known: PostgreSQL says whether it is adopting, or how
 * long ago it had all of it. */
void stream_adopt_contact(struct stream *stream, uint32_t shard, bool adopting, uint64_t age_ms);
/* In a batch's transaction: with these events PostgreSQL has everything. */
int stream_adopt_send_end(struct stream *stream);
/* The batch is committed. */
void stream_adopt_committed(struct stream *stream, uint32_t shard);

/* stream_copy.c: whether the batch is to go by COPY; and its way there: 0 committed, 1 PostgreSQL
 * does not take it like that and has nothing of it, or as postgres.h. */
bool stream_copy_wants(const struct stream *stream, const struct stream_shard *shard);
int stream_copy_send(struct stream *stream, const struct stream_shard *shard);

/* stream_shard.c: 1 a batch was committed, 0 there was nothing to send, or as postgres.h. */
int stream_shard_send(struct stream *stream, uint32_t shard);
/* In a batch's transaction: what does not go by COPY. */
int stream_shard_send_rows(struct stream *stream);
/* Reads again from after `streamed`: 0, or the reader's failure; -ERANGE with the oldest kept. */
int stream_shard_rewind(struct stream_shard *shard, uint64_t *oldest);
/* Whether the shard may have something to send that it has not looked at. */
bool stream_shard_waiting(const struct stream *stream, uint32_t shard);
/* Shows how far PostgreSQL is: to those who forget orders, and to replies that wait for it. */
void stream_shard_publish(struct stream *stream, uint32_t shard);
void stream_shard_halt(struct stream *stream, uint32_t shard, const char *why);
/* What was to be read next is no longer kept: -EAGAIN, for another contact. */
int stream_shard_overtaken(struct stream *stream, uint32_t shard);

#endif
