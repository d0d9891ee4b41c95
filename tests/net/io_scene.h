/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io_scene - a pair of loops and a pair of sockets, to try one backend of net/io.h with.
 *
 * Ownership  close_scene() ends what open_scene() made.
 * Threads    One.
 * Units      None.
 * Errors     Assertions of cmocka.
 * Cost       Milliseconds.
 */
#ifndef HOTSHELF_TESTS_NET_IO_SCENE_H
#define HOTSHELF_TESTS_NET_IO_SCENE_H

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/io.h"
#include "tests/lib/memory.h"

enum {
    MEMORY = 32 << 20,
    STEP_NS = 10000000,
    STEPS_MAX = 200,
    CONNECTIONS = 300, /* more than a call of either backend hands out */
};

enum backend { URING, EPOLL };

struct scene {
    struct arena arena;
    struct io *io, *other;
    int ours, theirs;
};

/* Slot 1, of which `ours` is the socket. */
static const struct io_tag receiving = {.kind = IO_RECEIVE, .index = 1};
static const struct io_tag sending = {.kind = IO_SEND, .index = 1};

static inline struct io *open_io(struct arena *arena, enum backend backend)
{
    const char *reason = "";
    struct io_options options = {.connections = CONNECTIONS, .epoll = backend == EPOLL};
    struct io *io = io_create(arena, &options);
    int error = io_open(io, &reason);
    if (error != 0)
        fail_msg("%s: %s", reason, strerror(-error));
    return io;
}

static inline void make_pair(int pair[2], bool over_tcp)
{
    if (!over_tcp) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        return;
    }
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listening, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listening, 1), 0);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &size), 0);
    pair[1] = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(pair[1], (struct sockaddr *)&address, size), 0);
    pair[0] = accept(listening, NULL, NULL);
    assert_true(pair[0] >= 0);
    close(listening);
}

static inline void open_scene_over(struct scene *scene, void **state, bool over_tcp)
{
    int pair[2];
    enum backend backend = *(const enum backend *)*state;
    memory_open(&scene->arena, MEMORY);
    scene->io = open_io(&scene->arena, backend);
    scene->other = open_io(&scene->arena, backend);
    make_pair(pair, over_tcp);
    scene->ours = pair[0];
    scene->theirs = pair[1];
}

static inline void open_scene(struct scene *scene, void **state)
{
    open_scene_over(scene, state, false);
}

static inline void close_scene(struct scene *scene)
{
    close(scene->ours);
    close(scene->theirs);
    io_close(scene->io);
    io_close(scene->other);
    memory_close(&scene->arena);
}

static inline struct io_completion await(struct io *io, enum io_kind kind)
{
    struct io_completion completion;
    for (int i = 0; i < STEPS_MAX; i++) {
        io_submit(io, STEP_NS);
        while (io_reap(io, &completion, 1) == 1) {
            if (completion.tag.kind == kind)
                return completion;
        }
    }
    fail_msg("nothing came");
    return completion;
}

static inline void nothing_comes(struct io *io)
{
    struct io_completion completion;
    io_submit(io, STEP_NS);
    assert_int_equal(io_reap(io, &completion, 1), 0);
}

static const enum backend backends[] = {URING, EPOLL};

#define OVER(words, backend, test)                                                                 \
    {                                                                                              \
        words ": " #test, test, NULL, NULL, (void *)(uintptr_t)&backends[backend]                  \
    }
#define BOTH(test) OVER("io_uring", URING, test), OVER("epoll", EPOLL, test)

#endif
