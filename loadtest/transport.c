/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A question goes into the connection's own 2 KiB, or into a large buffer that is given back when
 * the kernel has sent it. Each connection has one receive standing for as long as it is open; an
 * answer that comes in one piece, as nearly all do, is read where the kernel put it.
 *
 * What can go wrong: a connection is refused, reset or closed by the server (LOST), the bytes are
 * no answer or more than one (GARBLED), bytes come unasked (counted), an errand of the kernel ends
 * after its connection was closed. The latter is known by the connection's generation, which moves
 * on with each close, and dropped.
 */
#include "loadtest/transport_parts.h"

#include "loadtest/clock.h"
#include "loadtest/facts_read.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Completions handed over before what they led to is sent: some 100 us of this thread's work. */
#define NEWS_MAX 64

/* Connections of one address of our own. Linux has 28,000 ports for each, looks for a free one in
 * half of them first, and takes a millisecond for it when few are left. */
#define PORTS_PER_SOURCE 4000

enum errand { ERRAND_CONNECT = 1, ERRAND_SEND, ERRAND_RECEIVE, ERRAND_FAIL, ERRAND_CANCEL };

_Static_assert(BUFFERS_COUNT < 1 << 12, "a buffer's number fits user_data");

/* user_data: errand 4 bits, buffer 12, generation 16, connection 32. */
static uint64_t errand_name(
    enum errand errand, uint16_t buffer, const struct slot *slot, uint32_t connection)
{
    return (uint64_t)errand << 60 | (uint64_t)(buffer & 0xfff) << 48 |
           (uint64_t)slot->generation << 32 | connection;
}

static void name_errand(struct io_uring_sqe *entry, enum errand errand, uint16_t buffer,
    const struct slot *slot, uint32_t connection)
{
    io_uring_sqe_set_data64(entry, errand_name(errand, buffer, slot, connection));
}

static char *small_of(struct transport *transport, uint32_t connection)
{
    return transport->small + (size_t)connection * TRANSPORT_SMALL_SIZE;
}

static void give_in(struct transport *transport, struct slot *slot)
{
    if (slot->in != BUFFERS_NONE)
        buffers_give(&transport->buffers, slot->in);
    slot->in = BUFFERS_NONE;
    slot->in_size = 0;
}

/* What was entered for this descriptor has to be with the kernel before another connection can get
 * its number. shutdown() ends what stands there; a connect has to be called off, by its name: by
 * its descriptor the kernel would look through all that stands anywhere. */
static void close_slot(struct transport *transport, uint32_t connection)
{
    struct slot *slot = &transport->slot[connection];
    if (slot->state == SLOT_CONNECTING) {
        struct io_uring_sqe *entry = ring_entry(&transport->ring);
        io_uring_prep_cancel64(
            entry, errand_name(ERRAND_CONNECT, BUFFERS_NONE, slot, connection), 0);
        entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
        name_errand(entry, ERRAND_CANCEL, BUFFERS_NONE, slot, connection);
    }
    slot->generation++;
    slot->waiting = false;
    give_in(transport, slot);
    if (slot->state == SLOT_CLOSED)
        return;
    io_uring_submit(&transport->ring.uring);
    shutdown(slot->fd, SHUT_RDWR);
    close(slot->fd);
    slot->state = SLOT_CLOSED;
    slot->fd = -1;
}

static void start_receive(struct transport *transport, uint32_t connection)
{
    struct slot *slot = &transport->slot[connection];
    struct io_uring_sqe *entry = ring_entry(&transport->ring);
    io_uring_prep_recv_multishot(entry, slot->fd, NULL, 0, 0);
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = RING_BUFFER_GROUP;
    name_errand(entry, ERRAND_RECEIVE, BUFFERS_NONE, slot, connection);
}

