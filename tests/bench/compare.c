/* SPDX-License-Identifier: Apache-2.0 */
/* What a comparison says of its turns, and what it fails for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "bench/compare_ratios.h"
#include "bench/peers/peer.h"
#include "bench/reply.h"

#define ROUNDS 3

/* The first row of the table that has this aim and a target, set beside a peer. */
static const struct row *find_row(enum row_aim aim, enum row_measure measure)
{
    for (uint32_t at = 0; at < compare_rows_count; at++) {
        const struct row *row = &compare_rows[at];
        if (row->aim == aim && row->measure == measure && row->target > 0 && row->peer != NO_SIDE)
            return row;
    }
    fail();
    return NULL;
}

static bool is_near(double one, double other)
{
    return one > other - 0.001 && one < other + 0.001;
}

static struct compare_measured measure(
    const struct row *row, const double ours[ROUNDS], const double peer[ROUNDS])
{
    struct turn(*turns)[COMPARE_ROUNDS_MAX] = calloc(SIDES, sizeof *turns);
    assert_non_null(turns);
    for (int round = 0; round < ROUNDS; round++) {
        turns[row->ours][round] = (struct turn){
            .is_measured = true, .us = ours[round], .per_second = ours[round], .p99_us = 900};
        turns[row->peer][round] = (struct turn){.is_measured = true,
            .us = peer[round],
            .per_second = peer[round],
            .p99_us = 100,
            .sync_p99_us = 200};
    }
    struct compare_measured measured =
        compare_row_measure(row, (const struct turn(*)[COMPARE_ROUNDS_MAX])turns, ROUNDS);
    free(turns);
    return measured;
}

static void a_ratio_is_the_median_of_the_rounds(void **state)
{
    (void)state;
    const struct row *row = find_row(AIM_AT_MOST, MEASURE_CPU);
    struct compare_measured measured =
        measure(row, (double[]){2, 30, 3}, (double[]){1, 10, 2}); /* 2, 3, 1.5 */
    assert_null(measured.reason);
    assert_true(is_near(measured.ratio, 2) && is_near(measured.ratio_min, 1.5));
    assert_true(is_near(measured.ratio_max, 3) && is_near(measured.ours_us, 3));
    assert_true(is_near(measured.peer_us, 2));
    assert_int_equal(measured.is_met, row->target >= 2);
}

static void at_least_means_how_much_less_ours_takes(void **state)
{
    (void)state;
    const struct row *row = find_row(AIM_AT_LEAST, MEASURE_CPU);
    struct compare_measured measured =
        measure(row, (double[]){1, 1, 1}, (double[]){1000, 1000, 1000});
    assert_true(is_near(measured.ratio, 1000) && measured.is_met);
    measured = measure(row, (double[]){1000, 1000, 1000}, (double[]){1, 1, 1});
    assert_true(is_near(measured.ratio, 0.001) && !measured.is_met);
    row = find_row(AIM_AT_LEAST, MEASURE_RATE);
    measured = measure(row, (double[]){1000, 1000, 1000}, (double[]){1, 1, 1});
    assert_true(is_near(measured.ratio, 1000) && measured.is_met);
}

static void a_floor_for_latency_has_the_disk_in_it(void **state)
{
    (void)state;
    const struct row *row = find_row(AIM_AT_MOST, MEASURE_P99);
    struct compare_measured measured = measure(row, (double[]){1, 1, 1}, (double[]){1, 1, 1});
    assert_true(is_near(measured.ours_us, 900) && is_near(measured.peer_us, 300));
    assert_true(is_near(measured.ratio, 3) && measured.is_met);
}

static void what_is_not_measured_says_why_and_fails(void **state)
{
    (void)state;
    const struct row *row = find_row(AIM_AT_LEAST, MEASURE_CPU);
    struct turn(*turns)[COMPARE_ROUNDS_MAX] = calloc(SIDES, sizeof *turns);
    assert_non_null(turns);
    turns[row->ours][0].is_measured = true;
    turn_fail(&turns[row->peer][0], "%s is not\ninstalled", "it");
    struct compare_measured measured =
        compare_row_measure(row, (const struct turn(*)[COMPARE_ROUNDS_MAX])turns, 1);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_false(compare_rows_print(out, &measured, 1));
    fclose(out);
    assert_non_null(strstr(text, "not measured: it is not installed\n"));
    free(text);
    free(turns);
}

