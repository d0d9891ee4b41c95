/* SPDX-License-Identifier: Apache-2.0 */
/*
 * descriptors - raises this process's own limit of open files to what its connections take.
 *
 * Ownership  None.
 * Threads    Any.
 * Units      Descriptors.
 * Errors     -1 after one line on stderr, where the hard limit forbids it.
 * Cost       Two system calls.
 */
#ifndef HOTSHELF_LOADTEST_DESCRIPTORS_H
#define HOTSHELF_LOADTEST_DESCRIPTORS_H

#include <stdint.h>

int descriptors_allow(uint32_t connections);

#endif
