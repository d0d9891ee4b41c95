/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The happy path: ask, hear the answer, let moves.c choose the next step, think, ask. A visitor who
 * does not think asks in the same turn and never waits for an alarm.
 *
 * What can go wrong: no answer, or not now (the same again, later), an impatient visitor (hangs up
 * and sends the same at once), bytes that are no answer (told, and the visit is over).
 */
#include "loadtest/buyer.h"

#include "loadtest/answers.h"
#include "loadtest/asking.h"
#include "loadtest/clock.h"
#include "loadtest/moves.h"

#include <string.h>

#define ANSWER_OVERDUE_NS (10 * CLOCK_NS_PER_SECOND)
/* Of the time to think: who is behind thinks less by so much. */
#define CATCH_UP_PART 4
#define RETRY_FIRST_MS 20
#define RETRY_DOUBLINGS 6
#define RETRY_AFTER_MS_MAX 5000

static uint32_t number_of(const struct crowd *crowd, const struct buyer *buyer)
{
    return (uint32_t)(buyer - crowd->buyer);
}

static struct purchase *purchase_of(struct crowd *crowd, struct buyer *buyer)
{
    return &crowd->ledger.purchase[buyer->basket];
}

static void count_units(struct crowd *crowd, uint32_t visit)
{
    const struct basket *basket = &crowd->baskets->basket[visit];
    for (uint32_t at = basket->first_line; at < basket->first_line + basket->line_count; at++)
        crowd->numbers.units_sold += ledger_units_sold(&crowd->ledger, visit, at);
    series_units(&crowd->series, crowd->now_ns, crowd->numbers.units_sold);
}

static void finish(struct crowd *crowd, struct buyer *buyer)
{
    enum purchase_state state = purchase_of(crowd, buyer)->state;
    uint32_t number = number_of(crowd, buyer);
    buyer->step = STEP_IDLE;
    buyer->in_flight = false;
    alarms_set(&crowd->alarms, number, ALARMS_NEVER);
    if (crowd_is_crowded(crowd))
        transport_drop(crowd->transport, number);
    if (crowd->idle_count == 0)
        crowd->idle_since_ns = clock_now_ns();
    crowd->idle[crowd->idle_count++] = number;
    crowd->numbers.busy_count--;
    if (crowd->phase == CROWD_GIVING_BACK) {
        crowd->numbers.given_back_count++;
        return;
    }
    if (state == PURCHASE_ORDERED)
        count_units(crowd, buyer->basket);
    crowd->numbers.state_count[state]++;
    schedule_done(&crowd->schedule, buyer->basket, crowd->now_ns);
}

static void fail(struct crowd *crowd, struct buyer *buyer)
{
    purchase_of(crowd, buyer)->state = PURCHASE_FAILED;
    finish(crowd, buyer);
}

static void ask(struct crowd *crowd, struct buyer *buyer)
{
    struct question question = asking_question(crowd, buyer);
    bool hangs_up = buyer->hangs_up && buyer->step == STEP_BUY;
    uint64_t hang_up_ns = crowd->plan->scenario.hang_up_ms * CLOCK_NS_PER_MS;
    buyer->in_flight = true;
    buyer->buy_count += buyer->step == STEP_BUY;
    buyer->sent_ns = clock_now_ns();
    alarms_set(&crowd->alarms, number_of(crowd, buyer),
        buyer->sent_ns + (hangs_up ? hang_up_ns : ANSWER_OVERDUE_NS));
    if (transport_ask(crowd->transport, number_of(crowd, buyer), &question))
        return;
    differences_add(crowd->differences, DIFFERENCE_UNEXPECTED_ANSWER,
        "basket %u: its request is larger than the server takes any", buyer->basket);
    fail(crowd, buyer);
}

static void ask_at(struct crowd *crowd, struct buyer *buyer, uint64_t at_ns)
{
    buyer->in_flight = false;
    buyer->wake_ns = at_ns;
    alarms_set(&crowd->alarms, number_of(crowd, buyer), at_ns);
}

/* Nobody will hear what becomes of a request that was sent. */
static void give_up_answer(struct buyer *buyer)
{
    buyer->doubts = buyer->doubts || buyer->step == STEP_BUY;
}