static void a_program_that_is_not_there_is_named_with_its_package(void **state)
{
    (void)state;
    static const char *const places[] = {"/nowhere/*/memcached", NULL};
    const struct peer_program program = {"memcached", "memcached-server", places};
    struct peer peer;
    struct turn turn = {.is_measured = true};
    assert_false(peer_open(&peer, &program, "/tmp", &turn));
    assert_false(turn.is_measured);
    assert_string_equal(
        turn.reason, "memcached is not installed: apt-get install memcached-server");
    peer_close(&peer);
}

static void only_more_than_twice_as_bad_fails(void **state)
{
    (void)state;
    char path[] = "/tmp/hotshelf-ratios-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    struct compare_measured rows[] = {
        {.row = find_row(AIM_AT_MOST, MEASURE_CPU), .ratio = 1.25},
        {.row = find_row(AIM_AT_LEAST, MEASURE_CPU), .ratio = 8},
    };
    assert_true(compare_ratios_write(path, rows, 2));
    assert_true(compare_ratios_judge(path, rows, 2));
    rows[0].ratio = 2.49;
    rows[1].ratio = 4.01;
    assert_true(compare_ratios_judge(path, rows, 2));
    rows[0].ratio = 0.1;
    rows[1].ratio = 100;
    assert_true(compare_ratios_judge(path, rows, 2));
    rows[0].ratio = 2.51;
    assert_false(compare_ratios_judge(path, rows, 2));
    rows[0].ratio = 1;
    rows[1].ratio = 3.99;
    assert_false(compare_ratios_judge(path, rows, 2));
    rows[1].ratio = 8;
    rows[1].reason = "it is not installed";
    assert_false(compare_ratios_judge(path, rows, 2));
    rows[1].reason = NULL;
    assert_true(compare_ratios_write(path, rows, 1));
    assert_false(compare_ratios_judge(path, rows, 2));
    unlink(path);
    assert_false(compare_ratios_judge(path, rows, 1));
}

static void every_row_knows_its_sides(void **state)
{
    (void)state;
    for (uint32_t at = 0; at < compare_rows_count; at++) {
        const struct row *row = &compare_rows[at];
        assert_non_null(row->job);
        assert_non_null(compare_sides[row->ours].name);
        assert_true(compare_sides[row->ours].who == SIDE_OURS ||
                    compare_sides[row->ours].who == SIDE_STREAM);
        if (row->peer == NO_SIDE)
            continue;
        assert_non_null(compare_sides[row->peer].name);
        assert_true(compare_sides[row->peer].who != SIDE_OURS);
        if (compare_sides[row->peer].who == SIDE_FLOOR && row->measure == MEASURE_CPU)
            assert_int_equal(compare_sides[row->peer].like, row->ours);
    }
}

static void a_reply_of_resp_ends_with_its_last_member(void **state)
{
    (void)state;
    static const char *const whole[] = {"+OK\r\n", ":5\r\n", "$-1\r\n", "$5\r\norder\r\n",
        "*2\r\n$1\r\na\r\n*1\r\n:1\r\n", "$0\r\n\r\n"};
    for (size_t at = 0; at < sizeof whole / sizeof whole[0]; at++) {
        const char *complaint = NULL;
        uint32_t size = (uint32_t)strlen(whole[at]);
        assert_int_equal(reply_of_resp(whole[at], size, &complaint), size);
        for (uint32_t part = 0; part < size; part++)
            assert_int_equal(reply_of_resp(whole[at], part, &complaint), 0);
        assert_null(complaint);
    }
    const char *complaint = NULL;
    reply_of_resp("-SOLDOUT SKU-1\r\n", 16, &complaint);
    assert_non_null(complaint);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ratio_is_the_median_of_the_rounds),
        cmocka_unit_test(at_least_means_how_much_less_ours_takes),
        cmocka_unit_test(a_floor_for_latency_has_the_disk_in_it),
        cmocka_unit_test(what_is_not_measured_says_why_and_fails),
        cmocka_unit_test(a_program_that_is_not_there_is_named_with_its_package),
        cmocka_unit_test(only_more_than_twice_as_bad_fails),
        cmocka_unit_test(every_row_knows_its_sides),
        cmocka_unit_test(a_reply_of_resp_ends_with_its_last_member),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
