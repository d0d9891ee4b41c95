/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock - now, on the clock that only goes forward.
 *
 * Ownership  None.
 * Threads    Any.
 * Units      Nanoseconds of CLOCK_MONOTONIC.
 * Errors     None.
 * Cost       About 20 ns, no system call; clock_thread_ns() is one.
 */
#ifndef HOTSHELF_LOADTEST_CLOCK_H
#define HOTSHELF_LOADTEST_CLOCK_H

#include <stdint.h>
#include <time.h>

#define CLOCK_NS_PER_SECOND UINT64_C(1000000000)
#define CLOCK_NS_PER_MS UINT64_C(1000000)

static inline uint64_t clock_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * CLOCK_NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

/* What the processor has worked for this thread, here and in the kernel. */
static inline uint64_t clock_thread_ns(void)
{
    struct timespec worked;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &worked);
    return (uint64_t)worked.tv_sec * CLOCK_NS_PER_SECOND + (uint64_t)worked.tv_nsec;
}

#endif
