/* SPDX-License-Identifier: Apache-2.0 */
/* What stands behind the seam does what the loop relies on; `hotshelf check` asks the same. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/io.h"
#include "net/io_test.h"
#include "tests/lib/memory.h"

enum { MEMORY = 4 << 20, STEP_NS = 10000000, STEPS_MAX = 200, SENDS = 1500 };

struct scene {
    struct arena arena;
    struct io *io;
    int ours, theirs;
};

static void open_scene(struct scene *scene)
{
    int pair[2];
    const char *reason = "";
    memory_open(&scene->arena, MEMORY);
    scene->io = io_create(&scene->arena, &(struct io_options){.connections = 16});
    int error = io_open(scene->io, &reason);
    if (error != 0)
        fail_msg("%s: %s", reason, strerror(-error));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    scene->ours = pair[0];
    scene->theirs = pair[1];
}

static void close_scene(struct scene *scene)
{
    close(scene->ours);
    close(scene->theirs);
    io_close(scene->io);
    memory_close(&scene->arena);
}

static struct io_completion await(struct io *io, enum io_kind kind)
{
    struct io_completion completion;
    for (int i = 0; i < STEPS_MAX; i++) {
        io_submit(io, STEP_NS);
        while (io_reap(io, &completion, 1) == 1) {
            if (completion.tag.kind == kind)
                return completion;
        }
    }
    fail_msg("nothing came");
    return completion;
}

static void the_kernel_does_what_the_loop_relies_on(void **state)
{
    (void)state;
    char problem[256] = "";
    if (!io_test(problem, sizeof problem))
        fail_msg("%s", problem);
}

static void a_tag_comes_back_whole(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    struct iovec part = {.iov_base = (char[]){"x"}, .iov_len = 1};
    struct io_tag tag = {.kind = IO_SEND, .generation = 0xfffffe, .index = 0xfffffff0};
    io_send(scene.io, scene.ours, &part, 1, tag);
    struct io_completion sent = await(scene.io, IO_SEND);
    assert_int_equal(sent.result, 1);
    assert_int_equal(sent.tag.generation, tag.generation);
    assert_int_equal(sent.tag.index, tag.index);
    close_scene(&scene);
}

/* The next receive is asked for only when a buffer has come back. */
static void without_buffers_receiving_ends_and_goes_on_later(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    struct io_tag tag = {.kind = IO_RECEIVE, .index = 1};
    uint32_t buffers = io_buffers_left(scene.io);
    uint16_t held = 0;
    io_receive(scene.io, scene.ours, false, tag);
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
    io_receive(scene.io, scene.ours, false, tag);
    struct io_completion fed = await(scene.io, IO_RECEIVE);
    assert_int_equal(fed.result, 1);
    assert_int_equal(fed.data[0], 'c');
    assert_int_equal(fed.buffer, held);
    close_scene(&scene);
}

static void a_receive_for_once_takes_one_buffer(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    static uint8_t much[2 * IO_BUFFER_SIZE];
    uint32_t left = io_buffers_left(scene.io);
    assert_int_equal(write(scene.theirs, much, sizeof much), (int)sizeof much);
    io_receive(scene.io, scene.ours, true, (struct io_tag){.kind = IO_RECEIVE});
    struct io_completion got = await(scene.io, IO_RECEIVE);
    assert_in_range(got.result, 1, IO_BUFFER_SIZE);
    assert_false(got.more);
    assert_int_equal(io_buffers_left(scene.io), left - 1);
    close_scene(&scene);
}

static void a_buffer_is_given_back_once(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    io_receive(scene.io, scene.ours, false, (struct io_tag){.kind = IO_RECEIVE});
    assert_int_equal(write(scene.theirs, "hello", 5), 5);
    struct io_completion got = await(scene.io, IO_RECEIVE);
    assert_memory_equal(got.data, "hello", 5);
    uint32_t left = io_buffers_left(scene.io);
    io_give_buffer(scene.io, got.buffer);
    assert_int_equal(io_buffers_left(scene.io), left + 1);
    close_scene(&scene);
}

static void *read_all(void *argument)
{
    struct scene *scene = argument;
    static char got[2 * SENDS];
    ssize_t size = recv(scene->theirs, got, sizeof got, MSG_WAITALL);
    return size == (ssize_t)sizeof got ? scene : NULL;
}

static void more_work_than_the_queue_holds_is_handed_over_early(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    pthread_t reader;
    assert_int_equal(pthread_create(&reader, NULL, read_all, &scene), 0);
    static char bytes[2];
    struct iovec parts[2] = {{.iov_base = bytes, .iov_len = 1}, {.iov_base = bytes, .iov_len = 1}};
    for (uint32_t i = 0; i < SENDS; i++)
        io_send(scene.io, scene.ours, parts, 2, (struct io_tag){.kind = IO_SEND, .index = i});
    for (uint32_t i = 0; i < SENDS; i++)
        assert_int_equal(await(scene.io, IO_SEND).result, 2);
    void *all = NULL;
    pthread_join(reader, &all);
    assert_ptr_equal(all, &scene);
    close_scene(&scene);
}

static void a_write_is_durable_and_whole(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    char path[] = "io_test_XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    unlink(path);
    static char block[4096];
    memset(block, 'j', sizeof block);
    io_write(scene.io, file, block, sizeof block, 4096, (struct io_tag){.kind = IO_WRITE});
    assert_int_equal(await(scene.io, IO_WRITE).result, (int)sizeof block);
    char back[4096];
    assert_int_equal(pread(file, back, sizeof back, 4096), (int)sizeof back);
    assert_memory_equal(back, block, sizeof back);
    close(file);
    close_scene(&scene);
}

static void random_bytes_are_not_the_same_twice(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    uint8_t one[32] = {0}, two[32] = {0};
    io_random(scene.io, one, sizeof one);
    io_random(scene.io, two, sizeof two);
    assert_memory_not_equal(one, two, sizeof one);
    close_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kernel_does_what_the_loop_relies_on),
        cmocka_unit_test(a_tag_comes_back_whole),
        cmocka_unit_test(without_buffers_receiving_ends_and_goes_on_later),
        cmocka_unit_test(a_receive_for_once_takes_one_buffer),
        cmocka_unit_test(a_buffer_is_given_back_once),
        cmocka_unit_test(more_work_than_the_queue_holds_is_handed_over_early),
        cmocka_unit_test(a_write_is_durable_and_whole),
        cmocka_unit_test(random_bytes_are_not_the_same_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
