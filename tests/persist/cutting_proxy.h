/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cutting_proxy - stands between the stream and PostgreSQL and cuts the connection after so many
 * bytes in one direction, like a cable that is pulled.
 *
 * Ownership  cutting_proxy_stop() ends its thread and removes its directory.
 * Threads    One of its own; the cut is armed from any.
 * Units      Bytes.
 * Errors     cmocka's assertions at start; a peer that goes away ends that connection.
 * Cost       One poll and one copy per chunk.
 */
#ifndef HOTSHELF_TESTS_PERSIST_CUTTING_PROXY_H
#define HOTSHELF_TESTS_PERSIST_CUTTING_PROXY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum cut_direction { CUT_REQUEST, CUT_REPLY };

struct cutting_proxy {
    char directory[64];
    char target[80]; /* PostgreSQL's socket */
    int listener;
    pthread_t thread;
    _Atomic bool stopping;
    _Atomic int64_t left[2]; /* bytes until the cut, by direction; negative: none */
    _Atomic uint32_t cuts;
};

static inline struct sockaddr_un cutting_proxy_address(const char *directory)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/.s.PGSQL.5432", directory);
    return address;
}

/* Passes on what has come: false when the connection is over, cut or closed. */
static inline bool cutting_proxy_pass(struct cutting_proxy *proxy, int from, int to, int direction)
{
    uint8_t chunk[512];
    int64_t left = atomic_load(&proxy->left[direction]);
    size_t most = left >= 0 && left < (int64_t)sizeof(chunk) ? (size_t)left : sizeof(chunk);
    ssize_t size = most == 0 ? 0 : read(from, chunk, most);
    if (most == 0 || (left > 0 && size == left)) {
        if (size > 0)
            (void)!send(to, chunk, (size_t)size, MSG_NOSIGNAL);
        atomic_store(&proxy->left[direction], -1);
        atomic_fetch_add(&proxy->cuts, 1);
        return false;
    }
    if (size <= 0 || send(to, chunk, (size_t)size, MSG_NOSIGNAL) != size)
        return false;
    if (left >= 0)
        atomic_fetch_sub(&proxy->left[direction], size);
    return true;
}

static inline void cutting_proxy_serve(struct cutting_proxy *proxy, int client)
{
    struct sockaddr_un address = cutting_proxy_address(proxy->target);
    int server = socket(AF_UNIX, SOCK_STREAM, 0);
    bool alive = connect(server, (struct sockaddr *)&address, sizeof(address)) == 0;
    while (alive && !atomic_load(&proxy->stopping)) {
        struct pollfd polled[2] = {
            {.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
        if (poll(polled, 2, 50) < 0)
            break;
        if (polled[0].revents != 0)
            alive = cutting_proxy_pass(proxy, client, server, CUT_REQUEST);
        if (alive && polled[1].revents != 0)
            alive = cutting_proxy_pass(proxy, server, client, CUT_REPLY);
    }
    close(server);
    close(client);
}

static inline void *cutting_proxy_run(void *context)
{
    struct cutting_proxy *proxy = context;
    while (!atomic_load(&proxy->stopping)) {
        struct pollfd polled = {.fd = proxy->listener, .events = POLLIN};
        if (poll(&polled, 1, 50) != 1)
            continue;
        int client = accept(proxy->listener, NULL, NULL);
        if (client >= 0)
            cutting_proxy_serve(proxy, client);
    }
    return NULL;
}

static inline void cutting_proxy_start(struct cutting_proxy *proxy, const char *target)
{
    *proxy = (struct cutting_proxy){.directory = "/tmp/hotshelf-cut-XXXXXX"};
    assert_non_null(mkdtemp(proxy->directory));
    assert_true((size_t)snprintf(proxy->target, sizeof(proxy->target), "%s", target) <
                sizeof(proxy->target));
    atomic_init(&proxy->left[CUT_REQUEST], -1);
    atomic_init(&proxy->left[CUT_REPLY], -1);
    struct sockaddr_un address = cutting_proxy_address(proxy->directory);
    proxy->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(proxy->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(proxy->listener, 8), 0);
    assert_int_equal(pthread_create(&proxy->thread, NULL, cutting_proxy_run, proxy), 0);
}

static inline void cutting_proxy_arm(
    struct cutting_proxy *proxy, enum cut_direction direction, int64_t bytes)
{
    atomic_store(&proxy->left[direction], bytes);
}

static inline void cutting_proxy_stop(struct cutting_proxy *proxy)
{
    struct sockaddr_un address = cutting_proxy_address(proxy->directory);
    atomic_store(&proxy->stopping, true);
    pthread_join(proxy->thread, NULL);
    close(proxy->listener);
    unlink(address.sun_path);
    rmdir(proxy->directory);
}

#endif
