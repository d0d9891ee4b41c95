/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoint - where a listener of the server is: a TCP address or a Unix socket.
 *
 * Ownership  A plain value without pointers; a connection is the caller's to close.
 * Threads    Any.
 * Units      Bytes, milliseconds.
 * Errors     endpoint_check(), endpoint_parse(): -1 after one line on stderr. endpoint_connect(): a
 *            negative errno.
 * Cost       A name is looked up once; of several addresses the first is taken.
 */
#ifndef HOTSHELF_LOADTEST_ENDPOINT_H
#define HOTSHELF_LOADTEST_ENDPOINT_H

#include <stdint.h>
#include <sys/socket.h>

struct endpoint {
    struct sockaddr_storage address;
    socklen_t address_size;
    char host[256]; /* for the Host header; of the Redis protocol "" or "localhost" */
};

/* http://HOST:PORT or unix:PATH. */
int endpoint_parse(struct endpoint *endpoint, const char *url);

/* HOST:PORT (6390 when it is not named), also behind redis://, or unix:PATH. */
int endpoint_parse_resp(struct endpoint *endpoint, const char *place);

/* Whether it can be one, without looking any name up. */
int endpoint_check(const char *url);
int endpoint_check_resp(const char *place);

/* For the server on this machine (127.0.0.0/8): the socket comes from the n-th address behind
 * 127.0.0.1, each of which has ports of its own. Elsewhere, and for n = 0, nothing is changed. */
void endpoint_bind(const struct endpoint *endpoint, int fd, uint32_t source);

/* A connection that waits: for itself, and in each send and receive, as long as `patience_ms`. */
int endpoint_connect(const struct endpoint *endpoint, uint32_t patience_ms);

#endif
