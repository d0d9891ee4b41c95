/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop: hand over what is to be sent and collect what has come in one system call, look at each
 * completion, answer the last reply that a connection awaits with its next requests. Sends report
 * only failures. A reply is copied out of its provided buffer only when it comes in more than one
 * piece.
 *
 * What can go wrong: a status that is not expected, a reply that is not HTTP, a lost connection, no
 * reply for STALL_SECONDS. Each ends the run with its reason.
 */
#include "bench/generator.h"

#include "bench/reply.h"
#include "bench/socket.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SUBMISSIONS 2048
#define COMPLETIONS 16384
#define BUFFERS 1024
#define BUFFER_SIZE 4096
#define BUFFER_GROUP 0
#define STALL_SECONDS 10.0
#define MEASURED_MIN 100 /* replies, that there is something to divide by */

_Static_assert(COMPLETIONS >= GENERATOR_CONNECTIONS_MAX, "one reply of each connection can wait");

enum kind { KIND_RECEIVE = 1, KIND_SEND };

/* Of replies, in steps of TIME_STEP_US; the last one takes all longer ones. */
#define TIME_STEPS 500000
#define TIME_STEP_US 2

struct line {
    int fd;
    uint64_t sent_ns;
    uint32_t awaited;    /* replies */
    uint32_t reply_size; /* bytes in reply */
    char request[GENERATOR_REQUEST_SIZE_MAX];
    char reply[GENERATOR_REPLY_SIZE_MAX];
};

