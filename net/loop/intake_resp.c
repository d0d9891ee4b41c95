/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The intake of the Redis protocol: as that of HTTP, with another parser. Also what tells the two
 * apart when a request has run, or cannot.
 */
#include "core/check.h"
#include "net/loop/intake.h"
#include "net/resp/command.h"
#include "net/resp/reply.h"

void shard_refuse(struct shard *shard, struct request *request, uint32_t status, const char *code,
    const char *detail)
{
    if (request->protocol == PROTOCOL_HTTP)
        http_refuse(&shard->http, request, status, code, detail);
    else
        resp_refuse(request, code, detail);
}

bool shard_render(struct shard *shard, struct request *request, const struct answer *answer)
{
    if (request->protocol == PROTOCOL_HTTP)
        return http_render(&shard->http, shard->engine, request, answer);
    return resp_render(&shard->http, shard->engine, request, answer);
}

uint32_t shard_reply_bound(const struct shard *shard, const struct request *request)
{
    if (request->protocol == PROTOCOL_HTTP)
        return http_reply_bound(shard->engine, request);
    return resp_reply_bound(shard->engine, request);
}

/* The last reply of the connection: what follows cannot be trusted to begin a command. */
enum intake shard_end_resp(
    struct shard *shard, struct connection *connection, const char *word, const char *reason)
{
    struct request *request = request_take(&shard->requests, (uint8_t)shard->number);
    if (request == NULL)
        return INTAKE_STALLED;
    request->protocol = PROTOCOL_RESP2;
    resp_answer_error(request, word, reason);
    request->reply.close = true;
    shard_enqueue(shard, connection, request);
    shard_has_run(shard, request);
    return INTAKE_WAITS;
}

static enum intake incomplete(struct shard *shard, struct connection *connection, uint32_t needed)
{
    connection->progress.needed = needed;
    if (!connection_keep(&shard->connections, connection))
        return shard_end_resp(shard, connection, "OVERLOADED",
            "overloaded Too many large commands are being received.");
    return connection_has_more(connection) ? INTAKE_GOES_ON : INTAKE_WAITS;
}

static enum intake decode(
    struct shard *shard, struct connection *connection, const struct resp_request *parsed)
{
    struct request *request = request_take(&shard->requests, (uint8_t)shard->number);
    if (request == NULL)
        return INTAKE_STALLED;
    request->keep_alive = shard->phase == SHARD_RUNNING;
    uint32_t target = shard->number;
    switch (resp_decode(&shard->http, &connection->resp, parsed, request, &target)) {
    case RESP_COMMAND:
        CHECK(target < shard->count);
        if (!shard_confirms_no_more(shard, request))
            return shard_dispatch(shard, connection, request, target, parsed->consumed);
        shard_refuse(shard, request, 503, "overloaded",
            "Too many checkouts wait for PostgreSQL; nothing was taken.");
        break;
    case RESP_WAITS:
        request_give(&shard->requests, request);
        return INTAKE_NEEDS_LARGE;
    case RESP_ANSWERED:
        break;
    }
    CHECK(!request->reply.overflow);
    shard_enqueue(shard, connection, request);
    connection_consume(&shard->connections, connection, parsed->consumed);
    shard_has_run(shard, request);
    return INTAKE_GOES_ON;
}

/* Whoever has shown no token yet has little to say, and takes no large room to say it in. */
static uint32_t size_max(const struct shard *shard, const struct connection *connection)
{
    bool admitted = resp_is_admitted(&shard->http, &connection->resp);
    return admitted ? shard->all->body_bytes : CONNECTION_TAIL_SIZE;
}

/* A command that is decoded and has not run. */
struct ahead {
    struct request *request;
    uint32_t consumed;
    uint32_t target;
};

/* Decodes a command that runs in an engine; false: it is another one, or none, and nothing has
 * happened. */
static bool look_ahead(
    struct shard *shard, struct connection *connection, struct bytes input, struct ahead *ahead)
{
    uint8_t room[RESP_INLINE_SIZE_MAX];
    struct resp_request parsed;
    uint32_t target = shard->number;
    if (resp_parse(input, size_max(shard, connection), room, &parsed) != RESP_REQUEST ||
        !resp_is_selling(&parsed))
        return false;
    struct request *request = request_take(&shard->requests, (uint8_t)shard->number);
    if (request == NULL)
        return false;
    request->keep_alive = shard->phase == SHARD_RUNNING;
    bool runs =
        resp_decode(&shard->http, &connection->resp, &parsed, request, &target) == RESP_COMMAND &&
        !shard_confirms_no_more(shard, request);
    if (!runs) {
        request_give(&shard->requests, request);
        return false;
    }
    if (target == shard->number)
        engine_bring_near(shard->engine, &request->work->command);
    *ahead = (struct ahead){request, parsed.consumed, target};
    return true;
}

/* Several commands of a pipeline are decoded before the first of them runs: meanwhile what they
 * look up comes from memory. Behind one of another shard nothing runs until it is home, so it is
 * the last. Answers how many have run or gone there; those behind one that could not are decoded
 * again. */
uint32_t shard_take_ahead(
    struct shard *shard, struct connection *connection, uint32_t most, enum intake *intake)
{
    struct ahead ahead[INTAKES_AHEAD];
    struct bytes input = connection_input(&shard->connections, connection);
    uint32_t count = 0, ran = 0;
    bool here = true;
    while (here && count < most && count < INTAKES_AHEAD && input.size > 0 &&
           look_ahead(shard, connection, input, &ahead[count])) {
        const struct ahead *next = &ahead[count++];
        input = bytes_of(input.data + next->consumed, input.size - next->consumed);
        here = next->target == shard->number;
    }
    while (ran < count && *intake == INTAKE_GOES_ON && !connection->last_request) {
        const struct ahead *next = &ahead[ran];
        *intake = shard_dispatch(shard, connection, next->request, next->target, next->consumed);
        ran += *intake == INTAKE_GOES_ON || *intake == INTAKE_WAITS;
    }
    for (uint32_t at = ran + (*intake == INTAKE_STALLED || *intake == INTAKE_NEEDS_LARGE);
         at < count; at++)
        request_give(&shard->requests, ahead[at].request);
    return ran;
}

enum intake shard_take_resp(struct shard *shard, struct connection *connection, struct bytes input)
{
    uint8_t room[RESP_INLINE_SIZE_MAX];
    struct resp_request parsed;
    switch (resp_parse(input, size_max(shard, connection), room, &parsed)) {
    case RESP_INCOMPLETE:
        return incomplete(shard, connection, parsed.needed);
    case RESP_REFUSED:
        return shard_end_resp(shard, connection, "ERR", parsed.reason);
    case RESP_EMPTY:
        connection_consume(&shard->connections, connection, parsed.consumed);
        return INTAKE_GOES_ON;
    case RESP_REQUEST:
        break;
    }
    return decode(shard, connection, &parsed);
}
