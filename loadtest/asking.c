/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Availability is public and the cart is the customer's own. A payment is reported by the shop's
 * back end (role service), and so is a checkout that names its payment mode (rule P1).
 */
#include "loadtest/asking.h"

#include "loadtest/buyer.h"
#include "loadtest/request.h"

#include <stdio.h>
#include <string.h>

#define PATH_SIZE 320
#define PROVIDER "loadpay"

static const struct purchase *purchase_of(const struct crowd *crowd, const struct buyer *buyer)
{
    return &crowd->ledger.purchase[buyer->basket];
}

static const char *sku_of(const struct crowd *crowd, uint32_t line)
{
    return names_text(&crowd->baskets->skus, crowd->baskets->line[line].sku);
}

static bool write_look(struct crowd *crowd, struct buyer *buyer)
{
    const struct basket *basket = &crowd->baskets->basket[buyer->basket];
    uint32_t end = basket->first_line + basket->line_count;
    if (end - buyer->line > BUYER_LOOK_MAX)
        end = buyer->line + BUYER_LOOK_MAX;
    struct writer body = writer_over(crowd->body, CROWD_BODY_SIZE);
    writer_text(&body, "{\"skus\":[");
    for (uint32_t line = buyer->line; line < end; line++) {
        if (line > buyer->line)
            writer_text(&body, ",");
        writer_json_string(&body, sku_of(crowd, line));
    }
    writer_text(&body, "]}");
    struct request request = {.method = "POST", .path = "/v1/availability"};
    return request_write(&buyer->connection, &request, &body);
}

static bool write_fill(struct crowd *crowd, struct buyer *buyer, const char *customer)
{
    char path[PATH_SIZE];
    struct writer writer = writer_over(path, sizeof path - 1);
    const char *sku = sku_of(crowd, buyer->line);
    writer_text(&writer, "/v1/cart/items/");
    writer_percent_encoded(&writer, sku, strlen(sku));
    path[writer.size] = '\0';
    struct writer body = writer_over(crowd->body, CROWD_BODY_SIZE);
    writer_format(&body, "{\"quantity\":%u}", crowd->ledger.wanted[buyer->line]);
    struct request request = {
        .method = "PUT", .path = path, .customer = customer, .role = "customer"};
    return !writer.overflowed && request_write(&buyer->connection, &request, &body);
}

static void write_items(struct crowd *crowd, struct buyer *buyer, struct writer *body)
{
    const struct basket *basket = &crowd->baskets->basket[buyer->basket];
    const char *before = "\"items\":[";
    for (uint32_t at = basket->first_line; at < basket->first_line + basket->line_count; at++) {
        if (crowd->ledger.wanted[at] == 0)
            continue;
        writer_text(body, before);
        writer_text(body, "{\"sku\":");
        writer_json_string(body, sku_of(crowd, at));
        writer_text(body, ",\"quantity\":");
        writer_number(body, crowd->ledger.wanted[at]);
        writer_text(body, "}");
        before = ",";
    }
    writer_text(body, "]");
}

static bool write_buy(struct crowd *crowd, struct buyer *buyer, const char *customer)
{
    const char *mode = crowd->options->mode;
    char key[LEDGER_KEY_SIZE];
    ledger_key(&crowd->ledger, buyer->basket, key);
    struct writer body = writer_over(crowd->body, CROWD_BODY_SIZE);
    writer_text(&body, "{");
    if (!buyer->uses_cart)
        write_items(crowd, buyer, &body);
    if (mode != NULL)
        writer_format(&body, "%s\"payment\":{\"mode\":\"%s\"}", buyer->uses_cart ? "" : ",", mode);
    writer_text(&body, "}");
    struct request request = {
        .method = "POST",
        .path = "/v1/checkout",
        .customer = customer,
        .role = mode != NULL ? "service" : "customer",
        .idempotency_key = key,
    };
    return request_write(&buyer->connection, &request, &body);
}

