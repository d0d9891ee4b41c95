/* SPDX-License-Identifier: Apache-2.0 */
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

#include "tests/loadtest/stage.h"

struct stage stage;

void stage_ask(uint32_t connection)
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
        stage_ask(news->connection);
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
    assert_int_equal(listen(stage.listener, STAGE_CONNECTIONS), 0);
}

static int open_stage_with(enum protocol protocol, const char *token)
{
    stage = (struct stage){.protocol = protocol};
    open_listener();
    char url[80];
    snprintf(url, sizeof url, "unix:%s", stage.path);
    struct transport_plan plan = {.protocol = protocol,
        .url = url,
        .token = token,
        .connections = STAGE_CONNECTIONS,
        .hear = hear,
        .context = &stage};
    stage.transport = transport_open(&plan);
    assert_non_null(stage.transport);
    return 0;
}

int stage_open(void **state)
{
    (void)state;
    return open_stage_with(PROTOCOL_RESP, NULL);
}

int stage_open_guarded(void **state)
{
    (void)state;
    return open_stage_with(PROTOCOL_RESP, "t");
}

int stage_open_http(void **state)
{
    (void)state;
    return open_stage_with(PROTOCOL_HTTP, NULL);
}

int stage_close(void **state)
{
    (void)state;
    transport_close(stage.transport);
    for (uint32_t at = 0; at < stage.peer_count; at++)
        close(stage.peer[at]);
    close(stage.listener);
    unlink(stage.path);
    return 0;
}

void stage_turn(void)
{
    assert_true(transport_turn(stage.transport, clock_now_ns() + CLOCK_NS_PER_MS));
}

void stage_turn_until_heard(uint32_t count)
{
    uint64_t end_ns = clock_now_ns() + STAGE_PATIENCE_NS;
    while (stage.heard_count < count && clock_now_ns() < end_ns)
        stage_turn();
    assert_int_equal(stage.heard_count, count);
}

void stage_accept_until(uint32_t count)
{
    uint64_t end_ns = clock_now_ns() + STAGE_PATIENCE_NS;
    while (stage.peer_count < count && clock_now_ns() < end_ns) {
        stage_turn();
        int fd = accept4(stage.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        for (; fd >= 0; fd = accept4(stage.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC))
            stage.peer[stage.peer_count++] = fd;
    }
    assert_int_equal(stage.peer_count, count);
}

/* Until the server has so many bytes of the peer's question. */
void stage_take_question(uint32_t peer, size_t size)
{
    uint64_t end_ns = clock_now_ns() + STAGE_PATIENCE_NS;
    size_t has = 0;
    while (has < size && clock_now_ns() < end_ns) {
        stage_turn();
        ssize_t more = recv(stage.peer[peer], stage.text + has, STAGE_TEXT_MAX - has, 0);
        has += more > 0 ? (size_t)more : 0;
    }
    assert_int_equal(has, size);
}

const char stage_clear_text[] = "*2\r\n$13\r\nHS.CART.CLEAR\r\n$3\r\nann\r\n";

void stage_take_clear(uint32_t peer)
{
    const char *text = stage.protocol == PROTOCOL_RESP
                           ? stage_clear_text
                           : "DELETE /v1/cart HTTP/1.1\r\nHost: localhost\r\n"
                             "X-Customer-Id: ann\r\nX-Role: customer\r\n\r\n";
    stage_take_question(peer, strlen(text));
    assert_memory_equal(stage.text, text, strlen(text));
}

void stage_bring(uint32_t connection, uint32_t peer)
{
    stage_ask(connection);
    stage_accept_until(peer + 1);
    stage_take_clear(peer);
}

void stage_say(uint32_t peer, const char *text, size_t size)
{
    uint64_t end_ns = clock_now_ns() + STAGE_PATIENCE_NS;
    while (size > 0 && clock_now_ns() < end_ns) {
        ssize_t sent = send(stage.peer[peer], text, size, MSG_NOSIGNAL);
        if (sent < 0) {
            assert_int_equal(errno, EAGAIN);
            stage_turn();
            continue;
        }
        text += sent;
        size -= (size_t)sent;
    }
    assert_int_equal(size, 0);
}

void stage_say_text(uint32_t peer, const char *text)
{
    stage_say(peer, text, strlen(text));
}

void stage_check_done(uint32_t connection)
{
    assert_int_equal(stage.heard[connection].event, TRANSPORT_ANSWERED);
    assert_int_equal(stage.heard[connection].class, FACTS_DONE);
}

const char stage_token_text[] = "*2\r\n$4\r\nAUTH\r\n$1\r\nt\r\n";

/* An availability of so many SKUs, each of 60 bytes. */
struct question stage_long_question(uint32_t count)
{
    static struct question_item item[QUESTION_LOOK_MAX];
    static char sku[QUESTION_LOOK_MAX][61];
    for (uint32_t at = 0; at < count; at++) {
        snprintf(sku[at], sizeof sku[at], "%060u", at);
        item[at] = (struct question_item){.sku = sku[at]};
    }
    return (struct question){.kind = QUESTION_AVAILABILITY, .item = item, .item_count = count};
}

size_t stage_long_answer(uint32_t count, char *text, size_t capacity)
{
    size_t size = (size_t)snprintf(text, capacity, "*%u\r\n", count);
    for (uint32_t at = 0; at < count; at++)
        size += (size_t)snprintf(text + size, capacity - size,
            "*6\r\n$3\r\nsku\r\n$60\r\n%060u\r\n$6\r\nstatus\r\n$8\r\nsold_out\r\n"
            "$9\r\navailable\r\n:0\r\n",
            at);
    return size;
}
