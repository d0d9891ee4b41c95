/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io.h over io_uring, one ring per loop.
 *
 * The happy path: work becomes submission entries, io_submit makes the one system call that hands
 * them over and waits, io_reap copies completions out. DEFER_TASKRUN lets completions appear only
 * inside that call, so nothing interrupts the tick. Accept and receive are multishot, received
 * bytes land in a ring of provided buffers, the ring's own descriptor is registered.
 *
 * What can go wrong. An older kernel refuses a flag: open_ring steps down a ladder, and the name
 * of the ring tells it. A full submission queue is handed over early and used again. A full
 * completion queue would make the kernel allocate instead of refusing, so it is sized for
 * everything that can be in flight, and overflow is a CHECK. EINTR, EAGAIN, EBUSY and ETIME of the
 * enter are everyday answers: the next tick asks again.
 *
 * A ring is a wide door into the kernel. Before it is enabled it is shut for everything but the
 * operations that stand in this file.
 */
#include <errno.h>
#include <liburing.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/bugs.h"
#include "core/check.h"
#include "core/limits.h"
#include "net/io_backend.h"
#include "persist/fatal.h"

enum {
    SUBMISSIONS = 1024, /* entries between two system calls; more are handed over early */
    COMPLETIONS_BATCH = 64,
    COMPLETIONS_MAX = 65536, /* the kernel's own bound */
    BUFFER_GROUP = 0,
    ALARM_INDEX = 1,       /* of an IO_WAKE that came through the descriptor */
    HAND_OVERS_MAX = 1000, /* tries, while the kernel has no memory for work */
    EVENTS_AT_ONCE = 16,   /* or more: kernels since 6.14 stop at 20, some of which show nothing */
};

struct uring {
    struct io io;
    struct io_uring ring;
    struct io_uring_buf_ring *buffer_ring;
    struct msghdr *messages; /* one for each entry: the kernel copies it when it takes the entry */
    uint64_t alarm_value;
};

static struct uring *uring_of(struct io *io)
{
    return (struct uring *)io;
}

static uint32_t power_of_two_from(uint32_t least)
{
    uint32_t power = 1;
    while (power < least)
        power *= 2;
    return power;
}

