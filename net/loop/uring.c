/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io.h over io_uring, one ring per loop.
 *
 * The happy path: work becomes submission entries, io_submit makes the one system call that hands
 * them over and waits, io_reap copies completions out. DEFER_TASKRUN lets completions appear only
 * inside that call, so nothing interrupts the tick. Accept and receive are multishot, received
 * bytes land in a ring of provided buffers, the ring's own descriptor is registered.
 *
 * What can go wrong. An older kernel refuses a flag: open_ring steps down a ladder. A full
 * submission queue is handed over early and used again. A full completion queue would make the
 * kernel allocate instead of refusing, so it is sized for everything that can be in flight, and
 * overflow is a CHECK. EINTR, EAGAIN, EBUSY and ETIME of the enter are everyday answers: the next
 * tick asks again.
 */
#include "net/io.h"

#include <errno.h>
#include <liburing.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/bugs.h"
#include "core/check.h"
#include "persist/fatal.h"

enum {
    SUBMISSIONS = 1024, /* entries between two system calls; more are handed over early */
    COMPLETIONS_BATCH = 64,
    BUFFERS_MIN = 64,
    COMPLETIONS_MAX = 65536, /* the kernel's own bound */
    BUFFER_GROUP = 0,
    PAGE_SIZE = 4096,
    ALARM_INDEX = 1, /* of an IO_WAKE that came through the descriptor */
};

struct io {
    struct io_uring ring;
    struct io_options options;
    struct io_uring_buf_ring *buffer_ring;
    uint8_t *buffers;
    uint32_t buffer_count;
    uint32_t buffers_out;    /* with the caller */
    struct msghdr *messages; /* of sends not handed over yet: the kernel copies them then */
    uint32_t message_count;
    int alarm;
    uint64_t alarm_value;
};

static uint32_t power_of_two_from(uint32_t least)
{
    uint32_t power = 1;
    while (power < least)
        power *= 2;
    return power;
}

static uint32_t buffers_for(uint32_t connections)
{
    uint32_t wanted = power_of_two_from(connections);
    if (wanted < BUFFERS_MIN)
        return BUFFERS_MIN;
    return wanted < IO_BUFFERS_MAX ? wanted : IO_BUFFERS_MAX;
}

/* One line per holder of completions in flight. */
static uint32_t completions_for(const struct io_options *options, uint32_t buffers)
{
    uint32_t sum = buffers;               /* multishot receive: one per filled buffer */
    sum += options->connections;          /* its end */
    sum += options->connections;          /* one send */
    sum += options->connections;          /* one cancel */
    sum += IO_LISTENERS_MAX * IO_BACKLOG; /* accepted, not yet reaped */
    sum += IO_LISTENERS_MAX;              /* the end of accept */
    sum += 64;                            /* bells of the other loops, one each */
    sum += 64;                            /* failed bells of our own */
    sum += 4;                             /* journal write, alarm */
    CHECK(sum <= COMPLETIONS_MAX);
    return power_of_two_from(sum);
}

static uint64_t pack(struct io_tag tag)
{
    CHECK(tag.kind != IO_NONE);
    CHECK(tag.generation < 1U << IO_GENERATION_BITS);
    return (uint64_t)tag.kind << 56 | (uint64_t)tag.generation << 32 | tag.index;
}

static struct io_tag unpack(uint64_t user_data)
{
    return (struct io_tag){
        .kind = (enum io_kind)(user_data >> 56),
        .generation = (uint32_t)(user_data >> 32) & ((1U << IO_GENERATION_BITS) - 1),
        .index = (uint32_t)user_data,
    };
}

