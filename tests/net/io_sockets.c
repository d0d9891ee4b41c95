/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets behind the seam of net/io.h: every case over both backends. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "tests/net/io_scene.h"

enum { CLIENTS = 100 };

/* The next receive is asked for only when a buffer has come back. */
static void without_buffers_receiving_ends_and_goes_on_later(void **state)
{
    struct scene scene;
    open_scene(&scene, state);
    uint32_t buffers = io_buffers_left(scene.io);
    uint16_t held = 0;
    io_receive(scene.io, scene.ours, false, receiving);
    for (uint32_t i = 0; i < buffers; i++) {
        assert_int_equal(write(scene.theirs, "b", 1), 1);
        struct io_completion got = await(scene.io, IO_RECEIVE);
        assert_int_equal(got.result, 1);
        assert_true(got.more);
        held = got.buffer;
    }
    assert_int_equal(io_buffers_left(scene.io), 0);
    assert_int_equal(write(scene.theirs, "c", 1), 1);
    struct io_completion starved = await(scene.io, IO_RECEIVE);
    assert_int_equal(starved.result, -ENOBUFS);
    assert_false(starved.more);
    io_give_buffer(scene.io, held);
    io_receive(scene.io, scene.ours, false, receiving);
    struct io_completion fed = await(scene.io, IO_RECEIVE);
    assert_int_equal(fed.result, 1);
    assert_int_equal(fed.data[0], 'c');
    assert_int_equal(fed.buffer, held);
    close_scene(&scene);
}

static void a_receive_for_once_takes_one_buffer(void **state)
{
    struct scene scene;
    open_scene(&scene, state);
    static uint8_t much[2 * IO_BUFFER_SIZE];
    uint32_t left = io_buffers_left(scene.io);
    assert_int_equal(write(scene.theirs, much, sizeof much), (int)sizeof much);
    io_receive(scene.io, scene.ours, true, receiving);
    struct io_completion got = await(scene.io, IO_RECEIVE);
    assert_in_range(got.result, 1, IO_BUFFER_SIZE);
    assert_false(got.more);
    assert_int_equal(io_buffers_left(scene.io), left - 1);
    close_scene(&scene);
}

static void a_buffer_is_given_back_once(void **state)
{
    struct scene scene;
    open_scene(&scene, state);
    io_receive(scene.io, scene.ours, false, receiving);
    assert_int_equal(write(scene.theirs, "hello", 5), 5);
    struct io_completion got = await(scene.io, IO_RECEIVE);
    assert_memory_equal(got.data, "hello", 5);
    uint32_t left = io_buffers_left(scene.io);
    io_give_buffer(scene.io, got.buffer);
    assert_int_equal(io_buffers_left(scene.io), left + 1);
    close_scene(&scene);
}

static void a_stopped_receive_says_so_and_takes_no_more(void **state)
{
    struct scene scene;
    open_scene(&scene, state);
    io_receive(scene.io, scene.ours, false, receiving);
    io_submit(scene.io, 0);
    io_stop_receive(scene.io, receiving);
    struct io_completion first, second;
    uint32_t seen = 0;
    for (int i = 0; i < STEPS_MAX && seen < 2; i++) {
        io_submit(scene.io, STEP_NS);
        seen += io_reap(scene.io, seen == 0 ? &first : &second, 1);
    }
    assert_int_equal(seen, 2);
    struct io_completion *ended = first.tag.kind == IO_RECEIVE ? &first : &second;
    struct io_completion *cancel = ended == &first ? &second : &first;
    assert_int_equal(ended->tag.kind, IO_RECEIVE);
    assert_int_equal(ended->result, -ECANCELED);
    assert_false(ended->more);
    assert_int_equal(cancel->tag.kind, IO_CANCEL);
    assert_int_equal(cancel->tag.index, receiving.index);
    assert_int_equal(write(scene.theirs, "x", 1), 1);
    nothing_comes(scene.io);
    io_receive(scene.io, scene.ours, true, receiving);
    assert_int_equal(await(scene.io, IO_RECEIVE).result, 1);
    close_scene(&scene);
}

