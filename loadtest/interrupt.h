/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interrupt - SIGINT and SIGTERM, the first of them: whoever runs decides what it means. The second
 * one ends the program, as it would without this.
 *
 * Ownership  interrupt_watch() takes a descriptor; interrupt_end(), or the first signal, gives it
 *            back.
 * Threads    One: signals are blocked in the thread that watches.
 * Units      None.
 * Errors     Where there is no descriptor to be had, each signal ends the program.
 * Cost       A system call a look.
 */
#ifndef HOTSHELF_LOADTEST_INTERRUPT_H
#define HOTSHELF_LOADTEST_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>

struct interrupt {
    int descriptor; /* readable when it came; -1: nobody watches */
    sigset_t before;
};

void interrupt_watch(struct interrupt *interrupt);
void interrupt_end(struct interrupt *interrupt);

/* True once. One that nobody has looked for ends the program at interrupt_end(). */
bool interrupt_came(struct interrupt *interrupt);

#endif
