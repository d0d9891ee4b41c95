/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wires - many keep-alive connections to one listener, driven by one thread: a question on each,
 * all on their way at once.
 *
 *     wire_ask(a, ..), wire_ask(b, ..), ..     sent as they are asked
 *     wires_settle()                           until every question is answered
 *     wires_hear()                             or answer by answer, through `on_answer`
 *
 * Both moments of a question are taken on this side: before its first byte is sent, and after its
 * answer was received. What the server did lies between them.
 *
 * The crowd's transport (loadtest/transport.h) is no help here: a race asks what no visitor would,
 * of the admin too, wants the answer to stand, and has to run where io_uring is forbidden.
 *
 * Ownership  wires_open() takes memory and sockets until wires_close(). An answer stands until the
 *            next question on its wire; what wire_number() and wire_text() look at is parsed anew
 *            when another wire was looked at in between.
 * Threads    One.
 * Units      Nanoseconds of CLOCK_MONOTONIC.
 * Errors     A connection that is lost, or an answer that does not come within WIRES_PATIENCE_NS,
 *            ends the process with a line on stderr: in a race everybody is answered.
 * Cost       Two to three system calls a question.
 */
#ifndef HOTSHELF_TESTS_RACES_WIRES_H
#define HOTSHELF_TESTS_RACES_WIRES_H

#include <stdbool.h>
#include <stdint.h>

#include "loadtest/endpoint.h"
#include "loadtest/json.h"
#include "loadtest/reply.h"

#define WIRES_PATIENCE_NS UINT64_C(60000000000)

enum { WIRE_CODE_SIZE = 48 };

/* NULL leaves a header out; a body without a type is JSON. */
struct question {
    const char *method, *path;
    const char *customer, *role, *key, *type;
    const char *body;
};

struct wires;

struct wire {
    struct wires *all;
    int fd;      /* -1: its next question connects */
    char *asked; /* the question as it was sent */
    char *heard; /* the answer as it came */
    size_t asked_size, heard_size;
    struct reply reply; /* points into `heard` */
    uint64_t asked_ns, heard_ns;
    bool waiting;
    int status;
    bool replayed;
    char code[WIRE_CODE_SIZE]; /* of an error's body; else empty */
    void *owner;               /* the asker's */
};

struct wires {
    struct endpoint endpoint;
    const char *bearer;
    int epoll;
    uint32_t count;
    uint32_t waiting;
    struct wire *wire;
    char *buffers;
    struct json json;
    const struct wire *parsed;
    uint64_t heard_count;
    void (*on_answer)(void *context, struct wire *wire);
    void *context;
};

/* `beside` NULL, or other wires: then hearing either hears both. */
void wires_open(struct wires *wires, const struct wires *beside, const char *url,
    const char *bearer, uint32_t count);
void wires_close(struct wires *wires);

void wire_ask(struct wire *wire, const struct question *question);

/* Handles what has arrived, waiting at most so long for it. */
void wires_hear(struct wires *wires, int milliseconds);
/* Until no wire waits for an answer. */
void wires_settle(struct wires *wires);

/* Members of the answer, by a path of names with dots: "lines.0.code". -1, "" and false when
 * absent. */
int64_t wire_number(struct wire *wire, const char *path);
bool wire_flag(struct wire *wire, const char *path);
const char *wire_text(struct wire *wire, const char *path, char *text, size_t capacity);

/* Question and answer, for a person. */
void wire_tell(const struct wire *wire);

#endif
