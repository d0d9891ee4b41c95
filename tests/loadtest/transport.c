/* SPDX-License-Identifier: Apache-2.0 */
/* Connections beside a server that does what a test tells it, in the same thread. */
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
#include <sys/un.h>
#include <unistd.h>

#include "loadtest/buffers.h"
#include "loadtest/clock.h"
#include "loadtest/transport.h"

enum { CONNECTIONS = 1500, TEXT_MAX = 64 * 1024 };

#define PATIENCE_NS (20 * CLOCK_NS_PER_SECOND)

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
    int listener;
    char path[64];
    uint32_t heard_count;
    struct heard heard[CONNECTIONS];
    uint32_t peer_count;
    int peer[CONNECTIONS];
    bool asks_again; /* hear() asks the same connection once more */
    char text[TEXT_MAX];
};

static struct stage stage;

static void ask(uint32_t connection)
{
    struct question question = {.kind = QUESTION_CART_CLEAR, .customer = "ann"};
    assert_true(transport_ask(stage.transport, connection, &question));
}

static void hear(void *context, const struct transport_news *news)
{
    struct heard *heard = &stage.heard[news->connection];
    assert_ptr_equal(context, &stage);
    *heard = (struct heard){.event = news->event, .reason = news->reason};
    if (news->event == TRANSPORT_ANSWERED) {
        heard->class = news->facts->class;
        heard->lines = news->facts->line_count;
        memcpy(heard->code, news->facts->code, sizeof heard->code);
    }
    stage.heard_count++;
    if (stage.asks_again) {
        stage.asks_again = false;
        ask(news->connection);
    }
}

