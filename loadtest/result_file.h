/* SPDX-License-Identifier: Apache-2.0 */
/*
 * result_file - reads the JSON of a run (result.h) back.
 *
 * Looking for something that is not there answers JSON_NONE or RESULT_NONE, never an error: a run
 * without checkouts has no latency of checkouts.
 *
 * Ownership  result_file_open() takes the memory, result_file_close() gives it back, also after an
 *            open that failed.
 * Threads    One at a time.
 * Units      As the members say.
 * Errors     result_file_open(): -1 after one line on stderr: not to be read, too large, no JSON,
 *            or not the format of this program, and which one it is then.
 * Cost       O(bytes), once.
 */
#ifndef HOTSHELF_LOADTEST_RESULT_FILE_H
#define HOTSHELF_LOADTEST_RESULT_FILE_H

#include "loadtest/json.h"

#define RESULT_FORMAT "hotshelf-loadtest 2"
#define RESULT_FILE_SIZE_MAX (16 * 1024 * 1024)
#define RESULT_TEXT_SIZE 512
#define RESULT_NONE (-1.0)

struct result_file {
    const char *path;
    char *text;
    size_t size;
    struct json json;
};

int result_file_open(struct result_file *file, const char *path);
void result_file_close(struct result_file *file);

/* A number that is not negative, or RESULT_NONE. */
double result_file_number(const struct result_file *file, int object, const char *name);

/* A text, or what is written there, the start of it when it is long; "" when it is not there. */
void result_file_text(
    const struct result_file *file, int object, const char *name, char text[RESULT_TEXT_SIZE]);

#endif
