/* SPDX-License-Identifier: Apache-2.0 */
/*
 * problem - a refusal as application/problem+json (RFC 9457): one table of codes for this protocol.
 *
 *     {"type":"/problems/sold_out","title":"Sold out","status":409,"detail":"..","code":"sold_out",
 *      "request_id":"..", members of the case .. }
 *
 *     problem_begin()  members of the case  problem_end()         or, without any, problem_answer()
 *
 * A refusal for want of room or time says when to come back, with jitter, so that a crowd that was
 * turned away together does not return together.
 *
 * Ownership  Writes into the request's reply buffer.
 * Threads    The shard that holds the request.
 * Units      Milliseconds in the body, seconds in Retry-After.
 * Errors     None: a problem without lines fits in REQUEST_REPLY_SMALL.
 * Cost       One pass.
 */
#ifndef HOTSHELF_NET_HTTP_PROBLEM_H
#define HOTSHELF_NET_HTTP_PROBLEM_H

#include "net/http/head.h"

enum problem_code {
    PROBLEM_MALFORMED,
    PROBLEM_KEY_MISSING,
    PROBLEM_KEY_INVALID,
    PROBLEM_UNAUTHENTICATED,
    PROBLEM_FORBIDDEN,
    PROBLEM_NOT_FOUND,
    PROBLEM_METHOD_NOT_ALLOWED,
    PROBLEM_SOLD_OUT,
    PROBLEM_INSUFFICIENT,
    PROBLEM_HELD_BY_OTHERS,
    PROBLEM_LIMIT_EXCEEDED,
    PROBLEM_LINES_REFUSED,
    PROBLEM_PRICE_CHANGED,
    PROBLEM_SALE_NOT_STARTED,
    PROBLEM_CART_EMPTY,
    PROBLEM_INVALID_TRANSITION,
    PROBLEM_PAYMENT_MISMATCH,
    PROBLEM_PAYMENT_ID_USED,
    PROBLEM_REFUND_REQUIRED,
    PROBLEM_RISK_DECLINED,
    PROBLEM_VERSION_CONFLICT,
    PROBLEM_SALE_ENDED,
    PROBLEM_RESERVATION_EXPIRED,
    PROBLEM_ARCHIVED,
    PROBLEM_STALE_VERSION,
    PROBLEM_BODY_TOO_LARGE,
    PROBLEM_MEDIA_TYPE,
    PROBLEM_INVALID,
    PROBLEM_UNKNOWN_SKU,
    PROBLEM_KEY_REUSED,
    PROBLEM_CURRENCY_MISMATCH,
    PROBLEM_TOO_MANY_LINES,
    PROBLEM_QUANTITY_TOO_LARGE,
    PROBLEM_CARD_NUMBER_REFUSED,
    PROBLEM_RATE_LIMITED,
    PROBLEM_PAUSED,
    PROBLEM_OVERLOADED,
    PROBLEM_CAPACITY_EXHAUSTED,
    PROBLEM_JOURNAL_FULL,
    PROBLEM_RECOVERING,
    PROBLEM_UNCONFIRMED,
    PROBLEM_COUNT,
};

struct problem {
    enum problem_code code;
    struct json_writer json;
    struct head head;
};

/* By chance from 0 to `over_ms`, for what shall not come back together. */
int64_t problem_jitter_ms(struct http_context *context, uint32_t over_ms);

uint16_t problem_status(enum problem_code code);
const char *problem_name(enum problem_code code);

/* The code of an outcome; `in_path`: the SKU that is unknown stands in the path. Never for OK. */
enum problem_code problem_of_outcome(enum outcome outcome, bool in_path);

/* `detail` is a sentence, NULL: none of its own. retry_after_ms 0: what the code says. */
void problem_begin(struct problem *problem, struct http_context *context, struct request *request,
    enum problem_code code, const char *detail, int64_t retry_after_ms);
/* The same with a status of the caller's: one code stands for several refusals of the parser. */
void problem_begin_as(struct problem *problem, struct http_context *context,
    struct request *request, enum problem_code code, uint16_t status, const char *detail);
void problem_end(
    struct problem *problem, const struct http_context *context, struct request *request);

void problem_answer(struct http_context *context, struct request *request, enum problem_code code,
    const char *detail);

/* The code of a name as the protocol spells it; PROBLEM_COUNT when there is none. */
enum problem_code problem_find(struct bytes name);

#endif
