/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writer - a thread that makes one durable write after another, so that a slow disk does not stop
 * the loop that asks for them.
 *
 *     loop:    writer_write ........................ (woken) writer_take -> result
 *     writer:        \--> pwritev2(RWF_DSYNC) --> rings the loop's eventfd
 *
 * Ownership  The struct and the stack are the caller's, until writer_close().
 * Threads    All functions are the loop's.
 * Units      Bytes.
 * Errors     -errno from writer_open(); of a write the result is what the kernel says. A second
 *            write before the first was taken is a bug.
 * Cost       Two wake-ups for each write, and three system calls.
 */
#ifndef HOTSHELF_NET_LOOP_WRITER_H
#define HOTSHELF_NET_LOOP_WRITER_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
#ifdef __SANITIZE_THREAD__
    WRITER_STACK_SIZE = 2048 * 1024, /* ThreadSanitizer's own part of a thread stands there, too */
#else
    WRITER_STACK_SIZE = 128 * 1024,
#endif
};

struct writer_order {
    int file;
    const void *data;
    uint32_t size;
    uint64_t offset;
};

struct writer {
    pthread_t thread;
    sem_t asked;
    int alarm; /* an eventfd */
    bool open;
    bool writing;              /* ordered and not yet taken */
    struct writer_order order; /* the thread's from `asked` to `done` */
    int32_t result;
    bool stopping; /* set before the last `asked` */
    _Atomic bool done;
};

/* `stack`: WRITER_STACK_SIZE bytes, whole pages. */
int writer_open(struct writer *writer, void *stack, int alarm);
/* Waits for the write under way. */
void writer_close(struct writer *writer);

void writer_write(
    struct writer *writer, int file, const void *data, uint32_t size, uint64_t offset);
/* True once for each write, when it has ended. */
bool writer_take(struct writer *writer, int32_t *result);
/* Whether writer_take() would be true. */
bool writer_is_done(const struct writer *writer);

#endif
