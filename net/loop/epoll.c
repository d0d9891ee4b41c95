/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io.h over epoll, one set per loop, for kernels and containers that forbid io_uring.
 *
 * The happy path: a receive or accept asked for puts its socket into the set; io_submit asks the
 * set what is ready and lists those wires; io_reap walks the list, and only there, where there is
 * room for what comes of it, receives and accepts. A send is made at once and remembers its result.
 * So nothing is ever queued: each wire has one place for each thing that can have happened to it,
 * and completions cannot be lost. A durable write is the writer's (writer.h), who rings.
 *
 * The set is level-triggered: it tells again what is still so, hence nothing can be missed, and
 * what is ready and not waited for is taken out of the set, or it would be told for ever. One turn
 * per telling: one buffer of each ready socket, then the next round, so none starves the others.
 *
 * What can go wrong. A send that the socket does not take now waits with its first part alone,
 * since the others are the caller's only until io_submit: it then ends short, as sends may. No
 * buffer left: the receive ends with -ENOBUFS. A set that takes no more sockets ends the receive
 * or the send with its errno.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/check.h"
#include "net/io_backend.h"
#include "net/loop/writer.h"
#include "persist/fatal.h"

enum {
    ACCEPTS_AT_ONCE = 64, /* of one listener: one turn each */
    NS_PER_MS = 1000000,
};

#define WIRE_NONE 0xffffffffU /* of links */
#define ALARM_INDEX WIRE_NONE /* in the place of a wire's index */

/* A socket of the caller: a connection's by its index, then the listeners'. */
struct wire {
    int socket;
    uint32_t generation;
    uint32_t interest; /* what the set tells of it: all that is waited for, or more */
    uint32_t turns;    /* it was readable: so many receives or accepts, then it is asked again */
    uint32_t link;
    bool listed;
    bool used; /* socket and generation mean something */

    bool receiving; /* or accepting */
    bool once;
    bool stopping;       /* an IO_CANCEL is to be told */
    int32_t receive_end; /* with which the receive ends; 0: it goes on */

    bool parked;   /* a send that the socket did not take */
    bool writable; /* .. and takes now */
    bool sent;     /* an IO_SEND is to be told, with .. */
    int32_t send_result;
    struct iovec part; /* what of it waits */
};

struct loop {
    struct io io;
    int set;
    struct wire *wires;   /* connections, then IO_LISTENERS_MAX listeners */
    uint32_t first, last; /* listed: something may have happened to them */
    uint16_t *free_buffers;
    uint32_t free_count;
    bool woken;
    bool skipped; /* the last io_submit made no system call */
    struct writer writer;
    struct io_tag write_tag;
    void *writer_stack;
    struct epoll_event *events; /* of each wire and the alarm: whoever is ready is seen */
    uint32_t events_max;
};

static struct loop *loop_of(struct io *io)
{
    return (struct loop *)io;
}

static bool is_listener(const struct loop *loop, uint32_t index)
{
    return index >= loop->io.connections;
}

static enum io_kind kind_of(const struct loop *loop, uint32_t index)
{
    return is_listener(loop, index) ? IO_ACCEPT : IO_RECEIVE;
}

static void list(struct loop *loop, uint32_t index)
{
    struct wire *wire = &loop->wires[index];
    if (wire->listed)
        return;
    wire->listed = true;
    wire->link = WIRE_NONE;
    if (loop->last == WIRE_NONE)
        loop->first = index;
    else
        loop->wires[loop->last].link = index;
    loop->last = index;
}

static struct wire *unlist(struct loop *loop, uint32_t *index)
{
    *index = loop->first;
    if (*index == WIRE_NONE)
        return NULL;
    struct wire *wire = &loop->wires[*index];
    CHECK(wire->listed);
    wire->listed = false;
    loop->first = wire->link;
    if (loop->first == WIRE_NONE)
        loop->last = WIRE_NONE;
    return wire;
}

static uint32_t waited_for(const struct wire *wire)
{
    return (wire->receiving ? EPOLLIN : 0U) | (wire->parked ? EPOLLOUT : 0U);
}

static int set_interest(struct loop *loop, uint32_t index, uint32_t interest)
{
    struct wire *wire = &loop->wires[index];
    if (wire->interest == interest)
        return 0;
    struct epoll_event event = {
        .events = interest, .data.u64 = (uint64_t)wire->generation << 32 | index};
    int operation = EPOLL_CTL_MOD;
    if (wire->interest == 0)
        operation = EPOLL_CTL_ADD;
    else if (interest == 0)
        operation = EPOLL_CTL_DEL;
    if (epoll_ctl(loop->set, operation, wire->socket, &event) != 0)
        return -errno;
    wire->interest = interest;
    return 0;
}

