/* SPDX-License-Identifier: Apache-2.0 */
#include "net/loop/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "core/check.h"
#include "net/io.h"

enum {
    RECEIVE_BYTES = 65536, /* of a socket in the kernel: bounds what a client can send ahead */
    SEND_BYTES = 262144,   /* the largest reply leaves in one piece */
    QUIET_S = 60,          /* then a client is asked whether it is still there */
    PROBE_S = 10,          /* between two such questions */
    PROBES = 3,            /* without an answer, and the socket is in error */
    IN_USE_LOOKS = 100,    /* before another server is believed to be at the address */
    IN_USE_LOOK_MS = 20,
};

struct endpoint {
    struct sockaddr_storage address;
    socklen_t size;
    int family;
};

static const char *hint(int error)
{
    if (error == EADDRINUSE)
        return "; another server is there: stop it or choose another address";
    if (error == EEXIST)
        return "; there is a file of that name that is not a socket";
    return "";
}

static void set(int socket, int level, int option, int value)
{
    /* Refused options cost speed, not correctness. */
    setsockopt(socket, level, option, &value, sizeof value);
}

/* A peer that lost its power or its route says nothing, so its place would be taken until the time
 * for idle clients is over. The kernel asks it instead, and no byte of HTTP is spent. */
static void notice_half_open(int listening)
{
    set(listening, SOL_SOCKET, SO_KEEPALIVE, 1);
    set(listening, IPPROTO_TCP, TCP_KEEPIDLE, QUIET_S);
    set(listening, IPPROTO_TCP, TCP_KEEPINTVL, PROBE_S);
    set(listening, IPPROTO_TCP, TCP_KEEPCNT, PROBES);
    set(listening, IPPROTO_TCP, TCP_USER_TIMEOUT, (QUIET_S + PROBES * PROBE_S) * 1000);
}

/* Accepted sockets inherit these from the listening one, which saves a call for each client. */
static int listen_at(const struct endpoint *endpoint, bool shared)
{
    int opened = socket(endpoint->family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (opened < 0)
        return -errno;
    if (endpoint->family != AF_UNIX) {
        set(opened, SOL_SOCKET, SO_REUSEADDR, 1);
        set(opened, IPPROTO_TCP, TCP_NODELAY, 1);
        notice_half_open(opened);
        if (shared)
            set(opened, SOL_SOCKET, SO_REUSEPORT, 1);
    }
    set(opened, SOL_SOCKET, SO_RCVBUF, RECEIVE_BYTES);
    set(opened, SOL_SOCKET, SO_SNDBUF, SEND_BYTES);
    if (bind(opened, (const struct sockaddr *)&endpoint->address, endpoint->size) != 0 ||
        listen(opened, IO_BACKLOG) != 0) {
        int error = errno;
        close(opened);
        return -error;
    }
    return opened;
}

/* The socket file of a server that is gone would be in the way; one that answers is not ours. */
static int clear_socket_file(const struct endpoint *endpoint, const char *path)
{
    struct stat status;
    if (lstat(path, &status) != 0)
        return 0;
    if (!S_ISSOCK(status.st_mode))
        return -EEXIST;
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0)
        return -errno;
    int answer = connect(probe, (const struct sockaddr *)&endpoint->address, endpoint->size);
    close(probe);
    if (answer == 0)
        return -EADDRINUSE;
    return unlink(path) == 0 ? 0 : -errno;
}

static int open_unix(struct listener *listener, const char *path)
{
    struct endpoint endpoint = {.family = AF_UNIX, .size = sizeof(struct sockaddr_un)};
    struct sockaddr_un *address = (struct sockaddr_un *)&endpoint.address;
    address->sun_family = AF_UNIX;
    if (strlen(path) >= sizeof address->sun_path || path[0] == '\0')
        return -ENAMETOOLONG;
    memcpy(address->sun_path, path, strlen(path) + 1);
    int error = clear_socket_file(&endpoint, path);
    if (error != 0)
        return error;
    int opened = listen_at(&endpoint, false);
    if (opened < 0)
        return opened;
    for (uint32_t i = 0; i < listener->count; i++)
        listener->sockets[i] = opened;
    return 0;
}

