/* SPDX-License-Identifier: Apache-2.0 */
/* The first signal is told once; the second, or one that nobody looks for, ends the program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "loadtest/interrupt.h"

/* What ended a process that is sent so many signals and looks after each of the first `looks`;
 * 0: it went on to its end. */
static int what_ends(int signals, int looks)
{
    int status = 0;
    fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct interrupt interrupt;
        interrupt_watch(&interrupt);
        if (interrupt_came(&interrupt))
            _exit(1);
        for (int sent = 0; sent < signals; sent++) {
            raise(SIGTERM);
            if (sent < looks && (!interrupt_came(&interrupt) || interrupt_came(&interrupt)))
                _exit(1);
            if (sent > 0) /* the second one ends it at once */
                _exit(1);
        }
        interrupt_end(&interrupt);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void the_first_signal_is_told_once(void **state)
{
    (void)state;
    assert_int_equal(what_ends(0, 0), 0);
    assert_int_equal(what_ends(1, 1), 0);
}

static void the_second_signal_ends_the_program(void **state)
{
    (void)state;
    assert_int_equal(what_ends(2, 1), SIGTERM);
}

static void a_signal_that_nobody_looked_for_ends_the_program(void **state)
{
    (void)state;
    assert_int_equal(what_ends(1, 0), SIGTERM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_signal_is_told_once),
        cmocka_unit_test(the_second_signal_ends_the_program),
        cmocka_unit_test(a_signal_that_nobody_looked_for_ends_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
