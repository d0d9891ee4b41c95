/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two phases: what has become durable is settled before anything else runs, and only behind that do
 * replies leave that tell of it. Replies of one connection leave in the order of its requests, as
 * many as are ready in one send; one send at a time, and a short one goes on where it ended.
 *
 * Other shards hold replies that wait for our batches. Each of them is remembered with the newest
 * batch it waits for, and is rung for, if it sleeps, whenever one of ours is settled until then.
 */
#include "core/bugs.h"
#include "core/check.h"
#include "net/loop/shard.h"

static const char greeting[] = "HTTP/1.1 100 Continue\r\n\r\n";

/* "HTTP/1.1 200", or an error of RESP: what the client is told. */
static uint16_t status_of(const struct request *request)
{
    enum { DIGITS = sizeof("HTTP/1.1 ") - 1 };
    const uint8_t *text = request->reply.data + request->reply.start;
    if (request->protocol != PROTOCOL_HTTP)
        return text[0] == '-' ? ACT_REFUSED : ACT_DONE;
    text += DIGITS;
    CHECK(request->reply.end >= request->reply.start + DIGITS + 3);
    return (uint16_t)(100 * (text[0] - '0') + 10 * (text[1] - '0') + text[2] - '0');
}

/* Now it is as true as the reply: what was done is durable. */
static void log_act(struct shard *shard, struct request *request)
{
    struct act *act = &request->act;
    act->wall_ms = shard->http.clock_ms;
    act->status = status_of(request);
    act->request_size = request->request_id_size;
    memcpy(act->request, request->request_id, request->request_id_size);
    acts_put(&shard->acts, act);
}

void shard_may_send(struct shard *shard, struct request *request)
{
    request->state = REQUEST_READY;
    if (request->act.actor_size > 0)
        log_act(shard, request);
    if (request->connection_index == REQUEST_NONE)
        request_give(&shard->requests, request);
    else
        connection_list(&shard->connections, LIST_FLUSH, request->connection_index);
}

static void make_ready(struct shard *shard, struct request *request)
{
    if (request->goes_on) {
        shard_go_on(shard, request);
        return;
    }
    if (request->connection_index == REQUEST_NONE || shard_is_confirmed(shard, request))
        shard_may_send(shard, request);
    else
        shard_await_confirmation(shard, request);
}

static uint64_t settled_of(const struct shard *shard, uint32_t number)
{
    return atomic_load(&shard->all->shard[number]->settled_batch);
}

static uint32_t waits_for(const struct shard *shard, const struct request *request)
{
    return bug(BUG_WRONG_DISK) ? shard->number : request->wait_shard;
}

void shard_has_run(struct shard *shard, struct request *request)
{
    CHECK(request->state == REQUEST_DECODED);
    request->state = REQUEST_RUN;
    if (!request->goes_on)
        request_drop_work(&shard->requests, request);
    if (request->wait_batch == 0 || bug(BUG_REPLY_BEFORE_DISK) ||
        request->wait_batch <= settled_of(shard, waits_for(shard, request)))
        make_ready(shard, request);
    else
        request_wait(&shard->requests, request);
}

static void note_bells(struct shard *shard, uint64_t settled)
{
    shard->bells |= shard->waiting_homes;
    for (uint64_t homes = shard->waiting_homes; homes != 0; homes &= homes - 1) {
        uint32_t home = (uint32_t)__builtin_ctzll(homes);
        if (shard->waiting_batch[home] <= settled)
            shard->waiting_homes &= ~(UINT64_C(1) << home);
    }
}

/* The law: what comes back comes back after the record is durable, in the order of the records. */
void shard_settle(struct shard *shard)
{
    struct event event;
    while (journal_settle_next(&shard->journal, &event))
        engine_settle(shard->engine, &event);
    if (shard->number == 0)
        shard_follow_freeze(shard);
    uint64_t durable = journal_durable(&shard->journal);
    if (durable == atomic_load_explicit(&shard->settled_batch, memory_order_relaxed))
        return;
    CHECK(durable > atomic_load_explicit(&shard->settled_batch, memory_order_relaxed));
    atomic_store(&shard->settled_batch, durable);
    gather_note_settled(
        &shard->gather, journal_written_size(&shard->journal), io_now_us(shard->io));
    note_bells(shard, durable);
}

/* A neighbour that has just been published to, or waits for our disk, may sleep. */
void shard_ring_bells(struct shard *shard)
{
    for (; shard->bells != 0; shard->bells &= shard->bells - 1) {
        uint32_t other = (uint32_t)__builtin_ctzll(shard->bells);
        if (sleeper_needs_bell(&shard->all->shard[other]->sleeper))
            io_bell(shard->io, shard->all->shard[other]->io);
    }
}

static void send_parts(struct shard *shard, struct connection *connection)
{
    shard->sends++;
    connection->sending = true;
    connection->sent_ms = shard->monotonic_ms;
    connection->in_flight++;
    io_send(shard->io, connection->socket, connection->parts + connection->part_first,
        connection->part_count,
        (struct io_tag){.kind = IO_SEND,
            .generation = connection->generation,
            .index = connection_index(&shard->connections, connection)});
}

static void add_part(struct connection *connection, const void *data, uint32_t size)
{
    connection->parts[connection->part_count++] =
        (struct iovec){.iov_base = (void *)(uintptr_t)data, .iov_len = size};
}

