/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io_test - whether a backend of io.h does here what the loop relies on: tried out on a pair of
 * loops.
 *
 * Ownership  None is kept.
 * Threads    One.
 * Units      None.
 * Errors     False, with what did not work and the remedy in `problem`.
 * Cost       Some milliseconds.
 */
#ifndef HOTSHELF_NET_IO_TEST_H
#define HOTSHELF_NET_IO_TEST_H

#include <stdbool.h>
#include <stddef.h>

bool io_test(bool epoll, char *problem, size_t problem_size);

#endif
