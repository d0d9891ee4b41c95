/* SPDX-License-Identifier: Apache-2.0 */
/*
 * result_check - whether a result has the shape that result.schema.json gives it: what is set side
 * by side, or drawn on a page, has to be a figure.
 *
 * Texts may be any, and members that the shape does not have are left alone: nothing is computed
 * with them.
 *
 * Ownership  Nothing is kept.
 * Threads    One at a time.
 * Units      Whole numbers up to INT64_MAX, measures up to RESULT_MEASURE_MAX.
 * Errors     -1 after one line on stderr, which names the file and the member.
 * Cost       O(bytes x depth).
 */
#ifndef HOTSHELF_LOADTEST_RESULT_CHECK_H
#define HOTSHELF_LOADTEST_RESULT_CHECK_H

#include "loadtest/result_file.h"

#define RESULT_MEASURE_MAX 1e15 /* of a second, 31 million years */

int result_check(const struct result_file *file);

#endif
