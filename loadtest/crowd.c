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
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define TICK_MS 2
#define EVENTS_MAX 256
#define GAUGE_NS (100 * CLOCK_NS_PER_MS)
#define BUFFERS_PER_BUYER (CONNECTION_IN_SIZE + CONNECTION_OUT_SIZE)

struct gauges {
    uint64_t at_ns;
    uint64_t waited_ns;
};

/* One descriptor a buyer, and a few for everything else. */
static void allow_descriptors(uint32_t connections)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)connections + 64;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static int take_buyers(struct crowd *crowd, uint32_t count)
{
    crowd->buyer = calloc(count, sizeof *crowd->buyer);
    crowd->buyer_count = count;
    crowd->buffers_size = (size_t)count * BUFFERS_PER_BUYER;
    crowd->buffers = mmap(NULL, crowd->buffers_size, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (crowd->buyer == NULL || crowd->buffers == MAP_FAILED)
        return -1;
    for (uint32_t at = 0; at < count; at++) {
        char *buffers = (char *)crowd->buffers + (size_t)at * BUFFERS_PER_BUYER;
        crowd->buyer[at].connection = (struct connection){
            .endpoint = &crowd->endpoint,
            .epoll = crowd->epoll,
            .epoll_data = &crowd->buyer[at],
            .in = buffers,
            .out = buffers + CONNECTION_IN_SIZE,
        };
    }
    return 0;
}

int crowd_open(struct crowd *crowd, const struct options *options, const struct baskets *baskets,
    struct differences *differences)
{
    *crowd = (struct crowd){
        .options = options,
        .baskets = baskets,
        .differences = differences,
        .epoll = epoll_create1(EPOLL_CLOEXEC),
        .body = malloc(CROWD_BODY_SIZE),
        .buffers = MAP_FAILED,
    };
    if (endpoint_parse(&crowd->endpoint, options->url) < 0 ||
        ledger_open(&crowd->ledger, baskets, options->run, options->log_path) < 0)
        return -1;
    allow_descriptors(options->connections);
    if (crowd->epoll < 0 || crowd->body == NULL || json_open(&crowd->json) < 0 ||
        take_buyers(crowd, options->connections) < 0 ||
        series_open(&crowd->series) < 0 ||
        schedule_open(&crowd->schedule, baskets, options->rate, clock_now_ns()) < 0) {
        fprintf(stderr, "hotshelf-loadtest: no room for %u connections: %s\n", options->connections,
            strerror(errno));
        return -1;
    }
    return 0;
}

void crowd_close(struct crowd *crowd)
{
    for (uint32_t at = 0; crowd->buyer != NULL && at < crowd->buyer_count; at++)
        connection_close(&crowd->buyer[at].connection);
    if (crowd->buffers != MAP_FAILED)
        munmap(crowd->buffers, crowd->buffers_size);
    free(crowd->buyer);
    free(crowd->body);
    json_close(&crowd->json);
    schedule_close(&crowd->schedule);
    series_close(&crowd->series);
    ledger_close(&crowd->ledger);
    if (crowd->epoll >= 0)
        close(crowd->epoll);
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

static void wait_for_answers(struct crowd *crowd)
{
    struct epoll_event event[EVENTS_MAX];
    uint64_t before_ns = clock_now_ns();
    int count = epoll_wait(crowd->epoll, event, EVENTS_MAX, TICK_MS);
    crowd->now_ns = clock_now_ns();
    crowd->numbers.waited_ns += crowd->now_ns - before_ns;
    for (int at = 0; at < count; at++) {
        buyer_continue(crowd, event[at].data.ptr);
        give_basket(crowd, event[at].data.ptr);
    }
}

/* What the loop did since it was last looked at, and who waits. */
static void tell_gauges(struct crowd *crowd, struct gauges *told)
{
    uint64_t passed_ns = crowd->now_ns - told->at_ns;
    if (passed_ns < GAUGE_NS)
        return;
    uint64_t waited_ns = crowd->numbers.waited_ns - told->waited_ns;
    series_gauge(&crowd->series, crowd->now_ns, (uint32_t)crowd->numbers.busy_count,
        schedule_due_count(&crowd->schedule, crowd->now_ns),
        100.0 * (double)(passed_ns - waited_ns) / (double)passed_ns);
    *told = (struct gauges){.at_ns = crowd->now_ns, .waited_ns = crowd->numbers.waited_ns};
}

void crowd_run(struct crowd *crowd)
{
    uint64_t patience_ns = crowd->options->patience_seconds * CLOCK_NS_PER_SECOND;
    crowd->now_ns = clock_now_ns();
    crowd->numbers.started_ns = crowd->now_ns;
    crowd->schedule.start_ns = crowd->now_ns;
    series_start(&crowd->series, crowd->now_ns);
    struct gauges gauges = {.at_ns = crowd->now_ns};
    crowd->progress_ns = crowd->now_ns;
    uint64_t looked_ns = 0;
    uint64_t told_ns = crowd->now_ns;
    uint64_t told_answered = 0;
    while (!schedule_is_over(&crowd->schedule)) {
        if (crowd->now_ns - looked_ns >= TICK_MS * CLOCK_NS_PER_MS) {
            look_at_all(crowd);
            looked_ns = crowd->now_ns;
        }
        wait_for_answers(crowd);
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
}
