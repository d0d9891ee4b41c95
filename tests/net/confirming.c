/* SPDX-License-Identifier: Apache-2.0 */
/* K5 with durability = postgres: a durable reply is held back until the stream's mark has reached
 * its number, or its time is over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "net/loop/shard.h"
#include "tests/lib/memory.h"

enum { SHARDS = 2, SLOTS = 4, WAIT_MS = 500 };

/* A shard with clients, each of whom has sent one checkout; a neighbour that ran some of them. */
struct scene {
    struct arena arena;
    struct config config;
    struct journal_shared journals;
    struct shards all;
    struct shard *home;
};

static void open_scene(struct scene *scene)
{
    *scene = (struct scene){.all = {.count = SHARDS, .confirms = true}};
    scene->all.config = &scene->config;
    scene->all.journals = &scene->journals;
    scene->config.postgres.wait_ms = WAIT_MS;
    memory_open(&scene->arena, 2 << 20);
    for (uint32_t i = 0; i < SHARDS; i++) {
        struct shard *shard = arena_take(&scene->arena, "shards", 1, sizeof(*shard));
        *shard = (struct shard){.all = &scene->all, .number = i, .count = SHARDS};
        shard->connections.lists[LIST_FLUSH].first = CONNECTION_NONE;
        shard->connections.lists[LIST_FLUSH].last = CONNECTION_NONE;
        scene->all.shard[i] = shard;
    }
    scene->home = scene->all.shard[0];
    scene->home->monotonic_ms = 10000;
    scene->home->connections.slots =
        arena_take(&scene->arena, "connections", SLOTS, sizeof(struct connection));
    requests_init(&scene->home->requests, &scene->arena, SLOTS, 1);
}

/* Durable, and told of the event of a number on a shard. */
static struct request *run_one(struct scene *scene, uint8_t shard, uint64_t seq)
{
    struct request *request = request_take(&scene->home->requests, 0);
    assert_non_null(request);
    request->connection_index = request->index;
    request->request_id_size = 1;
    request->request_id[0] = 'r';
    request->wait_shard = shard;
    request->wait_seq = seq;
    request->reply.end = 1; /* something that is not a refusal */
    shard_has_run(scene->home, request);
    return request;
}

static void streamed_on(struct scene *scene, uint32_t shard, uint64_t seq)
{
    atomic_store(&scene->journals.marks[shard].streamed_seq, seq);
    shard_release(scene->home);
}

static void passes(struct scene *scene, uint64_t ms)
{
    scene->home->monotonic_ms += ms;
    shard_release(scene->home);
}

static bool waits(const struct request *request)
{
    return request->state == REQUEST_RUN;
}

static bool is_told_201(const struct request *request)
{
    return request->state == REQUEST_READY && request->reply.end == 1;
}

static bool is_told_to_ask_again(const struct request *request)
{
    return request->state == REQUEST_READY && request->reply.end > 1;
}

static void a_reply_waits_for_its_number(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    streamed_on(&scene, 0, 7);
    assert_true(is_told_201(run_one(&scene, 0, 7)));
    struct request *eight = run_one(&scene, 0, 8), *nine = run_one(&scene, 0, 9);
    assert_true(waits(eight));
    streamed_on(&scene, 0, 8);
    assert_true(is_told_201(eight));
    assert_true(waits(nine));
    streamed_on(&scene, 0, 20);
    assert_true(is_told_201(nine));
    assert_true(shard_confirm_wait_ms(scene.home) == UINT64_MAX);
    memory_close(&scene.arena);
}

static void a_reply_from_another_shard_waits_for_that_shards_events(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    struct request *request = run_one(&scene, 1, 3);
    assert_int_equal(atomic_load(&scene.home->awaits), 2);
    streamed_on(&scene, 0, 9);
    assert_true(waits(request));
    assert_false(shard_sees_confirmed(scene.home));
    atomic_store(&scene.journals.marks[1].streamed_seq, 3);
    assert_true(shard_sees_confirmed(scene.home)); /* the last look before sleeping */
    shard_release(scene.home);
    assert_true(is_told_201(request));
    assert_int_equal(atomic_load(&scene.home->awaits), 0);
    memory_close(&scene.arena);
}

static void what_has_no_number_waits_for_nothing(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    assert_true(is_told_201(run_one(&scene, 1, 0)));
    assert_true(shard_confirm_wait_ms(scene.home) == UINT64_MAX);
    memory_close(&scene.arena);
}

static void nobody_waits_longer_than_wait_ms(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    struct request *first = run_one(&scene, 0, 5);
    passes(&scene, 200);
    struct request *second = run_one(&scene, 0, 6), *other = run_one(&scene, 1, 6);
    assert_int_equal(shard_confirm_wait_ms(scene.home), WAIT_MS - 200);
    passes(&scene, WAIT_MS - 201);
    assert_true(waits(first));
    passes(&scene, 1);
    assert_true(is_told_to_ask_again(first));
    assert_true(waits(second));
    streamed_on(&scene, 0, 6);
    assert_true(is_told_201(second));
    passes(&scene, 200);
    assert_true(is_told_to_ask_again(other));
    memory_close(&scene.arena);
}

/* A replay asks for an earlier number than the one before it in the list. */
static void who_is_confirmed_when_his_turn_comes_is_told_so(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    struct request *latest = run_one(&scene, 0, 9), *replay = run_one(&scene, 0, 4);
    streamed_on(&scene, 0, 4);
    assert_true(waits(latest));
    passes(&scene, WAIT_MS);
    assert_true(is_told_to_ask_again(latest));
    assert_true(is_told_201(replay));
    memory_close(&scene.arena);
}

static void a_position_that_goes_back_tells_nobody_anything(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    streamed_on(&scene, 0, 7);
    struct request *request = run_one(&scene, 0, 8);
    streamed_on(&scene, 0, 2);
    assert_true(waits(request));
    streamed_on(&scene, 0, 7);
    assert_true(waits(request));
    streamed_on(&scene, 0, 8);
    assert_true(is_told_201(request));
    memory_close(&scene.arena);
}

static void whose_client_is_gone_leaves_no_slot_behind(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    struct request *request = run_one(&scene, 0, 5);
    request->connection_index = REQUEST_NONE;
    passes(&scene, WAIT_MS);
    assert_int_equal(request->state, REQUEST_FREE);
    assert_int_equal(scene.home->requests.in_use, 0);
    memory_close(&scene.arena);
}

static void before_the_end_of_a_stop_everybody_is_told(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    scene.config.postgres.wait_ms = 600000;
    struct request *request = run_one(&scene, 0, 5);
    scene.home->phase = SHARD_DRAINING;
    scene.home->drain_until_ms = scene.home->monotonic_ms + 3000;
    uint64_t wait = shard_confirm_wait_ms(scene.home);
    assert_true(wait < 3000);
    passes(&scene, wait - 1);
    assert_true(waits(request));
    passes(&scene, 1);
    assert_true(is_told_to_ask_again(request));
    memory_close(&scene.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_waits_for_its_number),
        cmocka_unit_test(a_reply_from_another_shard_waits_for_that_shards_events),
        cmocka_unit_test(what_has_no_number_waits_for_nothing),
        cmocka_unit_test(nobody_waits_longer_than_wait_ms),
        cmocka_unit_test(who_is_confirmed_when_his_turn_comes_is_told_so),
        cmocka_unit_test(a_position_that_goes_back_tells_nobody_anything),
        cmocka_unit_test(whose_client_is_gone_leaves_no_slot_behind),
        cmocka_unit_test(before_the_end_of_a_stop_everybody_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
