/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user_data is kind << 32 | file descriptor. A descriptor is closed when its receive has ended, and
 * only then, so the kernel cannot hand out its number while a receive of ours still speaks of it. A
 * send that outlives its connection ends with an error and is dropped.
 */
#include "bench/floor/echo.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SUBMISSIONS 4096
#define COMPLETIONS 16384
#define BUFFER_GROUP 0
#define BACKLOG 1024

enum kind { KIND_ACCEPT = 1, KIND_RECEIVE, KIND_SEND };

static uint64_t tag(enum kind kind, int fd)
{
    return (uint64_t)kind << 32 | (uint32_t)fd;
}

static int listen_on_path(struct echo *echo, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, strlen(path));
    echo->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (echo->listener < 0 ||
        bind(echo->listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(echo->listener, BACKLOG) < 0)
        return -errno;
    return 0;
}

static int listen_on(struct echo *echo, uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t size = sizeof address;
    int on = 1;
    echo->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (echo->listener < 0)
        return -errno;
    setsockopt(echo->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(echo->listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* inherited */
    if (bind(echo->listener, (struct sockaddr *)&address, size) < 0 ||
        listen(echo->listener, BACKLOG) < 0 ||
        getsockname(echo->listener, (struct sockaddr *)&address, &size) < 0)
        return -errno;
    echo->port = ntohs(address.sin_port);
    return 0;
}

static void give_buffer(struct echo *echo, uint16_t index, int offset)
{
    io_uring_buf_ring_add(echo->buffer_ring, echo->buffers + (size_t)index * ECHO_BUFFER_SIZE,
        ECHO_BUFFER_SIZE, index, io_uring_buf_ring_mask(ECHO_BUFFERS), offset);
}

static int open_buffers(struct echo *echo)
{
    size_t ring_size = ECHO_BUFFERS * sizeof(struct io_uring_buf);
    void *ring;
    if (posix_memalign(&ring, 4096, ring_size) != 0)
        return -ENOMEM;
    echo->buffer_ring = ring;
    echo->buffers = malloc((size_t)ECHO_BUFFERS * ECHO_BUFFER_SIZE);
    if (echo->buffers == NULL)
        return -ENOMEM;
    struct io_uring_buf_reg registration = {
        .ring_addr = (uint64_t)(uintptr_t)ring,
        .ring_entries = ECHO_BUFFERS,
        .bgid = BUFFER_GROUP,
    };
    int result = io_uring_register_buf_ring(&echo->ring, &registration, 0);
    if (result < 0)
        return result;
    io_uring_buf_ring_init(echo->buffer_ring);
    for (uint16_t index = 0; index < ECHO_BUFFERS; index++)
        give_buffer(echo, index, index);
    io_uring_buf_ring_advance(echo->buffer_ring, ECHO_BUFFERS);
    return 0;
}

static int open_ring(struct echo *echo)
{
    struct io_uring_params parameters = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                 IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE |
                 IORING_SETUP_CLAMP,
        .cq_entries = COMPLETIONS,
    };
    int result = io_uring_queue_init_params(SUBMISSIONS, &echo->ring, &parameters);
    if (result < 0)
        return result;
    result = io_uring_register_ring_fd(&echo->ring);
    return result < 0 ? result : open_buffers(echo);
}

/* A reply of exactly reply_size bytes, head included; the length is padded so the head never
 * varies. A string of the Redis protocol has its own line end behind it. */
static int write_replies(struct echo *echo, bool is_resp)
{
    const char *form = is_resp ? "$%07d\r\n" : "HTTP/1.1 200 OK\r\nContent-Length:%7d\r\n\r\n";
    char head[64];
    uint32_t size = echo->reply_size;
    int head_size = snprintf(head, sizeof head, form, 0), tail_size = is_resp ? 2 : 0;
    if (size < (uint32_t)(head_size + tail_size))
        return -EINVAL;
    snprintf(head, sizeof head, form, (int)size - head_size - tail_size);
    echo->replies = malloc((size_t)size * ECHO_REPLIES_PER_SEND);
    if (echo->replies == NULL)
        return -ENOMEM;
    memset(echo->replies, 'x', (size_t)size * ECHO_REPLIES_PER_SEND);
    for (uint32_t copy = 0; copy < ECHO_REPLIES_PER_SEND; copy++) {
        char *reply = echo->replies + (size_t)copy * size;
        memcpy(reply, head, (size_t)head_size);
        memcpy(reply + size - tail_size, "\r\n", (size_t)tail_size);
    }
    return 0;
}

static struct io_uring_sqe *take_entry(struct echo *echo)
{
    struct io_uring_sqe *entry = io_uring_get_sqe(&echo->ring);
    if (entry == NULL) {
        io_uring_submit(&echo->ring);
        entry = io_uring_get_sqe(&echo->ring);
    }
    if (entry == NULL)
        abort(); /* the kernel takes every entry it is given: SUBMIT_ALL */
    return entry;
}

static void start_accept(struct echo *echo)
{
    struct io_uring_sqe *entry = take_entry(echo);
    io_uring_prep_multishot_accept(entry, echo->listener, NULL, NULL, 0);
    io_uring_sqe_set_data64(entry, tag(KIND_ACCEPT, echo->listener));
}

static void start_receive(struct echo *echo, int fd)
{
    struct io_uring_sqe *entry = take_entry(echo);
    io_uring_prep_recv_multishot(entry, fd, NULL, 0, 0);
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = BUFFER_GROUP;
    io_uring_sqe_set_data64(entry, tag(KIND_RECEIVE, fd));
}

static void start_send(struct echo *echo, int fd)
{
    struct echo_connection *connection = &echo->connection[fd];
    uint32_t count =
        connection->due < ECHO_REPLIES_PER_SEND ? connection->due : ECHO_REPLIES_PER_SEND;
    if (count == 0 || connection->send_size > 0)
        return;
    connection->due -= count;
    connection->send_size = count * echo->reply_size;
    struct io_uring_sqe *entry = take_entry(echo);
    io_uring_prep_send(entry, fd, echo->replies, connection->send_size, MSG_WAITALL | MSG_NOSIGNAL);
    io_uring_sqe_set_data64(entry, tag(KIND_SEND, fd));
}

static void accepted(struct echo *echo, const struct io_uring_cqe *completion)
{
    int fd = completion->res;
    if (fd >= ECHO_DESCRIPTORS_MAX) {
        close(fd);
    } else if (fd >= 0) {
        echo->connection[fd] = (struct echo_connection){0};
        start_receive(echo, fd);
    }
    if ((completion->flags & IORING_CQE_F_MORE) == 0)
        start_accept(echo);
}

static void received(struct echo *echo, int fd, const struct io_uring_cqe *completion)
{
    struct echo_connection *connection = &echo->connection[fd];
    bool more = (completion->flags & IORING_CQE_F_MORE) != 0;
    if ((completion->flags & IORING_CQE_F_BUFFER) != 0) {
        give_buffer(echo, (uint16_t)(completion->flags >> IORING_CQE_BUFFER_SHIFT), 0);
        io_uring_buf_ring_advance(echo->buffer_ring, 1);
    }
    if (completion->res > 0) {
        connection->received += (uint32_t)completion->res;
        for (; connection->received >= echo->request_size; connection->due++)
            connection->received -= echo->request_size;
        start_send(echo, fd);
    }
    if (!more && (completion->res > 0 || completion->res == -ENOBUFS))
        start_receive(echo, fd);
    else if (!more)
        close(fd);
}

static void sent(struct echo *echo, int fd, const struct io_uring_cqe *completion)
{
    struct echo_connection *connection = &echo->connection[fd];
    bool whole = completion->res == (int)connection->send_size;
    connection->send_size = 0;
    if (whole)
        start_send(echo, fd);
    else if (completion->res >= 0)
        shutdown(fd, SHUT_RDWR); /* the peer would wait for the rest for ever */
}

static void dispatch(struct echo *echo, const struct io_uring_cqe *completion)
{
    int fd = (int)(uint32_t)completion->user_data;
    switch ((enum kind)(completion->user_data >> 32)) {
    case KIND_ACCEPT:
        accepted(echo, completion);
        return;
    case KIND_RECEIVE:
        received(echo, fd, completion);
        return;
    case KIND_SEND:
        sent(echo, fd, completion);
        return;
    }
}

int echo_open(struct echo *echo, const struct echo_plan *plan)
{
    if (plan->request_size == 0 || plan->request_size > ECHO_REQUEST_SIZE_MAX ||
        plan->reply_size > ECHO_REPLY_SIZE_MAX)
        return -EINVAL;
    echo->request_size = plan->request_size;
    echo->reply_size = plan->reply_size;
    int result = write_replies(echo, plan->is_resp);
    if (result == 0)
        result =
            plan->path == NULL ? listen_on(echo, plan->port) : listen_on_path(echo, plan->path);
    if (result == 0)
        result = open_ring(echo);
    if (result == 0)
        start_accept(echo);
    return result;
}

int echo_tick(struct echo *echo)
{
    int result = io_uring_submit_and_wait(&echo->ring, 1);
    if (result < 0 && result != -EINTR && result != -EAGAIN && result != -EBUSY)
        return result;
    struct io_uring_cqe *completion;
    unsigned head;
    unsigned count = 0;
    io_uring_for_each_cqe(&echo->ring, head, completion)
    {
        dispatch(echo, completion);
        count++;
    }
    io_uring_cq_advance(&echo->ring, count);
    return 0;
}
