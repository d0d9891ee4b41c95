/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doors - where clients come in: a listener for each address of [server], opened, told, closed.
 *
 *     server.http   the storefront, a socket for each shard
 *     server.admin  the admin's, one socket: shard 0
 *     server.resp   that of back ends, a socket for each shard, or off
 *
 * Ownership  The listeners stand in struct shards; their sockets live from doors_open() to
 *            doors_close().
 * Threads    The main thread: before the shards start, and after they have ended.
 * Units      Bytes.
 * Errors     A negative errno and a sentence that names the setting.
 * Cost       A few system calls for each socket, at start alone.
 */
#ifndef HOTSHELF_NET_DOORS_H
#define HOTSHELF_NET_DOORS_H

#include "net/loop/shard.h"

/* File descriptors that the server may have open at once. */
uint64_t doors_descriptors(const struct config *config);

/* Lets the process have that many. Where it may not, capacity.connections becomes what there are
 * enough for, and standard error says so; too few for one are an error. */
int doors_fit_descriptors(struct config *config, char *error, size_t error_size);

/* After an error what is open stays so: the process ends. */
int doors_open(struct shards *shards, const struct config *config, char *error, size_t error_size);

/* A line for each door, as it can be reached, to standard output. */
void doors_announce(const struct shards *shards);
void doors_close(struct shards *shards);

#endif
