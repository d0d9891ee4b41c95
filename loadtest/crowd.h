/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crowd - all buyers at once: one thread, a connection and a basket for each.
 *
 *     schedule --basket--> buyer (buyer.h) --questions--> transport (transport.h) --> server
 *                             \--what it became--> ledger, tallies, latencies
 *
 * Ownership  crowd_open() takes all memory, crowd_close() gives it back. Baskets stay the caller's.
 * Threads    One.
 * Units      Nanoseconds of CLOCK_MONOTONIC.
 * Errors     crowd_open(): -1 after one line on stderr. Everything the server does wrong goes to
 *            `differences`; crowd_run() ends when every basket is done, or when nothing was
 *            answered for patience_ns (then DIFFERENCE_NO_PROGRESS).
 * Cost       Every few milliseconds a look at each buyer's deadline.
 */
#ifndef HOTSHELF_LOADTEST_CROWD_H
#define HOTSHELF_LOADTEST_CROWD_H

#include "loadtest/baskets.h"
#include "loadtest/differences.h"
#include "loadtest/ledger.h"
#include "loadtest/options.h"
#include "loadtest/schedule.h"
#include "loadtest/series.h"
#include "loadtest/tally.h"
#include "loadtest/transport.h"

/* The next thing a buyer does; see buyer.c for the order. */
enum buyer_step {
    STEP_IDLE,
    STEP_LOOK,
    STEP_FILL,
    STEP_BUY,
    STEP_PAY,
    STEP_CANCEL,
    STEP_REFUND,
    STEP_ASK,
    STEP_EMPTY,
    STEP_DONE,
};

struct buyer {
    enum buyer_step step;
    uint32_t basket;
    uint32_t line;         /* LOOK: the first line of the chunk; FILL: the line being put */
    bool uses_cart;        /* puts lines into the cart, then buys the cart */
    bool heeds_look;       /* leaves out what availability calls sold out */
    bool cancels_unpaid;   /* regrets before paying */
    bool cancels_paid;     /* regrets afterwards */
    bool in_flight;        /* a request was sent and not answered */
    uint32_t failed_tries; /* of the present request, in a row */
    uint64_t sent_ns;
    uint64_t wake_ns; /* when a waiting buyer sends again; when an answer is overdue */
};

/* What is counted while the crowd runs. */
struct crowd_numbers {
    struct tally refusals; /* lines and requests refused, by code */
    struct tally retries;  /* sent again with the same key, by reason */
    uint64_t answered;
    uint64_t replayed; /* answers with Idempotency-Replayed */
    uint64_t state_count[PURCHASE_FAILED + 1];
    uint64_t busy_count; /* buyers with a basket now */
    int64_t units_sold;  /* of orders that stay confirmed */
    uint64_t waited_ns;  /* the loop had nothing to do */
    uint64_t started_ns;
    uint64_t ended_ns;
};

struct crowd {
    const struct options *options;
    const struct baskets *baskets;
    struct ledger ledger;
    struct schedule schedule;
    struct differences *differences;
    struct crowd_numbers numbers;
    struct series series;
    struct transport *transport;
    const struct facts *facts; /* of the answer at hand */
    /* Of the question at hand. */
    struct question_item item[QUESTION_ITEMS_MAX];
    char key[LEDGER_KEY_SIZE];
    char payment_id[LEDGER_KEY_SIZE];
    char refund_id[LEDGER_KEY_SIZE + 8];
    struct buyer *buyer;
    uint32_t buyer_count;
    uint64_t now_ns;
    uint64_t progress_ns; /* when something was last answered */
};

int crowd_open(struct crowd *crowd, const struct options *options, const struct baskets *baskets,
    struct differences *differences);
void crowd_close(struct crowd *crowd);

void crowd_run(struct crowd *crowd);

#endif
