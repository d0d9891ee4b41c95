/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why not: a refusal says all that helps to go on. Every failing line (K2), what is left of it, the
 * bound that was passed, the total as it is now, the state the order is in.
 */
#include "core/check.h"
#include "core/counts.h"
#include "net/http/render.h"

static const char *const details[OUTCOME_COUNT] = {
    [OUTCOME_NOT_FOUND] = "There is no such thing, or it is not yours.",
    [OUTCOME_UNKNOWN_SKU] = "A SKU is not in the catalog.",
    [OUTCOME_FORBIDDEN] = "This caller may not do that.",
    [OUTCOME_INVALID] = "A value cannot be accepted.",
    [OUTCOME_SOLD_OUT] = "Nothing is left, and nobody holds any.",
    [OUTCOME_HELD_BY_OTHERS] = "Nothing is left, but units that others hold may come back.",
    [OUTCOME_INSUFFICIENT] = "Some units are left, fewer than asked for.",
    [OUTCOME_LIMIT_EXCEEDED] = "One customer may have no more than the limit.",
    [OUTCOME_LINES_REFUSED] = "Lines failed for different reasons; nothing was taken.",
    [OUTCOME_PRICE_CHANGED] = "The total is another one now.",
    [OUTCOME_SALE_NOT_STARTED] = "It cannot be bought yet.",
    [OUTCOME_SALE_ENDED] = "It cannot be bought any more.",
    [OUTCOME_CART_EMPTY] = "The cart has no lines.",
    [OUTCOME_INVALID_TRANSITION] = "The order is in a state that does not allow it.",
    [OUTCOME_PAYMENT_MISMATCH] =
        "Amount or currency is not that of the order; nothing was changed.",
    [OUTCOME_PAYMENT_ID_USED] = "This payment belongs to another order.",
    [OUTCOME_PAYMENT_ID_PENDING] =
        "This payment was just reported for another order; send it again.",
    [OUTCOME_REFUND_REQUIRED] = "The order cannot be had any more; the money must go back.",
    [OUTCOME_RISK_DECLINED] = "The order was declined.",
    [OUTCOME_VERSION_CONFLICT] = "It was changed in the meantime, or a change is under way.",
    [OUTCOME_RESERVATION_EXPIRED] = "Nothing in the cart is reserved any more.",
    [OUTCOME_ARCHIVED] = "The order is kept in the archive only; the report was recorded.",
    [OUTCOME_STALE_VERSION] = "The version named is not the current one.",
    [OUTCOME_KEY_REUSED] = "The key was used for another request; use a new one.",
    [OUTCOME_CURRENCY_MISMATCH] =
        "One cart and one order have one currency, in which every product has a price.",
    [OUTCOME_TOO_MANY_LINES] = "There are more lines than the bound.",
    [OUTCOME_QUANTITY_TOO_LARGE] = "A quantity is larger than the bound.",
    [OUTCOME_TOO_MANY_OPEN_ORDERS] = "Pay or cancel an open order first.",
    [OUTCOME_PAUSED] = "The sale is paused.",
    [OUTCOME_CAPACITY_EXHAUSTED] = "A table is full; nothing was taken.",
    [OUTCOME_JOURNAL_FULL] = "The journal has no room for new orders; nothing was taken.",
    [OUTCOME_UNCONFIRMED] = "PostgreSQL, which confirms checkouts, is away; nothing was taken.",
};

static void put_stock_line(struct http_context *context, struct json_writer *json,
    uint32_t available, uint64_t next_release_shelf_ms)
{
    json_put_name(json, "available");
    if (available == COUNT_HIDDEN)
        json_put_null(json);
    else
        json_put_integer(json, available);
    json_put_member_time(json, "next_release_at", http_wall_of(context, next_release_shelf_ms));
}

/* The members of one outcome: of a line, or of a reply that is about one SKU. */
static void put_reasons(
    struct http_context *context, struct json_writer *json, const struct answer_line *line)
{
    enum outcome outcome = line->outcome;
    if (outcome == OUTCOME_SOLD_OUT || outcome == OUTCOME_HELD_BY_OTHERS ||
        outcome == OUTCOME_INSUFFICIENT)
        put_stock_line(context, json, line->available, line->next_release_shelf_ms);
    if (outcome == OUTCOME_LIMIT_EXCEEDED) {
        json_put_member_integer(json, "limit", line->limit);
        json_put_member_integer(json, "used", line->used);
    }
    if (outcome == OUTCOME_SALE_NOT_STARTED)
        json_put_member_time(json, "starts_at", line->starts_wall_ms);
}

struct bytes render_code_of(enum outcome outcome)
{
    return bytes_of_string(problem_name(problem_of_outcome(outcome, false)));
}