static bool write_payment(struct crowd *crowd, struct buyer *buyer, const char *customer)
{
    const struct purchase *purchase = purchase_of(crowd, buyer);
    bool refund = buyer->step == STEP_REFUND;
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "/v1/orders/%s/payment", purchase->order_id);
    struct writer body = writer_over(crowd->body, CROWD_BODY_SIZE);
    writer_format(&body,
        "{\"result\":\"%s\",\"provider\":\"" PROVIDER "\",\"payment_id\":\"%s-%u\","
        "\"amount\":%lld,\"currency\":\"%s\"",
        refund ? "refunded" : "captured", crowd->ledger.run, buyer->basket,
        (long long)(refund ? purchase->refund_due : purchase->total), purchase->currency);
    if (refund)
        writer_format(&body, ",\"refund_id\":\"%s-%u-refund\"", crowd->ledger.run, buyer->basket);
    writer_text(&body, "}");
    struct request request = {
        .method = "POST", .path = path, .customer = customer, .role = "service"};
    return request_write(&buyer->connection, &request, &body);
}

static bool write_cancel(struct crowd *crowd, struct buyer *buyer, const char *customer)
{
    char path[PATH_SIZE];
    char key[LEDGER_KEY_SIZE + 8];
    snprintf(path, sizeof path, "/v1/orders/%s/cancel", purchase_of(crowd, buyer)->order_id);
    snprintf(key, sizeof key, "%s:%u:cancel", crowd->ledger.run, buyer->basket);
    struct writer body = writer_over(crowd->body, CROWD_BODY_SIZE);
    writer_text(&body, "{\"restock\":\"available\",\"reason\":\"changed my mind\"}");
    struct request request = {
        .method = "POST",
        .path = path,
        .customer = customer,
        .role = "customer",
        .idempotency_key = key,
    };
    return request_write(&buyer->connection, &request, &body);
}

static bool write_ask(struct crowd *crowd, struct buyer *buyer, const char *customer)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "/v1/orders/%s", purchase_of(crowd, buyer)->order_id);
    struct request request = {
        .method = "GET", .path = path, .customer = customer, .role = "customer"};
    return request_write(&buyer->connection, &request, NULL);
}

static bool write_empty(struct buyer *buyer, const char *customer)
{
    struct request request = {
        .method = "DELETE", .path = "/v1/cart", .customer = customer, .role = "customer"};
    return request_write(&buyer->connection, &request, NULL);
}

bool asking_write(struct crowd *crowd, struct buyer *buyer)
{
    uint32_t number = crowd->baskets->basket[buyer->basket].customer;
    const char *customer = names_text(&crowd->baskets->customers, number);
    switch (buyer->step) {
    case STEP_LOOK:
        return write_look(crowd, buyer);
    case STEP_FILL:
        return write_fill(crowd, buyer, customer);
    case STEP_BUY:
        return write_buy(crowd, buyer, customer);
    case STEP_PAY:
    case STEP_REFUND:
        return write_payment(crowd, buyer, customer);
    case STEP_CANCEL:
        return write_cancel(crowd, buyer, customer);
    case STEP_ASK:
        return write_ask(crowd, buyer, customer);
    case STEP_EMPTY:
        return write_empty(buyer, customer);
    case STEP_IDLE:
    case STEP_DONE:
        break;
    }
    return false;
}

enum request_kind asking_kind(enum buyer_step step)
{
    static const enum request_kind kind[] = {
        [STEP_LOOK] = REQUEST_AVAILABILITY,
        [STEP_FILL] = REQUEST_CART,
        [STEP_BUY] = REQUEST_CHECKOUT,
        [STEP_PAY] = REQUEST_PAYMENT,
        [STEP_CANCEL] = REQUEST_CANCEL,
        [STEP_REFUND] = REQUEST_PAYMENT,
        [STEP_ASK] = REQUEST_ORDER,
        [STEP_EMPTY] = REQUEST_CART,
        [STEP_IDLE] = REQUEST_ORDER,
        [STEP_DONE] = REQUEST_ORDER,
    };
    return kind[step];
}
