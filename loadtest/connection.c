/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Edge-triggered, so every call goes on until the kernel says "not now": send what is left, receive
 * until an answer is complete. An answer with "Connection: close" is an answer all the same.
 */
#include "loadtest/connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

static enum connection_answer lost(struct connection *connection, int reason)
{
    connection_close(connection);
    connection->reason = reason;
    return CONNECTION_LOST;
}

void connection_close(struct connection *connection)
{
    if (connection->state != CONNECTION_CLOSED)
        close(connection->fd);
    connection->state = CONNECTION_CLOSED;
}

static enum connection_answer receive(struct connection *connection)
{
    for (;;) {
        size_t room = CONNECTION_IN_SIZE - connection->in_size;
        if (room == 0)
            return lost(connection, EMSGSIZE);
        ssize_t size = recv(connection->fd, connection->in + connection->in_size, room, 0);
        if (size < 0 && (errno == EAGAIN || errno == EINTR))
            return CONNECTION_WAITING;
        if (size <= 0)
            return lost(connection, size < 0 ? errno : ECONNRESET);
        connection->in_size += (size_t)size;
        struct reply *reply = &connection->reply;
        enum reply_result result = reply_parse(reply, connection->in, connection->in_size);
        if (result == REPLY_BROKEN ||
            (result == REPLY_COMPLETE && reply->size < connection->in_size))
            return lost(connection, EBADMSG);
        if (result == REPLY_COMPLETE) {
            connection->state = CONNECTION_IDLE;
            if (reply->closes)
                connection_close(connection);
            return CONNECTION_REPLIED;
        }
    }
}

static enum connection_answer go_on(struct connection *connection)
{
    while (connection->out_sent < connection->out_size) {
        ssize_t size = send(connection->fd, connection->out + connection->out_sent,
            connection->out_size - connection->out_sent, MSG_NOSIGNAL);
        if (size < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        if (size < 0)
            return lost(connection, errno);
        connection->out_sent += (size_t)size;
    }
    return receive(connection);
}

static enum connection_answer open_socket(struct connection *connection)
{
    const struct endpoint *endpoint = connection->endpoint;
    const struct sockaddr *address = (const struct sockaddr *)&endpoint->address;
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        connection->reason = errno;
        return CONNECTION_LOST;
    }
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connection->fd = fd;
    connection->state = CONNECTION_CONNECTING;
    connection->connect_count++;
    if (connect(fd, address, endpoint->address_size) == 0)
        connection->state = CONNECTION_BUSY;
    else if (errno != EINPROGRESS)
        return lost(connection, errno);
    /* Only now: a socket that has not tried to connect yet reports a hang-up. */
    struct epoll_event event = {
        .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
        .data.ptr = connection->epoll_data,
    };
    if (epoll_ctl(connection->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        return lost(connection, errno);
    return CONNECTION_WAITING;
}

enum connection_answer connection_start(struct connection *connection)
{
    connection->out_sent = 0;
    connection->in_size = 0;
    if (connection->state == CONNECTION_IDLE)
        connection->state = CONNECTION_BUSY;
    if (connection->state == CONNECTION_CLOSED && open_socket(connection) == CONNECTION_LOST)
        return CONNECTION_LOST;
    return connection->state == CONNECTION_BUSY ? go_on(connection) : CONNECTION_WAITING;
}

enum connection_answer connection_continue(struct connection *connection)
{
    int error = 0;
    socklen_t size = sizeof error;
    switch (connection->state) {
    case CONNECTION_CLOSED:
    case CONNECTION_IDLE:
        /* An idle connection that the server closes shows itself at the next request. */
        return CONNECTION_WAITING;
    case CONNECTION_CONNECTING:
        getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0)
            return lost(connection, error);
        connection->state = CONNECTION_BUSY;
        return go_on(connection);
    case CONNECTION_BUSY:
        return go_on(connection);
    }
    return CONNECTION_WAITING;
}
