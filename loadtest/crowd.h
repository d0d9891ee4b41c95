/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crowd - all visitors at once: one thread, a connection and a basket for each.
 *
 *     schedule --visit--> buyer (buyer.h) --questions--> transport (transport.h) --> server
 *                            \--what it became--> ledger, tallies, series
 *
 * crowd_run() has two parts. First visits come, each when it is due (or, in a closed loop, when a
 * connection is free) and leave. Then, if some left carts or unpaid orders behind, their owners
 * give those back, so that the books can be compared: bots hold what they got until then. Only the
 * first part is measured.
 *
 * An interrupt ends the first part early: nobody comes any more, who is there goes on without a
 * thought. In the second part it leaves what is not given back.
 *
 * Ownership  crowd_open() takes all memory, crowd_close() gives it back. The plan stays the
 *            caller's.
 * Threads    One.
 * Units      Nanoseconds of CLOCK_MONOTONIC.
 * Errors     crowd_open(): -1 after one line on stderr. Everything the server does wrong goes to
 *            `differences`; crowd_run() ends when every visit is done, or when nothing was
 *            answered for patience_ns (then DIFFERENCE_NO_PROGRESS).
 * Cost       One system call a turn of the loop; O(log connections) a request.
 */
#ifndef HOTSHELF_LOADTEST_CROWD_H
#define HOTSHELF_LOADTEST_CROWD_H

#include "loadtest/alarms.h"
#include "loadtest/baskets.h"
#include "loadtest/clock.h"
#include "loadtest/differences.h"
#include "loadtest/honesty.h"
#include "loadtest/interrupt.h"
#include "loadtest/ledger.h"
#include "loadtest/options.h"
#include "loadtest/plan.h"
#include "loadtest/progress.h"
#include "loadtest/schedule.h"
#include "loadtest/series.h"
#include "loadtest/tally.h"
#include "loadtest/transport.h"

/* The next thing a visitor does; see moves.h for the order. */
enum buyer_step {
    STEP_IDLE,
    STEP_LOOK,
    STEP_FILL,
    STEP_BUY,
    STEP_BUY_AGAIN,
    STEP_PAY,
    STEP_CANCEL,
    STEP_REFUND,
    STEP_ASK,
    STEP_EMPTY,
    STEP_SEARCH,
    STEP_FILTER,
    STEP_DONE,
};

struct buyer {
    enum behaviour behaviour;
    enum buyer_step step;
    uint32_t basket;
    uint32_t line;           /* LOOK: the first line of the chunk; FILL: the line being put */
    uint32_t round;          /* looks or pages so far */
    uint32_t page_count;     /* FILTER: SKUs of the page */
    bool uses_cart;          /* puts lines into the cart, then buys the cart */
    bool heeds_look;         /* leaves out what availability calls sold out */
    bool cancels_unpaid;     /* regrets before paying */
    bool cancels_paid;       /* regrets afterwards */
    bool hangs_up;           /* will not wait for the answer to a checkout, and sends it again */
    bool clicks_twice;       /* sends a checkout again that was answered */
    bool doubts;             /* a checkout had no answer: another may overtake it and be refused */
    bool asks_once_more;     /* so it is sent again after a while, before a refusal is believed */
    bool in_flight;          /* a request was sent and not answered */
    uint32_t buy_count;      /* how often the checkout was sent under its present key */
    uint32_t failed_tries;   /* of the present request, in a row */
    uint64_t turned_away_ns; /* since when the present request is answered "not now" */
    uint64_t intended_ns;    /* when the present request should have been sent */
    uint64_t sent_ns;        /* when it was, the last time */
    uint64_t wake_ns;        /* when a visitor who waits will send */
};

/* What is counted while the crowd runs. */
struct crowd_numbers {
    struct tally refusals; /* lines and requests refused, by code */
    struct tally retries;  /* sent again with the same key, by reason */
    uint64_t answered;
    uint64_t replayed; /* answers with Idempotency-Replayed */
    uint64_t state_count[PURCHASE_STATES];
    uint64_t busy_count;       /* visitors that are there now */
    uint64_t given_back_count; /* carts and orders, after the run */
    uint32_t sold_out_count;   /* SKUs that were last heard of as sold out */
    int64_t units_sold;        /* of orders that stay confirmed */
    uint64_t started_ns;
    uint64_t ended_ns;
};

enum crowd_phase { CROWD_VISITING, CROWD_GIVING_BACK };

struct crowd {
    const struct options *options;
    const struct plan *plan;
    const struct baskets *baskets;
    struct ledger ledger;
    struct schedule schedule;
    struct differences *differences;
    struct crowd_numbers numbers;
    struct series series;
    struct honesty honesty;
    struct progress progress;
    struct alarms alarms; /* by buyer: the time to send; while in flight, when it is overdue */
    struct transport *transport;
    const struct facts *facts; /* of the answer at hand */
    /* Of the question at hand. */
    struct question_item item[QUESTION_ITEMS_MAX];
    char key[LEDGER_KEY_SIZE];
    char payment_id[LEDGER_KEY_SIZE];
    char refund_id[LEDGER_KEY_SIZE + 8];
    char query[FACTS_CURSOR_SIZE * 3 + 512];
    struct buyer *buyer;
    uint32_t buyer_count;
    uint32_t *idle; /* buyers without a visit */
    uint32_t idle_count;
    uint64_t idle_since_ns; /* when there was one again after there was none */
    uint32_t *page;         /* by buyer, page_size each: SKUs of the page that a searcher sees */
    char (*cursor)[FACTS_CURSOR_SIZE]; /* by buyer: of a searcher's next page */
    uint32_t *cart_left;               /* by customer: basket + 1 of a cart that was left behind */
    bool *sold_out;                    /* by SKU: so it was last heard of */
    enum crowd_phase phase;
    uint32_t give_back_at; /* the next to look at: customers first, then baskets */
    uint64_t crowded_ns;   /* when the shop last had no room for a request or connection */
    struct interrupt *interrupt;
    bool interrupted;
    uint64_t now_ns;
    uint64_t woke_ns; /* when the loop last had something to do again */
    uint64_t gauged_ns;
    uint64_t progress_ns; /* when something was last answered */
};

int crowd_open(struct crowd *crowd, const struct options *options, const struct plan *plan,
    struct differences *differences);
void crowd_close(struct crowd *crowd);

void crowd_run(struct crowd *crowd, struct interrupt *interrupt);

/* The SKUs of the page that a searcher sees. */
static inline uint32_t *crowd_page(const struct crowd *crowd, const struct buyer *buyer)
{
    return &crowd->page[(size_t)(buyer - crowd->buyer) * crowd->plan->scenario.page_size];
}

/* The shop has hardly any room: who leaves hangs up, so that another gets in. */
static inline bool crowd_is_crowded(const struct crowd *crowd)
{
    return crowd->crowded_ns > 0 && crowd->now_ns < crowd->crowded_ns + CLOCK_NS_PER_SECOND;
}

/* Visits that are due wait for a connection. */
static inline bool crowd_is_short(const struct crowd *crowd)
{
    return crowd->idle_count == 0 && crowd->schedule.planned_count > crowd->schedule.begun_count;
}

/* Every visit came to its end, and what was left behind was given back. */
bool crowd_is_done(const struct crowd *crowd);

#endif
