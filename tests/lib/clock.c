/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock - the clock of a server under test, in the hands of the test: preloaded into the process,
 * it answers clock_gettime() from a file of two numbers that the test has written.
 *
 *     $HOTSHELF_TEST_CLOCK: milliseconds of the monotonic clock, milliseconds of Unix time
 *
 * Time stands still until the test moves it, so that "one millisecond before the deadline" can be
 * said to a real server. What the kernel waits for by itself goes on in real time.
 *
 * The file is mapped at the first call, which may come before any constructor has run (jemalloc
 * asks for the time early); without the file the process sees the time as it is.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static _Atomic(const _Atomic uint64_t *) hands;

static const _Atomic uint64_t *find_hands(void)
{
    const _Atomic uint64_t *found = atomic_load(&hands);
    if (found != NULL)
        return found;
    const char *path = getenv("HOTSHELF_TEST_CLOCK");
    int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return NULL;
    void *mapped = mmap(NULL, 2 * sizeof(uint64_t), PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (mapped == MAP_FAILED)
        return NULL;
    atomic_store(&hands, (const _Atomic uint64_t *)mapped);
    return mapped;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    const _Atomic uint64_t *found =
        clock == CLOCK_MONOTONIC || clock == CLOCK_REALTIME ? find_hands() : NULL;
    if (found == NULL)
        return (int)syscall(SYS_clock_gettime, clock, now);
    uint64_t ms = atomic_load(&found[clock == CLOCK_REALTIME]);
    *now = (struct timespec){.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    return 0;
}
