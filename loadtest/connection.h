/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connection - one keep-alive HTTP/1.1 connection of a customer: one request, one answer, and so
 * on.
 *
 *     CLOSED --start--> CONNECTING --> BUSY (sending, receiving) --answer--> IDLE --start--> BUSY
 * ... ^                  |            |                                     |
 *        +------------------+------------+---- lost, or the server closes -----+
 *
 * The request stands in `out` until the next one is written, so that after a loss the very same
 * bytes can be sent again on a new connection.
 *
 * Ownership  Buffers are the caller's, of the sizes below; the reply points into `in` and is valid
 *            until the next connection_start().
 * Threads    One at a time.
 * Units      Bytes.
 * Errors     A loss is an answer (CONNECTION_LOST with errno in `reason`), not an error.
 * Cost       No memory is taken. Two system calls a request when the answer comes in one piece.
 */
#ifndef HOTSHELF_LOADTEST_CONNECTION_H
#define HOTSHELF_LOADTEST_CONNECTION_H

#include "loadtest/endpoint.h"
#include "loadtest/reply.h"

#include <stdint.h>

/* Head (16 KiB at most) and body (64 KiB at most) of a request as the server takes it. */
#define CONNECTION_OUT_SIZE (80 * 1024)

/* An order of 512 lines, each with a SKU, a seller and a sale of full length, with room to spare.
 */
#define CONNECTION_IN_SIZE (512 * 1024)

enum connection_state {
    CONNECTION_CLOSED,
    CONNECTION_CONNECTING,
    CONNECTION_BUSY,
    CONNECTION_IDLE,
};

enum connection_answer { CONNECTION_WAITING, CONNECTION_REPLIED, CONNECTION_LOST };

struct connection {
    const struct endpoint *endpoint;
    int epoll;
    void *epoll_data; /* what epoll_wait() hands back for this connection */
    int fd;
    enum connection_state state;
    int reason;
    char *out;
    size_t out_size;
    size_t out_sent;
    char *in;
    size_t in_size;
    struct reply reply;
    uint64_t connect_count;
};

/* Sends out[0 .. out_size - 1], connecting first when it must. */
enum connection_answer connection_start(struct connection *connection);

/* Goes on after epoll_wait() named this connection (edge-triggered). */
enum connection_answer connection_continue(struct connection *connection);

void connection_close(struct connection *connection);

#endif
