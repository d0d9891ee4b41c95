/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One function for each kind of answer. What can go wrong: a refusal (fewer units, a new key,
 * again), an answer that no rule allows (told, and the visit is over).
 */
#include "loadtest/moves.h"

#include "loadtest/answers.h"
#include "loadtest/chance.h"
#include "loadtest/clock.h"

#include <string.h>

enum choice {
    CHOICE_CART,
    CHOICE_HEED,
    CHOICE_CANCEL,
    CHOICE_CANCEL_WHEN,
    CHOICE_LOOK,
    CHOICE_HANG_UP,
    CHOICE_JITTER = 100,
    CHOICE_THINK = 1000,
};

static uint64_t choose(const struct crowd *crowd, uint32_t visit, uint64_t choice)
{
    return chance_for(crowd->options->seed, visit, choice);
}

static bool chosen(const struct crowd *crowd, uint32_t visit, enum choice choice, uint32_t percent)
{
    return choose(crowd, visit, choice) % 100 < percent;
}

uint64_t moves_jitter(const struct crowd *crowd, const struct buyer *buyer)
{
    return choose(crowd, buyer->basket, CHOICE_JITTER + buyer->failed_tries);
}

uint64_t moves_pause_ns(const struct crowd *crowd, const struct buyer *buyer, uint64_t service_ns)
{
    const struct scenario *scenario = &crowd->plan->scenario;
    const struct basket *basket = &crowd->baskets->basket[buyer->basket];
    bool is_same_page = buyer->step == STEP_FILTER || buyer->step == STEP_BUY_AGAIN ||
                        (buyer->step == STEP_LOOK && buyer->line > basket->first_line);
    if (buyer->step == STEP_BUY && buyer->asks_once_more)
        return MOVES_DOUBT_NS;
    if (is_same_page || crowd->interrupted || crowd->phase == CROWD_GIVING_BACK)
        return 0;
    uint64_t think_ns = scenario->think_ms * CLOCK_NS_PER_MS;
    uint64_t refresh_ns = scenario->refresh_ms * CLOCK_NS_PER_MS;
    if (buyer->behaviour == BEHAVIOUR_REFRESHER)
        return refresh_ns > service_ns ? refresh_ns - service_ns : 0;
    if (scenario->think == THINK_NONE)
        return 0;
    if (scenario->think == THINK_CONSTANT)
        return think_ns;
    uint64_t thought = CHOICE_THINK + ((uint64_t)buyer->step << 8) + buyer->round;
    uint64_t number = choose(crowd, buyer->basket, thought + ((uint64_t)buyer->line << 16));
    return (uint64_t)((double)think_ns * chance_exponential_of(number));
}

