/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread sleeps on a semaphore, writes, says so and rings. `done` hands the result over; the
 * semaphore hands the order over, and the order to stop.
 *
 * A loop is pinned to a core and its writer was born there; it would write only when the loop
 * sleeps. So it goes back to all the cores that the process may use.
 */
#include "net/loop/writer.h"

#include <errno.h>
#include <sched.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/bugs.h"
#include "core/check.h"

static int32_t write_durably(const struct writer_order *order)
{
    struct iovec part = {
        .iov_base = (void *)(uintptr_t)order->data,
        .iov_len = order->size,
    };
    int flags = bug(BUG_WRITE_NOT_SYNCED) ? 0 : RWF_DSYNC;
    ssize_t result;
    do {
        result = pwritev2(order->file, &part, 1, (off_t)order->offset, flags);
    } while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : (int32_t)result;
}

static void ring(const struct writer *writer)
{
    uint64_t one = 1;
    ssize_t written = write(writer->alarm, &one, sizeof one);
    CHECK(written == sizeof one || errno == EAGAIN);
}

static void spread_out(void)
{
    cpu_set_t allowed;
    /* The main thread is not pinned. Refused: the loop's core will do, a little slower. */
    if (sched_getaffinity(getpid(), sizeof allowed, &allowed) == 0)
        sched_setaffinity(0, sizeof allowed, &allowed);
}

static void *run(void *argument)
{
    struct writer *writer = argument;
    spread_out();
    for (;;) {
        while (sem_wait(&writer->asked) != 0)
            continue;
        if (writer->stopping)
            return NULL;
        writer->result = write_durably(&writer->order);
        atomic_store(&writer->done, true);
        ring(writer);
    }
}

int writer_open(struct writer *writer, void *stack, int alarm)
{
    CHECK(!writer->open);
    *writer = (struct writer){.alarm = alarm};
    pthread_attr_t attributes;
    if (sem_init(&writer->asked, 0, 0) != 0)
        return -errno;
    int error = pthread_attr_init(&attributes);
    if (error == 0) {
        error = pthread_attr_setstack(&attributes, stack, WRITER_STACK_SIZE);
        if (error == 0)
            error = pthread_create(&writer->thread, &attributes, run, writer);
        pthread_attr_destroy(&attributes);
    }
    writer->open = error == 0;
    if (!writer->open)
        sem_destroy(&writer->asked);
    return -error;
}

void writer_close(struct writer *writer)
{
    if (!writer->open)
        return;
    writer->stopping = true;
    sem_post(&writer->asked);
    pthread_join(writer->thread, NULL);
    sem_destroy(&writer->asked);
    writer->open = false;
}

void writer_write(struct writer *writer, int file, const void *data, uint32_t size, uint64_t offset)
{
    CHECK(writer->open);
    CHECK(!writer->writing);
    writer->writing = true;
    writer->order =
        (struct writer_order){.file = file, .data = data, .size = size, .offset = offset};
    sem_post(&writer->asked);
}

bool writer_is_done(const struct writer *writer)
{
    return atomic_load_explicit(&writer->done, memory_order_relaxed);
}

bool writer_take(struct writer *writer, int32_t *result)
{
    if (!atomic_load(&writer->done))
        return false;
    CHECK(writer->writing);
    *result = writer->result;
    atomic_store(&writer->done, false);
    writer->writing = false;
    return true;
}
