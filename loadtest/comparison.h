/* SPDX-License-Identifier: Apache-2.0 */
/*
 * comparison - two results of runs, figure by figure: A, B, and B / A.
 *
 * Ownership  comparison_of() points into the two files, which must outlive it.
 * Threads    One.
 * Units      As each figure's unit says; "" are plain numbers.
 * Errors     None: what one of them lacks is RESULT_NONE, and has no ratio.
 * Cost       Nothing worth naming.
 */
#ifndef HOTSHELF_LOADTEST_COMPARISON_H
#define HOTSHELF_LOADTEST_COMPARISON_H

#include "loadtest/result_file.h"

#include <stdio.h>

#define COMPARISON_FORMAT "hotshelf-loadtest-compare 2"
#define COMPARISON_FIGURES_MAX 96
#define COMPARISON_SETTINGS_MAX 64
#define COMPARISON_WARNINGS_MAX 16
#define COMPARISON_WORDS_SIZE 512
#define COMPARISON_NAME_SIZE 64

/* Which way a figure is good. */
enum comparison_aim { COMPARISON_NEITHER, COMPARISON_HIGHER, COMPARISON_LOWER };

struct comparison_figure {
    char name[COMPARISON_NAME_SIZE];
    const char *unit; /* "us", "percent", "seconds", "" */
    enum comparison_aim better;
    double value[2];
    double ratio;       /* RESULT_NONE: there is none */
    const char *judged; /* "better", "worse"; "": neither, as good as equal, or another load */
};

struct comparison_setting {
    char name[COMPARISON_NAME_SIZE];
    char value[2][RESULT_TEXT_SIZE];
    bool decides; /* figures of another value are of another load */
};

struct comparison {
    const struct result_file *file[2];
    struct comparison_figure figure[COMPARISON_FIGURES_MAX];
    uint32_t figure_count;
    struct comparison_setting setting[COMPARISON_SETTINGS_MAX]; /* only those that differ */
    uint32_t setting_count;
    char warning[COMPARISON_WARNINGS_MAX][COMPARISON_WORDS_SIZE];
    uint32_t warning_count;
    bool same_load; /* otherwise nothing is judged */
};

void comparison_of(
    struct comparison *comparison, const struct result_file *a, const struct result_file *b);

void comparison_text(FILE *file, const struct comparison *comparison);

/* Both results whole, and what is above. */
void comparison_json(FILE *file, const struct comparison *comparison);

#endif
