/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A question goes out at once, by a call that waits until the kernel has it. Answers are received
 * as epoll names their connections. Of the buffers only touched pages cost memory.
 */
#include "tests/races/wires.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "loadtest/clock.h"
#include "loadtest/descriptors.h"
#include "loadtest/writer.h"

/* Head and body of the largest request, and an order of 512 lines with long names. */
enum { ASKED_SIZE = 80 << 10, HEARD_SIZE = 512 << 10, BUFFERS_SIZE = ASKED_SIZE + HEARD_SIZE };

enum { EVENTS_MAX = 256, PATH_DEPTH_MAX = 8 };

static void give_up(const struct wire *wire, const char *why, int reason)
{
    fprintf(stderr, "races: %s: %s\n", why, strerror(reason));
    wire_tell(wire);
    exit(1);
}

void wires_open(struct wires *wires, const struct wires *beside, const char *url,
    const char *bearer, uint32_t count)
{
    *wires = (struct wires){.bearer = bearer, .count = count};
    wires->epoll = beside != NULL ? beside->epoll : epoll_create1(EPOLL_CLOEXEC);
    wires->wire = calloc(count, sizeof *wires->wire);
    wires->buffers = mmap(NULL, (size_t)count * BUFFERS_SIZE, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (wires->epoll < 0 || wires->wire == NULL || wires->buffers == MAP_FAILED ||
        endpoint_parse(&wires->endpoint, url) < 0 || json_open(&wires->json) < 0 ||
        descriptors_allow(count) < 0) {
        fprintf(stderr, "races: no room for %u connections\n", count);
        exit(1);
    }
    for (uint32_t i = 0; i < count; i++) {
        char *buffers = wires->buffers + (size_t)i * BUFFERS_SIZE;
        wires->wire[i] = (struct wire){
            .all = wires, .fd = -1, .asked = buffers, .heard = buffers + ASKED_SIZE};
    }
}

static void hang_up(struct wire *wire)
{
    if (wire->fd >= 0)
        close(wire->fd);
    wire->fd = -1;
}

void wires_close(struct wires *wires)
{
    for (uint32_t i = 0; i < wires->count; i++)
        hang_up(&wires->wire[i]);
    munmap(wires->buffers, (size_t)wires->count * BUFFERS_SIZE);
    free(wires->wire);
    json_close(&wires->json);
}

/* The code of a problem stands before its lines, so the first is the reply's own. */
static void take_code(struct wire *wire)
{
    static const char mark[] = "\"code\":\"";
    const struct reply *reply = &wire->reply;
    wire->code[0] = '\0';
    if (reply->status < 400)
        return;
    const char *found = memmem(reply->body, reply->body_size, mark, sizeof mark - 1);
    if (found == NULL)
        return;
    found += sizeof mark - 1;
    size_t left = (size_t)(reply->body + reply->body_size - found), size = 0;
    while (size < left && size + 1 < sizeof wire->code && found[size] != '"')
        size++;
    memcpy(wire->code, found, size);
    wire->code[size] = '\0';
}

/* The answer is whole. */
static void note(struct wire *wire)
{
    struct wires *all = wire->all;
    wire->heard_ns = clock_now_ns();
    wire->waiting = false;
    wire->status = wire->reply.status;
    wire->replayed = wire->reply.replayed;
    take_code(wire);
    if (wire->reply.closes)
        hang_up(wire);
    all->waiting--;
    all->heard_count++;
    if (all->parsed == wire)
        all->parsed = NULL;
    if (all->on_answer != NULL)
        all->on_answer(all->context, wire);
}

static void hear(struct wire *wire)
{
    ssize_t got = recv(
        wire->fd, wire->heard + wire->heard_size, HEARD_SIZE - wire->heard_size, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0 && !wire->waiting) {
        hang_up(wire); /* a server may close what is idle */
        return;
    }
    if (got <= 0)
        give_up(wire, "a connection was lost", got < 0 ? errno : ECONNRESET);
    wire->heard_size += (size_t)got;
    enum reply_result result = reply_parse(&wire->reply, wire->heard, wire->heard_size);
    if (!wire->waiting || result == REPLY_BROKEN || wire->heard_size == HEARD_SIZE ||
        (result == REPLY_COMPLETE && wire->reply.size < wire->heard_size))
        give_up(wire, "bytes that are no answer", EBADMSG);
    if (result == REPLY_COMPLETE)
        note(wire);
}

static void connect_wire(struct wire *wire)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = wire};
    int fd = endpoint_connect(&wire->all->endpoint, WIRES_PATIENCE_NS / 1000000);
    if (fd < 0)
        give_up(wire, "no connection", -fd);
    wire->fd = fd;
    if (epoll_ctl(wire->all->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        give_up(wire, "epoll", errno);
}

static void write_header(struct writer *writer, const char *name, const char *value)
{
    if (value != NULL)
        writer_format(writer, "%s: %s\r\n", name, value);
}

static void write_question(struct wire *wire, const struct question *question)
{
    struct writer writer = writer_over(wire->asked, ASKED_SIZE);
    writer_format(&writer, "%s %s HTTP/1.1\r\nHost: races\r\n", question->method, question->path);
    write_header(&writer, "X-Customer-Id", question->customer);
    write_header(&writer, "X-Role", question->role);
    write_header(&writer, "Idempotency-Key", question->key);
    if (wire->all->bearer != NULL)
        writer_format(&writer, "Authorization: Bearer %s\r\n", wire->all->bearer);
    if (question->body != NULL) {
        write_header(
            &writer, "Content-Type", question->type != NULL ? question->type : "application/json");
        writer_format(&writer, "Content-Length: %zu\r\n", strlen(question->body));
    }
    writer_text(&writer, "\r\n");
    if (question->body != NULL)
        writer_text(&writer, question->body);
    wire->asked_size = writer.size;
    if (writer.overflowed)
        give_up(wire, "a question is too long", EMSGSIZE);
}

void wire_ask(struct wire *wire, const struct question *question)
{
    if (wire->waiting)
        give_up(wire, "a wire was asked twice at once", EBUSY);
    write_question(wire, question);
    wire->waiting = true;
    wire->all->waiting++;
    if (wire->all->parsed == wire)
        wire->all->parsed = NULL;
    wire->heard_size = 0;
    wire->asked_ns = clock_now_ns();
    if (wire->fd < 0)
        connect_wire(wire);
    if (send(wire->fd, wire->asked, wire->asked_size, MSG_NOSIGNAL) != (ssize_t)wire->asked_size)
        give_up(wire, "a connection was lost", errno);
}

void wires_hear(struct wires *wires, int milliseconds)
{
    struct epoll_event event[EVENTS_MAX];
    int count = epoll_wait(wires->epoll, event, EVENTS_MAX, milliseconds);
    for (int i = 0; i < count; i++)
        hear(event[i].data.ptr);
}

void wires_settle(struct wires *wires)
{
    uint64_t heard = wires->heard_count, since_ns = clock_now_ns();
    while (wires->waiting > 0) {
        wires_hear(wires, 1000);
        uint64_t now_ns = clock_now_ns();
        if (wires->heard_count != heard) {
            heard = wires->heard_count;
            since_ns = now_ns;
        }
        for (uint32_t i = 0; now_ns - since_ns > WIRES_PATIENCE_NS && i < wires->count; i++) {
            if (wires->wire[i].waiting)
                give_up(&wires->wire[i], "no answer", ETIMEDOUT);
        }
    }
}

static int find(struct wire *wire, const char *path)
{
    struct json *json = &wire->all->json;
    const struct reply *reply = &wire->reply;
    if (wire->all->parsed != wire && !json_parse(json, reply->body, reply->body_size))
        return JSON_NONE;
    wire->all->parsed = wire;
    int at = JSON_ROOT;
    for (uint32_t depth = 0; depth < PATH_DEPTH_MAX && *path != '\0'; depth++) {
        char name[64] = {0};
        size_t size = strcspn(path, ".");
        if (size >= sizeof name)
            return JSON_NONE;
        memcpy(name, path, size);
        path += size + (path[size] == '.');
        if (name[0] >= '0' && name[0] <= '9') {
            long skip = strtol(name, NULL, 10);
            int array = at;
            at = json_first(json, array);
            while (skip-- > 0 && at != JSON_NONE)
                at = json_next(json, array, at);
        } else {
            at = json_member(json, at, name);
        }
    }
    return at;
}

int64_t wire_number(struct wire *wire, const char *path)
{
    int64_t number = -1;
    int at = find(wire, path);
    if (!json_integer(&wire->all->json, at, &number))
        return -1;
    return number;
}

bool wire_flag(struct wire *wire, const char *path)
{
    bool flag = false;
    int at = find(wire, path);
    return json_boolean(&wire->all->json, at, &flag) && flag;
}

const char *wire_text(struct wire *wire, const char *path, char *text, size_t capacity)
{
    int at = find(wire, path);
    if (!json_string(&wire->all->json, at, text, capacity))
        text[0] = '\0';
    return text;
}

void wire_tell(const struct wire *wire)
{
    fprintf(stderr, "    asked: %.*s\n", (int)wire->asked_size, wire->asked);
    if (wire->waiting)
        fprintf(stderr, "    no answer yet\n");
    else if (wire->status != 0)
        fprintf(stderr, "    heard: %d %s%.*s\n", wire->status, wire->replayed ? "(replayed) " : "",
            (int)wire->reply.body_size, wire->reply.body);
}
