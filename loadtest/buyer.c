/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The happy path: look, put lines into the cart (some baskets), buy, pay when the order asks for
 * it, change one's mind now and then. Each answer decides the next step; the next request is
 * written and sent at once, so a buyer without trouble never waits for a timer.
 *
 * What can go wrong: a refusal (fewer units, a new key, again), no answer (the same bytes again,
 * later), an answer that no rule allows (told, and the basket is over).
 *
 * Which baskets use the cart, heed availability or are cancelled is decided by the seed and the
 * basket's number alone, so that a replay repeats.
 */
#include "loadtest/buyer.h"

#include "loadtest/answers.h"
#include "loadtest/asking.h"
#include "loadtest/clock.h"

#include <string.h>

#define ANSWER_OVERDUE_NS (10000 * CLOCK_NS_PER_MS)
#define RETRY_FIRST_MS 20
#define RETRY_DOUBLINGS 6
#define RETRY_AFTER_MS_MAX 5000
#define HEED_PERCENT 50

enum choice { CHOICE_CART, CHOICE_HEED, CHOICE_CANCEL, CHOICE_CANCEL_WHEN, CHOICE_JITTER };

/* A number that looks random and is always the same for the same seed, basket and choice. */
static uint64_t choose(const struct crowd *crowd, uint32_t basket, uint64_t choice)
{
    uint64_t mixed = crowd->options->seed * UINT64_C(0x9e3779b97f4a7c15) +
                     (((uint64_t)basket << 16) + choice) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

static bool chosen(const struct crowd *crowd, uint32_t basket, enum choice choice, uint32_t percent)
{
    return choose(crowd, basket, choice) % 100 < percent;
}

static struct purchase *purchase_of(struct crowd *crowd, struct buyer *buyer)
{
    return &crowd->ledger.purchase[buyer->basket];
}

static void count_units(struct crowd *crowd, uint32_t number)
{
    const struct basket *basket = &crowd->baskets->basket[number];
    for (uint32_t at = basket->first_line; at < basket->first_line + basket->line_count; at++)
        crowd->numbers.units_sold += ledger_units_sold(&crowd->ledger, number, at);
    series_units(&crowd->series, clock_now_ns(), crowd->numbers.units_sold);
}

static void finish(struct crowd *crowd, struct buyer *buyer)
{
    if (purchase_of(crowd, buyer)->state == PURCHASE_ORDERED)
        count_units(crowd, buyer->basket);
    buyer->step = STEP_IDLE;
    crowd->numbers.state_count[purchase_of(crowd, buyer)->state]++;
    crowd->numbers.busy_count--;
    schedule_done(&crowd->schedule, buyer->basket);
}

static bool wants_anything(const struct crowd *crowd, const struct buyer *buyer)
{
    const struct basket *basket = &crowd->baskets->basket[buyer->basket];
    for (uint32_t at = basket->first_line; at < basket->first_line + basket->line_count; at++) {
        if (crowd->ledger.wanted[at] > 0)
            return true;
    }
    return false;
}

/* The next line whose units in the cart are not those wanted, or BASKETS_NONE. */
static uint32_t line_to_put(const struct crowd *crowd, const struct buyer *buyer)
{
    const struct basket *basket = &crowd->baskets->basket[buyer->basket];
    for (uint32_t at = basket->first_line; at < basket->first_line + basket->line_count; at++) {
        if (crowd->ledger.wanted[at] != crowd->ledger.in_cart[at])
            return at;
    }
    return BASKETS_NONE;
}

/* Over without an order; a cart is not left behind for the customer's next basket. */
static void leave(struct crowd *crowd, struct buyer *buyer, enum purchase_state state)
{
    const struct basket *basket = &crowd->baskets->basket[buyer->basket];
    bool cart_is_empty = true;
    for (uint32_t at = basket->first_line; at < basket->first_line + basket->line_count; at++)
        cart_is_empty = cart_is_empty && crowd->ledger.in_cart[at] == 0;
    if (purchase_of(crowd, buyer)->state == PURCHASE_OPEN)
        purchase_of(crowd, buyer)->state = state;
    buyer->step = cart_is_empty ? STEP_DONE : STEP_EMPTY;
}

static void go_shopping(struct crowd *crowd, struct buyer *buyer)
{
    uint32_t line = buyer->uses_cart ? line_to_put(crowd, buyer) : BASKETS_NONE;
    if (line != BASKETS_NONE) {
        buyer->line = line;
        buyer->step = STEP_FILL;
    } else if (wants_anything(crowd, buyer)) {
        buyer->step = STEP_BUY;
    } else {
        leave(crowd, buyer, PURCHASE_NOTHING_LEFT);
    }
}

static void after_look(struct crowd *crowd, struct buyer *buyer)
{
    const struct basket *basket = &crowd->baskets->basket[buyer->basket];
    if (!answer_is_done(crowd, buyer) || !answer_look(crowd, buyer))
        leave(crowd, buyer, PURCHASE_FAILED);
    else if (buyer->line == basket->first_line + basket->line_count)
        go_shopping(crowd, buyer);
}

static void after_fill(struct crowd *crowd, struct buyer *buyer)
{
    enum facts_class class = crowd->facts->class;
    bool is_refusal = class == FACTS_REFUSED || class == FACTS_NOT_THERE;
    if (class == FACTS_DONE) {
        crowd->ledger.in_cart[buyer->line] = crowd->ledger.wanted[buyer->line];
    } else if (is_refusal && crowd->ledger.wanted[buyer->line] > 0) {
        answer_refused_line(crowd, buyer);
    } else {
        answer_unexpected(crowd, buyer, "cart");
        leave(crowd, buyer, PURCHASE_FAILED);
        return;
    }
    go_shopping(crowd, buyer);
}

static void after_refusal(struct crowd *crowd, struct buyer *buyer)
{
    const struct basket *basket = &crowd->baskets->basket[buyer->basket];
    const char *code = crowd->facts->code;
    if (strcmp(code, "cart_empty") == 0) {
        tally_add(&crowd->numbers.refusals, code);
        memset(
            &crowd->ledger.in_cart[basket->first_line], 0, basket->line_count * sizeof(uint32_t));
    } else if (!answer_refused_lines(crowd, buyer)) {
        answer_unexpected(crowd, buyer, "a refusal that names no line asked for");
        leave(crowd, buyer, PURCHASE_FAILED);
        return;
    }
    if (purchase_of(crowd, buyer)->tries == BUYER_TRIES_MAX) {
        leave(crowd, buyer, PURCHASE_GAVE_UP);
        return;
    }
    purchase_of(crowd, buyer)->tries++;
    go_shopping(crowd, buyer);
}

/* What the order's status asks for next. */
static enum buyer_step next_for_order(const struct buyer *buyer, const struct purchase *purchase)
{
    if (strcmp(purchase->status, "pending_payment") == 0)
        return buyer->cancels_unpaid ? STEP_CANCEL : STEP_PAY;
    if (strcmp(purchase->status, "confirmed") == 0 && buyer->cancels_paid)
        return STEP_CANCEL;
    if (strcmp(purchase->status, "refund_required") == 0 && purchase->refund_due > 0)
        return STEP_REFUND;
    return STEP_DONE;
}

static void after_buy(struct crowd *crowd, struct buyer *buyer)
{
    if (crowd->facts->class == FACTS_REFUSED) {
        after_refusal(crowd, buyer);
        return;
    }
    if (!answer_is_done(crowd, buyer) || !answer_new_order(crowd, buyer)) {
        leave(crowd, buyer, PURCHASE_FAILED);
        return;
    }
    buyer->step = next_for_order(buyer, purchase_of(crowd, buyer));
}

static void after_report(struct crowd *crowd, struct buyer *buyer)
{
    int status = crowd->facts->status;
    bool asking = buyer->step == STEP_ASK;
    if ((status == 409 || status == 410) && !asking) {
        answer_tally_code(crowd);
        buyer->step = STEP_ASK;
        return;
    }
    bool known = answer_is_done(crowd, buyer) && answer_order(crowd, buyer);
    enum buyer_step next =
        known && !asking ? next_for_order(buyer, purchase_of(crowd, buyer)) : STEP_DONE;
    if (next == buyer->step) {
        answer_unexpected(crowd, buyer, "the order did not move");
        next = STEP_DONE;
    }
    buyer->step = next;
}

static void after_empty(struct crowd *crowd, struct buyer *buyer)
{
    answer_is_done(crowd, buyer);
    buyer->step = STEP_DONE;
}

static void take_answer(struct crowd *crowd, struct buyer *buyer)
{
    switch (buyer->step) {
    case STEP_LOOK:
        after_look(crowd, buyer);
        return;
    case STEP_FILL:
        after_fill(crowd, buyer);
        return;
    case STEP_BUY:
        after_buy(crowd, buyer);
        return;
    case STEP_PAY:
    case STEP_CANCEL:
    case STEP_REFUND:
    case STEP_ASK:
        after_report(crowd, buyer);
        return;
    case STEP_EMPTY:
        after_empty(crowd, buyer);
        return;
    case STEP_IDLE:
    case STEP_DONE:
        return;
    }
}

static void ask(struct crowd *crowd, struct buyer *buyer)
{
    struct question question = asking_question(crowd, buyer);
    buyer->in_flight = true;
    buyer->sent_ns = clock_now_ns();
    buyer->wake_ns = buyer->sent_ns + ANSWER_OVERDUE_NS;
    if (transport_ask(crowd->transport, (uint32_t)(buyer - crowd->buyer), &question))
        return;
    differences_add(crowd->differences, DIFFERENCE_UNEXPECTED_ANSWER,
        "basket %u: its request is larger than the server takes any", buyer->basket);
    purchase_of(crowd, buyer)->state = PURCHASE_FAILED;
    buyer->in_flight = false;
    finish(crowd, buyer);
}

/* The same question again after a while: as the server asks, else doubling, spread a little. */
static void send_again_later(
    struct crowd *crowd, struct buyer *buyer, const char *reason, int64_t asked_ms)
{
    tally_add(&crowd->numbers.retries, reason);
    uint32_t doublings =
        buyer->failed_tries < RETRY_DOUBLINGS ? buyer->failed_tries : RETRY_DOUBLINGS;
    uint64_t wait_ms = (uint64_t)RETRY_FIRST_MS << doublings;
    if (asked_ms >= 0)
        wait_ms = (uint64_t)(asked_ms < RETRY_AFTER_MS_MAX ? asked_ms : RETRY_AFTER_MS_MAX);
    uint64_t jitter =
        choose(crowd, buyer->basket, CHOICE_JITTER + buyer->failed_tries) % (wait_ms / 2 + 1);
    buyer->failed_tries++;
    buyer->in_flight = false;
    buyer->wake_ns = clock_now_ns() + (wait_ms + jitter) * CLOCK_NS_PER_MS;
}

static void after_garbled(struct crowd *crowd, struct buyer *buyer)
{
    const struct facts *facts = crowd->facts;
    int shown = facts->text_size < 200 ? (int)facts->text_size : 200;
    differences_add(crowd->differences, DIFFERENCE_UNEXPECTED_ANSWER,
        "basket %u: the server's bytes are no answer (%s): %.*s", buyer->basket, facts->wrong,
        shown, facts->text);
    purchase_of(crowd, buyer)->state = PURCHASE_FAILED;
    buyer->in_flight = false;
    finish(crowd, buyer);
}

static void after_not_now(struct crowd *crowd, struct buyer *buyer)
{
    const struct facts *facts = crowd->facts;
    send_again_later(
        crowd, buyer, facts->code[0] != '\0' ? facts->code : "no_code", facts->retry_after_ms);
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

/* Will be sent again: not an answer yet. */
static void count_no_answer(struct crowd *crowd, struct buyer *buyer, enum series_outcome outcome)
{
    series_answer(&crowd->series, asking_kind(buyer->step), clock_now_ns(), 0, 0, outcome);
}

static void count_answer(struct crowd *crowd, struct buyer *buyer)
{
    uint64_t now_ns = clock_now_ns();
    uint64_t service_us = (now_ns - buyer->sent_ns) / 1000;
    series_answer(&crowd->series, asking_kind(buyer->step), now_ns, service_us, service_us,
        outcome_of(crowd->facts->class));
    crowd->numbers.answered++;
    crowd->numbers.replayed += crowd->facts->replayed;
    crowd->progress_ns = now_ns;
    buyer->failed_tries = 0;
    buyer->in_flight = false;
}

void buyer_hear(struct crowd *crowd, struct buyer *buyer, const struct transport_news *news)
{
    crowd->facts = news->facts;
    if (news->event == TRANSPORT_LOST) {
        count_no_answer(crowd, buyer, SERIES_FAILED);
        send_again_later(crowd, buyer, strerrorname_np(news->reason), -1);
        return;
    }
    if (news->event == TRANSPORT_GARBLED) {
        count_no_answer(crowd, buyer, SERIES_FAILED);
        after_garbled(crowd, buyer);
        return;
    }
    if (crowd->facts->class == FACTS_NOT_NOW) {
        count_no_answer(crowd, buyer, SERIES_PUSHED_BACK);
        after_not_now(crowd, buyer);
        return;
    }
    count_answer(crowd, buyer);
    take_answer(crowd, buyer);
    if (buyer->step == STEP_DONE)
        finish(crowd, buyer);
    else
        ask(crowd, buyer);
}

void buyer_begin(struct crowd *crowd, struct buyer *buyer, uint32_t number)
{
    const struct basket *basket = &crowd->baskets->basket[number];
    bool cancels = chosen(crowd, number, CHOICE_CANCEL, crowd->options->cancel_percent);
    bool unpaid = chosen(crowd, number, CHOICE_CANCEL_WHEN, 50);
    buyer->basket = number;
    buyer->step = STEP_LOOK;
    buyer->line = basket->first_line;
    buyer->uses_cart = chosen(crowd, number, CHOICE_CART, crowd->options->cart_percent);
    buyer->heeds_look = chosen(crowd, number, CHOICE_HEED, HEED_PERCENT);
    buyer->cancels_unpaid = cancels && unpaid;
    buyer->cancels_paid = cancels;
    buyer->failed_tries = 0;
    crowd->ledger.purchase[number].tries = 1;
    crowd->numbers.busy_count++;
    for (uint32_t at = basket->first_line; at < basket->first_line + basket->line_count; at++)
        crowd->ledger.wanted[at] = crowd->baskets->line[at].quantity;
    ask(crowd, buyer);
}

void buyer_wake(struct crowd *crowd, struct buyer *buyer)
{
    if (buyer->in_flight) {
        transport_drop(crowd->transport, (uint32_t)(buyer - crowd->buyer));
        count_no_answer(crowd, buyer, SERIES_FAILED);
        send_again_later(crowd, buyer, "overdue", -1);
        return;
    }
    ask(crowd, buyer);
}
