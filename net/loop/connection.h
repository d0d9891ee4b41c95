/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connection - one client's bytes in and out: what has come and is not yet a request, the requests
 * under way in the order they were sent, and the replies on their way.
 *
 *     FREE -> OPEN --reply with close sent--> LINGERING --end of input, 2 s--> CLOSING -> FREE
 *               \---error, end of input, time out------------------------------^
 *
 *     received buffers --connection_input--> one request at a time --queue--> replies --> one send
 *                 \--connection_keep--> tail: the beginning of a request, in a buffer of our own
 *
 * Received buffers are shared by all connections of a shard, so they are parsed in place and given
 * back within the tick; only a connection whose next request cannot run yet keeps some, and stops
 * receiving meanwhile. A request that has come in part is copied into the tail: a small one that
 * each connection has, or a large one from a pool.
 *
 * A socket is closed in this order: shut down, wait until the kernel is done with everything that
 * was in flight, close, generation + 1, free. A completion of an older generation is dropped.
 *
 * Ownership  One struct connections per shard, in its arena. Slots of requests in the queue belong
 *            to the connection until they are sent.
 * Threads    The shard's own.
 * Units      Bytes; milliseconds of the monotonic clock; indexes are slots, NONE is no slot.
 * Errors     connection_keep() is false when no large tail is left (the caller answers 503).
 * Cost       O(1) each.
 */
#ifndef HOTSHELF_NET_LOOP_CONNECTION_H
#define HOTSHELF_NET_LOOP_CONNECTION_H

#include "core/bytes.h"
#include "net/address.h"
#include "net/http/parser.h"
#include "net/io.h"
#include "net/loop/places.h"
#include "net/loop/request.h"
#include "net/resp/session.h"

#define CONNECTION_NONE UINT32_MAX

enum {
    CONNECTION_REQUESTS_MAX =
        16, /* under way on one connection: deeper pipelines wait their turn */
    CONNECTION_REQUESTS_SHORT = 2, /* .. while few slots are left */
    CONNECTION_TAIL_SIZE = 2048,   /* a request that came in two pieces; nearly all fit */
    CONNECTION_BUFFERS_HELD = 4,   /* received and not parsed: beyond it receiving stops */
    RESUMES_PER_MS = 2,            /* of those who paused: a crowd of them comes back one by one */
    PAUSE_MS = 100,                /* of who asks more often than he may */
    LINGER_MS = 2000,       /* for the client to read the last reply before the socket ends */
    STALL_MS = 30000,       /* an import that does not go on, an event that is not taken */
    STARVE_MS = 100,        /* a reply not taken while others wait for receive buffers */
    SHORT_MS = 2000,        /* .. or for slots or large replies, and nothing of it goes on */
    SHORT_FLUSH_MS = 10000, /* .. however slowly it goes on */
};

enum connection_state {
    CONNECTION_FREE,
    CONNECTION_OPEN,
    CONNECTION_LINGERING,
    CONNECTION_CLOSING,
};

/* Lists that a connection can stand on, each at most once. */
enum connection_list {
    LIST_INTAKE,    /* may have a request to parse */
    LIST_BACKLOG,   /* .. and others under way, or had its turn: after those on LIST_INTAKE */
    LIST_BACK_ENDS, /* the same of whoever did not come by the storefront's door */
    LIST_FLUSH,     /* may have replies to send */
    LIST_STALLED,   /* has a request that finds no room in the shard now */
    LIST_LARGE,     /* has a request that needs a large reply, and none is free */
    LIST_STARVED,   /* wants to receive and there is no buffer */
    LIST_PAUSED,    /* is neither read nor received from until pause_ms, in this order */
    LIST_COUNT,
};

/* "100 Continue" for the request begun. */
enum connection_greeting { GREETING_NONE, GREETING_DUE, GREETING_SENDING, GREETING_SENT };

struct connection {
    int socket;
    uint8_t state;    /* enum connection_state */
    uint8_t listener; /* enum http_listener, or DOOR_RESP */
    uint8_t listed;   /* bit per enum connection_list */
    bool receiving;
    bool heard;    /* anything at all */
    bool calm;     /* all that was heard was used up: the receive may go on by itself */
    bool stopping; /* io_stop_receive is under way */
    bool sending;
    bool end_of_input;
    bool last_request;   /* the reply to the newest request ends the connection */
    bool importing;      /* bytes belong to an import's body */
    uint8_t greeting;    /* enum connection_greeting */
    uint32_t subscriber; /* its index + 1: nothing but its stream goes on here; 0 none */
    uint32_t generation;
    uint32_t free_link;
    uint32_t in_flight; /* completions still to come */
    uint32_t link[LIST_COUNT];

