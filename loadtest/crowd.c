/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop: wake whom an alarm rings for, let in who is due and finds an idle buyer, send and hear
 * with one turn of the transport, which waits until the next of these moments.
 *
 * What can go wrong: the ring fails, or nothing is answered any more for as long as patience lasts;
 * then the loop ends with a difference, and not every visit is done.
 */
#include "loadtest/crowd.h"

#include "loadtest/buyer.h"
#include "loadtest/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How often gauges are read, and a signal is looked for. */
#define GAUGE_NS (100 * CLOCK_NS_PER_MS)

static void hear(void *context, const struct transport_news *news)
{
    struct crowd *crowd = context;
    crowd->now_ns = transport_now_ns(crowd->transport);
    buyer_hear(crowd, &crowd->buyer[news->connection], news);
}

static bool take_memory(struct crowd *crowd)
{
    uint32_t count = crowd->buyer_count;
    const struct baskets *baskets = crowd->baskets;
    crowd->buyer = calloc(count, sizeof *crowd->buyer);
    crowd->idle = calloc(count, sizeof *crowd->idle);
    crowd->page = calloc((size_t)count * crowd->plan->scenario.page_size, sizeof *crowd->page);
    crowd->cursor = calloc(count, sizeof *crowd->cursor);
    crowd->cart_left = calloc(baskets->customers.count, sizeof *crowd->cart_left);
    crowd->sold_out = calloc(baskets->skus.count, sizeof *crowd->sold_out);
    if (crowd->buyer == NULL || crowd->idle == NULL || crowd->page == NULL ||
        crowd->cursor == NULL || crowd->cart_left == NULL || crowd->sold_out == NULL)
        return false;
    for (uint32_t at = 0; at < count; at++)
        crowd->idle[crowd->idle_count++] = count - 1 - at;
    return alarms_open(&crowd->alarms, count) == 0 && series_open(&crowd->series) == 0 &&
           schedule_open(&crowd->schedule, baskets, &crowd->plan->arrivals, clock_now_ns()) == 0;
}

int crowd_open(struct crowd *crowd, const struct options *options, const struct plan *plan,
    struct differences *differences)
{
    *crowd = (struct crowd){
        .options = options,
        .plan = plan,
        .baskets = &plan->baskets,
        .differences = differences,
        .buyer_count = plan->scenario.connections,
    };
    struct transport_plan transport = {
        .protocol = options->resp != NULL ? PROTOCOL_RESP : PROTOCOL_HTTP,
        .url = options->resp != NULL ? options->resp : options->url,
        .token = options->token_file != NULL ? options->token : NULL,
        .connections = crowd->buyer_count,
        .hear = hear,
        .context = crowd,
    };
    crowd->transport = transport_open(&transport);
    if (crowd->transport == NULL ||
        ledger_open(&crowd->ledger, crowd->baskets, options->run, options->log_path) < 0)
        return -1;
    if (!take_memory(crowd)) {
        fprintf(stderr, "hotshelf-loadtest: no room for %u connections: %s\n", crowd->buyer_count,
            strerror(errno));
        return -1;
    }
    return 0;
}

void crowd_close(struct crowd *crowd)
{
    transport_close(crowd->transport);
    free(crowd->buyer);
    free(crowd->idle);
    free(crowd->page);
    free(crowd->cursor);
    free(crowd->cart_left);
    free(crowd->sold_out);
    alarms_close(&crowd->alarms);
    schedule_close(&crowd->schedule);
    series_close(&crowd->series);
    ledger_close(&crowd->ledger);
}

static bool is_told_to_end(struct crowd *crowd)
{
    bool came = interrupt_came(crowd->interrupt);
    crowd->interrupted = crowd->interrupted || came;
    return came;
}

static void look_for_signal(struct crowd *crowd)
{
    if (!is_told_to_end(crowd))
        return;
    fputs("interrupted: nobody comes any more; once more to end at once\n", stderr);
    schedule_stop(&crowd->schedule);
    for (uint32_t at = 0; at < crowd->buyer_count; at++)
        buyer_hurry(crowd, &crowd->buyer[at]);
}

