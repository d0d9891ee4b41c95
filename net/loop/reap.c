/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first phase: completions become state, nothing is decided yet. A receive leaves its buffer
 * with the connection and puts it on the intake list; a send frees the requests it answered; a
 * journal write tells the journal that a batch is durable.
 *
 * What can go wrong: accept fails when descriptors run out (wait, then ask again, never at once);
 * no room for one more client at his door (he is told 503 and hung up on); a completion of a
 * connection that is closing only counts down what is in flight.
 */
#include <errno.h>
#include <stdio.h>

#include "core/check.h"
#include "net/http/problem.h"
#include "net/http/rate.h"
#include "net/loop/shard.h"

enum { COMPLETIONS_AT_ONCE = 64, ACCEPT_STOREFRONT = HTTP_STOREFRONT, ACCEPT_ADMIN = HTTP_ADMIN };

_Static_assert(DOORS <= (int)IO_LISTENERS_MAX, "the loop can accept at every door");

static int listening(const struct shard *shard, uint32_t which)
{
    if (which == ACCEPT_ADMIN)
        return shard->number == 0 ? shard->all->admin.sockets[0] : -1;
    if (which == DOOR_RESP)
        return shard->all->resp.count > 0 ? shard->all->resp.sockets[shard->number] : -1;
    return shard->all->storefront.sockets[shard->number];
}

void shard_accept_on(struct shard *shard)
{
    shard->accept_retry_ms = 0;
    for (uint32_t which = ACCEPT_STOREFRONT; which < DOORS; which++) {
        bool wanted = !shard->accepting[which] && listening(shard, which) >= 0;
        if (!wanted || shard->phase != SHARD_RUNNING)
            continue;
        shard->accepting[which] = true;
        io_accept(
            shard->io, listening(shard, which), (struct io_tag){.kind = IO_ACCEPT, .index = which});
    }
}

struct refusal {
    const char *status_line, *code, *title, *detail;
    uint32_t status;
};

/* Nothing of a request has been read, so the problem names no request_id. Later by chance: who was
 * turned away together shall not come back together. */
static void reject(struct shard *shard, int socket, uint32_t which, const struct refusal *refusal)
{
    static const char resp_refusal[] = "-ERR max number of clients reached\r\n";
    char body[256], text[512];
    shard->rejected++;
    if (which == DOOR_RESP) {
        io_reject_socket(shard->io, socket, resp_refusal, sizeof resp_refusal - 1);
        return;
    }
    uint32_t ms = REJECTED_MS + (uint32_t)problem_jitter_ms(&shard->http, REJECTED_MS);
    int body_size = snprintf(body, sizeof body,
        "{\"type\":\"/problems/%s\",\"title\":\"%s\",\"status\":%u,\"detail\":\"%s\","
        "\"code\":\"%s\",\"retry_after_ms\":%u}",
        refusal->code, refusal->title, refusal->status, refusal->detail, refusal->code, ms);
    int size = snprintf(text, sizeof text,
        "HTTP/1.1 %s\r\nContent-Type: application/problem+json\r\nCache-Control: no-store\r\n"
        "Content-Length: %d\r\nRetry-After: %u\r\nConnection: close\r\n\r\n%s",
        refusal->status_line, body_size, (ms + 999) / 1000, body);
    CHECK(body_size < (int)sizeof body);
    CHECK(size < (int)sizeof text);
    io_reject_socket(shard->io, socket, text, (uint32_t)size);
}

static const struct refusal no_room = {"503 Service Unavailable", "overloaded", "Overloaded",
    "No connection is free now; come again.", 503};
static const struct refusal too_often = {"429 Too Many Requests", "rate_limited",
    "Too many requests", "This address opens more connections than it may.", 429};
static const struct refusal too_many = {"429 Too Many Requests", "rate_limited",
    "Too many requests", "This address has as many connections open as it may.", 429};

/* The main thread says so, once. An end of the door that we shut ourselves is none. */
static void accept_failed(struct shard *shard, int error)
{
    shard->accept_retry_ms = shard->monotonic_ms + ACCEPT_RETRY_MS;
    if (shard->phase != SHARD_RUNNING)
        return;
    atomic_store(&shard->accept_error, error);
    atomic_store(&shard->accept_failed_ms, shard->monotonic_ms);
}

/* Customers have places by their address, unless they come by a gateway. */
static bool is_counted(const struct shard *shard, uint32_t which, const struct address *peer)
{
    return which == ACCEPT_STOREFRONT && peer->kind == ADDRESS_IP &&
           !proxies_trust(&shard->http.rates->proxies, peer);
}

/* Who fills the storefront's door has not shut that of back ends, nor they that of admins, who can
 * stop a sale. */
static bool has_room(const struct shard *shard, uint32_t which)
{
    static const uint64_t kept[DOORS] = {[HTTP_STOREFRONT] = 2, [DOOR_RESP] = 1};
    const struct connections *connections = &shard->connections;
    uint64_t free = connections->count - connections->open;
    return free > kept[which] * connections->count / CONNECTIONS_KEPT_PART;
}

/* Words for one a millisecond: more of them would cost more than the flood itself. */
static void turn_away(struct shard *shard, int socket, uint32_t which)
{
    if (shard->turned_away_ms == shard->monotonic_ms) {
        shard->rejected++;
        io_reject_socket(shard->io, socket, NULL, 0);
        return;
    }
    shard->turned_away_ms = shard->monotonic_ms;
    reject(shard, socket, which, &too_often);
}

