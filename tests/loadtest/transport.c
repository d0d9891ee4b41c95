/* SPDX-License-Identifier: Apache-2.0 */
/* Questions and answers beside a server that does what a test tells it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/socket.h>

#include "loadtest/ring.h"
#include "tests/loadtest/stage.h"

static void one_connection_asks_one_thing_after_another(void **state)
{
    (void)state;
    for (uint32_t round = 1; round <= 3; round++) {
        stage_bring(7, 0);
        assert_int_equal(stage.heard_count, round - 1);
        stage_say_text(0, "+OK\r\n");
        stage_turn_until_heard(round);
        stage_check_done(7);
    }
    assert_int_equal(transport_numbers(stage.transport)->connects, 1);
}

static void an_answer_comes_in_any_two_pieces(void **state)
{
    (void)state;
    static const char refusal[] = "-LINES A:sold_out:0 B:insufficient:3\r\n";
    uint32_t heard = 0;
    for (size_t cut = 1; cut < sizeof refusal - 1; cut++) {
        stage_bring(0, 0);
        stage_say(0, refusal, cut);
        stage_turn();
        stage_turn();
        assert_int_equal(stage.heard_count, heard);
        stage_say(0, refusal + cut, sizeof refusal - 1 - cut);
        stage_turn_until_heard(++heard);
        assert_int_equal(stage.heard[0].class, FACTS_REFUSED);
        assert_string_equal(stage.heard[0].code, "lines_refused");
        assert_int_equal(stage.heard[0].lines, 2);
    }
}

static void a_token_is_shown_before_the_first_question(void **state)
{
    (void)state;
    stage_ask(0);
    stage_accept_until(1);
    stage_take_question(0, strlen(stage_token_text));
    assert_memory_equal(stage.text, stage_token_text, strlen(stage_token_text));
    stage_say_text(0, "+O");
    stage_turn();
    stage_say_text(0, "K\r\n");
    for (uint32_t round = 1; round <= 2; round++) {
        stage_take_clear(0);
        stage_say_text(0, "+OK\r\n");
        stage_turn_until_heard(round);
        stage_check_done(0);
        stage_ask(0);
    }
}

static void all_connections_ask_in_one_turn(void **state)
{
    (void)state;
    for (uint32_t connection = 0; connection < STAGE_CONNECTIONS; connection++)
        stage_ask(connection);
    stage_accept_until(STAGE_CONNECTIONS);
    for (uint32_t peer = 0; peer < STAGE_CONNECTIONS; peer++) {
        stage_take_clear(peer);
        stage_say_text(peer, "+OK\r\n");
    }
    stage_turn_until_heard(STAGE_CONNECTIONS);
    for (uint32_t connection = 0; connection < STAGE_CONNECTIONS; connection++)
        stage_check_done(connection);
    assert_int_equal(transport_numbers(stage.transport)->losses, 0);
    assert_int_equal(transport_numbers(stage.transport)->starved, 0);
}

static void an_answer_may_lead_to_the_next_question(void **state)
{
    (void)state;
    stage.asks_again = true;
    stage_bring(0, 0);
    stage_say_text(0, "+O");
    stage_turn();
    stage_say_text(0, "K\r\n");
    stage_turn_until_heard(1);
    stage_take_clear(0);
    stage_say_text(0, "+OK\r\n");
    stage_turn_until_heard(2);
    stage_check_done(0);
}

static void the_largest_question_and_answer_come_whole(void **state)
{
    (void)state;
    static char text[128 * 1024];
    struct question question = stage_long_question(QUESTION_LOOK_MAX);
    size_t asked = strlen("*501\r\n$8\r\nHS.AVAIL\r\n") + QUESTION_LOOK_MAX * (5 + 62);
    size_t told = stage_long_answer(QUESTION_LOOK_MAX, text, sizeof text);
    for (uint32_t round = 1; round <= 60; round++) { /* more often than there are large buffers */
        assert_true(transport_ask(stage.transport, 0, &question));
        stage_accept_until(1);
        stage_take_question(0, asked);
        stage_say(0, text, told);
        stage_turn_until_heard(round);
        stage_check_done(0);
        assert_int_equal(stage.heard[0].lines, QUESTION_LOOK_MAX);
    }
    assert_int_equal(transport_numbers(stage.transport)->starved, 0);
}

static void more_comes_at_once_than_the_ring_has_buffers_for(void **state)
{
    (void)state;
    static char text[16 * 1024];
    struct question question = stage_long_question(1);
    size_t told = stage_long_answer(100, text, sizeof text);
    assert_true(told / RING_BUFFER_SIZE * STAGE_CONNECTIONS > RING_BUFFER_COUNT);
    for (uint32_t connection = 0; connection < STAGE_CONNECTIONS; connection++)
        assert_true(transport_ask(stage.transport, connection, &question));
    stage_accept_until(STAGE_CONNECTIONS);
    stage_turn();
    for (uint32_t peer = 0; peer < STAGE_CONNECTIONS; peer++)
        assert_int_equal(send(stage.peer[peer], text, told, MSG_NOSIGNAL), told);
    stage_turn_until_heard(STAGE_CONNECTIONS);
    for (uint32_t connection = 0; connection < STAGE_CONNECTIONS; connection++)
        stage_check_done(connection);
    assert_int_equal(transport_numbers(stage.transport)->starved, 0);
}

static void a_turn_without_news_ends_when_it_is_told_to(void **state)
{
    (void)state;
    uint64_t until_ns = clock_now_ns() + 5 * CLOCK_NS_PER_MS;
    assert_true(transport_turn(stage.transport, until_ns));
    assert_true(clock_now_ns() >= until_ns);
    assert_true(transport_turn(stage.transport, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STAGE(one_connection_asks_one_thing_after_another),
        ON_STAGE(an_answer_comes_in_any_two_pieces),
        ON_GUARDED_STAGE(a_token_is_shown_before_the_first_question),
        ON_STAGE(all_connections_ask_in_one_turn),
        ON_STAGE(an_answer_may_lead_to_the_next_question),
        ON_STAGE(the_largest_question_and_answer_come_whole),
        ON_STAGE(more_comes_at_once_than_the_ring_has_buffers_for),
        ON_STAGE(a_turn_without_news_ends_when_it_is_told_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
