/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request - the slot of one request under way: it is decoded where it arrived, runs on the shard
 * that owns what it changes, and goes home with its reply.
 *
 *     FREE -> DECODED -> (TRAVELLING -> RUN) | RUN -> READY -> SENDING -> FREE
 *                                              waits for the disk
 *
 * Only the shard that holds the slot touches it; the mailbox hands it over and back. A reply is
 * written when the command runs, and a slot that travelled goes home at once: it is home that holds
 * the reply back until batch `wait_batch` of shard `wait_shard` is settled (K5). So "has run" and
 * "may be sent" are two moments, the later requests of the connection need only wait for the first,
 * and the owner keeps no list of foreign slots. wait_batch 0 waits for nothing.
 *
 * A command that visits several shards (engine.h, answer.goes_on) waits for the disk after each
 * visit and then goes on to the next: RUN -> DECODED. Between its visits what it carries stands
 * where its reply will be; its connection runs nothing behind it until it has made the last one.
 *
 * Replies wait in one list per shard whose disk they wait for. Batches are numbered in the order
 * they are begun and a mailbox keeps its order, so each list is in the order of its batches. A
 * checkout may wait once more, for PostgreSQL: those lists are in the order in which they joined.
 *
 * Ownership  A fixed number per shard, in that shard's arena; home is the shard it arrived at. As
 *            many works: each slot has one from its start until it has run, then the next slot has.
 * Threads    One at a time, see above. struct requests is the home shard's own.
 * Units      Bytes; indexes are slots, REQUEST_NONE is no slot.
 * Errors     A reply that does not fit sets reply.overflow, before any effect: the owner asks
 *            http_reply_bound() first and home gives the slot a large reply.
 * Cost       About 30 KiB a slot with its work, most of it items and texts that a small request
 *            never touches: while its reply waits, two cache lines and those of the reply are.
 */
#ifndef HOTSHELF_NET_LOOP_REQUEST_H
#define HOTSHELF_NET_LOOP_REQUEST_H

#include <stdint.h>

#include "core/arena.h"
#include "core/command.h"
#include "core/engine.h"
#include "net/limit.h"
#include "net/loop/acts.h"

#define REQUEST_NONE UINT32_MAX

enum {
    REQUEST_TEXT_SIZE = 64 * LINES_PER_ORDER_MAX / 4 + 4096, /* SKUs of items, keys, references */
    REQUEST_REPLY_SMALL = 4096,       /* in the slot: one order of a few lines, any error of one */
    REQUEST_REPLY_LARGE = 256 * 1024, /* from a per-shard pool: 512 lines, 500 SKUs, 200 products */
    REQUEST_HEAD_SIZE = 512,          /* kept free before the body for status line and fields */
    REQUEST_ID_SIZE_MAX = 64,
};

enum request_state {
    REQUEST_FREE,
    REQUEST_DECODED,
    REQUEST_TRAVELLING,
    REQUEST_RUN,   /* its reply is complete but may have to wait for the disk */
    REQUEST_READY, /* it may be sent when those before it are */
    REQUEST_SENDING,
};

enum request_protocol { PROTOCOL_HTTP, PROTOCOL_RESP2, PROTOCOL_RESP3 };

/* What shall be done with the reply; the body is written at data + REQUEST_HEAD_SIZE. */
struct reply {
    uint8_t *data;
    uint32_t size_max;
    uint32_t start; /* after the head is put before the body: first byte to send */
    uint32_t end;
    bool overflow;
    bool close; /* the connection ends after it */
};

/* What a request asks, until it has run. A thousand replies may wait for the disk while few
 * requests wait to run, so these few stay in the core's own cache. */
struct request_work {
    struct command command;
    uint32_t text_used;
    struct command_item items[LINES_PER_ORDER_MAX];
    struct hash128 identities[IDENTITIES_MAX]; /* of a checkout */
    struct product_image product;              /* of a product's change: what it shall be */
    struct sale_image sale;                    /* of a sale that is put */
    uint8_t text[REQUEST_TEXT_SIZE];
};