static void let_in_who_is_due(struct crowd *crowd)
{
    bool is_open = plan_is_open_loop(crowd->plan);
    uint64_t planned_ns;
    while (
        is_open && (planned_ns = schedule_plan(&crowd->schedule, crowd->now_ns)) != SCHEDULE_NEVER)
        series_planned(&crowd->series, planned_ns);
    while (crowd->idle_count > 0) {
        uint64_t due_ns = schedule_due_ns(&crowd->schedule);
        uint32_t visit = schedule_take(&crowd->schedule, crowd->now_ns);
        if (visit == BASKETS_NONE)
            return;
        /* In a closed loop a visit is due when there is a connection for it. */
        if (!is_open) {
            due_ns = crowd->now_ns;
            series_planned(&crowd->series, due_ns);
            crowd->schedule.planned_count++;
        }
        honesty_visit(&crowd->honesty, due_ns, crowd->idle_since_ns, crowd->now_ns);
        series_begun(&crowd->series, crowd->now_ns);
        buyer_begin(crowd, &crowd->buyer[crowd->idle[--crowd->idle_count]], visit, due_ns);
    }
}

static bool is_left_unpaid(const struct crowd *crowd, uint32_t basket)
{
    const struct purchase *purchase = &crowd->ledger.purchase[basket];
    return purchase->state == PURCHASE_ORDERED && strcmp(purchase->status, "pending_payment") == 0;
}

/* Carts by customer, then orders: the owners give back, one connection each. */
static void let_them_give_back(struct crowd *crowd)
{
    uint32_t customers = crowd->baskets->customers.count;
    uint32_t all = customers + crowd->baskets->count;
    for (; crowd->idle_count > 0 && crowd->give_back_at < all; crowd->give_back_at++) {
        uint32_t at = crowd->give_back_at;
        uint32_t basket = at < customers ? crowd->cart_left[at] - 1 : at - customers;
        bool has_some = at < customers ? crowd->cart_left[at] != 0 : is_left_unpaid(crowd, basket);
        if (has_some)
            buyer_give_back(crowd, &crowd->buyer[crowd->idle[--crowd->idle_count]], basket,
                at < customers ? STEP_EMPTY : STEP_CANCEL);
    }
}

static void wake_whom_an_alarm_rings_for(struct crowd *crowd)
{
    for (uint32_t at = 0; (at = alarms_take(&crowd->alarms, crowd->now_ns)) != ALARMS_NONE;)
        buyer_wake(crowd, &crowd->buyer[at]);
}

/* What is done on the connections that others wait for. */
static void look_at_shortage(struct crowd *crowd)
{
    uint32_t count[3] = {0};
    for (uint32_t at = 0; at < crowd->buyer_count; at++) {
        const struct buyer *buyer = &crowd->buyer[at];
        count[buyer->in_flight ? 2 : buyer->failed_tries > 0 ? 1 : 0]++;
    }
    honesty_shortage(&crowd->honesty, count[0], count[1], count[2]);
}

static void hang_up_who_is_idle(struct crowd *crowd)
{
    for (uint32_t at = 0; at < crowd->idle_count; at++)
        transport_drop(crowd->transport, crowd->idle[at]);
}

static void read_gauges(struct crowd *crowd)
{
    if (crowd_is_crowded(crowd))
        hang_up_who_is_idle(crowd);
    if (crowd_is_short(crowd))
        look_at_shortage(crowd);
    uint32_t planned = crowd->schedule.planned_count;
    series_gauge(&crowd->series, crowd->now_ns, (uint32_t)crowd->numbers.busy_count,
        planned - crowd->schedule.begun_count,
        honesty_busy_percent(&crowd->honesty, crowd->now_ns));
    crowd->gauged_ns = crowd->now_ns;
}

