/* SPDX-License-Identifier: Apache-2.0 */
/* A run that leaves nothing behind, whatever ends it. Each test is the caller of a bench. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/guard.h"
#include "bench/process.h"

struct run {
    char parent[32];
    pid_t bench;
    int news, held; /* what the worker and what it started have open until they end */
    pid_t child;
};

/* What a bench does: two directories, something in them, and a process that is started to die with
 * `death_signal`; then it waits, until `held` is closed at our end, and ends by itself. */
static void measure(const char *directory, const char *script, int death_signal, int news)
{
    char path[GUARD_PATH_SIZE + 32], name[GUARD_PATH_SIZE + 64], text[128], line[64] = "";
    struct process process;
    snprintf(path, sizeof path, "%s/server-XXXXXX", directory);
    if (mkdtemp(path) == NULL)
        _exit(10);
    snprintf(name, sizeof name, "%s/file", path);
    FILE *file = fopen(name, "w");
    if (file == NULL || fclose(file) != 0)
        _exit(11);
    snprintf(text, sizeof text, "%s", script);
    char *argv[] = {(char[]){"/bin/sh"}, (char[]){"-c"}, text, NULL};
    const struct process_plan plan = {.argv = argv,
        .core = PROCESS_ANY_CORE,
        .log_path = "/dev/null",
        .captured = true,
        .death_signal = death_signal};
    if (process_start_as(&process, &plan) != 0 ||
        process_read_line(&process, line, sizeof line, 60000) != 0)
        _exit(12);
    if (write(news, &process.pid, sizeof process.pid) != sizeof process.pid)
        _exit(13);
}

static struct run start_in(const char *parent, const char *script, int death_signal)
{
    struct run run = {.bench = -1};
    int news[2], held[2];
    snprintf(run.parent, sizeof run.parent, "%s", parent);
    assert_int_equal(pipe(news), 0);
    assert_int_equal(pipe(held), 0);
    run.bench = fork();
    if (run.bench == 0) {
        struct guard guard;
        const char *directory = run.parent;
        char byte;
        close(news[0]);
        close(held[1]);
        if (!guard_begin(&guard, &directory))
            _exit(9);
        measure(directory, script, death_signal, news[1]);
        ssize_t got = read(held[0], &byte, 1);
        _exit(got == 0 ? 5 : 14);
    }
    close(news[1]);
    close(held[0]);
    run.news = news[0];
    run.held = held[1];
    assert_int_equal(read(run.news, &run.child, sizeof run.child), sizeof run.child);
    return run;
}

static struct run start(const char *script, int death_signal)
{
    char parent[] = "/tmp/guard-XXXXXX";
    assert_non_null(mkdtemp(parent));
    return start_in(parent, script, death_signal);
}

static uint32_t entries(const char *path)
{
    uint32_t count = 0;
    DIR *directory = opendir(path);
    assert_non_null(directory);
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory))
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

/* With the pipe that all of the run have open: it has ended, all of it. */
static int end_of(struct run *run)
{
    int status = 0;
    char byte;
    assert_int_equal(waitpid(run->bench, &status, 0), run->bench);
    assert_int_equal(read(run->news, &byte, 1), 0);
    close(run->news);
    close(run->held);
    return status;
}

static void leaves_nothing(struct run *run)
{
    assert_int_equal(kill(run->child, 0), -1);
    assert_int_equal(errno, ESRCH);
    assert_int_equal(entries(run->parent), 0);
    assert_int_equal(rmdir(run->parent), 0);
}

#define WAITS "echo here; exec sleep 600"
#define IGNORES "trap '' TERM; echo here; while :; do sleep 600; done"

static void every_signal_ends_all_of_it_and_is_told(void **state)
{
    (void)state;
    const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    for (size_t at = 0; at < sizeof numbers / sizeof numbers[0]; at++) {
        struct run run = start(WAITS, 0);
        assert_int_equal(entries(run.parent), 1);
        kill(run.bench, numbers[at]);
        int status = end_of(&run);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), numbers[at]);
        leaves_nothing(&run);
    }
}

static void an_end_of_its_own_keeps_its_status(void **state)
{
    (void)state;
    struct run run = start(WAITS, 0);
    close(run.held);
    int status = end_of(&run);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 5);
    leaves_nothing(&run);
}

static pid_t worker_of(const struct run *run)
{
    pid_t worker = 0;
    assert_int_equal(process_children(run->bench, &worker, 1), 1);
    return worker;
}

/* A broken pipe is one such: SIGPIPE reaches the worker, who writes. */
static void what_ends_the_worker_ends_the_bench(void **state)
{
    (void)state;
    const int numbers[] = {SIGPIPE, SIGKILL};
    for (size_t at = 0; at < sizeof numbers / sizeof numbers[0]; at++) {
        struct run run = start(WAITS, 0);
        kill(worker_of(&run), numbers[at]);
        int status = end_of(&run);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), numbers[at]);
        leaves_nothing(&run);
    }
}

static void who_does_not_end_when_told_is_killed(void **state)
{
    (void)state;
    struct run run = start(IGNORES, SIGTERM);
    kill(run.bench, SIGTERM);
    int status = end_of(&run);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGTERM);
    leaves_nothing(&run);
}

static void an_ignored_signal_stays_ignored(void **state)
{
    (void)state;
    signal(SIGHUP, SIG_IGN);
    struct run run = start(WAITS, 0);
    signal(SIGHUP, SIG_DFL);
    kill(run.bench, SIGHUP);
    kill(worker_of(&run), SIGHUP);
    close(run.held);
    int status = end_of(&run);
    assert_true(WIFEXITED(status));
    leaves_nothing(&run);
}

/* Nobody can clean up then; the processes end, and the directory goes with the next run, which
 * leaves that of a living one alone. */
static void what_a_kill_leaves_goes_with_the_next_run(void **state)
{
    (void)state;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    struct run run = start(WAITS, 0);
    pid_t worker = worker_of(&run);
    kill(run.bench, SIGKILL);
    int status = end_of(&run);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(waitpid(worker, NULL, 0), worker);
    assert_int_equal(waitpid(run.child, NULL, 0), run.child);
    assert_int_equal(entries(run.parent), 1);
    struct run next = start_in(run.parent, WAITS, 0);
    assert_int_equal(entries(run.parent), 1);
    struct run beside = start_in(run.parent, WAITS, 0);
    assert_int_equal(entries(run.parent), 2);
    close(beside.held);
    end_of(&beside);
    assert_int_equal(entries(run.parent), 1);
    close(next.held);
    assert_int_equal(WEXITSTATUS(end_of(&next)), 5);
    leaves_nothing(&next);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_signal_ends_all_of_it_and_is_told),
        cmocka_unit_test(an_end_of_its_own_keeps_its_status),
        cmocka_unit_test(what_ends_the_worker_ends_the_bench),
        cmocka_unit_test(who_does_not_end_when_told_is_killed),
        cmocka_unit_test(an_ignored_signal_stays_ignored),
        cmocka_unit_test(what_a_kill_leaves_goes_with_the_next_run),
    };
    const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    for (size_t at = 0; at < sizeof numbers / sizeof numbers[0]; at++)
        signal(numbers[at], SIG_DFL); /* what a shell starts in the background ignores some */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
