/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_shared - what every shard's journal shows the others: how far it is on the disk.
 *
 *     shard:  write durable -> publish the mark -> is the stream asleep? -> ring once
 *     stream: say "asleep" -> look at the marks again -> sleep on wake_fd
 *
 * Both sides store, then load, sequentially consistent: one of them sees the other.
 *
 * Ownership  One for the process; journal_shared_open() opens its eventfd.
 * Threads    A shard writes its own marks, the stream writes streamed_seq; all read.
 * Units      Batch numbers; places are segment << 32 | offset; stream numbers.
 * Errors     -errno of eventfd.
 * Cost       Three stores and a load per batch; a system call only for a sleeper.
 */
#ifndef HOTSHELF_PERSIST_JOURNAL_SHARED_H
#define HOTSHELF_PERSIST_JOURNAL_SHARED_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/limits.h"

struct journal_mark {
    alignas(64) _Atomic uint64_t durable_batch;
    _Atomic uint64_t durable_place; /* where the durable batch ends: reader.h's limit */
    _Atomic uint64_t durable_seq;   /* last stream number in it; published before the place */
    _Atomic uint64_t streamed_seq;  /* last stream number that PostgreSQL has */
    _Atomic bool known;             /* PostgreSQL has said so to this process; set after it */
    /* PostgreSQL lacks what is live from before its position: a walk with names is asked for, once
     * for each number; 0 it lacks nothing. Set before streamed_seq. */
    _Atomic uint64_t adopting;
    _Atomic uint64_t adopting_from; /* what has a later event becomes a row by that */
    _Atomic uint64_t rows_from_ms;  /* it lacks nothing, but may lose that again until then */
};

struct journal_shared {
    struct journal_mark marks[SHARDS_MAX];
    _Atomic bool asleep;
    int wake_fd; /* an eventfd: poll it for reading */
};

/* Up to where orders are rows of PostgreSQL that stay, at a time of the monotonic clock: none is
 * while it may lack older ones. What events have made of orders is sent again if it is lost. */
static inline uint64_t journal_rows_streamed(const struct journal_mark *mark, uint64_t now_ms)
{
    uint64_t streamed_seq = atomic_load(&mark->streamed_seq);
    bool lacks = atomic_load(&mark->adopting) != 0 || now_ms < atomic_load(&mark->rows_from_ms);
    return lacks ? 0 : streamed_seq;
}

static inline uint64_t journal_place(uint32_t segment, uint32_t offset)
{
    return (uint64_t)segment << 32 | offset;
}

int journal_shared_open(struct journal_shared *shared);
void journal_shared_close(struct journal_shared *shared);

/* Shard: what is durable now. Rings when the stream sleeps. */
void journal_shared_publish(
    struct journal_shared *shared, uint32_t shard, uint64_t batch, uint64_t place, uint64_t seq);

/* Stream: call before looking at the marks for the last time; then poll wake_fd. */
void journal_shared_sleep(struct journal_shared *shared);
/* Stream: awake again, for whatever reason. Empties wake_fd. */
void journal_shared_awake(struct journal_shared *shared);
/* Anybody: wakes the stream, to stop it. */
void journal_shared_wake(struct journal_shared *shared);

#endif
