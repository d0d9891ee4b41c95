/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shard - one thread's share of the shop: its clients, its customers, its journal, and the loop.
 *
 *     shard_tick:  reap      completions: bytes arrived, batches durable, sends finished
 *                  settle    units come back whose record is durable; never before it
 *                  execute   expire, parse, route, decide, apply; replies are written but held back
 *                  commit    one journal write for everything decided in this tick
 *                  stream    what subscribers watch has changed: they are told
 *                  release   answer what is durable and settled; never before it
 *                  submit    the only system call of the tick, but for those of io.h
 *
 *     client -> home shard --own customer--> runs here
 *                   \--another's--> mailbox -> owner runs it -> mailbox -> home sends the reply
 *
 * Order on one connection: a request runs only when every earlier one has run. So a connection has
 * at most one request on its way to another shard; replies, which wait for the disk much longer
 * than requests for each other, still overlap. A request that cannot run yet stays in its received
 * bytes and is decoded again later: nothing of it has happened.
 *
 * Ownership  Everything is in the arena; struct shards outlives the threads.
 * Threads    One runs shard_tick(). Of another shard only mailboxes, sleepers, settled batches
 *            and slots of requests that travel are touched; the main thread uses shards_*().
 * Units      Milliseconds of the shelf clock unless the name says wall or monotonic.
 * Errors     -errno at start; while running, what the world does to a client ends that client's
 *            connection, what it does to the journal ends the process (fatal.h).
 * Cost       That of io.h; nothing is allocated.
 */
#ifndef HOTSHELF_NET_LOOP_SHARD_H
#define HOTSHELF_NET_LOOP_SHARD_H

#include <pthread.h>

#include "net/http/http.h"
#include "net/http/import.h"
#include "net/loop/connection.h"
#include "net/loop/gather.h"
#include "net/loop/listener.h"
#include "net/loop/mailbox.h"
#include "net/loop/places.h"
#include "net/loop/request.h"
#include "net/loop/shed.h"
#include "net/loop/subscribers.h"
#include "persist/walker.h"

enum {
    DUE_PER_TICK = 256,      /* expiries at the start of a tick: a burst cannot stop it (L3) */
    REAPS_PER_TICK = 64,     /* times 64 completions: then what has come is worked off first */
    INTAKES_PER_TICK = 1024, /* requests parsed in one tick: bounds how long a reply is held up */
    INTAKES_PER_TURN = 4,    /* .. of one connection before the next: who sends hundreds at once
                              * shall not keep him waiting who sends one */
    INTAKES_AHEAD = 4,       /* .. decoded before the first of them runs */
    INTAKES_PER_LOOK = 8,    /* .. before the clock is looked at: some are a hundred others */
    INTAKE_US = 4000,        /* then a tick takes in no more */
    BACKLOG_US = 250,        /* .. of those who send many at once */
    SHARED_US = 10000,       /* who asks for one thing at a time is there as long after it. Then the
                              * pipelines of the storefront have .. */
    BACKLOG_SHARED_US = 50,  /* this of a tick: he waits as long .. */
    BACKLOG_SHARED_MS = 1,   /* at least that often */
    TIMER_SLACK_NS = 5000,   /* a wait for clients to come back shall not last half as long again */
    TICKS_OF_WRITE = 2,      /* without the disk's answer: then its worker may have the core */
    BACKLOG_SHARED_PART = 4, /* and one part in so many of the time: he seldom waits */
    RANDOM_SIZE = 4096,      /* one system call for 512 commands */
    LARGE_REPLIES = 64,      /* of each shard, 16 MiB: the rest of a crowd that asks for pages and
                              * orders of 512 lines at once waits for a send to end */
    LARGE_TAILS = 64,        /* of each shard, 5 MiB: large requests that come in pieces at once */
    REJECTED_MS = 1000,      /* to twice that: when who found no place shall come again */
    ACCEPT_RETRY_MS = 10,    /* after accept failed: out of descriptors, most likely */
    CONNECTIONS_KEPT_PART = 64, /* one of so many is kept for back ends, another one for admins */
    DOOR_QUIET_MS = 2000,       /* without such a failure, and clients are said to come in again */
    FROZEN_WAIT_MS = 50,        /* at least, in a freeze */
    WAIT_MS_MAX = 1000,         /* a safety net: nothing depends on it */
    SWEEP_MS = 500,             /* between looks for connections whose time is over */
#ifdef __SANITIZE_THREAD__
    SHARD_STACK_SIZE = 2048 * 1024, /* ThreadSanitizer's own part of a thread stands there, too */
#else
    SHARD_STACK_SIZE = 512 * 1024,
#endif
};

