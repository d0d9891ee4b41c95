/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options - what the modules of hotshelf-bench are told on the command line: pairs of a name and a
 * value, or a name alone, each described by a row of a table.
 *
 * Ownership  Texts point into argv; values are the caller's.
 * Threads    One.
 * Units      As each option says.
 * Errors     false, after a line on stderr that names the option.
 * Cost       An output is opened and closed; what stands in it is left alone.
 */
#ifndef HOTSHELF_BENCH_OPTIONS_H
#define HOTSHELF_BENCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum option_kind {
    OPTION_TEXT,   /* const char * */
    OPTION_OUTPUT, /* const char *, a file that will be written: whether it can be is seen now */
    OPTION_NUMBER, /* double, above least and up to most */
    OPTION_COUNT,  /* uint32_t, from least to most */
    OPTION_FLAG,   /* bool; has no value, is set */
};

struct option {
    const char *name;
    enum option_kind kind;
    void *value;
    double least, most;
};

bool options_parse(
    const char *module, const struct option *options, uint32_t count, int argc, char **argv);

/* Whether this file can be written, which is what this option of the module asks for. */
bool options_check_output(const char *module, const char *name, const char *path);

/* Closes it; false with one line when not all of it has been written. */
bool options_close_output(FILE *file, const char *path);

/* The path of another program of this build, from the place of this one. */
void options_find_program(const char *from_here, char *path, uint32_t size);

#endif
