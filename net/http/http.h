/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http - from a parsed request to a command, and from an answer to a reply.
 *
 *     http_parse_head() -> http_decode() --ANSWERED--> reply is written
 *                               |
 *                               +--COMMAND--> engine of request->target runs it --> http_render()
 *
 * Ownership  Everything a request needs after decoding is in its slot (loop/request.h).
 * Threads    http_decode() runs on the shard the request arrived at and may read what is shared
 *            (catalog, stock); http_render() runs on the shard that ran the command.
 * Units      Bytes.
 * Errors     A refusal is a complete application/problem+json reply, never an error code here.
 * Cost       One pass over the request, one over the reply; no allocation.
 */
#ifndef HOTSHELF_NET_HTTP_HTTP_H
#define HOTSHELF_NET_HTTP_HTTP_H

#include "core/shelf.h"
#include "net/address.h"
#include "net/config.h"
#include "net/http/bearer.h"
#include "net/http/identity.h"
#include "net/http/parser.h"
#include "net/http/sse.h"
#include "net/loop/request.h"
#include "net/loop/shed.h"

enum http_listener { HTTP_STOREFRONT, HTTP_ADMIN, HTTP_LISTENERS };

/* What the decoders and renderers may look at besides the request: fixed per shard. */
struct http_context {
    const struct config *config;
    struct shelf *shelf;
    uint32_t shard;
    uint32_t shard_count;
    struct moment now; /* refreshed by the shard at the start of each tick */
    int64_t clock_ms;  /* the wall clock as it is: what others signed is judged by it */
    uint8_t date[32];  /* "Sat, 21 Nov 2026 03:00:00 GMT", refreshed once a second */
    uint32_t date_size;
    uint64_t request_counter; /* for made X-Request-Ids */
    int64_t made_wall_ms;     /* the moment that made_id is of */
    uint8_t made_id[16];      /* one of them but for its last eight digits */
    bool recovering;          /* not yet selling: 503 recovering but for livez, readyz */
    bool (*ready)(void *host, uint8_t *json, uint32_t size_max, uint32_t *size); /* named checks */
    /* Gives the request a reply of at least `bytes` of body, on its home shard only; false: none is
     * free now. */
    bool (*enlarge)(void *host, struct request *request, uint32_t bytes);
    void (*roll)(void *host); /* fresh dice into now.random */
    /* Makes the request a stream of its first `count` items, and puts the first event together;
     * false: no room. NULL: there are no streams. */
    bool (*subscribe)(void *host, struct request *request, uint32_t count, struct sse_event *first);
    uint32_t refused;    /* bit per enum shed_work: what there is no time or room for */
    struct rates *rates; /* NULL: nobody is asked how often he may ask */
    /* Who is at the other end of the request's connection. */
    void (*peer)(void *host, const struct request *request, struct address *peer);
    void *host;
    const struct identity *identity; /* keys and tokens; may be another one after a tick */
    struct bearer *bearer;           /* NULL: auth.mode = header */
    struct decode_room *room;        /* where bodies are taken apart; of this shard */
    int64_t as_of_wall_ms;           /* the moment whose text stands in as_of */
    char as_of[26];
};

/* Once per shard, before the arena is sealed: clears the context, keeps what is given and takes
 * the working memory of the decoders. The caller then sets now, date, ready, enlarge and host. */
void http_init(struct http_context *context, struct arena *arena, const struct config *config,
    struct shelf *shelf, const struct identity *identity, uint32_t shard, uint32_t shard_count);

enum http_verdict {
    HTTP_ANSWERED, /* request->reply is complete */
    HTTP_COMMAND,  /* request->work->command is complete: run it on request target shard */
    HTTP_IMPORT,   /* admin import: the body is streamed into the spool, see http/import.h */
    HTTP_WAITS,    /* enlarge() said no: nothing has happened, decode it again when one is free */
};

/* Decodes one complete request (for HTTP_IMPORT: its head). `target` is the shard to run it on.
 * ANSWERED replies of products and availability wait for nothing. */
enum http_verdict http_decode(struct http_context *context, enum http_listener listener,
    const struct http_request *parsed, struct request *request, uint32_t *target);

/* Upper bound of the reply's body for this command now, so that room is found before any effect:
 * the owner calls it before decide (a cart may be long). */
uint32_t http_reply_bound(const struct engine *engine, const struct request *request);

/* The wall time of a deadline on the shelf clock; 0 for 0, and in a freeze, when none is known. */
int64_t http_wall_of(const struct http_context *context, uint64_t shelf_ms);
/* When a checkout said that its payment is due, on the wall clock: a freeze or an outage moves the
 * deadline, not what was said (I3). 0: at no time. */
int64_t http_first_due(const struct fact_order *order);

/* Writes the whole reply of a command that has run. false: it does not fit; needs_room is set, and
 * the request shall go home for a large reply and run once more, which every command here bears
 * (only replays and reads can come to this: http_reply_bound() covers the rest). */
bool http_render(struct http_context *context, const struct engine *engine, struct request *request,
    const struct answer *answer);

/* Replies that the loop itself has to give: bytes the parser refused (status and reason), no room
 * to receive a large request (503 overloaded), body over the limit. */
void http_refuse(struct http_context *context, struct request *request, uint32_t status,
    const char *code, const char *detail);

#endif
