/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has run, as a reply: a cart, stock numbers, or why not; orders are in render_order.c. Sizes
 * are bounded before a command runs, as those of HTTP are (net/http/render.c).
 */
#include <stdio.h>

#include "core/check.h"
#include "core/counts.h"
#include "core/view.h"
#include "net/http/problem.h"
#include "net/resp/reply.h"

enum {
    REPLY_BASE = 1024,
    CART_LINE = 448,
    REFUSAL_LINE = SKU_SIZE_MAX + 64,
};

static const char *const words[OUTCOME_COUNT] = {
    [OUTCOME_NOT_FOUND] = "ERR",
    [OUTCOME_UNKNOWN_SKU] = "UNKNOWNSKU",
    [OUTCOME_FORBIDDEN] = "NOPERM",
    [OUTCOME_INVALID] = "ERR",
    [OUTCOME_SOLD_OUT] = "SOLDOUT",
    [OUTCOME_HELD_BY_OTHERS] = "HELD",
    [OUTCOME_INSUFFICIENT] = "INSUFFICIENT",
    [OUTCOME_LIMIT_EXCEEDED] = "LIMIT",
    [OUTCOME_LINES_REFUSED] = "LINES",
    [OUTCOME_PRICE_CHANGED] = "PRICE",
    [OUTCOME_SALE_NOT_STARTED] = "NOTSTARTED",
    [OUTCOME_SALE_ENDED] = "ENDED",
    [OUTCOME_CART_EMPTY] = "EMPTY",
    [OUTCOME_INVALID_TRANSITION] = "STATE",
    [OUTCOME_PAYMENT_MISMATCH] = "MISMATCH",
    [OUTCOME_PAYMENT_ID_USED] = "MISMATCH",
    [OUTCOME_PAYMENT_ID_PENDING] = "OVERLOADED",
    [OUTCOME_REFUND_REQUIRED] = "REFUND",
    [OUTCOME_RISK_DECLINED] = "NOPERM",
    [OUTCOME_VERSION_CONFLICT] = "STATE",
    [OUTCOME_RESERVATION_EXPIRED] = "EXPIRED",
    [OUTCOME_ARCHIVED] = "STATE",
    [OUTCOME_STALE_VERSION] = "STATE",
    [OUTCOME_KEY_REUSED] = "IDEMREUSED",
    [OUTCOME_CURRENCY_MISMATCH] = "MISMATCH",
    [OUTCOME_TOO_MANY_LINES] = "LIMIT",
    [OUTCOME_QUANTITY_TOO_LARGE] = "LIMIT",
    [OUTCOME_TOO_MANY_OPEN_ORDERS] = "LIMIT",
    [OUTCOME_PAUSED] = "PAUSED",
    [OUTCOME_CAPACITY_EXHAUSTED] = "FULL",
    [OUTCOME_JOURNAL_FULL] = "FULL",
    [OUTCOME_UNCONFIRMED] = "OVERLOADED",
};

static void put_stock(struct resp_writer *writer, struct bytes sku, const struct answer *answer)
{
    resp_open_map(writer, 5);
    resp_put_member(writer, "sku", sku);
    resp_put_member_integer(writer, "allotment", answer->allotment);
    resp_put_member_integer(writer, "available", answer->stock_available);
    resp_put_member_integer(writer, "held", answer->held);
    resp_put_member_integer(writer, "sold", answer->sold);
}

static void put_cart_line(
    struct http_context *context, struct resp_writer *writer, const struct cart_line_view *line)
{
    static const char *const states[] = {
        [LINE_NONE] = "none", [LINE_HELD] = "held", [LINE_EXPIRED] = "expired"};
    CHECK(line->state <= LINE_EXPIRED);
    uint64_t now = context->now.shelf_ms;
    bool live = line->state == LINE_HELD && line->deadline_shelf_ms > now;
    const char *state = live && context->now.frozen ? "frozen" : states[line->state];
    resp_open_map(writer, 8);
    resp_put_member(writer, "sku", line->sku);
    resp_put_member_integer(writer, "quantity", line->quantity);
    resp_put_member_integer(writer, "unit_price", line->unit_price);
    resp_put_member_integer(writer, "line_total", line->line_total);
    resp_put_member(writer, "state", bytes_of_string(state));
    resp_put_member_time(
        writer, "expires_at", live ? http_wall_of(context, line->deadline_shelf_ms) : 0);
    resp_put_name(writer, "expires_in_ms");
    if (live)
        resp_put_integer(writer, (int64_t)(line->deadline_shelf_ms - now));
    else
        resp_put_null(writer);
    resp_put_member_integer(writer, "extensions_left", line->extensions_left);
}

