/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that are refused, closed, dropped, told nonsense or left without a buffer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loadtest/buffers.h"
#include "tests/loadtest/stage.h"

static void a_token_that_is_refused_is_told(void **state)
{
    (void)state;
    static const char *const answers[] = {"-WRONGPASS no such token\r\n", "+OK\r\n+OK\r\n"};
    for (uint32_t at = 0; at < 2; at++) {
        stage_ask(0);
        stage_accept_until(at + 1);
        stage_take_question(at, strlen(stage_token_text));
        stage_say_text(at, answers[at]);
        stage_turn_until_heard(at + 1);
        assert_int_equal(stage.heard[0].event, TRANSPORT_GARBLED);
    }
}

static void a_lost_connection_is_told_and_made_again(void **state)
{
    (void)state;
    stage_bring(0, 0);
    stage_say_text(0, "+O");
    stage_turn();
    shutdown(stage.peer[0], SHUT_RDWR);
    stage_turn_until_heard(1);
    assert_int_equal(stage.heard[0].event, TRANSPORT_LOST);
    assert_int_equal(stage.heard[0].reason, ECONNRESET);
    stage_bring(0, 1);
    stage_say_text(1, "+OK\r\n");
    stage_turn_until_heard(2);
    stage_check_done(0);
}

static void a_server_may_close_what_is_idle(void **state)
{
    (void)state;
    stage_bring(0, 0);
    stage_say_text(0, "+OK\r\n");
    stage_turn_until_heard(1);
    shutdown(stage.peer[0], SHUT_RDWR);
    stage_turn();
    stage_turn();
    assert_int_equal(stage.heard_count, 1);
    stage_bring(0, 1);
    stage_say_text(1, "+OK\r\n");
    stage_turn_until_heard(2);
    stage_check_done(0);
}

static void nobody_listens(void **state)
{
    (void)state;
    close(stage.listener);
    stage.listener = -1;
    stage_ask(0);
    assert_int_equal(stage.heard_count, 0);
    stage_turn_until_heard(1);
    assert_int_equal(stage.heard[0].event, TRANSPORT_LOST);
    assert_int_equal(stage.heard[0].reason, ECONNREFUSED);
}

/* Each on a connection of its own. */
static void check_garbled(const char *const *answers, uint32_t count)
{
    for (uint32_t at = 0; at < count; at++) {
        stage_bring(at, at);
        stage_say_text(at, answers[at]);
        stage_turn_until_heard(at + 1);
        assert_int_equal(stage.heard[at].event, TRANSPORT_GARBLED);
    }
}

static void wrong_bytes_are_told(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "HTTP/1.1 400 Bad Request\r\n\r\n", "+OK\r\n+OK\r\n", "+OK\n", "*2\r\n+OK\r\n?\r\n"};
    check_garbled(answers, 4);
}

static void bytes_that_nobody_asked_for_are_counted(void **state)
{
    (void)state;
    stage_bring(0, 0);
    stage_say_text(0, "+OK\r\n");
    stage_turn_until_heard(1);
    stage_say_text(0, "+OK\r\n");
    uint64_t end_ns = clock_now_ns() + STAGE_PATIENCE_NS;
    while (transport_numbers(stage.transport)->unasked == 0 && clock_now_ns() < end_ns)
        stage_turn();
    assert_int_equal(transport_numbers(stage.transport)->unasked, 1);
    assert_int_equal(stage.heard_count, 1);
    stage_bring(0, 1);
}

static void the_answer_to_what_was_dropped_is_not_heard(void **state)
{
    (void)state;
    stage_bring(0, 0);
    stage_say_text(0, "-LOADING not yet\r\n");
    transport_drop(stage.transport, 0);
    stage_bring(0, 1);
    assert_int_equal(stage.heard_count, 0);
    stage_say_text(1, "+OK\r\n");
    stage_turn_until_heard(1);
    stage_check_done(0);
}

