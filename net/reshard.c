/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The old shards are tables and nothing else: no journal is opened, nothing is decided. Their
 * memory is address space that only what they keep makes real.
 *
 * What PostgreSQL has not is in the old journals alone, under the old shards' numbers: so it goes
 * first, by the stream as it always runs, with marks that say what recovery found.
 */
#include "net/reshard.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/check.h"
#include "core/redivide.h"
#include "net/memory.h"
#include "persist/generation.h"
#include "persist/recover.h"
#include "persist/stream.h"

enum {
    CONTACT_WAIT_MS = 5000,
    DRAIN_WAIT_MS = 10000, /* without any event that gets through */
    DRAIN_LOOK_MS = 10,
};

/* One change, while it is made. */
struct change {
    const struct reshard *reshard;
    const struct config *config;
    struct datadir directory; /* the old one */
    uint32_t shards;          /* the new number */
    struct memory memory;
    struct arena arena;
    struct shelf *shelf;
    struct engine *engines[SHARDS_MAX];
    struct recovery recovery;
    struct journal_shared shared;
    struct generation generation;
    uint64_t system_id;
    char *error;
    size_t error_size;
};

/* The beginning of every refusal; the rest of the sentence goes behind it. */
static size_t begin_refusal(struct change *change)
{
    int size = snprintf(change->error, change->error_size,
        "the journal in %s was written by %" PRIu32 " shards, and server.shards is %" PRIu32 ": ",
        change->directory.path, change->directory.shards, change->shards);
    return (size_t)size < change->error_size ? (size_t)size : change->error_size - 1;
}

static void build(struct change *change)
{
    const struct config *config = change->config;
    arena_init(&change->arena, change->memory.base, change->memory.size);
    change->shelf = arena_take(&change->arena, "shelf", 1, sizeof(*change->shelf));
    shelf_init(change->shelf, &change->arena, &config->capacity);
    for (uint32_t i = 0; i < change->directory.shards; i++)
        change->engines[i] = engine_create(&change->arena, change->shelf, &config->policy,
            &config->capacity, i, change->directory.shards, i + 1);
}

static void replay(void *context, uint32_t shard, const struct event *event)
{
    const struct change *change = context;
    CHECK(shard < change->directory.shards);
    engine_replay(change->engines[shard], event);
}

static void prove(void *context)
{
    const struct change *change = context;
    shelf_derive(change->shelf, change->engines, change->directory.shards);
    for (uint32_t i = 0; i < change->directory.shards; i++)
        engine_check(change->engines[i]);
}

static int recover_old(struct change *change)
{
    const struct recover_options options = {
        .directory = &change->directory, .replay = replay, .prove = prove, .context = change};
    int result = recover(&change->recovery, &options, change->error, change->error_size);
    change->system_id = change->recovery.postgres_system_id;
    return result;
}

static int refuse_obstacle(struct change *change)
{
    const char *obstacle = redivide_obstacle(change->engines, change->directory.shards);
    if (obstacle == NULL)
        return 0;
    size_t size = begin_refusal(change);
    (void)snprintf(change->error + size, change->error_size - size,
        "%s is under way; start with server.shards = %" PRIu32 " until it has ended", obstacle,
        change->directory.shards);
    return -EBUSY;
}

static int refuse_full(struct change *change, const struct redivide *redivide)
{
    struct redivide_full full;
    if (!redivide_is_full(redivide, &full))
        return 0;
    size_t size = begin_refusal(change);
    (void)snprintf(change->error + size, change->error_size - size,
        "shard %" PRIu32 " would have to keep %" PRIu64 " in its part of capacity.%s, which is "
        "%" PRIu64 "; raise capacity.%s",
        full.shard, full.needed, full.setting, full.room, full.setting);
    return -ENOSPC;
}

/* Events that PostgreSQL is not known to have. */
static uint64_t backlog(const struct change *change)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < change->directory.shards; i++) {
        uint64_t streamed = atomic_load(&change->shared.marks[i].streamed_seq);
        uint64_t last = change->recovery.shards[i].chain.seq;
        sum += last > streamed ? last - streamed : 0;
    }
    return sum;
}

