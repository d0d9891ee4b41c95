/* SPDX-License-Identifier: Apache-2.0 */
/* How often somebody may ask, on a clock of the test's own. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>

#include <cmocka.h>

#include "net/limit.h"
#include "tests/lib/memory.h"

#define MS 1000000ULL
#define SECOND (1000 * MS)

enum { WORDS = 1 << 10, KEY = 12345, THREADS = 4, BURST = 20000 };

struct scene {
    struct arena arena;
    struct limit limit;
};

static void open_scene(struct scene *scene, uint32_t words)
{
    *scene = (struct scene){0};
    memory_open(&scene->arena, 1 << 20);
    limit_init(&scene->limit, &scene->arena, words, KEY);
}

/* Ten a second, three at once, asked `times` times `at_ms` after the start. */
static const struct {
    uint64_t at_ms;
    uint32_t times, allowed, remaining;
    uint64_t retry_ms, full_ms; /* as the last of them is told */
} course[] = {
    {0, 1, 1, 2, 0, 100}, {0, 2, 2, 0, 0, 300}, {0, 1, 0, 0, 100, 300}, {99, 2, 0, 0, 1, 201},
    {100, 2, 1, 0, 100, 300}, /* one comes back every 100 ms, and no more */
    {200, 1, 1, 0, 0, 300}, {250, 1, 0, 0, 50, 250}, {400, 2, 2, 0, 0, 300},
    {700, 1, 1, 2, 0, 100},     /* all three are back */
    {90000, 4, 3, 0, 100, 300}, /* and never more than three */
};

/* Somebody had asked long before: a word that was never used says zero. */
static void walk_the_course(uint64_t start, uint64_t long_before)
{
    struct scene scene;
    open_scene(&scene, WORDS);
    struct limit_rate rate = limit_rate(10, 3);
    limit_ask(&scene.limit, &rate, LIMIT_CUSTOMER, BYTES("alice"), start - long_before);
    for (size_t i = 0; i < sizeof(course) / sizeof(course[0]); i++) {
        struct limit_verdict last = {0};
        uint32_t allowed = 0;
        for (uint32_t k = 0; k < course[i].times; k++) {
            last = limit_ask(
                &scene.limit, &rate, LIMIT_CUSTOMER, BYTES("alice"), start + course[i].at_ms * MS);
            allowed += last.allowed;
        }
        assert_int_equal(allowed, course[i].allowed);
        assert_int_equal(last.remaining, course[i].remaining);
        assert_int_equal(last.retry_ns, course[i].retry_ms * MS);
        assert_int_equal(last.full_ns, course[i].full_ms * MS);
    }
    memory_close(&scene.arena);
}

static void a_burst_then_the_steady_rate_then_the_burst_again(void **state)
{
    (void)state;
    walk_the_course(SECOND, SECOND);
    walk_the_course(90 * SECOND, SECOND);
}

static void the_clock_may_wrap_or_stand_anywhere(void **state)
{
    (void)state;
    walk_the_course(UINT64_MAX - 150 * MS, UINT64_MAX / 4);
    walk_the_course(UINT64_MAX / 2 - 150 * MS, UINT64_MAX / 4);
    walk_the_course(UINT64_MAX / 2 + SECOND, UINT64_MAX / 4);
}

static uint32_t count_allowed(struct scene *scene, const struct limit_rate *rate, struct bytes name,
    uint64_t from, uint64_t step, uint32_t times)
{
    uint32_t allowed = 0;
    for (uint32_t i = 0; i < times; i++)
        allowed += limit_ask(&scene->limit, rate, LIMIT_CUSTOMER, name, from + i * step).allowed;
    return allowed;
}

