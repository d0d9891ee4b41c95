/* SPDX-License-Identifier: Apache-2.0 */
/*
 * differences - everything that is not as it must be: counted by kind, the first few told.
 *
 * Ownership  A plain value without pointers.
 * Threads    One at a time.
 * Units      Occurrences.
 * Errors     None: differences are what this program is looking for. One is enough for exit 1.
 * Cost       A line on stderr for the first DIFFERENCES_TOLD_MAX of a kind.
 */
#ifndef HOTSHELF_LOADTEST_DIFFERENCES_H
#define HOTSHELF_LOADTEST_DIFFERENCES_H

#include <stdint.h>

#define DIFFERENCES_TOLD_MAX 20

enum difference {
    DIFFERENCE_UNEXPECTED_ANSWER, /* a status or body that no rule allows here */
    DIFFERENCE_WRONG_ORDER,       /* the order acknowledged is not the one asked for */
    DIFFERENCE_NO_PROGRESS,       /* nothing was answered for too long */
    DIFFERENCE_STOCK_SUM,         /* allotment is not available + held + sold */
    DIFFERENCE_STOCK_SOLD,        /* sold is not what was acknowledged */
    DIFFERENCE_STOCK_STRANDED,    /* units still held with nothing in flight */
    DIFFERENCE_OVERSOLD,          /* more sold than put on sale */
    DIFFERENCE_ORDER_MISSING,     /* acknowledged, but not in PostgreSQL */
    DIFFERENCE_ORDER_TWICE,       /* more than once in PostgreSQL */
    DIFFERENCE_ORDER_UNKNOWN,     /* in PostgreSQL, but never acknowledged or asked for */
    DIFFERENCE_ORDER_CONTENT,     /* customer, key, status, version, money or payment differ */
    DIFFERENCE_ORDER_LINES,       /* lines, quantities, prices or sellers differ */
    DIFFERENCE_PAYMENTS,          /* the payments of an order are not what it was told of money */
    DIFFERENCE_EVENT_CONTENT,     /* the last event of an order does not tell what its row tells */
    DIFFERENCE_DEAD_LETTER,       /* something of the run's time could not be written as it was */
    DIFFERENCE_POSTGRES_SOLD,     /* the sum of rows is not the counter's sold */
    DIFFERENCE_KEY_TWICE,         /* one customer and key, two orders */
    DIFFERENCE_STREAM_GAP,        /* events of a shard are not 1, 2, 3, ... */
    DIFFERENCE_LEDGER_UNREADABLE, /* a ledger could not be read, so nothing is proved */
    DIFFERENCES
};

struct differences {
    uint64_t count[DIFFERENCES];
    uint64_t sum;
};

const char *difference_name(enum difference kind);

void differences_add(struct differences *differences, enum difference kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
