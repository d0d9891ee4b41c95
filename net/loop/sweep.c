/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who takes a place, or what stands in a place of others, and gives nothing for it, loses it:
 *
 *     says nothing at all         limits.first_byte_seconds
 *     sends a head by the byte    limits.head_seconds       408, when no reply is under way
 *     .. or its body              limits.request_seconds    408
 *     .. or a command of RESP     the one when it fits where a head does, else the other
 *     takes no reply              limits.reply_seconds      hung up
 *     has nothing under way       limits.idle_seconds       hung up
 *
 * Replies that are not taken stay in slots, and large ones in large replies, of which there are so
 * many. As long as there are enough nobody is driven; when they are short, whoever does not take
 * his has SHORT_MS for the next byte and SHORT_FLUSH_MS for all that is being sent.
 */
#include "core/check.h"
#include "net/loop/intake.h"

enum { MS = 1000 };

static bool is_short_of_slots(const struct shard *shard)
{
    return shard->requests.in_use >= shard->requests.count - shard->requests.count / 4;
}

static bool is_short(const struct shard *shard)
{
    return is_short_of_slots(shard) || shard->wants_large_first != REQUEST_NONE ||
           shard->connections.lists[LIST_LARGE].first != CONNECTION_NONE;
}

uint32_t shard_requests_at_once(const struct shard *shard)
{
    return is_short_of_slots(shard) ? CONNECTION_REQUESTS_SHORT : CONNECTION_REQUESTS_MAX;
}

/* One that lies whole and waits for its turn is our delay, not his. */
static bool is_late(const struct shard *shard, const struct connection *connection)
{
    const struct config *config = shard->all->config;
    uint32_t waiting = 1U << LIST_STALLED | 1U << LIST_LARGE | 1U << LIST_INTAKE |
                       1U << LIST_BACKLOG | 1U << LIST_BACK_ENDS;
    uint64_t ago_ms = shard->monotonic_ms - connection->begun_ms;
    if (connection->tail_size == 0 || connection->last_request)
        return false;
    if (ago_ms >= (uint64_t)config->limits.request_seconds * MS)
        return true;
    bool is_head = connection->progress.needed == 0 ||
                   (connection->listener == DOOR_RESP && connection->tail_large == 0);
    return is_head && connection->count == 0 && (connection->listed & waiting) == 0 &&
           ago_ms >= (uint64_t)config->limits.head_seconds * MS;
}

/* What he sends meanwhile is no sign that he takes anything. */
static bool is_unread(const struct shard *shard, const struct connection *connection, bool starving)
{
    uint64_t quiet_ms = shard->monotonic_ms - connection->sent_ms;
    uint64_t flush_ms = shard->monotonic_ms - connection->flush_ms;
    if (starving && connection->buffer_count > 0 && quiet_ms >= STARVE_MS)
        return true;
    if (is_short(shard) && (quiet_ms >= SHORT_MS || flush_ms >= SHORT_FLUSH_MS))
        return true;
    return quiet_ms >= (uint64_t)shard->all->config->limits.reply_seconds * MS;
}

static bool is_over(const struct shard *shard, const struct connection *connection, bool starving)
{
    const struct config *config = shard->all->config;
    uint64_t quiet_ms = shard->monotonic_ms - connection->active_ms;
    if (connection->state == CONNECTION_LINGERING)
        return quiet_ms >= LINGER_MS;
    if (connection->state != CONNECTION_OPEN)
        return false;
    if (starving && connection->buffer_count > 0 &&
        connection_is_paused(&shard->connections, connection))
        return true;
    if (connection->sending)
        return is_unread(shard, connection, starving);
    if (connection->importing)
        return quiet_ms >= STALL_MS;
    uint32_t seconds =
        connection->heard ? config->limits.idle_seconds : config->limits.first_byte_seconds;
    return connection->count == 0 && quiet_ms >= (uint64_t)seconds * MS;
}

static void look_at(struct shard *shard, struct connection *connection, bool starving)
{
    if (connection->state == CONNECTION_FREE)
        return;
    if (connection->subscriber != 0) {
        if (shard_stream_is_over(shard, connection))
            shard_hang_up(shard, connection);
        return;
    }
    bool late = connection->state == CONNECTION_OPEN && is_late(shard, connection);
    bool may_tell = connection->count == 0 && !connection->sending;
    if (late && may_tell && shard_tell_late(shard, connection))
        return;
    if (late || is_over(shard, connection, starving))
        shard_hang_up(shard, connection);
}

void shard_sweep(struct shard *shard)
{
    bool starving = shard->connections.lists[LIST_STARVED].first != CONNECTION_NONE;
    uint32_t pause = starving ? STARVE_MS / 2 : SWEEP_MS;
    if (shard->monotonic_ms - shard->swept_ms < pause || shard->connections.open == 0)
        return;
    shard->swept_ms = shard->monotonic_ms;
    for (uint32_t i = 0; i < shard->connections.used; i++)
        look_at(shard, &shard->connections.slots[i], starving);
}