static void a_stop_that_comes_too_late_is_answered(void **state)
{
    struct scene scene;
    open_scene(&scene, state);
    assert_int_equal(write(scene.theirs, "x", 1), 1);
    io_receive(scene.io, scene.ours, true, receiving);
    assert_false(await(scene.io, IO_RECEIVE).more);
    io_stop_receive(scene.io, receiving);
    assert_int_equal(await(scene.io, IO_CANCEL).result, -ENOENT);
    nothing_comes(scene.io);
    close_scene(&scene);
}

static void what_came_before_the_end_comes_first(void **state)
{
    for (int over_tcp = 0; over_tcp < 2; over_tcp++) {
        struct scene scene;
        open_scene_over(&scene, state, over_tcp == 1);
        io_receive(scene.io, scene.ours, false, receiving);
        io_submit(scene.io, 0);
        assert_int_equal(write(scene.theirs, "last", 4), 4);
        shutdown(scene.theirs, SHUT_WR);
        struct io_completion got = await(scene.io, IO_RECEIVE);
        assert_int_equal(got.result, 4);
        assert_true(got.more);
        got = await(scene.io, IO_RECEIVE);
        assert_int_equal(got.result, 0);
        assert_int_equal(got.buffer, IO_NO_BUFFER);
        assert_false(got.more);
        nothing_comes(scene.io);
        close_scene(&scene);
    }
}

/* As the loop ends a connection. */
static void a_socket_that_we_shut_ends_its_receive(void **state)
{
    for (int over_tcp = 0; over_tcp < 2; over_tcp++) {
        struct scene scene;
        open_scene_over(&scene, state, over_tcp == 1);
        io_receive(scene.io, scene.ours, false, receiving);
        io_submit(scene.io, 0);
        io_shutdown_socket(scene.io, scene.ours);
        struct io_completion got = await(scene.io, IO_RECEIVE);
        assert_int_equal(got.result, 0);
        assert_false(got.more);
        close_scene(&scene);
    }
}

