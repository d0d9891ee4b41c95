/* SPDX-License-Identifier: Apache-2.0 */
/* Programs under measurement: whose time is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "bench/process.h"

#define BURNT_NS 20000000 /* some clock ticks, of more that are burnt */

static void start_shell(struct process *process, const char *script)
{
    char text[256];
    snprintf(text, sizeof text, "%s", script);
    char *argv[] = {(char[]){"/bin/sh"}, (char[]){"-c"}, text, NULL};
    assert_int_equal(process_start(process, argv, 0, "/dev/null", true), 0);
}

/* Until it says so: by then its children have burnt what they burn. */
static void wait_for_word(struct process *process)
{
    char line[64];
    assert_int_equal(process_read_line(process, line, sizeof line, 60000), 0);
    assert_string_equal(line, "burnt");
}

#define BURN "i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done"

static void time_of_children_that_have_ended_is_counted(void **state)
{
    (void)state;
    struct process process;
    start_shell(&process, "(" BURN "); echo burnt; exec sleep 600");
    wait_for_word(&process);
    struct cpu_time time = process_cpu(&process);
    assert_true(time.stat_ns >= BURNT_NS && time.sched_ns >= BURNT_NS);
    process_stop(&process, 10000);
}

static void time_of_children_that_live_is_counted(void **state)
{
    (void)state;
    struct process process;
    start_shell(&process, "(" BURN "; echo burnt; exec sleep 600) & trap \"kill $!\" TERM; wait");
    wait_for_word(&process);
    struct cpu_time time = process_cpu(&process);
    assert_true(time.stat_ns >= BURNT_NS && time.sched_ns >= BURNT_NS);
    process_stop(&process, 10000);
}

static void others_have_what_is_left_of_the_machine(void **state)
{
    (void)state;
    struct cpu_time between = {.sched_ns = 30, .kernel_ns = 5, .self_ns = 5, .machine_ns = 55};
    assert_int_equal(process_cpu_of_others(between), 15);
    between.machine_ns = 39; /* its clock is coarse */
    assert_int_equal(process_cpu_of_others(between), 0);
    assert_int_equal(process_pin(0), 0);
    struct process self = {.pid = getpid()};
    struct cpu_time before = process_cpu(&self), after;
    do {
        after = process_cpu(&self);
    } while (after.self_ns - before.self_ns < 5 * BURNT_NS);
    assert_true(after.machine_ns > before.machine_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_of_children_that_have_ended_is_counted),
        cmocka_unit_test(time_of_children_that_live_is_counted),
        cmocka_unit_test(others_have_what_is_left_of_the_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
