/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals are blocked before the directory is made, so there is no moment at which one could end us
 * and leave it. The worker has them as they were: it may die of them itself, what follows is the
 * same. A signal that was ignored when we were called (nohup) stays so.
 *
 * Whether a directory's owner lives is told by its lock (flock), which the kernel takes away with
 * the last process that has it open: guardian and worker do, what they start does not. A run that
 * makes a directory has no lock on it for a moment, in which another may remove it: it then makes
 * the next.
 */
#include "bench/guard.h"

#include "bench/process.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NAME "hotshelf-bench-run-"
#define MAKE_TRIES_MAX 16
#define CHILDREN_MAX 1024
#define KILL_ROUNDS_MAX 100 /* of KILL_LOOK_MS; the children of the killed are killed in the next */
#define KILL_LOOK_MS 100

static const int ending_signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
#define ENDING_SIGNALS (sizeof ending_signals / sizeof ending_signals[0])

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

void guard_remove_tree(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void remove_if_ownerless(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &status) == 0 && status.st_uid == geteuid() && flock(fd, LOCK_EX | LOCK_NB) == 0)
        guard_remove_tree(path);
    close(fd);
}

static void remove_ownerless(const char *parent)
{
    char pattern[GUARD_PATH_SIZE];
    glob_t found = {0};
    snprintf(pattern, sizeof pattern, "%s/" NAME "??????", parent);
    if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0)
        for (size_t at = 0; at < found.gl_pathc; at++)
            remove_if_ownerless(found.gl_pathv[at]);
    globfree(&found);
}

/* False: somebody was faster than our lock. PostgreSQL, another user, walks through it to its own
 * directory, hence the mode. */
static bool is_ours(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    /* Where there are no locks, nobody removes anything. */
    while (flock(fd, LOCK_EX) < 0 && errno == EINTR)
        continue;
    if (fstat(fd, &status) == 0 && status.st_nlink > 0 && fchmod(fd, 0711) == 0)
        return true; /* fd stays open for the lock */
    close(fd);
    return false;
}

static bool make_directory(struct guard *guard, const char *parent)
{
    for (int tries = 0; tries < MAKE_TRIES_MAX; tries++) {
        int size = snprintf(guard->directory, GUARD_PATH_SIZE, "%s/" NAME "XXXXXX", parent);
        if (size >= GUARD_PATH_SIZE)
            errno = ENAMETOOLONG;
        if (size >= GUARD_PATH_SIZE || mkdtemp(guard->directory) == NULL)
            break;
        if (is_ours(guard->directory))
            return true;
    }
    fprintf(
        stderr, "hotshelf-bench: no directory can be made in %s: %s\n", parent, strerror(errno));
    return false;
}

static sigset_t awaited_signals(void)
{
    sigset_t awaited;
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGCHLD);
    for (size_t at = 0; at < ENDING_SIGNALS; at++) {
        struct sigaction action;
        if (sigaction(ending_signals[at], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            sigaddset(&awaited, ending_signals[at]);
    }
    return awaited;
}

/* Reaps all that have ended, those that have fallen to us included. */
static bool has_ended(pid_t worker, int *status)
{
    int of_this = 0;
    for (pid_t pid = waitpid(-1, &of_this, WNOHANG); pid > 0;
         pid = waitpid(-1, &of_this, WNOHANG)) {
        if (pid == worker) {
            *status = of_this;
            return true;
        }
    }
    return false;
}

static bool has_children(void)
{
    pid_t pid;
    do {
        pid = waitpid(-1, NULL, WNOHANG);
    } while (pid > 0);
    return pid == 0;
}

static void wait_for_child(uint32_t most_ms)
{
    const struct timespec most = {
        .tv_sec = most_ms / 1000, .tv_nsec = (long)(most_ms % 1000) * 1000000};
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigtimedwait(&child, NULL, &most);
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void end_children(void)
{
    pid_t children[CHILDREN_MAX];
    uint64_t until = now_ms() + GUARD_PATIENCE_MS;
    for (uint64_t now = now_ms(); has_children() && now < until; now = now_ms())
        wait_for_child((uint32_t)(until - now));
    for (int round = 0; round < KILL_ROUNDS_MAX && has_children(); round++) {
        uint32_t count = process_children(getpid(), children, CHILDREN_MAX);
        for (uint32_t at = 0; at < count; at++)
            kill(children[at], SIGKILL);
        wait_for_child(KILL_LOOK_MS);
    }
}

static bool is_expected(int signal)
{
    bool found = signal == SIGPIPE;
    for (size_t at = 0; at < ENDING_SIGNALS; at++)
        found = found || ending_signals[at] == signal;
    return found;
}

/* As whoever called us expects it of a program that does not handle the signal. */
_Noreturn static void die_of(int number)
{
    const struct rlimit none = {0};
    sigset_t one;
    if (!is_expected(number))
        fprintf(stderr, "hotshelf-bench: %s\n", strsignal(number));
    setrlimit(RLIMIT_CORE, &none); /* the worker's is the one that tells something */
    signal(number, SIG_DFL);
    sigemptyset(&one);
    sigaddset(&one, number);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    raise(number);
    _exit(128 + number);
}

_Noreturn static void watch(const struct guard *guard, pid_t worker, const sigset_t *awaited)
{
    int status = 0, number = 0;
    bool ended = false;
    while (!ended && number == 0) {
        int got = sigwaitinfo(awaited, NULL);
        if (got > 0 && got != SIGCHLD)
            number = got;
        ended = has_ended(worker, &status);
    }
    if (!ended) {
        kill(worker, SIGKILL);
        waitpid(worker, &status, 0);
    }
    if (number == 0 && WIFSIGNALED(status))
        number = WTERMSIG(status);
    end_children();
    guard_remove_tree(guard->directory);
    if (number != 0)
        die_of(number);
    _exit(WEXITSTATUS(status));
}

bool guard_begin(struct guard *guard, const char **parent)
{
    sigset_t awaited = awaited_signals(), before;
    sigprocmask(SIG_BLOCK, &awaited, &before);
    signal(SIGCHLD, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    remove_ownerless(*parent);
    bool made = make_directory(guard, *parent);
    fflush(NULL);
    pid_t guardian = getpid(), worker = -1;
    if (made && prctl(PR_SET_CHILD_SUBREAPER, 1) == 0)
        worker = fork();
    if (worker > 0)
        watch(guard, worker, &awaited);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (worker == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != guardian)
            _exit(1);
        *parent = guard->directory;
        return true;
    }
    if (made) {
        fprintf(stderr, "hotshelf-bench: %s\n", strerror(errno));
        guard_remove_tree(guard->directory);
    }
    return false;
}
