/* SPDX-License-Identifier: Apache-2.0 */
/*
 * There is no other way to the server beside this one: a generator that falls back to more system
 * calls for each request measures itself, and says so to nobody.
 */
#include "loadtest/ring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#define SUBMISSIONS 4096
#define COMPLETIONS 65536

static size_t map_size(void)
{
    return RING_BUFFER_COUNT * (sizeof(struct io_uring_buf) + RING_BUFFER_SIZE);
}

static void provide(struct ring *ring, uint16_t buffer, int offset)
{
    io_uring_buf_ring_add(ring->buffer_ring, ring->buffers + (size_t)buffer * RING_BUFFER_SIZE,
        RING_BUFFER_SIZE, buffer, io_uring_buf_ring_mask(RING_BUFFER_COUNT), offset);
}

static int open_buffers(struct ring *ring)
{
    char *map = mmap(NULL, map_size(), PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED)
        return -errno;
    ring->buffer_ring = (struct io_uring_buf_ring *)map;
    ring->buffers = map + RING_BUFFER_COUNT * sizeof(struct io_uring_buf);
    struct io_uring_buf_reg registration = {
        .ring_addr = (uint64_t)(uintptr_t)map,
        .ring_entries = RING_BUFFER_COUNT,
        .bgid = RING_BUFFER_GROUP,
    };
    int result = io_uring_register_buf_ring(&ring->uring, &registration, 0);
    if (result < 0)
        return result;
    io_uring_buf_ring_init(ring->buffer_ring);
    for (uint16_t buffer = 0; buffer < RING_BUFFER_COUNT; buffer++)
        provide(ring, buffer, buffer);
    io_uring_buf_ring_advance(ring->buffer_ring, RING_BUFFER_COUNT);
    return 0;
}

static int open_uring(struct ring *ring)
{
    struct io_uring_params parameters = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                 IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE |
                 IORING_SETUP_CLAMP,
        .cq_entries = COMPLETIONS,
    };
    int result = io_uring_queue_init_params(SUBMISSIONS, &ring->uring, &parameters);
    if (result < 0)
        return result;
    ring->is_open = true;
    result = io_uring_register_ring_fd(&ring->uring);
    return result < 0 ? result : open_buffers(ring);
}

int ring_open(struct ring *ring)
{
    *ring = (struct ring){0};
    int result = open_uring(ring);
    if (result < 0)
        fprintf(stderr,
            "hotshelf-loadtest: io_uring is refused (%s). It takes Linux 6.1, "
            "`sysctl kernel.io_uring_disabled=0`, and in a container a seccomp profile that allows "
            "io_uring_setup, io_uring_enter and io_uring_register\n",
            strerror(-result));
    /* A wait ends when it is told to, not up to 50 us later together with others. */
    prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
    return result;
}

void ring_close(struct ring *ring)
{
    if (ring->is_open)
        io_uring_queue_exit(&ring->uring);
    if (ring->buffer_ring != NULL)
        munmap(ring->buffer_ring, map_size());
    *ring = (struct ring){0};
}

struct io_uring_sqe *ring_entry(struct ring *ring)
{
    struct io_uring_sqe *entry = io_uring_get_sqe(&ring->uring);
    if (entry == NULL) {
        io_uring_submit(&ring->uring);
        entry = io_uring_get_sqe(&ring->uring);
    }
    if (entry == NULL)
        abort(); /* the kernel takes every entry it is given: SUBMIT_ALL */
    return entry;
}

int ring_turn(struct ring *ring, uint64_t wait_ns)
{
    int result;
    if (wait_ns == 0) {
        result = io_uring_submit_and_get_events(&ring->uring);
    } else {
        struct io_uring_cqe *completion;
        struct __kernel_timespec most = {.tv_sec = (long long)(wait_ns / 1000000000),
            .tv_nsec = (long long)(wait_ns % 1000000000)};
        result = io_uring_submit_and_wait_timeout(&ring->uring, &completion, 1, &most, NULL);
    }
    bool is_usual = result >= 0 || result == -EINTR || result == -EAGAIN || result == -EBUSY ||
                    result == -ETIME;
    return is_usual ? 0 : result;
}

const char *ring_data(const struct ring *ring, const struct io_uring_cqe *completion)
{
    uint16_t buffer = (uint16_t)(completion->flags >> IORING_CQE_BUFFER_SHIFT);
    return ring->buffers + (size_t)buffer * RING_BUFFER_SIZE;
}

void ring_give(struct ring *ring, const struct io_uring_cqe *completion)
{
    provide(ring, (uint16_t)(completion->flags >> IORING_CQE_BUFFER_SHIFT), 0);
    io_uring_buf_ring_advance(ring->buffer_ring, 1);
}