static int refuse_backlog(struct change *change, const char *why)
{
    size_t size = begin_refusal(change);
    (void)snprintf(change->error + size, change->error_size - size,
        "PostgreSQL is not known to have its last %" PRIu64 " events (%s); start with "
        "server.shards = %" PRIu32 " until it has everything",
        backlog(change), why, change->directory.shards);
    return -EBUSY;
}

/* Somebody waits: so PostgreSQL is asked to have it on its disk. */
static void is_committed(void *context, uint32_t shard)
{
    (void)context;
    (void)shard;
}

/* Until PostgreSQL has all, or takes nothing any more. */
static void wait_for_all(const struct change *change, const struct stream *stream)
{
    const struct timespec look = {.tv_nsec = DRAIN_LOOK_MS * 1000000};
    uint64_t left = backlog(change);
    for (uint32_t waited = 0; left > 0 && waited < DRAIN_WAIT_MS && !stream_halted(stream);) {
        nanosleep(&look, NULL);
        uint64_t now = backlog(change);
        waited = now < left ? 0 : waited + DRAIN_LOOK_MS;
        left = now;
    }
}

static int drain_into(struct change *change, struct stream *stream)
{
    char problem[STREAM_PROBLEM_SIZE];
    int result = stream_first_contact(stream, CONTACT_WAIT_MS);
    if (result == 0) {
        change->system_id = stream_system_id(stream);
        wait_for_all(change, stream);
    }
    stream_problem(stream, problem);
    if (result == -ESTALE) {
        (void)snprintf(change->error, change->error_size, "%s", problem);
        return result;
    }
    if (result == 0 && backlog(change) == 0)
        return 0;
    return refuse_backlog(change, problem[0] != 0 ? problem : "it takes nothing");
}

static int run_stream(struct change *change)
{
    struct stream *stream;
    const struct stream_options options = {
        .directory = &change->directory,
        .shared = &change->shared,
        .dsn = change->config->postgres.dsn,
        .attached_id = change->system_id,
        .committed = is_committed,
    };
    int result = stream_start(&stream, &options);
    if (result != 0) {
        (void)snprintf(
            change->error, change->error_size, "cannot start the stream: %s", strerror(-result));
        return result;
    }
    result = drain_into(change, stream);
    stream_stop(stream, 0);
    return result;
}

/* A journal that has met a PostgreSQL, or is about to. */
static int drain(struct change *change)
{
    bool is_told = change->config->postgres.dsn[0] != '\0';
    if (!is_told && change->system_id == 0)
        return 0;
    if (!is_told)
        return refuse_backlog(change, "postgres.dsn is empty");
    int result = journal_shared_open(&change->shared);
    if (result != 0) {
        (void)snprintf(
            change->error, change->error_size, "cannot open an eventfd: %s", strerror(-result));
        return result;
    }
    for (uint32_t i = 0; i < change->directory.shards; i++) {
        const struct chain *chain = &change->recovery.shards[i].chain;
        journal_shared_publish(&change->shared, i, chain->number,
            journal_place(chain->segment, chain->offset), chain->seq);
    }
    result = run_stream(change);
    journal_shared_close(&change->shared);
    return result;
}

static int put(void *context, uint32_t shard, const struct event *event)
{
    struct change *change = context;
    return generation_put(&change->generation, shard, event, change->error, change->error_size);
}

static int write_new(struct change *change, const struct redivide *redivide)
{
    const struct moment now = {
        .shelf_ms = change->recovery.shelf_ms, .wall_ms = change->recovery.wall_ms};
    const struct generation_options options = {
        .directory = &change->directory,
        .files = {.shards = change->shards,
            .journal_bytes = change->config->data.journal_bytes,
            .progress = change->reshard->progress,
            .context = change->reshard->context},
        .shelf_ms = change->recovery.shelf_ms,
        .wall_ms = change->recovery.wall_ms,
        .incarnation = change->recovery.incarnation,
    };
    int result = generation_begin(&change->generation, &options, change->error, change->error_size);
    if (result == 0)
        result = redivide_write(redivide, &now, change->system_id);
    if (result == 0)
        result = generation_end(&change->generation, change->error, change->error_size);
    if (result != 0)
        generation_drop(&change->generation);
    return result;
}