static void start_send(struct transport *transport, uint32_t connection)
{
    struct slot *slot = &transport->slot[connection];
    bool is_small = slot->out == BUFFERS_NONE;
    const char *data =
        is_small ? small_of(transport, connection) : buffers_data(&transport->buffers, slot->out);
    struct io_uring_sqe *entry = ring_entry(&transport->ring);
    io_uring_prep_send(entry, slot->fd, data, slot->out_size, MSG_WAITALL | MSG_NOSIGNAL);
    name_errand(entry, ERRAND_SEND, slot->out, slot, connection);
    if (is_small)
        entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
    slot->out = BUFFERS_NONE; /* the completion gives it back */
}

static void start_greeting(struct transport *transport, uint32_t connection)
{
    struct slot *slot = &transport->slot[connection];
    struct io_uring_sqe *entry = ring_entry(&transport->ring);
    io_uring_prep_send(
        entry, slot->fd, transport->greeting, transport->greeting_size, MSG_WAITALL | MSG_NOSIGNAL);
    name_errand(entry, ERRAND_SEND, BUFFERS_NONE, slot, connection);
    entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
    slot->greeted = 0;
}

/* The loss is heard with the next turn. */
static void fail_later(struct transport *transport, uint32_t connection, int reason)
{
    struct slot *slot = &transport->slot[connection];
    slot->reason = reason;
    struct io_uring_sqe *entry = ring_entry(&transport->ring);
    io_uring_prep_nop(entry);
    name_errand(entry, ERRAND_FAIL, BUFFERS_NONE, slot, connection);
}

static void start_connect(struct transport *transport, uint32_t connection)
{
    struct slot *slot = &transport->slot[connection];
    struct sockaddr *address = (struct sockaddr *)&transport->endpoint.address;
    int on = 1;
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        fail_later(transport, connection, errno);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    endpoint_bind(&transport->endpoint, fd, connection / PORTS_PER_SOURCE);
    slot->fd = fd;
    slot->state = SLOT_CONNECTING;
    transport->numbers.connects++;
    struct io_uring_sqe *entry = ring_entry(&transport->ring);
    io_uring_prep_connect(entry, fd, address, transport->endpoint.address_size);
    name_errand(entry, ERRAND_CONNECT, BUFFERS_NONE, slot, connection);
}

static bool keep_question(
    struct transport *transport, uint32_t connection, const struct writer *question)
{
    struct slot *slot = &transport->slot[connection];
    char *data = small_of(transport, connection);
    if (slot->out != BUFFERS_NONE)
        buffers_give(&transport->buffers, slot->out); /* it never got so far as to be sent */
    slot->out = BUFFERS_NONE;
    if (question->size > TRANSPORT_SMALL_SIZE) {
        slot->out = buffers_take(&transport->buffers, question->size);
        if (slot->out == BUFFERS_NONE)
            return false;
        data = buffers_data(&transport->buffers, slot->out);
    }
    memcpy(data, question->data, question->size);
    slot->out_size = (uint32_t)question->size;
    return true;
}

bool transport_ask(
    struct transport *transport, uint32_t connection, const struct question *question)
{
    struct slot *slot = &transport->slot[connection];
    assert(connection < transport->plan.connections && !slot->waiting);
    assert(protocol_can_ask(transport->plan.protocol, question));
    struct writer out = writer_over(transport->out, TRANSPORT_OUT_SIZE);
    struct writer body = writer_over(transport->body, TRANSPORT_BODY_SIZE);
    protocol_write(transport->plan.protocol, question, &transport->door, &out, &body);
    if (out.overflowed)
        return false;
    slot->waiting = true;
    slot->kind = question->kind;
    slot->scan = (struct protocol_scan){0};
    if (!keep_question(transport, connection, &out)) {
        transport->numbers.starved++;
        fail_later(transport, connection, ENOBUFS);
    } else if (slot->state == SLOT_OPEN) {
        start_send(transport, connection);
    } else {
        start_connect(transport, connection);
    }
    return true;
}

void transport_drop(struct transport *transport, uint32_t connection)
{
    close_slot(transport, connection);
}

static void tell(struct transport *transport, const struct transport_news *news)
{
    transport->plan.hear(transport->plan.context, news);
}