/* One line per holder of completions in flight. */
static uint32_t completions_for(const struct io *io)
{
    uint32_t sum = io->buffer_count;      /* multishot receive: one per filled buffer */
    sum += io->connections;               /* its end */
    sum += io->connections;               /* one send */
    sum += io->connections;               /* one cancel */
    sum += IO_LISTENERS_MAX * IO_BACKLOG; /* accepted, not yet reaped */
    sum += IO_LISTENERS_MAX;              /* the end of accept */
    sum += SHARDS_MAX;                    /* bells of the other loops, one each */
    sum += SHARDS_MAX;                    /* failed bells of our own */
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

/* Newest flags first; each rung does without one more thing that an older kernel may not know. */
struct rung {
    uint32_t flags;
    const char *name;
};

static const struct rung ladder[] = {
    {IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN |
            IORING_SETUP_SUBMIT_ALL,
        "io_uring"},
    {IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL,
        "io_uring without DEFER_TASKRUN"},
    {IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL,
        "io_uring without DEFER_TASKRUN and SINGLE_ISSUER"},
    {0, "io_uring without DEFER_TASKRUN, SINGLE_ISSUER, COOP_TASKRUN and SUBMIT_ALL"},
};

static int open_ring(struct uring *uring)
{
    int error = -EINVAL;
    uint32_t completions = completions_for(&uring->io);
    for (uint32_t i = 0; i < sizeof ladder / sizeof *ladder && error == -EINVAL; i++) {
        struct io_uring_params parameters = {
            .flags = ladder[i].flags | IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE |
                     IORING_SETUP_CLAMP,
            .cq_entries = completions,
        };
        error = io_uring_queue_init_params(SUBMISSIONS, &uring->ring, &parameters);
        uring->io.name = ladder[i].name;
        CHECK(error != 0 || parameters.cq_entries >= completions);
    }
    return error;
}

static int open_buffers(struct uring *uring)
{
    struct io *io = &uring->io;
    struct io_uring_buf_reg registration = {
        .ring_addr = (uint64_t)(uintptr_t)uring->buffer_ring,
        .ring_entries = io->buffer_count,
        .bgid = BUFFER_GROUP,
    };
    int error = io_uring_register_buf_ring(&uring->ring, &registration, 0);
    if (error != 0)
        return error;
    io_uring_buf_ring_init(uring->buffer_ring);
    io->buffers_out = io->buffer_count;
    for (uint32_t i = 0; i < io->buffer_count; i++)
        io_give_buffer(io, (uint16_t)i);
    return 0;
}

/* From here on the ring does what this file asks for, whoever gets hold of it, and nothing else.
 * The queues work as well without: a kernel that refuses is not asked again. */
static void restrict_ring(struct uring *uring)
{
    static const uint8_t operations[] = {IORING_OP_ACCEPT, IORING_OP_RECV, IORING_OP_SEND,
        IORING_OP_SENDMSG, IORING_OP_ASYNC_CANCEL, IORING_OP_READ, IORING_OP_WRITE,
        IORING_OP_MSG_RING};
    enum { OPERATIONS = sizeof operations };
    struct io_uring_restriction allowed[OPERATIONS + 3] = {
        {.opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED,
            .sqe_flags = IOSQE_BUFFER_SELECT | IOSQE_CQE_SKIP_SUCCESS},
        {.opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = IORING_REGISTER_RING_FDS},
        {.opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = IORING_UNREGISTER_RING_FDS},
    };
    for (uint32_t i = 0; i < OPERATIONS; i++)
        allowed[3 + i] = (struct io_uring_restriction){
            .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = operations[i]};
    io_uring_register(
        (unsigned)uring->ring.ring_fd, IORING_REGISTER_RESTRICTIONS, allowed, OPERATIONS + 3);
}

static struct io_uring_sqe *entry(struct uring *uring);

static void listen_to_alarm(struct uring *uring)
{
    struct io_uring_sqe *sqe = entry(uring);
    io_uring_prep_read(sqe, uring->io.alarm, &uring->alarm_value, sizeof uring->alarm_value, 0);
    sqe->user_data = pack((struct io_tag){.kind = IO_WAKE, .index = ALARM_INDEX});
}

static int uring_open(struct io *io, const char **reason)
{
    struct uring *uring = uring_of(io);
    *reason = "io_uring_setup";
    int error = open_ring(uring);
    if (error != 0)
        return error;
    *reason = "io_uring provided buffers (kernel 6.1 or newer)";
    error = open_buffers(uring);
    if (error != 0)
        return error;
    restrict_ring(uring);
    *reason = "io_uring_register (IORING_REGISTER_ENABLE_RINGS)";
    error = io_uring_register((unsigned)uring->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
    if (error != 0)
        return error;
    *reason = "eventfd";
    io->alarm = eventfd(0, EFD_CLOEXEC);
    if (io->alarm < 0)
        return -errno;
    /* A saving of one look-up per system call; a kernel without it serves as well. */
    io_uring_register_ring_fd(&uring->ring);
    listen_to_alarm(uring);
    return 0;
}

static void uring_close(struct io *io)
{
    struct uring *uring = uring_of(io);
    if (uring->ring.ring_fd >= 0)
        io_uring_queue_exit(&uring->ring);
    if (io->alarm >= 0)
        close(io->alarm);
    uring->ring.ring_fd = -1;
    io->alarm = -1;
}

/* A full queue is handed over early: everything in it is issued in order. */
static struct io_uring_sqe *entry(struct uring *uring)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);
    int result = 0;
    for (int tries = 0; sqe == NULL; tries++) {
        if (tries == HAND_OVERS_MAX)
            fatal("io_uring_enter takes no work: %s", strerror(-result));
        if (result < 0)
            sched_yield();
        result = io_uring_submit(&uring->ring);
        sqe = io_uring_get_sqe(&uring->ring);
    }
    return sqe;
}

