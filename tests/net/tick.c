/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop of two shards without a kernel, over real journals whose disk answers when the test says
 * so. K5: whatever a reply tells of a customer, what it refuses included, is durable before it
 * leaves, on whichever shard it ran; availability waits for nothing.
 */
#include "tests/net/ticking.h"

#include <sched.h>

static uint32_t yields;

/* In the place of libc's, for everything that is linked here. */
int sched_yield(void)
{
    yields++;
    return 0;
}

static void a_write_is_acknowledged_when_it_is_durable(void **state)
{
    struct scene *scene = *state;
    int socket = connect_client(scene);
    put_line(scene, socket, scene->names[0][0], 1);
    assert_nothing(scene, socket);
    finish_write(scene, 0);
    assert_reply(scene, socket, "HTTP/1.1 200 ");
}

/* Its own batch is the next one: the one in flight had begun without it. */
static void a_write_beside_a_batch_in_flight_waits_for_the_next(void **state)
{
    struct scene *scene = *state;
    int first = connect_client(scene), second = connect_client(scene);
    put_line(scene, first, scene->names[0][0], 1);
    put_line(scene, second, scene->names[0][1], 1);
    finish_write(scene, 0);
    assert_reply(scene, first, "HTTP/1.1 200 ");
    assert_nothing(scene, second);
    finish_write(scene, 0);
    assert_reply(scene, second, "HTTP/1.1 200 ");
}

static void a_reply_from_the_other_shard_waits_for_its_disk(void **state)
{
    struct scene *scene = *state;
    int there = connect_client(scene), here = connect_client(scene);
    put_line(scene, there, scene->names[1][0], 1);
    put_line(scene, here, scene->names[0][0], 1);
    finish_write(scene, 0);
    assert_reply(scene, here, "HTTP/1.1 200 ");
    assert_nothing(scene, there);
    finish_write(scene, 1);
    assert_reply(scene, there, "HTTP/1.1 200 ");
}

/* What is read or refused tells of a cart that may yet be lost with the power. */
static void a_read_and_a_refusal_wait_for_what_they_tell(void **state)
{
    struct scene *scene = *state;
    for (uint32_t shard = 0; shard < SHARDS; shard++) {
        int writer = connect_client(scene), reader = connect_client(scene);
        int refused = connect_client(scene);
        const char *customer = scene->names[shard][0];
        put_line(scene, writer, customer, 1);
        get(scene, reader, "/v1/cart", customer);
        put_line(scene, refused, customer, 9);
        assert_nothing(scene, writer);
        assert_nothing(scene, reader);
        assert_nothing(scene, refused);
        finish_write(scene, shard);
        assert_reply(scene, writer, "HTTP/1.1 200 ");
        assert_reply(scene, reader, "\"quantity\":1");
        assert_reply(scene, refused, "HTTP/1.1 409 ");
    }
}

/* A1: the unit that is on its way to a cart is not shown; nobody waits to be told. */
static void availability_waits_for_nothing(void **state)
{
    struct scene *scene = *state;
    int writer = connect_client(scene), reader = connect_client(scene);
    put_line(scene, writer, scene->names[1][0], 2);
    get(scene, reader, "/v1/availability?skus=S", scene->names[1][0]);
    assert_nothing(scene, writer);
    assert_reply(scene, reader, "\"available\":1");
}

/* The law: what comes back is seen when it is durable, and not before. */
static void a_unit_that_comes_back_is_shown_when_that_is_durable(void **state)
{
    struct scene *scene = *state;
    int writer = connect_client(scene), reader = connect_client(scene);
    put_line(scene, writer, scene->names[1][0], 3);
    catch_up(scene);
    put_line(scene, writer, scene->names[1][0], 0);
    get(scene, reader, "/v1/availability?skus=S", scene->names[0][0]);
    assert_reply(scene, reader, "\"available\":0");
    finish_write(scene, 1);
    get(scene, reader, "/v1/availability?skus=S", scene->names[0][0]);
    assert_reply(scene, reader, "\"available\":3");
}

