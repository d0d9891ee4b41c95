/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request - the slot of one request under way: it is decoded where it arrived, runs on the shard
 * that owns what it changes, and goes home with its reply.
 *
 *     FREE -> DECODED -> (TRAVELLING -> RUN) | RUN -> WAITING (for the disk) -> SENDING -> FREE
 *
 * Only the shard that holds the slot touches it; the mailbox hands it over and back. A reply is
 * written when the command runs and is held back until batch `wait_batch` of shard `wait_shard` is
 * durable (K5); wait_batch 0 waits for nothing.
 *
 * Ownership  A fixed number per shard, in that shard's arena; home is the shard it arrived at.
 * Threads    One at a time, see above.
 * Units      Bytes; indexes are slots.
 * Errors     A reply that does not fit sets reply.overflow and becomes 503 overloaded, before any
 *            effect: a shard asks reply_room() first (see REQUEST_REPLY_SMALL).
 * Cost       About 20 KiB a slot, most of it items and texts that a small request never touches.
 */
#ifndef HOTSHELF_NET_LOOP_REQUEST_H
#define HOTSHELF_NET_LOOP_REQUEST_H

#include <stdint.h>

#include "core/command.h"
#include "core/engine.h"

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
    REQUEST_RUN, /* ran; its reply is complete but may have to wait for the disk */
    REQUEST_SENDING,
};

/* What shall be done with the reply; the body is written at data + REQUEST_HEAD_SIZE. */
struct reply {
    uint8_t *data;
    uint32_t size_max;
    uint32_t start; /* after the head is put before the body: first byte to send */
    uint32_t end;
    bool overflow;
    bool close; /* the connection ends after it */
};

struct request {
    enum request_state state;
    uint8_t home;             /* shard that received it */
    uint8_t wait_shard;
    uint8_t protocol;         /* enum request_protocol */
    uint8_t route;            /* enum http_route: how to render */
    bool keep_alive;
    bool head_only;           /* HEAD: no body is sent */
    bool needs_room;          /* came home unrun: attach a large reply and send it again */
    uint32_t connection_index;
    uint32_t connection_generation;
    uint32_t next;            /* in the connection's queue, in the order sent */
    uint32_t large;           /* index of the large reply + 1; 0 none */
    uint64_t wait_batch;

    struct command command;
    uint64_t if_version;      /* If-Match, If-None-Match; UINT64_MAX none */
    uint32_t text_used;
    uint8_t request_id_size;
    uint8_t request_id[REQUEST_ID_SIZE_MAX];
    struct reply reply;

    struct command_item items[LINES_PER_ORDER_MAX];
    uint8_t text[REQUEST_TEXT_SIZE];
    uint8_t small[REQUEST_HEAD_SIZE + REQUEST_REPLY_SMALL];
};

/* Copies bytes into the slot's own text, so that they live as long as the request. Answers
 * data == NULL when there is no room (the caller refuses with 413). */
struct bytes request_keep(struct request *request, struct bytes bytes);
/* Empties a slot for a new request, reply in the small buffer. */
void request_reset(struct request *request);

#endif