static void count_no_answer(struct crowd *crowd, struct buyer *buyer, enum series_outcome outcome)
{
    if (crowd->phase == CROWD_VISITING)
        series_answer(&crowd->series, asking_kind(buyer->step), clock_now_ns(), 0, 0, outcome);
}

/* The same question again after a while: as the server asks, else doubling, spread a little. */
static void ask_again_later(
    struct crowd *crowd, struct buyer *buyer, const char *reason, int64_t asked_ms)
{
    tally_add(&crowd->numbers.retries, reason);
    uint32_t doublings =
        buyer->failed_tries < RETRY_DOUBLINGS ? buyer->failed_tries : RETRY_DOUBLINGS;
    uint64_t wait_ms = (uint64_t)RETRY_FIRST_MS << doublings;
    if (asked_ms >= 0)
        wait_ms = (uint64_t)(asked_ms < RETRY_AFTER_MS_MAX ? asked_ms : RETRY_AFTER_MS_MAX);
    uint64_t jitter_ms = moves_jitter(crowd, buyer) % (wait_ms / 2 + 1);
    buyer->failed_tries++;
    ask_at(crowd, buyer, clock_now_ns() + (wait_ms + jitter_ms) * CLOCK_NS_PER_MS);
}

static void after_garbled(struct crowd *crowd, struct buyer *buyer)
{
    const struct facts *facts = crowd->facts;
    int shown = facts->text_size < 200 ? (int)facts->text_size : 200;
    differences_add(crowd->differences, DIFFERENCE_UNEXPECTED_ANSWER,
        "basket %u: the server's bytes are no answer (%s): %.*s", buyer->basket, facts->wrong,
        shown, facts->text);
    count_no_answer(crowd, buyer, SERIES_FAILED);
    fail(crowd, buyer);
}

/* Turned away for too long by the time to come again, and sure that nothing came of it, a customer
 * goes. */
static bool gives_up(const struct crowd *crowd, const struct buyer *buyer, uint64_t now_ns)
{
    uint64_t patience_ns = crowd->plan->scenario.give_up_seconds * CLOCK_NS_PER_SECOND;
    int64_t asked_ms = crowd->facts->retry_after_ms;
    uint64_t again_ns = now_ns + (asked_ms > 0 ? (uint64_t)asked_ms * CLOCK_NS_PER_MS : 0);
    return crowd->phase == CROWD_VISITING && patience_ns > 0 &&
           again_ns - buyer->turned_away_ns > patience_ns && moves_can_give_up(buyer);
}

static void after_not_now(struct crowd *crowd, struct buyer *buyer)
{
    const struct facts *facts = crowd->facts;
    uint64_t now_ns = clock_now_ns();
    if (buyer->turned_away_ns == 0)
        buyer->turned_away_ns = now_ns;
    if (strcmp(facts->code, "overloaded") == 0)
        crowd->crowded_ns = now_ns;
    if (strcmp(facts->code, "unconfirmed") == 0)
        give_up_answer(buyer); /* the order stands */
    /* Said by who had looked for the key, and long after a lost request was on its way. */
    if (strcmp(facts->code, "capacity_exhausted") == 0 &&
        now_ns - buyer->turned_away_ns > MOVES_DOUBT_NS)
        buyer->doubts = false;
    count_no_answer(crowd, buyer, SERIES_PUSHED_BACK);
    if (gives_up(crowd, buyer, now_ns)) {
        answer_tally_code(crowd);
        moves_give_up(crowd, buyer);
        buyer->turned_away_ns = now_ns;
        crowd->progress_ns = now_ns;
    }
    if (buyer->step == STEP_DONE)
        finish(crowd, buyer);
    else
        ask_again_later(
            crowd, buyer, facts->code[0] != '\0' ? facts->code : "no_code", facts->retry_after_ms);
}

static void after_loss(struct crowd *crowd, struct buyer *buyer, int reason)
{
    give_up_answer(buyer);
    count_no_answer(crowd, buyer, SERIES_FAILED);
    ask_again_later(crowd, buyer, strerrorname_np(reason), -1);
}

