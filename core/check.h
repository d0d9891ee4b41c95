/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check - the one assertion. Always on: a shard that no longer knows its stock must stop selling.
 *
 * CHECK is for what only our own bug can cause. What a customer can cause is an enum outcome, what
 * the world can cause is a negative errno. One fact per CHECK.
 *
 * Ownership  None.
 * Threads    Any.
 * Units      None.
 * Errors     A failed CHECK ends the process through check_failed(), which the host provides
 *            (persist/fatal.c prints file, line and fact to stderr and aborts): core cannot print.
 * Cost       One compare and a branch never taken.
 */
#ifndef HOTSHELF_CORE_CHECK_H
#define HOTSHELF_CORE_CHECK_H

_Noreturn void check_failed(const char *file, int line, const char *fact);

#define CHECK(fact)                                                                                \
    do {                                                                                           \
        if (__builtin_expect(!(fact), 0))                                                          \
            check_failed(__FILE__, __LINE__, #fact);                                               \
    } while (0)

#endif
