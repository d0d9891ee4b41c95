/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measure - one thing that a module does, again and again, and what each time costs.
 *
 *     open -> [round -> (before -> part, part, part) .. count operations] x rounds -> close
 *
 * An operation has one to three parts, which are measured apart: decide, apply, settle. With no
 * step given a part loops over many operations by itself, so that nothing but its work stands
 * between two looks at the clock. With a step of 1 the parts take turns for each operation, as they
 * do in the server; what the looks themselves take is subtracted.
 *
 * Ownership  Cases are constants; what open() answers is closed by whoever had it opened.
 * Threads    The caller's; a case may have others of its own.
 * Units      Nanoseconds of the monotonic clock for each operation. A round is sixteen slices and
 *            says their median; of the rounds it is the median, with the least and the most, which
 *            is where a noisy neighbour shows.
 * Errors     open() answers NULL after a line on stderr. An operation that fails is a CHECK.
 * Cost       One round more than asked for: the first one warms up and does not count.
 */
#ifndef HOTSHELF_BENCH_MODULES_MEASURE_H
#define HOTSHELF_BENCH_MODULES_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    MEASURE_PARTS_MAX = 3,
    MEASURE_ROUNDS_MAX = 32,
    MEASURE_COUNTED_MAX = 256, /* operations of a round whose instructions are counted */
};

typedef void measure_run(void *context, uint32_t first, uint32_t count);

struct measure_part {
    const char *name; /* NULL: it is the only one */
    measure_run *run;
};

struct measure_case {
    const char *name;
    const char *operation; /* what one of them is */
    uint32_t kind, scale;  /* the module's own */
    uint32_t count;        /* operations of a round, a multiple of 16 */
    uint32_t step;         /* of them at once; 0: many */
    bool is_cold; /* has a million entities, so that its memory is; takes seconds to open */
    bool has_threads;
    void *(*open)(const struct measure_case *own);
    void (*close)(void *context);
    void (*round)(void *context, uint32_t count); /* prepares one; NULL: nothing to do */
    measure_run *before;                          /* prepares a step; NULL: nothing to do */
    struct measure_part parts[MEASURE_PARTS_MAX];
    const char *sum; /* of the first sum_parts together; NULL: none is told */
    uint32_t sum_parts;
    const char *extra; /* a figure of its own, for each operation; NULL: none */
    double (*read_extra)(void *context);
};

struct measure_figure {
    double median, least, most;
};

struct measure_result {
    struct measure_figure part[MEASURE_PARTS_MAX];
    struct measure_figure sum;
    double extra;
};

uint32_t measure_parts(const struct measure_case *own);
/* Of threads and of cold memory instructions tell nothing. */
bool measure_is_counted(const struct measure_case *own);

bool measure_time(const struct measure_case *own, uint32_t rounds, struct measure_result *result);

/* Operations of a round that is counted. */
uint32_t measure_counted(const struct measure_case *own);

/* The same under valgrind, which looks for calls of measure_part_0() to _2() and sets its numbers
 * aside when measure_counted_one() begins (counting.h). One round warms up; the next one is counted
 * and makes `operations`. */
bool measure_count(const struct measure_case *own, uint32_t operations);

/* The compiler must not see that nobody needs the value. */
static inline void measure_keep(uint64_t value)
{
    __asm__ volatile("" : : "r"(value) : "memory");
}

/* 0, which neither compiler nor processor know: added to an index it makes a look-up wait for the
 * one before, as a request waits for each of its own. */
static inline uint32_t measure_after(uint32_t value)
{
    uint32_t nothing = 0;
    __asm__ volatile("" : "+r"(nothing));
    return value & nothing;
}

#endif
