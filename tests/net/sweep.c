/* SPDX-License-Identifier: Apache-2.0 */
/* Who loses his place, when, and what he hears of it; the clock is the test's. */
#include "tests/net/ticking.h"

enum { SLOTS = 8 };

static void pass(struct scene *scene, uint64_t ms)
{
    for (uint32_t shard = 0; shard < SHARDS; shard++)
        io_of(scene, shard)->times.monotonic_ms += ms;
    ticks(scene);
}

static void pass_seconds(struct scene *scene, uint32_t seconds)
{
    pass(scene, 1000ULL * seconds);
}

static uint32_t open_connections(const struct scene *scene)
{
    return scene->shards[0]->connections.open;
}

static void say(struct scene *scene, int socket, const char *bytes)
{
    fake_io_sends(io_of(scene, 0), socket, bytes);
    ticks(scene);
}

static void who_says_nothing_has_little_time_and_who_has_asked_has_much(void **state)
{
    struct scene *scene = *state;
    int asked = connect_client(scene);
    get(scene, asked, "/livez", "x");
    connect_client(scene);
    assert_int_equal(open_connections(scene), 2);
    pass_seconds(scene, scene->house.config.limits.first_byte_seconds - 1);
    assert_int_equal(open_connections(scene), 2);
    pass_seconds(scene, 1);
    assert_int_equal(open_connections(scene), 1);
    pass_seconds(scene, scene->house.config.limits.idle_seconds - 100);
    get(scene, asked, "/livez", "x");
    pass_seconds(scene, scene->house.config.limits.idle_seconds - 1);
    assert_int_equal(open_connections(scene), 1);
    pass_seconds(scene, 1);
    assert_int_equal(open_connections(scene), 0);
}

/* Whatever he drips meanwhile. */
static void drip(struct scene *scene, int socket, uint32_t seconds)
{
    for (uint32_t i = 0; i < seconds; i++) {
        pass_seconds(scene, 1);
        if (i + 1 < seconds)
            say(scene, socket, "a");
    }
}

static void a_head_that_comes_too_late_is_408(void **state)
{
    struct scene *scene = *state;
    int socket = connect_client(scene);
    say(scene, socket, "GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: ");
    drip(scene, socket, scene->house.config.limits.head_seconds);
    ticks(scene);
    const char *reply = fake_io_received(io_of(scene, 0), socket);
    assert_non_null(strstr(reply, "HTTP/1.1 408 Request Timeout\r\n"));
    assert_non_null(strstr(reply, "\r\nConnection: close\r\n"));
    say(scene, socket, "\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\n"); /* nobody listens */
    assert_nothing(scene, socket);
    pass(scene, LINGER_MS);
    assert_int_equal(open_connections(scene), 0);
}

static void a_body_has_longer_and_then_is_408_too(void **state)
{
    struct scene *scene = *state;
    int socket = connect_client(scene);
    say(scene, socket,
        "POST /v1/availability HTTP/1.1\r\nHost: x\r\nContent-Type: application/json"
        "\r\nContent-Length: 1000\r\n\r\n{");
    drip(scene, socket, scene->house.config.limits.request_seconds);
    ticks(scene);
    assert_reply(scene, socket, "HTTP/1.1 408 Request Timeout\r\n");
    pass(scene, LINGER_MS);
    assert_int_equal(open_connections(scene), 0);
}

static void a_body_in_time_is_answered(void **state)
{
    struct scene *scene = *state;
    int socket = connect_client(scene);
    say(scene, socket,
        "POST /v1/availability HTTP/1.1\r\nHost: x\r\nContent-Type: application/json"
        "\r\nContent-Length: 14\r\n\r\n{\"skus\":");
    pass_seconds(scene, scene->house.config.limits.request_seconds - 1);
    assert_nothing(scene, socket);
    say(scene, socket, "[\"S\"]}");
    assert_reply(scene, socket, "HTTP/1.1 200 ");
}

/* A reply of an earlier request is under way: 408 between them would be taken for its own. */
static void where_it_could_be_mistaken_it_is_not_said(void **state)
{
    struct scene *scene = *state;
    int socket = connect_client(scene);
    put_line(scene, socket, scene->names[0][0], 1); /* waits for the disk */
    say(scene, socket, "GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: ");
    pass_seconds(scene, scene->house.config.limits.request_seconds);
    assert_nothing(scene, socket);
    assert_int_equal(open_connections(scene), 0);
    catch_up(scene);
}

/* He takes nothing of a reply, and sends on; the others have what they need. */
static void a_reply_that_nobody_takes_ends_in_its_time(void **state)
{
    struct scene *scene = *state;
    int socket = connect_client(scene);
    io_of(scene, 0)->clients[socket].takes_nothing = true;
    get(scene, socket, "/livez", "x");
    for (uint32_t i = 1; i < scene->house.config.limits.reply_seconds; i++) {
        pass_seconds(scene, 1);
        if (i % 10 == 0)
            say(scene, socket, "G");
        assert_int_equal(open_connections(scene), 1);
    }
    pass_seconds(scene, 1);
    assert_int_equal(open_connections(scene), 0);
}

