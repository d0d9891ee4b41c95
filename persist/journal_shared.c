/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_shared - publish stores the marks, then looks whether the stream sleeps; the stream says
 * that it sleeps, then looks at the marks. Whatever the interleaving, one of them sees the other,
 * so a durable batch never waits for the stream's next timeout.
 */
#include "persist/journal_shared.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/check.h"

int journal_shared_open(struct journal_shared *shared)
{
    for (uint32_t i = 0; i < SHARDS_MAX; i++) {
        atomic_init(&shared->marks[i].durable_batch, 0);
        atomic_init(&shared->marks[i].durable_place, 0);
        atomic_init(&shared->marks[i].durable_seq, 0);
        atomic_init(&shared->marks[i].streamed_seq, 0);
        atomic_init(&shared->marks[i].known, false);
        atomic_init(&shared->marks[i].adopting, 0);
        atomic_init(&shared->marks[i].adopting_from, 0);
        atomic_init(&shared->marks[i].rows_from_ms, 0);
    }
    atomic_init(&shared->asleep, false);
    shared->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return shared->wake_fd < 0 ? -errno : 0;
}

void journal_shared_close(struct journal_shared *shared)
{
    if (shared->wake_fd >= 0)
        close(shared->wake_fd);
    shared->wake_fd = -1;
}

static void ring(struct journal_shared *shared)
{
    const uint64_t one = 1;
    /* A full counter is a bell that rings already; there is nothing else that can fail. */
    (void)!write(shared->wake_fd, &one, sizeof(one));
}

void journal_shared_publish(
    struct journal_shared *shared, uint32_t shard, uint64_t batch, uint64_t place, uint64_t seq)
{
    CHECK(shard < SHARDS_MAX);
    struct journal_mark *mark = &shared->marks[shard];
    /* In this order: who sees the place finds the number of every record before it. */
    atomic_store_explicit(&mark->durable_seq, seq, memory_order_release);
    atomic_store_explicit(&mark->durable_batch, batch, memory_order_release);
    atomic_store(&mark->durable_place, place);
    if (atomic_load(&shared->asleep) && atomic_exchange(&shared->asleep, false))
        ring(shared);
}

void journal_shared_sleep(struct journal_shared *shared)
{
    atomic_store(&shared->asleep, true);
}

void journal_shared_awake(struct journal_shared *shared)
{
    uint64_t rung;
    atomic_store(&shared->asleep, false);
    (void)!read(shared->wake_fd, &rung, sizeof(rung));
}

void journal_shared_wake(struct journal_shared *shared)
{
    atomic_store(&shared->asleep, false);
    ring(shared);
}
