/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/problem.h"

#include "core/check.h"

struct problem_kind {
    uint16_t status;
    uint16_t retry_ms; /* 0: no Retry-After of its own */
    const char *name;
    const char *title;
};

static const struct problem_kind kinds[PROBLEM_COUNT] = {
    [PROBLEM_MALFORMED] = {400, 0, "malformed", "Malformed request"},
    [PROBLEM_KEY_MISSING] = {400, 0, "idempotency_key_missing", "Idempotency-Key is missing"},
    [PROBLEM_KEY_INVALID] = {400, 0, "idempotency_key_invalid", "Idempotency-Key is not valid"},
    [PROBLEM_UNAUTHENTICATED] = {401, 0, "unauthenticated", "Unknown caller"},
    [PROBLEM_FORBIDDEN] = {403, 0, "forbidden", "Not allowed for this caller"},
    [PROBLEM_NOT_FOUND] = {404, 0, "not_found", "Not found"},
    [PROBLEM_METHOD_NOT_ALLOWED] = {405, 0, "method_not_allowed", "Method not allowed"},
    [PROBLEM_SOLD_OUT] = {409, 0, "sold_out", "Sold out"},
    [PROBLEM_INSUFFICIENT] = {409, 0, "insufficient", "Fewer units left than asked for"},
    [PROBLEM_HELD_BY_OTHERS] = {409, 0, "held_by_others", "All units are held by others"},
    [PROBLEM_LIMIT_EXCEEDED] = {409, 0, "limit_exceeded", "Over the limit for one customer"},
    [PROBLEM_LINES_REFUSED] = {409, 0, "lines_refused", "Lines failed for different reasons"},
    [PROBLEM_PRICE_CHANGED] = {409, 0, "price_changed", "The price has changed"},
    [PROBLEM_SALE_NOT_STARTED] = {409, 0, "sale_not_started", "The sale has not started"},
    [PROBLEM_CART_EMPTY] = {409, 0, "cart_empty", "The cart is empty"},
    [PROBLEM_INVALID_TRANSITION] = {409, 0, "invalid_transition", "Not in the order's state"},
    [PROBLEM_PAYMENT_MISMATCH] = {409, 0, "payment_mismatch", "Amount or currency differs"},
    [PROBLEM_PAYMENT_ID_USED] = {409, 0, "payment_id_used", "Payment of another order"},
    [PROBLEM_REFUND_REQUIRED] = {409, 0, "refund_required", "The money must go back"},
    [PROBLEM_RISK_DECLINED] = {409, 0, "risk_declined", "Declined"},
    [PROBLEM_VERSION_CONFLICT] = {409, 0, "version_conflict", "Changed in the meantime"},
    [PROBLEM_SALE_ENDED] = {410, 0, "sale_ended", "The sale has ended"},
    [PROBLEM_RESERVATION_EXPIRED] = {410, 0, "reservation_expired", "The reservation has expired"},
    [PROBLEM_ARCHIVED] = {410, 0, "archived", "The order is archived"},
    [PROBLEM_STALE_VERSION] = {412, 0, "stale_version", "Stale version"},
    [PROBLEM_BODY_TOO_LARGE] = {413, 0, "body_too_large", "Body too large"},
    [PROBLEM_MEDIA_TYPE] = {415, 0, "unsupported_media_type", "Unsupported media type"},
    [PROBLEM_INVALID] = {422, 0, "invalid", "Not valid"},
    [PROBLEM_UNKNOWN_SKU] = {422, 0, "unknown_sku", "Unknown SKU"},
    [PROBLEM_KEY_REUSED] = {422, 0, "idempotency_key_reused", "Idempotency-Key was used before"},
    [PROBLEM_CURRENCY_MISMATCH] = {422, 0, "currency_mismatch", "Another currency"},
    [PROBLEM_TOO_MANY_LINES] = {422, 0, "too_many_lines", "Too many lines"},
    [PROBLEM_QUANTITY_TOO_LARGE] = {422, 0, "quantity_too_large", "Quantity too large"},
    [PROBLEM_CARD_NUMBER_REFUSED] = {422, 0, "card_number_refused", "A card number"},
    [PROBLEM_RATE_LIMITED] = {429, 0, "rate_limited", "Too many requests"},
    [PROBLEM_PAUSED] = {503, 5000, "paused", "The sale is paused"},
    [PROBLEM_OVERLOADED] = {503, 1000, "overloaded", "Overloaded"},
    [PROBLEM_CAPACITY_EXHAUSTED] = {503, 5000, "capacity_exhausted", "A table is full"},
    [PROBLEM_JOURNAL_FULL] = {503, 10000, "journal_full", "The journal is full"},
    [PROBLEM_RECOVERING] = {503, 1000, "recovering", "Not yet open"},
    [PROBLEM_UNCONFIRMED] = {503, 1000, "unconfirmed", "Not confirmed yet"},
};

