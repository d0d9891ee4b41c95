/* SPDX-License-Identifier: Apache-2.0 */
#include "loadtest/asking.h"

#include <stdio.h>
#include <string.h>

static const struct purchase *purchase_of(const struct crowd *crowd, const struct buyer *buyer)
{
    return &crowd->ledger.purchase[buyer->basket];
}

static const char *sku_of(const struct crowd *crowd, uint32_t line)
{
    return names_text(&crowd->baskets->skus, crowd->baskets->line[line].sku);
}

static void add_item(struct crowd *crowd, struct question *question, uint32_t line, uint32_t units)
{
    crowd->item[question->item_count++] =
        (struct question_item){.sku = sku_of(crowd, line), .quantity = units};
}

static void ask_look(struct crowd *crowd, const struct buyer *buyer, struct question *question)
{
    const struct basket *basket = &crowd->baskets->basket[buyer->basket];
    uint32_t end = basket->first_line + basket->line_count;
    question->kind = QUESTION_AVAILABILITY;
    for (uint32_t line = buyer->line; line < end; line++) {
        if (question->item_count < QUESTION_LOOK_MAX)
            add_item(crowd, question, line, 0);
    }
}

static void ask_fill(struct crowd *crowd, const struct buyer *buyer, struct question *question)
{
    question->kind = QUESTION_CART_PUT;
    add_item(crowd, question, buyer->line, crowd->ledger.wanted[buyer->line]);
}

static void ask_buy(struct crowd *crowd, const struct buyer *buyer, struct question *question)
{
    const char *mode = crowd->plan->scenario.mode;
    const struct basket *basket = &crowd->baskets->basket[buyer->basket];
    question->kind = QUESTION_CHECKOUT;
    question->mode = mode[0] != '\0' ? mode : NULL;
    question->key = crowd->key;
    ledger_key(&crowd->ledger, buyer->basket, crowd->key);
    for (uint32_t at = basket->first_line; at < basket->first_line + basket->line_count; at++) {
        if (!buyer->uses_cart && crowd->ledger.wanted[at] > 0)
            add_item(crowd, question, at, crowd->ledger.wanted[at]);
    }
}

static void ask_payment(struct crowd *crowd, const struct buyer *buyer, struct question *question)
{
    const struct purchase *purchase = purchase_of(crowd, buyer);
    bool refund = buyer->step == STEP_REFUND;
    ledger_payment_id(&crowd->ledger, buyer->basket, crowd->payment_id);
    snprintf(crowd->refund_id, sizeof crowd->refund_id, "%s-refund", crowd->payment_id);
    question->kind = QUESTION_PAYMENT;
    question->order_id = purchase->order_id;
    question->result = refund ? "refunded" : "captured";
    question->payment_id = crowd->payment_id;
    question->refund_id = refund ? crowd->refund_id : NULL;
    question->amount = refund ? purchase->refund_due : purchase->total;
    question->currency = purchase->currency;
}

static void ask_cancel(struct crowd *crowd, const struct buyer *buyer, struct question *question)
{
    snprintf(crowd->key, sizeof crowd->key, "%s:%u:cancel", crowd->ledger.run, buyer->basket);
    question->kind = QUESTION_CANCEL;
    question->order_id = purchase_of(crowd, buyer)->order_id;
    question->key = crowd->key;
}

static void ask_page(struct crowd *crowd, const struct buyer *buyer, struct question *question)
{
    const struct scenario *scenario = &crowd->plan->scenario;
    const char *sale = scenario->baskets.sale;
    const char *cursor = crowd->cursor[buyer - crowd->buyer];
    struct writer writer = writer_over(crowd->query, sizeof crowd->query - 1);
    writer_format(&writer, "limit=%u", scenario->page_size);
    if (sale[0] != '\0') {
        writer_text(&writer, "&sale=");
        writer_percent_encoded(&writer, sale, strlen(sale));
    }
    if (cursor[0] != '\0') {
        writer_text(&writer, "&cursor=");
        writer_percent_encoded(&writer, cursor, strlen(cursor));
    }
    crowd->query[writer.size] = '\0';
    question->kind = QUESTION_PRODUCTS;
    question->query = crowd->query;
}

static void ask_filter(struct crowd *crowd, const struct buyer *buyer, struct question *question)
{
    const uint32_t *page = crowd_page(crowd, buyer);
    question->kind = QUESTION_AVAILABILITY;
    question->only_available = true;
    question->item_count = buyer->page_count;
    for (uint32_t at = 0; at < buyer->page_count; at++)
        crowd->item[at] =
            (struct question_item){.sku = names_text(&crowd->baskets->skus, page[at])};
}

struct question asking_question(struct crowd *crowd, const struct buyer *buyer)
{
    uint32_t number = crowd->baskets->basket[buyer->basket].customer;
    struct question question = {
        .customer = names_text(&crowd->baskets->customers, number),
        .item = crowd->item,
    };
    switch (buyer->step) {
    case STEP_LOOK:
        ask_look(crowd, buyer, &question);
        break;
    case STEP_FILL:
        ask_fill(crowd, buyer, &question);
        break;
    case STEP_BUY:
    case STEP_BUY_AGAIN:
        ask_buy(crowd, buyer, &question);
        break;
    case STEP_PAY:
    case STEP_REFUND:
        ask_payment(crowd, buyer, &question);
        break;
    case STEP_CANCEL:
        ask_cancel(crowd, buyer, &question);
        break;
    case STEP_EMPTY:
        question.kind = QUESTION_CART_CLEAR;
        break;
    case STEP_SEARCH:
        ask_page(crowd, buyer, &question);
        break;
    case STEP_FILTER:
        ask_filter(crowd, buyer, &question);
        break;
    case STEP_ASK:
    case STEP_IDLE:
    case STEP_DONE:
        question.kind = QUESTION_ORDER;
        question.order_id = purchase_of(crowd, buyer)->order_id;
        break;
    }
    return question;
}

enum request_kind asking_kind(enum buyer_step step)
{
    static const enum request_kind kind[] = {
        [STEP_LOOK] = REQUEST_AVAILABILITY,
        [STEP_FILL] = REQUEST_CART,
        [STEP_BUY] = REQUEST_CHECKOUT,
        [STEP_BUY_AGAIN] = REQUEST_CHECKOUT,
        [STEP_PAY] = REQUEST_PAYMENT,
        [STEP_CANCEL] = REQUEST_CANCEL,
        [STEP_REFUND] = REQUEST_PAYMENT,
        [STEP_ASK] = REQUEST_ORDER,
        [STEP_EMPTY] = REQUEST_CART,
        [STEP_SEARCH] = REQUEST_PRODUCTS,
        [STEP_FILTER] = REQUEST_AVAILABILITY,
        [STEP_IDLE] = REQUEST_ORDER,
        [STEP_DONE] = REQUEST_ORDER,
    };
    return kind[step];
}