static void lose(struct transport *transport, uint32_t connection, int reason)
{
    bool waited = transport->slot[connection].waiting;
    close_slot(transport, connection);
    if (!waited)
        return; /* a server may close what is idle; the next question connects again */
    transport->numbers.losses++;
    tell(transport, &(struct transport_news){
                        .connection = connection, .event = TRANSPORT_LOST, .reason = reason});
}

/* Bytes that are in no buffer which closing gives back. */
static void garble(struct transport *transport, uint32_t connection, const char *data, size_t size,
    const char *why)
{
    struct facts *facts = &transport->facts;
    close_slot(transport, connection);
    facts_begin(facts, FACTS_WRONG, 0);
    facts->wrong = why;
    facts->text = data;
    facts->text_size = size;
    tell(transport, &(struct transport_news){
                        .connection = connection, .event = TRANSPORT_GARBLED, .facts = facts});
}

static void answer(struct transport *transport, uint32_t connection, const char *data, size_t size)
{
    struct slot *slot = &transport->slot[connection];
    bool closes = protocol_read(&transport->reader, slot->kind, data, size, &transport->facts);
    slot->waiting = false;
    if (closes)
        close_slot(transport, connection);
    tell(transport,
        &(struct transport_news){
            .connection = connection, .event = TRANSPORT_ANSWERED, .facts = &transport->facts});
}

/* Looks at all that has come of an answer. False when more has to come. */
static bool judge(struct transport *transport, uint32_t connection, const char *data, size_t size)
{
    struct slot *slot = &transport->slot[connection];
    switch (protocol_scan(transport->plan.protocol, &slot->scan, data, size)) {
    case PROTOCOL_INCOMPLETE:
        return false;
    case PROTOCOL_WHOLE:
        if (slot->scan.size == size)
            answer(transport, connection, data, size);
        else
            garble(transport, connection, data, size, "more bytes than the answer");
        return true;
    case PROTOCOL_BROKEN:
        break;
    }
    garble(transport, connection, data, size, "malformed");
    return true;
}

/* Room in slot->in for so many bytes more; a larger buffer takes over what has come. */
static bool make_room(struct transport *transport, struct slot *slot, size_t more)
{
    size_t wanted = slot->in_size + more;
    if (slot->in != BUFFERS_NONE && wanted <= buffers_size(slot->in))
        return true;
    uint16_t larger = buffers_take(&transport->buffers, wanted);
    if (larger == BUFFERS_NONE)
        return false;
    if (slot->in != BUFFERS_NONE) {
        memcpy(buffers_data(&transport->buffers, larger),
            buffers_data(&transport->buffers, slot->in), slot->in_size);
        buffers_give(&transport->buffers, slot->in);
    }
    slot->in = larger;
    return true;
}

static bool keep_piece(
    struct transport *transport, uint32_t connection, const char *data, size_t size)
{
    struct slot *slot = &transport->slot[connection];
    if (slot->in_size + size > BUFFERS_LARGE_SIZE) {
        garble(transport, connection, data, size, "too large");
        return false;
    }
    if (!make_room(transport, slot, size)) {
        transport->numbers.starved++;
        lose(transport, connection, ENOBUFS);
        return false;
    }
    memcpy(buffers_data(&transport->buffers, slot->in) + slot->in_size, data, size);
    slot->in_size += (uint32_t)size;
    return true;
}

/* The question follows when the token was taken. */
static void take_greeting(
    struct transport *transport, uint32_t connection, const char *data, size_t size)
{
    static const char taken[] = "+OK\r\n";
    struct slot *slot = &transport->slot[connection];
    size_t left = sizeof taken - 1 - slot->greeted;
    if (size > left || memcmp(data, taken + slot->greeted, size) != 0) {
        garble(transport, connection, data, size, "the token was not taken");
        return;
    }
    slot->greeted += (uint32_t)size;
    if (size < left)
        return;
    slot->state = SLOT_OPEN;
    start_send(transport, connection);
}