static const uint8_t code_of_outcome[OUTCOME_COUNT] = {
    [OUTCOME_NOT_FOUND] = PROBLEM_NOT_FOUND,
    [OUTCOME_UNKNOWN_SKU] = PROBLEM_UNKNOWN_SKU,
    [OUTCOME_FORBIDDEN] = PROBLEM_FORBIDDEN,
    [OUTCOME_INVALID] = PROBLEM_INVALID,
    [OUTCOME_SOLD_OUT] = PROBLEM_SOLD_OUT,
    [OUTCOME_HELD_BY_OTHERS] = PROBLEM_HELD_BY_OTHERS,
    [OUTCOME_INSUFFICIENT] = PROBLEM_INSUFFICIENT,
    [OUTCOME_LIMIT_EXCEEDED] = PROBLEM_LIMIT_EXCEEDED,
    [OUTCOME_LINES_REFUSED] = PROBLEM_LINES_REFUSED,
    [OUTCOME_PRICE_CHANGED] = PROBLEM_PRICE_CHANGED,
    [OUTCOME_SALE_NOT_STARTED] = PROBLEM_SALE_NOT_STARTED,
    [OUTCOME_SALE_ENDED] = PROBLEM_SALE_ENDED,
    [OUTCOME_CART_EMPTY] = PROBLEM_CART_EMPTY,
    [OUTCOME_INVALID_TRANSITION] = PROBLEM_INVALID_TRANSITION,
    [OUTCOME_PAYMENT_MISMATCH] = PROBLEM_PAYMENT_MISMATCH,
    [OUTCOME_PAYMENT_ID_USED] = PROBLEM_PAYMENT_ID_USED,
    [OUTCOME_PAYMENT_ID_PENDING] = PROBLEM_OVERLOADED,
    [OUTCOME_REFUND_REQUIRED] = PROBLEM_REFUND_REQUIRED,
    [OUTCOME_RISK_DECLINED] = PROBLEM_RISK_DECLINED,
    [OUTCOME_VERSION_CONFLICT] = PROBLEM_VERSION_CONFLICT,
    [OUTCOME_RESERVATION_EXPIRED] = PROBLEM_RESERVATION_EXPIRED,
    [OUTCOME_ARCHIVED] = PROBLEM_ARCHIVED,
    [OUTCOME_STALE_VERSION] = PROBLEM_STALE_VERSION,
    [OUTCOME_KEY_REUSED] = PROBLEM_KEY_REUSED,
    [OUTCOME_CURRENCY_MISMATCH] = PROBLEM_CURRENCY_MISMATCH,
    [OUTCOME_TOO_MANY_LINES] = PROBLEM_TOO_MANY_LINES,
    [OUTCOME_QUANTITY_TOO_LARGE] = PROBLEM_QUANTITY_TOO_LARGE,
    [OUTCOME_TOO_MANY_OPEN_ORDERS] = PROBLEM_LIMIT_EXCEEDED,
    [OUTCOME_PAUSED] = PROBLEM_PAUSED,
    [OUTCOME_CAPACITY_EXHAUSTED] = PROBLEM_CAPACITY_EXHAUSTED,
    [OUTCOME_JOURNAL_FULL] = PROBLEM_JOURNAL_FULL,
    [OUTCOME_UNCONFIRMED] = PROBLEM_UNCONFIRMED,
};

uint16_t problem_status(enum problem_code code)
{
    CHECK(code < PROBLEM_COUNT);
    return kinds[code].status;
}

