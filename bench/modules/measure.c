/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each part is called through a function of its own, which the compiler may neither merge nor turn
 * into a jump: so valgrind can tell them apart whatever the part is, and a call through it costs
 * the same for all. That cost is known from a case that does nothing, and subtracted.
 */
#include "bench/modules/measure.h"

#include <stddef.h>
#include <time.h>

#include "bench/median.h"
#include "core/check.h"

enum { SLICES = 16, LOOKS = 2001, LOOKS_AT_ONCE = 16 };

#define APART __attribute__((noinline, noclone))

APART void measure_part_0(measure_run *run, void *context, uint32_t first, uint32_t count);
APART void measure_part_1(measure_run *run, void *context, uint32_t first, uint32_t count);
APART void measure_part_2(measure_run *run, void *context, uint32_t first, uint32_t count);
APART void measure_counted_one(void);
APART void measure_counting(const struct measure_case *own, void *context, uint32_t operations);

APART void measure_part_0(measure_run *run, void *context, uint32_t first, uint32_t count)
{
    run(context, first, count);
    measure_keep(0);
}

APART void measure_part_1(measure_run *run, void *context, uint32_t first, uint32_t count)
{
    run(context, first, count);
    measure_keep(1);
}

APART void measure_part_2(measure_run *run, void *context, uint32_t first, uint32_t count)
{
    run(context, first, count);
    measure_keep(2);
}

typedef void part_caller(measure_run *run, void *context, uint32_t first, uint32_t count);

static part_caller *const callers[MEASURE_PARTS_MAX] = {
    measure_part_0, measure_part_1, measure_part_2};

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

uint32_t measure_parts(const struct measure_case *own)
{
    uint32_t parts = 0;
    while (parts < MEASURE_PARTS_MAX && own->parts[parts].run != NULL)
        parts++;
    CHECK(parts > 0);
    return parts;
}

bool measure_is_counted(const struct measure_case *own)
{
    return !own->is_cold && !own->has_threads;
}

static void do_nothing(void *context, uint32_t first, uint32_t count)
{
    measure_keep((uintptr_t)context + first + count);
}

/* Between two looks at the clock with nothing between them but the call. */
static double look_ns(void)
{
    double spent[LOOKS];
    for (uint32_t i = 0; i < LOOKS; i++) {
        double before = now_ns();
        for (uint32_t at_once = 0; at_once < LOOKS_AT_ONCE; at_once++) {
            measure_part_0(do_nothing, NULL, i, 1);
            measure_keep((uint64_t)now_ns());
        }
        spent[i] = (now_ns() - before) / (LOOKS_AT_ONCE + 1);
    }
    return median(spent, LOOKS);
}

/* What each part took in the operations from `first` on, for each of them. */
static void play_slice(const struct measure_case *own, void *context, double look, uint32_t first,
    uint32_t count, double spent[MEASURE_PARTS_MAX])
{
    uint32_t step = own->step > 0 ? own->step : count, parts = measure_parts(own);
    for (uint32_t i = 0; i < MEASURE_PARTS_MAX; i++)
        spent[i] = 0;
    for (uint32_t at = first; at < first + count; at += step) {
        if (own->before != NULL)
            own->before(context, at, step);
        double since = now_ns();
        for (uint32_t i = 0; i < parts; i++) {
            callers[i](own->parts[i].run, context, at, step);
            double now = now_ns();
            spent[i] += now - since - look;
            since = now;
        }
    }
    for (uint32_t i = 0; i < MEASURE_PARTS_MAX; i++)
        spent[i] /= count;
}

/* A slice is so short that seldom another program runs within it: the medians are of those in
 * which none did, unless the machine is overrun. */
static void play(const struct measure_case *own, void *context, double look,
    double round[MEASURE_PARTS_MAX], double *sum)
{
    double spent[MEASURE_PARTS_MAX][SLICES], sums[SLICES], one[MEASURE_PARTS_MAX];
    uint32_t count = own->count / SLICES;
    CHECK(own->count % SLICES == 0);
    CHECK(own->step == 0 || count % own->step == 0);
    if (own->round != NULL)
        own->round(context, own->count);
    for (uint32_t slice = 0; slice < SLICES; slice++) {
        play_slice(own, context, look, slice * count, count, one);
        sums[slice] = 0;
        for (uint32_t i = 0; i < MEASURE_PARTS_MAX; i++) {
            spent[i][slice] = one[i];
            sums[slice] += i < own->sum_parts ? one[i] : 0;
        }
    }
    for (uint32_t i = 0; i < MEASURE_PARTS_MAX; i++)
        round[i] = median(spent[i], SLICES);
    *sum = median(sums, SLICES);
}

static struct measure_figure figure_of(double *rounds, uint32_t count)
{
    struct measure_figure figure = {.median = median(rounds, count)}; /* sorts them */
    figure.least = rounds[0];
    figure.most = rounds[count - 1];
    return figure;
}

bool measure_time(const struct measure_case *own, uint32_t rounds, struct measure_result *result)
{
    double spent[MEASURE_PARTS_MAX][MEASURE_ROUNDS_MAX], sums[MEASURE_ROUNDS_MAX];
    double one[MEASURE_PARTS_MAX], look = look_ns();
    CHECK(rounds > 0);
    CHECK(rounds <= MEASURE_ROUNDS_MAX);
    void *context = own->open(own);
    if (context == NULL)
        return false;
    *result = (struct measure_result){0};
    play(own, context, look, one, &sums[0]);
    for (uint32_t round = 0; round < rounds; round++) {
        play(own, context, look, one, &sums[round]);
        for (uint32_t i = 0; i < MEASURE_PARTS_MAX; i++)
            spent[i][round] = one[i];
    }
    for (uint32_t i = 0; i < MEASURE_PARTS_MAX; i++)
        result->part[i] = figure_of(spent[i], rounds);
    result->sum = figure_of(sums, rounds);
    if (own->extra != NULL)
        result->extra = own->read_extra(context);
    own->close(context);
    return true;
}

uint32_t measure_counted(const struct measure_case *own)
{
    return own->count < MEASURE_COUNTED_MAX ? own->count : MEASURE_COUNTED_MAX;
}

APART void measure_counted_one(void)
{
    measure_keep(0);
}

APART void measure_counting(const struct measure_case *own, void *context, uint32_t operations)
{
    uint32_t step = own->step > 0 ? own->step : operations, parts = measure_parts(own);
    if (own->round != NULL)
        own->round(context, operations);
    for (uint32_t first = 0; first + step <= operations; first += step) {
        if (own->before != NULL)
            own->before(context, first, step);
        for (uint32_t i = 0; i < parts; i++)
            callers[i](own->parts[i].run, context, first, step);
    }
}

bool measure_count(const struct measure_case *own, uint32_t operations)
{
    void *context = own->open(own);
    if (context == NULL)
        return false;
    measure_counting(own, context, measure_counted(own));
    measure_counted_one();
    measure_counting(own, context, operations);
    measure_counted_one();
    own->close(context);
    return true;
}
