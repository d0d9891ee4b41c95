/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/simulate/fatal_sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/check.h"
#include "persist/attempt.h"
#include "persist/fatal.h"

jmp_buf fatal_sim_land;
bool fatal_sim_armed;
char fatal_sim_words[512];

_Noreturn void fatal(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(fatal_sim_words, sizeof(fatal_sim_words), format, arguments);
    va_end(arguments);
    if (fatal_sim_armed) {
        fatal_sim_armed = false;
        longjmp(fatal_sim_land, 1);
    }
    printf("fatal, and nobody expected it: %s\n", fatal_sim_words);
    fflush(stdout);
    abort();
}

_Noreturn void check_failed(const char *file, int line, const char *fact)
{
    attempt_fails(file, line, fact);
    printf("CHECK failed at %s:%d: %s\n", file, line, fact);
    fflush(stdout);
    abort();
}
