/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport - thousands of keep-alive connections to one server, in one thread: a question on each,
 * and its answer.
 *
 *     transport_ask(connection, question)      written now, sent with the next turn
 *     transport_turn(wait_until_ns)            sends, waits, hands over what has come
 *         hear(ANSWERED, facts)                the answer; the connection is free again
 *         hear(LOST, reason)                   refused, reset, closed, out of buffers: ask again
 *         hear(GARBLED, facts->text)           bytes that are no answer; the connection is closed
 *     transport_drop(connection)               the answer is no longer waited for
 *
 * A connection is made by its first question, and again by the first one after a loss. It asks one
 * thing at a time. hear() is called in a turn only, never by transport_ask(), and may ask and drop
 * at will. A question is not kept: who wants it sent again asks it again.
 *
 * Ownership  transport_open() takes all memory, transport_close() gives it back. A connection is a
 *            number below plan.connections. Facts: see facts.h.
 * Threads    The one that opened it.
 * Units      Nanoseconds of CLOCK_MONOTONIC, bytes.
 * Errors     transport_open(): NULL after one line on stderr. transport_turn(): false after one
 *            line on stderr, when the ring itself fails. All else is heard.
 * Cost       One system call a turn, for all questions of the turn together. Memory: about 2.2 KiB
 *            a connection, and 40 MiB at most for all large questions and answers.
 */
#ifndef HOTSHELF_LOADTEST_TRANSPORT_H
#define HOTSHELF_LOADTEST_TRANSPORT_H

#include "loadtest/facts.h"
#include "loadtest/protocol.h"
#include "loadtest/question.h"

enum transport_event { TRANSPORT_ANSWERED, TRANSPORT_LOST, TRANSPORT_GARBLED };

struct transport_news {
    uint32_t connection;
    enum transport_event event;
    int reason;                /* LOST: an errno */
    const struct facts *facts; /* ANSWERED; GARBLED: its text alone */
};

struct transport_plan {
    enum protocol protocol;
    const char *url;   /* http://HOST:PORT, HOST:PORT or unix:PATH */
    const char *token; /* of a back end that acts for all; NULL: none is asked for */
    uint32_t connections;
    void (*hear)(void *context, const struct transport_news *news);
    void *context;
};

/* What it did so far. */
struct transport_numbers {
    uint64_t turns;
    uint64_t connects;
    uint64_t losses;
    uint64_t unasked; /* times that a server sent bytes that nobody had asked for */
    uint64_t starved; /* questions and answers lost for want of a large buffer: our limit */
};

struct transport;

struct transport *transport_open(const struct transport_plan *plan);
void transport_close(struct transport *transport);

/* False when the question is larger than the server takes any; a connection that still waits for an
 * answer, or a question that protocol_can_ask() denies, is a bug of the caller. */
bool transport_ask(
    struct transport *transport, uint32_t connection, const struct question *question);

void transport_drop(struct transport *transport, uint32_t connection);

/* Sends what was asked, waits for the first news or until the moment (0: not at all), hands over
 * what there is, a bounded number at once. */
bool transport_turn(struct transport *transport, uint64_t wait_until_ns);

/* When the present turn began to hand over: now, for who can do with tens of microseconds. */
uint64_t transport_now_ns(const struct transport *transport);

const struct transport_numbers *transport_numbers(const struct transport *transport);

#endif