const char *problem_name(enum problem_code code)
{
    CHECK(code < PROBLEM_COUNT);
    return kinds[code].name;
}

enum problem_code problem_find(struct bytes name)
{
    for (uint32_t code = 0; code < PROBLEM_COUNT; code++) {
        if (bytes_equal(bytes_of_string(kinds[code].name), name))
            return (enum problem_code)code;
    }
    return PROBLEM_COUNT;
}

enum problem_code problem_of_outcome(enum outcome outcome, bool in_path)
{
    CHECK(outcome != OUTCOME_OK);
    CHECK(outcome < OUTCOME_COUNT);
    if (outcome == OUTCOME_UNKNOWN_SKU && in_path)
        return PROBLEM_NOT_FOUND;
    return (enum problem_code)code_of_outcome[outcome];
}

/* Evenly spread: a multiplicative hash of the counter is random enough. */
int64_t problem_jitter_ms(struct http_context *context, uint32_t over_ms)
{
    CHECK(over_ms > 0);
    uint64_t mixed = (++context->request_counter + context->now.random) * 0x9e3779b97f4a7c15U;
    return (int64_t)((mixed >> 32) % over_ms);
}

/* The parts of the object that every problem has. */
static void put_members(struct problem *problem, const struct request *request, const char *detail,
    int64_t retry_after_ms)
{
    const struct problem_kind *kind = &kinds[problem->code];
    struct json_writer *json = &problem->json;
    char type[64] = "/problems/";
    struct bytes name = bytes_of_string(kind->name);
    CHECK(name.size < sizeof(type) - 10);
    memcpy(type + 10, name.data, name.size);
    json_open_object(json);
    json_put_member_string(json, "type", bytes_of(type, 10 + name.size));
    json_put_member_string(json, "title", bytes_of_string(kind->title));
    json_put_member_integer(json, "status", problem->head.status);
    if (detail != NULL)
        json_put_member_string(json, "detail", bytes_of_string(detail));
    json_put_member_string(json, "code", name);
    json_put_member_string(
        json, "request_id", bytes_of(request->request_id, request->request_id_size));
    if (retry_after_ms > 0)
        json_put_member_integer(json, "retry_after_ms", retry_after_ms);
}

static void begin(struct problem *problem, struct http_context *context, struct request *request,
    enum problem_code code, uint16_t status)
{
    if (request->request_id_size == 0)
        head_take_request_id(context, request, (struct bytes){0});
    *problem = (struct problem){
        .code = code,
        .json = head_body(request),
        .head = {.status = status, .type = HEAD_PROBLEM, .cache = HEAD_NO_STORE},
    };
}

void problem_begin(struct problem *problem, struct http_context *context, struct request *request,
    enum problem_code code, const char *detail, int64_t retry_after_ms)
{
    CHECK(code < PROBLEM_COUNT);
    const struct problem_kind *kind = &kinds[code];
    CHECK(kind->name != NULL);
    begin(problem, context, request, code, kind->status);
    if (retry_after_ms == 0 && kind->retry_ms != 0)
        retry_after_ms = kind->retry_ms + problem_jitter_ms(context, kind->retry_ms);
    problem->head.retry_after_seconds = (uint32_t)((retry_after_ms + 999) / 1000);
    put_members(problem, request, detail, retry_after_ms);
}

void problem_begin_as(struct problem *problem, struct http_context *context,
    struct request *request, enum problem_code code, uint16_t status, const char *detail)
{
    CHECK(code < PROBLEM_COUNT);
    if (status == kinds[code].status) {
        problem_begin(problem, context, request, code, detail, 0);
        return;
    }
    begin(problem, context, request, code, status);
    put_members(problem, request, detail, 0);
}

void problem_end(
    struct problem *problem, const struct http_context *context, struct request *request)
{
    json_close_object(&problem->json);
    request->reply.overflow = problem->json.overflow;
    if (!problem->json.overflow)
        head_put(context, request, &problem->head, problem->json.size);
}

void problem_answer(struct http_context *context, struct request *request, enum problem_code code,
    const char *detail)
{
    struct problem problem;
    problem_begin(&problem, context, request, code, detail, 0);
    problem_end(&problem, context, request);
    CHECK(!request->reply.overflow);
}
