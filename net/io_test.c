/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One step for each semantic that the loop depends on and that kernels have had wrong: a receive
 * that goes on over several buffers, one that ends when the socket is shut down, one that ends when
 * it is told to, a send, a bell from another ring, a wait that ends in time.
 */
#include "net/io_test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/io.h"
#include "net/memory.h"

enum { CONNECTIONS = 8, TRIES = 100, STEP_NS = 20000000 };

struct rings {
    struct memory memory;
    struct arena arena;
    struct io *one, *other;
    int pair[2];
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
    struct io_options options = {.connections = CONNECTIONS};
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
    io_receive(rings->one, rings->pair[0], false, (struct io_tag){.kind = IO_RECEIVE, .index = 1});
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
    io_stop_receive(rings->one, (struct io_tag){.kind = IO_RECEIVE, .index = 1});
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
    io_send(rings->one, rings->pair[0], parts, 2, (struct io_tag){.kind = IO_SEND});
    if (!await(rings->one, IO_SEND, &done) || done.result != 6)
        return "a send does not complete";
    if (read(rings->pair[1], read_back, 6) != 6 || memcmp(read_back, "who is", 6) != 0)
        return "a send of two parts arrives wrong";
    return NULL;
}

static const char *try_shutdown(struct rings *rings)
{
    struct io_completion got;
    io_receive(rings->one, rings->pair[0], false, (struct io_tag){.kind = IO_RECEIVE, .index = 2});
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

bool io_test(char *problem, size_t problem_size)
{
    struct rings rings = {.pair = {-1, -1}};
    int error;
    const char *failed = open_rings(&rings, &error);
    if (failed != NULL)
        snprintf(problem, problem_size, "%s: %s", failed, strerror(-error));
    const char *(*const steps[])(struct rings *) = {try_receive, try_send, try_shutdown, try_bell};
    for (size_t i = 0; failed == NULL && i < sizeof steps / sizeof *steps; i++) {
        failed = steps[i](&rings);
        if (failed != NULL)
            snprintf(problem, problem_size, "%s", failed);
    }
    for (int i = 0; i < 2; i++) {
        if (rings.pair[i] >= 0)
            close(rings.pair[i]);
    }
    if (rings.one != NULL)
        io_close(rings.one);
    if (rings.other != NULL)
        io_close(rings.other);
    memory_give(&rings.memory);
    return failed == NULL;
}