struct generator {
    struct generator_plan plan;
    struct io_uring ring;
    bool has_ring;
    struct io_uring_buf_ring *buffer_ring;
    struct line *line;
    uint32_t in_flight;
    uint64_t sent;
    uint64_t completed;
    uint64_t sent_bytes;
    uint64_t reply_bytes;
    bool found_nothing; /* the last look */
    bool stopping;
    uint64_t from_ns, until_ns; /* the marks */
    uint64_t longest_ns;
    uint32_t times[TIME_STEPS];
    /* Open loop: connections without a request, when the next one is due. */
    uint32_t *idle;
    uint32_t idle_count;
    uint64_t due_ns, interval_ns;
    uint32_t lates[TIME_STEPS];
    char *failure;
    uint8_t buffers[BUFFERS * BUFFER_SIZE];
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static double now_seconds(void)
{
    return (double)now_ns() / 1e9;
}

/* Of a request that was sent, or due, between the marks; its reply may come later. */
static void note_time(struct generator *generator, uint64_t sent_ns, uint64_t now)
{
    uint64_t ns = now - sent_ns, step = ns / (TIME_STEP_US * 1000);
    if (sent_ns < generator->from_ns || sent_ns >= generator->until_ns)
        return;
    generator->times[step < TIME_STEPS ? step : TIME_STEPS - 1]++;
    if (ns > generator->longest_ns)
        generator->longest_ns = ns;
}

static void note_late(struct generator *generator, uint64_t due_ns, uint64_t now)
{
    uint64_t step = (now - due_ns) / (TIME_STEP_US * 1000);
    if (due_ns >= generator->from_ns && due_ns < generator->until_ns)
        generator->lates[step < TIME_STEPS ? step : TIME_STEPS - 1]++;
}

/* The upper end of the step below which this share of them lies. */
static double percentile_us(const uint32_t times[TIME_STEPS], double share)
{
    uint64_t count = 0, below = 0, step = 0;
    for (uint32_t at = 0; at < TIME_STEPS; at++)
        count += times[at];
    while (step < TIME_STEPS - 1 && (double)(below += times[step]) < (double)count * share)
        step++;
    return (double)(step + 1) * TIME_STEP_US;
}

static void fail(struct generator *generator, const char *what, const char *detail, uint32_t size)
{
    if (generator->failure[0] == '\0')
        snprintf(generator->failure, GENERATOR_FAILURE_SIZE, "%s%.*s", what, (int)size, detail);
}

static void fail_errno(struct generator *generator, const char *what, int error)
{
    fail(generator, what, strerror(error), 100);
}

static struct io_uring_sqe *take_entry(struct generator *generator)
{
    struct io_uring_sqe *entry = io_uring_get_sqe(&generator->ring);
    if (entry == NULL) {
        io_uring_submit(&generator->ring);
        entry = io_uring_get_sqe(&generator->ring);
    }
    if (entry == NULL)
        abort(); /* the kernel takes every entry it is given: SUBMIT_ALL */
    return entry;
}

static void start_receive(struct generator *generator, uint32_t index)
{
    struct io_uring_sqe *entry = take_entry(generator);
    io_uring_prep_recv_multishot(entry, generator->line[index].fd, NULL, 0, 0);
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = BUFFER_GROUP;
    io_uring_sqe_set_data64(entry, (uint64_t)KIND_RECEIVE << 32 | index);
}

static bool is_over(const struct generator *generator)
{
    const struct generator_plan *plan = &generator->plan;
    return generator->stopping ||
           (plan->requests_max > 0 && generator->sent + plan->deep > plan->requests_max);
}

static void send_request(struct generator *generator, uint32_t index, uint64_t due_ns)
{
    const struct generator_plan *plan = &generator->plan;
    struct line *line = &generator->line[index];
    uint32_t size = plan->fill(plan->context, index, line->request);
    struct io_uring_sqe *entry = take_entry(generator);
    io_uring_prep_send(entry, line->fd, line->request, size, MSG_WAITALL | MSG_NOSIGNAL);
    entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
    io_uring_sqe_set_data64(entry, (uint64_t)KIND_SEND << 32 | index);
    line->sent_ns = due_ns;
    line->awaited = plan->deep;
    generator->sent += plan->deep;
    generator->sent_bytes += size;
    generator->in_flight += plan->deep;
}

/* A connection whose replies are all there. */
static void send_next(struct generator *generator, uint32_t index)
{
    if (generator->interval_ns > 0)
        generator->idle[generator->idle_count++] = index;
    else if (!is_over(generator))
        send_request(generator, index, now_ns());
}

/* Open loop: what is due leaves on the connections that are free. */
static void send_due(struct generator *generator)
{
    uint64_t now = now_ns();
    while (generator->due_ns <= now && generator->idle_count > 0 && !is_over(generator)) {
        note_late(generator, generator->due_ns, now);
        send_request(generator, generator->idle[--generator->idle_count], generator->due_ns);
        generator->due_ns += generator->interval_ns;
    }
}

/* The size of a whole reply at the start of data; 0 when more has to come. */
static uint32_t whole_reply(struct generator *generator, const char *data, uint32_t size)
{
    const char *complaint = NULL;
    uint32_t whole = generator->plan.protocol == GENERATOR_RESP
                         ? reply_of_resp(data, size, &complaint)
                         : reply_of_http(data, size, generator->plan.expected_status, &complaint);
    if (complaint != NULL)
        fail(generator, complaint, data, whole > 0 ? whole : size);
    return whole;
}

/* Keeps a piece of a reply until the rest has come. */
static void keep(struct generator *generator, struct line *line, const char *data, uint32_t size)
{
    if (size > GENERATOR_REPLY_SIZE_MAX - line->reply_size) {
        fail(generator, "a reply that is too large", "", 0);
        return;
    }
    memcpy(line->reply + line->reply_size, data, size);
    line->reply_size += size;
}

/* The whole replies at the start of data; answers their size. */
static uint32_t take_replies(
    struct generator *generator, struct line *line, const char *data, uint32_t size)
{
    uint32_t at = 0;
    while (at < size && line->awaited > 0) {
        uint32_t reply_size = whole_reply(generator, data + at, size - at);
        if (reply_size == 0)
            return at;
        at += reply_size;
        note_time(generator, line->sent_ns, now_ns());
        generator->completed++;
        generator->reply_bytes += reply_size;
        generator->in_flight--;
        line->awaited--;
    }
    if (at < size)
        fail(generator, "more bytes than the replies: ", data + at, size - at);
    return at;
}

static void take_bytes(struct generator *generator, uint32_t index, const char *data, uint32_t size)
{
    struct line *line = &generator->line[index];
    bool kept = line->reply_size > 0;
    if (kept) {
        keep(generator, line, data, size);
        data = line->reply;
        size = line->reply_size;
    }
    uint32_t used = take_replies(generator, line, data, size);
    if (kept) {
        line->reply_size = size - used;
        memmove(line->reply, data + used, line->reply_size);
    } else if (used < size) {
        keep(generator, line, data + used, size - used);
    }
    if (line->awaited == 0)
        send_next(generator, index);
}

static void give_buffer(struct generator *generator, uint16_t index, int offset)
{
    io_uring_buf_ring_add(generator->buffer_ring, generator->buffers + (size_t)index * BUFFER_SIZE,
        BUFFER_SIZE, index, io_uring_buf_ring_mask(BUFFERS), offset);
}

static void dispatch(struct generator *generator, const struct io_uring_cqe *completion)
{
    uint32_t index = (uint32_t)completion->user_data;
    if (completion->user_data >> 32 == KIND_SEND) {
        fail_errno(generator, "sending failed: ", completion->res < 0 ? -completion->res : EIO);
        return;
    }
    if (completion->res <= 0 && completion->res != -ENOBUFS) {
        fail_errno(generator, "the server closed a connection: ",
            completion->res == 0 ? ECONNRESET : -completion->res);
        return;
    }
    if ((completion->flags & IORING_CQE_F_BUFFER) != 0) {
        uint16_t buffer = (uint16_t)(completion->flags >> IORING_CQE_BUFFER_SHIFT);
        const char *data = (const char *)generator->buffers + (size_t)buffer * BUFFER_SIZE;
        take_bytes(generator, index, data, (uint32_t)completion->res);
        give_buffer(generator, buffer, 0);
        io_uring_buf_ring_advance(generator->buffer_ring, 1);
    }
    if ((completion->flags & IORING_CQE_F_MORE) == 0)
        start_receive(generator, index);
}

/* Never sleeps: whoever answers a client that sleeps pays for waking it, up to a microsecond a
 * reply, and by how many sleep sides would differ. But the kernel ends a server's durable writes in
 * a worker on the core that the disk interrupts, which may be this one: after a look that found
 * nothing it may have the core, or each of them takes 8 ms instead of 0.1. */
static int submit(struct generator *generator)
{
    if (generator->found_nothing)
        sched_yield();
    return io_uring_submit_and_get_events(&generator->ring);
}

static void tick(struct generator *generator)
{
    if (generator->interval_ns > 0)
        send_due(generator);
    int result = submit(generator);
    if (result < 0 && result != -EINTR && result != -EAGAIN && result != -EBUSY && result != -ETIME)
        fail_errno(generator, "io_uring: ", -result);
    struct io_uring_cqe *completion;
    unsigned head;
    unsigned count = 0;
    io_uring_for_each_cqe(&generator->ring, head, completion)
    {
        dispatch(generator, completion);
        count++;
    }
    io_uring_cq_advance(&generator->ring, count);
    generator->found_nothing = count == 0;
}

/* Ticks until the time or the requests are used up, or the run has failed; on a machine that has no
 * time for us, until so many have been answered. */
static void drive(
    struct generator *generator, double seconds, uint64_t completed_max, uint64_t completed_min)
{
    double end = now_seconds() + seconds;
    double moved = now_seconds();
    uint64_t completed = generator->completed;
    while (generator->failure[0] == '\0' &&
           (generator->in_flight > 0 || (generator->interval_ns > 0 && !is_over(generator))) &&
           (completed_max == 0 || generator->completed < completed_max)) {
        tick(generator);
        double now = now_seconds();
        if (generator->completed != completed)
            moved = now;
        completed = generator->completed;
        if (now - moved > STALL_SECONDS)
            fail(generator, "no reply for ten seconds", "", 0);
        if (now >= end && generator->completed >= completed_min)
            return;
    }
}

static void measure(struct generator *generator, struct generator_result *result)
{
    const struct generator_plan *plan = &generator->plan;
    generator->due_ns = now_ns();
    for (uint32_t index = 0; index < plan->connections; index++)
        send_next(generator, index);
    /* A bounded run warms up with a tenth of its requests at most. */
    drive(generator, plan->warm_seconds, plan->requests_max / 10, 0);
    uint64_t completed = generator->completed;
    generator->from_ns = now_ns();
    generator->until_ns = UINT64_MAX;
    struct cpu_time before = process_cpu(plan->server);
    /* The last requests are not measured: with them the server is no longer busy. */
    uint64_t last = (uint64_t)plan->connections * plan->deep;
    drive(generator, plan->seconds, plan->requests_max > last ? plan->requests_max - last : 0,
        completed + MEASURED_MIN);
    struct cpu_time after = process_cpu(plan->server);
    generator->until_ns = now_ns();
    result->seconds = (double)(generator->until_ns - generator->from_ns) / 1e9;
    result->completed = generator->completed - completed;
    result->cpu = process_cpu_between(before, after);
    generator->stopping = true;
    drive(generator, STALL_SECONDS, 0, 0);
}

/* Those that were due and found no connection have waited at least until the end. */
static void judge_times(struct generator *generator, struct generator_result *result)
{
    for (uint64_t due = generator->due_ns; generator->interval_ns > 0 && due < generator->until_ns;
         due += generator->interval_ns)
        note_time(generator, due, generator->until_ns);
    result->p50_us = percentile_us(generator->times, 0.5);
    result->p99_us = percentile_us(generator->times, 0.99);
    result->p999_us = percentile_us(generator->times, 0.999);
    result->longest_us = (double)generator->longest_ns / 1e3;
    if (generator->interval_ns > 0)
        result->late_p99_us = percentile_us(generator->lates, 0.99);
}

bool generator_run(struct generator *generator, struct generator_result *result)
{
    *result = (struct generator_result){0};
    generator->failure = result->failure;
    generator->from_ns = UINT64_MAX;
    measure(generator, result);
    judge_times(generator, result);
    if (result->completed == 0)
        fail(generator, "not one reply was measured", "", 0);
    if (generator->completed > 0 && generator->sent > 0) {
        result->reply_size = (double)generator->reply_bytes / (double)generator->completed;
        result->request_size = (double)generator->sent_bytes / (double)generator->sent;
    }
    return result->failure[0] == '\0';
}

static int open_buffers(struct generator *generator)
{
    void *ring;
    if (posix_memalign(&ring, 4096, BUFFERS * sizeof(struct io_uring_buf)) != 0)
        return -ENOMEM;
    generator->buffer_ring = ring;
    struct io_uring_buf_reg registration = {
        .ring_addr = (uint64_t)(uintptr_t)ring,
        .ring_entries = BUFFERS,
        .bgid = BUFFER_GROUP,
    };
    int result = io_uring_register_buf_ring(&generator->ring, &registration, 0);
    if (result < 0)
        return result;
    io_uring_buf_ring_init(generator->buffer_ring);
    for (uint16_t index = 0; index < BUFFERS; index++)
        give_buffer(generator, index, index);
    io_uring_buf_ring_advance(generator->buffer_ring, BUFFERS);
    return 0;
}

static int open_ring(struct generator *generator)
{
    struct io_uring_params parameters = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                 IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE |
                 IORING_SETUP_CLAMP,
        .cq_entries = COMPLETIONS,
    };
    int result = io_uring_queue_init_params(SUBMISSIONS, &generator->ring, &parameters);
    if (result < 0)
        return result;
    generator->has_ring = true;
    result = io_uring_register_ring_fd(&generator->ring);
    return result < 0 ? result : open_buffers(generator);
}

