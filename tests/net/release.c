/* SPDX-License-Identifier: Apache-2.0 */
/* K5: a reply that tells of a customer is held back until its batch is durable, on whichever shard
 * it ran; one that tells of none waits for nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "net/loop/shard.h"
#include "tests/lib/memory.h"

enum { SHARDS = 2, SLOTS = 4 };

/* The home shard and a neighbour that has run some of its requests; nobody is connected. */
struct scene {
    struct arena arena;
    struct shards all;
    struct shard *home, *other;
};

static void open_scene(struct scene *scene)
{
    *scene = (struct scene){.all = {.count = SHARDS}};
    memory_open(&scene->arena, 2 << 20);
    for (uint32_t i = 0; i < SHARDS; i++) {
        struct shard *shard = arena_take(&scene->arena, "shards", 1, sizeof(*shard));
        *shard = (struct shard){.all = &scene->all, .number = i, .count = SHARDS};
        shard->connections.lists[LIST_FLUSH].first = CONNECTION_NONE;
        scene->all.shard[i] = shard;
    }
    scene->home = scene->all.shard[0];
    scene->other = scene->all.shard[1];
    requests_init(&scene->home->requests, &scene->arena, SLOTS, 1);
}

/* A request that has just run and waits for a batch of a shard; 0 for none. */
static struct request *run_one(struct scene *scene, uint8_t shard, uint64_t batch)
{
    struct request *request = request_take(&scene->home->requests, 0);
    assert_non_null(request);
    request->wait_shard = shard;
    request->wait_batch = batch;
    shard_has_run(scene->home, request);
    return request;
}

/* The client is gone: a reply that may leave frees its slot. */
static bool has_left(const struct request *request)
{
    return request->state == REQUEST_FREE;
}

static void durable_on(struct shard *shard, uint64_t batch)
{
    atomic_store(&shard->settled_batch, batch);
}

static void a_reply_waits_for_its_batch(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    durable_on(scene.home, 4);
    struct request *own = run_one(&scene, 0, 5), *next = run_one(&scene, 0, 6);
    shard_release(scene.home);
    assert_false(has_left(own));
    durable_on(scene.home, 5);
    assert_false(has_left(own)); /* not of itself: after the batch is settled */
    shard_release(scene.home);
    assert_true(has_left(own));
    assert_false(has_left(next));
    durable_on(scene.home, 6);
    shard_release(scene.home);
    assert_true(has_left(next));
    memory_close(&scene.arena);
}

static void a_reply_from_another_shard_waits_for_that_shards_disk(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    durable_on(scene.home, 9);
    durable_on(scene.other, 4);
    struct request *request = run_one(&scene, 1, 5);
    durable_on(scene.home, 10);
    shard_release(scene.home);
    assert_false(has_left(request));
    durable_on(scene.other, 5);
    shard_release(scene.home);
    assert_true(has_left(request));
    memory_close(&scene.arena);
}

static void what_is_durable_or_tells_nothing_leaves_at_once(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    durable_on(scene.home, 4);
    assert_true(has_left(run_one(&scene, 0, 4)));
    assert_true(has_left(run_one(&scene, 0, 0)));
    assert_true(has_left(run_one(&scene, 1, 0)));
    memory_close(&scene.arena);
}

/* It has another visit to make, on another shard. */
static void what_goes_on_keeps_its_work(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    durable_on(scene.home, 4);
    scene.home->going_on_first = scene.home->going_on_last = REQUEST_NONE;
    struct request *request = request_take(&scene.home->requests, 0);
    struct request_work *work = request->work;
    request->goes_on = true;
    shard_has_run(scene.home, request);
    assert_ptr_equal(request->work, work);
    assert_int_equal(scene.home->going_on_first, request->index);
    request->goes_on = false;
    request->wait_batch = 5;
    shard_has_run(scene.home, request);
    assert_null(request->work);
    assert_false(has_left(request));
    memory_close(&scene.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_waits_for_its_batch),
        cmocka_unit_test(a_reply_from_another_shard_waits_for_that_shards_disk),
        cmocka_unit_test(what_is_durable_or_tells_nothing_leaves_at_once),
        cmocka_unit_test(what_goes_on_keeps_its_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