/* The wire of a slot. A new generation is a new socket; closing took the old one out of the set. */
static struct wire *wire_of(struct loop *loop, int socket, uint32_t index, uint32_t generation)
{
    struct wire *wire = &loop->wires[index];
    if (wire->used && wire->generation == generation) {
        CHECK(wire->socket == socket);
        return wire;
    }
    CHECK(!wire->receiving);
    CHECK(!wire->stopping);
    CHECK(!wire->parked);
    CHECK(!wire->sent);
    *wire = (struct wire){
        .socket = socket,
        .generation = generation,
        .link = wire->link,
        .listed = wire->listed,
        .used = true,
    };
    return wire;
}

static void await_input(struct loop *loop, struct wire *wire, uint32_t index)
{
    wire->receiving = true;
    wire->receive_end = set_interest(loop, index, wire->interest | EPOLLIN);
    if (wire->receive_end != 0)
        list(loop, index);
}

static void epoll_accept(struct io *io, int listening, struct io_tag tag)
{
    struct loop *loop = loop_of(io);
    uint32_t index = io->connections + tag.index;
    struct wire *wire = wire_of(loop, listening, index, tag.generation);
    CHECK(!wire->receiving);
    /* Another loop that shares it may be quicker: nobody must wait in accept(). */
    fcntl(listening, F_SETFL, fcntl(listening, F_GETFL) | O_NONBLOCK);
    await_input(loop, wire, index);
}

static void epoll_receive(struct io *io, int socket, bool once, struct io_tag tag)
{
    struct loop *loop = loop_of(io);
    struct wire *wire = wire_of(loop, socket, tag.index, tag.generation);
    CHECK(!wire->receiving);
    wire->once = once;
    await_input(loop, wire, tag.index);
}

/* It may have ended meanwhile: then the caller is told that there was nothing to stop. */
static void epoll_stop_receive(struct io *io, struct io_tag tag)
{
    struct loop *loop = loop_of(io);
    struct wire *wire = &loop->wires[tag.index];
    CHECK(wire->used);
    CHECK(wire->generation == tag.generation);
    CHECK(!wire->stopping);
    wire->stopping = true;
    list(loop, tag.index);
}

static void end_send(struct loop *loop, struct wire *wire, uint32_t index, int32_t result)
{
    wire->parked = false;
    wire->writable = false;
    wire->sent = true;
    wire->send_result = result;
    list(loop, index);
}

static int32_t try_send(const struct wire *wire, const struct iovec *parts, uint32_t count)
{
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = count};
    ssize_t result = count == 1 ? send(wire->socket, parts->iov_base, parts->iov_len,
                                      MSG_NOSIGNAL | MSG_DONTWAIT)
                                : sendmsg(wire->socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    return result < 0 ? -errno : (int32_t)result;
}

static void epoll_send(
    struct io *io, int socket, const struct iovec *parts, uint32_t count, struct io_tag tag)
{
    struct loop *loop = loop_of(io);
    struct wire *wire = wire_of(loop, socket, tag.index, tag.generation);
    CHECK(!wire->parked);
    CHECK(!wire->sent);
    int32_t result = try_send(wire, parts, count);
    if (result == -EAGAIN) {
        wire->parked = true;
        wire->part = parts[0];
        result = set_interest(loop, tag.index, wire->interest | EPOLLOUT);
        if (result == 0)
            return;
    }
    end_send(loop, wire, tag.index, result);
}

static void epoll_write(
    struct io *io, int file, const void *data, uint32_t size, uint64_t offset, struct io_tag tag)
{
    struct loop *loop = loop_of(io);
    loop->write_tag = tag;
    writer_write(&loop->writer, file, data, size, offset);
}

static void epoll_bell(struct io *io, const struct io *other)
{
    (void)io;
    io_alarm(other);
}

static void epoll_give_buffer(struct io *io, uint16_t buffer)
{
    struct loop *loop = loop_of(io);
    CHECK(loop->free_count < io->buffer_count);
    loop->free_buffers[loop->free_count++] = buffer;
}

/* What the set has told. Of a socket that has failed or hung up it tells whatever was asked, so
 * both who receives and who sends look. */
