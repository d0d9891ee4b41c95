/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passes on to the backend what differs, and does what does not: the ends of sockets, clocks, dice.
 */
#include "net/io.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/check.h"
#include "net/io_backend.h"
#include "persist/fatal.h"

enum { BUFFERS_MIN = 64, PAGE_SIZE = 4096 };

static uint32_t buffers_for(uint32_t connections)
{
    uint32_t wanted = BUFFERS_MIN;
    while (wanted < connections && wanted < IO_BUFFERS_MAX)
        wanted *= 2;
    return wanted;
}

void *io_take_pages(struct arena *arena, const char *name, uint64_t size)
{
    uintptr_t taken = (uintptr_t)arena_take(arena, name, 1, size + PAGE_SIZE);
    return (void *)((taken + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE);
}

struct io io_begin(struct arena *arena, const struct io_backend *backend, const char *name,
    const struct io_options *options)
{
    CHECK(options->connections > 0);
    CHECK(options->connections <= IO_CONNECTIONS_MAX);
    uint32_t count = buffers_for(options->connections);
    return (struct io){
        .backend = backend,
        .name = name,
        .connections = options->connections,
        .buffers = io_take_pages(arena, "io buffers", (uint64_t)count * IO_BUFFER_SIZE),
        .buffer_count = count,
        .alarm = -1,
    };
}

struct io *io_create(struct arena *arena, const struct io_options *options)
{
    return options->epoll ? io_create_epoll(arena, options) : io_create_uring(arena, options);
}

int io_open(struct io *io, const char **reason)
{
    return io->backend->open(io, reason);
}

void io_close(struct io *io)
{
    io->backend->close(io);
}

const char *io_name(const struct io *io)
{
    return io->name;
}

void io_accept(struct io *io, int listening, struct io_tag tag)
{
    CHECK(tag.index < IO_LISTENERS_MAX);
    io->backend->accept(io, listening, tag);
}

void io_receive(struct io *io, int socket, bool once, struct io_tag tag)
{
    CHECK(tag.index < io->connections);
    io->backend->receive(io, socket, once, tag);
}

void io_stop_receive(struct io *io, struct io_tag tag)
{
    CHECK(tag.index < io->connections);
    io->backend->stop_receive(io, tag);
}

void io_send(
    struct io *io, int socket, const struct iovec *parts, uint32_t count, struct io_tag tag)
{
    CHECK(count > 0);
    CHECK(tag.index < io->connections);
    io->backend->send(io, socket, parts, count, tag);
}

void io_write(
    struct io *io, int file, const void *data, uint32_t size, uint64_t offset, struct io_tag tag)
{
    io->backend->write(io, file, data, size, offset, tag);
}

void io_bell(struct io *io, const struct io *other)
{
    CHECK(io->backend == other->backend);
    io->backend->bell(io, other);
}

void io_alarm(const struct io *other)
{
    uint64_t one = 1;
    ssize_t written = write(other->alarm, &one, sizeof one);
    CHECK(written == sizeof one || errno == EAGAIN);
}

void io_give_buffer(struct io *io, uint16_t buffer)
{
    CHECK(buffer < io->buffer_count);
    CHECK(io->buffers_out > 0);
    io->buffers_out--;
    io->backend->give_buffer(io, buffer);
}

uint32_t io_buffers_left(const struct io *io)
{
    return io->buffer_count - io->buffers_out;
}

void io_submit(struct io *io, uint64_t wait_ns)
{
    io->backend->submit(io, wait_ns, 1);
}

void io_submit_and_gather(struct io *io, uint64_t wait_ns, uint32_t completions)
{
    io->backend->submit(io, wait_ns, completions);
}

void io_get_rest(struct io *io)
{
    if (io->backend->get_rest != NULL)
        io->backend->get_rest(io);
}

uint32_t io_reap(struct io *io, struct io_completion *completions, uint32_t room)
{
    return io->backend->reap(io, completions, room);
}

void io_shutdown_socket(struct io *io, int socket)
{
    (void)io;
    shutdown(socket, SHUT_RDWR);
}

void io_finish_socket(struct io *io, int socket)
{
    (void)io;
    shutdown(socket, SHUT_WR);
}

void io_close_socket(struct io *io, int socket)
{
    (void)io;
    close(socket);
}

void io_reject_socket(struct io *io, int socket, const void *data, uint32_t size)
{
    (void)io;
    if (size == 0) {
        const struct linger reset = {.l_onoff = 1};
        setsockopt(socket, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(socket);
        return;
    }
    /* Nobody waits for it: a client that cannot take these bytes at once sees the end alone. */
    ssize_t sent = send(socket, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)sent;
    close(socket);
}

struct address io_peer(const struct io *io, int socket)
{
    (void)io;
    struct sockaddr_storage name = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof name;
    if (getpeername(socket, (struct sockaddr *)&name, &size) != 0)
        return (struct address){.kind = ADDRESS_NONE};
    if (name.ss_family == AF_INET)
        return address_of_ipv4(
            (const uint8_t *)&((const struct sockaddr_in *)(const void *)&name)->sin_addr);
    if (name.ss_family == AF_INET6)
        return address_of_ipv6(
            ((const struct sockaddr_in6 *)(const void *)&name)->sin6_addr.s6_addr);
    return (struct address){.kind = ADDRESS_UNIX};
}

uint64_t io_now_us(struct io *io)
{
    (void)io;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

struct io_times io_now(const struct io *io)
{
    (void)io;
    struct timespec monotonic, wall;
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    clock_gettime(CLOCK_REALTIME, &wall);
    return (struct io_times){
        .monotonic_ms = (uint64_t)monotonic.tv_sec * 1000 + (uint64_t)monotonic.tv_nsec / 1000000,
        .wall_ms = wall.tv_sec * 1000 + wall.tv_nsec / 1000000,
    };
}

void io_random(struct io *io, void *data, uint32_t size)
{
    (void)io;
    uint8_t *to = data;
    for (uint32_t filled = 0; filled < size;) {
        ssize_t got = getrandom(to + filled, size - filled, 0);
        if (got < 0 && errno != EINTR)
            fatal("getrandom: %s", strerror(errno));
        filled += got > 0 ? (uint32_t)got : 0;
    }
}
