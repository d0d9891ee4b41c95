/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A visitor, answer by answer, on a clock and over a transport that the test plays: when requests
 * are intended, sent, sent again and given up, and what is counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <errno.h>

#include "loadtest/buyer.h"
#include "loadtest/moves.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
#define START (100 * SECOND)

static uint64_t now_ns;

/* In the place of libc's, for everything that is linked here. */
int clock_gettime(clockid_t clock, struct timespec *time)
{
    (void)clock;
    *time =
        (struct timespec){.tv_sec = (time_t)(now_ns / SECOND), .tv_nsec = (long)(now_ns % SECOND)};
    return 0;
}

static struct question asked; /* the last one; its key below, and that of the first */
static char asked_key[LEDGER_KEY_SIZE];
static char first_key[LEDGER_KEY_SIZE];
static uint32_t asked_count;
static uint32_t drop_count;

bool transport_ask(
    struct transport *transport, uint32_t connection, const struct question *question)
{
    (void)transport;
    assert_int_equal(connection, 0);
    asked = *question;
    snprintf(asked_key, sizeof asked_key, "%s", question->key == NULL ? "" : question->key);
    if (asked_count++ == 0)
        memcpy(first_key, asked_key, sizeof first_key);
    return true;
}

void transport_drop(struct transport *transport, uint32_t connection)
{
    (void)transport;
    assert_int_equal(connection, 0);
    drop_count++;
}

/* One visitor who wants two units of A. */
struct shop {
    struct options options;
    struct plan plan;
    struct differences differences;
    struct crowd crowd;
    struct basket basket;
    struct basket_line line;
    uint64_t due_ns;
    uint8_t behaviour;
    uint32_t idle;
    uint32_t cart_left;
    bool sold_out;
};

static struct shop shop;
static struct facts facts;

static void begin(enum behaviour behaviour, struct scenario scenario, uint64_t late_ns)
{
    now_ns = START + late_ns;
    asked_count = drop_count = 0;
    shop = (struct shop){.options = {.seed = 1}, .behaviour = (uint8_t)behaviour};
    shop.basket = (struct basket){.line_count = 1, .next = BASKETS_NONE};
    shop.line = (struct basket_line){.quantity = 2};
    shop.plan = (struct plan){
        .scenario = scenario,
        .arrivals = {.due_ns = &shop.due_ns, .count = 1},
        .visits = {.behaviour = &shop.behaviour, .count = 1},
        .baskets = {.basket = &shop.basket, .count = 1, .line = &shop.line, .line_count = 1},
    };
    assert_int_equal(names_open(&shop.plan.baskets.skus, 1, 16), 0);
    assert_int_equal(names_open(&shop.plan.baskets.customers, 1, 16), 0);
    names_add(&shop.plan.baskets.skus, "A", 1);
    names_add(&shop.plan.baskets.customers, "ann", 3);
    struct crowd *crowd = &shop.crowd;
    *crowd = (struct crowd){.options = &shop.options,
        .plan = &shop.plan,
        .baskets = &shop.plan.baskets,
        .differences = &shop.differences,
        .buyer = calloc(1, sizeof *crowd->buyer),
        .buyer_count = 1,
        .idle = &shop.idle,
        .cart_left = &shop.cart_left,
        .sold_out = &shop.sold_out,
        .now_ns = now_ns};
    assert_int_equal(ledger_open(&crowd->ledger, crowd->baskets, "run", NULL), 0);
    assert_int_equal(
        schedule_open(&crowd->schedule, crowd->baskets, &shop.plan.arrivals, START), 0);
    assert_int_equal(series_open(&crowd->series), 0);
    assert_int_equal(alarms_open(&crowd->alarms, 1), 0);
    series_start(&crowd->series, START);
    assert_int_equal(schedule_take(&crowd->schedule, now_ns), 0);
    buyer_begin(crowd, crowd->buyer, 0, START);
}

static void end(void)
{
    struct crowd *crowd = &shop.crowd;
    assert_int_equal(shop.differences.sum, 0);
    ledger_close(&crowd->ledger);
    schedule_close(&crowd->schedule);
    series_close(&crowd->series);
    alarms_close(&crowd->alarms);
    names_close(&shop.plan.baskets.skus);
    names_close(&shop.plan.baskets.customers);
    free(crowd->buyer);
}

