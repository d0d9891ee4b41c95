/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From bytes to requests. The happy path: the request lies complete in a received buffer, is parsed
 * and decoded where it lies, runs at once or goes away to its shard, and its bytes are consumed.
 *
 * Five ways of not going on, each with its own wake-up:
 *     the connection's   bytes are missing, an earlier request has not run, 16 are under way:
 *                        the next bytes, the homecoming or the send put it on the intake list
 *     the shard's        no slot, no room in the batch: LIST_STALLED, looked at in every tick;
 *                        there is always a completion to come that makes room
 *     a large reply      none is free: LIST_LARGE, in the order they came, before all others when
 *                        one is. Whoever has one has run, or travels to where it will: it comes
 *                        back when its send ends or its client is gone
 *     a pause            he has asked more often than he may: LIST_PAUSED, PAUSE_MS later
 *     the end            what the parser refuses is answered and nothing after it is read
 * In the first three nothing has happened: the bytes stay and are decoded again. That they were
 * counted against a limit is remembered, so that who waits for us is counted once.
 */
#include "net/loop/intake.h"
#include "core/check.h"
#include "net/http/target.h"

void shard_enqueue(struct shard *shard, struct connection *connection, struct request *request)
{
    CHECK(connection->count < CONNECTION_REQUESTS_MAX);
    request->connection_index = connection_index(&shard->connections, connection);
    request->next = REQUEST_NONE;
    if (connection->last == REQUEST_NONE)
        connection->first = request->index;
    else
        shard->requests.slots[connection->last].next = request->index;
    connection->last = request->index;
    connection->count++;
    connection->last_request = !request->keep_alive || request->reply.close;
}

static const char *code_of_status(uint16_t status)
{
    if (status == 413)
        return "body_too_large";
    return status == 503 ? "overloaded" : "malformed";
}

/* The last request of the connection: what follows it cannot be trusted to begin a request. */
static enum intake refuse(
    struct shard *shard, struct connection *connection, uint16_t status, const char *reason)
{
    struct request *request = request_take(&shard->requests, (uint8_t)shard->number);
    if (request == NULL)
        return INTAKE_STALLED;
    request->keep_alive = false;
    http_refuse(&shard->http, request, status, code_of_status(status), reason);
    request->reply.close = true;
    shard_enqueue(shard, connection, request);
    shard_has_run(shard, request);
    return INTAKE_WAITS;
}

bool shard_tell_late(struct shard *shard, struct connection *connection)
{
    enum intake intake =
        connection->listener == DOOR_RESP
            ? shard_end_resp(shard, connection, "ERR", "the command took too long to come")
            : refuse(shard, connection, 408, "The request took too long to come.");
    shard->work_left = true;
    return intake != INTAKE_STALLED;
}

static void welcome_body(struct shard *shard, struct connection *connection)
{
    connection->greeting = GREETING_DUE;
    connection_list(
        &shard->connections, LIST_FLUSH, connection_index(&shard->connections, connection));
}

static enum intake incomplete(
    struct shard *shard, struct connection *connection, const struct http_request *parsed)
{
    if (!connection_keep(&shard->connections, connection))
        return refuse(shard, connection, 503, "too many large requests are being received");
    bool head_is_whole = connection->progress.needed > 0;
    if (head_is_whole && parsed->expects_100 && connection->greeting == GREETING_NONE)
        welcome_body(shard, connection);
    return connection_has_more(connection) ? INTAKE_GOES_ON : INTAKE_WAITS;
}

/* Runs a command here, with a larger reply if it needs one. */
static enum run run_here(struct shard *shard, struct request *request)
{
    enum run run = shard_run_command(shard, request);
    if (run == RUN_NEEDS_LARGE && request_enlarge(&shard->requests, request))
        run = shard_run_command(shard, request);
    return run;
}