static void any_rate_holds_over_time(void **state)
{
    (void)state;
    static const struct {
        uint32_t per_second, burst;
    } rates[] = {{1, 1}, {3, 1}, {7, 50}, {1000, 10}};
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        struct scene scene;
        open_scene(&scene, WORDS);
        struct limit_rate rate = limit_rate(rates[i].per_second, rates[i].burst);
        /* ten seconds, asked every 0.1 ms */
        uint32_t allowed = count_allowed(&scene, &rate, BYTES("a"), SECOND, MS / 10, 100000);
        assert_in_range(allowed, rates[i].burst + 9 * rates[i].per_second,
            rates[i].burst + 10 * rates[i].per_second);
        memory_close(&scene.arena);
    }
}

static void the_ends_of_the_configuration_hold(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene, WORDS);
    struct limit_rate off = limit_rate(0, 1), fastest = limit_rate(LIMIT_NUMBER_MAX, 1),
                      deepest = limit_rate(1, LIMIT_NUMBER_MAX);
    assert_int_equal(count_allowed(&scene, &off, BYTES("off"), 0, 0, 1000), 1000);
    assert_int_equal(count_allowed(&scene, &fastest, BYTES("fast"), 0, 50, 1000), 500);
    assert_int_equal(count_allowed(&scene, &deepest, BYTES("deep"), 0, 0, LIMIT_NUMBER_MAX + 5),
        LIMIT_NUMBER_MAX);
    memory_close(&scene.arena);
}

static void names_and_kinds_have_their_own(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene, WORDS);
    struct limit_rate rate = limit_rate(1, 2);
    assert_int_equal(count_allowed(&scene, &rate, BYTES("alice"), 0, 0, 5), 2);
    assert_int_equal(count_allowed(&scene, &rate, BYTES("bob"), 0, 0, 5), 2);
    assert_true(limit_ask(&scene.limit, &rate, LIMIT_ADDRESS, BYTES("alice"), 0).allowed);
    assert_true(limit_ask(&scene.limit, &rate, LIMIT_GUEST, BYTES("alice"), 0).allowed);
    memory_close(&scene.arena);
}

/* All names in one word: together they get what one of them would. */
static void who_shares_a_word_is_judged_more_strictly(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene, 1);
    struct limit_rate rate = limit_rate(10, 4);
    uint32_t allowed = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        struct bytes name = bytes_of(&i, sizeof(i));
        allowed += limit_ask(&scene.limit, &rate, LIMIT_CUSTOMER, name, i * MS).allowed;
    }
    assert_in_range(allowed, 4 + 9, 4 + 10);
    memory_close(&scene.arena);
}

struct asker {
    pthread_t thread;
    struct scene *scene;
    uint32_t allowed;
};

static void *ask_all(void *context)
{
    struct asker *asker = context;
    struct limit_rate rate = limit_rate(1, BURST);
    asker->allowed = count_allowed(asker->scene, &rate, BYTES("alice"), SECOND, 0, BURST);
    return NULL;
}

/* The clock stands: whatever the order, exactly the burst is given away. */
static void threads_share_one_allowance(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene, WORDS);
    struct asker askers[THREADS] = {0};
    for (uint32_t i = 0; i < THREADS; i++) {
        askers[i].scene = &scene;
        assert_int_equal(pthread_create(&askers[i].thread, NULL, ask_all, &askers[i]), 0);
    }
    uint32_t allowed = 0;
    for (uint32_t i = 0; i < THREADS; i++) {
        pthread_join(askers[i].thread, NULL);
        allowed += askers[i].allowed;
    }
    assert_int_equal(allowed, BURST);
    memory_close(&scene.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_then_the_steady_rate_then_the_burst_again),
        cmocka_unit_test(the_clock_may_wrap_or_stand_anywhere),
        cmocka_unit_test(any_rate_holds_over_time),
        cmocka_unit_test(the_ends_of_the_configuration_hold),
        cmocka_unit_test(names_and_kinds_have_their_own),
        cmocka_unit_test(who_shares_a_word_is_judged_more_strictly),
        cmocka_unit_test(threads_share_one_allowance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
