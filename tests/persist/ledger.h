/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger - real journals of a few shards in a private directory, for the tests of the disk: opened
 * as the server does, written as its loop does, and damaged as the world does.
 *
 *     ledger_create -> ledger_start -> append, ledger_write, .. -> ledger_crash or ledger_stop
 *                            ^                                            |
 *                            +--------------------------------------------+
 *
 * Walks here have a beginning and an end and nothing between: what an event before one has done is
 * only its number, and the beginning of the walk has the last one.
 *
 * Ownership  ledger_destroy() removes the directory and everything in it.
 * Threads    One.
 * Units      Bytes; the clock is a counter of milliseconds that the tests move.
 * Errors     cmocka's assertions; ledger_start() answers recovery's result, `error` its sentence.
 * Cost       Some ms for the small geometry.
 */
#ifndef HOTSHELF_TESTS_PERSIST_LEDGER_H
#define HOTSHELF_TESTS_PERSIST_LEDGER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/arena.h"
#include "persist/journal.h"
#include "persist/recover.h"
#include "persist/segment.h"

enum {
    LEDGER_SHARDS_MAX = 4,
    LEDGER_EVENTS_MAX = 4096,
    LEDGER_SEGMENT_SIZE = 64 << 10,
    LEDGER_BATCH_SIZE = 16 << 10,
};

struct ledger {
    char root[64];
    char path[80];
    struct datadir_options options;
    struct datadir directory;
    struct journal_shared shared;
    struct journal journals[LEDGER_SHARDS_MAX];
    struct recovery recovery;
    struct arena arena;
    void *memory;
    bool started;
    struct moment now;
    bool streamed;                        /* segments wait for the stream's marks */
    uint64_t walk[LEDGER_SHARDS_MAX];     /* number of the last walk begun */
    uint64_t restated[LEDGER_SHARDS_MAX]; /* events up to this one, by the walk that was replayed */
    uint64_t appended[LEDGER_SHARDS_MAX]; /* numbers given to events, from 1 */
    uint64_t settled[LEDGER_SHARDS_MAX];
    /* what the last recovery replayed: the number in each event, in order */
    uint64_t replayed[LEDGER_SHARDS_MAX][LEDGER_EVENTS_MAX];
    uint32_t replayed_count[LEDGER_SHARDS_MAX];
    char error[1024];
};

static inline struct ledger *ledger_create(uint32_t shards, uint32_t segments, bool in_memory)
{
    struct ledger *ledger = calloc(1, sizeof(*ledger));
    assert_non_null(ledger);
    const char *within = getenv("TMPDIR");
    if (within == NULL)
        within = in_memory && access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    (void)snprintf(ledger->root, sizeof(ledger->root), "%s/hotshelf-XXXXXX", within);
    assert_non_null(mkdtemp(ledger->root));
    (void)snprintf(ledger->path, sizeof(ledger->path), "%s/data", ledger->root);
    ledger->options = (struct datadir_options){
        .path = ledger->path,
        .shards = shards,
        .node = 7,
        .segment_size = LEDGER_SEGMENT_SIZE,
        .batch_size = LEDGER_BATCH_SIZE,
        .journal_bytes = (uint64_t)shards * segments * LEDGER_SEGMENT_SIZE,
    };
    ledger->now = (struct moment){.shelf_ms = 1000, .wall_ms = 1700000000000};
    return ledger;
}

/* A walk is where recovery begins, or says what is known already. */
static inline void ledger_replay_walk(
    struct ledger *ledger, uint32_t shard, const struct event *event)
{
    uint64_t number = event->fact.walk.stream_seq;
    if (ledger->replayed_count[shard] == 0)
        ledger->restated[shard] = number;
    assert_int_equal(number, ledger->restated[shard] + ledger->replayed_count[shard]);
    ledger->walk[shard] = event->fact.walk.number;
}

static inline void ledger_replay(void *context, uint32_t shard, const struct event *event)
{
    struct ledger *ledger = context;
    if (event->kind == EVENT_WALK_BEGUN)
        ledger_replay_walk(ledger, shard, event);
    if (event->kind != EVENT_STOCK_ADJUSTED)
        return;
    assert_true(ledger->replayed_count[shard] < LEDGER_EVENTS_MAX);
    ledger->replayed[shard][ledger->replayed_count[shard]++] = event->fact.stock.keep_shelf_ms;
}

