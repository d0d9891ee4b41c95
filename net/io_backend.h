/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io_backend - what io.c, which everybody calls, knows of the two that do the work.
 *
 *     io_receive(io, ..) --io.c--> io->backend->receive(io, ..) --> uring.c or epoll.c
 *
 * Each backend's own struct begins with struct io. What both have alike is kept here, so that no
 * call is passed on for it: the buffers, their count, the eventfd that other threads write to.
 *
 * Ownership  As in io.h.
 * Threads    As in io.h.
 * Units      As in io.h.
 * Errors     As in io.h.
 * Cost       One indirect call for each operation.
 */
#ifndef HOTSHELF_NET_IO_BACKEND_H
#define HOTSHELF_NET_IO_BACKEND_H

#include "net/io.h"

struct io_backend {
    int (*open)(struct io *io, const char **reason);
    void (*close)(struct io *io);
    void (*accept)(struct io *io, int listening, struct io_tag tag);
    void (*receive)(struct io *io, int socket, bool once, struct io_tag tag);
    void (*stop_receive)(struct io *io, struct io_tag tag);
    void (*send)(
        struct io *io, int socket, const struct iovec *parts, uint32_t count, struct io_tag tag);
    void (*write)(struct io *io, int file, const void *data, uint32_t size, uint64_t offset,
        struct io_tag tag);
    void (*bell)(struct io *io, const struct io *other);
    void (*give_buffer)(struct io *io, uint16_t buffer);
    void (*submit)(struct io *io, uint64_t wait_ns, uint32_t completions);
    void (*get_rest)(struct io *io); /* NULL: submit hands out all */
    uint32_t (*reap)(struct io *io, struct io_completion *completions, uint32_t room);
};

struct io {
    const struct io_backend *backend;
    const char *name;
    uint32_t connections;
    uint8_t *buffers;
    uint32_t buffer_count;
    uint32_t buffers_out; /* with the caller */
    int alarm;            /* an eventfd, -1 while closed */
};

struct io *io_create_uring(struct arena *arena, const struct io_options *options);
struct io *io_create_epoll(struct arena *arena, const struct io_options *options);

/* The part that both begin with, its buffers taken. */
struct io io_begin(struct arena *arena, const struct io_backend *backend, const char *name,
    const struct io_options *options);
/* The kernel wants whole pages. */
void *io_take_pages(struct arena *arena, const char *name, uint64_t size);

#endif
