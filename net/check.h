/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check - `hotshelf check`: whether this machine can run this configuration, and what to mend.
 *
 *     ok    io             io_uring: accept, receive, send, write, bell: as relied on
 *     mend  open files     1024, 4224 are needed: ulimit -n 4224, or LimitNOFILE= in systemd
 *
 * What the loop relies on is tried, not looked up: a loop is opened and used as the server uses it.
 *
 * Ownership  None is kept; a scratch file in the data directory's parent is removed.
 * Threads    One.
 * Units      Microseconds of a synced 4 KiB write.
 * Errors     The exit status: 0 when the server can start, 1 when something must be mended first.
 * Cost       About a second of disk writes at most.
 */
#ifndef HOTSHELF_NET_CHECK_H
#define HOTSHELF_NET_CHECK_H

#include <stdio.h>

#include "net/config.h"

int check(const struct config *config, FILE *out);

#endif