static void note(struct loop *loop, const struct epoll_event *event)
{
    uint32_t index = (uint32_t)event->data.u64;
    if (index == ALARM_INDEX) {
        loop->woken = true;
        return;
    }
    struct wire *wire = &loop->wires[index];
    CHECK(wire->generation == (uint32_t)(event->data.u64 >> 32));
    bool over = (event->events & (EPOLLHUP | EPOLLERR)) != 0;
    if (wire->receiving && (over || event->events & EPOLLIN))
        wire->turns = is_listener(loop, index) ? ACCEPTS_AT_ONCE : 1;
    if (wire->parked && (over || event->events & EPOLLOUT))
        wire->writable = true;
    if (wire->turns > 0 || wire->writable)
        list(loop, index);
    uint32_t waited = waited_for(wire);
    if (waited == 0 || (event->events & ~waited & (EPOLLIN | EPOLLOUT)) != 0) {
        int error = set_interest(loop, index, waited);
        CHECK(error == 0);
    }
}

/* Those that have news already are told first, mostly ends of sends; then the set is asked. */
static void epoll_submit(struct io *io, uint64_t wait_ns, uint32_t completions)
{
    struct loop *loop = loop_of(io);
    bool news = loop->first != WIRE_NONE || loop->woken || writer_is_done(&loop->writer);
    loop->skipped = news && !loop->skipped;
    if (loop->skipped)
        return;
    int wait_ms = news || completions > 1 ? 0 : (int)((wait_ns + NS_PER_MS - 1) / NS_PER_MS);
    int count = epoll_wait(loop->set, loop->events, (int)loop->events_max, wait_ms);
    if (count < 0 && errno != EINTR)
        fatal("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < count; i++)
        note(loop, &loop->events[i]);
}

static struct io_completion completion_of(
    const struct loop *loop, uint32_t index, enum io_kind kind, int32_t result)
{
    uint32_t own = is_listener(loop, index) ? index - loop->io.connections : index;
    return (struct io_completion){
        .tag = {.kind = kind, .generation = loop->wires[index].generation, .index = own},
        .result = result,
        .buffer = IO_NO_BUFFER,
    };
}

static bool accept_one(struct loop *loop, uint32_t index, struct io_completion *out)
{
    struct wire *wire = &loop->wires[index];
    int socket = accept4(wire->socket, NULL, NULL, SOCK_CLOEXEC);
    int32_t result = socket < 0 ? -errno : socket;
    if (result == -EAGAIN)
        wire->turns = 0;
    /* A client that is gone again, before anybody had seen him. */
    if (result == -EAGAIN || result == -EINTR || result == -ECONNABORTED)
        return false;
    wire->receiving = result >= 0;
    *out = completion_of(loop, index, IO_ACCEPT, result);
    out->more = wire->receiving;
    return true;
}

static bool receive_one(struct loop *loop, uint32_t index, struct io_completion *out)
{
    struct io *io = &loop->io;
    struct wire *wire = &loop->wires[index];
    int32_t result = -ENOBUFS;
    uint16_t buffer = IO_NO_BUFFER;
    if (loop->free_count > 0) {
        buffer = loop->free_buffers[loop->free_count - 1];
        uint8_t *data = io->buffers + (uint64_t)buffer * IO_BUFFER_SIZE;
        ssize_t size = recv(wire->socket, data, IO_BUFFER_SIZE, MSG_DONTWAIT);
        result = size < 0 ? -errno : (int32_t)size;
    }
    if (result == -EAGAIN || result == -EINTR)
        return false;
    wire->receiving = result > 0 && !wire->once;
    *out = completion_of(loop, index, IO_RECEIVE, result);
    out->more = wire->receiving;
    if (result > 0) {
        loop->free_count--;
        io->buffers_out++;
        out->buffer = buffer;
        out->data = io->buffers + (uint64_t)buffer * IO_BUFFER_SIZE;
    }
    return true;
}

/* The next thing that has happened to a wire; false: nothing, for now. */
static bool tell(struct loop *loop, uint32_t index, struct io_completion *out)
{
    struct wire *wire = &loop->wires[index];
    if (wire->sent) {
        wire->sent = false;
        *out = completion_of(loop, index, IO_SEND, wire->send_result);
        return true;
    }
    if (wire->stopping) {
        wire->stopping = false;
        *out = completion_of(loop, index, IO_CANCEL, wire->receiving ? 0 : -ENOENT);
        if (wire->receiving && wire->receive_end == 0)
            wire->receive_end = -ECANCELED;
        return true;
    }
    if (wire->receive_end != 0) {
        *out = completion_of(loop, index, kind_of(loop, index), wire->receive_end);
        wire->receiving = false;
        wire->receive_end = 0;
        return true;
    }
    while (wire->receiving && wire->turns > 0) {
        wire->turns--;
        if (is_listener(loop, index) ? accept_one(loop, index, out) : receive_one(loop, index, out))
            return true;
    }
    wire->turns = 0;
    return false;
}

static void try_parked(struct loop *loop, uint32_t index)
{
    struct wire *wire = &loop->wires[index];
    wire->writable = false;
    int32_t result = try_send(wire, &wire->part, 1);
    if (result != -EAGAIN)
        end_send(loop, wire, index, result);
}

static uint32_t reap_wires(struct loop *loop, struct io_completion *completions, uint32_t room)
{
    uint32_t count = 0, index = WIRE_NONE;
    while (count < room && unlist(loop, &index) != NULL) {
        struct wire *wire = &loop->wires[index];
        if (wire->parked && wire->writable)
            try_parked(loop, index);
        while (count < room && tell(loop, index, &completions[count]))
            count++;
        if (count == room)
            list(loop, index); /* there may be more of it */
    }
    return count;
}

static uint32_t epoll_reap(struct io *io, struct io_completion *completions, uint32_t room)
{
    struct loop *loop = loop_of(io);
    uint32_t count = 0;
    int32_t result;
    if (count < room && writer_take(&loop->writer, &result))
        completions[count++] = (struct io_completion){
            .tag = loop->write_tag, .result = result, .buffer = IO_NO_BUFFER};
    if (count < room && loop->woken) {
        loop->woken = false;
        completions[count++] =
            (struct io_completion){.tag = {.kind = IO_WAKE}, .buffer = IO_NO_BUFFER};
    }
    return count + reap_wires(loop, completions + count, room - count);
}

/* Edge-triggered, alone: each ring is told once, and nobody has to read it. */
static int listen_to_alarm(struct loop *loop)
{
    loop->io.alarm = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->io.alarm < 0)
        return -errno;
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = ALARM_INDEX};
    return epoll_ctl(loop->set, EPOLL_CTL_ADD, loop->io.alarm, &event) == 0 ? 0 : -errno;
}

