/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The happy path touches little: a receive completes, its buffer is parsed where it lies, consumed
 * and given back, and nothing is copied. connection_input() shows the first buffer, or, when a
 * request has begun in an earlier one, the tail with as much of the buffer copied behind it as the
 * request may need. Those bytes are "borrowed": consume() and keep() decide which of them the
 * buffer has really lost, and a caller that can do neither now sees the same input again later.
 *
 * What can go wrong: a client that sends faster than its requests can run fills more and more
 * buffers. Beyond CONNECTION_BUFFERS_HELD its receive is stopped; what one burst had already taken
 * still arrives, up to 33 buffers in one go. So a receive goes on by itself only while the client
 * is calm: all that came was used up. Any other receives one buffer at a time. When no buffer is
 * left receiving ends with -ENOBUFS: the connection waits on LIST_STARVED until one has come back.
 */
#include "net/loop/connection.h"

#include <errno.h>
#include <string.h>

#include "core/check.h"
#include "net/http/http.h"

#define BUFFER_NONE IO_NO_BUFFER
#define GENERATION_MASK ((1U << IO_GENERATION_BITS) - 1)

void connections_init(struct connections *connections, struct arena *arena, struct io *io,
    uint32_t count, uint32_t large_size, uint32_t large_count)
{
    CHECK(count > 0);
    *connections = (struct connections){
        .io = io, .count = count, .large_size = large_size, .large_count = large_count};
    connections->slots = arena_take(arena, "connections", count, sizeof(struct connection));
    connections->tails = arena_take(arena, "connection tails", count, CONNECTION_TAIL_SIZE);
    connections->large_tails = arena_take(arena, "large tails", large_count, large_size);
    connections->large_next = arena_take(arena, "large tails free", large_count, sizeof(uint32_t));
    for (uint32_t i = 0; i < LIST_COUNT; i++)
        connections->lists[i].first = connections->lists[i].last = CONNECTION_NONE;
}

uint32_t connection_index(
    const struct connections *connections, const struct connection *connection)
{
    return (uint32_t)(connection - connections->slots);
}

static struct io_tag tag_of(
    const struct connections *connections, const struct connection *connection, enum io_kind kind)
{
    return (struct io_tag){.kind = kind,
        .generation = connection->generation,
        .index = connection_index(connections, connection)};
}

struct connection *connection_of(struct connections *connections, struct io_tag tag)
{
    CHECK(tag.index < connections->count);
    struct connection *connection = &connections->slots[tag.index];
    return connection->generation == tag.generation ? connection : NULL;
}

/* Slots given back first, then those never used: memory that nobody needs is never touched. */
static uint32_t take_slot(struct connections *connections)
{
    uint32_t index = connections->free_link - 1;
    if (connections->free_link != 0)
        connections->free_link = connections->slots[index].free_link;
    else if (connections->used < connections->count)
        index = connections->used++;
    else
        return CONNECTION_NONE;
    connections->open++;
    return index;
}

/* Lists and generation outlive the use of a slot. */
uint32_t connection_open(struct connections *connections, int socket, uint8_t listener)
{
    uint32_t index = take_slot(connections);
    if (index == CONNECTION_NONE)
        return CONNECTION_NONE;
    struct connection *connection = &connections->slots[index];
    CHECK(connection->state == CONNECTION_FREE);
    struct connection fresh = {
        .socket = socket,
        .state = CONNECTION_OPEN,
        .listener = listener,
        .listed = connection->listed,
        .generation = connection->generation,
        .buffer_first = BUFFER_NONE,
        .buffer_last = BUFFER_NONE,
        .tail = connections->tails + (uint64_t)index * CONNECTION_TAIL_SIZE,
        .tail_room = CONNECTION_TAIL_SIZE,
        .first = REQUEST_NONE,
        .last = REQUEST_NONE,
        .unrun = REQUEST_NONE,
        .active_ms = connections->now_ms,
    };
    memcpy(fresh.link, connection->link, sizeof fresh.link);
    *connection = fresh;
    connection_receive_on(connections, connection);
    return index;
}

