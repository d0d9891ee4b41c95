/* SPDX-License-Identifier: Apache-2.0 */
#include "loadtest/interrupt.h"

#include <sys/signalfd.h>
#include <unistd.h>

void interrupt_watch(struct interrupt *interrupt)
{
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, &interrupt->before);
    interrupt->descriptor = signalfd(-1, &ends, SFD_NONBLOCK | SFD_CLOEXEC);
    if (interrupt->descriptor < 0)
        sigprocmask(SIG_SETMASK, &interrupt->before, NULL);
}

void interrupt_end(struct interrupt *interrupt)
{
    if (interrupt->descriptor < 0)
        return;
    close(interrupt->descriptor);
    interrupt->descriptor = -1;
    sigprocmask(SIG_SETMASK, &interrupt->before, NULL);
}

bool interrupt_came(struct interrupt *interrupt)
{
    struct signalfd_siginfo signal;
    if (interrupt->descriptor < 0 ||
        read(interrupt->descriptor, &signal, sizeof signal) < (ssize_t)sizeof signal)
        return false;
    interrupt_end(interrupt);
    return true;
}
