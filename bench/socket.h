/* SPDX-License-Identifier: Apache-2.0 */
/*
 * socket - connections to a server under measurement, over TCP on this machine or a Unix socket.
 *
 * Ownership  The descriptors are the caller's.
 * Threads    Any.
 * Units      A port, or a path when it is not NULL.
 * Errors     A negative errno.
 * Cost       One connection.
 */
#ifndef HOTSHELF_BENCH_SOCKET_H
#define HOTSHELF_BENCH_SOCKET_H

#include <stdint.h>

/* A blocking connection to 127.0.0.1:port, or to the Unix socket of that path. */
int socket_connect(uint16_t port, const char *path);

/* A port of 127.0.0.1 that was free a moment ago. */
uint16_t socket_free_port(void);

#endif
