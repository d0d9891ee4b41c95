/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread: connect, make contact, then send a batch of each shard in turn until nothing more is
 * durable, and sleep until a shard rings, the server hangs up or somebody asks for a stop. What it
 * does between two waits is stream_turn(), which a simulator calls instead of the thread.
 *
 * A failure of PostgreSQL of any kind ends in the same place: disconnect, wait a little longer than
 * last time, connect, read the positions back. There is no other recovery.
 */
#include "persist/stream.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "core/check.h"
#include "persist/fatal.h"
#include "persist/stream_state.h"

enum {
    BACKOFF_MS_MIN = 50,
    BACKOFF_MS_MAX = 5000,
    GATHERED_EVENTS = 256, /* a batch as large as this does not wait for more */
};

void stream_note(struct stream *stream, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    pthread_mutex_lock(&stream->mutex);
    vsnprintf(stream->problem, sizeof(stream->problem), format, arguments);
    fprintf(stderr, "hotshelf: stream: %s\n", stream->problem);
    pthread_mutex_unlock(&stream->mutex);
    va_end(arguments);
}

void stream_refuse(struct stream *stream, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    pthread_mutex_lock(&stream->mutex);
    vsnprintf(stream->problem, sizeof(stream->problem), format, arguments);
    if (stream->selling || stream->contact == STREAM_CONTACT_MADE)
        fatal("%s", stream->problem);
    stream->contact = STREAM_CONTACT_REFUSED;
    pthread_cond_broadcast(&stream->contact_changed);
    pthread_mutex_unlock(&stream->mutex);
    va_end(arguments);
}

static bool is_stopping(const struct stream *stream)
{
    return atomic_load(&stream->stop.deadline_ms) != 0;
}

static bool is_refused(struct stream *stream)
{
    pthread_mutex_lock(&stream->mutex);
    bool refused = stream->contact == STREAM_CONTACT_REFUSED;
    pthread_mutex_unlock(&stream->mutex);
    return refused;
}

/* Waits for a stop, or for the time to pass. */
static void pause_until(const struct stream *stream, uint64_t until_ms)
{
    uint64_t stop_ms = atomic_load(&stream->stop.deadline_ms);
    uint64_t now_ms = postgres_clock_ms();
    struct pollfd polled = {.fd = stop_ms == 0 ? stream->stop.fd : -1, .events = POLLIN};
    if (stop_ms != 0 && stop_ms < until_ms)
        until_ms = stop_ms;
    if (until_ms > now_ms)
        poll(&polled, 1, (int)(until_ms - now_ms));
}

/* Between half and all of the back-off, so that servers that lost PostgreSQL together do not come
 * back together (xorshift, any dice will do). */
static void back_off(struct stream *stream, int failure)
{
    stream->backoff_ms *= 2;
    if (stream->backoff_ms < BACKOFF_MS_MIN)
        stream->backoff_ms = BACKOFF_MS_MIN;
    if (stream->backoff_ms > BACKOFF_MS_MAX || failure == -EPERM)
        stream->backoff_ms = BACKOFF_MS_MAX;
    stream->jitter ^= stream->jitter << 13;
    stream->jitter ^= stream->jitter >> 7;
    stream->jitter ^= stream->jitter << 17;
    uint64_t half = stream->backoff_ms / 2;
    stream->retry_ms = postgres_clock_ms() + half + stream->jitter % half;
}

/* A batch that libpq found no memory for is tried again half as large. */
static void heed_budget(struct stream *stream)
{
    if (stream->budget == NULL)
        return;
    uint64_t refusals = budget_refusals(stream->budget);
    if (refusals != stream->refusals_seen && stream->batch.event_count_max > 1)
        stream->batch.event_count_max /= 2;
    stream->refusals_seen = refusals;
}

static void lose_connection(struct stream *stream, int failure)
{
    if (failure != -ECANCELED && !is_refused(stream) && !stream->logged_down) {
        stream_note(stream, "PostgreSQL: %s", stream->postgres.problem);
        stream->logged_down = true;
    }
    postgres_disconnect(&stream->postgres);
    atomic_store(&stream->connected, false);
    heed_budget(stream);
    back_off(stream, failure);
}