/* Six of eight slots are taken: then who does not take his reply is in the way. */
static void when_slots_are_short_it_ends_much_sooner(void **state)
{
    struct scene *scene = *state;
    int slow = connect_client(scene);
    io_of(scene, 0)->clients[slow].takes_nothing = true;
    get(scene, slow, "/livez", "x");
    for (uint32_t i = 0; i < 4; i++)
        put_line(scene, connect_client(scene), scene->names[0][0], 1);
    pass(scene, SHORT_MS + SWEEP_MS);
    assert_int_equal(open_connections(scene), 5);
    put_line(scene, connect_client(scene), scene->names[0][0], 1);
    assert_int_equal(scene->shards[0]->requests.in_use, 6);
    pass(scene, SWEEP_MS);
    assert_int_equal(open_connections(scene), 5);
    assert_int_equal(scene->shards[0]->requests.in_use, 5);
    catch_up(scene); /* and those who wait for the disk are not concerned */
    assert_int_equal(open_connections(scene), 5);
}

/* No connection takes the last slots for its own pipeline. */
static void when_slots_are_short_a_pipeline_waits(void **state)
{
    struct scene *scene = *state;
    int socket = connect_client(scene);
    for (uint32_t i = 0; i < SLOTS; i++)
        put_line(scene, socket, scene->names[0][0], 1);
    assert_int_equal(scene->shards[0]->requests.in_use, 6);
    int other = connect_client(scene);
    get(scene, other, "/livez", "x");
    assert_reply(scene, other, "HTTP/1.1 200 ");
    uint32_t answered = 0;
    for (uint32_t i = 0; i < SLOTS; i++) {
        catch_up(scene);
        const char *reply = fake_io_received(io_of(scene, 0), socket);
        for (; (reply = strstr(reply, "HTTP/1.1 200 ")) != NULL; reply++)
            answered++;
    }
    assert_int_equal(answered, SLOTS);
}

static void a_command_that_comes_too_late_hears_it_in_its_protocol(void **state)
{
    struct scene *scene = *state;
    int socket = fake_io_client(io_of(scene, 0), DOOR_RESP);
    ticks(scene);
    say(scene, socket, "*2\r\n$4\r\nPING\r\n$10\r\nabc");
    pass_seconds(scene, scene->house.config.limits.request_seconds);
    ticks(scene);
    assert_reply(scene, socket, "-ERR the command took too long to come\r\n");
    pass(scene, LINGER_MS);
    assert_int_equal(open_connections(scene), 0);
}

static void limit(struct scene *scene)
{
    scene->house.rates.requests = limit_rate(1, 1);
    scene->house.config.limits.requests_per_second = 1;
    scene->house.config.limits.burst = 1;
    for (uint32_t i = 0; i < FAKE_CLIENTS; i++)
        io_of(scene, 0)->clients[i].address = address_of_ipv4((const uint8_t[]){192, 0, 2, 1});
}

/* .. and what he had sent by then is read afterwards, in its order. */
static void who_asks_too_often_is_not_read_from_for_a_moment(void **state)
{
    struct scene *scene = *state;
    int socket = connect_client(scene), other = connect_client(scene);
    limit(scene); /* connections, too */
    get(scene, socket, "/v1/availability?skus=S", "x");
    assert_reply(scene, socket, "HTTP/1.1 200 ");
    say(scene, socket,
        "GET /v1/products HTTP/1.1\r\nHost: x\r\n\r\n"
        "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_reply(scene, socket, "HTTP/1.1 429 ");
    assert_false(io_of(scene, 0)->clients[socket].receiving);
    get(scene, other, "/livez", "x");
    assert_reply(scene, other, "HTTP/1.1 200 ");
    pass(scene, PAUSE_MS - 1);
    assert_nothing(scene, socket);
    pass(scene, 1);
    assert_reply(scene, socket, "HTTP/1.1 200 ");
    assert_true(io_of(scene, 0)->clients[socket].receiving);
    get(scene, socket, "/v1/products", "x");
    assert_reply(scene, socket, "HTTP/1.1 429 ");
    assert_int_equal(open_connections(scene), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TICK_TEST(who_says_nothing_has_little_time_and_who_has_asked_has_much),
        TICK_TEST(a_head_that_comes_too_late_is_408),
        TICK_TEST(a_body_has_longer_and_then_is_408_too),
        TICK_TEST(a_body_in_time_is_answered),
        TICK_TEST(where_it_could_be_mistaken_it_is_not_said),
        TICK_TEST(a_reply_that_nobody_takes_ends_in_its_time),
        TICK_TEST(when_slots_are_short_it_ends_much_sooner),
        TICK_TEST(when_slots_are_short_a_pipeline_waits),
        TICK_TEST(who_asks_too_often_is_not_read_from_for_a_moment),
        TICK_TEST(a_command_that_comes_too_late_hears_it_in_its_protocol),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
