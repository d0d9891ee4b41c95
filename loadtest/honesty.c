/* SPDX-License-Identifier: Apache-2.0 */
/*
 * These make a generator the limit: no buffers (answers are lost), too few connections (visits wait
 * for one), a core that is too slow or shared (what is due begins late), or no time left at all
 * (the loop never waits). A closed loop is always bounded by its connections; there only lost
 * answers and a loop that never waits can be told.
 */
#include "loadtest/honesty.h"

#include <stdio.h>
#include <sys/resource.h>

#define NS_PER_US 1000
#define WAITED_PERCENT_MAX 1.0
#define LATE_P99_US_MIN 500 /* below that nobody is late */
#define LATE_PER_SERVICE_MAX 0.5
#define BUSY_PERCENT_MAX 95.0

static void read_usage(uint64_t *cpu_ns, uint64_t *preempted)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    uint64_t us = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
                  (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    *cpu_ns = us * NS_PER_US;
    *preempted = (uint64_t)usage.ru_nivcsw;
}

void honesty_begin(struct honesty *honesty, uint64_t now_ns)
{
    *honesty = (struct honesty){.started_ns = now_ns, .gauged_ns = now_ns};
    read_usage(&honesty->cpu_ns, &honesty->preempted);
    honesty->gauged_cpu_ns = honesty->cpu_ns;
}

void honesty_request(struct honesty *honesty, uint64_t due_ns, uint64_t now_ns)
{
    histogram_record(&honesty->late, now_ns > due_ns ? (now_ns - due_ns) / NS_PER_US : 0);
}

void honesty_visit(struct honesty *honesty, uint64_t due_ns, uint64_t free_ns, uint64_t now_ns)
{
    honesty->visit_count++;
    if (free_ns > due_ns)
        histogram_record(&honesty->waited, (free_ns - due_ns) / NS_PER_US);
    honesty_request(honesty, free_ns > due_ns ? free_ns : due_ns, now_ns);
}

void honesty_turn(struct honesty *honesty, uint64_t woke_ns, uint64_t now_ns)
{
    histogram_record(&honesty->turn, (now_ns - woke_ns) / NS_PER_US);
    honesty->busy_ns += now_ns - woke_ns;
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : 100.0 * (double)part / (double)whole;
}

static double busy_percent(uint64_t busy_ns, uint64_t cpu_ns, uint64_t wall_ns)
{
    double busy = percent(busy_ns > cpu_ns ? busy_ns : cpu_ns, wall_ns);
    return busy > 100 ? 100 : busy;
}

double honesty_busy_percent(struct honesty *honesty, uint64_t now_ns)
{
    uint64_t cpu_ns;
    uint64_t preempted;
    read_usage(&cpu_ns, &preempted);
    double busy = busy_percent(honesty->busy_ns - honesty->gauged_busy_ns,
        cpu_ns - honesty->gauged_cpu_ns, now_ns - honesty->gauged_ns);
    honesty->gauged_ns = now_ns;
    honesty->gauged_busy_ns = honesty->busy_ns;
    honesty->gauged_cpu_ns = cpu_ns;
    return busy;
}

void honesty_end(struct honesty *honesty, uint64_t now_ns, uint64_t starved)
{
    uint64_t cpu_ns;
    uint64_t preempted;
    read_usage(&cpu_ns, &preempted);
    honesty->cpu_ns = cpu_ns - honesty->cpu_ns;
    honesty->preempted = preempted - honesty->preempted;
    honesty->ended_ns = now_ns;
    honesty->starved = starved;
}

static void say(struct honesty_verdict *verdict, const struct honesty *honesty,
    uint32_t connections, bool is_open, bool late)
{
    bool few = is_open && verdict->waited_percent > WAITED_PERCENT_MAX;
    bool full = verdict->busy_percent > BUSY_PERCENT_MAX;
    bool starved = honesty->starved > 0;
    verdict->limited = few || late || full || starved;
    if (starved)
        snprintf(verdict->says, sizeof verdict->says,
            "the generator was the limit: %llu large answers found no buffer and were asked for "
            "again",
            (unsigned long long)honesty->starved);
    else if (few)
        snprintf(verdict->says, sizeof verdict->says,
            "the generator was the limit: %.1f %% of visits found none of its %u connections free "
            "and waited, p99 %.1f ms; give it more --connections",
            verdict->waited_percent, connections,
            (double)histogram_percentile_us(&honesty->waited, 99) / 1000);
    else if (late)
        snprintf(verdict->says, sizeof verdict->says,
            "the generator was the limit: what was due began late, p99 %.1f ms, its loop was busy "
            "%.0f %% of the time and lost its core %llu times; lower --rate or free its core",
            (double)verdict->late_p99_us / 1000, verdict->busy_percent,
            (unsigned long long)honesty->preempted);
    else if (full)
        snprintf(verdict->says, sizeof verdict->says,
            "the generator was the limit: its loop was busy %.0f %% of the time and lost its core "
            "%llu times",
            verdict->busy_percent, (unsigned long long)honesty->preempted);
    else if (is_open)
        snprintf(verdict->says, sizeof verdict->says,
            "the generator was not the limit: what was due began within %.1f ms (p99), its loop "
            "was busy %.0f %% of the time",
            (double)verdict->late_p99_us / 1000, verdict->busy_percent);
    else
        snprintf(verdict->says, sizeof verdict->says,
            "a closed loop: %u connections, each as fast as it is answered; the loop was busy "
            "%.0f %% of the time",
            connections, verdict->busy_percent);
}

struct honesty_verdict honesty_judge(
    const struct honesty *honesty, uint32_t connections, bool is_open, uint64_t service_p99_us)
{
    uint64_t wall_ns = honesty->ended_ns - honesty->started_ns;
    struct honesty_verdict verdict = {
        .busy_percent = busy_percent(honesty->busy_ns, honesty->cpu_ns, wall_ns),
        .waited_percent = percent(honesty->waited.count, honesty->visit_count),
        .late_p99_us = is_open ? histogram_percentile_us(&honesty->late, 99) : 0,
    };
    bool is_late = is_open && verdict.late_p99_us > LATE_P99_US_MIN &&
                   (double)verdict.late_p99_us > LATE_PER_SERVICE_MAX * (double)service_p99_us;
    say(&verdict, honesty, connections, is_open, is_late);
    return verdict;
}