/* A worker of the kernel ends the write, on this core perhaps. */
static void a_write_that_lasts_is_given_the_core_again_and_again(void **state)
{
    struct scene *scene = *state;
    struct shard *shard = scene->shards[0], *other = scene->shards[1];
    int socket = connect_client(scene);
    char request[256];
    (void)snprintf(request, sizeof(request),
        "PUT /v1/cart/items/S HTTP/1.1\r\nHost: shop\r\nX-Customer-Id: %s\r\n"
        "Content-Type: application/json\r\nContent-Length: 14\r\n\r\n{\"quantity\":1}",
        scene->names[0][0]);
    fake_io_sends(io_of(scene, 0), socket, request);
    yields = 0;
    for (uint32_t i = 0; i < TICKS && !journal_is_writing(&shard->journal); i++)
        shard_tick(shard);
    assert_true(journal_is_writing(&shard->journal));
    for (uint32_t i = 1; i < TICKS_OF_WRITE; i++)
        shard_tick(shard);
    assert_int_equal(yields, 0); /* most writes end by then */
    for (uint32_t lasts = 1; lasts <= 5; lasts++) {
        shard_tick(shard);
        shard_tick(other); /* its own disk has nothing to do */
        assert_int_equal(yields, lasts);
    }
    catch_up(scene);
    assert_reply(scene, socket, "HTTP/1.1 200 ");
    yields = 0;
    ticks(scene);
    assert_int_equal(yields, 0);
}

/* durability = postgres, and the stream's connection is up, or away. */
static void confirm_by_postgres(struct scene *scene, bool connected)
{
    scene->house.shards->confirms = true;
    scene->house.shards->stream = &scene->stream;
    scene->house.config.postgres.wait_ms = 5000;
    atomic_store(&scene->stream.connected, connected);
}

static void commit_in_postgres(struct scene *scene, uint32_t shard)
{
    struct journal_mark *mark = &scene->house.journals.marks[shard];
    atomic_store(&mark->streamed_seq, atomic_load(&mark->durable_seq));
    ticks(scene);
}

static void a_201_waits_for_postgres_after_the_disk(void **state)
{
    struct scene *scene = *state;
    confirm_by_postgres(scene, true);
    for (uint32_t shard = 0; shard < SHARDS; shard++) {
        int socket = connect_client(scene);
        check_out(scene, socket, scene->names[shard][0], "k");
        catch_up(scene);
        assert_nothing(scene, socket);
        commit_in_postgres(scene, 1 - shard);
        assert_nothing(scene, socket);
        commit_in_postgres(scene, shard);
        assert_reply(scene, socket, "HTTP/1.1 201 ");
    }
}

/* The order stands, and its key waits again. */
static void a_201_that_postgres_does_not_confirm_in_time_is_unconfirmed(void **state)
{
    struct scene *scene = *state;
    confirm_by_postgres(scene, true);
    int socket = connect_client(scene), reader = connect_client(scene);
    check_out(scene, socket, scene->names[1][0], "k");
    catch_up(scene);
    for (uint32_t shard = 0; shard < SHARDS; shard++)
        io_of(scene, shard)->times.monotonic_ms += 5000;
    catch_up(scene);
    assert_reply(scene, socket, "\"code\":\"unconfirmed\"");
    get(scene, reader, "/v1/availability?skus=S", scene->names[0][0]);
    assert_reply(scene, reader, "\"available\":2");
    check_out(scene, socket, scene->names[1][0], "k");
    catch_up(scene);
    assert_nothing(scene, socket);
    commit_in_postgres(scene, 1);
    assert_reply(scene, socket, "HTTP/1.1 201 ");
}

static void nothing_is_taken_while_postgres_is_away(void **state)
{
    struct scene *scene = *state;
    confirm_by_postgres(scene, false);
    int socket = connect_client(scene), reader = connect_client(scene);
    check_out(scene, socket, scene->names[1][0], "k");
    catch_up(scene);
    assert_reply(scene, socket, "\"code\":\"unconfirmed\"");
    get(scene, reader, "/v1/availability?skus=S", scene->names[0][0]);
    assert_reply(scene, reader, "\"available\":3");
}

static uint32_t replies(struct scene *scene, int socket)
{
    uint32_t count = 0;
    const char *reply = fake_io_received(io_of(scene, 0), socket);
    for (; (reply = strstr(reply, "HTTP/1.1 200 ")) != NULL; reply++)
        count++;
    return count;
}

static void ask_often(struct scene *scene, int socket, uint32_t times)
{
    static const char request[] = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";
    char asked[4096];
    uint32_t length = 0;
    for (uint32_t i = 0; i < times; i++) {
        memcpy(asked + length, request, sizeof request);
        length += sizeof request - 1;
    }
    fake_io_sends(io_of(scene, 0), socket, asked);
}

static uint32_t replies_in_a_tick(struct scene *scene, int socket)
{
    shard_tick(scene->shards[0]); /* takes in; the next one reaps what was sent */
    return replies(scene, socket);
}

