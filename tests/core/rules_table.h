/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules_table - the text tables of tests/core/rules, read: files, scenarios, lines, words.
 *
 *     # L2 A6: a hold lives until its deadline         begins a scenario
 *     cart  bob S1 1  -> held_by_others available 0    # a remark
 *     ^^^^ words ^^^     ^^^^^^^^ answer ^^^^^^^^^^
 *
 * Whoever carries a line out takes its words one by one; what is left over was not understood, and
 * is a mistake in the file. rules/README.md tells the whole language.
 *
 * Ownership  A table owns its text and its scenarios; words are NUL-terminated and borrow from it.
 * Threads    One.
 * Units      Lengths of time in milliseconds.
 * Errors     A mistake in a table fails the test that runs, with file and line (line_fail).
 * Cost       Heap memory, for tests only.
 */
#ifndef HOTSHELF_TESTS_CORE_RULES_TABLE_H
#define HOTSHELF_TESTS_CORE_RULES_TABLE_H

#include <stdbool.h>
#include <stdint.h>

enum { LINE_WORDS_MAX = 48 };

struct table_line {
    const char *file;
    const char *text; /* as it stands in the file */
    uint32_t number;
    const char *words[LINE_WORDS_MAX];
    bool used[LINE_WORDS_MAX];
    uint32_t word_count;
    bool has_answer;
    const char *answer[LINE_WORDS_MAX];
    uint32_t answer_count;
};

struct scenario {
    const char *file;
    const char *title; /* "L2 A6: a hold lives .." */
    struct table_line *lines;
    uint32_t line_count;
};

struct rules_file {
    char *name;
    char *text, *words; /* the file twice: as it stands, and cut into words */
    struct scenario *scenarios;
    uint32_t scenario_count;
};

struct rules_file rules_read(const char *directory, const char *name);
void rules_free(struct rules_file *file);

/* The next word that nobody took; the test fails without one. */
const char *line_word(struct table_line *line);
bool line_has_more(const struct table_line *line);
/* The word behind `name`, both taken; NULL: the line has no such option. */
const char *line_option(struct table_line *line, const char *name);
/* A word that stands alone, taken. */
bool line_flag(struct table_line *line, const char *name);
/* Every word was understood. */
void line_end(const struct table_line *line);
void line_fail(const struct table_line *line, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));

int64_t line_number(const struct table_line *line, const char *word);
/* "10m", "9m59s", "1ms"; with a sign a point of time from now. False: not that form. */
bool duration_read(const char *word, int64_t *ms);
int64_t line_duration(const struct table_line *line, const char *word);

#endif
