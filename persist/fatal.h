/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fatal - how the process ends when going on would be a lie: a broken CHECK, a failed journal
 * write.
 *
 * Ownership  None.
 * Threads    Any.
 * Units      None.
 * Errors     Does not return. fatal() exits with status 1 (the world failed us, the reason is on
 *            stderr); check_failed() of core/check.h aborts (we have a bug), or ends the attempt it
 *            fails in (attempt.h).
 * Cost       The process.
 */
#ifndef HOTSHELF_PERSIST_FATAL_H
#define HOTSHELF_PERSIST_FATAL_H

_Noreturn void fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