/* Where a connection came in: enum http_listener, then these. */
enum { DOOR_RESP = HTTP_LISTENERS, DOORS };

/* How a shard ends. */
enum shard_phase {
    SHARD_RUNNING,
    SHARD_DRAINING, /* no new clients; requests under way are answered, until drain_ms is over */
    SHARD_DRAINED,  /* no clients left; other shards may still send requests */
    SHARD_CLOSING,  /* the closing mark is on its way to the disk */
    SHARD_STOPPED,
};

struct shards;

struct shard {
    struct shards *all;
    uint32_t number;
    uint32_t count;
    enum shard_phase phase;
    struct io *io;
    struct engine *engine;
    struct journal journal;
    struct walker walker;
    struct http_context http;
    struct connections connections;
    uint8_t *chunk_room; /* body_bytes: where the parser puts a chunked body together */
    struct requests requests;
    struct subscribers subscribers;

    uint64_t monotonic_ms;
    int64_t wall_offset_ms; /* wall - shelf; see execute.c */
    uint64_t swept_ms;      /* connections were looked over for time-outs */
    uint64_t drain_until_ms;
    uint64_t accept_retry_ms; /* 0: accepting */
    uint64_t look_ms;         /* the next look at what subscribers watch */
    uint32_t looks;
    int64_t date_second;
    struct shed_gauge turns, slots; /* see overload.c */
    uint32_t worked_ms;             /* of the last tick */
    uint64_t seen_all_ms;           /* when all that had come was asked for */
    _Atomic uint32_t shed_level;    /* the higher of both, for the log .. */
    uint32_t shed_told;             /* .. and what the main thread has said of it */
    struct gather gather;           /* whether the batch that fills is written */
    uint32_t sends;                 /* of this tick */
    uint32_t ticks_of_write;        /* since a write was handed out that is not done */
    uint64_t asked_alone_us;        /* the last tick that took in a request that came alone */
    uint64_t backlog_us;            /* LIST_BACKLOG has its turn then; 0: in each tick */
    bool work_left;                 /* this tick stopped at a bound: the next one must not wait */
    struct import *import;          /* shard 0's, NULL elsewhere */
    bool accepting[DOORS];          /* by enum http_listener, then DOOR_RESP */
    struct acts acts;               /* what admins did here, on its way to the log */
    uint64_t turned_away_ms;        /* somebody was told that he opens too many connections */
    uint64_t rejected;              /* clients that found the table of connections full */
    struct request *parked[SHARDS_MAX]; /* by home: it found no room and waits for it */
    uint64_t bells;                     /* bit per shard: look whether it sleeps before we do */
    uint64_t waiting_homes;             /* bit per shard: it waits for waiting_batch[it] of ours */
    uint64_t waiting_batch[SHARDS_MAX];
    uint32_t wants_large_first, wants_large_last; /* came home for a large reply, none was left */
    uint32_t going_on_first, going_on_last;       /* their next visit is due */
    uint64_t expired_late;                        /* ticks that found more due than DUE_PER_TICK */
    uint32_t random_used;
    uint8_t random[RANDOM_SIZE];

    pthread_t thread;
    uint8_t *stack;    /* SHARD_STACK_SIZE, taken before the arena is sealed */
    bool mark_written; /* the closing mark, or it had no room */
    struct sleeper sleeper;
    alignas(64) _Atomic uint64_t settled_batch; /* durable and settled: replies may tell of it */
    _Atomic(const struct identity *) uses; /* http.identity, for who wants to wipe another one */
    _Atomic uint64_t awaits;  /* bit per shard: replies wait for PostgreSQL to have its events */
    _Atomic int accept_error; /* the last one, .. */
    _Atomic uint64_t accept_failed_ms; /* .. and when, monotonic; 0: never */
};

