/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io - the seam: through it, and only through it, the loop reaches the kernel.
 *
 *     io_accept, io_receive, io_send, io_write, io_bell     ask for work
 *     io_submit                                             hands it over and waits
 *     io_reap                                               what has happened since
 *
 * Two backends stand behind it, chosen when an io is made: io_uring (net/loop/uring.c), where the
 * only system call of a tick is the one in io_submit, and epoll (net/loop/epoll.c), for kernels and
 * containers that forbid io_uring. The caller cannot tell them apart, but by their cost.
 *
 * Every piece of work carries a tag: a kind, a slot and the slot's generation. Its completion
 * brings the tag back, and the owner of the slot drops one whose generation is over. Slot and
 * generation of a receive or a send name one socket, whose bytes are received by one receive and
 * sent by one send at a time; the generation changes when the socket has been closed. Accept and
 * receive go on by themselves: their completions say `more` until the last one, after which the
 * caller must ask again. Bytes arrive in one of a fixed number of buffers which the caller gives
 * back soon (io_give_buffer); when none is left, receiving ends with -ENOBUFS and must not be asked
 * for again before a buffer has come back, or it would end at once, again and again.
 *
 * Ownership  Memory of a struct io comes from the arena it was made in. Bytes to send or write stay
 *            the caller's and must not change until the completion; iovecs until the next
 *            io_submit.
 * Threads    One: the one that called io_open. Only io_alarm may be called by others.
 * Units      Bytes, nanoseconds to wait, milliseconds of clocks.
 * Errors     Negative errno in io_completion.result, as the kernel gives it; -errno from io_open.
 *            Completions can never be lost: their number is bounded by what is in flight (CHECK).
 * Cost       io_uring: some 10 ns to ask, one system call per io_submit. epoll: one system call
 *            more for each buffer received, send, client and bell, two for a write.
 */
#ifndef HOTSHELF_NET_IO_H
#define HOTSHELF_NET_IO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "core/arena.h"
#include "net/address.h"

enum {
    IO_BUFFER_SIZE = 16384,     /* bytes of one receive: a deep pipeline in one piece */
    IO_BUFFERS_MAX = 1024,      /* of one ring; beyond it receiving pauses */
    IO_BACKLOG = 1024,          /* connections that may wait to be accepted, per listener */
    IO_LISTENERS_MAX = 4,       /* of one ring */
    IO_GENERATION_BITS = 24,    /* of a tag */
    IO_NO_BUFFER = 0xffff,      /* io_completion.buffer without bytes */
    IO_CONNECTIONS_MAX = 16384, /* of one ring: completions in flight must fit a ring of 65536 */
};

enum io_kind { IO_NONE, IO_ACCEPT, IO_RECEIVE, IO_SEND, IO_WRITE, IO_WAKE, IO_CANCEL, IO_BELL };

struct io_tag {
    enum io_kind kind;
    uint32_t generation; /* IO_GENERATION_BITS */
    uint32_t index;      /* of the caller's slot */
};

struct io_completion {
    struct io_tag tag;
    int32_t result; /* a count of bytes, a socket, or a negative errno */
    bool more;      /* accept, receive: it goes on by itself */
    uint16_t buffer;
    const uint8_t *data; /* received bytes, in `buffer` */
};

struct io_options {
    uint32_t connections; /* tags of receives and sends have a smaller index */
    bool epoll;           /* else io_uring */
};

struct io_times {
    uint64_t monotonic_ms;
    int64_t wall_ms;
};

struct io;

/* Takes the memory; makes no system call. */
struct io *io_create(struct arena *arena, const struct io_options *options);
/* Opens it in the thread that will use it. `reason` names what the kernel refused. */
int io_open(struct io *io, const char **reason);
/* When nothing is in flight any more that the caller's memory is needed for. */
void io_close(struct io *io);
/* What it runs on, with what an older kernel has refused. */
const char *io_name(const struct io *io);

/* The index of the tag is below IO_LISTENERS_MAX. */
void io_accept(struct io *io, int listening, struct io_tag tag);
/* `once`: one buffer, then it has ended. Otherwise it goes on, and one burst may take dozens. */
void io_receive(struct io *io, int socket, bool once, struct io_tag tag);
/* Ends a receive that goes on; what it had received still arrives. */
void io_stop_receive(struct io *io, struct io_tag tag);
void io_send(
    struct io *io, int socket, const struct iovec *parts, uint32_t count, struct io_tag tag);
/* Durable when it completes with the whole size. One at a time. */
void io_write(
    struct io *io, int file, const void *data, uint32_t size, uint64_t offset, struct io_tag tag);
/* Wakes another loop, of the same backend, that waits in io_submit; it sees an IO_WAKE. */
void io_bell(struct io *io, const struct io *other);
/* The same from a thread without a loop. A system call. */
void io_alarm(const struct io *other);

void io_give_buffer(struct io *io, uint16_t buffer);
/* Buffers that the kernel can still fill. */
uint32_t io_buffers_left(const struct io *io);

/* Hands over what was queued; waits for a completion for at most wait_ns (0: not at all). */
void io_submit(struct io *io, uint64_t wait_ns);
/* .. for so many completions; epoll, which wakes for each, does not wait for more than one. */
void io_submit_and_gather(struct io *io, uint64_t wait_ns, uint32_t completions);
/* One call hands out only a part of what has come, the rest waits in the kernel, unseen: it is
 * handed out, too. Costs nothing when all is here. */
void io_get_rest(struct io *io);
/* Fills at most `room` completions; fewer than that means there are no more for now. */
uint32_t io_reap(struct io *io, struct io_completion *completions, uint32_t room);

/* Sockets end with these two: shutdown, then, when nothing is in flight, close. */
void io_shutdown_socket(struct io *io, int socket);
void io_close_socket(struct io *io, int socket);
/* No more will be sent; bytes still come. */
void io_finish_socket(struct io *io, int socket);
/* Says why in one packet, if it fits at once, and hangs up; by a reset if there is nothing to say.
 */
void io_reject_socket(struct io *io, int socket, const void *data, uint32_t size);

/* Who is at the other end; a system call. ADDRESS_NONE: he is gone. */
struct address io_peer(const struct io *io, int socket);

/* Of the monotonic clock. */
uint64_t io_now_us(struct io *io);
struct io_times io_now(const struct io *io);
/* Bytes that nobody can guess. */
void io_random(struct io *io, void *data, uint32_t size);

#endif
