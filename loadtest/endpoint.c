/* SPDX-License-Identifier: Apache-2.0 */
#include "loadtest/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static int parse_unix(struct endpoint *endpoint, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        fprintf(stderr, "hotshelf-loadtest: the path %s is too long for a socket\n", path);
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path));
    memcpy(&endpoint->address, &address, sizeof address);
    endpoint->address_size = sizeof address;
    memcpy(endpoint->host, "localhost", sizeof "localhost");
    return 0;
}

static int resolve(struct endpoint *endpoint, const char *host, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    int result = getaddrinfo(host, port, &hints, &found);
    if (result != 0) {
        fprintf(stderr, "hotshelf-loadtest: %s: %s\n", host, gai_strerror(result));
        return -1;
    }
    memcpy(&endpoint->address, found->ai_addr, found->ai_addrlen);
    endpoint->address_size = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

/* HOST[:PORT], [IPV6]:PORT; the host goes to `endpoint` as it stands. */
static int parse_tcp(struct endpoint *endpoint, const char *start, size_t size, const char *port)
{
    memcpy(endpoint->host, start, size);
    char host[sizeof endpoint->host];
    memcpy(host, endpoint->host, sizeof host);
    char *colon = strrchr(host, ':');
    if (colon != NULL && strchr(colon, ']') == NULL) {
        *colon = '\0';
        port = colon + 1;
    }
    size_t host_size = strlen(host);
    bool bracketed = host_size > 2 && host[0] == '[' && host[host_size - 1] == ']';
    if (bracketed)
        host[host_size - 1] = '\0';
    return resolve(endpoint, bracketed ? host + 1 : host, port);
}

int endpoint_parse(struct endpoint *endpoint, const char *url)
{
    *endpoint = (struct endpoint){0};
    if (strncmp(url, "unix:", 5) == 0)
        return parse_unix(endpoint, url + 5);
    const char *start = strncmp(url, "http://", 7) == 0 ? url + 7 : url;
    size_t size = strcspn(start, "/");
    if (size == 0 || size >= sizeof endpoint->host || strlen(start + size) > 1) {
        fprintf(stderr, "hotshelf-loadtest: %s is neither http://HOST:PORT nor unix:PATH\n", url);
        return -1;
    }
    return parse_tcp(endpoint, start, size, "80");
}

int endpoint_parse_resp(struct endpoint *endpoint, const char *place)
{
    *endpoint = (struct endpoint){0};
    if (strncmp(place, "unix:", 5) == 0)
        return parse_unix(endpoint, place + 5);
    if (strncmp(place, "redis://", 8) == 0)
        place += 8; /* as the server prints it at its start */
    size_t size = strlen(place);
    if (size == 0 || size >= sizeof endpoint->host || strchr(place, '/') != NULL) {
        fprintf(stderr, "hotshelf-loadtest: %s is neither HOST:PORT nor unix:PATH\n", place);
        return -1;
    }
    return parse_tcp(endpoint, place, size, "6390");
}

void endpoint_bind(const struct endpoint *endpoint, int fd, uint32_t source)
{
    const struct sockaddr_in *server = (const struct sockaddr_in *)&endpoint->address;
    bool is_here = endpoint->address.ss_family == AF_INET &&
                   ntohl(server->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    if (source == 0 || !is_here)
        return;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + source)};
    int on = 1;
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    bind(fd, (const struct sockaddr *)&address, sizeof address); /* else as without it */
}

int endpoint_connect(const struct endpoint *endpoint, uint32_t patience_ms)
{
    const struct sockaddr *address = (const struct sockaddr *)&endpoint->address;
    struct timeval patience = {
        .tv_sec = patience_ms / 1000, .tv_usec = (suseconds_t)(patience_ms % 1000 * 1000)};
    int on = 1;
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, address, endpoint->address_size) == 0)
        return fd;
    int error = errno == EINPROGRESS ? ETIMEDOUT : errno; /* so SO_SNDTIMEO says it */
    close(fd);
    return -error;
}