static bool is_out_of_patience(struct crowd *crowd)
{
    uint64_t patience_ns = crowd->options->patience_seconds * CLOCK_NS_PER_SECOND;
    if (crowd->numbers.busy_count == 0)
        crowd->progress_ns = crowd->now_ns;
    if (crowd->now_ns <= crowd->progress_ns + patience_ns)
        return false;
    differences_add(crowd->differences, DIFFERENCE_NO_PROGRESS,
        "%s answered nothing for %u s; is it well? --patience sets how long is waited",
        crowd->options->resp != NULL ? crowd->options->resp : crowd->options->url,
        crowd->options->patience_seconds);
    return true;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* False when it makes no sense to go on. */
static bool turn(struct crowd *crowd)
{
    uint64_t until_ns = least(alarms_next_ns(&crowd->alarms), crowd->now_ns + GAUGE_NS);
    if (crowd->idle_count > 0 && crowd->phase == CROWD_VISITING)
        until_ns = least(until_ns, schedule_due_ns(&crowd->schedule));
    honesty_turn(&crowd->honesty, crowd->woke_ns, clock_now_ns());
    if (!transport_turn(crowd->transport, until_ns)) {
        differences_add(crowd->differences, DIFFERENCE_NO_PROGRESS, "the ring failed");
        return false;
    }
    crowd->woke_ns = transport_now_ns(crowd->transport);
    crowd->now_ns = clock_now_ns();
    return !is_out_of_patience(crowd);
}

static void visit(struct crowd *crowd)
{
    bool goes_on = true;
    while (goes_on && !schedule_is_over(&crowd->schedule)) {
        wake_whom_an_alarm_rings_for(crowd);
        let_in_who_is_due(crowd);
        goes_on = turn(crowd);
        if (crowd->now_ns - crowd->gauged_ns < GAUGE_NS)
            continue;
        read_gauges(crowd);
        progress_tell(&crowd->progress, crowd, false);
        look_for_signal(crowd);
    }
}

/* What no buyer heard of. */
static void tell_transport(struct crowd *crowd)
{
    const struct transport_numbers *numbers = transport_numbers(crowd->transport);
    if (numbers->unasked > 0)
        differences_add(crowd->differences, DIFFERENCE_UNEXPECTED_ANSWER,
            "%llu times the server sent bytes that nobody had asked for",
            (unsigned long long)numbers->unasked);
}

static bool has_given_all_back(const struct crowd *crowd)
{
    uint32_t all = crowd->baskets->customers.count + crowd->baskets->count;
    return crowd->give_back_at == all && crowd->numbers.busy_count == 0;
}

/* Told to end now, it leaves what is not given back, and what was measured is reported. */
static void give_back(struct crowd *crowd)
{
    bool goes_on = schedule_is_over(&crowd->schedule);
    crowd->phase = CROWD_GIVING_BACK;
    let_them_give_back(crowd);
    while (goes_on && !has_given_all_back(crowd)) {
        wake_whom_an_alarm_rings_for(crowd);
        goes_on = turn(crowd);
        let_them_give_back(crowd);
        progress_give_back(&crowd->progress, crowd);
        if (is_told_to_end(crowd)) {
            fputs("interrupted: the rest is not given back\n", stderr);
            return;
        }
    }
}

void crowd_run(struct crowd *crowd, struct interrupt *interrupt)
{
    crowd->interrupt = interrupt;
    crowd->now_ns = clock_now_ns();
    crowd->woke_ns = crowd->now_ns;
    crowd->numbers.started_ns = crowd->now_ns;
    crowd->schedule.start_ns = crowd->now_ns;
    crowd->progress_ns = crowd->now_ns;
    crowd->gauged_ns = crowd->now_ns;
    series_start(&crowd->series, crowd->now_ns);
    honesty_begin(&crowd->honesty, crowd->now_ns);
    progress_begin(&crowd->progress, crowd);
    visit(crowd);
    crowd->now_ns = clock_now_ns();
    crowd->numbers.ended_ns = crowd->now_ns;
    honesty_end(&crowd->honesty, crowd->now_ns, transport_numbers(crowd->transport)->starved);
    progress_tell(&crowd->progress, crowd, true);
    give_back(crowd);
    look_for_signal(crowd); /* one that came at the very end */
    tell_transport(crowd);
}

bool crowd_is_done(const struct crowd *crowd)
{
    return schedule_is_over(&crowd->schedule) && has_given_all_back(crowd);
}
