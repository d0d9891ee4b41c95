/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One step for each semantic that the loop depends on and that kernels have had wrong: an accept
 * and a receive that go on by themselves, a receive that ends when the socket is shut down, one
 * that ends when it is told to, a send, a durable write, a bell from another loop, a wait that ends
 * in time.
 */
#include "net/io_test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/io.h"
#include "net/io_remedy.h"
#include "net/memory.h"

enum { CONNECTIONS = 8, TRIES = 100, STEP_NS = 20000000, REMEDY_SIZE = 384, KNOCKERS = 2 };

/* Of the one socket that is received from and sent to. */
static const struct io_tag receiving = {.kind = IO_RECEIVE, .index = 1};
static const struct io_tag sending = {.kind = IO_SEND, .index = 1};

struct rings {
    struct memory memory;
    struct arena arena;
    struct io *one, *other;
    bool epoll;
    int pair[2];
    int listening;
    int knocking[KNOCKERS];
};

/* The next completion of a kind, or false when it does not come. */
static bool await(struct io *io, enum io_kind kind, struct io_completion *completion)
{
    for (int i = 0; i < TRIES; i++) {
        io_submit(io, STEP_NS);
        while (io_reap(io, completion, 1) == 1) {
            if (completion->tag.kind == kind)
                return true;
            if (completion->buffer != IO_NO_BUFFER)
                io_give_buffer(io, completion->buffer);
        }
    }
    return false;
}

static const char *open_rings(struct rings *rings, int *error)
{
    char text[128];
    const char *reason = "memory";
    *error = memory_measure(&rings->memory, text, sizeof text);
    if (*error != 0)
        return reason;
    arena_init(&rings->arena, rings->memory.base, rings->memory.size);
    struct io_options options = {.connections = CONNECTIONS, .epoll = rings->epoll};
    rings->one = io_create(&rings->arena, &options);
    rings->other = io_create(&rings->arena, &options);
    *error = io_open(rings->one, &reason);
    if (*error == 0)
        *error = io_open(rings->other, &reason);
    if (*error == 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, rings->pair) != 0) {
        *error = -errno;
        reason = "socketpair";
    }
    return *error == 0 ? NULL : reason;
}

/* Two pieces, given back one by one: the receive must go on by itself. */
static const char *try_receive(struct rings *rings)
{
    struct io_completion got;
    io_receive(rings->one, rings->pair[0], false, receiving);
    for (int i = 0; i < 2; i++) {
        if (write(rings->pair[1], "knock", 5) != 5)
            return "a socket takes no bytes";
        if (!await(rings->one, IO_RECEIVE, &got))
            return "a receive does not complete";
        if (got.result != 5 || !got.more || got.buffer == IO_NO_BUFFER ||
            memcmp(got.data, "knock", 5) != 0)
            return "a multishot receive does not go on (kernel 6.1 or newer)";
        io_give_buffer(rings->one, got.buffer);
    }
    io_stop_receive(rings->one, receiving);
    if (!await(rings->one, IO_RECEIVE, &got) || got.more || got.result != -ECANCELED)
        return "a multishot receive cannot be stopped";
    return NULL;
}

static const char *try_send(struct rings *rings)
{
    struct io_completion done;
    struct iovec parts[2] = {
        {.iov_base = (char[]){"who "}, .iov_len = 4}, {.iov_base = (char[]){"is"}, .iov_len = 2}};
    char read_back[6];
    io_send(rings->one, rings->pair[0], parts, 2, sending);
    if (!await(rings->one, IO_SEND, &done) || done.result != 6)
        return "a send does not complete";
    if (read(rings->pair[1], read_back, 6) != 6 || memcmp(read_back, "who is", 6) != 0)
        return "a send of two parts arrives wrong";
    return NULL;
}

static const char *try_shutdown(struct rings *rings)
{
    struct io_completion got;
    io_receive(rings->one, rings->pair[0], false, receiving);
    io_submit(rings->one, 0);
    io_shutdown_socket(rings->one, rings->pair[0]);
    if (!await(rings->one, IO_RECEIVE, &got) || got.more || got.result != 0)
        return "a shut down socket does not end its receive";
    return NULL;
}