/* The kernel wants whole pages. */
static void *take_pages(struct arena *arena, const char *name, uint64_t size)
{
    uintptr_t taken = (uintptr_t)arena_take(arena, name, 1, size + PAGE_SIZE);
    return (void *)((taken + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE);
}

struct io *io_create(struct arena *arena, const struct io_options *options)
{
    CHECK(options->connections <= IO_CONNECTIONS_MAX);
    struct io *io = arena_take(arena, "io", 1, sizeof *io);
    uint32_t count = buffers_for(options->connections);
    *io = (struct io){.options = *options, .buffer_count = count, .alarm = -1};
    io->ring.ring_fd = -1;
    io->messages = arena_take(arena, "io messages", SUBMISSIONS, sizeof *io->messages);
    io->buffer_ring = take_pages(arena, "io buffer ring", count * sizeof(struct io_uring_buf));
    io->buffers = take_pages(arena, "io buffers", (uint64_t)count * IO_BUFFER_SIZE);
    return io;
}

/* Newest flags first; each step does without one more thing that an older kernel may not know. */
static int open_ring(struct io *io)
{
    static const uint32_t ladder[] = {
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN |
            IORING_SETUP_SUBMIT_ALL,
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL,
        IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL,
        0,
    };
    int error = -EINVAL;
    for (uint32_t i = 0; i < sizeof ladder / sizeof *ladder && error == -EINVAL; i++) {
        struct io_uring_params parameters = {
            .flags = ladder[i] | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
            .cq_entries = completions_for(&io->options, io->buffer_count),
        };
        error = io_uring_queue_init_params(SUBMISSIONS, &io->ring, &parameters);
    }
    return error;
}

static int open_buffers(struct io *io)
{
    struct io_uring_buf_reg registration = {
        .ring_addr = (uint64_t)(uintptr_t)io->buffer_ring,
        .ring_entries = io->buffer_count,
        .bgid = BUFFER_GROUP,
    };
    int error = io_uring_register_buf_ring(&io->ring, &registration, 0);
    if (error != 0)
        return error;
    io_uring_buf_ring_init(io->buffer_ring);
    io->buffers_out = io->buffer_count;
    for (uint32_t i = 0; i < io->buffer_count; i++)
        io_give_buffer(io, (uint16_t)i);
    return 0;
}

static struct io_uring_sqe *entry(struct io *io);

static void listen_to_alarm(struct io *io)
{
    struct io_uring_sqe *sqe = entry(io);
    io_uring_prep_read(sqe, io->alarm, &io->alarm_value, sizeof io->alarm_value, 0);
    sqe->user_data = pack((struct io_tag){.kind = IO_WAKE, .index = ALARM_INDEX});
}

int io_open(struct io *io, const char **reason)
{
    *reason = "io_uring_setup (is kernel.io_uring_disabled 0? does the container allow it?)";
    int error = open_ring(io);
    if (error != 0)
        return error;
    *reason = "io_uring provided buffers (kernel 6.1 or newer)";
    error = open_buffers(io);
    if (error != 0)
        return error;
    *reason = "eventfd";
    io->alarm = eventfd(0, EFD_CLOEXEC);
    if (io->alarm < 0)
        return -errno;
    /* A saving of one look-up per system call; a kernel without it serves as well. */
    io_uring_register_ring_fd(&io->ring);
    listen_to_alarm(io);
    return 0;
}

void io_close(struct io *io)
{
    if (io->ring.ring_fd >= 0)
        io_uring_queue_exit(&io->ring);
    if (io->alarm >= 0)
        close(io->alarm);
    io->ring.ring_fd = -1;
    io->alarm = -1;
}

/* A full queue is handed over early: everything in it is issued in order. */
static struct io_uring_sqe *entry(struct io *io)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&io->ring);
    for (int attempts = 0; sqe == NULL; attempts++) {
        CHECK(attempts < 1000);
        io_uring_submit(&io->ring);
        io->message_count = 0;
        sqe = io_uring_get_sqe(&io->ring);
    }
    return sqe;
}

void io_accept(struct io *io, int listening, struct io_tag tag)
{
    struct io_uring_sqe *sqe = entry(io);
    io_uring_prep_multishot_accept(sqe, listening, NULL, NULL, SOCK_CLOEXEC);
    sqe->user_data = pack(tag);
}