static void uring_accept(struct io *io, int listening, struct io_tag tag)
{
    struct io_uring_sqe *sqe = entry(uring_of(io));
    io_uring_prep_multishot_accept(sqe, listening, NULL, NULL, SOCK_CLOEXEC);
    sqe->user_data = pack(tag);
}

static void uring_receive(struct io *io, int socket, bool once, struct io_tag tag)
{
    struct io_uring_sqe *sqe = entry(uring_of(io));
    if (once)
        io_uring_prep_recv(sqe, socket, NULL, IO_BUFFER_SIZE, 0);
    else
        io_uring_prep_recv_multishot(sqe, socket, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = BUFFER_GROUP;
    sqe->user_data = pack(tag);
}

static void uring_stop_receive(struct io *io, struct io_tag tag)
{
    struct io_tag cancel = {.kind = IO_CANCEL, .generation = tag.generation, .index = tag.index};
    struct io_uring_sqe *sqe = entry(uring_of(io));
    io_uring_prep_cancel64(sqe, pack(tag), 0);
    sqe->user_data = pack(cancel);
}

static void prepare_message(struct uring *uring, struct io_uring_sqe *sqe, int socket,
    const struct iovec *parts, uint32_t count)
{
    struct msghdr *message = &uring->messages[sqe - uring->ring.sq.sqes];
    *message = (struct msghdr){.msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = count};
    io_uring_prep_sendmsg(sqe, socket, message, MSG_NOSIGNAL);
}

static void uring_send(
    struct io *io, int socket, const struct iovec *parts, uint32_t count, struct io_tag tag)
{
    struct io_uring_sqe *sqe = entry(uring_of(io));
    if (count == 1)
        io_uring_prep_send(sqe, socket, parts->iov_base, parts->iov_len, MSG_NOSIGNAL);
    else
        prepare_message(uring_of(io), sqe, socket, parts, count);
    sqe->user_data = pack(tag);
}

static void uring_write(
    struct io *io, int file, const void *data, uint32_t size, uint64_t offset, struct io_tag tag)
{
    struct io_uring_sqe *sqe = entry(uring_of(io));
    io_uring_prep_write(sqe, file, data, size, offset);
    sqe->rw_flags = bug(BUG_WRITE_NOT_SYNCED) ? 0 : RWF_DSYNC;
    sqe->user_data = pack(tag);
}

/* Our own completion is skipped unless it fails; its index is then the other ring, to try again. */
static void bell(struct uring *uring, int ring_fd)
{
    struct io_tag own = {.kind = IO_BELL, .generation = 0, .index = (uint32_t)ring_fd};
    struct io_uring_sqe *sqe = entry(uring);
    io_uring_prep_msg_ring(sqe, ring_fd, 0, pack((struct io_tag){.kind = IO_WAKE}), 0);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe->user_data = pack(own);
}

static void uring_bell(struct io *io, const struct io *other)
{
    bell(uring_of(io), ((const struct uring *)other)->ring.ring_fd);
}

static void uring_give_buffer(struct io *io, uint16_t buffer)
{
    struct uring *uring = uring_of(io);
    io_uring_buf_ring_add(uring->buffer_ring, io->buffers + (uint64_t)buffer * IO_BUFFER_SIZE,
        IO_BUFFER_SIZE, buffer, io_uring_buf_ring_mask(io->buffer_count), 0);
    io_uring_buf_ring_advance(uring->buffer_ring, 1);
}

/* What the enter answers every day. */
static bool is_normal(int result)
{
    return result >= 0 || result == -ETIME || result == -EINTR || result == -EAGAIN ||
           result == -EBUSY;
}

static void uring_submit(struct io *io, uint64_t wait_ns, uint32_t completions)
{
    struct io_uring *ring = &uring_of(io)->ring;
    int result;
    if (wait_ns == 0) {
        result = io_uring_submit_and_get_events(ring);
    } else {
        struct io_uring_cqe *completion;
        struct __kernel_timespec timeout = {
            .tv_sec = (long long)(wait_ns / 1000000000U),
            .tv_nsec = (long long)(wait_ns % 1000000000U),
        };
        result = io_uring_submit_and_wait_timeout(ring, &completion, completions, &timeout, NULL);
    }
    if (!is_normal(result))
        fatal("io_uring_enter: %s", strerror(-result));
}

static void uring_get_rest(struct io *io)
{
    struct io_uring *ring = &uring_of(io)->ring;
    uint32_t seen = 0, ready = io_uring_cq_ready(ring);
    while (ready - seen >= EVENTS_AT_ONCE) {
        seen = ready;
        int result = io_uring_get_events(ring);
        if (!is_normal(result))
            fatal("io_uring_enter: %s", strerror(-result));
        ready = io_uring_cq_ready(ring);
    }
}

static void note_buffer(struct io *io, const struct io_uring_cqe *cqe, struct io_completion *out)
{
    out->buffer = (uint16_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
    CHECK(out->buffer < io->buffer_count);
    out->data = io->buffers + (uint64_t)out->buffer * IO_BUFFER_SIZE;
    io->buffers_out++;
}

static struct io_completion complete(struct uring *uring, const struct io_uring_cqe *cqe)
{
    struct io_completion out = {
        .tag = unpack(cqe->user_data),
        .result = cqe->res,
        .more = (cqe->flags & IORING_CQE_F_MORE) != 0,
        .buffer = IO_NO_BUFFER,
    };
    if (cqe->flags & IORING_CQE_F_BUFFER)
        note_buffer(&uring->io, cqe, &out);
    if (out.tag.kind == IO_WAKE && out.tag.index == ALARM_INDEX)
        listen_to_alarm(uring);
    if (out.tag.kind == IO_BELL && out.result == -EOVERFLOW)
        bell(uring, (int)out.tag.index);
    return out;
}

static uint32_t uring_reap(struct io *io, struct io_completion *completions, uint32_t room)
{
    struct uring *uring = uring_of(io);
    CHECK(!io_uring_cq_has_overflow(&uring->ring));
    struct io_uring_cqe *batch[COMPLETIONS_BATCH];
    uint32_t wanted = room < COMPLETIONS_BATCH ? room : COMPLETIONS_BATCH;
    uint32_t count = io_uring_peek_batch_cqe(&uring->ring, batch, wanted);
    for (uint32_t i = 0; i < count; i++)
        completions[i] = complete(uring, batch[i]);
    io_uring_cq_advance(&uring->ring, count);
    return count;
}

static const struct io_backend backend = {
    .open = uring_open,
    .close = uring_close,
    .accept = uring_accept,
    .receive = uring_receive,
    .stop_receive = uring_stop_receive,
    .send = uring_send,
    .write = uring_write,
    .bell = uring_bell,
    .give_buffer = uring_give_buffer,
    .submit = uring_submit,
    .get_rest = uring_get_rest,
    .reap = uring_reap,
};

struct io *io_create_uring(struct arena *arena, const struct io_options *options)
{
    struct uring *uring = arena_take(arena, "io", 1, sizeof *uring);
    *uring = (struct uring){.io = io_begin(arena, &backend, "io_uring", options)};
    uring->ring.ring_fd = -1;
    uring->messages = arena_take(arena, "io messages", SUBMISSIONS, sizeof *uring->messages);
    uring->buffer_ring = io_take_pages(
        arena, "io buffer ring", uring->io.buffer_count * sizeof(struct io_uring_buf));
    return &uring->io;
}