/* What all shards share, besides the shelf. */
struct shards {
    const struct config *config;
    struct shelf *shelf;
    struct journal_shared *journals;
    struct shard *shard[SHARDS_MAX];
    uint32_t count;
    struct mailbox *mailboxes;                 /* [from * count + to] */
    _Atomic(const struct identity *) identity; /* keys and tokens in force from the next tick on */
    struct listener storefront;
    struct listener admin;
    struct listener resp; /* no sockets: server.resp = off */
    struct places places; /* of addresses: how many connections each has */
    uint32_t header_bytes, body_bytes;
    uint32_t drain_ms;
    bool postgres;                    /* a stream is configured: streamed_seq counts */
    bool confirms;                    /* .. and checkouts wait for it: durability = postgres */
    _Atomic uint64_t shelf_offset_ms; /* shelf = monotonic - offset, modulo 2^64 */
    _Atomic uint64_t frozen_ms;       /* where the shelf clock stands in a freeze; 0: it runs */
    struct stream *stream;            /* NULL: no PostgreSQL */
    _Atomic bool may_sell;            /* recovery and first contact are over */
    _Atomic bool selling;             /* .. and so is an import that a crash had cut short */
    _Atomic uint64_t attach;          /* the PostgreSQL that the journal has to note; 0 none */
    uint64_t met;                     /* shard 0's: the one that the journal has noted; 0 none */
    _Atomic bool stopping;
    _Atomic uint32_t drained; /* shards without requests under way */
    pthread_barrier_t opened; /* all shards and the main thread: bells may be rung after it */
    _Atomic int open_error;
    _Atomic(const char *) open_reason;
    bool door_stuck; /* the log says that clients are kept waiting */
};

struct shards_options {
    const struct config *config;
    struct shelf *shelf;
    struct journal_shared *journals;
    uint32_t count;
    uint32_t connections; /* of the process */
    uint32_t subscribers;
    uint32_t requests;
    uint32_t header_bytes, body_bytes;
    uint32_t drain_ms;
    bool postgres;
    bool confirms;
};

/* Places for clients of one shard when the process has so many. */
uint32_t shard_connections(uint32_t connections, uint32_t count);

/* Takes all memory of the loop: shards, connections, requests, mailboxes, io. */
struct shards *shards_create(struct arena *arena, const struct shards_options *options);
/* One thread per shard; answers when every loop is open. Engines and journals were set before. */
int shards_start(struct shards *shards, char *error, size_t error_size);
/* Asks for a clean stop; any thread. */
void shards_stop(struct shards *shards);
/* Writes what admins did to stderr; one thread. Answers whether anything was done, and not only
 * tried. */
bool shards_tell_acts(struct shards *shards);
/* Says on stderr when clients begin to be kept waiting at the door, and when they no longer are;
 * the thread that tells acts. */
void shards_tell_door(struct shards *shards, uint64_t monotonic_ms);
/* Says on stderr whom overloaded shards refuse, when that changes; one thread. */
void shards_tell_shedding(struct shards *shards);
/* Wakes every shard: something it looks at has changed. */
void shards_wake(struct shards *shards);
/* Waits until every thread has ended. */
void shards_join(struct shards *shards);
/* Closes the rings, when nobody is left who wakes them: not the stream, either. */
void shards_close(struct shards *shards);

/* The rest is between the parts of the loop. */

void shard_tick(struct shard *shard);

/* reap.c */
void shard_accept_on(struct shard *shard);
void shard_reap(struct shard *shard);
/* Connections that could not receive for want of a buffer, as many as there are buffers now. */
void shard_feed_starved(struct shard *shard);

/* reap.c: who is at the other end. */
struct address shard_peer_of(struct shard *shard, uint32_t connection);

/* overload.c */
/* How far behind the shard is, and whom it refuses in this tick. */
void shard_weigh(struct shard *shard);
/* The tick has done all that it does. */
void shard_note_work(struct shard *shard);

/* intake.c: what clients sent becomes requests */
void shard_take_in(struct shard *shard);
/* intake_resp.c: what has to be told in the protocol of the request. As http_refuse(),
 * http_render() and http_reply_bound(). */
void shard_refuse(struct shard *shard, struct request *request, uint32_t status, const char *code,
    const char *detail);
bool shard_render(struct shard *shard, struct request *request, const struct answer *answer);
uint32_t shard_reply_bound(const struct shard *shard, const struct request *request);
/* A large reply is free and somebody waits for one: the next tick is for him. */
bool shard_sees_large(const struct shard *shard);

/* execute.c */
enum run { RUN_DONE, RUN_NO_ROOM, RUN_NEEDS_LARGE };

void shard_refresh_now(struct shard *shard);
void shard_expire(struct shard *shard);
/* Shard 0 stops the shelf clock of all shards, or lets it run on, as the switches say. */
void shard_follow_freeze(struct shard *shard);
/* Shard 0 records which PostgreSQL the journal has met. */
void shard_note_stream(struct shard *shard);
void shard_read_mail(struct shard *shard);
void shard_publish_mail(struct shard *shard);
/* Runs a command of this shard's engine. RUN_NO_ROOM: not before a batch is free. RUN_NEEDS_LARGE:
 * its reply needs request_enlarge(). In both cases run it again later. */
