/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live stock on its way to the clients. A request for a stream is answered like any other: its
 * reply is the first event, and its slot is free when that is out. From then on the connection
 * belongs to its subscriber (subscribers.h): every LOOK_MS the shard looks at what is watched, and
 * who has something to be told gets one send, EVENTS_PER_TICK of them in a tick, in turn. This
 * comes after commit and before release, so that the events leave in the same system call.
 *
 * What can go wrong: a client does not take an event within STALL_MS and is dropped; it hangs up,
 * or says more than STREAM_INPUT_MAX bytes, which nobody reads; the table is full, or streams would
 * take the last places for connections: then a new one is refused. A stop ends each stream with its
 * last chunk.
 */
#include "core/check.h"
#include "net/loop/shard.h"

enum {
    STREAM_INPUT_MAX = 4096,  /* from a client that has a stream: it has nothing to say */
    CONNECTIONS_KEPT_FREE = 8 /* one in so many: a stream is refused before a shopper is */
};

static struct subscriber *subscriber_of(
    const struct shard *shard, const struct connection *connection)
{
    CHECK(connection->subscriber != 0);
    return &shard->subscribers.subscribers[connection->subscriber - 1];
}

bool shard_subscribe(void *host, struct request *request, uint32_t count, struct sse_event *first)
{
    struct shard *shard = host;
    const struct connections *connections = &shard->connections;
    if (connections->count - connections->open < connections->count / CONNECTIONS_KEPT_FREE)
        return false;
    uint32_t index =
        subscribers_join(&shard->subscribers, &shard->http, request->work->items, count, first);
    if (index == SUBSCRIBER_NONE)
        return false;
    request->subscriber = index + 1;
    return true;
}

void shard_begin_stream(
    struct shard *shard, struct connection *connection, const struct request *request)
{
    CHECK(connection->subscriber == 0);
    CHECK(connection->last_request);
    connection->subscriber = request->subscriber;
    struct subscriber *subscriber = subscriber_of(shard, connection);
    subscriber->connection_index = connection_index(&shard->connections, connection);
    subscriber->begun_ms = shard->monotonic_ms;
}

/* The last bytes are out. */
static void end_stream(struct shard *shard, struct connection *connection)
{
    subscribers_leave(&shard->subscribers, connection->subscriber - 1);
    connection->subscriber = 0;
    connection_linger(&shard->connections, connection_index(&shard->connections, connection));
}

static void tell(struct shard *shard, uint32_t index)
{
    struct subscriber *subscriber = &shard->subscribers.subscribers[index];
    struct connection *connection = &shard->connections.slots[subscriber->connection_index];
    CHECK(connection->subscriber == index + 1);
    CHECK(connection->state == CONNECTION_OPEN);
    CHECK(!connection->sending);
    struct bytes bytes = subscribers_write(&shard->subscribers, &shard->http, index);
    subscriber->begun_ms = shard->monotonic_ms;
    if (bytes.size > 0)
        shard_send(shard, connection, bytes);
    else
        end_stream(shard, connection);
}

/* A shard that comes late does not look twice to catch up. */
static bool looks_again(struct shard *shard)
{
    const struct subscribers *subscribers = &shard->subscribers;
    bool looking = subscribers->look_at < subscribers->watched_used;
    if (looking || shard->monotonic_ms < shard->look_ms)
        return false;
    bool late = shard->monotonic_ms - shard->look_ms >= LOOK_MS;
    shard->look_ms = (late ? shard->monotonic_ms : shard->look_ms) + LOOK_MS;
    return true;
}

void shard_stream(struct shard *shard)
{
    struct subscribers *subscribers = &shard->subscribers;
    if (subscribers->open == 0)
        return;
    bool again = looks_again(shard);
    if (again)
        subscribers_remind(subscribers, shard->looks++ % COMMENT_LOOKS);
    bool all_seen = subscribers_look(subscribers, &shard->http, again);
    uint32_t index = SUBSCRIBER_NONE;
    for (uint32_t events = 0; events < EVENTS_PER_TICK; events++) {
        index = subscribers_next(subscribers);
        if (index == SUBSCRIBER_NONE)
            break;
        tell(shard, index);
    }
    if (!all_seen || index != SUBSCRIBER_NONE)
        shard->work_left = true;
}

uint64_t shard_stream_wait_ms(const struct shard *shard)
{
    if (shard->subscribers.open == 0)
        return UINT64_MAX;
    return shard->look_ms > shard->monotonic_ms ? shard->look_ms - shard->monotonic_ms : 0;
}

void shard_stream_sent(struct shard *shard, struct connection *connection)
{
    const struct subscriber *subscriber = subscriber_of(shard, connection);
    CHECK(connection->count == 0);
    subscribers_sent(&shard->subscribers, connection->subscriber - 1);
    if (connection->end_of_input)
        shard_hang_up(shard, connection);
    else if (subscriber->ended)
        end_stream(shard, connection);
}

void shard_stream_failed(struct shard *shard, struct connection *connection)
{
    if (connection->subscriber == 0)
        return;
    bool left = subscriber_of(shard, connection)->state == SUBSCRIBER_LEFT;
    subscribers_sent(&shard->subscribers, connection->subscriber - 1);
    if (left)
        connection->subscriber = 0;
}

void shard_leave_stream(struct shard *shard, struct connection *connection)
{
    if (connection->subscriber == 0)
        return;
    const struct subscriber *subscriber = subscriber_of(shard, connection);
    subscribers_leave(&shard->subscribers, connection->subscriber - 1);
    if (subscriber->state != SUBSCRIBER_LEFT)
        connection->subscriber = 0;
}

void shard_ignore_input(struct shard *shard, struct connection *connection)
{
    if (connection->state != CONNECTION_OPEN)
        return;
    struct subscriber *subscriber = subscriber_of(shard, connection);
    subscriber->ignored += connection_ignore(&shard->connections, connection);
    if (subscriber->ignored > STREAM_INPUT_MAX)
        shard_hang_up(shard, connection);
}

bool shard_stream_is_over(struct shard *shard, const struct connection *connection)
{
    if (connection->state != CONNECTION_OPEN || !connection->sending)
        return false;
    if (shard->monotonic_ms - subscriber_of(shard, connection)->begun_ms < STALL_MS)
        return false;
    shard->subscribers.dropped++;
    return true;
}

void shard_end_streams(struct shard *shard)
{
    struct subscribers *subscribers = &shard->subscribers;
    for (uint32_t i = 0; subscribers->open > 0 && i < subscribers->subscribers_used; i++) {
        const struct subscriber *subscriber = &subscribers->subscribers[i];
        bool goes_on = subscriber->state != SUBSCRIBER_FREE && subscriber->state != SUBSCRIBER_LEFT;
        if (goes_on && !subscriber->ending)
            subscribers_end(subscribers, i);
    }
}