static void drop_first_buffer(struct connections *connections, struct connection *connection)
{
    uint16_t buffer = connection->buffer_first;
    CHECK(buffer != BUFFER_NONE);
    connection->buffer_first = connections->buffer_next[buffer];
    if (connection->buffer_first == BUFFER_NONE)
        connection->buffer_last = BUFFER_NONE;
    connection->buffer_count--;
    connection->buffer_start = 0;
    io_give_buffer(connections->io, buffer);
}

static void leave_tail(struct connections *connections, struct connection *connection)
{
    connection->tail_size = 0;
    connection->tail_borrowed = 0;
    if (connection->tail_large == 0)
        return;
    uint32_t large = connection->tail_large - 1;
    connections->large_next[large] = connections->large_link;
    connections->large_link = large + 1;
    uint64_t index = connection_index(connections, connection);
    connection->tail_large = 0;
    connection->tail = connections->tails + index * CONNECTION_TAIL_SIZE;
    connection->tail_room = CONNECTION_TAIL_SIZE;
}

static void drop_input(struct connections *connections, struct connection *connection)
{
    while (connection->buffer_count > 0)
        drop_first_buffer(connections, connection);
    leave_tail(connections, connection);
}

uint32_t connection_ignore(struct connections *connections, struct connection *connection)
{
    uint32_t size = connection->tail_size - connection->tail_borrowed;
    for (; connection->buffer_count > 0; drop_first_buffer(connections, connection))
        size += connections->buffer_size[connection->buffer_first] - connection->buffer_start;
    leave_tail(connections, connection);
    return size;
}

void connection_close(struct connections *connections, uint32_t index)
{
    struct connection *connection = &connections->slots[index];
    CHECK(connection->state != CONNECTION_FREE);
    if (connection->state == CONNECTION_CLOSING)
        return;
    connection->state = CONNECTION_CLOSING;
    drop_input(connections, connection);
    io_shutdown_socket(connections->io, connection->socket);
}

void connection_settle_close(struct connections *connections, uint32_t index)
{
    struct connection *connection = &connections->slots[index];
    if (connection->state != CONNECTION_CLOSING || connection->in_flight > 0)
        return;
    CHECK(connection->count == 0);
    CHECK(connection->buffer_count == 0);
    io_close_socket(connections->io, connection->socket);
    connection->socket = -1;
    if (connection->place != PLACES_NONE)
        places_give(connections->places, connection->place);
    connection->place = PLACES_NONE;
    connection->state = CONNECTION_FREE;
    connection->generation = (connection->generation + 1) & GENERATION_MASK;
    connection->free_link = connections->free_link;
    connections->free_link = index + 1;
    connections->open--;
}

void connection_linger(struct connections *connections, uint32_t index)
{
    struct connection *connection = &connections->slots[index];
    CHECK(connection->state == CONNECTION_OPEN);
    CHECK(connection->count == 0);
    if (connection->end_of_input) {
        connection_close(connections, index);
        return;
    }
    connection->state = CONNECTION_LINGERING;
    connection->active_ms = connections->now_ms;
    drop_input(connections, connection);
    io_finish_socket(connections->io, connection->socket);
    connection_receive_on(connections, connection);
}

void connection_receive_on(struct connections *connections, struct connection *connection)
{
    if (connection->buffer_count == 0)
        connection->calm = connection->heard;
    bool wanted = connection->state == CONNECTION_OPEN || connection->state == CONNECTION_LINGERING;
    if (!wanted || connection->receiving || connection->end_of_input)
        return;
    if (connection->state == CONNECTION_OPEN && connection_is_paused(connections, connection))
        return;
    if (connection->buffer_count >= CONNECTION_BUFFERS_HELD)
        return;
    if (io_buffers_left(connections->io) == 0) {
        connection_list(connections, LIST_STARVED, connection_index(connections, connection));
        return;
    }
    connection->receiving = true;
    connection->in_flight++;
    io_receive(connections->io, connection->socket, !connection->calm,
        tag_of(connections, connection, IO_RECEIVE));
}

static void stop_receiving(struct connections *connections, struct connection *connection)
{
    if (!connection->receiving || connection->stopping)
        return;
    connection->stopping = true;
    connection->in_flight++;
    io_stop_receive(connections->io, tag_of(connections, connection, IO_RECEIVE));
}

