/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage - a transport (over RESP, but for stage_open_http()) and, in the same thread, the server
 * that it asks: which does only what a test tells it to.
 *
 *     stage_ask(c)              connection c asks to clear a cart
 *     stage_accept_until(n)     turns until the server has accepted n connections: peer[0 .. n - 1]
 *     stage_take_..(p)          turns until the server has the whole question of peer p
 *     stage_bring(c, p)         all three: c asks, is accepted as peer p, and p has its question
 *     stage_say(p, bytes)       the server sends bytes to peer p
 *     stage_turn_until_heard(n) turns until n questions were answered or lost
 *
 * Ownership  One for the program, open during a test.
 * Threads    One.
 * Units      Bytes.
 * Errors     What does not happen within STAGE_PATIENCE_NS fails the test.
 * Cost       A system call or two a step.
 */
#ifndef HOTSHELF_TESTS_LOADTEST_STAGE_H
#define HOTSHELF_TESTS_LOADTEST_STAGE_H

#include "loadtest/clock.h"
#include "loadtest/transport.h"

enum { STAGE_CONNECTIONS = 1500, STAGE_TEXT_MAX = 64 * 1024 };

#define STAGE_PATIENCE_NS (20 * CLOCK_NS_PER_SECOND)

struct heard {
    enum transport_event event;
    int reason;
    enum facts_class class;
    char code[FACTS_CODE_SIZE];
    uint32_t lines;
};

/* Both sides. peer[n]: the server's end of what was accepted n-th. */
struct stage {
    struct transport *transport;
    enum protocol protocol;
    int listener;
    char path[64];
    uint32_t heard_count;
    struct heard heard[STAGE_CONNECTIONS];
    uint32_t peer_count;
    int peer[STAGE_CONNECTIONS];
    bool asks_again; /* hear() asks the same connection once more */
    char text[STAGE_TEXT_MAX];
};

extern struct stage stage;

extern const char stage_clear_text[]; /* in RESP */
extern const char stage_token_text[];

/* Fixtures of cmocka; the guarded one has to be shown a token. */
int stage_open(void **state);
int stage_open_guarded(void **state);
int stage_open_http(void **state);
int stage_close(void **state);

void stage_ask(uint32_t connection);
void stage_turn(void);
void stage_turn_until_heard(uint32_t count);
void stage_accept_until(uint32_t count);

/* So many bytes, into stage.text; or the question of stage_ask(). */
void stage_take_question(uint32_t peer, size_t size);
void stage_take_clear(uint32_t peer);
void stage_bring(uint32_t connection, uint32_t peer);

void stage_say(uint32_t peer, const char *text, size_t size);
void stage_say_text(uint32_t peer, const char *text);

/* The last answer on this connection was as asked. */
void stage_check_done(uint32_t connection);

/* An availability of so many SKUs, each of 60 bytes, and its answer. */
struct question stage_long_question(uint32_t count);
size_t stage_long_answer(uint32_t count, char *text, size_t capacity);

#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, stage_open, stage_close)
#define ON_GUARDED_STAGE(test)                                                                     \
    cmocka_unit_test_setup_teardown(test, stage_open_guarded, stage_close)

#endif