enum intake shard_dispatch(struct shard *shard, struct connection *connection,
    struct request *request, uint32_t target, uint32_t consumed)
{
    if (target == shard->number) {
        enum run run = run_here(shard, request);
        if (run != RUN_DONE) {
            request_give(&shard->requests, request);
            return run == RUN_NEEDS_LARGE ? INTAKE_NEEDS_LARGE : INTAKE_STALLED;
        }
        shard_enqueue(shard, connection, request);
        connection_consume(&shard->connections, connection, consumed);
        bool goes_on = request->goes_on;
        if (goes_on)
            connection->unrun = request->index;
        shard_has_run(shard, request);
        return goes_on ? INTAKE_WAITS : INTAKE_GOES_ON;
    }
    shard_enqueue(shard, connection, request);
    connection_consume(&shard->connections, connection, consumed);
    connection->unrun = request->index;
    request->target = (uint8_t)target;
    shard_send_away(shard, request);
    return INTAKE_WAITS;
}

static enum intake decode(
    struct shard *shard, struct connection *connection, struct http_request *parsed)
{
    struct request *request = request_take(&shard->requests, (uint8_t)shard->number);
    if (request == NULL)
        return INTAKE_STALLED;
    if (shard->phase != SHARD_RUNNING)
        parsed->keep_alive = false;
    request->keep_alive = parsed->keep_alive;
    request->told = connection->told;
    request->connection_index = connection_index(&shard->connections, connection);
    uint32_t target = shard->number;
    uint32_t consumed = (uint32_t)parsed->consumed;
    enum http_verdict verdict =
        http_decode(&shard->http, connection->listener, parsed, request, &target);
    connection->told = request->told;
    CHECK(target < shard->count);
    switch (verdict) {
    case HTTP_COMMAND:
        if (!shard_confirms_no_more(shard, request))
            return shard_dispatch(shard, connection, request, target, consumed);
        http_refuse(&shard->http, request, 503, "overloaded",
            "Too many checkouts wait for PostgreSQL; nothing was taken.");
        break;
    case HTTP_IMPORT:
        shard_enqueue(shard, connection, request);
        connection_consume(&shard->connections, connection, consumed);
        shard_begin_import(shard, connection, request, parsed->body_size);
        if (parsed->expects_100 && connection->importing)
            welcome_body(shard, connection);
        return INTAKE_GOES_ON;
    case HTTP_WAITS:
        request_give(&shard->requests, request);
        return INTAKE_NEEDS_LARGE;
    case HTTP_ANSWERED:
        break;
    }
    shard_enqueue(shard, connection, request);
    connection_consume(&shard->connections, connection, consumed);
    if (request->subscriber != 0)
        shard_begin_stream(shard, connection, request);
    bool pauses = request->told.pauses;
    shard_has_run(shard, request);
    return pauses ? INTAKE_PAUSES : INTAKE_GOES_ON;
}

static bool is_import(const struct connection *connection, const struct http_request *parsed)
{
    return connection->listener == HTTP_ADMIN && parsed->method == HTTP_POST &&
           bytes_equal(parsed->path, BYTES("/admin/v1/import"));
}

/* The body of an import is larger than any buffer: its head alone is a request. */
static enum http_answer parse(struct shard *shard, struct connection *connection,
    struct bytes input, struct http_request *parsed)
{
    struct http_limits limits = {
        .header_bytes = shard->all->header_bytes,
        .target_bytes = shard->all->header_bytes / 2,
        .body_bytes = shard->all->body_bytes,
        .chunk_room = shard->chunk_room,
    };
    if (connection->listener == HTTP_STOREFRONT || connection->progress.needed > 0)
        return http_parse(input, &limits, &connection->progress, parsed);
    enum http_answer answer = http_parse_head(input, &limits, &connection->progress, parsed);
    if (answer != HTTP_REQUEST)
        return answer;
    if (!is_import(connection, parsed))
        return http_parse_body(input, &limits, &connection->progress, parsed);
    if (parsed->chunked) {
        parsed->status = 411;
        parsed->reason = "an import names its size by Content-Length";
        return HTTP_REFUSED;
    }
    parsed->keep_alive = false;
    parsed->consumed = parsed->head_size;
    return HTTP_REQUEST;
}

