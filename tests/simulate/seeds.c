/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/simulate/seeds.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char repeat_words[512];
static volatile sig_atomic_t repeat_size;

static void tell_repeat(int signal_number)
{
    (void)signal_number;
    ssize_t written = write(STDOUT_FILENO, repeat_words, (size_t)repeat_size);
    (void)written;
    _exit(1);
}

void seeds_repeat(const char *program, uint64_t seed, const char *words, uint64_t passed)
{
    repeat_size = snprintf(repeat_words, sizeof(repeat_words),
        "seed %llu: FAILED; the same again: %s %llu %s\n"
        "[  PASSED  ] %llu test(s).\n[  FAILED  ] 1 test(s).\n",
        (unsigned long long)seed, program, (unsigned long long)seed, words,
        (unsigned long long)passed);
    signal(SIGABRT, tell_repeat);
}

static bool number(const char *text, uint64_t *value)
{
    char *end;
    if (text == NULL || *text < '0' || *text > '9')
        return false;
    *value = strtoull(text, &end, 10);
    return *end == 0;
}

bool seeds_read(int count, char **arguments, const struct seeds_option *options, uint64_t *seed)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    *seed = (uint64_t)now.tv_nsec;
    if (getenv("SEED") != NULL && !number(getenv("SEED"), seed))
        return false;
    for (int i = 1; i < count; i++) {
        const struct seeds_option *option = options;
        while (option->name != NULL && strcmp(arguments[i], option->name) != 0)
            option++;
        if (option->is_switch)
            *option->value = 1;
        else if (!number(option->name == NULL ? arguments[i] : arguments[++i],
                     option->name == NULL ? seed : option->value))
            return false;
    }
    return true;
}

double seeds_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}
