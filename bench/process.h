/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process - a program under measurement: started on one core, its CPU time read, stopped by its
 * pid.
 *
 * Ownership  process_start() starts it, process_stop() ends and reaps it; it does not outlive us
 *            (it gets a signal when its parent dies, see bench/guard.h).
 * Threads    One.
 * Units      Nanoseconds of CPU time, user and system together, of all its threads and of all the
 *            processes that it has started, those that have ended included.
 * Errors     A negative errno; process_stop() answers the exit status, -1 when it had to be killed.
 * Cost       process_cpu(): three files of /proc for each process, one for each thread, and one
 *            for each thread of the kernel, of which there are some dozens.
 */
#ifndef HOTSHELF_BENCH_PROCESS_H
#define HOTSHELF_BENCH_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PROCESS_ANY_CORE (-1) /* instead of a core: all that we may use */

struct process {
    pid_t pid; /* 0: not running */
    int pidfd;
    int output; /* read end of its stdout, or -1 */
};

struct cpu_time {
    uint64_t stat_ns; /* /proc/PID/stat, in steps of a clock tick */
    /* /proc/PID/task/.../schedstat, exact, of the threads alive now; processes that have ended
     * count with their clock ticks. */
    uint64_t sched_ns;
    uint64_t kernel_ns;  /* of all the kernel's own threads, whoever they work for */
    uint64_t self_ns;    /* ours, who measure */
    uint64_t machine_ns; /* cores 0 and 1 not idle, in clock ticks, what their host took included */
};

/* Between two looks: what neither the program, nor the kernel, nor we have had. */
uint64_t process_cpu_of_others(struct cpu_time between);
struct cpu_time process_cpu_between(struct cpu_time before, struct cpu_time after);

/* argv ends with NULL. log_path: where stderr (and stdout, unless it is captured) goes. */
int process_start(
    struct process *process, char *const *argv, int core, const char *log_path, bool captured);

struct process_plan {
    char *const *argv;
    int core;
    const char *log_path;
    bool captured;
    const char *user; /* to run as, when we are root; NULL: as ourselves */
    int death_signal; /* what it gets when its parent dies; 0: SIGKILL */
};

int process_start_as(struct process *process, const struct process_plan *plan);

bool process_is_alive(const struct process *process);

/* Reads what it says on stdout up to a line end. Blocks until then, until it ends, or too long. */
int process_read_line(struct process *process, char *line, uint32_t size, uint32_t timeout_ms);

struct cpu_time process_cpu(const struct process *process);

/* A signal (process_stop(): SIGTERM), then SIGKILL when it has not ended after timeout_ms. */
int process_stop(struct process *process, uint32_t timeout_ms);

/* Waits for a program to end by itself: its exit status, -1 when it was killed or took too long. */
int process_wait(struct process *process, uint32_t timeout_ms);

/* Of a process whose children are all of its first thread: how many there are. */
uint32_t process_children(pid_t pid, pid_t *children, uint32_t most);

/* Binds the calling thread to a core, or to none. */
int process_pin(int core);

#endif