void shard_send(struct shard *shard, struct connection *connection, struct bytes bytes)
{
    CHECK(!connection->sending);
    connection->part_first = 0;
    connection->part_count = 0;
    connection->parts_requests = 0;
    connection->flush_ms = shard->monotonic_ms;
    add_part(connection, bytes.data, bytes.size);
    send_parts(shard, connection);
}

static bool greet(struct connection *connection)
{
    uint32_t its_own = connection->importing ? 1 : 0;
    if (connection->greeting != GREETING_DUE || connection->count > its_own)
        return false;
    connection->greeting = GREETING_SENDING;
    add_part(connection, greeting, sizeof greeting - 1);
    return true;
}

static void flush(struct shard *shard, struct connection *connection)
{
    if (connection->state != CONNECTION_OPEN || connection->sending)
        return;
    connection->part_first = 0;
    connection->part_count = 0;
    connection->parts_requests = 0;
    connection->flush_ms = shard->monotonic_ms;
    uint32_t index = connection->first;
    while (index != REQUEST_NONE && shard->requests.slots[index].state == REQUEST_READY) {
        struct request *request = &shard->requests.slots[index];
        CHECK(request->reply.end > request->reply.start);
        request->state = REQUEST_SENDING;
        add_part(connection, request->reply.data + request->reply.start,
            request->reply.end - request->reply.start);
        connection->parts_requests++;
        index = request->next;
    }
    if (connection->part_count > 0 || greet(connection))
        send_parts(shard, connection);
}

void shard_release(struct shard *shard)
{
    for (uint32_t number = 0; number < shard->count; number++) {
        if (request_first_batch(&shard->requests, number) == UINT64_MAX)
            continue;
        uint64_t settled = settled_of(shard, number);
        struct request *request;
        while ((request = request_next_durable(&shard->requests, number, settled)) != NULL)
            make_ready(shard, request);
    }
    shard_release_confirmed(shard);
    uint32_t index;
    while ((index = connection_unlist(&shard->connections, LIST_FLUSH)) != CONNECTION_NONE)
        flush(shard, &shard->connections.slots[index]);
}

static void take_off(struct connection *connection, const struct request *request)
{
    connection->first = request->next;
    if (connection->first == REQUEST_NONE)
        connection->last = REQUEST_NONE;
    CHECK(connection->count > 0);
    connection->count--;
}

/* Frees the requests whose replies are out. */
static void free_sent(struct shard *shard, struct connection *connection)
{
    for (; connection->parts_requests > 0; connection->parts_requests--) {
        struct request *request = &shard->requests.slots[connection->first];
        take_off(connection, request);
        request_give(&shard->requests, request);
    }
    if (connection->greeting == GREETING_SENDING)
        connection->greeting = GREETING_SENT;
}

static void skip_parts(struct connection *connection, uint32_t size)
{
    while (size > 0) {
        CHECK(connection->part_count > 0);
        struct iovec *part = &connection->parts[connection->part_first];
        if (size < part->iov_len) {
            part->iov_base = (uint8_t *)part->iov_base + size;
            part->iov_len -= size;
            return;
        }
        size -= (uint32_t)part->iov_len;
        connection->part_first++;
        connection->part_count--;
    }
}

void shard_sent(struct shard *shard, struct connection *connection, int32_t result)
{
    uint32_t index = connection_index(&shard->connections, connection);
    if (connection->state != CONNECTION_OPEN || result <= 0) {
        free_sent(shard, connection);
        shard_stream_failed(shard, connection);
        shard_hang_up(shard, connection);
        return;
    }
    connection->active_ms = shard->monotonic_ms;
    skip_parts(connection, (uint32_t)result);
    if (connection->part_count > 0) {
        send_parts(shard, connection);
        return;
    }
    free_sent(shard, connection);
    if (connection->subscriber != 0 && connection->count == 0) {
        shard_stream_sent(shard, connection);
        return;
    }
    if (connection->last_request && connection->count == 0) {
        connection_linger(&shard->connections, index);
        return;
    }
    connection_list(&shard->connections, LIST_FLUSH, index);
    connection_ready(&shard->connections, index);
}

/* What is being sent stays until the kernel is done with it; the rest nobody will read. */
void shard_hang_up(struct shard *shard, struct connection *connection)
{
    if (connection->state == CONNECTION_FREE || connection->state == CONNECTION_CLOSING)
        return;
    uint32_t index = connection_index(&shard->connections, connection);
    if (connection->importing)
        shard_abandon_import(shard, connection);
    shard_leave_stream(shard, connection);
    uint32_t kept = connection->sending ? connection->parts_requests : 0;
    uint32_t at = connection->first;
    uint32_t last = REQUEST_NONE;
    for (uint32_t i = 0; i < kept; i++) {
        last = at;
        at = shard->requests.slots[at].next;
    }
    while (at != REQUEST_NONE) {
        struct request *request = &shard->requests.slots[at];
        at = request->next;
        request->connection_index = REQUEST_NONE;
        if (request->state == REQUEST_READY)
            request_give(&shard->requests, request);
    }
    connection->count = kept;
    connection->last = last;
    if (last == REQUEST_NONE)
        connection->first = REQUEST_NONE;
    else
        shard->requests.slots[last].next = REQUEST_NONE;
    connection->unrun = REQUEST_NONE;
    connection_close(&shard->connections, index);
    connection_settle_close(&shard->connections, index);
}