struct request {
    enum request_state state;
    uint8_t home; /* shard that received it */
    uint8_t wait_shard;
    uint8_t protocol; /* enum request_protocol */
    uint8_t route;    /* enum http_route: how to render */
    bool keep_alive;
    bool tells_keep_alive;     /* HTTP/1.0 keeps a connection only when it is told so */
    bool head_only;            /* HEAD: no body is sent */
    bool needs_room;           /* came home unrun: attach a large reply and send it again */
    bool goes_on;              /* it has run, and has more shards to visit: target is the next */
    uint8_t target;            /* shard to run it on */
    uint32_t index;            /* its own */
    uint32_t connection_index; /* REQUEST_NONE: the connection is gone */
    uint32_t subscriber;       /* of a stream that this begins: its index + 1; 0 none */
    uint32_t next;             /* in the connection's queue, in the order sent */
    uint32_t wait_next;        /* in a list of those that wait at home for room or a next visit */
    uint32_t large;            /* index of the large reply + 1; 0 none */
    uint64_t wait_batch;
    uint64_t wait_seq;      /* of wait_shard: then it waits until PostgreSQL has it; 0 does not */
    uint64_t wait_until_ms; /* .. but no longer, on the monotonic clock */

    struct request_work *work; /* until it has run; NULL afterwards */
    struct reply reply;
    struct limit_told told; /* by how much it was within its limits */
    uint8_t request_id_size;

    struct act act; /* of an admin: it is logged when the reply may be sent */
    uint8_t request_id[REQUEST_ID_SIZE_MAX];
    uint8_t small[REQUEST_HEAD_SIZE + REQUEST_REPLY_SMALL];
};

struct request_queue {
    uint32_t first, last;
};

/* What of a request its queue looks at: a thousand wait, and their slots are far apart. */
struct request_link {
    uint64_t batch;
    uint32_t next;
};

struct requests {
    struct request *slots;
    uint32_t count;
    uint32_t used; /* slots ever in use */
    uint32_t in_use;
    uint32_t free_link; /* index + 1 of the first slot given back; 0 none */
    struct request_work **works; /* those that are free; the last one given back is taken first */
    uint32_t works_free;
    uint8_t *large;
    uint32_t large_count;
    uint32_t large_used;
    uint32_t large_link;
    uint32_t *large_next;
    struct request_link *links;                   /* of each slot, in the queues below */
    struct request_queue waiting[SHARDS_MAX];     /* for the disk of that shard */
    struct request_queue unconfirmed[SHARDS_MAX]; /* durable, and waiting for PostgreSQL */
    uint32_t unconfirmed_count;
};

void requests_init(
    struct requests *requests, struct arena *arena, uint32_t count, uint32_t large_count);

/* An empty slot, or NULL when all are under way. */
struct request *request_take(struct requests *requests, uint8_t home);
/* It has run, and needs no more of what it asked. */
void request_drop_work(struct requests *requests, struct request *request);
/* Also gives back its work and its large reply. */
void request_give(struct requests *requests, struct request *request);
/* A large reply for the slot; false when none is left. Sends nothing written so far. */
bool request_enlarge(struct requests *requests, struct request *request);
/* Whether request_enlarge() would find one. */
bool request_has_large(const struct requests *requests);

/* Puts a request that has run behind those that wait for the same disk. */
void request_wait(struct requests *requests, struct request *request);
/* Takes the next one whose batch is durable off the list, or NULL. */
struct request *request_next_durable(
    struct requests *requests, uint32_t shard, uint64_t durable_batch);
/* The batch that the first one on a shard's list waits for; UINT64_MAX when none waits. */
uint64_t request_first_batch(const struct requests *requests, uint32_t shard);

/* Puts a request that is durable behind those that wait for PostgreSQL to have the same shard's
 * events. */
void request_wait_confirmed(struct requests *requests, struct request *request);
/* The first one of a shard's; NULL when none waits. */
struct request *request_first_unconfirmed(const struct requests *requests, uint32_t shard);
/* Takes that one off. */
struct request *request_take_unconfirmed(struct requests *requests, uint32_t shard);

/* Copies bytes into the slot's own text, so that they live as long as the request. Answers
 * data == NULL when there is no room (the caller refuses with 413). */
struct bytes request_keep(struct request *request, struct bytes bytes);
/* Empties a slot for a new request, its reply as large as it was made. */
void request_reset(struct request *request);

#endif