static enum series_outcome outcome_of(enum facts_class class)
{
    switch (class) {
    case FACTS_DONE:
        return SERIES_OK;
    case FACTS_REFUSED:
    case FACTS_NOT_THERE:
        return SERIES_REFUSED;
    case FACTS_NOT_NOW:
        return SERIES_PUSHED_BACK;
    case FACTS_WRONG:
        break;
    }
    return SERIES_FAILED;
}

static void count_answer(struct crowd *crowd, struct buyer *buyer, uint64_t now_ns)
{
    enum request_kind kind = asking_kind(buyer->step);
    uint64_t intended_us = (now_ns - buyer->intended_ns) / 1000;
    uint64_t service_us = (now_ns - buyer->sent_ns) / 1000;
    crowd->numbers.answered++;
    crowd->numbers.replayed += crowd->facts->replayed;
    crowd->progress_ns = now_ns;
    buyer->failed_tries = 0;
    buyer->turned_away_ns = 0;
    buyer->in_flight = false;
    if (crowd->phase != CROWD_VISITING)
        return;
    progress_answer(&crowd->progress, intended_us);
    honesty_answer(&crowd->honesty, kind, service_us, crowd_is_short(crowd));
    series_answer(
        &crowd->series, kind, now_ns, intended_us, service_us, outcome_of(crowd->facts->class));
}

/* Answered: the next step, now or after a thought. */
static void go_on(struct crowd *crowd, struct buyer *buyer)
{
    uint64_t now_ns = clock_now_ns();
    uint64_t service_ns = now_ns - buyer->sent_ns;
    count_answer(crowd, buyer, now_ns);
    moves_answer(crowd, buyer);
    if (buyer->step == STEP_DONE) {
        finish(crowd, buyer);
        return;
    }
    uint64_t pause_ns = moves_pause_ns(crowd, buyer, service_ns);
    uint64_t least_ns = now_ns + pause_ns - pause_ns / CATCH_UP_PART;
    buyer->intended_ns += service_ns + pause_ns;
    if (pause_ns == 0)
        ask(crowd, buyer);
    else
        ask_at(crowd, buyer, buyer->intended_ns > least_ns ? buyer->intended_ns : least_ns);
}

void buyer_hear(struct crowd *crowd, struct buyer *buyer, const struct transport_news *news)
{
    crowd->facts = news->facts;
    if (news->event == TRANSPORT_LOST)
        after_loss(crowd, buyer, news->reason);
    else if (news->event == TRANSPORT_GARBLED)
        after_garbled(crowd, buyer);
    else if (crowd->facts->class == FACTS_NOT_NOW)
        after_not_now(crowd, buyer);
    else
        go_on(crowd, buyer);
}

static void start(struct crowd *crowd, struct buyer *buyer, uint32_t visit, uint64_t intended_ns)
{
    *buyer = (struct buyer){.basket = visit, .intended_ns = intended_ns};
    crowd->numbers.busy_count++;
}

void buyer_begin(struct crowd *crowd, struct buyer *buyer, uint32_t visit, uint64_t intended_ns)
{
    start(crowd, buyer, visit, intended_ns);
    moves_begin(crowd, buyer);
    ask(crowd, buyer);
}

void buyer_give_back(struct crowd *crowd, struct buyer *buyer, uint32_t visit, enum buyer_step step)
{
    start(crowd, buyer, visit, crowd->now_ns);
    buyer->step = step;
    buyer->cancels_unpaid = true;
    ask(crowd, buyer);
}

void buyer_wake(struct crowd *crowd, struct buyer *buyer)
{
    if (!buyer->in_flight) {
        honesty_request(&crowd->honesty, buyer->wake_ns, crowd->now_ns);
        ask(crowd, buyer);
        return;
    }
    transport_drop(crowd->transport, number_of(crowd, buyer));
    give_up_answer(buyer);
    if (buyer->hangs_up && buyer->step == STEP_BUY) {
        buyer->hangs_up = false;
        tally_add(&crowd->numbers.retries, "hung_up");
        ask(crowd, buyer);
        return;
    }
    count_no_answer(crowd, buyer, SERIES_FAILED);
    ask_again_later(crowd, buyer, "overdue", -1);
}

void buyer_hurry(struct crowd *crowd, struct buyer *buyer)
{
    if (buyer->step != STEP_IDLE && !buyer->in_flight && buyer->failed_tries == 0)
        ask_at(crowd, buyer, crowd->now_ns);
}