static const char *try_bell(struct rings *rings)
{
    struct io_completion woken;
    io_bell(rings->other, rings->one);
    io_submit(rings->other, 0);
    if (!await(rings->one, IO_WAKE, &woken))
        return "a ring cannot wake another one (IORING_OP_MSG_RING)";
    io_alarm(rings->one);
    if (!await(rings->one, IO_WAKE, &woken))
        return "an eventfd does not wake a ring";
    return NULL;
}

/* A socket without a name of its own gets one from the kernel. */
static int knock(struct rings *rings, int number)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    rings->knocking[number] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (getsockname(rings->listening, (struct sockaddr *)&address, &size) != 0)
        return -1;
    return connect(rings->knocking[number], (struct sockaddr *)&address, size);
}

static const char *try_accept(struct rings *rings)
{
    struct io_completion got;
    sa_family_t unnamed = AF_UNIX;
    rings->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(rings->listening, (struct sockaddr *)&unnamed, sizeof unnamed) != 0 ||
        listen(rings->listening, KNOCKERS) != 0)
        return "a socket cannot listen";
    io_accept(rings->one, rings->listening, (struct io_tag){.kind = IO_ACCEPT});
    for (int i = 0; i < KNOCKERS; i++) {
        if (knock(rings, i) != 0)
            return "a socket cannot be connected to";
        if (!await(rings->one, IO_ACCEPT, &got) || got.result < 0)
            return "an accept does not complete";
        io_close_socket(rings->one, got.result);
        if (!got.more)
            return "a multishot accept does not go on (kernel 5.19 or newer)";
    }
    return NULL;
}

/* Into memory: what disks make of it is the journal's matter. */
static const char *try_write(struct rings *rings)
{
    static const uint8_t block[4096];
    struct io_completion done;
    int file = memfd_create("hotshelf-test", MFD_CLOEXEC);
    if (file < 0)
        return NULL;
    io_write(rings->one, file, block, sizeof block, 0, (struct io_tag){.kind = IO_WRITE});
    bool written = await(rings->one, IO_WRITE, &done) && done.result == (int32_t)sizeof block;
    close(file);
    return written ? NULL : "a durable write does not complete (RWF_DSYNC)";
}

static void close_rings(struct rings *rings)
{
    if (rings->one != NULL)
        io_close(rings->one);
    if (rings->other != NULL)
        io_close(rings->other);
    int sockets[] = {
        rings->pair[0], rings->pair[1], rings->listening, rings->knocking[0], rings->knocking[1]};
    for (size_t i = 0; i < sizeof sockets / sizeof *sockets; i++) {
        if (sockets[i] >= 0)
            close(sockets[i]);
    }
    memory_give(&rings->memory);
}

static void tell_refusal(
    const struct rings *rings, const char *what, int error, char *problem, size_t size)
{
    char remedy[REMEDY_SIZE] = "";
    struct io_permission permission = io_permission_read();
    if (!rings->epoll)
        io_remedy(error, &permission, remedy, sizeof remedy);
    snprintf(
        problem, size, "%s: %s%s%s", what, strerror(-error), remedy[0] == '\0' ? "" : "; ", remedy);
}

bool io_test(bool epoll, char *problem, size_t problem_size)
{
    static const char *(*const steps[])(struct rings *) = {
        try_accept, try_receive, try_send, try_write, try_shutdown, try_bell};
    struct rings rings = {.epoll = epoll, .pair = {-1, -1}, .listening = -1, .knocking = {-1, -1}};
    int error;
    const char *failed = open_rings(&rings, &error);
    if (failed != NULL)
        tell_refusal(&rings, failed, error, problem, problem_size);
    for (size_t i = 0; failed == NULL && i < sizeof steps / sizeof *steps; i++) {
        failed = steps[i](&rings);
        if (failed != NULL)
            snprintf(problem, problem_size, "%s", failed);
    }
    close_rings(&rings);
    return failed == NULL;
}