enum run shard_run_command(struct shard *shard, struct request *request);
/* Sends a decoded request to the shard that owns what it changes. */
void shard_send_away(struct shard *shard, struct request *request);
/* It came home for a large reply: it gets the next one that is free, and goes once more. */
void shard_wants_large(struct shard *shard, struct request *request);
void shard_send_enlarged(struct shard *shard);
/* A request whose last visit is durable makes the next one, here or elsewhere, in the next tick. */
void shard_go_on(struct shard *shard, struct request *request);
bool shard_sees_going_on(const struct shard *shard);
/* Fresh dice into http.now. */
void shard_roll_dice(struct shard *shard);
/* Decides a command, and records what comes of it; the answer may name the event, which the reply
 * is then written from. There was journal_room(). */
void shard_decide(
    struct shard *shard, const struct command *command, struct event *event, struct answer *answer);

/* importing.c: shard 0 */
void shard_begin_import(struct shard *shard, struct connection *connection, struct request *request,
    uint64_t body_size);
/* Passes on what has come of the body; false when there is no more for now. */
bool shard_feed_import(struct shard *shard, struct connection *connection);
void shard_abandon_import(struct shard *shard, struct connection *connection);
/* One step of the import under way. */
void shard_import(struct shard *shard);

/* confirming.c: durability = postgres */
/* Whether PostgreSQL, which has to confirm checkouts of this shard, is known to be away. */
bool shard_is_unconfirmable(const struct shard *shard);
/* A command has run here: its reply waits for PostgreSQL if it tells of a new order. */
void shard_note_unconfirmed(
    const struct shard *shard, struct request *request, const struct answer *answer);
/* Whether the reply waits for PostgreSQL no more, or never did. */
bool shard_is_confirmed(const struct shard *shard, const struct request *request);
/* The request is durable, and waits for PostgreSQL now. */
void shard_await_confirmation(struct shard *shard, struct request *request);
/* Whether so many wait that another checkout must not run. */
bool shard_confirms_no_more(const struct shard *shard, const struct request *request);
/* Lets those go that are confirmed, or whose time is over. */
void shard_release_confirmed(struct shard *shard);
bool shard_sees_confirmed(const struct shard *shard);
uint64_t shard_confirm_wait_ms(const struct shard *shard);
/* stream_options.committed, of a struct shards. */
void shards_confirmed(void *context, uint32_t number);

/* streaming.c: live stock */
/* http_context.subscribe; host is the shard. */
bool shard_subscribe(void *host, struct request *request, uint32_t count, struct sse_event *first);
/* The connection belongs to the subscriber whose first event is the reply to this request. */
void shard_begin_stream(
    struct shard *shard, struct connection *connection, const struct request *request);
/* Looks at what is watched, and sends what is due. */
void shard_stream(struct shard *shard);
uint64_t shard_stream_wait_ms(const struct shard *shard);
/* All that was being sent on it is out. */
void shard_stream_sent(struct shard *shard, struct connection *connection);
/* .. or never will be; the connection ends now. */
void shard_stream_failed(struct shard *shard, struct connection *connection);
/* The connection ends; its subscriber may have bytes with the kernel until shard_stream_failed().
 */
void shard_leave_stream(struct shard *shard, struct connection *connection);
void shard_ignore_input(struct shard *shard, struct connection *connection);
/* Whether its client takes nothing. */
bool shard_stream_is_over(struct shard *shard, const struct connection *connection);
/* A stop: every stream gets its end. */
void shard_end_streams(struct shard *shard);

/* release.c */
/* The bytes stay as they are until it is sent. */
void shard_send(struct shard *shard, struct connection *connection, struct bytes bytes);
/* The request waits for nothing more but those before it. */
void shard_may_send(struct shard *shard, struct request *request);
/* The request has its reply, which waits for the disk if it must. */
void shard_has_run(struct shard *shard, struct request *request);
void shard_settle(struct shard *shard);
void shard_release(struct shard *shard);
void shard_ring_bells(struct shard *shard);
/* A send has ended. */
void shard_sent(struct shard *shard, struct connection *connection, int32_t result);
/* Ends a connection from our side; its requests under way still run, unanswered. */
void shard_hang_up(struct shard *shard, struct connection *connection);

/* sweep.c */
/* Ends those whose time is over. */
void shard_sweep(struct shard *shard);
/* How many requests of one connection may be under way. */
uint32_t shard_requests_at_once(const struct shard *shard);

/* closing.c */
void shard_close_down(struct shard *shard);
uint64_t shard_drain_wait_ms(const struct shard *shard);

#endif
