/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Availability and products are public and the cart is the customer's own. A payment is reported by
 * the shop's back end (role service), and so is a checkout that names its payment mode (rule P1).
 * With a token everything comes from a back end, which acts for the customer.
 */
#include "loadtest/http.h"

#include "loadtest/request.h"

#include <stdio.h>
#include <string.h>

#define PATH_SIZE 1024

static void write_availability(const struct question *question, struct writer *body)
{
    writer_text(body, "{\"skus\":[");
    for (uint32_t at = 0; at < question->item_count; at++) {
        if (at > 0)
            writer_text(body, ",");
        writer_json_string(body, question->item[at].sku);
    }
    writer_text(body, question->only_available ? "],\"only_available\":true}" : "]}");
}

static void write_items(const struct question *question, struct writer *body)
{
    const char *before = "\"items\":[";
    for (uint32_t at = 0; at < question->item_count; at++) {
        writer_text(body, before);
        writer_text(body, "{\"sku\":");
        writer_json_string(body, question->item[at].sku);
        writer_text(body, ",\"quantity\":");
        writer_number(body, question->item[at].quantity);
        writer_text(body, "}");
        before = ",";
    }
    writer_text(body, "]");
}

static void write_checkout(const struct question *question, struct writer *body)
{
    bool has_items = question->item_count > 0;
    writer_text(body, "{");
    if (has_items)
        write_items(question, body);
    if (question->mode != NULL)
        writer_format(
            body, "%s\"payment\":{\"mode\":\"%s\"}", has_items ? "," : "", question->mode);
    writer_text(body, "}");
}

static void write_payment(const struct question *question, struct writer *body)
{
    writer_format(body,
        "{\"result\":\"%s\",\"provider\":\"" PROTOCOL_PROVIDER "\",\"payment_id\":\"%s\","
        "\"amount\":%lld,\"currency\":\"%s\"",
        question->result, question->payment_id, (long long)question->amount, question->currency);
    if (question->refund_id != NULL)
        writer_format(body, ",\"refund_id\":\"%s\"", question->refund_id);
    writer_text(body, "}");
}

static void write_body(const struct question *question, struct writer *body)
{
    switch (question->kind) {
    case QUESTION_AVAILABILITY:
        write_availability(question, body);
        return;
    case QUESTION_CART_PUT:
        writer_format(body, "{\"quantity\":%u}", question->item[0].quantity);
        return;
    case QUESTION_CHECKOUT:
        write_checkout(question, body);
        return;
    case QUESTION_PAYMENT:
        write_payment(question, body);
        return;
    case QUESTION_CANCEL:
        writer_text(body, "{\"restock\":\"available\",\"reason\":\"changed my mind\"}");
        return;
    case QUESTION_CART_CLEAR:
    case QUESTION_ORDER:
    case QUESTION_PRODUCTS:
        return;
    }
}

static void write_path(const struct question *question, struct writer *path)
{
    switch (question->kind) {
    case QUESTION_AVAILABILITY:
        writer_text(path, "/v1/availability");
        return;
    case QUESTION_CART_PUT:
        writer_text(path, "/v1/cart/items/");
        writer_percent_encoded(path, question->item[0].sku, strlen(question->item[0].sku));
        return;
    case QUESTION_CART_CLEAR:
        writer_text(path, "/v1/cart");
        return;
    case QUESTION_CHECKOUT:
        writer_text(path, "/v1/checkout");
        return;
    case QUESTION_PAYMENT:
        writer_format(path, "/v1/orders/%s/payment", question->order_id);
        return;
    case QUESTION_CANCEL:
        writer_format(path, "/v1/orders/%s/cancel", question->order_id);
        return;
    case QUESTION_ORDER:
        writer_format(path, "/v1/orders/%s", question->order_id);
        return;
    case QUESTION_PRODUCTS:
        writer_format(
            path, "/v1/products%s%s", question->query[0] != '\0' ? "?" : "", question->query);
        return;
    }
}

static bool is_by_back_end(const struct question *question, const struct protocol_door *door)
{
    return door->token != NULL || question->kind == QUESTION_PAYMENT ||
           (question->kind == QUESTION_CHECKOUT && question->mode != NULL);
}

static const char *method_of(enum question_kind kind)
{
    static const char *const method[] = {
        [QUESTION_AVAILABILITY] = "POST",
        [QUESTION_CART_PUT] = "PUT",
        [QUESTION_CART_CLEAR] = "DELETE",
        [QUESTION_CHECKOUT] = "POST",
        [QUESTION_PAYMENT] = "POST",
        [QUESTION_CANCEL] = "POST",
        [QUESTION_ORDER] = "GET",
        [QUESTION_PRODUCTS] = "GET",
    };
    return method[kind];
}

void http_write(const struct question *question, const struct protocol_door *door,
    struct writer *out, struct writer *body)
{
    char path[PATH_SIZE];
    struct writer path_writer = writer_over(path, sizeof path - 1);
    bool is_public = question->kind == QUESTION_AVAILABILITY || question->kind == QUESTION_PRODUCTS;
    write_path(question, &path_writer);
    path[path_writer.size] = '\0';
    write_body(question, body);
    struct request request = {
        .method = method_of(question->kind),
        .path = path,
        .host = door->host,
        .customer = is_public ? NULL : question->customer,
        .role = is_public                        ? NULL
                : is_by_back_end(question, door) ? "service"
                                                 : "customer",
        .idempotency_key = question->key,
        .bearer = is_public ? NULL : door->token,
    };
    request_write(out, &request, body->size > 0 ? body : NULL);
    out->overflowed = out->overflowed || path_writer.overflowed || body->overflowed;
}
