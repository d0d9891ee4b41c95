/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A buyer that is done takes the next basket at once. Every TICK_MS the loop looks at all buyers:
 * one whose time has come is woken, one without a basket gets one (its customer may have become
 * free, or the schedule's next moment has come).
 */
#include "loadtest/crowd.h"

#include "loadtest/buyer.h"
#include "loadtest/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS 2
#define GAUGE_NS (100 * CLOCK_NS_PER_MS)

struct gauges {
    uint64_t at_ns;
    uint64_t worked_ns;
};

static void hear(void *context, const struct transport_news *news);

int crowd_open(struct crowd *crowd, const struct options *options, const struct baskets *baskets,
    struct differences *differences)
{
    *crowd = (struct crowd){
        .options = options,
        .baskets = baskets,
        .differences = differences,
        .buyer = calloc(options->connections, sizeof *crowd->buyer),
        .buyer_count = options->connections,
    };
    struct transport_plan plan = {
        .protocol = options->resp != NULL ? PROTOCOL_RESP : PROTOCOL_HTTP,
        .url = options->resp != NULL ? options->resp : options->url,
        .connections = options->connections,
        .hear = hear,
        .context = crowd,
    };
    crowd->transport = transport_open(&plan);
    if (crowd->transport == NULL ||
        ledger_open(&crowd->ledger, baskets, options->run, options->log_path) < 0)
        return -1;
    if (crowd->buyer == NULL || series_open(&crowd->series) < 0 ||
        schedule_open(&crowd->schedule, baskets, options->rate, clock_now_ns()) < 0) {
        fprintf(stderr, "hotshelf-loadtest: no room for %u connections: %s\n", options->connections,
            strerror(errno));
        return -1;
    }
    return 0;
}

void crowd_close(struct crowd *crowd)
{
    transport_close(crowd->transport);
    free(crowd->buyer);
    schedule_close(&crowd->schedule);
    series_close(&crowd->series);
    ledger_close(&crowd->ledger);
}

static void give_basket(struct crowd *crowd, struct buyer *buyer)
{
    /* A basket can be over before this returns; it is then one fewer, so this ends. */
    while (buyer->step == STEP_IDLE) {
        uint64_t due_ns = schedule_due_ns(&crowd->schedule);
        uint32_t basket = schedule_take(&crowd->schedule, crowd->now_ns);
        if (basket == BASKETS_NONE)
            return;
        /* Without a rate a basket is due when there is a buyer for it. */
        series_planned(&crowd->series, crowd->options->rate > 0 ? due_ns : crowd->now_ns);
        series_begun(&crowd->series, crowd->now_ns);
        buyer_begin(crowd, buyer, basket);
    }
}

static void look_at_all(struct crowd *crowd)
{
    for (uint32_t at = 0; at < crowd->buyer_count; at++) {
        struct buyer *buyer = &crowd->buyer[at];
        if (buyer->step != STEP_IDLE && buyer->wake_ns <= crowd->now_ns)
            buyer_wake(crowd, buyer);
        give_basket(crowd, buyer);
    }
    if (crowd->numbers.busy_count == 0)
        crowd->progress_ns = crowd->now_ns;
}

static void tell_progress(const struct crowd *crowd, uint64_t answered)
{
    const struct crowd_numbers *numbers = &crowd->numbers;
    fprintf(stderr,
        "%4llu s  baskets %u/%u  orders %llu  refused %llu  sent again %llu  buyers %llu  "
        "%llu requests/s\n",
        (unsigned long long)((crowd->now_ns - numbers->started_ns) / CLOCK_NS_PER_SECOND),
        crowd->schedule.done_count, crowd->baskets->count,
        (unsigned long long)crowd->ledger.ordered_count, (unsigned long long)numbers->refusals.sum,
        (unsigned long long)numbers->retries.sum, (unsigned long long)numbers->busy_count,
        (unsigned long long)answered);
}

static void hear(void *context, const struct transport_news *news)
{
    struct crowd *crowd = context;
    struct buyer *buyer = &crowd->buyer[news->connection];
    crowd->now_ns = transport_now_ns(crowd->transport);
    buyer_hear(crowd, buyer, news);
    give_basket(crowd, buyer);
}

/* What the loop did since it was last looked at, and who waits. */
static void tell_gauges(struct crowd *crowd, struct gauges *told)
{
    uint64_t passed_ns = crowd->now_ns - told->at_ns;
    if (passed_ns < GAUGE_NS)
        return;
    /* By the processor's clock: a call that sends and waits in one would count as waiting. */
    uint64_t worked_ns = clock_thread_ns();
    uint64_t waited_ns = passed_ns - (worked_ns - told->worked_ns);
    crowd->numbers.waited_ns += waited_ns;
    series_gauge(&crowd->series, crowd->now_ns, (uint32_t)crowd->numbers.busy_count,
        schedule_due_count(&crowd->schedule, crowd->now_ns),
        100.0 * (double)(passed_ns - waited_ns) / (double)passed_ns);
    *told = (struct gauges){.at_ns = crowd->now_ns, .worked_ns = worked_ns};
}

/* What no buyer heard of. */
static void tell_transport(struct crowd *crowd)
{
    const struct transport_numbers *numbers = transport_numbers(crowd->transport);
    if (numbers->unasked > 0)
        differences_add(crowd->differences, DIFFERENCE_UNEXPECTED_ANSWER,
            "%llu times the server sent bytes that nobody had asked for",
            (unsigned long long)numbers->unasked);
    if (numbers->starved > 0)
        fprintf(stderr,
            "hotshelf-loadtest: %llu large questions and answers found no buffer here and were "
            "sent again: this many connections are too many for such baskets\n",
            (unsigned long long)numbers->starved);
}

void crowd_run(struct crowd *crowd)
{
    uint64_t patience_ns = crowd->options->patience_seconds * CLOCK_NS_PER_SECOND;
    crowd->now_ns = clock_now_ns();
    crowd->numbers.started_ns = crowd->now_ns;
    crowd->schedule.start_ns = crowd->now_ns;
    series_start(&crowd->series, crowd->now_ns);
    struct gauges gauges = {.at_ns = crowd->now_ns, .worked_ns = clock_thread_ns()};
    crowd->progress_ns = crowd->now_ns;
    uint64_t looked_ns = 0;
    uint64_t told_ns = crowd->now_ns;
    uint64_t told_answered = 0;
    while (!schedule_is_over(&crowd->schedule)) {
        if (crowd->now_ns - looked_ns >= TICK_MS * CLOCK_NS_PER_MS) {
            look_at_all(crowd);
            looked_ns = crowd->now_ns;
        }
        if (!transport_turn(crowd->transport, crowd->now_ns + TICK_MS * CLOCK_NS_PER_MS)) {
            differences_add(crowd->differences, DIFFERENCE_NO_PROGRESS, "the ring failed");
            break;
        }
        crowd->now_ns = transport_now_ns(crowd->transport);
        tell_gauges(crowd, &gauges);
        if (crowd->now_ns - told_ns >= CLOCK_NS_PER_SECOND) {
            tell_progress(crowd, crowd->numbers.answered - told_answered);
            told_ns += CLOCK_NS_PER_SECOND;
            told_answered = crowd->numbers.answered;
        }
        if (crowd->now_ns > crowd->progress_ns + patience_ns) {
            differences_add(crowd->differences, DIFFERENCE_NO_PROGRESS,
                "nothing was answered for %u s", crowd->options->patience_seconds);
            break;
        }
    }
    crowd->now_ns = clock_now_ns();
    crowd->numbers.ended_ns = crowd->now_ns;
    tell_progress(crowd, crowd->numbers.answered - told_answered);
    tell_transport(crowd);
}
