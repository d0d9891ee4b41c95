/* SPDX-License-Identifier: Apache-2.0 */
/*
 * echo - the floor: what a request and its reply cost when nothing is decided in between.
 *
 * The same receives and sends on io_uring as a server makes, and nothing else: multishot accept,
 * multishot receive into provided buffers, one send for each reply, all of a tick handed over in
 * the one system call. A request is over when request_size bytes have come; every reply is the same
 * reply_size bytes, in HTTP or as a string of the Redis protocol. Nothing is parsed.
 *
 * Ownership  echo_open() takes all memory and the listening socket, for the life of the process.
 * Threads    The one that called echo_open().
 * Units      Bytes.
 * Errors     echo_open(): a negative errno. A connection that breaks is closed and forgotten.
 * Cost       One io_uring_enter() a tick, however many requests it carries.
 */
#ifndef HOTSHELF_BENCH_FLOOR_ECHO_H
#define HOTSHELF_BENCH_FLOOR_ECHO_H

#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>

/* Connections are found by their file descriptor. */
#define ECHO_DESCRIPTORS_MAX 4096
#define ECHO_REPLIES_PER_SEND 64
#define ECHO_BUFFERS 256 /* one after another they are all used: few stay in the cache */
#define ECHO_BUFFER_SIZE 16384 /* a deep pipeline comes in few pieces */
#define ECHO_REQUEST_SIZE_MAX 65536
#define ECHO_REPLY_SIZE_MAX 65536

struct echo_connection {
    uint32_t received;  /* bytes of the request under way */
    uint32_t due;       /* replies not handed to a send yet */
    uint32_t send_size; /* of the send in flight; 0 when there is none */
};

struct echo {
    struct io_uring ring;
    struct io_uring_buf_ring *buffer_ring;
    uint8_t *buffers;
    char *replies; /* ECHO_REPLIES_PER_SEND times the same */
    uint32_t request_size;
    uint32_t reply_size;
    int listener;
    uint16_t port;
    struct echo_connection connection[ECHO_DESCRIPTORS_MAX];
};

struct echo_plan {
    uint16_t port;    /* of 127.0.0.1; 0 takes any free one, which stands in echo->port */
    const char *path; /* of a Unix socket instead; NULL: the port */
    uint32_t request_size;
    uint32_t reply_size;
    bool is_resp;
};

int echo_open(struct echo *echo, const struct echo_plan *plan);

/* One tick: hand over and wait, take what came, prepare what follows. A negative errno ends it. */
int echo_tick(struct echo *echo);

#endif