static void hear(enum transport_event event, int reason)
{
    shop.crowd.now_ns = now_ns;
    struct transport_news news = {.event = event, .reason = reason, .facts = &facts};
    buyer_hear(&shop.crowd, shop.crowd.buyer, &news);
}

static void answer(enum facts_class class, int status, const char *code)
{
    facts.class = class;
    facts.status = status;
    facts.text = "";
    snprintf(facts.code, sizeof facts.code, "%s", code);
    hear(TRANSPORT_ANSWERED, 0);
}

static void answer_available(void)
{
    facts = (struct facts){.line_count = 1, .line = {{.sku = "A", .code = "available"}}};
    answer(FACTS_DONE, 200, "");
}

static void answer_order_as(const char *status)
{
    facts = (struct facts){.order_id = "o-1",
        .currency = "GBP",
        .version = 1,
        .items_total = 20,
        .total = 20,
        .line_count = 1,
        .line = {{.sku = "A", .number = 1, .quantity = 2, .unit_price = 10, .line_total = 20}}};
    snprintf(facts.order_status, sizeof facts.order_status, "%s", status);
    answer(FACTS_DONE, 201, "");
}

static void answer_order(void)
{
    answer_order_as("confirmed");
}

static void answer_sold_out(void)
{
    facts = (struct facts){.line_count = 1, .line = {{.sku = "A", .code = "sold_out"}}};
    answer(FACTS_REFUSED, 409, "sold_out");
}

static void answer_not_now(const char *code, int64_t retry_after_ms)
{
    facts = (struct facts){.retry_after_ms = retry_after_ms};
    answer(FACTS_NOT_NOW, 503, code);
}

/* The time to send has come: not a nanosecond before. */
static void wake_at(uint64_t at_ns)
{
    assert_int_equal(alarms_take(&shop.crowd.alarms, at_ns - 1), ALARMS_NONE);
    assert_int_equal(alarms_take(&shop.crowd.alarms, at_ns), 0);
    now_ns = shop.crowd.now_ns = at_ns;
    buyer_wake(&shop.crowd, shop.crowd.buyer);
}

static struct scenario thoughtful(void)
{
    struct scenario scenario = scenario_default();
    scenario.think = THINK_CONSTANT;
    scenario.think_ms = 100;
    scenario.cart_percent = scenario.cancel_percent = scenario.hang_up_percent = 0;
    return scenario;
}

/* Who comes straight to the checkout. */
static struct scenario hasty(void)
{
    struct scenario scenario = thoughtful();
    scenario.look_percent = 0;
    return scenario;
}

/* The last question is the n-th, and the first one once more. */
static void check_asked_again(uint32_t count)
{
    assert_int_equal(asked_count, count);
    assert_string_equal(asked_key, first_key);
}

static uint64_t longest_ms(const struct histogram *of_kind, enum request_kind kind)
{
    return of_kind[kind].max_us / 1000;
}

static void a_request_counts_from_when_it_was_intended(void **state)
{
    (void)state;
    begin(BEHAVIOUR_BUYER, thoughtful(), 0);
    now_ns = START + 10 * MS;
    answer_available();
    assert_int_equal(asked_count, 1); /* he thinks */
    wake_at(START + 110 * MS);
    assert_int_equal(asked.kind, QUESTION_CHECKOUT);
    now_ns = START + 130 * MS;
    answer_order();
    assert_int_equal(longest_ms(shop.crowd.series.intended, REQUEST_AVAILABILITY), 10);
    assert_int_equal(longest_ms(shop.crowd.series.intended, REQUEST_CHECKOUT), 20);
    assert_int_equal(longest_ms(shop.crowd.series.service, REQUEST_CHECKOUT), 20);
    assert_int_equal(shop.crowd.numbers.state_count[PURCHASE_ORDERED], 1);
    assert_true(schedule_is_over(&shop.crowd.schedule));
    end();
}

static void a_wait_for_a_connection_moves_all_that_follows(void **state)
{
    (void)state;
    begin(BEHAVIOUR_BUYER, thoughtful(), 500 * MS);
    now_ns = START + 510 * MS;
    answer_available();
    assert_int_equal(longest_ms(shop.crowd.series.intended, REQUEST_AVAILABILITY), 510);
    assert_int_equal(longest_ms(shop.crowd.series.service, REQUEST_AVAILABILITY), 10);
    wake_at(START + 585 * MS); /* intended at 110 ms; he thinks a quarter less than 100 ms */
    now_ns = START + 595 * MS;
    answer_order();
    assert_int_equal(longest_ms(shop.crowd.series.intended, REQUEST_CHECKOUT), 485);
    assert_int_equal(longest_ms(shop.crowd.series.service, REQUEST_CHECKOUT), 10);
    end();
}

