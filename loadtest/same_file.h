/* SPDX-License-Identifier: Apache-2.0 */
/*
 * same_file - whether what is written to one path would stand over what is in another.
 *
 * Ownership  Both paths stay the caller's.
 * Threads    Any.
 * Units      None.
 * Errors     None: what cannot be looked at is nobody else.
 * Cost       Two system calls.
 */
#ifndef HOTSHELF_LOADTEST_SAME_FILE_H
#define HOTSHELF_LOADTEST_SAME_FILE_H

#include <stdbool.h>

/* NULL: no file. Devices and pipes take whatever is written, one after the other. */
bool same_file(const char *a, const char *b);

#endif
