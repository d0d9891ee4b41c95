/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode - from a parsed request to a command in the request's slot; all that is wrong with a
 * request is told in one reply.
 *
 *     struct decoder (on the stack)
 *         who calls, the captured segment, the JSON document, the faults found
 *             |
 *             +-- decode_*() of the route: fills request->work->command, adds faults
 *             |
 *         decode_end():  no fault -> true, run the command
 *                        faults   -> the problem is written: 422 with errors[], or what outranks it
 *
 * A fault that has a code of its own (quantity_too_large, card_number_refused, too_many_lines)
 * gives the reply that code when every fault has it; otherwise the reply is `invalid`.
 *
 * Ownership  The command's texts are copied into the slot; the decoder dies with the call.
 * Threads    The shard the request arrived at; struct decode_room is that shard's.
 * Units      Sizes in bytes.
 * Errors     Functions that answer false have written the reply, or the request waits.
 * Cost       One pass over the body.
 */
#ifndef HOTSHELF_NET_HTTP_DECODE_H
#define HOTSHELF_NET_HTTP_DECODE_H

#include "net/http/catalog_csv.h"
#include "net/http/json.h"
#include "net/http/problem.h"
#include "net/http/route.h"

enum { DECODE_SKUS_MAX = 500 }; /* asked for at once: a page of results, with room */

/* Working memory of one shard, as large as the largest body and head need. */
struct decode_room {
    struct json_token *tokens;
    uint32_t token_count_max;
    uint8_t *scratch;
    uint32_t scratch_size;
    struct json_faults faults;
};

struct decoder {
    struct http_context *context;
    const struct http_request *parsed;
    struct request *request;
    struct caller caller;
    struct bytes capture; /* decoded; valid during the call */
    struct json_document json;
    struct json_faults *faults;
    uint32_t own_count; /* faults with a code of their own */
    enum problem_code own_code;
    const char *bound; /* the configured bound that was passed, NULL none */
    uint64_t bound_value;
    const char *forbidden; /* a sentence: 403 outranks faults */
    bool full;             /* the slot has no room left for texts: 413 */
    bool direct;           /* no proxy stands between its client and us */
    bool asked;            /* its limits, when it was decoded before */
    bool waits;            /* no large reply is free: nothing is answered, see HTTP_WAITS */
};

/* A member or parameter that is named without a token. */
void decode_fault(struct decoder *decoder, const char *path, const char *reason);
/* A fault in a value of the body that has a code of its own. */
void decode_own_fault(
    struct decoder *decoder, uint32_t token, enum problem_code code, const char *reason);
/* A value above a configured bound, which the reply names. */
void decode_bound(struct decoder *decoder, uint32_t token, enum problem_code code,
    const char *bound, uint64_t value);

/* Reads the body as JSON, whose root is an object; without a body and a content type: {}. */
bool decode_body(struct decoder *decoder);
/* What a key is, bare or in quotes (I7); false: it is none. The key may stand in `room`. */
bool decode_read_key(struct bytes given, uint8_t room[KEY_SIZE_MAX], struct bytes *key);
/* Idempotency-Key (I1, I7) into the command. */
bool decode_key(struct decoder *decoder);
/* If-Match, of calls that change the cart, into the command (C5). */
bool decode_if_match(struct decoder *decoder);
/* True: nothing is wrong. */
bool decode_end(struct decoder *decoder);
bool decode_refuse(struct decoder *decoder, enum problem_code code, const char *detail);

/* Room for that many bytes of body, from the pool of large replies if need be; false: none is free,
 * the request waits. */
bool decode_has_room(struct decoder *decoder, uint32_t size);
/* Ends a reply that is answered here; 304 when the client has it already (If-None-Match). */
void decode_answer(
    struct decoder *decoder, const struct json_writer *json, const struct head *head);

/* If-Match of a product or sale does not name the version that it has: "7"; 0 for one that is not
 * there. */
bool decode_is_stale(const struct decoder *decoder, uint32_t version);

/* Copies into the slot. */
struct bytes decode_keep(struct decoder *decoder, struct bytes bytes);
/* An optional or required string member, checked for its size and kept. */
void decode_string(struct decoder *decoder, uint32_t token, uint32_t size_max, struct bytes *value);
/* Three capital letters. */
void decode_currency(struct decoder *decoder, uint32_t token, uint8_t currency[4]);
void decode_sku(struct decoder *decoder, uint32_t token, struct bytes *sku);
/* The SKU of the path into the command. One that no SKU can be is not found, as any unknown one. */
bool decode_take_sku(struct decoder *decoder);
/* The order of the path into the command. */
bool decode_take_order_id(struct decoder *decoder);
/* Members that role service alone may send; a fault, or 403 for all others. JSON_NONE: not sent. */
void decode_adjustments(struct decoder *decoder, uint32_t array);
void decode_identities(struct decoder *decoder, uint32_t array);
void decode_risk(struct decoder *decoder, uint32_t object);
/* A quantity up to limits.units_per_line. */
void decode_quantity(struct decoder *decoder, uint32_t token, uint32_t min, uint32_t *quantity);

/* Parameters of the query, one of `names` each, at most once; values decoded into `values`, size 0
 * with data NULL where not sent. */
bool decode_query(
    struct decoder *decoder, const char *const *names, uint32_t count, struct bytes *values);
/* A number in a parameter; left as it is when the parameter was not sent. */
/* SKUs with commas between them, 1 to DECODE_SKUS_MAX, into the request's items; answers how many.
 */
uint32_t decode_skus(struct decoder *decoder, struct bytes list);
void decode_number(struct decoder *decoder, const char *name, struct bytes value, uint64_t min,
    uint64_t max, uint64_t *number);
/* A time with its offset in a parameter; left as it is when the parameter was not sent. */
void decode_time(struct decoder *decoder, const char *name, struct bytes value, int64_t *wall_ms);
/* The order behind which a list of orders goes on, into the command. */
void decode_order_cursor(struct decoder *decoder, struct bytes value);

/* The routes. */
bool decode_cart_put(struct decoder *decoder);
bool decode_cart_delete(struct decoder *decoder);
bool decode_cart_clear(struct decoder *decoder);
bool decode_cart_extend(struct decoder *decoder);
bool decode_cart_merge(struct decoder *decoder);
bool decode_checkout(struct decoder *decoder);
bool decode_payment(struct decoder *decoder);
bool decode_payment_event(struct decoder *decoder);
bool decode_cancel(struct decoder *decoder);
bool decode_orders(struct decoder *decoder);
bool decode_review(struct decoder *decoder);
bool decode_order(struct decoder *decoder);
bool decode_product_patch(struct decoder *decoder);
bool decode_sale_put(struct decoder *decoder);
bool decode_sale_delete(struct decoder *decoder);
bool decode_stock_change(struct decoder *decoder);
bool decode_stock_read(struct decoder *decoder);
bool decode_stock_list(struct decoder *decoder);
bool decode_import(struct decoder *decoder);
bool decode_switch(struct decoder *decoder);
bool decode_switches(struct decoder *decoder);
bool decode_orders_find(struct decoder *decoder);
bool decode_customer(struct decoder *decoder);
bool decode_reservations(struct decoder *decoder);
bool decode_audit(struct decoder *decoder);

/* Answered where they arrive. */
void answer_availability(struct decoder *decoder);
void answer_products(struct decoder *decoder);
void answer_product(struct decoder *decoder);
void answer_sale(struct decoder *decoder);
void answer_sales(struct decoder *decoder);

/* Whether the text holds 13 to 19 digits in a row that pass Luhn's check. */
bool decode_has_card_number(struct bytes text);

#endif
