/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_io - the seam net/io.h without a kernel: clients are numbers, the clock stands until it is
 * moved, and a write to the disk is done when the test says so.
 *
 *     fake_io_client -> fake_io_sends .. ticks .. fake_io_received
 *     io_write ..................... pending  ..  fake_io_finish_write
 *
 * Ownership  Of the test program that includes it: it is the program's io, once.
 * Threads    One, for all shards.
 * Units      Bytes, milliseconds.
 * Errors     Assertions of cmocka; what the loop must not ask for here fails the test.
 * Cost       Memory of a few buffers a shard.
 */
#ifndef HOTSHELF_TESTS_NET_FAKE_IO_H
#define HOTSHELF_TESTS_NET_FAKE_IO_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/io.h"
#include "tests/lib/dice.h"

enum { FAKE_CLIENTS = 16, FAKE_QUEUE = 256, FAKE_BUFFERS = 16, FAKE_REPLY = 65536 };

struct fake_client {
    bool receiving;
    bool once;
    bool takes_nothing; /* what is sent to him stays in flight */
    bool sent;          /* .. and something was */
    struct io_completion sending;
    struct io_tag receive;
    struct address address;
    uint32_t size;
    char received[FAKE_REPLY];
};

struct io {
    struct io_completion queue[FAKE_QUEUE];
    uint32_t queued;
    struct fake_client clients[FAKE_CLIENTS];
    uint32_t client_count;
    uint8_t buffers[FAKE_BUFFERS][IO_BUFFER_SIZE];
    uint32_t buffer_next;
    uint32_t gathers; /* completions that the last submit waited for */
    bool writing;
    int write_file;
    const void *write_data;
    uint32_t write_size;
    uint64_t write_offset;
    struct io_tag write_tag;
    struct io_times times;
    uint64_t looked_us; /* times us_per_look: what has passed since times.monotonic_ms */
    uint64_t us_per_look;
    struct dice dice;
};

static inline void fake_io_complete(struct io *io, struct io_completion completion)
{
    assert_true(io->queued < FAKE_QUEUE);
    io->queue[io->queued++] = completion;
}

/* A client of a listener; its number is the socket. */
static inline int fake_io_client(struct io *io, uint32_t listener)
{
    int socket = (int)io->client_count++;
    assert_true(socket < FAKE_CLIENTS);
    fake_io_complete(io, (struct io_completion){.tag = {.kind = IO_ACCEPT, .index = listener},
                             .result = socket,
                             .more = true,
                             .buffer = IO_NO_BUFFER});
    return socket;
}

static inline void fake_io_sends(struct io *io, int socket, const char *bytes)
{
    struct fake_client *client = &io->clients[socket];
    uint32_t buffer = io->buffer_next++ % FAKE_BUFFERS, size = (uint32_t)strlen(bytes);
    assert_true(client->receiving);
    assert_true(size <= IO_BUFFER_SIZE);
    memcpy(io->buffers[buffer], bytes, size);
    client->receiving = !client->once;
    fake_io_complete(io, (struct io_completion){.tag = client->receive,
                             .result = (int32_t)size,
                             .more = !client->once,
                             .buffer = (uint16_t)buffer,
                             .data = io->buffers[buffer]});
}

/* What the client has got since the last time, as text. */
static inline const char *fake_io_received(struct io *io, int socket)
{
    struct fake_client *client = &io->clients[socket];
    client->received[client->size] = 0;
    client->size = 0;
    return client->received;
}

/* A client takes what was sent to him, or is gone with it. */
static inline void fake_io_takes(struct io *io, int socket, bool gone)
{
    struct fake_client *client = &io->clients[socket];
    assert_true(client->sent);
    client->sent = client->takes_nothing = false;
    if (gone)
        client->sending.result = -EPIPE;
    fake_io_complete(io, client->sending);
}

/* The client hangs up. */
static inline void fake_io_hangs_up(struct io *io, int socket)
{
    struct fake_client *client = &io->clients[socket];
    assert_true(client->receiving);
    client->receiving = false;
    fake_io_complete(io, (struct io_completion){.tag = client->receive, .buffer = IO_NO_BUFFER});
}

/* The disk has done what it was asked; false: it was asked for nothing. */
static inline bool fake_io_finish_write(struct io *io)
{
    if (!io->writing)
        return false;
    assert_int_equal(
        pwrite(io->write_file, io->write_data, io->write_size, (off_t)io->write_offset),
        io->write_size);
    io->writing = false;
    fake_io_complete(
        io, (struct io_completion){
                .tag = io->write_tag, .result = (int32_t)io->write_size, .buffer = IO_NO_BUFFER});
    return true;
}