static void put_cart(struct http_context *context, struct resp_writer *writer,
    const struct engine *engine, const struct answer *answer)
{
    struct cart_view cart;
    engine_cart(engine, answer->customer_index, &cart);
    resp_open_map(writer, 4);
    resp_put_name(writer, "currency");
    if (cart.currency[0] != 0)
        resp_put_text(writer, bytes_of(cart.currency, 3));
    else
        resp_put_null(writer);
    resp_put_name(writer, "lines");
    resp_open_array(writer, cart.line_count);
    for (uint32_t i = 0; i < cart.line_count; i++)
        put_cart_line(context, writer, &cart.lines[i]);
    resp_put_member_integer(writer, "items_total", cart.items_total);
    resp_put_member_integer(writer, "version", cart.version);
}

/* " sku:code:available"; nothing behind the last colon where it is not told (A5). */
static void put_failed(
    struct resp_writer *writer, struct bytes sku, enum outcome outcome, uint32_t available)
{
    char text[REFUSAL_LINE];
    char number[16] = "";
    if (available != COUNT_HIDDEN)
        (void)snprintf(number, sizeof(number), "%u", available);
    (void)snprintf(text, sizeof(text), " %.*s:%s:%s", (int)sku.size, (const char *)sku.data,
        problem_name(problem_of_outcome(outcome, false)), number);
    resp_put_line(writer, text);
}

/* " name=value" */
static void put_detail(struct resp_writer *writer, const char *name, struct bytes value)
{
    resp_put(writer, " ", 1);
    resp_put_line(writer, name);
    resp_put(writer, "=", 1);
    resp_put(writer, value.data, value.size);
}

static void put_detail_number(struct resp_writer *writer, const char *name, int64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%lld", (long long)value);
    put_detail(writer, name, bytes_of_string(text));
}

static void put_detail_order(struct resp_writer *writer, const uint8_t order_id[16])
{
    char id[JSON_UUID_SIZE];
    json_format_uuid(id, order_id);
    put_detail(writer, "order_id", bytes_of(id, JSON_UUID_SIZE));
}

/* What helps to go on, as in the members of HTTP's problem: the bound that was passed, the total as
 * it is now, the state that the order is in (L4). */
static void put_details(
    struct resp_writer *writer, const struct engine *engine, const struct answer *answer)
{
    static const uint8_t no_order[16] = {0};
    if (answer->bound != NULL)
        put_detail(writer, "bound", bytes_of_string(answer->bound));
    if (answer->bound != NULL && answer->bound_value > 0 && answer->bound_value <= INT64_MAX)
        put_detail_number(writer, "value", (int64_t)answer->bound_value);
    if (answer->outcome == OUTCOME_PRICE_CHANGED) {
        put_detail_number(writer, "items_total", answer->items_total);
        put_detail(writer, "currency", bytes_of(answer->currency, 3));
    }
    if (answer->outcome == OUTCOME_CART_EMPTY && memcmp(answer->order_id, no_order, 16) != 0)
        put_detail_order(writer, answer->order_id);
    if (answer->order_index == UINT32_MAX)
        return;
    struct event event;
    engine_order_image(engine, answer->order_index, false, &event);
    put_detail_order(writer, event.fact.order.id);
    put_detail(writer, "order_status", order_status_name(event.fact.order.status));
}

