/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring - io_uring as a client of thousands of connections wants it: one submitter, completions
 * worked off when it asks for them, received bytes in buffers that all connections share.
 *
 * Ownership  ring_open() takes memory, ring_close() gives it back. The bytes of a receive belong to
 *            its taker until ring_give().
 * Threads    The one that opened it.
 * Units      Nanoseconds, bytes.
 * Errors     Negative errno. ring_open() says on stderr what has to be allowed.
 * Cost       ring_turn(): one system call for everything that was entered.
 */
#ifndef HOTSHELF_LOADTEST_RING_H
#define HOTSHELF_LOADTEST_RING_H

#include <liburing.h>
#include <stdint.h>

#define RING_BUFFER_SIZE 4096
#define RING_BUFFER_COUNT 2048
#define RING_BUFFER_GROUP 0

struct ring {
    struct io_uring uring;
    bool is_open;
    struct io_uring_buf_ring *buffer_ring;
    char *buffers;
};

int ring_open(struct ring *ring);
void ring_close(struct ring *ring);

/* Room for one more thing to do; what was entered before goes to the kernel when there is none. */
struct io_uring_sqe *ring_entry(struct ring *ring);

/* Hands over what was entered and waits so long for the first completion; 0: not at all. */
int ring_turn(struct ring *ring, uint64_t wait_ns);

/* The bytes of a receive's completion, which has IORING_CQE_F_BUFFER. */
const char *ring_data(const struct ring *ring, const struct io_uring_cqe *completion);
void ring_give(struct ring *ring, const struct io_uring_cqe *completion);

#endif