/* How many requests may come in besides those that are under way. */
static uint32_t may_come(struct shard *shard, const struct connection *connection)
{
    uint32_t at_once = shard_requests_at_once(shard);
    bool may = connection->state == CONNECTION_OPEN && !connection->last_request &&
               !connection_is_paused(&shard->connections, connection) &&
               connection->unrun == REQUEST_NONE && connection->count < at_once;
    return may ? at_once - connection->count : 0;
}

static enum intake take_one(struct shard *shard, struct connection *connection)
{
    if (connection->state == CONNECTION_OPEN && connection->importing)
        return shard_feed_import(shard, connection) ? INTAKE_GOES_ON : INTAKE_WAITS;
    if (may_come(shard, connection) == 0)
        return INTAKE_WAITS;
    struct bytes input = connection_input(&shard->connections, connection);
    if (input.size == 0)
        return INTAKE_WAITS;
    if (connection->listener == DOOR_RESP)
        return shard_take_resp(shard, connection, input);
    struct http_request parsed;
    switch (parse(shard, connection, input, &parsed)) {
    case HTTP_INCOMPLETE:
        return incomplete(shard, connection, &parsed);
    case HTTP_REFUSED:
        return refuse(shard, connection, parsed.status, parsed.reason);
    case HTTP_REQUEST:
        break;
    }
    return decode(shard, connection, &parsed);
}

/* Nothing more can come of it: no request under way, no whole request left. */
static void end_if_over(struct shard *shard, struct connection *connection)
{
    bool over = connection->state == CONNECTION_OPEN && connection->end_of_input &&
                connection->count == 0 && !connection->sending;
    if (over)
        shard_hang_up(shard, connection);
}

static uint32_t take_ahead(
    struct shard *shard, struct connection *connection, uint32_t most, enum intake *intake)
{
    uint32_t may = may_come(shard, connection);
    if (connection->listener != DOOR_RESP || connection->progress.needed > 0 || most < 2 || may < 2)
        return 0;
    return shard_take_ahead(shard, connection, most < may ? most : may, intake);
}

static uint32_t take_in(struct shard *shard, uint32_t index, uint32_t most)
{
    struct connection *connection = &shard->connections.slots[index];
    enum intake intake = INTAKE_GOES_ON;
    if (connection->subscriber != 0)
        shard_ignore_input(shard, connection);
    uint32_t taken = take_ahead(shard, connection, most, &intake);
    for (; intake == INTAKE_GOES_ON && taken < most; taken++)
        intake = take_one(shard, connection);
    if (intake == INTAKE_STALLED)
        connection_list(&shard->connections, LIST_STALLED, index);
    if (intake == INTAKE_NEEDS_LARGE)
        connection_list(&shard->connections, LIST_LARGE, index);
    if (intake == INTAKE_GOES_ON)
        connection_list(&shard->connections, connection_backlog(connection), index);
    if (intake == INTAKE_PAUSES)
        connection_pause(&shard->connections, index);
    if (intake == INTAKE_WAITS)
        end_if_over(shard, connection);
    connection_receive_on(&shard->connections, connection);
    connection_settle_close(&shard->connections, index);
    return taken;
}

/* Those who have waited before those who come now; who needs one more waits behind the rest. */
static uint32_t take_in_large(struct shard *shard)
{
    uint32_t taken = 0;
    while (taken < INTAKES_PER_TICK && request_has_large(&shard->requests)) {
        uint32_t index = connection_unlist(&shard->connections, LIST_LARGE);
        if (index == CONNECTION_NONE)
            break;
        taken += take_in(shard, index, INTAKES_PER_TURN);
    }
    return taken;
}

