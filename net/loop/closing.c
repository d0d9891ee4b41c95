/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A clean stop, step by step, one look per tick:
 *
 *     RUNNING -> DRAINING    asked to stop: no new clients, those who wait for nothing are let go
 *             -> DRAINED     no request of ours is under way any more, or the time is over
 *             -> CLOSING     the same is true of every shard: nobody sends us anything now
 *             -> STOPPED     the last batch is durable, then the closing mark is
 *
 * A shard without clients goes on running what others send until all are drained.
 */
#include <stdio.h>

#include "core/check.h"
#include "net/loop/shard.h"

static void stop_accepting(struct shard *shard)
{
    struct shards *all = shard->all;
    if (shard->accepting[HTTP_STOREFRONT])
        io_shutdown_socket(shard->io, all->storefront.sockets[shard->number]);
    if (shard->accepting[HTTP_ADMIN])
        io_shutdown_socket(shard->io, all->admin.sockets[0]);
    if (shard->accepting[DOOR_RESP])
        io_shutdown_socket(shard->io, all->resp.sockets[shard->number]);
}

static bool waits_for_nothing(const struct connection *connection)
{
    return connection->count == 0 && connection->tail_size == 0 && connection->buffer_count == 0 &&
           !connection->sending && connection->subscriber == 0;
}

static void let_go(struct shard *shard, bool everybody)
{
    for (uint32_t i = 0; i < shard->connections.used; i++) {
        struct connection *connection = &shard->connections.slots[i];
        if (connection->state == CONNECTION_OPEN && (everybody || waits_for_nothing(connection)))
            shard_hang_up(shard, connection);
        if (connection->state == CONNECTION_LINGERING && everybody)
            shard_hang_up(shard, connection);
    }
}

/* An import that is not done in time goes on from its spool after the next start (T4). */
static uint32_t imports(const struct shard *shard)
{
    return shard->import != NULL && !import_is_idle(shard->import) ? 1 : 0;
}

static void drain(struct shard *shard)
{
    bool time_is_over = shard->monotonic_ms >= shard->drain_until_ms;
    shard_end_streams(shard);
    let_go(shard, time_is_over);
    uint32_t left_behind = time_is_over ? imports(shard) : 0;
    if (shard->connections.open > 0 || shard->requests.in_use > left_behind)
        return;
    shard->phase = SHARD_DRAINED;
    if (atomic_fetch_add(&shard->all->drained, 1) + 1 == shard->count)
        shards_wake(shard->all);
}

static void close_journal(struct shard *shard)
{
    if (!journal_idle(&shard->journal))
        return;
    shard->work_left = true;
    if (shard->mark_written) {
        shard->phase = SHARD_STOPPED;
        return;
    }
    shard->mark_written = true;
    if (!journal_close_mark(&shard->journal, shard->http.now.wall_ms))
        fprintf(stderr, "hotshelf: shard %u: the journal has no room for the closing mark\n",
            shard->number);
}

void shard_close_down(struct shard *shard)
{
    switch (shard->phase) {
    case SHARD_RUNNING:
        if (!atomic_load(&shard->all->stopping))
            return;
        shard->phase = SHARD_DRAINING;
        shard->drain_until_ms = shard->monotonic_ms + shard->all->drain_ms;
        stop_accepting(shard);
        drain(shard);
        break;
    case SHARD_DRAINING:
        drain(shard);
        break;
    case SHARD_DRAINED:
        if (atomic_load(&shard->all->drained) < shard->count)
            return;
        shard->phase = SHARD_CLOSING;
        shard->work_left = true;
        break;
    case SHARD_CLOSING:
        close_journal(shard);
        break;
    case SHARD_STOPPED:
        break;
    }
}

uint64_t shard_drain_wait_ms(const struct shard *shard)
{
    if (shard->phase != SHARD_DRAINING)
        return UINT64_MAX;
    if (shard->drain_until_ms <= shard->monotonic_ms)
        return 1;
    return shard->drain_until_ms - shard->monotonic_ms;
}
