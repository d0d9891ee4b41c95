/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pair - a second thread on another core, which does something until it is told to stop.
 *
 *     pair_start: we go to core 1, the other runs on core 0      pair_stop: it has ended, and we
 *                                                                may run anywhere again
 *
 * Ownership  pair_stop() joins it.
 * Threads    `stop` is read by the other thread, which ends soon after it is set.
 * Units      None.
 * Errors     pair_start(): false after a line on stderr, when there are no two cores.
 * Cost       Both cores, until it is stopped.
 */
#ifndef HOTSHELF_BENCH_MODULES_PAIR_H
#define HOTSHELF_BENCH_MODULES_PAIR_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Looks before whoever waits for the other gives up: a minute or two. Under a real time priority a
 * wait without end would keep everybody else from the core. */
#define PAIR_LOOKS_MAX (UINT64_C(1) << 31)

struct pair {
    _Alignas(64) _Atomic bool stop;
    _Alignas(64) pthread_t thread;
    cpu_set_t before;
    void (*run)(struct pair *pair, void *context);
    void *context;
};

bool pair_start(struct pair *pair, void (*run)(struct pair *pair, void *context), void *context);
void pair_stop(struct pair *pair);

static inline bool pair_stops(struct pair *pair)
{
    return atomic_load_explicit(&pair->stop, memory_order_relaxed);
}

/* While one waits for the other. */
static inline void pair_pause(void)
{
#ifdef __x86_64__
    __builtin_ia32_pause();
#endif
}

#endif
