/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stops - proves that a CHECK stops the process: STOPS(table_remove(&table, 1, 2)).
 *
 * The expression runs in a child process, whose complaint is not shown; the parent waits for the
 * child and fails the test unless it ended by SIGABRT.
 *
 * Ownership  None: what the expression changes is lost with the child.
 * Threads    One; call it before threads are started.
 * Units      None.
 * Errors     A fork that fails, fails the test.
 * Cost       One process.
 */
#ifndef HOTSHELF_TESTS_LIB_STOPS_H
#define HOTSHELF_TESTS_LIB_STOPS_H

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define STOPS(expression)                                                                          \
    do {                                                                                           \
        pid_t stops_child = fork();                                                                \
        if (stops_child == 0) {                                                                    \
            stops_prepare();                                                                       \
            expression;                                                                            \
            _exit(0);                                                                              \
        }                                                                                          \
        assert_true(stops_child > 0);                                                              \
        assert_int_equal(stops_signal(stops_child), SIGABRT);                                      \
    } while (0)

/* In the child: no core file, no message, and the signal as the kernel knows it. */
static inline void stops_prepare(void)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    signal(SIGABRT, SIG_DFL);
    if (freopen("/dev/null", "w", stderr) == NULL)
        _exit(1);
}

/* The signal that ended the child, or 0 when it went on. */
static inline int stops_signal(pid_t child)
{
    int status = 0;
    if (waitpid(child, &status, 0) != child)
        return 0;
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

#endif
