/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pidfd says when the child has ended, so nothing here sleeps and looks again.
 */
#include "bench/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_SECOND UINT64_C(1000000000)
#define KERNEL_PID 2 /* kthreadd, parent of all threads of the kernel */
#define KERNEL_THREADS_MAX 1024
#define FAMILY_MAX 256 /* processes: PostgreSQL has one for each client, and some more */

int process_pin(int core)
{
    cpu_set_t cores;
    CPU_ZERO(&cores);
    for (int at = 0; at < CPU_SETSIZE; at++)
        if (at == core || core == PROCESS_ANY_CORE)
            CPU_SET((size_t)at, &cores);
    return sched_setaffinity(0, sizeof cores, &cores) < 0 ? -errno : 0;
}

/* For good, and before it asks to die with us: the kernel forgets that when a user changes. */
static bool become_user(const char *user)
{
    const struct passwd *who = user == NULL ? NULL : getpwnam(user);
    return user == NULL || (who != NULL && initgroups(user, who->pw_gid) == 0 &&
                               setresgid(who->pw_gid, who->pw_gid, who->pw_gid) == 0 &&
                               setresuid(who->pw_uid, who->pw_uid, who->pw_uid) == 0);
}

_Noreturn static void become(const struct process_plan *plan, int output, pid_t parent)
{
    int core = plan->core;
    char *const *argv = plan->argv;
    const char *log_path = plan->log_path;
    int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    int nothing = open("/dev/null", O_RDONLY);
    if (log < 0 || nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0 ||
        dup2(output >= 0 ? output : log, STDOUT_FILENO) < 0 || process_pin(core) < 0 ||
        !become_user(plan->user))
        _exit(127);
    prctl(PR_SET_PDEATHSIG, plan->death_signal == 0 ? SIGKILL : plan->death_signal);
    if (getppid() != parent)
        _exit(127);
    execv(argv[0], argv);
    dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

int process_start(
    struct process *process, char *const *argv, int core, const char *log_path, bool captured)
{
    const struct process_plan plan = {
        .argv = argv, .core = core, .log_path = log_path, .captured = captured};
    return process_start_as(process, &plan);
}

int process_start_as(struct process *process, const struct process_plan *plan)
{
    int ends[2] = {-1, -1};
    *process = (struct process){.pidfd = -1, .output = -1};
    if (plan->captured && pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        become(plan, ends[1], parent);
    if (plan->captured)
        close(ends[1]);
    if (pid < 0)
        return -errno;
    process->pid = pid;
    process->output = ends[0];
    process->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    return process->pidfd < 0 ? -errno : 0;
}

bool process_is_alive(const struct process *process)
{
    struct pollfd end = {.fd = process->pidfd, .events = POLLIN};
    return process->pid > 0 && poll(&end, 1, 0) == 0;
}

int process_read_line(struct process *process, char *line, uint32_t size, uint32_t timeout_ms)
{
    uint32_t read_size = 0;
    while (read_size + 1 < size) {
        struct pollfd news = {.fd = process->output, .events = POLLIN};
        if (poll(&news, 1, (int)timeout_ms) <= 0)
            return -ETIMEDOUT;
        ssize_t got = read(process->output, line + read_size, 1);
        if (got <= 0)
            return -EPIPE;
        if (line[read_size] == '\n')
            break;
        read_size++;
    }
    line[read_size] = '\0';
    return 0;
}

static bool read_file(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t got = read(fd, text, size - 1);
    close(fd);
    text[got > 0 ? got : 0] = '\0';
    return got > 0;
}

/* utime, stime, cutime and cstime are the words from the 14th on, the latter of children that have
 * ended; the second, the name, may hold anything. */
static void add_stat(pid_t pid, uint64_t *own_ns, uint64_t *children_ns)
{
    char path[64];
    char text[1024];
    unsigned long long ticks[4];
    uint64_t ns_per_tick = NS_PER_SECOND / (uint64_t)sysconf(_SC_CLK_TCK);
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    const char *after_name = read_file(path, text, sizeof text) ? strrchr(text, ')') : NULL;
    if (after_name == NULL ||
        sscanf(after_name + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu",
            &ticks[0], &ticks[1], &ticks[2], &ticks[3]) != 4)
        return;
    *own_ns += (ticks[0] + ticks[1]) * ns_per_tick;
    *children_ns += (ticks[2] + ticks[3]) * ns_per_tick;
}

/* The first word is the time spent on a core. */
static uint64_t read_sched_ns(pid_t pid)
{
    char path[320];
    char text[128];
    uint64_t sum = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    struct dirent *task;
    while (tasks != NULL && (task = readdir(tasks)) != NULL) {
        snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", (int)pid, task->d_name);
        if (task->d_name[0] != '.' && read_file(path, text, sizeof text))
            sum += strtoull(text, NULL, 10);
    }
    if (tasks != NULL)
        closedir(tasks);
    return sum;
}

/* Children are of threads; every program here starts them from its first. */
static uint32_t add_children(pid_t pid, pid_t *family, uint32_t most, uint32_t count)
{
    char path[64];
    char text[8192];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    if (!read_file(path, text, sizeof text))
        return count;
    char *at = text, *end = text;
    for (long child = strtol(at, &end, 10); end != at && count < most;
         child = strtol(at, &end, 10)) {
        family[count++] = (pid_t)child;
        at = end;
    }
    return count;
}

uint32_t process_children(pid_t pid, pid_t *children, uint32_t most)
{
    return add_children(pid, children, most, 0);
}

/* They do what a program has set going and does not pay for: its writes to the disk end in them. */
static uint64_t read_kernel_ns(void)
{
    pid_t threads[KERNEL_THREADS_MAX];
    char path[64], text[128];
    uint64_t sum = 0;
    uint32_t count = process_children(KERNEL_PID, threads, KERNEL_THREADS_MAX);
    for (uint32_t at = 0; at < count; at++) {
        snprintf(path, sizeof path, "/proc/%d/schedstat", (int)threads[at]);
        if (read_file(path, text, sizeof text))
            sum += strtoull(text, NULL, 10);
    }
    return sum;
}

/* All columns but idle and waiting, the fourth and fifth; guests are in the first two. */
static uint64_t read_machine_ns(void)
{
    char text[4096];
    uint64_t sum = 0;
    if (!read_file("/proc/stat", text, sizeof text))
        return 0;
    for (char core = '0'; core < '2'; core++) {
        const char name[] = {'\n', 'c', 'p', 'u', core, ' ', '\0'};
        const char *line = strstr(text, name);
        char *at = line == NULL ? NULL : (char *)(uintptr_t)line + sizeof name - 1;
        for (int column = 0; at != NULL && column < 8; column++) {
            uint64_t ticks = strtoull(at, &at, 10);
            sum += column == 3 || column == 4 ? 0 : ticks;
        }
    }
    return sum * (NS_PER_SECOND / (uint64_t)sysconf(_SC_CLK_TCK));
}

static uint64_t read_self_ns(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * NS_PER_SECOND + (uint64_t)used.tv_nsec;
}

uint64_t process_cpu_of_others(struct cpu_time between)
{
    uint64_t known_ns = between.sched_ns + between.kernel_ns + between.self_ns;
    return between.machine_ns > known_ns ? between.machine_ns - known_ns : 0;
}

struct cpu_time process_cpu_between(struct cpu_time before, struct cpu_time after)
{
    return (struct cpu_time){
        .stat_ns = after.stat_ns - before.stat_ns,
        .sched_ns = after.sched_ns - before.sched_ns,
        .self_ns = after.self_ns - before.self_ns,
        .machine_ns = after.machine_ns - before.machine_ns,
        /* A thread of the kernel that has ended takes its time with it. */
        .kernel_ns = after.kernel_ns > before.kernel_ns ? after.kernel_ns - before.kernel_ns : 0,
    };
}

struct cpu_time process_cpu(const struct process *process)
{
    pid_t family[FAMILY_MAX] = {process->pid};
    uint64_t own_ns = 0, ended_ns = 0, sched_ns = 0;
    for (uint32_t at = 0, count = 1; at < count; at++) {
        count = add_children(family[at], family, FAMILY_MAX, count);
        add_stat(family[at], &own_ns, &ended_ns);
        sched_ns += read_sched_ns(family[at]);
    }
    return (struct cpu_time){.stat_ns = own_ns + ended_ns,
        .sched_ns = sched_ns + ended_ns,
        .kernel_ns = read_kernel_ns(),
        .self_ns = read_self_ns(),
        .machine_ns = read_machine_ns()};
}

int process_wait(struct process *process, uint32_t timeout_ms)
{
    if (process->pid == 0)
        return -1;
    struct pollfd end = {.fd = process->pidfd, .events = POLLIN};
    bool ended = process->pidfd >= 0 && poll(&end, 1, (int)timeout_ms) > 0;
    if (!ended)
        kill(process->pid, SIGKILL);
    int status = 0;
    waitpid(process->pid, &status, 0);
    if (process->pidfd >= 0)
        close(process->pidfd);
    if (process->output >= 0)
        close(process->output);
    *process = (struct process){.pidfd = -1, .output = -1};
    return ended && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int process_stop(struct process *process, uint32_t timeout_ms)
{
    if (process->pid == 0)
        return -1;
    kill(process->pid, SIGTERM);
    return process_wait(process, timeout_ms);
}