static void put_lines(
    struct http_context *context, struct json_writer *json, const struct answer *answer)
{
    json_put_name(json, "lines");
    json_open_array(json);
    for (uint32_t i = 0; i < answer->line_count; i++) {
        const struct answer_line *line = &answer->lines[i];
        CHECK(line->outcome != OUTCOME_OK);
        json_open_object(json);
        json_put_member_string(json, "sku", line->sku);
        json_put_member_string(json, "code", render_code_of(line->outcome));
        put_reasons(context, json, line);
        json_close_object(json);
    }
    json_close_array(json);
}

static void put_order(
    struct json_writer *json, const struct engine *engine, const struct answer *answer)
{
    struct event event;
    engine_order_image(engine, answer->order_index, false, &event);
    const struct fact_order *order = &event.fact.order;
    json_put_member_uuid(json, "order_id", order->id);
    json_put_member_string(json, "order_status", order_status_name(order->status));
    json_put_member_currency(json, "currency", order->currency);
    json_put_member_integer(json, "total", order->total);
    json_put_member_integer(json, "refund_due", order->refund_due);
}

static void put_stock(struct json_writer *json, const struct answer *answer)
{
    json_put_member_integer(json, "allotment", answer->allotment);
    json_put_member_integer(json, "available", answer->stock_available);
    json_put_member_integer(json, "held", answer->held);
    json_put_member_integer(json, "sold", answer->sold);
    if (answer->short_units > 0)
        json_put_member_integer(json, "short", answer->short_units);
}

static bool has_id(const uint8_t id[16])
{
    static const uint8_t none[16] = {0};
    return memcmp(id, none, sizeof(none)) != 0;
}

static void put_bound(struct json_writer *json, const struct answer *answer)
{
    json_put_member_string(json, "bound", bytes_of_string(answer->bound));
    if (answer->bound_value > 0 && answer->bound_value <= INT64_MAX)
        json_put_member_integer(json, "value", (int64_t)answer->bound_value);
}

/* What one refusal as a whole has to tell. */
static void put_details(struct http_context *context, const struct engine *engine,
    const struct request *request, const struct answer *answer, struct json_writer *json)
{
    const struct answer_line whole = {
        .outcome = answer->outcome,
        .available = answer->available,
        .limit = answer->limit,
        .used = answer->used,
        .next_release_shelf_ms = answer->next_release_shelf_ms,
        .starts_wall_ms = answer->starts_wall_ms,
    };
    bool known = answer->outcome != OUTCOME_NOT_FOUND;
    if (request->work->command.kind == COMMAND_STOCK_CHANGE && known)
        put_stock(json, answer);
    else if (answer->line_count <= 1)
        put_reasons(context, json, &whole);
    if (answer->bound != NULL)
        put_bound(json, answer);
    if (answer->outcome == OUTCOME_STALE_VERSION)
        json_put_member_integer(json, "version", answer->version);
    if (answer->outcome == OUTCOME_PRICE_CHANGED) {
        json_put_member_integer(json, "items_total", answer->items_total);
        json_put_member_currency(json, "currency", answer->currency);
    }
    if (answer->outcome == OUTCOME_CART_EMPTY && has_id(answer->order_id))
        json_put_member_uuid(json, "order_id", answer->order_id);
    if (answer->order_index != UINT32_MAX && known)
        put_order(json, engine, answer);
    if (request->work->command.kind == COMMAND_SALE_REMOVE)
        render_removal_members(json, answer);
    if (answer->line_count > 0)
        put_lines(context, json, answer);
}

static int64_t retry_after(const struct http_context *context, const struct answer *answer)
{
    if (answer->outcome != OUTCOME_SALE_NOT_STARTED)
        return 0;
    return answer->starts_wall_ms - context->now.wall_ms;
}

/* Only an extension is refused for holds that are alive, and then it names the bound. */
static const char *detail_of(const struct request *request, const struct answer *answer)
{
    if (request->work->command.kind == COMMAND_SWITCH &&
        render_switch_detail(answer->outcome) != NULL)
        return render_switch_detail(answer->outcome);
    if (request->work->command.kind == COMMAND_SALE_REMOVE && render_removal_detail(answer) != NULL)
        return render_removal_detail(answer);
    if (answer->outcome == OUTCOME_RESERVATION_EXPIRED && answer->bound != NULL)
        return "No reservation of the cart can be extended any more.";
    return details[answer->outcome];
}

void render_refusal(struct http_context *context, const struct engine *engine,
    struct request *request, const struct answer *answer)
{
    bool in_path = request->work->command.kind == COMMAND_CART_SET;
    enum problem_code code = problem_of_outcome(answer->outcome, in_path);
    const char *detail = detail_of(request, answer);
    CHECK(detail != NULL);
    int64_t retry_ms = retry_after(context, answer);
    struct problem problem;
    problem_begin(&problem, context, request, code, detail, retry_ms > 0 ? retry_ms : 0);
    if (answer->outcome == OUTCOME_STALE_VERSION) {
        problem.head.etag = HEAD_ETAG_VERSION;
        problem.head.etag_hash = answer->version;
    }
    put_details(context, engine, request, answer, &problem.json);
    problem_end(&problem, context, request);
}
