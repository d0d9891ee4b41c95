/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask - one question to a server of the Redis protocol, and its answer.
 *
 * Ownership  The connection and the buffer are the caller's.
 * Threads    Any, on connections of their own.
 * Units      Bytes; the reply ends with a NUL.
 * Errors     false: an error reply, a connection that ends, a reply that is too large.
 * Cost       It waits.
 */
#ifndef HOTSHELF_BENCH_ASK_H
#define HOTSHELF_BENCH_ASK_H

#include <stdbool.h>

enum { ASK_REPLY_SIZE = 4096 };

/* The command as it goes over the wire; Redis also reads plain lines. */
bool ask(int fd, const char *command, char reply[ASK_REPLY_SIZE]);

#endif
