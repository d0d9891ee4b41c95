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

enum intake { INTAKE_GOES_ON, INTAKE_WAITS, INTAKE_STALLED, INTAKE_NEEDS_LARGE, INTAKE_PAUSES };

/* Behind the other requests of the connection. */
void shard_enqueue(struct shard *shard, struct connection *connection, struct request *request);

/* Runs a decoded command here or sends it to its shard; its bytes are used up unless it has to
 * be decoded again. */
enum intake shard_dispatch(struct shard *shard, struct connection *connection,
    struct request *request, uint32_t target, uint32_t consumed);

/* The last reply of a connection whose request did not come in time: 408. False: no slot is free.
 */
bool shard_tell_late(struct shard *shard, struct connection *connection);

/* An error of the Redis protocol as the last reply. */
enum intake shard_end_resp(
    struct shard *shard, struct connection *connection, const char *word, const char *reason);

/* Commands of a pipeline of the Redis protocol, at most so many, while `intake` goes on; answers
 * how many. None: the first one is not of those that can be decoded ahead. */
uint32_t shard_take_ahead(
    struct shard *shard, struct connection *connection, uint32_t most, enum intake *intake);
/* One command of the Redis protocol. */
enum intake shard_take_resp(struct shard *shard, struct connection *connection, struct bytes input);

#endif