static int resolve(const struct config_address *address, struct endpoint *endpoint)
{
    *endpoint = (struct endpoint){.family = address->is_ipv6 ? AF_INET6 : AF_INET};
    if (address->is_ipv6) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&endpoint->address;
        *in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(address->port)};
        endpoint->size = sizeof *in6;
        return inet_pton(AF_INET6, address->host, &in6->sin6_addr) == 1 ? 0 : -EINVAL;
    }
    struct sockaddr_in *in = (struct sockaddr_in *)&endpoint->address;
    *in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(address->port)};
    endpoint->size = sizeof *in;
    return inet_pton(AF_INET, address->host, &in->sin_addr) == 1 ? 0 : -EINVAL;
}

static uint16_t port_of(const struct endpoint *endpoint)
{
    if (endpoint->family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&endpoint->address)->sin6_port);
    return ntohs(((const struct sockaddr_in *)&endpoint->address)->sin_port);
}

static void note_address(
    struct listener *listener, const struct config_address *address, uint16_t port)
{
    if (address->is_unix)
        snprintf(listener->address, sizeof listener->address, "unix:%s", address->host);
    else
        snprintf(listener->address, sizeof listener->address,
            address->is_ipv6 ? "[%s]:%u" : "%s:%u", address->host, port);
}

static void close_sockets(struct listener *listener)
{
    for (uint32_t i = 0; i < listener->count; i++) {
        bool first = i == 0 || listener->sockets[i] != listener->sockets[0];
        if (listener->sockets[i] >= 0 && first)
            close(listener->sockets[i]);
    }
    for (uint32_t i = 0; i < SHARDS_MAX; i++)
        listener->sockets[i] = -1;
}

/* The first socket without SO_REUSEPORT's help would not notice another server at the same port, so
 * the port is tried alone before it is shared. */
static int open_tcp(struct listener *listener, const struct config_address *address)
{
    struct endpoint endpoint;
    int error = resolve(address, &endpoint);
    if (error != 0)
        return error;
    int alone = listen_at(&endpoint, false);
    if (alone < 0)
        return alone;
    endpoint.size = sizeof endpoint.address;
    if (getsockname(alone, (struct sockaddr *)&endpoint.address, &endpoint.size) != 0)
        error = -errno;
    if (listener->count == 1 && error == 0) {
        listener->sockets[0] = alone;
        note_address(listener, address, port_of(&endpoint));
        return 0;
    }
    close(alone);
    for (uint32_t i = 0; i < listener->count && error == 0; i++) {
        listener->sockets[i] = listen_at(&endpoint, true);
        if (listener->sockets[i] < 0)
            error = listener->sockets[i];
    }
    note_address(listener, address, port_of(&endpoint));
    if (error != 0)
        close_sockets(listener);
    return error;
}

static int open_any(struct listener *listener, const struct config_address *address)
{
    return address->is_unix ? open_unix(listener, address->host) : open_tcp(listener, address);
}

/* The sockets of a server that was killed live on until the kernel has taken down its rings, which
 * it does in its own time after the process is gone. */
int listener_open(struct listener *listener, const struct config_address *address, uint32_t shards,
    const char *use, char *error, size_t error_size)
{
    CHECK(shards > 0);
    CHECK(shards <= SHARDS_MAX);
    *listener = (struct listener){.count = shards, .local = address->is_unix};
    for (uint32_t i = 0; i < SHARDS_MAX; i++)
        listener->sockets[i] = -1;
    note_address(listener, address, address->port);
    int result = open_any(listener, address);
    for (uint32_t looks = 1; result == -EADDRINUSE && looks < IN_USE_LOOKS; looks++) {
        nanosleep(&(struct timespec){.tv_nsec = IN_USE_LOOK_MS * 1000000L}, NULL);
        result = open_any(listener, address);
    }
    if (result == 0)
        return 0;
    snprintf(error, error_size, "%s = %s: cannot listen there: %s%s", use, listener->address,
        strerror(-result), hint(-result));
    listener_close(listener);
    return result;
}

void listener_close(struct listener *listener)
{
    bool opened = listener->count > 0 && listener->sockets[0] >= 0;
    close_sockets(listener);
    if (listener->local && opened)
        unlink(listener->address + 5);
    listener->count = 0;
}