/* A commit that somebody waits for is on PostgreSQL's disk; more than that is the operator's. */
static const char commit_sql[] = "SELECT set_config('synchronous_commit', 'on', false) "
                                 "WHERE current_setting('synchronous_commit') = 'off'";

static int reconnect(struct stream *stream)
{
    int failure = postgres_connect(&stream->postgres, stream->dsn, stream->options.directory->node);
    if (failure == 0 && stream->options.committed != NULL)
        failure = postgres_script(&stream->postgres, commit_sql);
    if (failure == 0)
        failure = stream_contact(stream);
    if (failure < 0) {
        lose_connection(stream, failure);
        return failure;
    }
    if (stream->logged_down)
        fprintf(stderr, "hotshelf: stream: PostgreSQL is back\n");
    stream->logged_down = false;
    pthread_mutex_lock(&stream->mutex);
    if (!atomic_load(&stream->any_halted))
        stream->problem[0] = 0;
    pthread_mutex_unlock(&stream->mutex);
    atomic_store(&stream->connected, true);
    return 0;
}

/* Once round the shards: 1 when anything was sent, 0 when there was nothing. */
static int send_round(struct stream *stream)
{
    int sent = 0;
    for (uint32_t i = 0; i < stream->options.directory->shards; i++) {
        if (!stream_shard_waiting(stream, i))
            continue;
        int result = stream_shard_send(stream, i);
        if (result < 0)
            return result;
        stream->backoff_ms = 0;
        sent |= result;
    }
    return sent;
}

/* Outside the batches: a commit that notifies takes a lock of the whole database. */
static int notify(struct stream *stream)
{
    bool early = postgres_clock_ms() < stream->notified_ms + STREAM_NOTIFY_MS;
    if (!stream->notify_due || (early && !is_stopping(stream)))
        return 0;
    int failure = postgres_send_text(&stream->postgres, "NOTIFY hotshelf_stream", 0, NULL);
    if (failure == 0)
        failure = postgres_finish(&stream->postgres);
    if (failure == 0) {
        stream->notify_due = false;
        stream->notified_ms = postgres_clock_ms();
    }
    return failure;
}

static bool any_waiting(const struct stream *stream)
{
    for (uint32_t i = 0; i < stream->options.directory->shards; i++) {
        if (stream_shard_waiting(stream, i))
            return true;
    }
    return false;
}

/* Sleeps until a shard rings, the server speaks unasked, a stop, or the next NOTIFY is due. */
static void sleep_idle(struct stream *stream)
{
    struct journal_shared *shared = stream->options.shared;
    int wait_ms = stream->notify_due ? STREAM_NOTIFY_MS : -1;
    struct pollfd polled[] = {
        {.fd = shared->wake_fd, .events = POLLIN},
        {.fd = stream->stop.fd, .events = POLLIN},
        {.fd = postgres_socket(&stream->postgres), .events = POLLIN},
    };
    journal_shared_sleep(shared);
    if (!any_waiting(stream) && poll(polled, 3, wait_ms) < 0 && errno != EINTR)
        fatal("stream: poll: %s", strerror(errno));
    journal_shared_awake(shared);
}

/* A commit for every order would cost a core for nothing: small batches gather first. */
static void gather(const struct stream *stream)
{
    if (stream->batch.event_count < GATHERED_EVENTS && !is_stopping(stream))
        pause_until(stream, stream->sent_ms + stream->options.gather_ms);
}

static int work(struct stream *stream)
{
    int sent = send_round(stream);
    if (sent < 0)
        return sent;
    int failure = notify(stream);
    if (failure < 0)
        return failure;
    if (sent == 0 && is_stopping(stream))
        return -ECANCELED;
    /* With nothing to send only this tells that the server has gone. */
    return sent == 0 ? postgres_listen(&stream->postgres) : sent;
}

/* Whether anything durable is not known to be in PostgreSQL. */
static bool has_backlog(const struct stream *stream)
{
    for (uint32_t i = 0; i < stream->options.directory->shards; i++) {
        const struct journal_mark *mark = &stream->options.shared->marks[i];
        if (!stream->shards[i].halted &&
            atomic_load(&mark->durable_seq) > atomic_load(&mark->streamed_seq))
            return true;
    }
    return false;
}

