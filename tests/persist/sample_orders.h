/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sample_orders - orders as an engine would record them: for tests of what reads the journal.
 *
 * Ownership  Lines and texts live in struct sample_order, which the event borrows.
 * Threads    None.
 * Units      Minor units; wall milliseconds of a fixed day.
 * Errors     None.
 * Cost       Plain memory.
 */
#ifndef HOTSHELF_TESTS_PERSIST_SAMPLE_ORDERS_H
#define HOTSHELF_TESTS_PERSIST_SAMPLE_ORDERS_H

#include <stdio.h>
#include <string.h>

#include "core/event.h"

enum { SAMPLE_ORDER_LINES = 3 };

static const int64_t sample_wall_ms = 1795420800123; /* 2026-11-23T08:00:00.123Z */

struct sample_order {
    struct event event;
    struct event_line lines[SAMPLE_ORDER_LINES];
    uint8_t names[SAMPLE_ORDER_LINES * 64];
    char customer[32];
    char key[32];
};

static inline uint8_t *sample_order_name(uint8_t *out, const char *name)
{
    size_t size = strlen(name);
    *out++ = (uint8_t)size;
    memcpy(out, name, size);
    return out + size;
}

static inline void sample_order_names(struct sample_order *order)
{
    uint8_t *out = order->names;
    for (uint32_t i = 0; i < order->event.line_count; i++) {
        char sku[16];
        (void)snprintf(sku, sizeof(sku), "S%u", order->lines[i].sku_number);
        out = sample_order_name(out, sku);
        out = sample_order_name(out, i == 0 ? "seller-4" : "");
        out = sample_order_name(out, "drop");
    }
    order->event.text[TEXT_NAMES] = bytes_of(order->names, (uint32_t)(out - order->names));
}

/* Order `number` as it is born: one to three lines of 2 units at 1250, deferred. `seq` 0: the
 * caller numbers it. */
static inline struct event *sample_order_placed(
    struct sample_order *order, uint32_t number, uint64_t seq)
{
    *order = (struct sample_order){0};
    uint32_t line_count = 1 + number % SAMPLE_ORDER_LINES;
    int64_t total = 0;
    for (uint32_t i = 0; i < line_count; i++) {
        order->lines[i] = (struct event_line){
            .sku_number = 1 + (number + i) % 7, .quantity = 2, .unit_price = 1250, .moved = 2};
        total += 2 * 1250;
    }
    (void)snprintf(order->customer, sizeof(order->customer), "customer-%u", number % 50);
    (void)snprintf(order->key, sizeof(order->key), "key-%u", number);
    order->event = (struct event){
        .kind = EVENT_ORDER_PLACED,
        .stream_seq = seq,
        .stream_count = 2,
        .lines = order->lines,
        .line_count = line_count,
        .fact.order = {.id = {1, 0x9a, 0, 0, 0, 0, 0x70, 0, 0x80},
            .items_total = total,
            .total = total,
            .now_wall_ms = sample_wall_ms + number,
            .created_wall_ms = sample_wall_ms + number,
            .confirmed_wall_ms = sample_wall_ms + number,
            .cancel_until_wall_ms = sample_wall_ms + number + 900000,
            .version = 2,
            .currency = "GBP",
            .status = ORDER_CONFIRMED,
            .status_born = ORDER_CONFIRMED,
            .mode = PAYMENT_DEFERRED,
            .move = MOVE_SELL},
    };
    for (uint32_t i = 0; i < 4; i++)
        order->event.fact.order.id[15 - i] = (uint8_t)(number >> (8 * i));
    order->event.text[TEXT_CUSTOMER] = bytes_of_string(order->customer);
    order->event.text[TEXT_KEY] = bytes_of_string(order->key);
    order->event.text[TEXT_REFERENCES] = BYTES("{\"channel\":\"web\"}");
    sample_order_names(order);
    return &order->event;
}

/* The same order after a report of its payment. */
static inline struct event *sample_order_captured(
    struct sample_order *order, uint32_t number, const char *payment_id)
{
    struct event *event = sample_order_placed(order, number, 0);
    event->kind = EVENT_ORDER_CONFIRMED;
    event->stream_count = 1;
    event->fact.order.version = 3;
    event->fact.order.status_before = ORDER_CONFIRMED;
    event->fact.order.paid = event->fact.order.total;
    event->fact.order.paid_wall_ms = event->fact.order.now_wall_ms;
    event->fact.order.result = RESULT_CAPTURED;
    event->fact.order.amount = event->fact.order.total;
    event->fact.order.move = MOVE_NONE;
    event->text[TEXT_KEY] = (struct bytes){0};
    event->text[TEXT_PROVIDER] = BYTES("acme");
    event->text[TEXT_PAYMENT_ID] = bytes_of_string(payment_id);
    for (uint32_t i = 0; i < event->line_count; i++)
        order->lines[i].moved = 0;
    return event;
}

/* The same order cancelled whole before any payment, its units on sale again. */
static inline struct event *sample_order_cancelled(struct sample_order *order, uint32_t number)
{
    struct event *event = sample_order_placed(order, number, 0);
    event->kind = EVENT_ORDER_CANCELLED;
    event->stream_count = 1;
    event->fact.order.version = 3;
    event->fact.order.status = ORDER_CANCELLED;
    event->fact.order.status_before = ORDER_CONFIRMED;
    event->fact.order.move = MOVE_RESTOCK;
    for (uint32_t i = 0; i < event->line_count; i++) {
        order->lines[i].cancelled = 2;
        order->lines[i].restocked = 2;
    }
    return event;
}

#endif
