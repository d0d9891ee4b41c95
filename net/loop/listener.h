/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listener - where clients knock: "127.0.0.1:8080", "[::1]:8080", "unix:PATH".
 *
 * On TCP every shard has a socket of its own for the same port (SO_REUSEPORT), and the kernel deals
 * out the clients. A Unix socket has no such thing: all shards accept from one.
 *
 * Ownership  listener_close() ends what listener_open() began and removes a Unix socket's file.
 * Threads    Opened and closed by the main thread; accepted from by the shards.
 * Units      None.
 * Errors     -errno, and a sentence with the address and the remedy in `error`.
 * Cost       A few system calls; an address in use is tried again for two seconds.
 */
#ifndef HOTSHELF_NET_LOOP_LISTENER_H
#define HOTSHELF_NET_LOOP_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/config.h"

enum { LISTENER_ADDRESS_SIZE_MAX = 128 };

struct listener {
    int sockets[SHARDS_MAX]; /* one for each shard; a Unix socket stands in all of them */
    uint32_t count;
    bool local;                              /* a Unix socket */
    char address[LISTENER_ADDRESS_SIZE_MAX]; /* as it can be reached: the port is the real one */
};

/* Port 0: the kernel chooses one, the same for all shards. `use` is what errors call the address:
 * "server.http". */
int listener_open(struct listener *listener, const struct config_address *address, uint32_t shards,
    const char *use, char *error, size_t error_size);
void listener_close(struct listener *listener);

#endif