static void put_refusal(struct resp_writer *writer, const struct engine *engine,
    const struct request *request, const struct answer *answer)
{
    const struct command *command = &request->work->command;
    enum outcome outcome = answer->outcome;
    bool changes_stock = command->kind == COMMAND_STOCK_CHANGE;
    if (outcome == OUTCOME_NOT_FOUND && command->sku.size > 0)
        outcome = OUTCOME_UNKNOWN_SKU;
    CHECK(words[outcome] != NULL);
    resp_put(writer, "-", 1);
    resp_put_line(writer, words[outcome]);
    for (uint32_t i = 0; i < answer->line_count; i++)
        put_failed(
            writer, answer->lines[i].sku, answer->lines[i].outcome, answer->lines[i].available);
    if (answer->line_count == 0 && command->sku.size > 0) {
        put_failed(writer, command->sku, outcome,
            changes_stock ? answer->stock_available : answer->available);
    } else if (answer->line_count == 0) {
        resp_put(writer, " ", 1);
        resp_put_line(writer, problem_name(problem_of_outcome(outcome, false)));
    }
    put_details(writer, engine, answer);
    resp_put(writer, "\r\n", 2);
}

static bool is_about_order(const struct command *command)
{
    return command->kind == COMMAND_ORDER_READ || command->kind == COMMAND_PAYMENT ||
           command->kind == COMMAND_CANCEL;
}

static void put_success(struct http_context *context, struct resp_writer *writer,
    const struct engine *engine, const struct command *command, const struct answer *answer)
{
    bool checkout = command->kind == COMMAND_CHECKOUT;
    if (checkout || is_about_order(command))
        resp_put_order(context, writer, engine, answer, checkout);
    else if (command->kind == COMMAND_STOCK_READ || command->kind == COMMAND_STOCK_CHANGE)
        put_stock(writer, command->sku, answer);
    else if (command->kind == COMMAND_CART_CLEAR)
        resp_put_simple(writer, "OK");
    else
        put_cart(context, writer, engine, answer);
}

/* What does not fit comes back for a large reply and runs again, as in http_render(). */
bool resp_render(struct http_context *context, const struct engine *engine, struct request *request,
    const struct answer *answer)
{
    struct resp_writer writer = resp_begin(request);
    const struct command *command = &request->work->command;
    if (answer->outcome == OUTCOME_OK)
        put_success(context, &writer, engine, command, answer);
    else if (answer->outcome == OUTCOME_NOT_FOUND && is_about_order(command))
        resp_put_null(&writer);
    else
        put_refusal(&writer, engine, request, answer);
    resp_end(request, &writer);
    CHECK(!writer.overflow || request->large == 0); /* the largest reply of all fits there */
    return !writer.overflow;
}

uint32_t resp_reply_bound(const struct engine *engine, const struct request *request)
{
    const struct command *command = &request->work->command;
    _Static_assert(REPLY_BASE + (LINES_PER_ORDER_MAX + 1) * CART_LINE <=
                       REQUEST_REPLY_LARGE - REQUEST_HEAD_SIZE,
        "the largest cart fits");
    _Static_assert(2 * REPLY_BASE + REFERENCES_SIZE_MAX + ADJUSTMENTS_SIZE_MAX +
                           LINES_PER_ORDER_MAX * RESP_ORDER_LINE <=
                       REQUEST_REPLY_LARGE - REQUEST_HEAD_SIZE,
        "the largest order fits");
    _Static_assert(
        (int)REFUSAL_LINE <= (int)RESP_ORDER_LINE, "so does why none of its lines can be");
    if (is_about_order(command))
        return 2 * REPLY_BASE + engine_order_texts(engine, command->order_id) +
               engine_order_lines(engine, command->order_id) * RESP_ORDER_LINE;
    if (command->kind == COMMAND_CHECKOUT) {
        uint32_t lines = command->item_count;
        if (lines == 0)
            lines = engine_cart_lines(engine, command->customer);
        return 2 * REPLY_BASE + command->references.size + lines * RESP_ORDER_LINE;
    }
    bool is_cart = command->kind == COMMAND_CART_READ || command->kind == COMMAND_CART_SET;
    if (!is_cart)
        return REPLY_BASE;
    return REPLY_BASE + (engine_cart_lines(engine, command->customer) + 1) * CART_LINE;
}
