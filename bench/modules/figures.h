/* SPDX-License-Identifier: Apache-2.0 */
/*
 * figures - what was measured, by name: a table for people, JSON for programs, and the file of
 * recorded instructions that later runs are held against.
 *
 *     commands.checkout.decide 903.0      bench/instructions.txt: a name and a figure, and comments
 *
 * A figure may be MAY_RISE above the recorded one. What costs more on purpose is recorded again.
 *
 * Ownership  Plain values.
 * Threads    One.
 * Units      Nanoseconds and instructions for each operation.
 * Errors     false after a line on stderr for each reason.
 * Cost       None.
 */
#ifndef HOTSHELF_BENCH_MODULES_FIGURES_H
#define HOTSHELF_BENCH_MODULES_FIGURES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "bench/modules/measure.h"

#define FIGURES_MAY_RISE 0.05

enum { FIGURES_MAX = 256, FIGURE_NAME_SIZE = 64 };

struct figure {
    char name[FIGURE_NAME_SIZE]; /* module.case, or module.case.part */
    const char *operation;
    bool is_sum; /* of two others: not recorded */
    bool is_timed, is_counted;
    struct measure_figure ns;
    double instructions;
    const char *extra; /* NULL: none */
    double extra_value;
};

struct figures {
    uint32_t count;
    struct figure all[FIGURES_MAX];
};

void figures_print(const struct figures *figures, FILE *out);
bool figures_json(const struct figures *figures, const char *path);

bool figures_record(const struct figures *figures, const char *path);
/* Tells each figure that rose, fell, is not recorded or not measured any more, then how many passed
 * and failed; false when one failed, which falling is not. Of the recorded ones those count whose
 * module was counted now. */
bool figures_hold(const struct figures *figures, const char *path);

#endif