/* Opens the directory and recovers, without opening journals. */
static inline int ledger_recover(struct ledger *ledger)
{
    const struct recover_options options = {
        .directory = &ledger->directory, .replay = ledger_replay, .context = ledger};
    memset(ledger->replayed_count, 0, sizeof(ledger->replayed_count));
    memset(ledger->restated, 0, sizeof(ledger->restated));
    int result =
        datadir_open(&ledger->directory, &ledger->options, ledger->error, sizeof(ledger->error));
    if (result != 0)
        return result;
    result = recover(&ledger->recovery, &options, ledger->error, sizeof(ledger->error));
    if (result != 0)
        datadir_close(&ledger->directory);
    return result;
}

static inline void ledger_open_journals(struct ledger *ledger)
{
    uint64_t size = 64 * ledger->options.shards +
                    ledger->options.shards * journal_memory(&ledger->directory.geometry);
    size = (size + 63) / 64 * 64;
    ledger->memory = aligned_alloc(64, size);
    assert_non_null(ledger->memory);
    memset(ledger->memory, 0, size);
    arena_init(&ledger->arena, ledger->memory, size);
    assert_int_equal(journal_shared_open(&ledger->shared), 0);
    for (uint32_t i = 0; i < ledger->options.shards; i++) {
        const struct journal_options options = {.directory = &ledger->directory,
            .shard = i,
            .start = ledger->recovery.shards[i].chain,
            .walk = ledger->recovery.shards[i].walk,
            .incarnation = ledger->recovery.incarnation,
            .streamed = ledger->streamed};
        assert_int_equal(journal_open(&ledger->journals[i], &ledger->arena, &ledger->shared,
                             &options, ledger->error, sizeof(ledger->error)),
            0);
    }
}

/* Recovers and goes on; events are numbered on from what was replayed. */
static inline int ledger_start(struct ledger *ledger)
{
    int result = ledger_recover(ledger);
    if (result != 0)
        return result;
    ledger_open_journals(ledger);
    ledger->started = true;
    if (ledger->now.shelf_ms < ledger->recovery.shelf_ms)
        ledger->now.shelf_ms = ledger->recovery.shelf_ms;
    for (uint32_t i = 0; i < ledger->options.shards; i++) {
        uint32_t count = ledger->replayed_count[i];
        ledger->appended[i] = count > 0 ? ledger->replayed[i][count - 1] : ledger->restated[i];
        ledger->settled[i] = ledger->appended[i];
    }
    return 0;
}

/* The next event of a shard, `extra` bytes long besides its fact; every third one is streamed. */
static inline void ledger_append(struct ledger *ledger, uint32_t shard, uint32_t extra)
{
    static uint8_t filler[RECORD_ADJUSTMENTS_SIZE_MAX];
    memset(filler, 'x', sizeof(filler));
    struct journal *journal = &ledger->journals[shard];
    uint64_t number = ++ledger->appended[shard];
    struct event event = {
        .kind = EVENT_STOCK_ADJUSTED, .fact.stock = {.keep_shelf_ms = number, .delta = -1}};
    event.text[TEXT_ADJUSTMENTS] = bytes_of(filler, extra);
    if (number % 3 == 0) {
        event.stream_count = 1 + (number % 2 == 0 ? 1 : 0);
        event.stream_seq = journal->filling_seq + 1;
    }
    journal_append(journal, &event);
}

static inline void ledger_begin_walk(struct ledger *ledger, uint32_t shard)
{
    const struct event event = {.kind = EVENT_WALK_BEGUN,
        .fact.walk = {.number = ++ledger->walk[shard], .stream_seq = ledger->appended[shard]}};
    journal_append(&ledger->journals[shard], &event);
}

static inline void ledger_end_walk(struct ledger *ledger, uint32_t shard)
{
    const struct event event = {
        .kind = EVENT_WALK_ENDED, .fact.walk_end = {.number = ledger->walk[shard]}};
    journal_append(&ledger->journals[shard], &event);
}

/* Hands out a batch, without writing it. */
static inline bool ledger_commit(struct ledger *ledger, uint32_t shard, struct journal_write *write)
{
    return journal_commit(&ledger->journals[shard], &ledger->now, false, write);
}

static inline void ledger_put(const struct journal_write *write)
{
    struct iovec vector = {(void *)(uintptr_t)write->data, write->size};
    ssize_t written = pwritev2(write->fd, &vector, 1, (off_t)write->offset, RWF_DSYNC);
    assert_int_equal(written, write->size);
}

static inline void ledger_settle(struct ledger *ledger, uint32_t shard)
{
    struct event event;
    while (journal_settle_next(&ledger->journals[shard], &event))
        if (event.kind == EVENT_STOCK_ADJUSTED)
            assert_int_equal(event.fact.stock.keep_shelf_ms, ++ledger->settled[shard]);
}