/* A stop waits for the backlog, not for a server that is away when there is none. */
static bool must_end(const struct stream *stream)
{
    uint64_t stop_ms = atomic_load(&stream->stop.deadline_ms);
    return stop_ms != 0 && (postgres_clock_ms() >= stop_ms || !has_backlog(stream));
}

int stream_turn(struct stream *stream)
{
    if (is_refused(stream))
        return -ECANCELED;
    if (stream->postgres.connection == NULL) {
        if (must_end(stream))
            return -ECANCELED;
        return postgres_clock_ms() < stream->retry_ms ? 0 : reconnect(stream);
    }
    int result = work(stream);
    if (result < 0)
        lose_connection(stream, result);
    return result;
}

/* Until the next turn makes sense. */
static void wait_for_turn(struct stream *stream, int result)
{
    if (stream->postgres.connection == NULL) {
        pause_until(stream, stream->retry_ms);
        return;
    }
    if (result > 0)
        gather(stream);
    else if (!is_stopping(stream))
        sleep_idle(stream);
}

static void *run(void *context)
{
    struct stream *stream = context;
    int bound = budget_bind(stream->budget), result;
    if (bound < 0)
        fatal("stream: cannot bind libpq's memory: %s", strerror(-bound));
    while ((result = stream_turn(stream)) != -ECANCELED)
        wait_for_turn(stream, result);
    if (stream->postgres.connection != NULL)
        postgres_disconnect(&stream->postgres);
    atomic_store(&stream->connected, false);
    return NULL;
}

static uint64_t page_round(uint64_t size)
{
    return (size + BATCH_BLOCK_SIZE - 1) / BATCH_BLOCK_SIZE * BATCH_BLOCK_SIZE;
}

uint64_t stream_size(const struct datadir *directory)
{
    uint64_t size = page_round(sizeof(struct stream));
    size += page_round(stream_batch_size());
    size += page_round(POSTGRES_ARRAYS_SIZE);
    size += directory->shards * page_round(reader_buffer_size(directory));
    return size;
}

uint64_t stream_memory(const struct datadir *directory)
{
    return stream_size(directory) + STREAM_BUDGET_SIZE;
}

static void *carve(uint8_t **rest, uint64_t size)
{
    void *part = *rest;
    *rest += page_round(size);
    return part;
}

static int open_readers(struct stream *stream, uint8_t **rest)
{
    const struct datadir *directory = stream->options.directory;
    for (uint32_t i = 0; i < directory->shards; i++) {
        void *buffer = carve(rest, reader_buffer_size(directory));
        int failure = reader_open(&stream->shards[i].reader, directory, i, buffer);
        if (failure < 0)
            return failure;
        stream->shards[i].opened = true;
    }
    return 0;
}

static void close_readers(struct stream *stream)
{
    for (uint32_t i = 0; i < stream->options.directory->shards; i++) {
        if (stream->shards[i].opened)
            reader_close(&stream->shards[i].reader);
    }
}

/* All signals are for the main thread. */
static int start_thread(struct stream *stream)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failure = pthread_create(&stream->thread, NULL, run, stream);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -failure;
}

static int roll_dice(struct stream *stream)
{
    uint64_t random[2];
    if (getrandom(random, sizeof(random), 0) != sizeof(random))
        return -EIO;
    stream->jitter = random[0] | 1;
    stream->holder = (int64_t)(random[1] >> 1);
    return 0;
}

static int prepare(struct stream *stream, uint8_t **rest)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&stream->contact_changed, &monotonic);
    pthread_mutex_init(&stream->mutex, NULL);
    stream_batch_init(
        &stream->batch, carve(rest, stream_batch_size()), stream->options.directory->node);
    stream->arrays = (struct postgres_array){
        .data = carve(rest, POSTGRES_ARRAYS_SIZE), .size_max = POSTGRES_ARRAYS_SIZE};
    stream->stop.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    stream->postgres.stop = &stream->stop;
    if (stream->stop.fd < 0)
        return -errno;
    int failure = roll_dice(stream);
    return failure < 0 ? failure : open_readers(stream, rest);
}