static void a_small_lateness_is_made_up_for(void **state)
{
    (void)state;
    struct scenario scenario = thoughtful();
    scenario.refresh_max = 3;
    begin(BEHAVIOUR_REFRESHER, scenario, 5 * MS);
    now_ns = START + 15 * MS;
    answer_available();
    wake_at(START + 1000 * MS); /* a second after the first was due, not after it was sent */
    now_ns = START + 1002 * MS;
    answer_available();
    wake_at(START + 2000 * MS);
    now_ns = START + 2002 * MS;
    answer_available();
    assert_int_equal(shop.crowd.numbers.state_count[PURCHASE_LOOKED], 1);
    end();
}

static void a_try_again_counts_from_the_first(void **state)
{
    (void)state;
    begin(BEHAVIOUR_BUYER, hasty(), 0);
    now_ns = START + 1 * MS;
    hear(TRANSPORT_LOST, ECONNRESET);
    assert_int_not_equal(shop.crowd.buyer->wake_ns, 0);
    wake_at(shop.crowd.buyer->wake_ns);
    check_asked_again(2);
    now_ns = START + 400 * MS;
    answer_order();
    assert_int_equal(longest_ms(shop.crowd.series.intended, REQUEST_CHECKOUT), 400);
    assert_int_equal(shop.crowd.series.outcome[REQUEST_CHECKOUT][SERIES_FAILED], 1);
    end();
}

static void a_refusal_after_a_loss_is_asked_for_once_more(void **state)
{
    (void)state;
    begin(BEHAVIOUR_BUYER, hasty(), 0);
    hear(TRANSPORT_LOST, ECONNRESET);
    wake_at(shop.crowd.buyer->wake_ns);
    now_ns += 10 * MS;
    answer_sold_out();
    uint64_t again_ns = shop.crowd.buyer->wake_ns;
    assert_true(again_ns >= now_ns + MOVES_DOUBT_NS * 3 / 4);
    wake_at(again_ns);
    check_asked_again(3);
    now_ns += 10 * MS;
    answer_sold_out();
    assert_int_equal(asked_count, 3);
    assert_int_equal(shop.crowd.numbers.state_count[PURCHASE_NOTHING_LEFT], 1);
    end();
}

static void a_refusal_without_a_doubt_is_believed(void **state)
{
    (void)state;
    begin(BEHAVIOUR_BUYER, hasty(), 0);
    answer_sold_out();
    assert_int_equal(asked_count, 1);
    assert_int_equal(shop.crowd.numbers.state_count[PURCHASE_NOTHING_LEFT], 1);
    assert_int_equal(shop.crowd.numbers.sold_out_count, 1);
    end();
}

static void who_hangs_up_sends_the_same_at_once(void **state)
{
    (void)state;
    struct scenario scenario = hasty();
    scenario.hang_up_percent = 100;
    begin(BEHAVIOUR_IMPATIENT, scenario, 0);
    wake_at(START + scenario.hang_up_ms * MS);
    assert_int_equal(drop_count, 1);
    check_asked_again(2);
    now_ns = START + 20 * MS;
    answer_order();
    assert_int_equal(shop.crowd.numbers.state_count[PURCHASE_ORDERED], 1);
    assert_int_equal(shop.crowd.series.outcome[REQUEST_CHECKOUT][SERIES_FAILED], 0);
    end();
}

static void who_clicks_twice_expects_the_same_order(void **state)
{
    (void)state;
    begin(BEHAVIOUR_IMPATIENT, hasty(), 0);
    answer_order();
    check_asked_again(2);
    answer_order();
    assert_int_equal(shop.crowd.numbers.state_count[PURCHASE_ORDERED], 1);
    assert_int_equal(shop.crowd.ledger.ordered_count, 1);
    end();
}

static void who_gets_another_order_for_the_same_key_tells(void **state)
{
    (void)state;
    begin(BEHAVIOUR_IMPATIENT, hasty(), 0);
    answer_order();
    facts.order_id[2] = '2';
    hear(TRANSPORT_ANSWERED, 0);
    assert_int_equal(shop.differences.count[DIFFERENCE_WRONG_ORDER], 1);
    shop.differences = (struct differences){0};
    end();
}