static void take_bytes(
    struct transport *transport, uint32_t connection, const char *data, size_t size)
{
    struct slot *slot = &transport->slot[connection];
    if (!slot->waiting) {
        transport->numbers.unasked++;
        close_slot(transport, connection);
        return;
    }
    if (slot->state == SLOT_GREETING) {
        take_greeting(transport, connection, data, size);
        return;
    }
    bool has_pieces = slot->in != BUFFERS_NONE;
    if (!has_pieces && judge(transport, connection, data, size))
        return;
    if (!keep_piece(transport, connection, data, size) || !has_pieces)
        return;
    /* The buffer outlives the connection's use of it: hear() may ask and close. */
    uint16_t in = slot->in;
    uint32_t in_size = slot->in_size;
    slot->in = BUFFERS_NONE;
    slot->in_size = 0;
    if (judge(transport, connection, buffers_data(&transport->buffers, in), in_size)) {
        buffers_give(&transport->buffers, in);
        return;
    }
    slot->in = in;
    slot->in_size = in_size;
}

static void after_connect(struct transport *transport, uint32_t connection, int result)
{
    if (result < 0) {
        lose(transport, connection, -result);
        return;
    }
    bool greets = transport->greeting_size > 0;
    transport->slot[connection].state = greets ? SLOT_GREETING : SLOT_OPEN;
    start_receive(transport, connection);
    if (greets)
        start_greeting(transport, connection);
    else
        start_send(transport, connection);
}

static void after_receive(
    struct transport *transport, uint32_t connection, const struct io_uring_cqe *completion)
{
    struct slot *slot = &transport->slot[connection];
    uint16_t generation = slot->generation;
    int result = completion->res;
    if (result > 0)
        take_bytes(transport, connection, ring_data(&transport->ring, completion), (size_t)result);
    if (slot->generation != generation || (completion->flags & IORING_CQE_F_MORE) != 0)
        return;
    if (result > 0 || result == -ENOBUFS)
        start_receive(transport, connection);
    else
        lose(transport, connection, result < 0 ? -result : ECONNRESET);
}

static void dispatch(struct transport *transport, const struct io_uring_cqe *completion)
{
    uint64_t name = completion->user_data;
    uint32_t connection = (uint32_t)name;
    uint16_t buffer = name >> 48 & 0xfff;
    struct slot *slot = &transport->slot[connection];
    bool is_present = slot->generation == (uint16_t)(name >> 32);
    switch ((enum errand)(name >> 60)) {
    case ERRAND_CONNECT:
        if (is_present)
            after_connect(transport, connection, completion->res);
        return;
    case ERRAND_SEND:
        if (buffer < BUFFERS_COUNT)
            buffers_give(&transport->buffers, buffer);
        if (is_present && completion->res < 0)
            lose(transport, connection, -completion->res);
        return;
    case ERRAND_RECEIVE:
        if (is_present)
            after_receive(transport, connection, completion);
        if ((completion->flags & IORING_CQE_F_BUFFER) != 0)
            ring_give(&transport->ring, completion);
        return;
    case ERRAND_FAIL:
        if (is_present)
            lose(transport, connection, slot->reason);
        return;
    case ERRAND_CANCEL:
        return;
    }
}

bool transport_turn(struct transport *transport, uint64_t wait_until_ns)
{
    uint64_t before_ns = clock_now_ns();
    uint64_t wait_ns = wait_until_ns > before_ns ? wait_until_ns - before_ns : 0;
    int result = ring_turn(&transport->ring, wait_ns);
    if (result < 0) {
        fprintf(stderr, "hotshelf-loadtest: io_uring_enter: %s\n", strerror(-result));
        return false;
    }
    transport->now_ns = clock_now_ns();
    transport->numbers.turns++;
    struct io_uring_cqe *completion;
    unsigned head;
    unsigned count = 0;
    io_uring_for_each_cqe(&transport->ring.uring, head, completion)
    {
        dispatch(transport, completion);
        if (++count == NEWS_MAX)
            break;
    }
    io_uring_cq_advance(&transport->ring.uring, count);
    return true;
}

uint64_t transport_now_ns(const struct transport *transport)
{
    return transport->now_ns;
}

const struct transport_numbers *transport_numbers(const struct transport *transport)
{
    return &transport->numbers;
}