/* From one look at the clock to the next 100 us pass, so that a turn of one request takes 200. A1:
 * who asks for one thing waits for one request of a pipeline at most, and for none three quarters
 * of the time; without him it has a quarter of a millisecond a tick. */
static void a_pipeline_has_its_part_of_the_time(void **state)
{
    struct scene *scene = *state;
    int pipeline = connect_client(scene), alone = connect_client(scene);
    io_of(scene, 0)->us_per_look = 100;
    ask_often(scene, pipeline, 60);
    replies_in_a_tick(scene, pipeline); /* its front looked as if it came alone */
    assert_in_range(replies_in_a_tick(scene, pipeline), 4, 12);
    uint32_t most = 0, sum = 0;
    uint64_t begun_us = 0;
    for (uint32_t i = 0; i < 14; i++) {
        get(scene, alone, "/livez", "x");
        uint32_t now = replies_in_a_tick(scene, pipeline);
        assert_int_equal(replies(scene, alone), 1);
        if (i < 2) { /* these were taken in before */
            begun_us = io_of(scene, 0)->looked_us;
            continue;
        }
        most = now > most ? now : most;
        sum += now;
    }
    assert_int_equal(most, 1);
    assert_in_range(sum, 2, (io_of(scene, 0)->looked_us - begun_us) / 800 + 1);
    io_of(scene, 0)->times.monotonic_ms += 11;
    replies_in_a_tick(scene, pipeline);
    assert_in_range(replies_in_a_tick(scene, pipeline), 4, 12);
}

/* A change of a cart, and one tick that takes it in. */
static void put_in_a_tick(struct scene *scene, int socket, uint32_t quantity)
{
    char bytes[256];
    (void)snprintf(bytes, sizeof(bytes),
        "PUT /v1/cart/items/S HTTP/1.1\r\nHost: x\r\nX-Customer-Id: %s\r\n"
        "Content-Type: application/json\r\nContent-Length: 14\r\n\r\n{\"quantity\":%u}",
        scene->names[0][0], quantity);
    fake_io_sends(io_of(scene, 0), socket, bytes);
    shard_tick(scene->shards[0]);
}

/* What waits in a batch waits for GATHER_US at most, however many come, and for nobody when nobody
 * comes. */
static void a_batch_waits_while_it_grows_and_not_for_long(void **state)
{
    struct scene *scene = *state;
    struct io *io = io_of(scene, 0);
    int sockets[6];
    for (uint32_t i = 0; i < 6; i++)
        sockets[i] = connect_client(scene);
    put_in_a_tick(scene, sockets[0], 1);
    assert_false(io->writing);
    shard_tick(scene->shards[0]);
    assert_true(io->writing);
    catch_up(scene);
    assert_reply(scene, sockets[0], "HTTP/1.1 200 ");
    io->us_per_look = GATHER_US / 4;
    put_in_a_tick(scene, sockets[0], 2);
    uint64_t begun_us = io->looked_us;
    uint32_t waited = 1;
    for (; !io->writing && waited < 6; waited++)
        put_in_a_tick(scene, sockets[waited], 1 + (waited + 1) % 2);
    assert_true(io->writing);
    assert_in_range(waited, 2, 5);
    assert_in_range(io->looked_us - begun_us, GATHER_US, 2 * GATHER_US);
    catch_up(scene);
    for (uint32_t i = 0; i < waited; i++)
        assert_reply(scene, sockets[i], "HTTP/1.1 200 ");
}

/* Who is answered may come back at once: the batch that has filled meanwhile waits for him, for as
 * many completions as that makes, and goes in the next tick whether he came or not. */
static void a_batch_waits_once_for_the_few_who_are_answered(void **state)
{
    struct scene *scene = *state;
    struct shard *shard = scene->shards[0];
    struct io *io = io_of(scene, 0);
    int first = connect_client(scene), second = connect_client(scene);
    put_in_a_tick(scene, first, 1);
    shard_tick(shard);
    assert_true(io->writing);
    io->us_per_look = GATHER_RETURN_US; /* the disk takes as long */
    put_in_a_tick(scene, second, 2);
    assert_true(fake_io_finish_write(io));
    shard_tick(shard);
    assert_reply(scene, first, "HTTP/1.1 200 ");
    assert_false(io->writing);
    assert_int_equal(io->gathers, 2); /* his reply is sent, and his next request comes */
    put_in_a_tick(scene, first, 3);
    assert_true(io->writing);
    assert_int_equal(io->gathers, 1);
    catch_up(scene);
    assert_reply(scene, first, "HTTP/1.1 200 ");
    assert_reply(scene, second, "HTTP/1.1 200 ");
}

