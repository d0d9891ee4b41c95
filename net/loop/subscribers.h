/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subscribers - who watches which SKUs on this shard, what of it was last seen, and who has to be
 * told. No sockets here: streaming.c sends what is put together here.
 *
 *     watched SKU <--edge--> selection <-- subscribers (each with a buffer of its own)
 *     state last seen        a set of SKUs, shared by all who asked for the same
 *
 *     FREE -> OPENING -> IDLE --news, comment, end--> DUE -> SENDING -> IDLE .. -> FREE
 *              first event       in the order they became due          \-> LEFT -> FREE
 *
 * Each change has a number. A selection has its SKUs in the order of their last changes, and a
 * subscriber knows the number up to which he was told: what he lacks is the end of that list. So
 * what happens while he takes an event coalesces, an event that does not fit into his buffer goes
 * on in the next one, and nothing is kept for each pair of subscriber and SKU.
 *
 * What an event says was read in the tick in which it is put together (A1): a SKU that was last
 * looked at in an earlier tick is looked at again.
 *
 * Ownership  Everything is in the arena. Bytes in a subscriber's buffer stay until he is told that
 *            they were sent, also when he has left meanwhile.
 * Threads    The shard's own.
 * Units      Indexes are slots, SUBSCRIBER_NONE is no slot.
 * Errors     subscribers_join() answers SUBSCRIBER_NONE when a table is full, and has done nothing.
 * Cost       A look-up for each SKU watched and look. join, leave: O(SKUs). A change: O(selections
 *            that have the SKU), and of each its subscribers once a look.
 */
#ifndef HOTSHELF_NET_LOOP_SUBSCRIBERS_H
#define HOTSHELF_NET_LOOP_SUBSCRIBERS_H

#include "net/http/decode.h"
#include "net/http/offer.h"
#include "net/http/sse.h"

#define SUBSCRIBER_NONE UINT32_MAX

enum {
    SUBSCRIBER_BUFFER_SIZE = 2048, /* one event of some 20 SKUs; more of them come in several */
    SELECTED_SKUS_EACH = 8,        /* edges for each subscriber: most watch one product, or what
                                    * others watch as well, which costs nothing more */
    SELECTED_SKUS_MIN = 4096,      /* .. but so many for a shard */
    WATCHED_SKUS_EACH = 2,
    WATCHED_SKUS_MIN = 1024,
    LOOK_MS = 50,          /* between two looks at the SKUs watched */
    LOOKS_PER_TICK = 1024, /* some 300 us: the rest in the next tick */
    EVENTS_PER_TICK = 64,  /* put together and sent in one tick: others are served between them */
    COMMENT_MS = 15000,    /* a comment for each subscriber */
    COMMENT_LOOKS = COMMENT_MS / LOOK_MS, /* .. spread over so many looks */
};

struct watched {
    uint32_t edges; /* selections that have it; 0: free */
    uint32_t edge_first;
    uint32_t next; /* in its bucket, or of the free ones: index + 1 */
    uint32_t item_size;
    uint64_t changed; /* number of its last change */
    uint64_t looked;  /* tick */
    uint64_t joined;  /* the join that has counted it last */
    struct offer offer;
    uint64_t hash;
    uint8_t sku_size;
    uint8_t sku[SKU_SIZE_MAX];
    uint8_t item[OFFER_ITEM_SIZE_MAX]; /* as JSON */
};

struct edge {
    uint32_t watched;
    uint32_t selection;
    uint32_t next, previous;               /* in the selection */
    uint32_t of_sku_next, of_sku_previous; /* of the same SKU */
};

struct selection {
    uint64_t hash;                  /* sum of its SKUs' */
    uint32_t count;                 /* SKUs; 0: free */
    uint32_t next;                  /* in its bucket, or of the free ones: index + 1 */
    uint32_t edge_first, edge_last; /* the last one has changed last */
    uint32_t subscriber_first;
    uint32_t stirred_next;
    bool stirred; /* its subscribers are not yet told that there is news */
};

enum subscriber_state {
    SUBSCRIBER_FREE,
    SUBSCRIBER_OPENING,
    SUBSCRIBER_IDLE,
    SUBSCRIBER_DUE,
    SUBSCRIBER_SENDING,
    SUBSCRIBER_LEFT,
};

struct subscriber {
    uint8_t state; /* enum subscriber_state */
    bool chunked;
    bool comment_due;
    bool ending; /* the next bytes are the last ones */
    bool ended;
    uint32_t connection_index;
    uint32_t selection;
    uint32_t next, previous; /* with the same selection; next: of the free ones, index + 1 */
    uint32_t due_next, due_previous;
    uint32_t ignored;  /* bytes that he has sent */
    uint64_t told;     /* number of the last change he was told of */
    uint64_t begun_ms; /* the send under way */
};

struct subscribers {
    uint32_t count, watched_count, edge_count;
    uint32_t open;   /* subscribers that are not free */
    uint64_t seed;   /* of the hashes; set before the first join */
    uint64_t tick;   /* counts calls of subscribers_look() */
    uint64_t change; /* number of the last one */
    uint64_t join;
    uint64_t dropped; /* subscribers who did not take what they were sent */

    struct subscriber *subscribers;
    uint8_t *buffers; /* SUBSCRIBER_BUFFER_SIZE each */
    uint32_t subscribers_used, subscriber_free;
    uint32_t due_first, due_last;

    struct watched *watched;
    uint32_t *watched_buckets; /* index + 1 */
    uint32_t watched_used, watched_free, watched_open, bucket_mask;
    uint32_t look_at; /* the next to look at; watched_used: all were */

    struct selection *selections; /* as many as subscribers */
    uint32_t *selection_buckets;
    uint32_t selections_used, selection_free;
    uint32_t stirred_first;

    struct edge *edges;
    uint32_t edges_used, edge_free, edges_open;
    uint32_t chosen[DECODE_SKUS_MAX]; /* by a join under way: indexes of SKUs, each once */
};

/* count 0: nobody can join, and nothing is taken. */
void subscribers_init(struct subscribers *subscribers, struct arena *arena, uint32_t count);

/* He watches these SKUs, each once in the order asked; all of them go into the first event, which
 * has room. OPENING until subscribers_sent(). */
uint32_t subscribers_join(struct subscribers *subscribers, struct http_context *context,
    const struct command_item *items, uint32_t item_count, struct sse_event *first);
/* He is gone. His slot is free at once, or, when his buffer is being sent, by subscribers_sent().
 */
void subscribers_leave(struct subscribers *subscribers, uint32_t index);

/* The next tick; with `begin`, from here on every watched SKU is looked at once more. False when
 * some are left for the next tick. */
bool subscribers_look(struct subscribers *subscribers, struct http_context *context, bool begin);
/* Every subscriber whose index leaves this remainder of COMMENT_LOOKS is due for a comment. */
void subscribers_remind(struct subscribers *subscribers, uint32_t remainder);
/* He gets the end of the stream next. */
void subscribers_end(struct subscribers *subscribers, uint32_t index);

/* Who has been due longest; SUBSCRIBER_NONE nobody. */
uint32_t subscribers_next(struct subscribers *subscribers);
/* Puts together what he has to be told. Size 0: the stream has ended and there is nothing to send;
 * otherwise the bytes are his until subscribers_sent(). */
struct bytes subscribers_write(
    struct subscribers *subscribers, struct http_context *context, uint32_t index);
/* What he was sent has gone, or never will. */
void subscribers_sent(struct subscribers *subscribers, uint32_t index);

/* Proves that lists and counts agree; for tests. */
void subscribers_check(const struct subscribers *subscribers);

#endif