static int open_all(struct generator *generator)
{
    uint32_t connections = generator->plan.connections;
    generator->line = calloc(connections, sizeof *generator->line);
    generator->idle = calloc(connections, sizeof *generator->idle);
    if (generator->line == NULL || generator->idle == NULL)
        return -ENOMEM;
    for (uint32_t index = 0; index < connections; index++)
        generator->line[index].fd = -1;
    int result = open_ring(generator);
    for (uint32_t index = 0; result >= 0 && index < connections; index++) {
        result = socket_connect(generator->plan.port, generator->plan.path);
        generator->line[index].fd = result;
        if (result >= 0)
            start_receive(generator, index);
    }
    return result;
}

struct generator *generator_open(
    const struct generator_plan *plan, char failure[GENERATOR_FAILURE_SIZE])
{
    struct generator *generator = calloc(1, sizeof *generator);
    int result = -ENOMEM;
    if (generator != NULL) {
        generator->plan = *plan;
        generator->plan.deep = plan->deep > 0 ? plan->deep : 1;
        generator->interval_ns = plan->per_second > 0 ? (uint64_t)(1e9 / plan->per_second) : 0;
        result = open_all(generator);
    }
    if (result >= 0)
        return generator;
    snprintf(failure, GENERATOR_FAILURE_SIZE, "connecting: %s", strerror(-result));
    generator_close(generator);
    return NULL;
}

void generator_close(struct generator *generator)
{
    if (generator == NULL)
        return;
    if (generator->has_ring)
        io_uring_queue_exit(&generator->ring);
    for (uint32_t index = 0; generator->line != NULL && index < generator->plan.connections;
         index++) {
        if (generator->line[index].fd >= 0)
            close(generator->line[index].fd);
    }
    free(generator->buffer_ring);
    free(generator->line);
    free(generator->idle);
    free(generator);
}