struct io *io_create(struct arena *arena, const struct io_options *options)
{
    (void)options;
    struct io *io = arena_take(arena, "fake io", 1, sizeof(*io));
    io->dice = dice_of(1);
    return io;
}

int io_open(struct io *io, const char **reason)
{
    (void)io;
    (void)reason;
    return 0;
}

void io_close(struct io *io)
{
    (void)io;
}

void io_accept(struct io *io, int listening, struct io_tag tag)
{
    (void)io;
    (void)listening;
    (void)tag;
}

void io_receive(struct io *io, int socket, bool once, struct io_tag tag)
{
    struct fake_client *client = &io->clients[socket];
    assert_false(client->receiving);
    client->receiving = true;
    client->once = once;
    client->receive = tag;
}

void io_stop_receive(struct io *io, struct io_tag tag)
{
    for (uint32_t i = 0; i < io->client_count; i++) {
        struct fake_client *client = &io->clients[i];
        if (!client->receiving || client->receive.index != tag.index)
            continue;
        client->receiving = false;
        fake_io_complete(
            io, (struct io_completion){
                    .tag = client->receive, .result = -ECANCELED, .buffer = IO_NO_BUFFER});
    }
    tag.kind = IO_CANCEL;
    fake_io_complete(io, (struct io_completion){.tag = tag, .buffer = IO_NO_BUFFER});
}

void io_send(
    struct io *io, int socket, const struct iovec *parts, uint32_t count, struct io_tag tag)
{
    struct fake_client *client = &io->clients[socket];
    uint32_t before = client->size;
    assert_false(client->sent); /* one send is in flight */
    for (uint32_t i = 0; i < count; i++) {
        assert_true(client->size + parts[i].iov_len < FAKE_REPLY);
        memcpy(client->received + client->size, parts[i].iov_base, parts[i].iov_len);
        client->size += (uint32_t)parts[i].iov_len;
    }
    client->sending = (struct io_completion){
        .tag = tag, .result = (int32_t)(client->size - before), .buffer = IO_NO_BUFFER};
    client->sent = client->takes_nothing;
    if (!client->takes_nothing)
        fake_io_complete(io, client->sending);
}

void io_write(
    struct io *io, int file, const void *data, uint32_t size, uint64_t offset, struct io_tag tag)
{
    assert_false(io->writing); /* one write is in flight */
    io->writing = true;
    io->write_file = file;
    io->write_data = data;
    io->write_size = size;
    io->write_offset = offset;
    io->write_tag = tag;
}

void io_bell(struct io *io, const struct io *other)
{
    (void)io;
    (void)other;
}

void io_alarm(const struct io *other)
{
    (void)other;
}

void io_give_buffer(struct io *io, uint16_t buffer)
{
    (void)io;
    (void)buffer;
}

uint32_t io_buffers_left(const struct io *io)
{
    (void)io;
    return FAKE_BUFFERS;
}

void io_submit(struct io *io, uint64_t wait_ns)
{
    (void)wait_ns;
    io->gathers = 1;
}

void io_submit_and_gather(struct io *io, uint64_t wait_ns, uint32_t completions)
{
    io_submit(io, wait_ns);
    io->gathers = completions;
}

void io_get_rest(struct io *io)
{
    (void)io;
}

uint32_t io_reap(struct io *io, struct io_completion *completions, uint32_t room)
{
    uint32_t count = io->queued < room ? io->queued : room;
    memcpy(completions, io->queue, count * sizeof(*completions));
    io->queued -= count;
    memmove(io->queue, io->queue + count, io->queued * sizeof(*completions));
    return count;
}

/* What is under way on it ends. */
void io_shutdown_socket(struct io *io, int socket)
{
    struct fake_client *client = &io->clients[socket];
    if (client->receiving)
        fake_io_hangs_up(io, socket);
    if (client->sent)
        fake_io_takes(io, socket, true);
}

void io_close_socket(struct io *io, int socket)
{
    (void)io;
    (void)socket;
}

void io_finish_socket(struct io *io, int socket)
{
    (void)io;
    (void)socket;
}

void io_reject_socket(struct io *io, int socket, const void *data, uint32_t size)
{
    (void)io;
    (void)socket;
    (void)data;
    (void)size;
    fail();
}

struct address io_peer(const struct io *io, int socket)
{
    return io->clients[socket].address;
}

/* Between two looks something was worked off, and took as long as the test says. */
uint64_t io_now_us(struct io *io)
{
    io->looked_us += io->us_per_look;
    return 1000 * io->times.monotonic_ms + io->looked_us;
}

struct io_times io_now(const struct io *io)
{
    return io->times;
}

void io_random(struct io *io, void *data, uint32_t size)
{
    uint8_t *bytes = data;
    for (uint32_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)dice_next(&io->dice);
}

#endif