void io_receive(struct io *io, int socket, bool once, struct io_tag tag)
{
    struct io_uring_sqe *sqe = entry(io);
    if (once)
        io_uring_prep_recv(sqe, socket, NULL, IO_BUFFER_SIZE, 0);
    else
        io_uring_prep_recv_multishot(sqe, socket, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = BUFFER_GROUP;
    sqe->user_data = pack(tag);
}

void io_stop_receive(struct io *io, struct io_tag tag)
{
    struct io_tag cancel = {.kind = IO_CANCEL, .generation = tag.generation, .index = tag.index};
    struct io_uring_sqe *sqe = entry(io);
    io_uring_prep_cancel64(sqe, pack(tag), 0);
    sqe->user_data = pack(cancel);
}

static void prepare_message(
    struct io *io, struct io_uring_sqe *sqe, int socket, const struct iovec *parts, uint32_t count)
{
    CHECK(io->message_count < SUBMISSIONS);
    struct msghdr *message = &io->messages[io->message_count++];
    *message = (struct msghdr){.msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = count};
    io_uring_prep_sendmsg(sqe, socket, message, MSG_NOSIGNAL);
}

void io_send(
    struct io *io, int socket, const struct iovec *parts, uint32_t count, struct io_tag tag)
{
    CHECK(count > 0);
    struct io_uring_sqe *sqe = entry(io);
    if (count == 1)
        io_uring_prep_send(sqe, socket, parts->iov_base, parts->iov_len, MSG_NOSIGNAL);
    else
        prepare_message(io, sqe, socket, parts, count);
    sqe->user_data = pack(tag);
}

void io_write(
    struct io *io, int file, const void *data, uint32_t size, uint64_t offset, struct io_tag tag)
{
    struct io_uring_sqe *sqe = entry(io);
    io_uring_prep_write(sqe, file, data, size, offset);
    sqe->rw_flags = bug(BUG_WRITE_NOT_SYNCED) ? 0 : RWF_DSYNC;
    sqe->user_data = pack(tag);
}

/* Our own completion is skipped unless it fails; its index is then the other ring, to try again. */
static void bell(struct io *io, int ring_fd)
{
    struct io_tag own = {.kind = IO_BELL, .generation = 0, .index = (uint32_t)ring_fd};
    struct io_uring_sqe *sqe = entry(io);
    io_uring_prep_msg_ring(sqe, ring_fd, 0, pack((struct io_tag){.kind = IO_WAKE}), 0);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe->user_data = pack(own);
}

void io_bell(struct io *io, const struct io *other)
{
    bell(io, other->ring.ring_fd);
}

void io_alarm(const struct io *other)
{
    uint64_t one = 1;
    ssize_t written = write(other->alarm, &one, sizeof one);
    CHECK(written == sizeof one || errno == EAGAIN);
}

void io_give_buffer(struct io *io, uint16_t buffer)
{
    CHECK(buffer < io->buffer_count);
    CHECK(io->buffers_out > 0);
    io->buffers_out--;
    io_uring_buf_ring_add(io->buffer_ring, io->buffers + (uint64_t)buffer * IO_BUFFER_SIZE,
        IO_BUFFER_SIZE, buffer, io_uring_buf_ring_mask(io->buffer_count), 0);
    io_uring_buf_ring_advance(io->buffer_ring, 1);
}

uint32_t io_buffers_left(const struct io *io)
{
    return io->buffer_count - io->buffers_out;
}

void io_submit(struct io *io, uint64_t wait_ns)
{
    int result;
    if (wait_ns == 0) {
        result = io_uring_submit_and_get_events(&io->ring);
    } else {
        struct io_uring_cqe *completion;
        struct __kernel_timespec timeout = {
            .tv_sec = (long long)(wait_ns / 1000000000U),
            .tv_nsec = (long long)(wait_ns % 1000000000U),
        };
        result = io_uring_submit_and_wait_timeout(&io->ring, &completion, 1, &timeout, NULL);
    }
    io->message_count = 0;
    bool normal = result >= 0 || result == -ETIME || result == -EINTR || result == -EAGAIN ||
                  result == -EBUSY;
    if (!normal)
        fatal("io_uring_enter: %s", strerror(-result));
}

static void note_buffer(struct io *io, const struct io_uring_cqe *cqe, struct io_completion *out)
{
    out->buffer = (uint16_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
    CHECK(out->buffer < io->buffer_count);
    out->data = io->buffers + (uint64_t)out->buffer * IO_BUFFER_SIZE;
    io->buffers_out++;
}

static struct io_completion complete(struct io *io, const struct io_uring_cqe *cqe)
{
    struct io_completion out = {
        .tag = unpack(cqe->user_data),
        .result = cqe->res,
        .more = (cqe->flags & IORING_CQE_F_MORE) != 0,
        .buffer = IO_NO_BUFFER,
    };
    if (cqe->flags & IORING_CQE_F_BUFFER)
        note_buffer(io, cqe, &out);
    if (out.tag.kind == IO_WAKE && out.tag.index == ALARM_INDEX)
        listen_to_alarm(io);
    if (out.tag.kind == IO_BELL && out.result == -EOVERFLOW)
        bell(io, (int)out.tag.index);
    return out;
}

uint32_t io_reap(struct io *io, struct io_completion *completions, uint32_t room)
{
    CHECK(!io_uring_cq_has_overflow(&io->ring));
    struct io_uring_cqe *batch[COMPLETIONS_BATCH];
    uint32_t wanted = room < COMPLETIONS_BATCH ? room : COMPLETIONS_BATCH;
    uint32_t count = io_uring_peek_batch_cqe(&io->ring, batch, wanted);
    for (uint32_t i = 0; i < count; i++)
        completions[i] = complete(io, batch[i]);
    io_uring_cq_advance(&io->ring, count);
    return count;
}

void io_shutdown_socket(struct io *io, int socket)
{
    (void)io;
    shutdown(socket, SHUT_RDWR);
}

void io_finish_socket(struct io *io, int socket)
{
    (void)io;
    shutdown(socket, SHUT_WR);
}

void io_close_socket(struct io *io, int socket)
{
    (void)io;
    close(socket);
}

void io_reject_socket(struct io *io, int socket, const void *data, uint32_t size)
{
    (void)io;
    /* Nobody waits for it: a client that cannot take these bytes at once sees the end alone. */
    ssize_t sent = send(socket, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)sent;
    close(socket);
}

struct io_times io_now(const struct io *io)
{
    (void)io;
    struct timespec monotonic, wall;
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    clock_gettime(CLOCK_REALTIME, &wall);
    return (struct io_times){
        .monotonic_ms = (uint64_t)monotonic.tv_sec * 1000 + (uint64_t)monotonic.tv_nsec / 1000000,
        .wall_ms = wall.tv_sec * 1000 + wall.tv_nsec / 1000000,
    };
}

void io_random(struct io *io, void *data, uint32_t size)
{
    (void)io;
    uint8_t *to = data;
    for (uint32_t filled = 0; filled < size;) {
        ssize_t got = getrandom(to + filled, size - filled, 0);
        if (got < 0 && errno != EINTR)
            fatal("getrandom: %s", strerror(errno));
        filled += got > 0 ? (uint32_t)got : 0;
    }
}