_Static_assert(sizeof(struct budget) <= BATCH_BLOCK_SIZE, "a budget is one page");

/* A page of its own: it stays when the stream goes. */
static int take_budget(struct stream *stream)
{
    void *page = mmap(NULL, BATCH_BLOCK_SIZE, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (page == MAP_FAILED)
        return -errno;
    stream->budget = page;
    return budget_take(stream->budget, STREAM_BUDGET_SIZE);
}

int stream_open(struct stream **opened, void *memory, const struct stream_options *options)
{
    uint8_t *rest = memory;
    struct stream *stream = carve(&rest, sizeof(*stream));
    if (strlen(options->dsn) >= STREAM_DSN_SIZE_MAX)
        return -ENAMETOOLONG;
    memset(stream, 0, sizeof(*stream));
    stream->options = *options;
    memcpy(stream->dsn, options->dsn, strlen(options->dsn));
    int failure = prepare(stream, &rest);
    if (failure < 0)
        stream_close(stream);
    else
        *opened = stream;
    return failure;
}

void stream_close(struct stream *stream)
{
    if (stream->postgres.connection != NULL)
        postgres_disconnect(&stream->postgres);
    close_readers(stream);
    close(stream->stop.fd);
}

int stream_start(struct stream **started, const struct stream_options *options)
{
    uint64_t size = stream_size(options->directory);
    void *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    struct stream *stream = NULL;
    if (memory == MAP_FAILED)
        return -errno;
    int failure = stream_open(&stream, memory, options);
    if (failure == 0)
        failure = take_budget(stream);
    if (failure == 0)
        failure = start_thread(stream);
    if (failure == 0) {
        *started = stream;
        return 0;
    }
    if (stream != NULL)
        stream_close(stream);
    munmap(memory, size);
    return failure;
}

int stream_first_contact(struct stream *stream, uint32_t wait_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    uint64_t nanoseconds = (uint64_t)until.tv_nsec + wait_ms % 1000 * UINT64_C(1000000);
    until.tv_sec += (time_t)(wait_ms / 1000 + nanoseconds / 1000000000);
    until.tv_nsec = (long)(nanoseconds % 1000000000);
    pthread_mutex_lock(&stream->mutex);
    int timed_out = 0;
    while (stream->contact == STREAM_CONTACT_NONE && timed_out != ETIMEDOUT)
        timed_out = pthread_cond_timedwait(&stream->contact_changed, &stream->mutex, &until);
    enum stream_contact contact = stream->contact;
    stream->selling = contact == STREAM_CONTACT_NONE;
    pthread_mutex_unlock(&stream->mutex);
    if (contact == STREAM_CONTACT_NONE)
        return -EAGAIN;
    return contact == STREAM_CONTACT_MADE ? 0 : -ESTALE;
}

bool stream_has_contact(const struct stream *stream)
{
    return atomic_load(&stream->system_id) != 0;
}

uint64_t stream_system_id(const struct stream *stream)
{
    return atomic_load(&stream->system_id);
}

bool stream_connected(const struct stream *stream)
{
    return atomic_load(&stream->connected);
}

bool stream_takes(const struct stream *stream, uint32_t shard)
{
    return atomic_load(&stream->connected) && !atomic_load(&stream->shards[shard].halted);
}

bool stream_halted(const struct stream *stream)
{
    return atomic_load(&stream->any_halted);
}

void stream_problem(struct stream *stream, char problem[STREAM_PROBLEM_SIZE])
{
    pthread_mutex_lock(&stream->mutex);
    memcpy(problem, stream->problem, STREAM_PROBLEM_SIZE);
    pthread_mutex_unlock(&stream->mutex);
}

void stream_stop(struct stream *stream, uint32_t drain_ms)
{
    const uint64_t one = 1;
    atomic_store(&stream->stop.deadline_ms, postgres_clock_ms() + drain_ms + 1);
    (void)!write(stream->stop.fd, &one, sizeof(one));
    pthread_join(stream->thread, NULL);
    uint64_t size = stream_size(stream->options.directory);
    stream_close(stream);
    munmap(stream, size);
}
