/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outcome - what can be answered to a customer, a merchant or a payment provider: one list for all
 * protocols. net/http/problem.c turns it into status and code, RESP into its upper-case word.
 *
 * Ownership  Plain values.
 * Threads    Any.
 * Units      None.
 * Errors     What our bug can cause is CHECK, what the world can cause is a negative errno.
 * Cost       None.
 */
#ifndef HOTSHELF_CORE_OUTCOME_H
#define HOTSHELF_CORE_OUTCOME_H

enum outcome {
    OUTCOME_OK,
    OUTCOME_NOT_FOUND,   /* unknown, or not yours: the same answer */
    OUTCOME_UNKNOWN_SKU, /* in a body; in a path it is NOT_FOUND */
    OUTCOME_FORBIDDEN,
    OUTCOME_INVALID,        /* a value the rules cannot accept: overflow of a total */
    OUTCOME_SOLD_OUT,       /* nothing available, nothing held: final */
    OUTCOME_HELD_BY_OTHERS, /* nothing available, some held */
    OUTCOME_INSUFFICIENT,   /* some available, fewer than asked */
    OUTCOME_LIMIT_EXCEEDED,
    OUTCOME_LINES_REFUSED, /* lines failed for different reasons */
    OUTCOME_PRICE_CHANGED,
    OUTCOME_SALE_NOT_STARTED,
    OUTCOME_SALE_ENDED,
    OUTCOME_CART_EMPTY,
    OUTCOME_INVALID_TRANSITION,
    OUTCOME_PAYMENT_MISMATCH,
    OUTCOME_PAYMENT_ID_USED,
    OUTCOME_PAYMENT_ID_PENDING, /* claimed by an order not yet durable: 503, try again */
    OUTCOME_REFUND_REQUIRED,
    OUTCOME_RISK_DECLINED,
    OUTCOME_VERSION_CONFLICT,
    OUTCOME_RESERVATION_EXPIRED,
    OUTCOME_ARCHIVED,
    OUTCOME_STALE_VERSION,
    OUTCOME_KEY_REUSED,
    OUTCOME_CURRENCY_MISMATCH,
    OUTCOME_TOO_MANY_LINES,
    OUTCOME_QUANTITY_TOO_LARGE,
    OUTCOME_TOO_MANY_OPEN_ORDERS,
    OUTCOME_PAUSED,
    OUTCOME_CAPACITY_EXHAUSTED,
    OUTCOME_JOURNAL_FULL,
    OUTCOME_UNCONFIRMED, /* PostgreSQL cannot confirm it now */
    OUTCOME_COUNT,
};

#endif
