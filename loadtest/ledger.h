/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger - the crowd's own book: what each basket became, and every order that was acknowledged.
 *
 *     OPEN --201--> ORDERED        the only state that has an order
 *      | \--every line sold out--> NOTHING_LEFT
 *      |\--too many tries--------> GAVE_UP
 *      |\--left in the cart------> ABANDONED
 *      |\--wanted nothing--------> LOOKED
 *      \--an impossible answer---> FAILED
 *
 * It is written before the crowd goes on, from nothing but what the server answered. With a file
 * (--log) each acknowledged order and each later status is one JSON line, appended, never changed.
 *
 * Ownership  Takes memory in ledger_open(), gives it back in ledger_close(). One purchase for each
 *            basket; the line arrays run beside baskets->line.
 * Threads    One at a time.
 * Units      Money in minor units. version: as the server counts it.
 * Errors     ledger_open(): -1 after one line on stderr. A log that cannot be written ends the
 *            process: a book with holes proves nothing.
 * Cost       O(lines) an order, one write() when there is a file.
 */
#ifndef HOTSHELF_LOADTEST_LEDGER_H
#define HOTSHELF_LOADTEST_LEDGER_H

#include "loadtest/baskets.h"
#include "loadtest/names.h"

#include <stdbool.h>
#include <stdint.h>

#define LEDGER_KEY_SIZE 128
#define LEDGER_RUN_SIZE 64
#define LEDGER_PAYMENT_ID_SIZE LEDGER_KEY_SIZE

enum purchase_state {
    PURCHASE_OPEN,
    PURCHASE_ORDERED,
    PURCHASE_NOTHING_LEFT,
    PURCHASE_GAVE_UP,
    PURCHASE_ABANDONED,
    PURCHASE_LOOKED,
    PURCHASE_FAILED,
    PURCHASE_STATES
};

struct purchase {
    enum purchase_state state;
    uint32_t tries; /* the try that was acknowledged, or the last one; the first is 1 */
    char order_id[40];
    char status[24];
    char currency[4];
    int64_t version;
    int64_t total;
    int64_t paid;
    int64_t refund_due;
    bool was_confirmed; /* once, whatever became of it */
};

/* What the answers told of a line besides what was asked. */
struct ledger_line {
    int64_t unit_price; /* -1: no line of the order is this one */
    uint64_t seller;    /* a hash of its name */
    uint32_t number;    /* in the order; the first is 1 */
    uint32_t cancelled; /* units */
};

struct ledger {
    const struct baskets *baskets;
    char run[LEDGER_RUN_SIZE]; /* in front of every key of this replay */
    struct purchase *purchase;
    uint32_t *wanted;         /* per line: units asked for now; once ordered, the units sold */
    uint32_t *in_cart;        /* per line: units the server's cart holds */
    struct ledger_line *line; /* per line of an order */
    struct names order_ids;
    uint32_t *basket_of_order; /* by number of order_ids */
    uint64_t ordered_count;
    int file;
    char *text; /* of one log line */
};

int ledger_open(
    struct ledger *ledger, const struct baskets *baskets, const char *run, const char *log_path);
void ledger_close(struct ledger *ledger);

/* The idempotency key of a basket's present try: unique to this replay, the same on every retry. */
void ledger_key(const struct ledger *ledger, uint32_t basket, char key[LEDGER_KEY_SIZE]);

/* The id under which the provider reports the payment, and the refund, of a basket's order. */
void ledger_payment_id(
    const struct ledger *ledger, uint32_t basket, char payment_id[LEDGER_PAYMENT_ID_SIZE]);

uint64_t ledger_seller(const char *name);

/* The order in purchase[basket] was acknowledged. False when its id already belongs to another. */
bool ledger_acknowledge(struct ledger *ledger, uint32_t basket);

/* The order in purchase[basket] has a new status or version. */
void ledger_note_status(struct ledger *ledger, uint32_t basket);

/* The basket of an order id, or BASKETS_NONE. */
uint32_t ledger_find(const struct ledger *ledger, const char *order_id);

/* Lines that were asked for, and so are those of its order. */
uint32_t ledger_line_count(const struct ledger *ledger, uint32_t basket);

/* Units of a line that stay sold: of a confirmed order, not of one that was given back. */
uint32_t ledger_units_sold(const struct ledger *ledger, uint32_t basket, uint32_t line);

#endif