static void what_is_dropped_before_it_is_connected_is_not_sent(void **state)
{
    (void)state;
    stage_ask(0);
    transport_drop(stage.transport, 0);
    transport_drop(stage.transport, 0);
    stage_ask(0);
    stage_accept_until(2);
    char byte;
    assert_int_equal(recv(stage.peer[0], &byte, 1, 0), 0);
    stage_take_clear(1);
    stage_say_text(1, "+OK\r\n");
    stage_turn_until_heard(1);
    stage_check_done(0);
}

/* Each waits for the rest of an answer that takes one of the largest buffers. */
static void who_finds_no_buffer_is_lost_and_the_others_are_not(void **state)
{
    (void)state;
    static char text[64 * 1024];
    size_t told = stage_long_answer(200, text, sizeof text);
    uint32_t count = BUFFERS_LARGE_COUNT + 2;
    struct question question = stage_long_question(1);
    assert_true(told > BUFFERS_MEDIUM_SIZE + 100);
    for (uint32_t connection = 0; connection < count; connection++) {
        assert_true(transport_ask(stage.transport, connection, &question));
        stage_accept_until(connection + 1);
        stage_say(connection, text, told - 1);
        for (uint32_t turns = 0; turns < 4; turns++)
            stage_turn();
    }
    stage_turn_until_heard(2);
    assert_int_equal(transport_numbers(stage.transport)->starved, 2);
    for (uint32_t peer = 0; peer < BUFFERS_LARGE_COUNT; peer++)
        stage_say(peer, text + told - 1, 1);
    stage_turn_until_heard(count);
    for (uint32_t connection = 0; connection < BUFFERS_LARGE_COUNT; connection++)
        stage_check_done(connection);
    assert_int_equal(stage.heard[count - 1].event, TRANSPORT_LOST);
    assert_int_equal(stage.heard[count - 1].reason, ENOBUFS);
}

static void a_server_may_close_after_each_answer(void **state)
{
    (void)state;
    for (uint32_t round = 1; round <= 3; round++) {
        stage_bring(0, round - 1);
        stage_say_text(round - 1, "HTTP/1.1 204 No Content\r\nConn");
        stage_turn();
        stage_say_text(round - 1, "ection: close\r\n\r\n");
        stage_turn_until_heard(round);
        stage_check_done(0);
    }
    assert_int_equal(transport_numbers(stage.transport)->connects, 3);
    assert_int_equal(transport_numbers(stage.transport)->losses, 0);
}

static void an_answer_of_http_that_has_too_much_or_no_length_is_garbled(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "HTTP/1.1 204 No Content\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab",
        "HTTP/1.0 204 No Content\r\n\r\n",
    };
    check_garbled(answers, 4);
}

static void an_answer_longer_than_the_largest_buffer_is_garbled(void **state)
{
    (void)state;
    static char piece[32 * 1024];
    memset(piece, ' ', sizeof piece);
    stage_bring(0, 0);
    stage_say_text(0, "HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n");
    for (uint32_t pieces = 0; pieces < 32 && stage.heard_count == 0; pieces++) {
        stage_say(0, piece, sizeof piece);
        stage_turn();
        stage_turn();
    }
    stage_turn_until_heard(1);
    assert_int_equal(stage.heard[0].event, TRANSPORT_GARBLED);
}

#define ON_HTTP_STAGE(test) cmocka_unit_test_setup_teardown(test, stage_open_http, stage_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_GUARDED_STAGE(a_token_that_is_refused_is_told),
        ON_STAGE(a_lost_connection_is_told_and_made_again),
        ON_STAGE(a_server_may_close_what_is_idle),
        ON_STAGE(nobody_listens),
        ON_STAGE(wrong_bytes_are_told),
        ON_STAGE(bytes_that_nobody_asked_for_are_counted),
        ON_STAGE(the_answer_to_what_was_dropped_is_not_heard),
        ON_STAGE(what_is_dropped_before_it_is_connected_is_not_sent),
        ON_STAGE(who_finds_no_buffer_is_lost_and_the_others_are_not),
        ON_HTTP_STAGE(a_server_may_close_after_each_answer),
        ON_HTTP_STAGE(an_answer_of_http_that_has_too_much_or_no_length_is_garbled),
        ON_HTTP_STAGE(an_answer_longer_than_the_largest_buffer_is_garbled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
