/* SPDX-License-Identifier: Apache-2.0 */
/* A CHECK that fails ends the process, or the attempt that it fails in. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/check.h"
#include "persist/attempt.h"

static void holds(void *context)
{
    int *calls = context;
    ++*calls;
    CHECK(*calls > 0);
}

static void does_not_hold(void *context)
{
    int *calls = context;
    ++*calls;
    CHECK(*calls > 1000);
    *calls = 0;
}

/* A try within a try is its own. */
static void tries_itself(void *context)
{
    struct broken_fact broken;
    CHECK(!attempt(does_not_hold, context, &broken));
    CHECK(attempt(holds, context, &broken));
    CHECK(!"the one around is still there");
}

static void what_holds_is_done(void **state)
{
    (void)state;
    int calls = 0;
    struct broken_fact broken;
    assert_true(attempt(holds, &calls, &broken));
    assert_int_equal(calls, 1);
}

static void what_does_not_hold_is_told_and_left(void **state)
{
    (void)state;
    int calls = 0;
    struct broken_fact broken;
    assert_false(attempt(does_not_hold, &calls, &broken));
    assert_int_equal(calls, 1);
    assert_string_equal(broken.fact, "*calls > 1000");
    assert_non_null(strstr(broken.file, "tests/persist/attempt.c"));
    assert_true(broken.line > 0);
    assert_true(attempt(holds, &calls, &broken));
}

static void a_try_within_a_try_is_its_own(void **state)
{
    (void)state;
    int calls = 0;
    struct broken_fact broken;
    assert_false(attempt(tries_itself, &calls, &broken));
    assert_int_equal(calls, 2);
    assert_non_null(strstr(broken.fact, "the one around"));
}

static void outside_of_a_try_the_process_ends(void **state)
{
    (void)state;
    int calls = 0, status = 0;
    struct broken_fact broken;
    assert_false(attempt(does_not_hold, &calls, &broken));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)signal(SIGABRT, SIG_DFL);
        (void)close(STDERR_FILENO);
        does_not_hold(&calls);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_holds_is_done),
        cmocka_unit_test(what_does_not_hold_is_told_and_left),
        cmocka_unit_test(a_try_within_a_try_is_its_own),
        cmocka_unit_test(outside_of_a_try_the_process_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