static void behind_a_fast_disk_a_batch_waits_for_nobody(void **state)
{
    struct scene *scene = *state;
    struct shard *shard = scene->shards[0];
    struct io *io = io_of(scene, 0);
    int first = connect_client(scene), second = connect_client(scene);
    put_in_a_tick(scene, first, 1);
    shard_tick(shard);
    assert_true(io->writing);
    put_in_a_tick(scene, second, 2);
    assert_true(fake_io_finish_write(io)); /* the clock has not moved */
    shard_tick(shard);
    assert_reply(scene, first, "HTTP/1.1 200 ");
    assert_true(io->writing);
    catch_up(scene);
    assert_reply(scene, second, "HTTP/1.1 200 ");
}

/* The clock leaps in a tick in which a pipeline has its turn, for that is stopped, too: it does not
 * pay for it with three times as long. */
static void a_process_that_stood_still_owes_pipelines_no_sleep(void **state)
{
    static const char request[] = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";
    struct scene *scene = *state;
    struct shard *shard = scene->shards[0];
    struct io *io = io_of(scene, 0);
    int pipeline = connect_client(scene), alone = connect_client(scene);
    io->us_per_look = 100;
    ask_often(scene, pipeline, 60);
    shard_tick(shard);
    bool leapt = false;
    uint32_t after = 0;
    for (uint32_t i = 0; i < 13; i++) {
        uint64_t next_us = 1000 * io->times.monotonic_ms + io->looked_us + 100;
        bool leaps = !leapt && i > 2 && next_us >= shard->backlog_us;
        io->us_per_look = leaps ? 60000000 : leapt ? 3000 : 100;
        leapt |= leaps;
        fake_io_sends(io, alone, request);
        uint32_t now = replies_in_a_tick(scene, pipeline);
        assert_int_equal(replies(scene, alone), 1);
        after += leapt && !leaps ? now : 0;
    }
    assert_true(leapt);
    assert_in_range(after, 1, 12);
}

/* Monotonic and wall clock are read and rounded apart. */
static void a_deadline_reads_the_same_while_the_clocks_flicker(void **state)
{
    enum { DEADLINE = 600000 };
    struct scene *scene = *state;
    struct shard *shard = scene->shards[0];
    struct io *io = io_of(scene, 0);
    shard_tick(shard);
    uint64_t deadline_ms = shard->http.now.shelf_ms + DEADLINE;
    int64_t first_ms = http_wall_of(&shard->http, deadline_ms);
    assert_true(first_ms == io->times.wall_ms + DEADLINE);
    static const int apart[] = {0, 1, 1, 0, -1, 0, 1, -1};
    for (uint32_t i = 0; i < sizeof apart / sizeof *apart; i++) {
        io->times.monotonic_ms += 3;
        io->times.wall_ms = first_ms - DEADLINE + 3 * (int64_t)(i + 1) + apart[i];
        shard_tick(shard);
        assert_true(http_wall_of(&shard->http, deadline_ms) == first_ms);
    }
    io->times.wall_ms += 5000; /* somebody sets the clock */
    shard_tick(shard);
    assert_in_range(http_wall_of(&shard->http, deadline_ms) - first_ms, 4999, 5001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TICK_TEST(a_write_is_acknowledged_when_it_is_durable),
        TICK_TEST(a_write_beside_a_batch_in_flight_waits_for_the_next),
        TICK_TEST(a_reply_from_the_other_shard_waits_for_its_disk),
        TICK_TEST(a_read_and_a_refusal_wait_for_what_they_tell),
        TICK_TEST(availability_waits_for_nothing),
        TICK_TEST(a_write_that_lasts_is_given_the_core_again_and_again),
        TICK_TEST(a_unit_that_comes_back_is_shown_when_that_is_durable),
        TICK_TEST(a_201_waits_for_postgres_after_the_disk),
        TICK_TEST(a_201_that_postgres_does_not_confirm_in_time_is_unconfirmed),
        TICK_TEST(nothing_is_taken_while_postgres_is_away),
        TICK_TEST(a_pipeline_has_its_part_of_the_time),
        TICK_TEST(a_batch_waits_while_it_grows_and_not_for_long),
        TICK_TEST(a_batch_waits_once_for_the_few_who_are_answered),
        TICK_TEST(behind_a_fast_disk_a_batch_waits_for_nobody),
        TICK_TEST(a_process_that_stood_still_owes_pipelines_no_sleep),
        TICK_TEST(a_deadline_reads_the_same_while_the_clocks_flicker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