/* On a shelf of its own, which stays empty. */
static struct engine *make_share(struct change *change)
{
    const struct config *config = change->config;
    struct shelf *shelf = arena_take(&change->arena, "shelf", 1, sizeof(*shelf));
    shelf_init(shelf, &change->arena, &config->capacity);
    return engine_create(
        &change->arena, shelf, &config->policy, &config->capacity, 0, change->shards, 0);
}

static int make_change(struct change *change)
{
    build(change);
    const struct redivide redivide = {
        .engines = change->engines,
        .count = change->directory.shards,
        .share = make_share(change),
        .shares = change->shards,
        .put = put,
        .context = change,
    };
    int result = recover_old(change);
    if (result == 0)
        result = refuse_obstacle(change);
    if (result == 0)
        result = refuse_full(change, &redivide);
    if (result == 0)
        result = drain(change);
    return result == 0 ? write_new(change, &redivide) : result;
}

int reshard(struct reshard *reshard, struct datadir *directory, const struct config *config,
    uint32_t shards, char *error, size_t error_size)
{
    struct change *change = calloc(1, sizeof(*change));
    if (change == NULL) {
        (void)snprintf(error, error_size, "no memory");
        return -ENOMEM;
    }
    change->reshard = reshard;
    change->config = config;
    change->directory = *directory;
    change->shards = shards;
    change->error = error;
    change->error_size = error_size;
    int result = memory_measure(&change->memory, error, error_size);
    if (result == 0)
        result = make_change(change);
    if (result == 0) {
        /* Before the memory goes that the digest is of; walks have changed nothing. */
        reshard->digest = redivide_digest(change->engines, directory->shards);
        reshard->before = *directory;
        *directory = change->generation.directory;
    }
    memory_give(&change->memory);
    free(change);
    return result;
}

/* What holds were promised by the old journals has its room in the new ones, too (S5). */
static bool has_room(const struct shards *shards, uint32_t *full)
{
    for (*full = 0; *full < shards->count; ++*full) {
        walker_set_aside(&shards->shard[*full]->walker);
        if (journal_full(&shards->shard[*full]->journal))
            return false;
    }
    return true;
}

static int refuse(const struct reshard *reshard, const struct datadir *directory,
    const struct shards *shards, char *error, size_t error_size)
{
    struct engine *engines[SHARDS_MAX];
    uint32_t full;
    for (uint32_t i = 0; i < shards->count; i++)
        engines[i] = shards->shard[i]->engine;
    if (redivide_digest(engines, shards->count) != reshard->digest) {
        (void)snprintf(error, error_size,
            "the journals for %" PRIu32 " shards in %s do not keep what those before kept; "
            "nothing is changed",
            directory->shards, directory->path);
        return -EBADMSG;
    }
    if (has_room(shards, &full))
        return 0;
    (void)snprintf(error, error_size,
        "the journal in %s was written by %" PRIu32 " shards, and server.shards is %" PRIu32
        ": shard %" PRIu32 " would have no room to sell beside what it has to keep; raise "
        "data.journal_bytes",
        directory->path, reshard->before.shards, directory->shards, full);
    return -ENOSPC;
}

int reshard_publish(const struct reshard *reshard, const struct datadir *directory,
    const struct shards *shards, char *error, size_t error_size)
{
    char problem[256];
    int result = refuse(reshard, directory, shards, error, error_size);
    if (result == 0)
        return generation_publish(directory, error, error_size);
    (void)generation_sweep(&reshard->before, problem, sizeof(problem));
    return result;
}
