/* SPDX-License-Identifier: Apache-2.0 */
#include "persist/fatal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/check.h"
#include "persist/attempt.h"

_Noreturn void fatal(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("hotshelf: fatal: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    /* Not exit(): other threads are still running, and their atexit handlers must not. */
    fflush(stderr);
    _exit(1);
}

_Noreturn void check_failed(const char *file, int line, const char *fact)
{
    attempt_fails(file, line, fact);
    fprintf(stderr, "hotshelf: CHECK failed at %s:%d: %s\n", file, line, fact);
    fflush(stderr);
    abort();
}