static void a_reset_ends_the_receive_with_its_error(void **state)
{
    struct scene scene;
    struct linger at_once = {.l_onoff = 1};
    open_scene_over(&scene, state, true);
    io_receive(scene.io, scene.ours, false, receiving);
    io_submit(scene.io, 0);
    setsockopt(scene.theirs, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(scene.theirs);
    struct io_completion got = await(scene.io, IO_RECEIVE);
    assert_int_equal(got.result, -ECONNRESET);
    assert_false(got.more);
    nothing_comes(scene.io);
    scene.theirs = dup(scene.ours);
    close_scene(&scene);
}

/* A peer that has gone while nobody receives from him must not keep the loop awake. */
static void an_end_that_nobody_waits_for_is_quiet(void **state)
{
    struct scene scene;
    open_scene_over(&scene, state, true);
    assert_int_equal(write(scene.theirs, "x", 1), 1);
    io_receive(scene.io, scene.ours, true, receiving);
    assert_int_equal(await(scene.io, IO_RECEIVE).result, 1);
    assert_int_equal(write(scene.theirs, "y", 1), 1);
    shutdown(scene.theirs, SHUT_RDWR);
    nothing_comes(scene.io);
    nothing_comes(scene.io);
    io_receive(scene.io, scene.ours, false, receiving);
    struct io_completion got = await(scene.io, IO_RECEIVE);
    assert_int_equal(got.result, 1);
    assert_int_equal(got.data[0], 'y');
    assert_int_equal(await(scene.io, IO_RECEIVE).result, 0);
    close_scene(&scene);
}

static uint32_t fill(const struct scene *scene)
{
    static uint8_t much[1 << 16];
    uint32_t filled = 0;
    ssize_t size;
    while ((size = send(scene->ours, much, sizeof much, MSG_DONTWAIT)) > 0)
        filled += (uint32_t)size;
    return filled;
}

static void drain(const struct scene *scene, uint32_t size)
{
    static uint8_t much[1 << 16];
    while (size > 0) {
        ssize_t got = read(scene->theirs, much, size < sizeof much ? size : sizeof much);
        assert_true(got > 0);
        size -= (uint32_t)got;
    }
}

/* Its iovecs are over after io_submit, its bytes are not. */
static void a_send_waits_for_room_and_may_end_short(void **state)
{
    struct scene scene;
    open_scene(&scene, state);
    uint32_t filled = fill(&scene);
    struct iovec parts[2] = {
        {.iov_base = (char[]){"ab"}, .iov_len = 2}, {.iov_base = (char[]){"cd"}, .iov_len = 2}};
    io_send(scene.io, scene.ours, parts, 2, sending);
    nothing_comes(scene.io);
    memset(parts, 0, sizeof parts);
    drain(&scene, filled);
    struct io_completion sent = await(scene.io, IO_SEND);
    assert_in_range(sent.result, 1, 4);
    char got[4];
    assert_int_equal(read(scene.theirs, got, sizeof got), sent.result);
    assert_memory_equal(got, "abcd", (size_t)sent.result);
    nothing_comes(scene.io);
    close_scene(&scene);
}

static void a_send_that_waits_ends_with_its_socket(void **state)
{
    for (int over_tcp = 0; over_tcp < 2; over_tcp++) {
        struct scene scene;
        struct iovec part = {.iov_base = (char[]){"x"}, .iov_len = 1};
        open_scene_over(&scene, state, over_tcp == 1);
        fill(&scene);
        io_send(scene.io, scene.ours, &part, 1, sending);
        nothing_comes(scene.io);
        io_shutdown_socket(scene.io, scene.ours);
        assert_int_equal(await(scene.io, IO_SEND).result, -EPIPE);
        close_scene(&scene);
    }
}

/* Both at once, whatever one of them waits for. */
static void a_socket_receives_while_its_send_waits(void **state)
{
    struct scene scene;
    struct iovec part = {.iov_base = (char[]){"x"}, .iov_len = 1};
    open_scene(&scene, state);
    uint32_t filled = fill(&scene);
    io_send(scene.io, scene.ours, &part, 1, sending);
    io_receive(scene.io, scene.ours, false, receiving);
    assert_int_equal(write(scene.theirs, "y", 1), 1);
    assert_int_equal(await(scene.io, IO_RECEIVE).result, 1);
    nothing_comes(scene.io);
    drain(&scene, filled);
    assert_int_equal(await(scene.io, IO_SEND).result, 1);
    close_scene(&scene);
}

/* A slot is used again, often under the number that its last socket had. */
static void a_slot_of_a_new_generation_is_another_socket(void **state)
{
    struct scene scene;
    open_scene(&scene, state);
    for (uint32_t generation = 0; generation < 4; generation++) {
        int pair[2];
        struct io_tag tag = {.kind = IO_RECEIVE, .generation = generation, .index = 2};
        make_pair(pair, generation % 2 == 1);
        io_receive(scene.io, pair[0], false, tag);
        assert_int_equal(write(pair[1], "x", 1), 1);
        struct io_completion got = await(scene.io, IO_RECEIVE);
        assert_int_equal(got.tag.generation, generation);
        io_give_buffer(scene.io, got.buffer);
        io_shutdown_socket(scene.io, pair[0]);
        assert_int_equal(await(scene.io, IO_RECEIVE).result, 0);
        io_close_socket(scene.io, pair[0]);
        close(pair[1]);
    }
    nothing_comes(scene.io);
    close_scene(&scene);
}

static int connect_to(int listening)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    int client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, size), 0);
    return client;
}

static int listen_somewhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listening, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listening, IO_BACKLOG), 0);
    return listening;
}

static void clients_come_until_the_door_is_shut(void **state)
{
    struct scene scene;
    int clients[CLIENTS];
    open_scene(&scene, state);
    int listening = listen_somewhere();
    struct io_tag tag = {.kind = IO_ACCEPT, .index = IO_LISTENERS_MAX - 1};
    io_accept(scene.io, listening, tag);
    for (uint32_t i = 0; i < CLIENTS; i++)
        clients[i] = connect_to(listening);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        struct io_completion come = await(scene.io, IO_ACCEPT);
        assert_true(come.result >= 0);
        assert_true(come.more);
        assert_int_equal(come.tag.index, tag.index);
        io_close_socket(scene.io, come.result);
        close(clients[i]);
    }
    nothing_comes(scene.io);
    io_shutdown_socket(scene.io, listening);
    struct io_completion shut = await(scene.io, IO_ACCEPT);
    assert_int_equal(shut.result, -EINVAL);
    assert_false(shut.more);
    nothing_comes(scene.io);
    close(listening);
    close_scene(&scene);
}

