/* SPDX-License-Identifier: Apache-2.0 */
/*
 * question - what a visitor asks of the shop, in the words of no protocol.
 *
 *     kind           who, and under which key    what
 *     AVAILABILITY                               item[..].sku, only_available
 *     CART_PUT       customer                    item[0]; 0 units take the line out
 *     CART_CLEAR     customer
 *     CHECKOUT       customer, key               item[..], or none: the cart; mode or NULL
 *     PAYMENT        customer                    order_id, result, payment_id, amount, currency,
 *                                                refund_id or NULL
 *     CANCEL         customer, key               order_id, all its lines
 *     ORDER          customer                    order_id
 *     PRODUCTS                                   query ("sale=S&limit=50", encoded), or ""
 *
 * Ownership  All text is the asker's, and only looked at during the call that takes the question.
 * Threads    Any.
 * Units      Money in minor units.
 * Errors     None here; protocol.h tells what a protocol cannot ask.
 * Cost       None.
 */
#ifndef HOTSHELF_LOADTEST_QUESTION_H
#define HOTSHELF_LOADTEST_QUESTION_H

#include <stdbool.h>
#include <stdint.h>

/* The server's bound on the SKUs of one availability question. */
#define QUESTION_LOOK_MAX 500

/* Lines of a checkout, and so of any question. */
#define QUESTION_ITEMS_MAX 512

enum question_kind {
    QUESTION_AVAILABILITY,
    QUESTION_CART_PUT,
    QUESTION_CART_CLEAR,
    QUESTION_CHECKOUT,
    QUESTION_PAYMENT,
    QUESTION_CANCEL,
    QUESTION_ORDER,
    QUESTION_PRODUCTS,
};

struct question_item {
    const char *sku;
    uint32_t quantity;
};

struct question {
    enum question_kind kind;
    const char *customer;
    const char *key;
    const struct question_item *item;
    uint32_t item_count;
    bool only_available;
    const char *mode;
    const char *order_id;
    const char *result;
    const char *payment_id;
    const char *refund_id;
    const char *currency;
    int64_t amount;
    const char *query;
};

#endif
