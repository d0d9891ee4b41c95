/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare - the verb: hotshelf-loadtest compare A.json B.json [--json FILE] [--html FILE].
 *
 * Ownership  None.
 * Threads    One.
 * Units      None.
 * Errors     The exit status: 0 compared, whatever came of it; 1 a file could not be read or
 *            written, or is no result of this format; 2 the command line is wrong.
 * Cost       Nothing worth naming.
 */
#ifndef HOTSHELF_LOADTEST_COMPARE_H
#define HOTSHELF_LOADTEST_COMPARE_H

#include <stdio.h>

void compare_usage(FILE *out);

/* argv: what follows the verb. */
int compare_main(int argc, char **argv);

#endif
