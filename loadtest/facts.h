/* SPDX-License-Identifier: Apache-2.0 */
/*
 * facts - what the shop answered, in the words of no protocol.
 *
 *     class        means                                             told with it
 *     DONE         as asked                                          by kind, below
 *     REFUSED      the shop says no (409, 410, 422)                  code, line[..], available
 *     NOT_THERE    there is no such thing, or not for this customer  code
 *     NOT_NOW      the same again later (429, 503)                   code, retry_after_ms
 *     WRONG        no answer that the rules allow to this question   wrong: why
 *
 * DONE tells of AVAILABILITY line[..].sku, code (its status), available; of PRODUCTS the same and
 * unit_price, next_cursor; of CHECKOUT, PAYMENT, CANCEL and ORDER the order: order_id,
 * order_status, currency, version, sums, was_confirmed, line[..].number, sku, seller, quantity,
 * cancelled, unit_price, line_total; of the cart nothing.
 *
 * Nothing is checked here against what was asked: whether these are the lines that were wanted is
 * for the asker to see.
 *
 * Ownership  The transport's one struct facts, valid until the call that was given it returns.
 * Threads    One.
 * Units      Money in minor units; -1 where a number is not told. A status is that of HTTP, also
 *            when RESP said it with a word.
 * Errors     An answer without what it must tell is WRONG.
 * Cost       facts_of_..(): O(bytes of the answer).
 */
#ifndef HOTSHELF_LOADTEST_FACTS_H
#define HOTSHELF_LOADTEST_FACTS_H

#include "loadtest/question.h"

#include <stddef.h>

#define FACTS_CODE_SIZE 40
#define FACTS_SKU_SIZE 64
#define FACTS_SELLER_SIZE 64
#define FACTS_LINES_MAX QUESTION_ITEMS_MAX
#define FACTS_CURSOR_SIZE 512

enum facts_class { FACTS_DONE, FACTS_REFUSED, FACTS_NOT_THERE, FACTS_NOT_NOW, FACTS_WRONG };

struct facts_line {
    char sku[FACTS_SKU_SIZE];
    char code[FACTS_CODE_SIZE];
    char seller[FACTS_SELLER_SIZE]; /* empty: none */
    int64_t number; /* of the line of an order; the first is 1 */
    int64_t available;
    int64_t quantity;
    int64_t cancelled;
    int64_t unit_price;
    int64_t line_total;
};

struct facts {
    enum facts_class class;
    int status;
    const char *wrong;
    const char *text; /* the answer as it came, for a person */
    size_t text_size;
    int64_t retry_after_ms;
    int64_t available; /* of a refusal that names no line */
    int64_t version;
    int64_t items_total;
    int64_t total;
    int64_t paid;
    int64_t refund_due;
    bool replayed;      /* said by HTTP alone */
    bool was_confirmed; /* once, whatever became of the order */
    char code[FACTS_CODE_SIZE];
    char order_id[40];
    char order_status[24];
    char currency[4];
    char next_cursor[FACTS_CURSOR_SIZE];
    uint32_t line_count;
    struct facts_line line[FACTS_LINES_MAX];
};

#endif
