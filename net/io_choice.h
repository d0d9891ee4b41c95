/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io_choice - server.io made true: which backend of io.h serves here, tried out before it does.
 *
 *     auto      io_uring if it does all that the loop relies on, else epoll, and it is said why
 *     io_uring  that, or no start
 *     epoll     that
 *
 * Ownership  Text goes to the caller's memory.
 * Threads    One.
 * Units      None.
 * Errors     False: none that was asked for works, and `said` says why and what to do. True with a
 *            text: the same about what auto could not have.
 * Cost       Some milliseconds.
 */
#ifndef HOTSHELF_NET_IO_CHOICE_H
#define HOTSHELF_NET_IO_CHOICE_H

#include <stdbool.h>
#include <stddef.h>

#include "net/config.h"

enum { IO_CHOICE_TEXT_SIZE = 768 };

/* IO_URING or IO_EPOLL. `said` has IO_CHOICE_TEXT_SIZE bytes. */
bool io_choose(enum config_io wanted, enum config_io *chosen, char *said);

#endif