static void without_descriptors_accepting_ends_and_goes_on_later(void **state)
{
    struct scene scene;
    struct rlimit before, none;
    open_scene(&scene, state);
    int listening = listen_somewhere();
    struct io_tag tag = {.kind = IO_ACCEPT};
    int client = connect_to(listening);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    io_accept(scene.io, listening, tag);
    struct io_completion refused = await(scene.io, IO_ACCEPT);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(refused.result, -EMFILE);
    assert_false(refused.more);
    nothing_comes(scene.io);
    io_accept(scene.io, listening, tag);
    struct io_completion come = await(scene.io, IO_ACCEPT);
    assert_true(come.result >= 0);
    io_close_socket(scene.io, come.result);
    close(client);
    close(listening);
    close_scene(&scene);
}

/* Between two buffers of one who sends without end, everybody else gets his turn. */
static void one_busy_socket_starves_none(void **state)
{
    struct scene scene;
    static uint8_t much[4 * IO_BUFFER_SIZE];
    int calm[2];
    open_scene(&scene, state);
    make_pair(calm, false);
    io_receive(scene.io, scene.ours, false, receiving);
    io_receive(scene.io, calm[0], false, (struct io_tag){.kind = IO_RECEIVE, .index = 2});
    assert_int_equal(write(scene.theirs, much, sizeof much), (int)sizeof much);
    assert_int_equal(write(calm[1], "x", 1), 1);
    uint32_t of_busy = 0;
    for (int i = 0; i < STEPS_MAX; i++) {
        struct io_completion got = await(scene.io, IO_RECEIVE);
        if (got.tag.index == 2)
            break;
        of_busy++;
        io_give_buffer(scene.io, got.buffer);
        assert_int_equal(write(scene.theirs, much, (size_t)got.result), got.result);
    }
    assert_true(of_busy < 64);
    close(calm[0]);
    close(calm[1]);
    close_scene(&scene);
}

/* Who sees only some of those that wait cannot tell how long they have. */
static void a_crowd_comes_at_once(void **state)
{
    struct scene scene;
    struct io_completion completion;
    static int pairs[CONNECTIONS][2];
    open_scene(&scene, state);
    for (uint32_t i = 0; i < CONNECTIONS; i++) {
        make_pair(pairs[i], false);
        io_receive(scene.io, pairs[i][0], false, (struct io_tag){.kind = IO_RECEIVE, .index = i});
    }
    nothing_comes(scene.io);
    for (uint32_t i = 0; i < CONNECTIONS; i++)
        assert_int_equal(write(pairs[i][1], "x", 1), 1);
    io_submit(scene.io, STEP_NS);
    io_get_rest(scene.io);
    for (uint32_t i = 0; i < CONNECTIONS; i++) {
        if (io_reap(scene.io, &completion, 1) == 0)
            fail_msg("%u of %u have come", i, CONNECTIONS);
        assert_int_equal(completion.result, 1);
        io_give_buffer(scene.io, completion.buffer);
    }
    for (uint32_t i = 0; i < CONNECTIONS; i++) {
        close(pairs[i][0]);
        close(pairs[i][1]);
    }
    close_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(without_buffers_receiving_ends_and_goes_on_later),
        BOTH(a_receive_for_once_takes_one_buffer),
        BOTH(a_buffer_is_given_back_once),
        BOTH(a_stopped_receive_says_so_and_takes_no_more),
        BOTH(a_stop_that_comes_too_late_is_answered),
        BOTH(what_came_before_the_end_comes_first),
        BOTH(a_socket_that_we_shut_ends_its_receive),
        BOTH(a_reset_ends_the_receive_with_its_error),
        BOTH(an_end_that_nobody_waits_for_is_quiet),
        BOTH(a_send_waits_for_room_and_may_end_short),
        BOTH(a_send_that_waits_ends_with_its_socket),
        BOTH(a_socket_receives_while_its_send_waits),
        BOTH(a_slot_of_a_new_generation_is_another_socket),
        BOTH(clients_come_until_the_door_is_shut),
        BOTH(without_descriptors_accepting_ends_and_goes_on_later),
        BOTH(one_busy_socket_starves_none),
        BOTH(a_crowd_comes_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
