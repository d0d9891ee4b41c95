/* SPDX-License-Identifier: Apache-2.0 */
/* Slots of requests: taken and given back, larger replies, and waiting for the disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "net/loop/request.h"
#include "tests/lib/memory.h"
#include "tests/lib/stops.h"

enum { SLOTS = 4, LARGE = 2 };

struct scene {
    struct arena arena;
    struct requests requests;
};

static void open_scene(struct scene *scene)
{
    memory_open(&scene->arena, 1 << 20);
    requests_init(&scene->requests, &scene->arena, SLOTS, LARGE);
}

static struct request *run_one(struct scene *scene, uint8_t shard, uint64_t batch)
{
    struct request *request = request_take(&scene->requests, 0);
    assert_non_null(request);
    request->state = REQUEST_RUN;
    request->wait_shard = shard;
    request->wait_batch = batch;
    request_wait(&scene->requests, request);
    return request;
}

static void slots_run_out_and_come_back(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    struct request *taken[SLOTS];
    for (uint32_t i = 0; i < SLOTS; i++) {
        taken[i] = request_take(&scene.requests, 3);
        assert_int_equal(taken[i]->index, i);
        assert_int_equal(taken[i]->home, 3);
    }
    assert_null(request_take(&scene.requests, 3));
    request_give(&scene.requests, taken[1]);
    request_give(&scene.requests, taken[2]);
    assert_int_equal(scene.requests.in_use, 2);
    assert_ptr_equal(request_take(&scene.requests, 0), taken[2]);
    assert_ptr_equal(request_take(&scene.requests, 0), taken[1]);
    memory_close(&scene.arena);
}

static void a_slot_used_again_remembers_nothing(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    struct request *request = request_take(&scene.requests, 0);
    request->work->command.quantity = 7;
    request->wait_batch = 9;
    request->reply.close = true;
    assert_int_equal(request_keep(request, BYTES("a key")).size, 5);
    assert_true(request_enlarge(&scene.requests, request));
    request_give(&scene.requests, request);
    struct request *again = request_take(&scene.requests, 1);
    assert_ptr_equal(again, request);
    assert_int_equal(again->work->command.quantity, 0);
    assert_int_equal(again->wait_batch, 0);
    assert_int_equal(again->work->text_used, 0);
    assert_int_equal(again->large, 0);
    assert_false(again->reply.close);
    assert_ptr_equal(again->reply.data, again->small);
    memory_close(&scene.arena);
}

static void what_has_run_leaves_its_work_to_the_next(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    struct request *waits = request_take(&scene.requests, 0);
    struct request *runs = request_take(&scene.requests, 0);
    struct request_work *work = waits->work, *other = runs->work;
    assert_ptr_not_equal(work, other);
    request_drop_work(&scene.requests, waits);
    request_give(&scene.requests, waits); /* nothing of it twice */
    struct request *next = request_take(&scene.requests, 0);
    assert_ptr_equal(next->work, work);
    request_give(&scene.requests, runs);
    assert_ptr_equal(request_take(&scene.requests, 0)->work, other);
    assert_ptr_not_equal(request_take(&scene.requests, 0)->work, other);
    assert_ptr_not_equal(request_take(&scene.requests, 0)->work, work);
    memory_close(&scene.arena);
}

static void large_replies_are_shared(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    struct request *one = request_take(&scene.requests, 0);
    struct request *two = request_take(&scene.requests, 0);
    struct request *three = request_take(&scene.requests, 0);
    assert_true(request_enlarge(&scene.requests, one));
    assert_true(request_has_large(&scene.requests));
    assert_true(request_enlarge(&scene.requests, two));
    assert_false(request_has_large(&scene.requests));
    assert_false(request_enlarge(&scene.requests, three));
    assert_ptr_not_equal(one->reply.data, two->reply.data);
    assert_int_equal(one->reply.size_max, REQUEST_REPLY_LARGE);
    uint8_t *large = one->reply.data;
    request_give(&scene.requests, one);
    assert_true(request_has_large(&scene.requests));
    assert_true(request_enlarge(&scene.requests, three));
    assert_ptr_equal(three->reply.data, large);
    memory_close(&scene.arena);
}

