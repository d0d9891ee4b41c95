/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/turn.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* One line, whatever a reply holds. */
bool turn_fail(struct turn *turn, const char *form, ...)
{
    va_list arguments;
    va_start(arguments, form);
    vsnprintf(turn->reason, sizeof turn->reason, form, arguments);
    va_end(arguments);
    for (char *at = turn->reason; *at != '\0'; at++) {
        if (!isprint((unsigned char)*at))
            *at = ' ';
    }
    turn->is_measured = false;
    return false;
}

void turn_note(struct turn *turn, uint64_t completed, double seconds, struct cpu_time cpu)
{
    turn->is_measured = true;
    turn->per_second = (double)completed / seconds;
    turn->us = (double)cpu.sched_ns / (double)completed / 1e3;
    turn->kernel_us = (double)cpu.kernel_ns / (double)completed / 1e3;
    turn->others = (double)process_cpu_of_others(cpu) / 1e9 / seconds;
    turn->busy = (double)cpu.sched_ns / 1e9 / seconds;
}

bool turn_play(struct turn *turn, const struct generator_plan *plan)
{
    char failure[GENERATOR_FAILURE_SIZE] = "";
    struct generator_result result;
    *turn = (struct turn){0};
    struct generator *generator = generator_open(plan, failure);
    if (generator == NULL)
        return turn_fail(turn, "%s", failure);
    bool played = generator_run(generator, &result);
    generator_close(generator);
    if (!played)
        return turn_fail(turn, "%s", result.failure);
    turn_note(turn, result.completed, result.seconds, result.cpu);
    turn->p50_us = result.p50_us;
    turn->p99_us = result.p99_us;
    turn->p999_us = result.p999_us;
    turn->late_p99_us = result.late_p99_us;
    turn->request_size = result.request_size;
    turn->reply_size = result.reply_size;
    return true;
}

void turns_print_disturbed(FILE *out, uint32_t disturbed, uint32_t all)
{
    if (disturbed > 0)
        fprintf(out,
            "%u of %u turns were disturbed: other programs, or the machine's host, had more than a "
            "fifth of a core.\nRates and times of such turns say nothing, ratios of CPU little.\n",
            disturbed, all);
}
