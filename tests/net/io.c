/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands behind the seam does what the loop relies on: every case over both backends. What
 * sockets do is in io_sockets.c.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/io_choice.h"
#include "net/io_remedy.h"
#include "net/io_test.h"
#include "tests/net/io_scene.h"

enum { BELLS = 1500 }; /* more than the queue of a ring holds */

static void the_kernel_does_what_the_loop_relies_on(void **state)
{
    char problem[512] = "";
    if (!io_test(*(const enum backend *)*state == EPOLL, problem, sizeof problem))
        fail_msg("%s", problem);
}

static void a_tag_comes_back_whole(void **state)
{
    struct scene scene;
    open_scene(&scene, state);
    struct iovec part = {.iov_base = (char[]){"x"}, .iov_len = 1};
    struct io_tag tag = {.kind = IO_SEND, .generation = 0xfffffe, .index = CONNECTIONS - 1};
    io_send(scene.io, scene.ours, &part, 1, tag);
    struct io_completion sent = await(scene.io, IO_SEND);
    assert_int_equal(sent.result, 1);
    assert_int_equal(sent.tag.generation, tag.generation);
    assert_int_equal(sent.tag.index, tag.index);
    close_scene(&scene);
}

/* Sends of two parts between: what the kernel has not taken yet must not change. */
static void more_work_than_the_queue_holds_is_handed_over_early(void **state)
{
    struct scene scene;
    struct io_completion completion;
    int pairs[CONNECTIONS][2];
    char got[5] = {0};
    open_scene(&scene, state);
    struct iovec parts[2] = {
        {.iov_base = (char[]){"ab"}, .iov_len = 2}, {.iov_base = (char[]){"cd"}, .iov_len = 2}};
    for (uint32_t i = 0; i < BELLS; i++) {
        uint32_t slot = i / 100;
        io_bell(scene.io, scene.other);
        if (i % 100 != 0)
            continue;
        make_pair(pairs[slot], false);
        io_send(
            scene.io, pairs[slot][0], parts, 2, (struct io_tag){.kind = IO_SEND, .index = slot});
    }
    for (uint32_t i = 0; i < BELLS / 100; i++) {
        assert_int_equal(await(scene.io, IO_SEND).result, 4);
        assert_int_equal(read(pairs[i][1], got, 4), 4);
        assert_string_equal(got, "abcd");
        close(pairs[i][0]);
        close(pairs[i][1]);
    }
    await(scene.other, IO_WAKE);
    while (io_reap(scene.other, &completion, 1) == 1)
        assert_int_equal(completion.tag.kind, IO_WAKE);
    close_scene(&scene);
}

static void a_write_is_durable_and_whole(void **state)
{
    struct scene scene;
    open_scene(&scene, state);
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

static void a_write_that_fails_says_why(void **state)
{
    struct scene scene;
    static char block[4096];
    open_scene(&scene, state);
    int file = open("/dev/null", O_RDONLY);
    assert_true(file >= 0);
    io_write(scene.io, file, block, sizeof block, 0, (struct io_tag){.kind = IO_WRITE});
    assert_int_equal(await(scene.io, IO_WRITE).result, -EBADF);
    close(file);
    close_scene(&scene);
}

static void nothing_goes_on_for_ever(void **state)
{
    struct scene scene;
    open_scene(&scene, state);
    io_receive(scene.io, scene.ours, false, receiving);
    nothing_comes(scene.io);
    nothing_comes(scene.io);
    close_scene(&scene);
}

static void *ring_alarm(void *argument)
{
    io_alarm(argument);
    return NULL;
}

static void an_alarm_wakes_each_time(void **state)
{
    struct scene scene;
    open_scene(&scene, state);
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, ring_alarm, scene.io), 0);
        await(scene.io, IO_WAKE);
        pthread_join(thread, NULL);
    }
    nothing_comes(scene.io);
    close_scene(&scene);
}

static void a_bell_wakes_the_other_loop_and_no_more(void **state)
{
    struct scene scene;
    open_scene(&scene, state);
    for (int i = 0; i < 3; i++) {
        io_bell(scene.io, scene.other);
        io_submit(scene.io, 0);
        await(scene.other, IO_WAKE);
        nothing_comes(scene.other);
    }
    nothing_comes(scene.io);
    close_scene(&scene);
}

static void random_bytes_are_not_the_same_twice(void **state)
{
    struct scene scene;
    open_scene(&scene, state);
    uint8_t one[32] = {0}, two[32] = {0};
    io_random(scene.io, one, sizeof one);
    io_random(scene.io, two, sizeof two);
    assert_memory_not_equal(one, two, sizeof one);
    close_scene(&scene);
}

static void a_refusal_names_its_remedy(void **state)
{
    (void)state;
    static const struct {
        int error;
        struct io_permission permission;
        const char *named;
    } cases[] = {
        {-EPERM, {.disabled = 2, .group = -1}, "kernel.io_uring_disabled = 2"},
        {-EPERM, {.disabled = 1, .group = 7}, "kernel.io_uring_group = 7"},
        {-EPERM, {.disabled = 1, .group = -1}, "first name one"},
        {-EPERM, {.disabled = 0, .group = -1}, "io_uring_setup, io_uring_enter"},
        {-EPERM, {.disabled = -1, .group = -1}, "seccomp"},
        {-EACCES, {.disabled = -1, .group = -1}, "seccomp"},
        {-ENOSYS, {.disabled = -1, .group = -1}, "no io_uring (6.1 or newer"},
        {-EINVAL, {.disabled = 0, .group = -1}, "6.1 or newer"},
        {-ENOMEM, {.disabled = 0, .group = -1}, "LimitMEMLOCK="},
        {-EMFILE, {.disabled = 0, .group = -1}, "LimitNOFILE="},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char said[512] = "";
        io_remedy(cases[i].error, &cases[i].permission, said, sizeof said);
        if (strstr(said, cases[i].named) == NULL)
            fail_msg("%s is not in: %s", cases[i].named, said);
    }
    char said[512] = "unchanged";
    io_remedy(-EIO, &cases[0].permission, said, sizeof said);
    assert_string_equal(said, "");
}

static void what_is_chosen_is_what_was_asked_for(void **state)
{
    (void)state;
    char said[IO_CHOICE_TEXT_SIZE];
    enum config_io chosen;
    assert_true(io_choose(IO_EPOLL, &chosen, said));
    assert_int_equal(chosen, IO_EPOLL);
    assert_string_equal(said, "");
    assert_true(io_choose(IO_URING, &chosen, said));
    assert_int_equal(chosen, IO_URING);
    assert_true(io_choose(IO_AUTO, &chosen, said));
    assert_int_equal(chosen, IO_URING);
    assert_string_equal(said, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(the_kernel_does_what_the_loop_relies_on),
        BOTH(a_tag_comes_back_whole),
        BOTH(more_work_than_the_queue_holds_is_handed_over_early),
        BOTH(a_write_is_durable_and_whole),
        BOTH(a_write_that_fails_says_why),
        BOTH(nothing_goes_on_for_ever),
        BOTH(an_alarm_wakes_each_time),
        BOTH(a_bell_wakes_the_other_loop_and_no_more),
        BOTH(random_bytes_are_not_the_same_twice),
        cmocka_unit_test(a_refusal_names_its_remedy),
        cmocka_unit_test(what_is_chosen_is_what_was_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
