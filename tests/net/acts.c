/* SPDX-License-Identifier: Apache-2.0 */
/* The way of a line from a shard to the log. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/loop/acts.h"

enum { ROOM = 1 << 18, CROWD = 20000 };

static alignas(64) uint8_t memory[ROOM];
static struct acts acts;

static int open_ring(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, memory, ROOM);
    acts_init(&acts, &arena);
    return 0;
}

static struct act act_of(uint32_t number)
{
    struct act act = {.wall_ms = 1800000000000 + number, .status = 200, .request_size = 2};
    memcpy(act.request, "id", 2);
    act_begin(&act, ROLE_OPERATOR, BYTES("anna"));
    act_add(&act, BYTES("POST"));
    act_add(&act, BYTES("/admin/v1/pause"));
    return act;
}

static void a_line_says_who_did_what(void **state)
{
    (void)state;
    char line[ACT_LINE_SIZE];
    struct act act = act_of(7);
    act_add(&act, BYTES("sale:a b\n2027"));
    uint32_t size = act_write(&act, line);
    assert_string_equal(line, "2027-01-15T08:00:00.007Z admin anna (operator) POST "
                              "/admin/v1/pause sale:a_b_2027: 200, request id\n");
    assert_int_equal(size, strlen(line));
}

static void what_a_back_end_did_has_no_status(void **state)
{
    (void)state;
    char line[ACT_LINE_SIZE];
    for (uint16_t status = ACT_DONE; status <= ACT_REFUSED; status++) {
        struct act act = {.wall_ms = 1800000000007, .status = status};
        act_begin(&act, ROLE_SERVICE, BYTES("erp"));
        act_add(&act, BYTES("HS.STOCK.ADD"));
        act_add(&act, BYTES("S1"));
        act_write(&act, line);
        assert_string_equal(line,
            status == ACT_DONE ? "2027-01-15T08:00:00.007Z back end erp HS.STOCK.ADD S1: done\n"
                               : "2027-01-15T08:00:00.007Z back end erp HS.STOCK.ADD S1: "
                                 "refused\n");
    }
}

static void the_longest_line_fits(void **state)
{
    (void)state;
    static uint8_t text[1000];
    char line[ACT_LINE_SIZE];
    memset(text, '\n', sizeof(text));
    struct act act = act_of(0);
    act.request_size = ACT_REQUEST_SIZE_MAX;
    memset(act.request, 'r', sizeof(act.request));
    act_begin(&act, ROLE_VIEWER, bytes_of(text, sizeof(text)));
    for (uint32_t i = 0; i < 3; i++)
        act_add(&act, bytes_of(text, sizeof(text)));
    assert_int_equal(act.subject_size, ACT_SUBJECT_SIZE_MAX);
    uint32_t size = act_write(&act, line);
    assert_ptr_equal(memchr(line, '\n', size), line + size - 1);
}

static void who_does_not_read_misses_lines_and_is_told(void **state)
{
    (void)state;
    struct act act;
    assert_false(acts_take(&acts, &act));
    for (uint32_t i = 0; i < ACTS_MAX + 3; i++) {
        act = act_of(i);
        acts_put(&acts, &act);
    }
    assert_int_equal(acts_missing(&acts), 3);
    assert_int_equal(acts_missing(&acts), 0);
    for (uint32_t i = 0; i < ACTS_MAX; i++) {
        assert_true(acts_take(&acts, &act));
        assert_int_equal(act.wall_ms, 1800000000000 + i);
    }
    assert_false(acts_take(&acts, &act));
}

static void refusals_leave_room_for_what_is_done(void **state)
{
    (void)state;
    struct act act = act_of(0), refused[2] = {act_of(1), {.wall_ms = 1, .status = ACT_REFUSED}};
    refused[0].status = 403;
    act_begin(&refused[1], ROLE_SERVICE, BYTES("erp"));
    for (uint32_t i = 0; i < 2 * ACTS_MAX; i++)
        acts_put(&acts, &refused[i % 2]);
    assert_int_equal(acts_missing(&acts), 2 * ACTS_MAX - ACTS_REFUSED_MAX);
    for (uint32_t i = 0; i < ACTS_MAX - ACTS_REFUSED_MAX; i++)
        acts_put(&acts, &act);
    acts_put(&acts, &refused[0]);
    assert_int_equal(acts_missing(&acts), 1);
    for (uint32_t i = 0; i < ACTS_MAX; i++) {
        assert_true(acts_take(&acts, &act));
        assert_int_equal(act_is_refused(&act), i < ACTS_REFUSED_MAX);
    }
}

static void *put_a_crowd(void *argument)
{
    for (uint32_t i = 0; i < CROWD; i++) {
        struct act act = act_of(i);
        acts_put(argument, &act);
    }
    return NULL;
}

/* Two threads: what is taken is whole and in order, and nothing is lost without being counted. */
static void lines_come_whole_from_another_thread(void **state)
{
    (void)state;
    pthread_t thread;
    struct act act;
    uint64_t seen = 0, missing = 0;
    int64_t last = 0;
    assert_int_equal(pthread_create(&thread, NULL, put_a_crowd, &acts), 0);
    while (seen + missing < CROWD) {
        missing += acts_missing(&acts);
        if (!acts_take(&acts, &act))
            continue;
        assert_true(act.wall_ms > last);
        last = act.wall_ms;
        struct act whole = act_of((uint32_t)(act.wall_ms - 1800000000000));
        assert_memory_equal(act.subject, whole.subject, whole.subject_size);
        seen++;
    }
    pthread_join(thread, NULL);
    assert_false(acts_take(&acts, &act));
}

#define WITH_RING(test) cmocka_unit_test_setup(test, open_ring)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_says_who_did_what),
        cmocka_unit_test(what_a_back_end_did_has_no_status),
        cmocka_unit_test(the_longest_line_fits),
        WITH_RING(who_does_not_read_misses_lines_and_is_told),
        WITH_RING(refusals_leave_room_for_what_is_done),
        WITH_RING(lines_come_whole_from_another_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