void connection_received(struct connections *connections, struct connection *connection,
    const struct io_completion *bytes)
{
    CHECK(bytes->buffer != IO_NO_BUFFER);
    if (connection->state != CONNECTION_OPEN || bytes->result <= 0) {
        io_give_buffer(connections->io, bytes->buffer);
        return;
    }
    connections->buffer_next[bytes->buffer] = BUFFER_NONE;
    connections->buffer_size[bytes->buffer] = (uint32_t)bytes->result;
    connections->buffer_data[bytes->buffer] = bytes->data;
    if (connection->buffer_last == BUFFER_NONE)
        connection->buffer_first = bytes->buffer;
    else
        connections->buffer_next[connection->buffer_last] = bytes->buffer;
    connection->buffer_last = bytes->buffer;
    connection->buffer_count++;
    connection->heard = true;
    connection->active_ms = connections->now_ms;
    if (connection->buffer_count > CONNECTION_BUFFERS_HELD) {
        connection->calm = false;
        stop_receiving(connections, connection);
    }
}

static struct bytes first_buffer(
    const struct connections *connections, const struct connection *connection)
{
    uint16_t buffer = connection->buffer_first;
    if (buffer == BUFFER_NONE)
        return (struct bytes){0};
    return bytes_of(connections->buffer_data[buffer] + connection->buffer_start,
        connections->buffer_size[buffer] - connection->buffer_start);
}

/* Copies into the tail what the request begun may need of the first buffer. */
static void borrow(struct connections *connections, struct connection *connection)
{
    struct bytes rest = first_buffer(connections, connection);
    uint64_t wanted = rest.size;
    if (connection->progress.needed > connection->tail_size &&
        connection->progress.needed - connection->tail_size < wanted)
        wanted = connection->progress.needed - connection->tail_size;
    if (wanted > connection->tail_room - connection->tail_size)
        wanted = connection->tail_room - connection->tail_size;
    if (wanted == 0)
        return;
    memcpy(connection->tail + connection->tail_size, rest.data, wanted);
    connection->tail_size += (uint32_t)wanted;
    connection->tail_borrowed = (uint32_t)wanted;
}

struct bytes connection_input(struct connections *connections, struct connection *connection)
{
    if (connection->tail_size == 0)
        return first_buffer(connections, connection);
    if (connection->tail_borrowed == 0)
        borrow(connections, connection);
    return bytes_of(connection->tail, connection->tail_size);
}

static void use_buffer(
    struct connections *connections, struct connection *connection, uint32_t size)
{
    connection->buffer_start += size;
    uint16_t buffer = connection->buffer_first;
    CHECK(size == 0 || connection->buffer_start <= connections->buffer_size[buffer]);
    if (buffer != BUFFER_NONE && connection->buffer_start == connections->buffer_size[buffer])
        drop_first_buffer(connections, connection);
}

void connection_consume(
    struct connections *connections, struct connection *connection, uint32_t size)
{
    uint32_t own = connection->tail_size - connection->tail_borrowed;
    CHECK(size >= own);
    CHECK(connection->tail_size == 0 || size <= connection->tail_size);
    leave_tail(connections, connection);
    use_buffer(connections, connection, size - own);
    connection->progress = (struct http_progress){0};
    connection->told = (struct limit_told){0};
    connection->greeting = GREETING_NONE;
}

static bool take_large_tail(struct connections *connections, struct connection *connection)
{
    if (connection->tail_large != 0)
        return false;
    uint32_t large = connections->large_link - 1;
    if (connections->large_link != 0)
        connections->large_link = connections->large_next[large];
    else if (connections->large_used < connections->large_count)
        large = connections->large_used++;
    else
        return false;
    uint8_t *room = connections->large_tails + (uint64_t)large * connections->large_size;
    memcpy(room, connection->tail, connection->tail_size);
    connection->tail = room;
    connection->tail_room = connections->large_size;
    connection->tail_large = large + 1;
    return true;
}

/* Only bytes that were shown and found to be too few become the tail's own: what stands behind them
 * in the buffer may already belong to the next request. */
