/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop itself, and how shards come to life: memory first (shards_create), then engines and
 * journals by whoever knows them (serve.c), then threads, each of which opens its own ring.
 *
 * Settling stands before execute, not in release: it frees the batch buffer that commit needs to
 * hand out the next write in the same tick. Replies still leave only in release, after both.
 */
#include "net/loop/shard.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "core/check.h"

/* Shard 0's journal says which PostgreSQL it is kept for. */
static uint64_t met(const struct shard *shard)
{
    return shard->number == 0 ? shard->all->met : 0;
}

static void shard_execute(struct shard *shard)
{
    if (shard->phase < SHARD_CLOSING) {
        shard_note_stream(shard);
        shard_expire(shard);
    }
    shard_read_mail(shard);
    shard_take_in(shard);
    shard_import(shard);
    if (shard->phase < SHARD_DRAINED && walker_step(&shard->walker, &shard->http.now, met(shard)))
        shard->work_left = true;
    shard_publish_mail(shard);
}

/* Whether the batch waits for the next tick; see gather.h. */
static bool gathers(struct shard *shard)
{
    struct gather *gather = &shard->gather;
    uint32_t size = journal_filling_size(&shard->journal);
    if (shard->phase != SHARD_RUNNING) {
        gather_note_nobody(gather);
        return false;
    }
    bool asks_clock = size > 0 || gather->answered > 0;
    if (!gather_waits(gather, size, shard->work_left, asks_clock ? io_now_us(shard->io) : 0))
        return false;
    shard->work_left |= !gather->awaits_return;
    return true;
}

static void shard_commit(struct shard *shard)
{
    bool live_holds = shard->phase < SHARD_CLOSING && engine_has_live_holds(shard->engine);
    struct journal_write write;
    if (!journal_is_writing(&shard->journal) && gathers(shard))
        return;
    if (!journal_commit(&shard->journal, &shard->http.now, live_holds, &write))
        return;
    gather_note_begun(&shard->gather, io_now_us(shard->io));
    io_write(shard->io, write.fd, write.data, write.size, write.offset,
        (struct io_tag){.kind = IO_WRITE});
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Until the shelf clock shows `then`. */
static uint64_t shelf_wait_ms(const struct shard *shard, uint64_t then)
{
    if (then == UINT64_MAX)
        return WAIT_MS_MAX;
    if (then <= shard->http.now.shelf_ms)
        return 0;
    uint64_t wait = then - shard->http.now.shelf_ms;
    /* A clock that stands still makes nothing due: then only windows of sales are looked at. */
    return shard->http.now.frozen && wait < FROZEN_WAIT_MS ? FROZEN_WAIT_MS : wait;
}

static uint64_t wait_ms(const struct shard *shard)
{
    if (shard->work_left || shard_sees_large(shard) || shard_sees_going_on(shard))
        return 0;
    uint64_t wait = WAIT_MS_MAX;
    bool live_holds = shard->phase < SHARD_CLOSING && engine_has_live_holds(shard->engine);
    if (!shard->gather.awaits_return)
        wait = least(wait, shelf_wait_ms(shard, journal_next_wake(&shard->journal, live_holds)));
    /* Without room the write in flight wakes us. */
    if (shard->phase < SHARD_CLOSING && journal_room(&shard->journal))
        wait = least(wait, shelf_wait_ms(shard, engine_next_due(shard->engine)));
    if (shard->connections.lists[LIST_STARVED].first != CONNECTION_NONE)
        wait = least(wait, STARVE_MS / 2);
    if (shard->connections.lists[LIST_BACKLOG].first != CONNECTION_NONE)
        wait = least(wait, BACKLOG_SHARED_MS);
    wait = least(wait, connections_pause_ms(&shard->connections));
    if (shard->accept_retry_ms != 0)
        wait = least(wait, ACCEPT_RETRY_MS);
    wait = least(wait, shard_confirm_wait_ms(shard));
    wait = least(wait, shard_stream_wait_ms(shard));
    return least(wait, shard_drain_wait_ms(shard));
}

/* The last look before sleeping; see mailbox.h. */
static bool sees_work(const struct shard *shard)
{
    const struct shards *all = shard->all;
    for (uint32_t from = 0; from < shard->count; from++) {
        if (from == shard->number)
            continue;
        if (shard->parked[from] == NULL &&
            !mailbox_is_empty(&all->mailboxes[from * shard->count + shard->number]))
            return true;
        if (request_first_batch(&shard->requests, from) <=
            atomic_load(&all->shard[from]->settled_batch))
            return true;
    }
    return shard_sees_confirmed(shard);
}

/* The kernel finishes a durable write in a worker, on this core perhaps: a loop that never sleeps,
 * because there is always another client, would keep it for a whole time slice. */
static void let_write(struct shard *shard)
{
    shard->ticks_of_write = journal_is_writing(&shard->journal) ? shard->ticks_of_write + 1 : 0;
    if (shard->ticks_of_write > TICKS_OF_WRITE)
        sched_yield();
}

static void shard_submit(struct shard *shard)
{
    shard_feed_starved(shard);
    shard_ring_bells(shard);
    if (shard->sends == 0)
        gather_note_nobody(&shard->gather);
    uint64_t wait = wait_ms(shard);
    if (wait > 0) {
        sleeper_lie_down(&shard->sleeper);
        if (sees_work(shard))
            wait = 0;
    }
    /* Whoever comes back is seen twice: his reply has been sent, and he has sent a request. */
    if (wait > 0 && shard->gather.awaits_return)
        io_submit_and_gather(shard->io, GATHER_RETURN_US * 1000, 2 * shard->sends);
    else
        io_submit(shard->io, wait * 1000000);
    shard->sends = 0;
    sleeper_get_up(&shard->sleeper);
    let_write(shard);
}

/* Here alone: during a tick the one before may be looked at. */
static void take_identity(struct shard *shard)
{
    const struct identity *identity = atomic_load(&shard->all->identity);
    if (identity == atomic_load_explicit(&shard->uses, memory_order_relaxed))
        return;
    shard->http.identity = identity;
    atomic_store(&shard->uses, identity);
}

/* Whoever waits shall stand in a list of ours, where is seen how long: shard_weigh. */
static void see_all(struct shard *shard)
{
    if (shard->seen_all_ms == shard->monotonic_ms)
        return;
    shard->seen_all_ms = shard->monotonic_ms;
    io_get_rest(shard->io);
}

void shard_tick(struct shard *shard)
{
    take_identity(shard);
    shard_refresh_now(shard);
    see_all(shard);
    shard_reap(shard);
    shard_weigh(shard);
    shard_settle(shard);
    shard_execute(shard);
    shard_commit(shard);
    shard_stream(shard);
    shard_release(shard);
    shard_sweep(shard);
    shard_close_down(shard);
    shard_note_work(shard);
    shard_submit(shard);
}

/* Onto the cores this process may use, one each; more shards than cores go where they like. */
static void pin(const struct shard *shard)
{
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0 ||
        shard->count > (uint32_t)CPU_COUNT(&allowed))
        return;
    uint32_t left = shard->number;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET((size_t)cpu, &allowed) || left-- > 0)
            continue;
        cpu_set_t own;
        CPU_ZERO(&own);
        CPU_SET((size_t)cpu, &own);
        /* Refused: the scheduler will do, a little slower. */
        sched_setaffinity(0, sizeof own, &own);
        return;
    }
}

