/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intake - what the intake of both protocols shares: see intake.c.
 *
 * Ownership  Requests taken stand in their connection's queue from shard_enqueue() on.
 * Threads    The shard's own.
 * Units      Bytes.
 * Errors     enum intake: each way of not going on has its own wake-up.
 * Cost       O(1) besides what a command takes.
 */
#ifndef HOTSHELF_NET_LOOP_INTAKE_H
#define HOTSHELF_NET_LOOP_INTAKE_H

#include "net/loop/shard.h"

enum intake { INTAKE_GOES_ON, INTAKE_WAITS, INTAKE_STALLED, INTAKE_NEEDS_LARGE };

/* Behind the other requests of the connection. */
void shard_enqueue(struct shard *shard, struct connection *connection, struct request *request);

/* Runs a decoded command here or sends it to its shard; its bytes are used up unless it has to
 * be decoded again. */
enum intake shard_dispatch(struct shard *shard, struct connection *connection,
    struct request *request, uint32_t target, uint32_t consumed);

/* One command of the Redis protocol. */
enum intake shard_take_resp(struct shard *shard, struct connection *connection, struct bytes input);

#endif