static void open_listener(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(stage.path, sizeof stage.path, "/tmp/transport-%d.sock", (int)getpid());
    memcpy(address.sun_path, stage.path, strlen(stage.path));
    unlink(stage.path);
    stage.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(stage.listener >= 0);
    assert_int_equal(bind(stage.listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(stage.listener, CONNECTIONS), 0);
}

static int open_stage(void **state)
{
    (void)state;
    stage = (struct stage){0};
    open_listener();
    char url[80];
    snprintf(url, sizeof url, "unix:%s", stage.path);
    struct transport_plan plan = {.protocol = PROTOCOL_RESP,
        .url = url,
        .connections = CONNECTIONS,
        .hear = hear,
        .context = &stage};
    stage.transport = transport_open(&plan);
    assert_non_null(stage.transport);
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    transport_close(stage.transport);
    for (uint32_t at = 0; at < stage.peer_count; at++)
        close(stage.peer[at]);
    close(stage.listener);
    unlink(stage.path);
    return 0;
}

static void turn(void)
{
    assert_true(transport_turn(stage.transport, clock_now_ns() + CLOCK_NS_PER_MS));
}

static void turn_until_heard(uint32_t count)
{
    uint64_t end_ns = clock_now_ns() + PATIENCE_NS;
    while (stage.heard_count < count && clock_now_ns() < end_ns)
        turn();
    assert_int_equal(stage.heard_count, count);
}

static void accept_until(uint32_t count)
{
    uint64_t end_ns = clock_now_ns() + PATIENCE_NS;
    while (stage.peer_count < count && clock_now_ns() < end_ns) {
        turn();
        int fd = accept4(stage.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        for (; fd >= 0; fd = accept4(stage.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC))
            stage.peer[stage.peer_count++] = fd;
    }
    assert_int_equal(stage.peer_count, count);
}

/* Until the server has so many bytes of the peer's question. */
static void take_question(uint32_t peer, size_t size)
{
    uint64_t end_ns = clock_now_ns() + PATIENCE_NS;
    size_t has = 0;
    while (has < size && clock_now_ns() < end_ns) {
        turn();
        ssize_t more = recv(stage.peer[peer], stage.text + has, TEXT_MAX - has, 0);
        has += more > 0 ? (size_t)more : 0;
    }
    assert_int_equal(has, size);
}

static const char clear_text[] = "*2\r\n$13\r\nHS.CART.CLEAR\r\n$3\r\nann\r\n";

static void take_clear(uint32_t peer)
{
    take_question(peer, sizeof clear_text - 1);
    assert_memory_equal(stage.text, clear_text, sizeof clear_text - 1);
}

static void say(uint32_t peer, const char *text, size_t size)
{
    uint64_t end_ns = clock_now_ns() + PATIENCE_NS;
    while (size > 0 && clock_now_ns() < end_ns) {
        ssize_t sent = send(stage.peer[peer], text, size, MSG_NOSIGNAL);
        if (sent < 0) {
            assert_int_equal(errno, EAGAIN);
            turn();
            continue;
        }
        text += sent;
        size -= (size_t)sent;
    }
    assert_int_equal(size, 0);
}

static void say_text(uint32_t peer, const char *text)
{
    say(peer, text, strlen(text));
}

static void check_done(uint32_t connection)
{
    assert_int_equal(stage.heard[connection].event, TRANSPORT_ANSWERED);
    assert_int_equal(stage.heard[connection].class, FACTS_DONE);
}

static void one_connection_asks_one_thing_after_another(void **state)
{
    (void)state;
    for (uint32_t round = 1; round <= 3; round++) {
        ask(7);
        accept_until(1);
        take_clear(0);
        assert_int_equal(stage.heard_count, round - 1);
        say_text(0, "+OK\r\n");
        turn_until_heard(round);
        check_done(7);
    }
    assert_int_equal(transport_numbers(stage.transport)->connects, 1);
}

static void an_answer_comes_in_any_two_pieces(void **state)
{
    (void)state;
    static const char refusal[] = "-LINES A:sold_out:0 B:insufficient:3\r\n";
    uint32_t heard = 0;
    for (size_t cut = 1; cut < sizeof refusal - 1; cut++) {
        ask(0);
        accept_until(1);
        take_clear(0);
        say(0, refusal, cut);
        turn();
        turn();
        assert_int_equal(stage.heard_count, heard);
        say(0, refusal + cut, sizeof refusal - 1 - cut);
        turn_until_heard(++heard);
        assert_int_equal(stage.heard[0].class, FACTS_REFUSED);
        assert_string_equal(stage.heard[0].code, "lines_refused");
        assert_int_equal(stage.heard[0].lines, 2);
    }
}

static void all_connections_ask_in_one_turn(void **state)
{
    (void)state;
    for (uint32_t connection = 0; connection < CONNECTIONS; connection++)
        ask(connection);
    accept_until(CONNECTIONS);
    for (uint32_t peer = 0; peer < CONNECTIONS; peer++) {
        take_clear(peer);
        say_text(peer, "+OK\r\n");
    }
    turn_until_heard(CONNECTIONS);
    for (uint32_t connection = 0; connection < CONNECTIONS; connection++)
        check_done(connection);
    assert_int_equal(transport_numbers(stage.transport)->losses, 0);
    assert_int_equal(transport_numbers(stage.transport)->starved, 0);
}

static void an_answer_may_lead_to_the_next_question(void **state)
{
    (void)state;
    stage.asks_again = true;
    ask(0);
    accept_until(1);
    take_clear(0);
    say_text(0, "+O");
    turn();
    say_text(0, "K\r\n");
    turn_until_heard(1);
    take_clear(0);
    say_text(0, "+OK\r\n");
    turn_until_heard(2);
    check_done(0);
}

static void a_lost_connection_is_told_and_made_again(void **state)
{
    (void)state;
    ask(0);
    accept_until(1);
    take_clear(0);
    say_text(0, "+O");
    turn();
    shutdown(stage.peer[0], SHUT_RDWR);
    turn_until_heard(1);
    assert_int_equal(stage.heard[0].event, TRANSPORT_LOST);
    assert_int_equal(stage.heard[0].reason, ECONNRESET);
    ask(0);
    accept_until(2);
    take_clear(1);
    say_text(1, "+OK\r\n");
    turn_until_heard(2);
    check_done(0);
}

static void a_server_may_close_what_is_idle(void **state)
{
    (void)state;
    ask(0);
    accept_until(1);
    take_clear(0);
    say_text(0, "+OK\r\n");
    turn_until_heard(1);
    shutdown(stage.peer[0], SHUT_RDWR);
    turn();
    turn();
    assert_int_equal(stage.heard_count, 1);
    ask(0);
    accept_until(2);
    take_clear(1);
    say_text(1, "+OK\r\n");
    turn_until_heard(2);
    check_done(0);
}

static void nobody_listens(void **state)
{
    (void)state;
    close(stage.listener);
    stage.listener = -1;
    ask(0);
    assert_int_equal(stage.heard_count, 0);
    turn_until_heard(1);
    assert_int_equal(stage.heard[0].event, TRANSPORT_LOST);
    assert_int_equal(stage.heard[0].reason, ECONNREFUSED);
}

static void wrong_bytes_are_told(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "HTTP/1.1 400 Bad Request\r\n\r\n", "+OK\r\n+OK\r\n", "+OK\n", "*2\r\n+OK\r\n?\r\n"};
    for (uint32_t at = 0; at < 4; at++) {
        ask(at);
        accept_until(at + 1);
        take_clear(at);
        say_text(at, wrong[at]);
        turn_until_heard(at + 1);
        assert_int_equal(stage.heard[at].event, TRANSPORT_GARBLED);
    }
}

static void bytes_that_nobody_asked_for_are_counted(void **state)
{
    (void)state;
    ask(0);
    accept_until(1);
    take_clear(0);
    say_text(0, "+OK\r\n");
    turn_until_heard(1);
    say_text(0, "+OK\r\n");
    uint64_t end_ns = clock_now_ns() + PATIENCE_NS;
    while (transport_numbers(stage.transport)->unasked == 0 && clock_now_ns() < end_ns)
        turn();
    assert_int_equal(transport_numbers(stage.transport)->unasked, 1);
    assert_int_equal(stage.heard_count, 1);
    ask(0);
    accept_until(2);
    take_clear(1);
}

static void the_answer_to_what_was_dropped_is_not_heard(void **state)
{
    (void)state;
    ask(0);
    accept_until(1);
    take_clear(0);
    say_text(0, "-LOADING not yet\r\n");
    transport_drop(stage.transport, 0);
    ask(0);
    accept_until(2);
    take_clear(1);
    assert_int_equal(stage.heard_count, 0);
    say_text(1, "+OK\r\n");
    turn_until_heard(1);
    check_done(0);
}

static void what_is_dropped_before_it_is_connected_is_not_sent(void **state)
{
    (void)state;
    ask(0);
    transport_drop(stage.transport, 0);
    transport_drop(stage.transport, 0);
    ask(0);
    accept_until(2);
    char byte;
    assert_int_equal(recv(stage.peer[0], &byte, 1, 0), 0);
    take_clear(1);
    say_text(1, "+OK\r\n");
    turn_until_heard(1);
    check_done(0);
}

/* An availability of so many SKUs, each of 60 bytes. */
static struct question long_question(uint32_t count)
{
    static struct question_item item[QUESTION_LOOK_MAX];
    static char sku[QUESTION_LOOK_MAX][61];
    for (uint32_t at = 0; at < count; at++) {
        snprintf(sku[at], sizeof sku[at], "%060u", at);
        item[at] = (struct question_item){.sku = sku[at]};
    }
    return (struct question){.kind = QUESTION_AVAILABILITY, .item = item, .item_count = count};
}

static size_t long_answer(uint32_t count, char *text, size_t capacity)
{
    size_t size = (size_t)snprintf(text, capacity, "*%u\r\n", count);
    for (uint32_t at = 0; at < count; at++)
        size += (size_t)snprintf(text + size, capacity - size,
            "*6\r\n$3\r\nsku\r\n$60\r\n%060u\r\n$6\r\nstatus\r\n$8\r\nsold_out\r\n"
            "$9\r\navailable\r\n:0\r\n",
            at);
    return size;
}

static void the_largest_question_and_answer_come_whole(void **state)
{
    (void)state;
    static char text[128 * 1024];
    struct question question = long_question(QUESTION_LOOK_MAX);
    size_t asked = strlen("*501\r\n$8\r\nHS.AVAIL\r\n") + QUESTION_LOOK_MAX * (5 + 62);
    size_t told = long_answer(QUESTION_LOOK_MAX, text, sizeof text);
    for (uint32_t round = 1; round <= 60; round++) { /* more often than there are large buffers */
        assert_true(transport_ask(stage.transport, 0, &question));
        accept_until(1);
        take_question(0, asked);
        say(0, text, told);
        turn_until_heard(round);
        check_done(0);
        assert_int_equal(stage.heard[0].lines, QUESTION_LOOK_MAX);
    }
    assert_int_equal(transport_numbers(stage.transport)->starved, 0);
}

/* Each waits for the rest of an answer that takes one of the largest buffers. */
static void who_finds_no_buffer_is_lost_and_the_others_are_not(void **state)
{
    (void)state;
    static char text[64 * 1024];
    size_t told = long_answer(200, text, sizeof text);
    uint32_t count = BUFFERS_LARGE_COUNT + 2;
    struct question question = long_question(1);
    assert_true(told > BUFFERS_MEDIUM_SIZE + 100);
    for (uint32_t connection = 0; connection < count; connection++) {
        assert_true(transport_ask(stage.transport, connection, &question));
        accept_until(connection + 1);
        say(connection, text, told - 1);
        for (uint32_t turns = 0; turns < 4; turns++)
            turn();
    }
    turn_until_heard(2);
    assert_int_equal(transport_numbers(stage.transport)->starved, 2);
    for (uint32_t peer = 0; peer < BUFFERS_LARGE_COUNT; peer++)
        say(peer, text + told - 1, 1);
    turn_until_heard(count);
    for (uint32_t connection = 0; connection < BUFFERS_LARGE_COUNT; connection++)
        check_done(connection);
    assert_int_equal(stage.heard[count - 1].event, TRANSPORT_LOST);
    assert_int_equal(stage.heard[count - 1].reason, ENOBUFS);
}

static void a_turn_without_news_ends_when_it_is_told_to(void **state)
{
    (void)state;
    uint64_t until_ns = clock_now_ns() + 5 * CLOCK_NS_PER_MS;
    assert_true(transport_turn(stage.transport, until_ns));
    assert_true(clock_now_ns() >= until_ns);
    assert_true(transport_turn(stage.transport, 0));
}

#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STAGE(one_connection_asks_one_thing_after_another),
        ON_STAGE(an_answer_comes_in_any_two_pieces),
        ON_STAGE(all_connections_ask_in_one_turn),
        ON_STAGE(an_answer_may_lead_to_the_next_question),
        ON_STAGE(a_lost_connection_is_told_and_made_again),
        ON_STAGE(a_server_may_close_what_is_idle),
        ON_STAGE(nobody_listens),
        ON_STAGE(wrong_bytes_are_told),
        ON_STAGE(bytes_that_nobody_asked_for_are_counted),
        ON_STAGE(the_answer_to_what_was_dropped_is_not_heard),
        ON_STAGE(what_is_dropped_before_it_is_connected_is_not_sent),
        ON_STAGE(the_largest_question_and_answer_come_whole),
        ON_STAGE(who_finds_no_buffer_is_lost_and_the_others_are_not),
        ON_STAGE(a_turn_without_news_ends_when_it_is_told_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