static void *run(void *argument)
{
    struct shard *shard = argument;
    struct shards *all = shard->all;
    pin(shard);
    prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS);
    const char *reason;
    int error = io_open(shard->io, &reason);
    if (error == 0 && shard->http.bearer != NULL) {
        error = bearer_bind(shard->http.bearer);
        reason = "memory for libjwt";
    }
    if (error != 0) {
        atomic_store(&all->open_reason, reason);
        atomic_store(&all->open_error, error);
    }
    pthread_barrier_wait(&all->opened);
    if (atomic_load(&all->open_error) != 0)
        return NULL;
    shard_refresh_now(shard);
    shard_accept_on(shard);
    while (shard->phase != SHARD_STOPPED)
        shard_tick(shard);
    return NULL;
}

/* The kernel deals clients out by a hash, so a shard gets its share give or take four times the
 * root of it: one time in ten thousand more. */
uint32_t shard_connections(uint32_t connections, uint32_t count)
{
    if (count == 1)
        return connections;
    uint32_t share = (connections + count - 1) / count;
    uint32_t root = 1;
    while (root * root < share)
        root++;
    return share + 4 * root;
}

static struct shard *create_one(
    struct shards *all, struct arena *arena, const struct shards_options *options, uint32_t number)
{
    struct shard *shard = arena_take(arena, "shards", 1, sizeof *shard);
    uint32_t connections = shard_connections(options->connections, options->count);
    uint32_t requests = (options->requests + options->count - 1) / options->count;
    shard->all = all;
    shard->number = number;
    shard->count = options->count;
    shard->wants_large_first = shard->wants_large_last = REQUEST_NONE;
    shard->going_on_first = shard->going_on_last = REQUEST_NONE;
    shard->io = io_create(arena, &(struct io_options){.connections = connections,
                                     .epoll = all->config->server.io == IO_EPOLL});
    connections_init(&shard->connections, arena, shard->io, connections,
        options->header_bytes + options->body_bytes, LARGE_TAILS);
    shard->connections.places = &all->places;
    shard->chunk_room = arena_take(arena, "chunked bodies", options->body_bytes, 1);
    requests_init(&shard->requests, arena, requests, LARGE_REPLIES);
    uint32_t subscribers = shard_connections(options->subscribers, options->count);
    subscribers_init(
        &shard->subscribers, arena, subscribers < connections ? subscribers : connections);
    acts_init(&shard->acts, arena);
    shard->stack = arena_take(arena, "thread stacks", SHARD_STACK_SIZE / 4096 + 1, 4096);
    return shard;
}

