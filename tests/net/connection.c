/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes in: however a client's bytes are cut into received buffers, and whenever the shard can go
 * on, the same requests come out. A kernel of our own stands behind the seam: it counts buffers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "net/loop/connection.h"
#include "tests/lib/dice.h"
#include "tests/lib/memory.h"

enum {
    BUFFERS = 64,
    HEAD = 60,
    CLIENTS = 3,
    LARGE_SIZE = 40000, /* largest message */
    LARGE_COUNT = 1,
    STREAM_SIZE = 400000,
    ROUNDS = 200,
};

/* --- The kernel --- */

struct io {
    uint8_t buffers[BUFFERS][IO_BUFFER_SIZE];
    bool out[BUFFERS];
    uint32_t out_count;
    bool once; /* the latest receive */
    uint32_t receives, stops, shutdowns, closes, finishes;
};

void io_give_buffer(struct io *io, uint16_t buffer)
{
    assert_true(io->out[buffer]);
    io->out[buffer] = false;
    io->out_count--;
}

uint32_t io_buffers_left(const struct io *io)
{
    return BUFFERS - io->out_count;
}

void io_receive(struct io *io, int socket, bool once, struct io_tag tag)
{
    (void)socket;
    (void)tag;
    io->receives++;
    io->once = once;
}

void io_stop_receive(struct io *io, struct io_tag tag)
{
    (void)tag;
    io->stops++;
}

void io_shutdown_socket(struct io *io, int socket)
{
    (void)socket;
    io->shutdowns++;
}

void io_close_socket(struct io *io, int socket)
{
    (void)socket;
    io->closes++;
}

void io_finish_socket(struct io *io, int socket)
{
    (void)socket;
    io->finishes++;
}

/* --- A client of it --- */

struct scene {
    struct arena arena;
    struct io *io;
    struct connections connections;
};

static void open_scene(struct scene *scene)
{
    memory_open(&scene->arena, 1 << 20);
    scene->io = calloc(1, sizeof *scene->io);
    connections_init(
        &scene->connections, &scene->arena, scene->io, CLIENTS, LARGE_SIZE, LARGE_COUNT);
}

static void close_scene(struct scene *scene)
{
    free(scene->io);
    memory_close(&scene->arena);
}

static struct connection *arrive(struct scene *scene)
{
    uint32_t index = connection_open(&scene->connections, 7, 0);
    assert_int_not_equal(index, CONNECTION_NONE);
    return &scene->connections.slots[index];
}

static void leave(struct scene *scene, struct connection *connection)
{
    uint32_t index = connection_index(&scene->connections, connection);
    connection_close(&scene->connections, index);
    connection->in_flight = 0;
    connection_settle_close(&scene->connections, index);
    assert_int_equal(connection->state, CONNECTION_FREE);
}

static void deliver(
    struct scene *scene, struct connection *connection, const uint8_t *data, uint32_t size)
{
    uint16_t buffer = 0;
    while (scene->io->out[buffer])
        buffer++;
    assert_true(buffer < BUFFERS);
    scene->io->out[buffer] = true;
    scene->io->out_count++;
    memcpy(scene->io->buffers[buffer], data, size);
    struct io_completion completion = {.tag = {.kind = IO_RECEIVE},
        .result = (int32_t)size,
        .more = true,
        .buffer = buffer,
        .data = scene->io->buffers[buffer]};
    connection_received(&scene->connections, connection, &completion);
}

/* A message begins with its size; how large it is shows only when HEAD bytes of it are there, like
 * a request's. The rest counts up from its number. */
static uint32_t put_message(uint8_t *at, uint32_t size, uint8_t number)
{
    memcpy(at, &size, 4);
    for (uint32_t i = 4; i < size; i++)
        at[i] = (uint8_t)(number + i);
    return size;
}

static uint32_t whole_message(struct bytes input, struct http_progress *progress)
{
    uint32_t size;
    if (input.size < HEAD)
        return 0;
    memcpy(&size, input.data, 4);
    progress->needed = size;
    return input.size >= size ? size : 0;
}

static uint32_t fill_stream(struct dice *dice, uint8_t *stream, uint32_t *sizes)
{
    uint32_t at = 0, count = 0;
    for (;;) {
        bool large = dice_below(dice, 20) == 0;
        uint32_t size = HEAD + dice_below(dice, large ? LARGE_SIZE - HEAD : 600);
        if (at + size > STREAM_SIZE)
            return count;
        at += put_message(stream + at, size, (uint8_t)count);
        sizes[count++] = size;
    }
}