static void who_is_turned_away_for_too_long_goes(void **state)
{
    (void)state;
    struct scenario scenario = hasty();
    scenario.give_up_seconds = 10;
    begin(BEHAVIOUR_BUYER, scenario, 0);
    answer_not_now("capacity_exhausted", 5000);
    uint64_t again_ns = shop.crowd.buyer->wake_ns;
    assert_true(again_ns >= START + 5 * SECOND);
    wake_at(again_ns);
    now_ns += MS;
    answer_not_now("capacity_exhausted", 5000); /* that would be too late for him */
    assert_int_equal(asked_count, 2);
    assert_int_equal(shop.crowd.numbers.state_count[PURCHASE_GAVE_UP], 1);
    assert_int_equal(shop.crowd.series.outcome[REQUEST_CHECKOUT][SERIES_PUSHED_BACK], 2);
    end();
}

static void an_order_in_doubt_is_never_given_up(void **state)
{
    (void)state;
    struct scenario scenario = hasty();
    scenario.give_up_seconds = 1;
    begin(BEHAVIOUR_BUYER, scenario, 0);
    answer_not_now("unconfirmed", 1000); /* the order stands */
    for (int tries = 0; tries < 20; tries++) {
        wake_at(shop.crowd.buyer->wake_ns);
        answer_not_now("overloaded", 1000);
    }
    wake_at(shop.crowd.buyer->wake_ns);
    answer_order();
    assert_int_equal(asked_count, 22);
    assert_int_equal(shop.crowd.numbers.state_count[PURCHASE_ORDERED], 1);
    end();
}

static void a_bot_leaves_its_order_unpaid(void **state)
{
    (void)state;
    begin(BEHAVIOUR_BOT, thoughtful(), 0);
    assert_int_equal(asked.kind, QUESTION_CHECKOUT);
    answer_order_as("pending_payment");
    assert_int_equal(asked_count, 1);
    assert_string_equal(shop.crowd.ledger.purchase[0].status, "pending_payment");
    shop.crowd.phase = CROWD_GIVING_BACK;
    shop.crowd.idle_count = 0;
    buyer_give_back(&shop.crowd, shop.crowd.buyer, 0, STEP_CANCEL);
    assert_int_equal(asked.kind, QUESTION_CANCEL);
    snprintf(facts.order_status, sizeof facts.order_status, "cancelled");
    answer(FACTS_DONE, 200, "");
    assert_string_equal(shop.crowd.ledger.purchase[0].status, "cancelled");
    assert_int_equal(shop.crowd.numbers.given_back_count, 1);
    assert_int_equal(shop.crowd.series.intended[REQUEST_CANCEL].count, 0); /* not measured */
    end();
}

static void an_abandoner_leaves_a_cart(void **state)
{
    (void)state;
    begin(BEHAVIOUR_ABANDONER, thoughtful(), 0);
    answer_available();
    wake_at(START + 100 * MS);
    assert_int_equal(asked.kind, QUESTION_CART_PUT);
    facts = (struct facts){0};
    answer(FACTS_DONE, 200, "");
    assert_int_equal(shop.crowd.numbers.state_count[PURCHASE_ABANDONED], 1);
    assert_int_equal(shop.cart_left, 1);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_counts_from_when_it_was_intended),
        cmocka_unit_test(a_wait_for_a_connection_moves_all_that_follows),
        cmocka_unit_test(a_small_lateness_is_made_up_for),
        cmocka_unit_test(a_try_again_counts_from_the_first),
        cmocka_unit_test(a_refusal_after_a_loss_is_asked_for_once_more),
        cmocka_unit_test(a_refusal_without_a_doubt_is_believed),
        cmocka_unit_test(who_hangs_up_sends_the_same_at_once),
        cmocka_unit_test(who_clicks_twice_expects_the_same_order),
        cmocka_unit_test(who_gets_another_order_for_the_same_key_tells),
        cmocka_unit_test(who_is_turned_away_for_too_long_goes),
        cmocka_unit_test(an_order_in_doubt_is_never_given_up),
        cmocka_unit_test(a_bot_leaves_its_order_unpaid),
        cmocka_unit_test(an_abandoner_leaves_a_cart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