static struct purchase *purchase_of(struct crowd *crowd, const struct buyer *buyer)
{
    return &crowd->ledger.purchase[buyer->basket];
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

static bool has_cart(const struct crowd *crowd, const struct buyer *buyer)
{
    const struct basket *basket = &crowd->baskets->basket[buyer->basket];
    for (uint32_t at = basket->first_line; at < basket->first_line + basket->line_count; at++) {
        if (crowd->ledger.in_cart[at] > 0)
            return true;
    }
    return false;
}

static void end(struct crowd *crowd, struct buyer *buyer, enum purchase_state state)
{
    if (purchase_of(crowd, buyer)->state == PURCHASE_OPEN)
        purchase_of(crowd, buyer)->state = state;
    buyer->step = STEP_DONE;
}

/* Over without an order; a cart is not left behind for the customer's next basket. */
static void leave(struct crowd *crowd, struct buyer *buyer, enum purchase_state state)
{
    end(crowd, buyer, state);
    if (has_cart(crowd, buyer))
        buyer->step = STEP_EMPTY;
}

static void abandon(struct crowd *crowd, struct buyer *buyer)
{
    uint32_t customer = crowd->baskets->basket[buyer->basket].customer;
    bool leaves_some = has_cart(crowd, buyer);
    if (leaves_some)
        crowd->cart_left[customer] = buyer->basket + 1;
    end(crowd, buyer, leaves_some ? PURCHASE_ABANDONED : PURCHASE_NOTHING_LEFT);
}

static void go_shopping(struct crowd *crowd, struct buyer *buyer)
{
    uint32_t line = buyer->uses_cart ? line_to_put(crowd, buyer) : BASKETS_NONE;
    if (line != BASKETS_NONE) {
        buyer->line = line;
        buyer->step = STEP_FILL;
    } else if (buyer->behaviour == BEHAVIOUR_ABANDONER) {
        abandon(crowd, buyer);
    } else if (wants_anything(crowd, buyer)) {
        buyer->step = STEP_BUY;
    } else {
        leave(crowd, buyer, PURCHASE_NOTHING_LEFT);
    }
}

static void begin_looking(struct crowd *crowd, struct buyer *buyer)
{
    buyer->line = crowd->baskets->basket[buyer->basket].first_line;
    buyer->step = STEP_LOOK;
}

static bool is_all_sold_out(const struct crowd *crowd, const struct buyer *buyer)
{
    const struct basket *basket = &crowd->baskets->basket[buyer->basket];
    for (uint32_t at = basket->first_line; at < basket->first_line + basket->line_count; at++) {
        if (!crowd->sold_out[crowd->baskets->line[at].sku])
            return false;
    }
    return true;
}

static void refresh(struct crowd *crowd, struct buyer *buyer)
{
    buyer->round++;
    if (is_all_sold_out(crowd, buyer) || buyer->round == crowd->plan->scenario.refresh_max ||
        crowd->interrupted)
        end(crowd, buyer, PURCHASE_LOOKED);
    else
        begin_looking(crowd, buyer);
}

static void after_look(struct crowd *crowd, struct buyer *buyer)
{
    const struct basket *basket = &crowd->baskets->basket[buyer->basket];
    if (!answer_is_done(crowd, buyer) || !answer_look(crowd, buyer))
        leave(crowd, buyer, PURCHASE_FAILED);
    else if (buyer->line < basket->first_line + basket->line_count)
        return;
    else if (buyer->behaviour == BEHAVIOUR_REFRESHER)
        refresh(crowd, buyer);
    else
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

/* A refusal that is not about lines: too many open orders, or nothing in the cart. */
static bool is_about_all(const struct facts *facts)
{
    return facts->line_count == 0 &&
           (strcmp(facts->code, "limit_exceeded") == 0 || strcmp(facts->code, "cart_empty") == 0);
}

static void after_refusal(struct crowd *crowd, struct buyer *buyer)
{
    const struct basket *basket = &crowd->baskets->basket[buyer->basket];
    bool has_no_cart = strcmp(crowd->facts->code, "cart_empty") == 0;
    if (is_about_all(crowd->facts)) {
        answer_tally_code(crowd);
    } else if (!answer_refused_lines(crowd, buyer)) {
        answer_unexpected(crowd, buyer, "a refusal that names no line asked for");
        leave(crowd, buyer, PURCHASE_FAILED);
        return;
    }
    if (has_no_cart)
        memset(
            &crowd->ledger.in_cart[basket->first_line], 0, basket->line_count * sizeof(uint32_t));
    bool gives_up = is_about_all(crowd->facts) && !has_no_cart;
    if (gives_up || purchase_of(crowd, buyer)->tries == MOVES_TRIES_MAX) {
        leave(crowd, buyer, PURCHASE_GAVE_UP);
        return;
    }
    purchase_of(crowd, buyer)->tries++;
    buyer->buy_count = 0;
    go_shopping(crowd, buyer);
}

/* What the order's status asks for next. */
static enum buyer_step next_for_order(const struct buyer *buyer, const struct purchase *purchase)
{
    if (buyer->behaviour == BEHAVIOUR_BOT)
        return STEP_DONE;
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
    bool is_refusal = crowd->facts->class == FACTS_REFUSED;
    buyer->asks_once_more = is_refusal && buyer->doubts;
    buyer->doubts = false;
    if (buyer->asks_once_more)
        return;
    if (is_refusal) {
        after_refusal(crowd, buyer);
        return;
    }
    if (!answer_is_done(crowd, buyer) || !answer_new_order(crowd, buyer)) {
        leave(crowd, buyer, PURCHASE_FAILED);
        return;
    }
    buyer->step =
        buyer->clicks_twice ? STEP_BUY_AGAIN : next_for_order(buyer, purchase_of(crowd, buyer));
}

/* I3: the same order, whatever became of the first answer. */
static void after_buy_again(struct crowd *crowd, struct buyer *buyer)
{
    if (!answer_is_done(crowd, buyer) || !answer_same_order(crowd, buyer))
        buyer->step = STEP_DONE;
    else
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

static enum buyer_step first_step(const struct crowd *crowd, const struct buyer *buyer)
{
    const struct basket *basket = &crowd->baskets->basket[buyer->basket];
    uint32_t look_percent = crowd->plan->scenario.look_percent;
    if (buyer->behaviour == BEHAVIOUR_SEARCHER)
        return STEP_SEARCH;
    if (buyer->behaviour == BEHAVIOUR_REFRESHER)
        return STEP_LOOK;
    /* An order would take from what the cart holds, at its price, on lines of their own (K8). */
    if (crowd->cart_left[basket->customer] != 0)
        return STEP_EMPTY;
    bool looks = buyer->behaviour != BEHAVIOUR_BOT &&
                 chosen(crowd, buyer->basket, CHOICE_LOOK, look_percent);
    return looks ? STEP_LOOK : STEP_IDLE;
}

static void take_first_step(struct crowd *crowd, struct buyer *buyer)
{
    buyer->step = first_step(crowd, buyer);
    if (buyer->step == STEP_IDLE)
        go_shopping(crowd, buyer);
}

static void after_empty(struct crowd *crowd, struct buyer *buyer)
{
    bool is_done = answer_is_done(crowd, buyer);
    bool is_over = purchase_of(crowd, buyer)->state != PURCHASE_OPEN;
    crowd->cart_left[crowd->baskets->basket[buyer->basket].customer] = 0;
    if (is_over || !is_done)
        end(crowd, buyer, PURCHASE_FAILED);
    else
        take_first_step(crowd, buyer); /* it was the cart of an earlier visit */
}

static void search_on(struct crowd *crowd, struct buyer *buyer)
{
    const char *cursor = crowd->cursor[buyer - crowd->buyer];
    buyer->round++;
    if (cursor[0] == '\0' || buyer->round >= crowd->plan->scenario.pages_max || crowd->interrupted)
        end(crowd, buyer, PURCHASE_LOOKED);
    else
        buyer->step = STEP_SEARCH;
}

static void after_search(struct crowd *crowd, struct buyer *buyer)
{
    if (!answer_is_done(crowd, buyer) || !answer_page(crowd, buyer))
        end(crowd, buyer, PURCHASE_FAILED);
    else if (buyer->page_count > 0)
        buyer->step = STEP_FILTER;
    else
        search_on(crowd, buyer);
}

static void after_filter(struct crowd *crowd, struct buyer *buyer)
{
    if (!answer_is_done(crowd, buyer) || !answer_filter(crowd, buyer))
        end(crowd, buyer, PURCHASE_FAILED);
    else
        search_on(crowd, buyer);
}

void moves_answer(struct crowd *crowd, struct buyer *buyer)
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
    case STEP_BUY_AGAIN:
        after_buy_again(crowd, buyer);
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
    case STEP_SEARCH:
        after_search(crowd, buyer);
        return;
    case STEP_FILTER:
        after_filter(crowd, buyer);
        return;
    case STEP_IDLE:
    case STEP_DONE:
        return;
    }
}

/* An order, or money, is never left in doubt; and carts are always emptied. */
bool moves_can_give_up(const struct buyer *buyer)
{
    switch (buyer->step) {
    case STEP_LOOK:
    case STEP_FILL:
    case STEP_SEARCH:
    case STEP_FILTER:
        return true;
    case STEP_BUY:
        return !buyer->doubts;
    case STEP_BUY_AGAIN:
    case STEP_PAY:
    case STEP_CANCEL:
    case STEP_REFUND:
    case STEP_ASK:
    case STEP_EMPTY:
    case STEP_IDLE:
    case STEP_DONE:
        break;
    }
    return false;
}

void moves_give_up(struct crowd *crowd, struct buyer *buyer)
{
    bool may_have_put = buyer->step == STEP_FILL;
    leave(crowd, buyer, PURCHASE_GAVE_UP);
    if (may_have_put)
        buyer->step = STEP_EMPTY;
}

static void choose_whims(const struct crowd *crowd, struct buyer *buyer)
{
    const struct scenario *scenario = &crowd->plan->scenario;
    uint32_t visit = buyer->basket;
    bool is_bot = buyer->behaviour == BEHAVIOUR_BOT;
    bool is_impatient = buyer->behaviour == BEHAVIOUR_IMPATIENT;
    buyer->uses_cart = buyer->behaviour == BEHAVIOUR_ABANDONER ||
                       chosen(crowd, visit, CHOICE_CART,
                           is_bot ? scenario->bot_cart_percent : scenario->cart_percent);
    buyer->heeds_look = chosen(crowd, visit, CHOICE_HEED, scenario->heed_percent);
    buyer->cancels_paid = chosen(crowd, visit, CHOICE_CANCEL, scenario->cancel_percent);
    buyer->cancels_unpaid = buyer->cancels_paid && chosen(crowd, visit, CHOICE_CANCEL_WHEN, 50);
    buyer->hangs_up =
        is_impatient && chosen(crowd, visit, CHOICE_HANG_UP, scenario->hang_up_percent);
    buyer->clicks_twice = is_impatient && !buyer->hangs_up;
}

void moves_begin(struct crowd *crowd, struct buyer *buyer)
{
    const struct basket *basket = &crowd->baskets->basket[buyer->basket];
    buyer->behaviour = (enum behaviour)crowd->plan->visits.behaviour[buyer->basket];
    buyer->line = basket->first_line;
    purchase_of(crowd, buyer)->tries = 1;
    for (uint32_t at = basket->first_line; at < basket->first_line + basket->line_count; at++)
        crowd->ledger.wanted[at] = crowd->baskets->line[at].quantity;
    choose_whims(crowd, buyer);
    if (buyer->behaviour == BEHAVIOUR_SEARCHER)
        crowd->cursor[buyer - crowd->buyer][0] = '\0';
    take_first_step(crowd, buyer);
}