bool shard_sees_large(const struct shard *shard)
{
    bool awaited = shard->wants_large_first != REQUEST_NONE ||
                   shard->connections.lists[LIST_LARGE].first != CONNECTION_NONE;
    return awaited && request_has_large(&shard->requests);
}

/* What a tick has taken in, and since when. */
struct intakes {
    uint64_t begun_us;
    uint32_t taken, looked;
};

/* Looks at the clock now and then. */
static bool may_take(
    const struct shard *shard, struct intakes *intakes, uint32_t apart, uint32_t us)
{
    if (intakes->taken >= INTAKES_PER_TICK)
        return false;
    if (intakes->taken - intakes->looked < apart)
        return true;
    intakes->looked = intakes->taken;
    return io_now_us(shard->io) - intakes->begun_us < us;
}

/* The front of a pipeline looks as if it came alone, until it has been read. */
static bool was_alone(const struct connection *connection)
{
    return connection->count <= 1 &&
           (connection->listed & 1U << connection_backlog(connection)) == 0;
}

static void take_in_alone(struct shard *shard, struct intakes *intakes)
{
    struct connections *connections = &shard->connections;
    while (may_take(shard, intakes, INTAKES_PER_LOOK, INTAKE_US)) {
        uint32_t index = connection_unlist(connections, LIST_INTAKE);
        if (index == CONNECTION_NONE)
            return;
        uint32_t taken = take_in(shard, index, INTAKES_PER_TURN);
        intakes->taken += taken;
        if (taken > 0 && was_alone(&connections->slots[index]))
            shard->asked_alone_us = intakes->begun_us;
    }
}

/* One of them has a turn, however much comes alone. */
static void take_in_backlog(struct shard *shard, struct intakes *intakes,
    enum connection_list backlog, uint32_t most, uint32_t us)
{
    uint32_t index = connection_unlist(&shard->connections, backlog);
    while (index != CONNECTION_NONE) {
        intakes->taken += take_in(shard, index, most);
        if (!may_take(shard, intakes, 1, us))
            return;
        index = connection_unlist(&shard->connections, backlog);
    }
}

/* Between its turns the shard sleeps: what writes for it to the disk may want this core. No turn
 * works for long, but a process that is stopped in one finds later that it has. */
static void take_in_pipelines(struct shard *shard, struct intakes *intakes)
{
    take_in_backlog(shard, intakes, LIST_BACK_ENDS, INTAKES_PER_TURN, BACKLOG_US);
    if (intakes->begun_us - shard->asked_alone_us >= SHARED_US) {
        shard->backlog_us = 0;
        take_in_backlog(shard, intakes, LIST_BACKLOG, INTAKES_PER_TURN, BACKLOG_US);
        return;
    }
    if (intakes->begun_us < shard->backlog_us)
        return;
    uint64_t begun_us = io_now_us(shard->io);
    take_in_backlog(shard, intakes, LIST_BACKLOG, 1, BACKLOG_SHARED_US);
    uint64_t ended_us = io_now_us(shard->io);
    uint64_t sleep_us = (BACKLOG_SHARED_PART - 1) * (ended_us - begun_us);
    shard->backlog_us = ended_us + (sleep_us < SHARED_US ? sleep_us : SHARED_US);
}

void shard_take_in(struct shard *shard)
{
    struct connections *connections = &shard->connections;
    connection_list_all(connections, LIST_STALLED, LIST_INTAKE);
    connections_resume(connections);
    struct intakes intakes = {.begun_us = io_now_us(shard->io)};
    intakes.taken = take_in_large(shard);
    take_in_alone(shard, &intakes);
    take_in_pipelines(shard, &intakes);
    if (connections->lists[LIST_INTAKE].first != CONNECTION_NONE ||
        connections->lists[LIST_BACK_ENDS].first != CONNECTION_NONE ||
        (connections->lists[LIST_BACKLOG].first != CONNECTION_NONE && shard->backlog_us == 0))
        shard->work_left = true;
}
