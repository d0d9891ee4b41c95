/* SPDX-License-Identifier: Apache-2.0 */
/* How many connections somebody may have. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>

#include <cmocka.h>

#include "net/loop/places.h"
#include "tests/lib/memory.h"

enum { MOST = 3, THREADS = 4, TURNS = 20000 };

struct scene {
    struct arena arena;
    struct places places;
    _Atomic uint32_t open;
    _Atomic bool too_many;
};

static void open_scene(struct scene *scene)
{
    *scene = (struct scene){0};
    memory_open(&scene->arena, 1 << 20);
    places_init(&scene->places, &scene->arena, MOST, 4711);
}

static void a_name_has_so_many_and_gets_them_back(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    uint32_t place[MOST];
    for (uint32_t i = 0; i < MOST; i++) {
        place[i] = places_take(&scene.places, BYTES("a"));
        assert_int_not_equal(place[i], PLACES_NONE);
    }
    for (uint32_t turn = 0; turn < 10; turn++) {
        for (uint32_t i = 0; i < 5; i++)
            assert_int_equal(places_take(&scene.places, BYTES("a")), PLACES_NONE);
        assert_int_equal(places_take(&scene.places, BYTES("b")) != PLACES_NONE, turn < MOST);
        places_give(&scene.places, place[0]);
        place[0] = places_take(&scene.places, BYTES("a"));
        assert_int_not_equal(place[0], PLACES_NONE);
    }
    memory_close(&scene.arena);
}

static void *come_and_go(void *context)
{
    struct scene *scene = context;
    for (uint32_t i = 0; i < TURNS; i++) {
        uint32_t place = places_take(&scene->places, BYTES("a"));
        if (place == PLACES_NONE)
            continue;
        if (atomic_fetch_add(&scene->open, 1) >= MOST)
            atomic_store(&scene->too_many, true);
        atomic_fetch_sub(&scene->open, 1);
        places_give(&scene->places, place);
    }
    return NULL;
}

static void threads_never_have_more_together(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    pthread_t threads[THREADS];
    for (uint32_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, &scene), 0);
    for (uint32_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_false(scene.too_many);
    for (uint32_t i = 0; i < MOST; i++)
        assert_int_not_equal(places_take(&scene.places, BYTES("a")), PLACES_NONE);
    assert_int_equal(places_take(&scene.places, BYTES("a")), PLACES_NONE);
    memory_close(&scene.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_has_so_many_and_gets_them_back),
        cmocka_unit_test(threads_never_have_more_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