static void texts_are_kept_until_there_is_no_room(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    static const uint8_t long_text[REQUEST_TEXT_SIZE] = {1, 2, 3};
    struct request *request = request_take(&scene.requests, 0);
    assert_true(bytes_equal(request_keep(request, BYTES("ann")), BYTES("ann")));
    assert_null(request_keep(request, bytes_of(long_text, sizeof long_text - 2)).data);
    assert_non_null(request_keep(request, bytes_of(long_text, sizeof long_text - 3)).data);
    memory_close(&scene.arena);
}

static void replies_wait_for_the_disk_of_their_shard(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    struct request *a = run_one(&scene, 0, 5);
    struct request *b = run_one(&scene, 1, 2);
    struct request *c = run_one(&scene, 0, 5);
    struct request *d = run_one(&scene, 0, 6);
    assert_int_equal(request_first_batch(&scene.requests, 0), 5);
    assert_int_equal(request_first_batch(&scene.requests, 1), 2);
    assert_true(request_first_batch(&scene.requests, 2) == UINT64_MAX);
    assert_null(request_next_durable(&scene.requests, 0, 4));
    assert_ptr_equal(request_next_durable(&scene.requests, 0, 5), a);
    assert_ptr_equal(request_next_durable(&scene.requests, 0, 5), c);
    assert_null(request_next_durable(&scene.requests, 0, 5));
    assert_ptr_equal(request_next_durable(&scene.requests, 1, 9), b);
    assert_ptr_equal(request_next_durable(&scene.requests, 0, 6), d);
    assert_true(request_first_batch(&scene.requests, 0) == UINT64_MAX);
    memory_close(&scene.arena);
}

/* K5, durability = postgres */
static void replies_wait_for_postgres_in_the_order_they_came(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    struct request *a = run_one(&scene, 1, 5);
    struct request *b = run_one(&scene, 1, 5);
    struct request *c = run_one(&scene, 0, 5);
    assert_null(request_first_unconfirmed(&scene.requests, 1));
    assert_ptr_equal(request_next_durable(&scene.requests, 1, 5), a);
    request_wait_confirmed(&scene.requests, a);
    assert_ptr_equal(request_next_durable(&scene.requests, 1, 5), b);
    request_wait_confirmed(&scene.requests, b);
    assert_ptr_equal(request_next_durable(&scene.requests, 0, 5), c);
    request_wait_confirmed(&scene.requests, c);
    assert_int_equal(scene.requests.unconfirmed_count, 3);
    assert_ptr_equal(request_first_unconfirmed(&scene.requests, 1), a);
    assert_ptr_equal(request_take_unconfirmed(&scene.requests, 1), a);
    assert_ptr_equal(request_take_unconfirmed(&scene.requests, 1), b);
    assert_null(request_first_unconfirmed(&scene.requests, 1));
    assert_ptr_equal(request_take_unconfirmed(&scene.requests, 0), c);
    assert_int_equal(scene.requests.unconfirmed_count, 0);
    memory_close(&scene.arena);
}

static void a_batch_out_of_order_stops_the_process(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    run_one(&scene, 0, 5);
    STOPS(run_one(&scene, 0, 4));
    memory_close(&scene.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_run_out_and_come_back),
        cmocka_unit_test(a_slot_used_again_remembers_nothing),
        cmocka_unit_test(what_has_run_leaves_its_work_to_the_next),
        cmocka_unit_test(large_replies_are_shared),
        cmocka_unit_test(texts_are_kept_until_there_is_no_room),
        cmocka_unit_test(replies_wait_for_the_disk_of_their_shard),
        cmocka_unit_test(replies_wait_for_postgres_in_the_order_they_came),
        cmocka_unit_test(a_batch_out_of_order_stops_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