/* Takes messages until none is whole, or until the dice say that this one has to wait. */
static void take_messages(struct scene *scene, struct connection *connection, struct dice *dice,
    const uint32_t *sizes, uint32_t *taken)
{
    for (;;) {
        struct bytes input = connection_input(&scene->connections, connection);
        if (input.size == 0)
            return;
        uint32_t size = whole_message(input, &connection->progress);
        if (size == 0) {
            assert_true(connection_keep(&scene->connections, connection));
            if (!connection_has_more(connection))
                return;
            continue;
        }
        if (dice_below(dice, 4) == 0)
            return;
        assert_int_equal(size, sizes[*taken]);
        for (uint32_t i = 4; i < size; i++)
            assert_int_equal(input.data[i], (uint8_t)(*taken + i));
        connection_consume(&scene->connections, connection, size);
        (*taken)++;
    }
}

static void one_client_speaks(struct scene *scene, struct dice *dice)
{
    static uint8_t stream[STREAM_SIZE];
    static uint32_t sizes[STREAM_SIZE / 4];
    struct connection *connection = arrive(scene);
    uint32_t count = fill_stream(dice, stream, sizes);
    uint32_t total = 0, sent = 0, taken = 0;
    for (uint32_t i = 0; i < count; i++)
        total += sizes[i];
    while (taken < count) {
        if (sent < total && connection->buffer_count <= CONNECTION_BUFFERS_HELD) {
            uint32_t most = dice_below(dice, 3) == 0 ? IO_BUFFER_SIZE : 300;
            uint32_t size = 1 + dice_below(dice, most);
            if (size > total - sent)
                size = total - sent;
            deliver(scene, connection, stream + sent, size);
            sent += size;
        }
        take_messages(scene, connection, dice, sizes, &taken);
    }
    assert_int_equal(connection->buffer_count, 0);
    assert_int_equal(connection->tail_size, 0);
    assert_int_equal(scene->io->out_count, 0);
    leave(scene, connection);
}

static void however_bytes_are_cut_the_same_requests_come_out(void **state)
{
    (void)state;
    struct dice dice = dice_seeded("connection");
    struct scene scene;
    open_scene(&scene);
    for (uint32_t i = 0; i < ROUNDS; i++)
        one_client_speaks(&scene, &dice);
    close_scene(&scene);
}

static void a_small_request_in_pieces_needs_no_large_tail(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    struct connection *connection = arrive(&scene);
    uint8_t message[CONNECTION_TAIL_SIZE];
    put_message(message, sizeof message, 0);
    for (uint32_t i = 0; i + 1 < sizeof message; i++) {
        deliver(&scene, connection, message + i, 1);
        struct bytes input = connection_input(&scene.connections, connection);
        assert_int_equal(whole_message(input, &connection->progress), 0);
        assert_true(connection_keep(&scene.connections, connection));
    }
    assert_int_equal(connection->tail_large, 0);
    close_scene(&scene);
}

static void when_large_tails_are_out_keeping_is_refused(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    uint8_t message[8192];
    put_message(message, LARGE_SIZE < sizeof message ? LARGE_SIZE : sizeof message, 0);
    struct connection *first = arrive(&scene);
    struct connection *second = arrive(&scene);
    deliver(&scene, first, message, 5000);
    deliver(&scene, second, message, 5000);
    connection_input(&scene.connections, first);
    connection_input(&scene.connections, second);
    assert_true(connection_keep(&scene.connections, first));
    assert_false(connection_keep(&scene.connections, second));
    leave(&scene, first);
    assert_true(connection_keep(&scene.connections, second));
    leave(&scene, second);
    assert_int_equal(scene.io->out_count, 0);
    close_scene(&scene);
}

static void a_client_that_runs_ahead_is_stopped_and_asked_again(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    struct connection *connection = arrive(&scene);
    uint8_t bytes[10];
    put_message(bytes, sizeof bytes, 0);
    assert_int_equal(scene.io->receives, 1);
    for (uint32_t i = 0; i <= CONNECTION_BUFFERS_HELD; i++)
        deliver(&scene, connection, bytes, sizeof bytes);
    assert_int_equal(scene.io->stops, 1);
    connection->receiving = false; /* its last completion came */
    connection_receive_on(&scene.connections, connection);
    assert_int_equal(scene.io->receives, 1);
    for (uint32_t i = 0; i < 2; i++) {
        connection_input(&scene.connections, connection);
        connection_consume(&scene.connections, connection, sizeof bytes);
    }
    connection_receive_on(&scene.connections, connection);
    assert_int_equal(scene.io->receives, 2);
    leave(&scene, connection);
    close_scene(&scene);
}