static void let_in(struct shard *shard, int socket, uint32_t which)
{
    struct places *places = &shard->all->places;
    struct address peer = {.kind = ADDRESS_NONE};
    uint32_t place = PLACES_NONE;
    bool limited = shard->http.rates->requests.interval_ns != 0;
    if (places->most > 0 || limited)
        peer = io_peer(shard->io, socket);
    bool counted = is_counted(shard, which, &peer);
    if (counted && limited && !rate_ask_connection(&shard->http, &peer)) {
        turn_away(shard, socket, which);
        return;
    }
    if (counted && places->most > 0)
        place = places_take(places, address_name(&peer));
    if (counted && places->most > 0 && place == PLACES_NONE) {
        reject(shard, socket, which, &too_many);
        return;
    }
    uint32_t index = CONNECTION_NONE;
    if (shard->phase == SHARD_RUNNING && has_room(shard, which))
        index = connection_open(&shard->connections, socket, (uint8_t)which);
    if (index == CONNECTION_NONE) {
        if (place != PLACES_NONE)
            places_give(places, place);
        reject(shard, socket, which, &no_room);
        return;
    }
    shard->connections.slots[index].peer = peer;
    shard->connections.slots[index].place = place;
}

static void accepted(struct shard *shard, const struct io_completion *completion)
{
    uint32_t which = completion->tag.index;
    CHECK(which < DOORS);
    if (!completion->more)
        shard->accepting[which] = false;
    if (completion->result < 0) {
        accept_failed(shard, -completion->result);
        return;
    }
    let_in(shard, completion->result, which);
    if (!completion->more)
        shard->accept_retry_ms = shard->monotonic_ms;
}

/* Asked of the kernel once, and only for who wants to know. */
struct address shard_peer_of(struct shard *shard, uint32_t index)
{
    CHECK(index < shard->connections.count);
    struct connection *connection = &shard->connections.slots[index];
    if (connection->peer.kind == ADDRESS_NONE && connection->state != CONNECTION_FREE)
        connection->peer = io_peer(shard->io, connection->socket);
    return connection->peer;
}

/* 0: he will send no more. -ENOBUFS: again when a buffer is free. -ECANCELED: we asked for it. */
static void receive_ended(struct shard *shard, struct connection *connection, int32_t result)
{
    uint32_t index = connection_index(&shard->connections, connection);
    connection->receiving = false;
    connection->in_flight--;
    if (result == 0)
        connection->end_of_input = true;
    if (result == -ENOBUFS)
        connection_list(&shard->connections, LIST_STARVED, index);
    bool gone = result < 0 && result != -ENOBUFS && result != -ECANCELED;
    if (gone || (result == 0 && connection->state == CONNECTION_LINGERING))
        shard_hang_up(shard, connection);
    connection_list(&shard->connections, LIST_INTAKE, index);
}

static void received(struct shard *shard, const struct io_completion *completion)
{
    struct connection *connection = connection_of(&shard->connections, completion->tag);
    CHECK(connection != NULL);
    if (completion->buffer != IO_NO_BUFFER) {
        connection_received(&shard->connections, connection, completion);
        connection_ready(&shard->connections, completion->tag.index);
    }
    if (!completion->more)
        receive_ended(shard, connection, completion->result);
    connection_settle_close(&shard->connections, completion->tag.index);
}

static void receive_stopped(struct shard *shard, const struct io_completion *completion)
{
    struct connection *connection = connection_of(&shard->connections, completion->tag);
    CHECK(connection != NULL);
    CHECK(connection->stopping);
    connection->stopping = false;
    connection->in_flight--;
    connection_settle_close(&shard->connections, completion->tag.index);
}

static void sent(struct shard *shard, const struct io_completion *completion)
{
    struct connection *connection = connection_of(&shard->connections, completion->tag);
    CHECK(connection != NULL);
    CHECK(connection->sending);
    connection->sending = false;
    connection->in_flight--;
    shard_sent(shard, connection, completion->result);
    connection_settle_close(&shard->connections, completion->tag.index);
}

static void complete(struct shard *shard, const struct io_completion *completion)
{
    switch (completion->tag.kind) {
    case IO_ACCEPT:
        accepted(shard, completion);
        break;
    case IO_RECEIVE:
        received(shard, completion);
        break;
    case IO_SEND:
        sent(shard, completion);
        break;
    case IO_CANCEL:
        receive_stopped(shard, completion);
        break;
    case IO_WRITE:
        journal_written(&shard->journal, completion->result);
        break;
    case IO_NONE:
    case IO_WAKE:
    case IO_BELL:
        break;
    }
}

void shard_reap(struct shard *shard)
{
    struct io_completion completions[COMPLETIONS_AT_ONCE];
    uint32_t count = COMPLETIONS_AT_ONCE;
    uint32_t rounds = 0;
    for (; rounds < REAPS_PER_TICK && count == COMPLETIONS_AT_ONCE; rounds++) {
        count = io_reap(shard->io, completions, COMPLETIONS_AT_ONCE);
        for (uint32_t i = 0; i < count; i++)
            complete(shard, &completions[i]);
    }
    shard->work_left = count == COMPLETIONS_AT_ONCE;
    if (shard->accept_retry_ms != 0 && shard->accept_retry_ms <= shard->monotonic_ms)
        shard_accept_on(shard);
}

void shard_feed_starved(struct shard *shard)
{
    struct connections *connections = &shard->connections;
    for (uint32_t left = io_buffers_left(shard->io); left > 0; left--) {
        uint32_t index = connection_unlist(connections, LIST_STARVED);
        if (index == CONNECTION_NONE)
            return;
        connection_receive_on(connections, &connections->slots[index]);
    }
}
