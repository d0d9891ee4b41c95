/* SPDX-License-Identifier: Apache-2.0 */
#include "loadtest/progress.h"

#include "loadtest/clock.h"
#include "loadtest/crowd.h"

#include <stdio.h>
#include <unistd.h>

#define TERMINAL_SECONDS 1
#define FILE_SECONDS 5

static unsigned long long wide(uint64_t number)
{
    return number;
}

void progress_begin(struct progress *progress, const struct crowd *crowd)
{
    const struct scenario *scenario = &crowd->plan->scenario;
    uint64_t seconds = isatty(STDERR_FILENO) ? TERMINAL_SECONDS : FILE_SECONDS;
    *progress =
        (struct progress){.told_ns = crowd->now_ns, .interval_ns = seconds * CLOCK_NS_PER_SECOND};
    fprintf(stderr, "%s: %u baskets of %u customers, %s, at most %u at once\n", scenario->name,
        crowd->baskets->count, crowd->baskets->customers.count,
        arrivals_kind_name(scenario->arrivals.kind), crowd->buyer_count);
}

void progress_answer(struct progress *progress, uint64_t us)
{
    histogram_record(&progress->latency, us);
}

void progress_tell(struct progress *progress, const struct crowd *crowd, bool is_last)
{
    uint64_t passed_ns = crowd->now_ns - progress->told_ns;
    if (!is_last && passed_ns < progress->interval_ns)
        return;
    const struct schedule *schedule = &crowd->schedule;
    const struct histogram *latency = &progress->latency;
    double seconds = (double)passed_ns / (double)CLOCK_NS_PER_SECOND;
    fprintf(stderr,
        "%5.0f s  due %u  begun %u  live %llu  %.0f requests/s  p50 %.2f  p99 %.2f ms  "
        "orders %llu  sold out %u\n",
        (double)(crowd->now_ns - crowd->numbers.started_ns) / (double)CLOCK_NS_PER_SECOND,
        schedule->planned_count, schedule->begun_count, wide(crowd->numbers.busy_count),
        seconds > 0 ? (double)latency->count / seconds : 0,
        (double)histogram_percentile_us(latency, 50) / 1000,
        (double)histogram_percentile_us(latency, 99) / 1000, wide(crowd->ledger.ordered_count),
        crowd->numbers.sold_out_count);
    *progress = (struct progress){.told_ns = crowd->now_ns, .interval_ns = progress->interval_ns};
}

void progress_give_back(struct progress *progress, const struct crowd *crowd)
{
    if (crowd->now_ns - progress->told_ns < progress->interval_ns)
        return;
    fprintf(stderr,
        "giving back carts and unpaid orders: %llu done, waiting for %llu answers of the server\n",
        wide(crowd->numbers.given_back_count), wide(crowd->numbers.busy_count));
    progress->told_ns = crowd->now_ns;
}