static void only_a_calm_client_is_received_from_without_end(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    struct connection *connection = arrive(&scene);
    uint8_t bytes[10];
    put_message(bytes, sizeof bytes, 0);
    assert_true(scene.io->once);
    deliver(&scene, connection, bytes, sizeof bytes);
    connection->receiving = false;
    connection_receive_on(&scene.connections, connection);
    assert_true(scene.io->once);
    connection->receiving = false;
    connection_input(&scene.connections, connection);
    connection_consume(&scene.connections, connection, sizeof bytes);
    connection_receive_on(&scene.connections, connection);
    assert_false(scene.io->once);
    leave(&scene, connection);
    close_scene(&scene);
}

static void without_a_buffer_nobody_asks_to_receive(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    scene.io->out_count = BUFFERS;
    struct connection *connection = arrive(&scene);
    assert_int_equal(scene.io->receives, 0);
    assert_int_equal(connection_unlist(&scene.connections, LIST_STARVED), 0);
    scene.io->out_count = 0;
    connection_receive_on(&scene.connections, connection);
    assert_int_equal(scene.io->receives, 1);
    close_scene(&scene);
}

static void a_socket_is_closed_when_nothing_is_in_flight(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    struct connection *connection = arrive(&scene);
    struct io_tag tag = {.kind = IO_RECEIVE, .generation = connection->generation, .index = 0};
    connection_close(&scene.connections, 0);
    connection_settle_close(&scene.connections, 0);
    assert_int_equal(scene.io->shutdowns, 1);
    assert_int_equal(scene.io->closes, 0);
    assert_ptr_equal(connection_of(&scene.connections, tag), connection);
    connection->in_flight--;
    connection_settle_close(&scene.connections, 0);
    assert_int_equal(scene.io->closes, 1);
    assert_null(connection_of(&scene.connections, tag));
    close_scene(&scene);
}

static void a_full_table_opens_nobody_and_slots_are_used_again(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    struct connection *last = NULL;
    for (uint32_t i = 0; i < CLIENTS; i++)
        last = arrive(&scene);
    assert_int_equal(connection_open(&scene.connections, 8, 0), CONNECTION_NONE);
    leave(&scene, last);
    assert_ptr_equal(arrive(&scene), last);
    assert_int_equal(last->generation, 1);
    close_scene(&scene);
}

static void lists_keep_their_order_and_take_nobody_twice(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    for (uint32_t i = 0; i < CLIENTS; i++)
        arrive(&scene);
    connection_list(&scene.connections, LIST_INTAKE, 2);
    connection_list(&scene.connections, LIST_STALLED, 0);
    connection_list(&scene.connections, LIST_INTAKE, 1);
    connection_list(&scene.connections, LIST_INTAKE, 2);
    connection_list_all(&scene.connections, LIST_STALLED, LIST_INTAKE);
    assert_int_equal(connection_unlist(&scene.connections, LIST_INTAKE), 2);
    assert_int_equal(connection_unlist(&scene.connections, LIST_INTAKE), 1);
    assert_int_equal(connection_unlist(&scene.connections, LIST_INTAKE), 0);
    assert_int_equal(connection_unlist(&scene.connections, LIST_INTAKE), CONNECTION_NONE);
    close_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(however_bytes_are_cut_the_same_requests_come_out),
        cmocka_unit_test(a_small_request_in_pieces_needs_no_large_tail),
        cmocka_unit_test(when_large_tails_are_out_keeping_is_refused),
        cmocka_unit_test(a_client_that_runs_ahead_is_stopped_and_asked_again),
        cmocka_unit_test(only_a_calm_client_is_received_from_without_end),
        cmocka_unit_test(without_a_buffer_nobody_asks_to_receive),
        cmocka_unit_test(a_socket_is_closed_when_nothing_is_in_flight),
        cmocka_unit_test(a_full_table_opens_nobody_and_slots_are_used_again),
        cmocka_unit_test(lists_keep_their_order_and_take_nobody_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