/* A segment's header, and not a batch. */
static inline bool ledger_is_header(const struct journal_write *write)
{
    return write->offset == 0;
}

/* Commits, writes and settles one batch, after the headers that want to be written first; the clock
 * moves by a millisecond. */
static inline void ledger_write(struct ledger *ledger, uint32_t shard)
{
    struct journal_write write;
    ledger->now.shelf_ms++;
    ledger->now.wall_ms++;
    do {
        assert_true(ledger_commit(ledger, shard, &write));
        ledger_put(&write);
        journal_written(&ledger->journals[shard], (int32_t)write.size);
    } while (ledger_is_header(&write));
    ledger_settle(ledger, shard);
}

/* Batches of one event each. */
static inline void ledger_write_batches(struct ledger *ledger, uint32_t shard, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        ledger_append(ledger, shard, 0);
        ledger_write(ledger, shard);
    }
}

static inline void ledger_crash(struct ledger *ledger)
{
    if (!ledger->started)
        return;
    for (uint32_t i = 0; i < ledger->options.shards; i++) {
        ledger->journals[i].phase = JOURNAL_FREE;
        journal_close(&ledger->journals[i]);
    }
    journal_shared_close(&ledger->shared);
    datadir_close(&ledger->directory);
    free(ledger->memory);
    ledger->started = false;
}

static inline void ledger_stop(struct ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->options.shards; i++) {
        assert_true(journal_close_mark(&ledger->journals[i], ledger->now.wall_ms));
        ledger_write(ledger, i);
    }
    ledger_crash(ledger);
}

/* A crash, a recovery that works, and the end of it. */
static inline void ledger_restart(struct ledger *ledger)
{
    ledger_crash(ledger);
    if (ledger_start(ledger) != 0)
        fail_msg("%s", ledger->error);
}

/* That exactly the first `count` events of the shard were replayed. */
static inline void ledger_assert_replayed(
    const struct ledger *ledger, uint32_t shard, uint64_t count)
{
    assert_int_equal(ledger->replayed_count[shard], count);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(ledger->replayed[shard][i], i + 1);
}

/* That what was replayed goes on from the walk to the event `last` without a gap. */
static inline void ledger_assert_replayed_to(
    const struct ledger *ledger, uint32_t shard, uint64_t last)
{
    assert_int_equal(ledger->restated[shard] + ledger->replayed_count[shard], last);
    for (uint32_t i = 0; i < ledger->replayed_count[shard]; i++)
        assert_int_equal(ledger->replayed[shard][i], ledger->restated[shard] + i + 1);
}

static inline int ledger_file(const struct ledger *ledger, uint32_t shard, uint32_t segment)
{
    char path[256];
    (void)snprintf(
        path, sizeof(path), "%s/g1/shard-%02u/segment-%06u", ledger->path, shard, segment);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static inline void ledger_get(const struct ledger *ledger, uint32_t shard, uint32_t segment,
    uint32_t offset, void *out, uint32_t size)
{
    int fd = ledger_file(ledger, shard, segment);
    assert_int_equal(pread(fd, out, size, offset), size);
    close(fd);
}

static inline void ledger_patch(const struct ledger *ledger, uint32_t shard, uint32_t segment,
    uint32_t offset, const void *bytes, uint32_t size)
{
    int fd = ledger_file(ledger, shard, segment);
    assert_int_equal(pwrite(fd, bytes, size, offset), size);
    close(fd);
}

static inline void ledger_flip(
    const struct ledger *ledger, uint32_t shard, uint32_t segment, uint32_t offset)
{
    uint8_t byte;
    ledger_get(ledger, shard, segment, offset, &byte, 1);
    byte ^= 0x10;
    ledger_patch(ledger, shard, segment, offset, &byte, 1);
}

/* Recovery refuses, and its sentence has these words. */
static inline void ledger_assert_refused(struct ledger *ledger, const char *words)
{
    ledger_crash(ledger);
    int result = ledger_recover(ledger);
    if (result == 0)
        fail_msg("recovered, and should have said: %s", words);
    if (strstr(ledger->error, words) == NULL)
        fail_msg("said: %s\nshould have said: %s", ledger->error, words);
}

static inline void ledger_destroy(struct ledger *ledger)
{
    char command[128];
    ledger_crash(ledger);
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", ledger->root);
    assert_int_equal(system(command), 0);
    free(ledger);
}

#endif
