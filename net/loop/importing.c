/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shard 0's part in an import (http/import.h): the connection's bytes go to the spool instead of
 * the parser, a step is made in each tick, and the reply comes back when the last row is on the
 * shelf. The request stands in the connection's queue like any other and has not run until then.
 */
#include "core/check.h"
#include "net/loop/shard.h"

void shard_begin_import(
    struct shard *shard, struct connection *connection, struct request *request, uint64_t body_size)
{
    CHECK(shard->import != NULL);
    CHECK(connection->last_request);
    if (!import_begin(shard->import, &shard->http, request, body_size)) {
        shard_has_run(shard, request);
        return;
    }
    connection->unrun = request->index;
    connection->importing = true;
}

static void give_up(struct shard *shard, struct connection *connection)
{
    shard_abandon_import(shard, connection);
    shard_hang_up(shard, connection);
}

bool shard_feed_import(struct shard *shard, struct connection *connection)
{
    CHECK(connection->importing);
    uint64_t missing = import_missing(shard->import);
    struct bytes input = connection_input(&shard->connections, connection);
    if (input.size == 0 && missing > 0) {
        if (connection->end_of_input)
            give_up(shard, connection);
        return false;
    }
    if (input.size > missing)
        input.size = (uint32_t)missing;
    if (input.size > 0) {
        import_feed(shard->import, input);
        connection_consume(&shard->connections, connection, input.size);
    }
    connection->importing = import_missing(shard->import) > 0;
    return connection->importing;
}

void shard_abandon_import(struct shard *shard, struct connection *connection)
{
    struct request *request = &shard->requests.slots[connection->unrun];
    CHECK(connection->importing);
    CHECK(connection->first == request->index);
    import_abandon(shard->import);
    connection->importing = false;
    connection->unrun = REQUEST_NONE;
    connection->first = connection->last = REQUEST_NONE;
    connection->count = 0;
    request_give(&shard->requests, request);
}

static bool run_row(void *host, const struct command *command, struct answer *answer)
{
    struct shard *shard = host;
    struct event event;
    return journal_room(&shard->journal) && (shard_decide(shard, command, &event, answer), true);
}

static void look_at_row(void *host, const struct command *command, struct answer *answer)
{
    struct shard *shard = host;
    struct event event = {0};
    engine_decide(shard->engine, command, &shard->http.now, &event, answer);
}

void shard_import(struct shard *shard)
{
    if (shard->import == NULL || shard->phase >= SHARD_DRAINED)
        return;
    struct import_host host = {.run = run_row, .look = look_at_row, .host = shard};
    struct request *request = import_tick(shard->import, &shard->http, &host);
    if (import_is_busy(shard->import) && journal_room(&shard->journal) &&
        !journal_full(&shard->journal))
        shard->work_left = true;
    if (request == NULL)
        return;
    request->wait_shard = (uint8_t)shard->number;
    request->wait_batch = journal_newest(&shard->journal);
    uint32_t index = request->connection_index;
    if (index != REQUEST_NONE)
        shard->connections.slots[index].unrun = REQUEST_NONE;
    shard_has_run(shard, request);
}