    /* received and not parsed: buffers, of the first one what is left */
    uint16_t buffer_first, buffer_last;
    uint32_t buffer_count;
    uint32_t buffer_start;
    uint8_t *tail;
    uint32_t tail_size, tail_room;
    uint32_t tail_borrowed; /* bytes at its end that still stand in the first buffer, too */
    uint32_t tail_large;    /* index of the large tail + 1 */
    struct http_progress progress;
    struct resp_session resp; /* of DOOR_RESP */
    uint32_t place;           /* of its address; see places.h */
    struct address peer;      /* ADDRESS_NONE: nobody has asked for it yet */
    struct limit_told told;   /* of the request at the front of the input: it was counted */

    /* requests in the order sent */
    uint32_t first, last, count;
    uint32_t unrun; /* the newest of them that has not run yet; REQUEST_NONE none */
    uint32_t part_first, part_count; /* of parts: not yet taken by the kernel */
    uint32_t parts_requests;         /* at the head of the queue: their replies are being sent */
    uint64_t pause_ms;               /* until then nothing of it is read */
    uint64_t turn_ms;                /* it was put on LIST_INTAKE */
    uint64_t begun_ms;               /* the request in the tail */
    uint64_t sent_ms;                /* the kernel last took some of what is being sent */
    uint64_t flush_ms;               /* .. and since when it is being sent */
    uint64_t active_ms;              /* last progress in either direction */
    struct iovec parts[CONNECTION_REQUESTS_MAX];
};

struct connections {
    struct connection *slots;
    struct io *io;
    struct places *places; /* where those are given back that have one */
    uint32_t count;
    uint32_t open;      /* slots in use */
    uint32_t used;      /* slots ever in use */
    uint32_t free_link; /* index + 1 of the first slot given back; 0 none */
    uint8_t *tails;     /* CONNECTION_TAIL_SIZE each */
    uint8_t *large_tails;
    uint32_t large_size;
    uint32_t large_count;
    uint32_t large_used;
    uint32_t large_link;
    uint32_t *large_next;
    uint16_t buffer_next[IO_BUFFERS_MAX];
    uint32_t buffer_size[IO_BUFFERS_MAX];
    const uint8_t *buffer_data[IO_BUFFERS_MAX];
    struct {
        uint32_t first, last;
    } lists[LIST_COUNT];
    uint64_t now_ms;
    uint64_t resumed_ms; /* somebody's pause ended */
};

/* large_size bytes hold the largest request; large_count such tails for all connections. */
void connections_init(struct connections *connections, struct arena *arena, struct io *io,
    uint32_t count, uint32_t large_size, uint32_t large_count);

/* CONNECTION_NONE when the table is full. Receiving begins. */
uint32_t connection_open(struct connections *connections, int socket, uint8_t listener);
/* Begins the end; requests in the queue must have been taken off before, but those being sent. */
void connection_close(struct connections *connections, uint32_t index);
/* Frees the slot once nothing is in flight and no reply is being sent. */
void connection_settle_close(struct connections *connections, uint32_t index);
/* No more is sent; what still comes is thrown away until the client hangs up. */
void connection_linger(struct connections *connections, uint32_t index);

/* The connection that a completion is about, or NULL when its slot was used again since. */
struct connection *connection_of(struct connections *connections, struct io_tag tag);
uint32_t connection_index(
    const struct connections *connections, const struct connection *connection);

/* Keeps received bytes; the buffer goes back to the kernel when they are used up or dropped. */
void connection_received(struct connections *connections, struct connection *connection,
    const struct io_completion *bytes);
/* Asks to receive again where that has ended and may go on. */
void connection_receive_on(struct connections *connections, struct connection *connection);

/* The bytes from the beginning of the next request, as many as stand in one piece. */
struct bytes connection_input(struct connections *connections, struct connection *connection);
/* The first `size` bytes of the input are used up. */
void connection_consume(
    struct connections *connections, struct connection *connection, uint32_t size);
/* Throws away all that has come and was not parsed; answers how many bytes. */
uint32_t connection_ignore(struct connections *connections, struct connection *connection);
/* The input is the beginning of a request: moves it into the tail. */
bool connection_keep(struct connections *connections, struct connection *connection);
/* More than connection_input() showed has come. */
bool connection_has_more(const struct connection *connection);

/* Neither read nor received from for PAUSE_MS. */
void connection_pause(struct connections *connections, uint32_t index);
bool connection_is_paused(
    const struct connections *connections, const struct connection *connection);
/* Puts those whose pause is over on their backlog. */
void connections_resume(struct connections *connections);
/* Until the first of them; UINT64_MAX: there is none. */
uint64_t connections_pause_ms(const struct connections *connections);

/* Where it waits for its next turn. */
enum connection_list connection_backlog(const struct connection *connection);
/* May have a request to parse: on LIST_INTAKE, or on its backlog if it asks for more than one at a
 * time. */
void connection_ready(struct connections *connections, uint32_t index);
void connection_list(struct connections *connections, enum connection_list list, uint32_t index);
/* Takes the first off the list; CONNECTION_NONE when it is empty. */
uint32_t connection_unlist(struct connections *connections, enum connection_list list);
/* Puts all of one list behind another. */
void connection_list_all(
    struct connections *connections, enum connection_list from, enum connection_list to);

#endif