struct shards *shards_create(struct arena *arena, const struct shards_options *options)
{
    CHECK(options->count > 0);
    CHECK(options->count <= SHARDS_MAX);
    struct shards *all = arena_take(arena, "shards together", 1, sizeof *all);
    all->config = options->config;
    all->shelf = options->shelf;
    all->journals = options->journals;
    all->count = options->count;
    all->header_bytes = options->header_bytes;
    all->body_bytes = options->body_bytes;
    all->drain_ms = options->drain_ms;
    all->postgres = options->postgres;
    all->confirms = options->confirms;
    uint32_t requests = (options->requests + options->count - 1) / options->count;
    uint32_t pairs = options->count * options->count;
    all->mailboxes = arena_take(arena, "mailboxes", pairs, sizeof *all->mailboxes);
    for (uint32_t i = 0; i < pairs; i++) {
        /* The sender's own slots, and the receiver's coming home. */
        if (i / options->count != i % options->count)
            mailbox_init(&all->mailboxes[i], arena, 2 * requests);
    }
    for (uint32_t i = 0; i < options->count; i++)
        all->shard[i] = create_one(all, arena, options, i);
    return all;
}

static int start_thread(struct shard *shard)
{
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);
    if (error != 0)
        return -error;
    uintptr_t stack = ((uintptr_t)shard->stack + 4095) / 4096 * 4096;
    error = pthread_attr_setstack(&attributes, (void *)stack, SHARD_STACK_SIZE);
    if (error == 0)
        error = pthread_create(&shard->thread, &attributes, run, shard);
    pthread_attr_destroy(&attributes);
    return -error;
}

int shards_start(struct shards *shards, char *error, size_t error_size)
{
    pthread_barrier_init(&shards->opened, NULL, shards->count + 1);
    for (uint32_t i = 0; i < shards->count; i++)
        atomic_store(&shards->shard[i]->settled_batch, journal_durable(&shards->shard[i]->journal));
    for (uint32_t i = 0; i < shards->count; i++) {
        int result = start_thread(shards->shard[i]);
        if (result == 0)
            continue;
        snprintf(
            error, error_size, "cannot start the thread of shard %u: %s", i, strerror(-result));
        /* Those started wait for the others for ever: the caller ends the process. */
        return result;
    }
    pthread_barrier_wait(&shards->opened);
    int result = atomic_load(&shards->open_error);
    if (result != 0)
        snprintf(error, error_size, "%s: %s", atomic_load(&shards->open_reason), strerror(-result));
    return result;
}

void shards_wake(struct shards *shards)
{
    for (uint32_t i = 0; i < shards->count; i++)
        io_alarm(shards->shard[i]->io);
}

bool shards_tell_acts(struct shards *shards)
{
    struct act act;
    char line[ACT_LINE_SIZE];
    bool done = false;
    for (uint32_t i = 0; i < shards->count; i++) {
        struct acts *acts = &shards->shard[i]->acts;
        /* No more than there is room for: while they come and come, stops are heard, too. */
        for (uint32_t lines = 0; lines < ACTS_MAX && acts_take(acts, &act); lines++) {
            fwrite(line, 1, act_write(&act, line), stderr);
            done |= !act_is_refused(&act);
        }
        uint64_t missing = acts_missing(acts);
        if (missing > 0)
            fprintf(stderr,
                "hotshelf: %llu acts of admins are not in this log; the journal has "
                "what they changed\n",
                (unsigned long long)missing);
    }
    return done;
}

/* Each client that goes lets one in, so failures come and go: only a pause ends them. */
void shards_tell_door(struct shards *shards, uint64_t monotonic_ms)
{
    int error = 0;
    for (uint32_t i = 0; i < shards->count; i++) {
        uint64_t failed_ms = atomic_load(&shards->shard[i]->accept_failed_ms);
        if (failed_ms != 0 && monotonic_ms < failed_ms + DOOR_QUIET_MS)
            error = atomic_load(&shards->shard[i]->accept_error);
    }
    if (shards->door_stuck == (error != 0))
        return;
    shards->door_stuck = error != 0;
    if (error == 0)
        fprintf(stderr, "hotshelf: new clients are let in again\n");
    else
        fprintf(stderr, "hotshelf: new clients are kept waiting: %s%s\n", strerror(error),
            error == EMFILE ? " (ulimit -n, LimitNOFILE=)" : "");
}

void shards_stop(struct shards *shards)
{
    atomic_store(&shards->stopping, true);
    shards_wake(shards);
}

void shards_join(struct shards *shards)
{
    for (uint32_t i = 0; i < shards->count; i++)
        pthread_join(shards->shard[i]->thread, NULL);
    pthread_barrier_destroy(&shards->opened);
}

void shards_close(struct shards *shards)
{
    for (uint32_t i = 0; i < shards->count; i++)
        io_close(shards->shard[i]->io);
}