static int epoll_open(struct io *io, const char **reason)
{
    struct loop *loop = loop_of(io);
    *reason = "epoll_create";
    loop->set = epoll_create1(EPOLL_CLOEXEC);
    if (loop->set < 0)
        return -errno;
    *reason = "eventfd";
    int error = listen_to_alarm(loop);
    if (error != 0)
        return error;
    *reason = "the thread that writes the journal";
    return writer_open(&loop->writer, loop->writer_stack, io->alarm);
}

static void epoll_end(struct io *io)
{
    struct loop *loop = loop_of(io);
    writer_close(&loop->writer);
    if (loop->set >= 0)
        close(loop->set);
    if (io->alarm >= 0)
        close(io->alarm);
    loop->set = -1;
    io->alarm = -1;
}

static const struct io_backend backend = {
    .open = epoll_open,
    .close = epoll_end,
    .accept = epoll_accept,
    .receive = epoll_receive,
    .stop_receive = epoll_stop_receive,
    .send = epoll_send,
    .write = epoll_write,
    .bell = epoll_bell,
    .give_buffer = epoll_give_buffer,
    .submit = epoll_submit,
    .reap = epoll_reap,
};

struct io *io_create_epoll(struct arena *arena, const struct io_options *options)
{
    struct loop *loop = arena_take(arena, "io", 1, sizeof *loop);
    *loop = (struct loop){.io = io_begin(arena, &backend, "epoll", options)};
    loop->set = -1;
    loop->first = loop->last = WIRE_NONE;
    uint32_t wires = options->connections + IO_LISTENERS_MAX;
    loop->wires = arena_take(arena, "io wires", wires, sizeof *loop->wires);
    loop->events_max = wires + 1;
    loop->events = arena_take(arena, "io events", loop->events_max, sizeof *loop->events);
    loop->free_count = loop->io.buffer_count;
    loop->free_buffers =
        arena_take(arena, "io free buffers", loop->free_count, sizeof *loop->free_buffers);
    /* Backwards: the first buffers are the first to be used. */
    for (uint32_t i = 0; i < loop->free_count; i++)
        loop->free_buffers[i] = (uint16_t)(loop->free_count - 1 - i);
    loop->writer_stack = io_take_pages(arena, "io writer stacks", WRITER_STACK_SIZE);
    return &loop->io;
}
