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
#define SLOWER_MIN 5.0 /* than the fastest: then a connection is kept by the server */

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

void honesty_answer(
    struct honesty *honesty, enum request_kind kind, uint64_t service_us, bool is_short)
{
    uint64_t *fastest_us = &honesty->fastest_us[kind];
    service_us = service_us == 0 ? 1 : service_us;
    if (*fastest_us == 0 || service_us < *fastest_us)
        *fastest_us = service_us;
    if (!is_short)
        return;
    honesty->service_us += service_us;
    honesty->fastest_service_us += *fastest_us;
}

void honesty_shortage(
    struct honesty *honesty, uint32_t thinking, uint32_t turned_away, uint32_t asking)
{
    honesty->thinking += thinking;
    honesty->turned_away += turned_away;
    honesty->asking += asking;
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

/* How many times as long as the fastest the answers took while visits waited for a connection. */
static double slowness(const struct honesty *honesty)
{
    return honesty->fastest_service_us == 0
               ? 1
               : (double)honesty->service_us / (double)honesty->fastest_service_us;
}

/* Most of those who had a connection, while visits waited for one, were kept by the server. */
static bool server_kept_connections(const struct honesty *honesty)
{
    uint64_t kept = honesty->turned_away;
    if (slowness(honesty) > SLOWER_MIN)
        kept += honesty->asking;
    return 2 * kept > honesty->thinking + honesty->turned_away + honesty->asking;
}

/* Visits wait for a connection when a generator that stood still has all at once that was due
 * meanwhile; answers that it did not look at seem slow then, too. */
static bool stood_still(const struct honesty *honesty)
{
    return 2 * honesty->late.max_us > histogram_percentile_us(&honesty->waited, 99);
}

static double p99_ms(const struct histogram *histogram)
{
    return (double)histogram_percentile_us(histogram, 99) / 1000;
}

static void say_few(
    struct honesty_verdict *verdict, const struct honesty *honesty, uint32_t connections)
{
    uint64_t all = honesty->thinking + honesty->turned_away + honesty->asking;
    if (verdict->limited)
        snprintf(verdict->says, sizeof verdict->says,
            "the generator was the limit: %.1f %% of visits found none of its %u connections free "
            "and waited, p99 %.1f ms; give it more --connections (on %.0f %% of them visitors "
            "were thinking)",
            verdict->waited_percent, connections, p99_ms(&honesty->waited),
            percent(honesty->thinking, all));
    else
        snprintf(verdict->says, sizeof verdict->says,
            "the generator was not the limit: %.1f %% of visits waited, p99 %.1f ms, for one of "
            "%u connections that the server kept: answers took %.0f times as long as the fastest, "
            "%.0f %% were told to come later",
            verdict->waited_percent, p99_ms(&honesty->waited), connections, slowness(honesty),
            percent(honesty->turned_away, all));
}

static void say_standstill(struct honesty_verdict *verdict, const struct honesty *honesty)
{
    snprintf(verdict->says, sizeof verdict->says,
        "the generator was the limit: it stood still, what was due began up to %.1f ms late, and "
        "then %.1f %% of visits came at once and waited for a connection, p99 %.1f ms; free its "
        "core",
        (double)honesty->late.max_us / 1000, verdict->waited_percent, p99_ms(&honesty->waited));
}

static void say_open(struct honesty_verdict *verdict, const struct honesty *honesty)
{
    snprintf(verdict->says, sizeof verdict->says,
        "the generator was %sthe limit: what was due began %s %.1f ms (p99), its loop was busy "
        "%.0f %% of the time and lost its core %llu times%s",
        verdict->limited ? "" : "not ", verdict->limited ? "late," : "within",
        (double)verdict->late_p99_us / 1000, verdict->busy_percent,
        (unsigned long long)honesty->preempted,
        verdict->limited ? "; lower --rate or free its core" : "");
}

static void say_closed(struct honesty_verdict *verdict, uint32_t connections)
{
    snprintf(verdict->says, sizeof verdict->says,
        "%sa closed loop: %u connections, each as fast as it is answered; the loop was busy %.0f "
        "%% of the time",
        verdict->limited ? "the generator was the limit, in " : "", connections,
        verdict->busy_percent);
}

static void say(struct honesty_verdict *verdict, const struct honesty *honesty,
    uint32_t connections, bool is_open, bool is_late)
{
    bool waited = is_open && verdict->waited_percent > WAITED_PERCENT_MAX;
    bool still = waited && stood_still(honesty);
    bool few = waited && !still && !server_kept_connections(honesty);
    bool full = verdict->busy_percent > BUSY_PERCENT_MAX;
    verdict->limited = honesty->starved > 0 || still || few || is_late || full;
    if (honesty->starved > 0)
        snprintf(verdict->says, sizeof verdict->says,
            "the generator was the limit: %llu large answers found no buffer and were asked for "
            "again",
            (unsigned long long)honesty->starved);
    else if (still)
        say_standstill(verdict, honesty);
    else if (few || (waited && !verdict->limited))
        say_few(verdict, honesty, connections);
    else if (is_open)
        say_open(verdict, honesty);
    else
        say_closed(verdict, connections);
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
    /* Beside no answer at all nothing is late. */
    bool is_late = is_open && service_p99_us > 0 && verdict.late_p99_us > LATE_P99_US_MIN &&
                   (double)verdict.late_p99_us > LATE_PER_SERVICE_MAX * (double)service_p99_us;
    say(&verdict, honesty, connections, is_open, is_late);
    return verdict;
}