bool connection_keep(struct connections *connections, struct connection *connection)
{
    struct bytes shown = {0};
    if (connection->tail_size == 0)
        shown = first_buffer(connections, connection);
    uint64_t least = (uint64_t)connection->tail_size + shown.size + 1;
    if (least < connection->progress.needed)
        least = connection->progress.needed;
    if (least > connection->tail_room && !take_large_tail(connections, connection))
        return false;
    if (connection->tail_size == 0)
        connection->begun_ms = connections->now_ms;
    if (shown.size > 0)
        memcpy(connection->tail, shown.data, shown.size);
    connection->tail_size += shown.size;
    uint32_t lost = shown.size + connection->tail_borrowed;
    connection->tail_borrowed = 0;
    use_buffer(connections, connection, lost);
    return true;
}

bool connection_has_more(const struct connection *connection)
{
    return connection->buffer_count > 0;
}

void connection_list(struct connections *connections, enum connection_list list, uint32_t index)
{
    struct connection *connection = &connections->slots[index];
    if (connection->listed & 1U << list)
        return;
    connection->listed |= (uint8_t)(1U << list);
    if (list <= LIST_BACK_ENDS)
        connection->turn_ms = connections->now_ms;
    connection->link[list] = CONNECTION_NONE;
    if (connections->lists[list].last == CONNECTION_NONE)
        connections->lists[list].first = index;
    else
        connections->slots[connections->lists[list].last].link[list] = index;
    connections->lists[list].last = index;
}

uint32_t connection_unlist(struct connections *connections, enum connection_list list)
{
    uint32_t index = connections->lists[list].first;
    if (index == CONNECTION_NONE)
        return CONNECTION_NONE;
    struct connection *connection = &connections->slots[index];
    connection->listed &= (uint8_t) ~(1U << list);
    connections->lists[list].first = connection->link[list];
    if (connections->lists[list].first == CONNECTION_NONE)
        connections->lists[list].last = CONNECTION_NONE;
    return index;
}

void connection_list_all(
    struct connections *connections, enum connection_list from, enum connection_list to)
{
    for (uint32_t i = 0; i < connections->count; i++) {
        uint32_t index = connection_unlist(connections, from);
        if (index == CONNECTION_NONE)
            return;
        connection_list(connections, to, index);
    }
}

/* What comes meanwhile stays with the kernel: a crowd of the paused takes no buffers. */
void connection_pause(struct connections *connections, uint32_t index)
{
    struct connection *connection = &connections->slots[index];
    if (connection->state != CONNECTION_OPEN)
        return;
    connection->pause_ms = connections->now_ms + PAUSE_MS;
    connection_list(connections, LIST_PAUSED, index);
    stop_receiving(connections, connection);
}

bool connection_is_paused(
    const struct connections *connections, const struct connection *connection)
{
    return connection->pause_ms > connections->now_ms;
}

enum connection_list connection_backlog(const struct connection *connection)
{
    return connection->listener == HTTP_STOREFRONT ? LIST_BACKLOG : LIST_BACK_ENDS;
}

/* Who sends one request and waits for its reply is served before those who send hundreds: what they
 * wait for is themselves. */
void connection_ready(struct connections *connections, uint32_t index)
{
    const struct connection *connection = &connections->slots[index];
    enum connection_list backlog = connection_backlog(connection);
    bool greedy = (connection->listed & 1U << backlog) != 0 || connection->buffer_count > 1 ||
                  (connection->buffer_count > 0 && connection->count > 0);
    connection_list(connections, greedy ? backlog : LIST_INTAKE, index);
}

/* All pauses are alike, so the list is in their order; a slot that was used anew meanwhile may be
 * in the way of those behind it for one pause more. */
void connections_resume(struct connections *connections)
{
    if (connections->resumed_ms == connections->now_ms)
        return;
    for (uint32_t i = 0; i < RESUMES_PER_MS; i++) {
        uint32_t index = connections->lists[LIST_PAUSED].first;
        if (index == CONNECTION_NONE ||
            connection_is_paused(connections, &connections->slots[index]))
            return;
        connection_unlist(connections, LIST_PAUSED);
        connection_list(connections, connection_backlog(&connections->slots[index]), index);
        connections->resumed_ms = connections->now_ms;
    }
}

uint64_t connections_pause_ms(const struct connections *connections)
{
    uint32_t index = connections->lists[LIST_PAUSED].first;
    if (index == CONNECTION_NONE)
        return UINT64_MAX;
    uint64_t until_ms = connections->slots[index].pause_ms;
    return until_ms > connections->now_ms ? until_ms - connections->now_ms : 1;
}
