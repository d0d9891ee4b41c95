/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A place is read first, by one grammar, and looked up then: so a command line can be judged before
 * anything is asked of the network. Ports are numbers: getaddrinfo() would take 83646 for 18110.
 */
#include "loadtest/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* Where a text says it is, before any name is looked up. */
struct place {
    const char *path; /* of a Unix socket; NULL: host and port */
    char host[sizeof((struct endpoint *)NULL)->host];
    char port[8];
};

static int complain(const char *place, const char *reason)
{
    fprintf(stderr, "hotshelf-loadtest: %s %s\n", place, reason);
    return -1;
}

static int take_path(struct place *place, const char *text, const char *path)
{
    place->path = path;
    if (path[0] == '\0')
        return complain(text, "names no socket");
    return strlen(path) < sizeof((struct sockaddr_un *)NULL)->sun_path
               ? 0
               : complain(text, "is too long a path for a socket");
}

static bool is_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    long port = digits > 0 && digits <= 5 && text[digits] == '\0' ? strtol(text, NULL, 10) : 0;
    return port >= 1 && port <= UINT16_MAX;
}

/* HOST[:PORT], [IPV6][:PORT]; the colons of an IPv6 address stand in brackets. */
static int take_host(struct place *place, const char *text, const char *start, size_t size)
{
    char host[sizeof place->host];
    snprintf(host, sizeof host, "%.*s", (int)size, start);
    bool is_bracketed = host[0] == '[';
    const char *name = is_bracketed ? host + 1 : host;
    char *end = is_bracketed ? strchr(host, ']') : strchr(host, ':');
    if (is_bracketed && end != NULL)
        *end++ = '\0';
    bool has_port = end != NULL && *end == ':';
    if (has_port && !is_port(end + 1))
        return complain(text, "has no port from 1 to 65535");
    if ((is_bracketed && end == NULL) || (end != NULL && *end != '\0' && !has_port) ||
        name[0] == '\0' || end == name)
        return complain(text, "names no host");
    if (has_port) {
        snprintf(place->port, sizeof place->port, "%.5s", end + 1);
        *end = '\0';
    }
    snprintf(place->host, sizeof place->host, "%s", name);
    return 0;
}

static int take_url(struct place *place, const char *url)
{
    *place = (struct place){.port = "80"};
    if (strncmp(url, "unix:", 5) == 0)
        return take_path(place, url, url + 5);
    const char *start = strncmp(url, "http://", 7) == 0 ? url + 7 : url;
    size_t size = strcspn(start, "/");
    if (size == 0 || size >= sizeof place->host || strlen(start + size) > 1)
        return complain(url, "is neither http://HOST:PORT nor unix:PATH");
    return take_host(place, url, start, size);
}

static int take_resp(struct place *place, const char *text)
{
    *place = (struct place){.port = "6390"};
    if (strncmp(text, "unix:", 5) == 0)
        return take_path(place, text, text + 5);
    /* redis:// as the server prints it at its start */
    const char *start = strncmp(text, "redis://", 8) == 0 ? text + 8 : text;
    size_t size = strlen(start);
    if (size == 0 || size >= sizeof place->host || strchr(start, '/') != NULL)
        return complain(text, "is neither HOST:PORT nor unix:PATH");
    return take_host(place, text, start, size);
}

static void find_socket(struct endpoint *endpoint, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path, strlen(path));
    memcpy(&endpoint->address, &address, sizeof address);
    endpoint->address_size = sizeof address;
    memcpy(endpoint->host, "localhost", sizeof "localhost");
}

static int find_host(struct endpoint *endpoint, const struct place *place)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    int result = getaddrinfo(place->host, place->port, &hints, &found);
    if (result != 0) {
        fprintf(stderr, "hotshelf-loadtest: %s: %s\n", place->host, gai_strerror(result));
        return -1;
    }
    memcpy(&endpoint->address, found->ai_addr, found->ai_addrlen);
    endpoint->address_size = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

int endpoint_check(const char *url)
{
    struct place place;
    return take_url(&place, url);
}

int endpoint_check_resp(const char *text)
{
    struct place place;
    return take_resp(&place, text);
}

int endpoint_parse(struct endpoint *endpoint, const char *url)
{
    struct place place;
    *endpoint = (struct endpoint){0};
    if (take_url(&place, url) < 0)
        return -1;
    if (place.path == NULL) {
        const char *start = strncmp(url, "http://", 7) == 0 ? url + 7 : url;
        memcpy(endpoint->host, start, strcspn(start, "/"));
        return find_host(endpoint, &place);
    }
    find_socket(endpoint, place.path);
    return 0;
}

int endpoint_parse_resp(struct endpoint *endpoint, const char *text)
{
    struct place place;
    *endpoint = (struct endpoint){0};
    if (take_resp(&place, text) < 0)
        return -1;
    if (place.path == NULL)
        return find_host(endpoint, &place);
    find_socket(endpoint, place.path);
    return 0;
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
