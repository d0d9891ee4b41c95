/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is asked of an order by its id: read, payment report, cancel; and the list of a customer's.
 * An id that cannot be one of ours gets the answer of one we do not know (O4).
 */
#include "core/check.h"
#include "core/partition.h"
#include "core/rfc3339.h"
#include "net/http/decode.h"

enum { LIST_DEFAULT = 50, LIST_MAX = 200 };

bool decode_take_order_id(struct decoder *decoder)
{
    if (order_id_parse(decoder->capture, decoder->request->work->command.order_id))
        return true;
    return decode_refuse(decoder, PROBLEM_NOT_FOUND, "There is no such order.");
}

bool decode_order(struct decoder *decoder)
{
    decoder->request->work->command.kind = COMMAND_ORDER_READ;
    return decode_take_order_id(decoder) && decode_end(decoder);
}

void decode_order_cursor(struct decoder *decoder, struct bytes value)
{
    if (value.data != NULL && !order_id_parse(value, decoder->request->work->command.order_id))
        decode_fault(decoder, "cursor", "must be next_cursor of the page before");
}

void decode_time(struct decoder *decoder, const char *name, struct bytes value, int64_t *wall_ms)
{
    if (value.data != NULL && !rfc3339_read(value, wall_ms))
        decode_fault(decoder, name, "must be a time with its offset, as 2026-11-27T09:00:00Z");
}

bool decode_orders(struct decoder *decoder)
{
    static const char *const names[] = {"from", "to", "cursor", "limit"};
    enum { FROM, TO, CURSOR, LIMIT, COUNT };
    struct bytes values[COUNT];
    struct command *command = &decoder->request->work->command;
    uint64_t limit = LIST_DEFAULT;
    command->kind = COMMAND_ORDERS_LIST;
    if (!decode_query(decoder, names, COUNT, values))
        return false;
    decode_time(decoder, "from", values[FROM], &command->from_wall_ms);
    decode_time(decoder, "to", values[TO], &command->to_wall_ms);
    decode_order_cursor(decoder, values[CURSOR]);
    decode_number(decoder, "limit", values[LIMIT], 1, LIST_MAX, &limit);
    command->limit = (uint32_t)limit;
    return decode_end(decoder);
}

/* The members of both ways of a report (P2); each has some of its own behind them. */
enum { RESULT, PROVIDER, PAYMENT_ID, AMOUNT, CURRENCY, REPORT_MEMBERS };

#define REPORT_NAMES                                                                               \
    [RESULT] = JSON_NAMED("result"), [PROVIDER] = JSON_NAMED("provider"),                          \
    [PAYMENT_ID] = JSON_NAMED("payment_id"), [AMOUNT] = JSON_NAMED("amount"),                      \
    [CURRENCY] = JSON_NAMED("currency")

static void read_report(struct decoder *decoder, const struct json_members *members)
{
    static const char *const results[] = {
        "pending", "authorized", "captured", "declined", "cancelled", "refunded"};
    _Static_assert(RESULT_PENDING == 1 && RESULT_REFUNDED == 6, "results stand in their order");
    struct json_document *json = &decoder->json;
    struct command *command = &decoder->request->work->command;
    uint32_t result;
    if (json_read_choice(json, json_needed(json, members, RESULT), results, 6, &result))
        command->result = (uint8_t)(result + 1);
    decode_string(
        decoder, json_needed(json, members, PROVIDER), PAYMENT_TEXT_SIZE_MAX, &command->provider);
    decode_string(decoder, json_needed(json, members, PAYMENT_ID), PAYMENT_TEXT_SIZE_MAX,
        &command->payment_id);
    json_read_int64(json, json_needed(json, members, AMOUNT), 0, INT64_MAX, &command->amount);
    decode_currency(decoder, json_needed(json, members, CURRENCY), command->currency);
}

bool decode_payment(struct decoder *decoder)
{
    enum { REFUND_ID = REPORT_MEMBERS, ADJUSTMENTS, MEMBERS };
    static const struct bytes names[MEMBERS] = {REPORT_NAMES, [REFUND_ID] = JSON_NAMED("refund_id"),
        [ADJUSTMENTS] = JSON_NAMED("adjustments")};
    struct json_document *json = &decoder->json;
    struct command *command = &decoder->request->work->command;
    struct json_members members;
    command->kind = COMMAND_PAYMENT;
    if (decoder->caller.role != ROLE_SERVICE)
        return decode_refuse(decoder, PROBLEM_FORBIDDEN, "Only role service may report a payment.");
    if (!decode_take_order_id(decoder) || !decode_body(decoder))
        return false;
    json_find_members(json, JSON_ROOT, names, MEMBERS, &members);
    read_report(decoder, &members);
    decode_string(
        decoder, json_given(json, &members, REFUND_ID), PAYMENT_TEXT_SIZE_MAX, &command->refund_id);
    uint32_t adjustments = json_given(json, &members, ADJUSTMENTS);
    decode_adjustments(decoder, adjustments);
    bool is_money = command->result == RESULT_AUTHORIZED || command->result == RESULT_CAPTURED;
    if (adjustments != JSON_NONE && command->result != RESULT_NONE && !is_money)
        json_add_fault(
            json, adjustments, JSON_FAULT_VALUE, "belongs to authorized and captured money");
    return decode_end(decoder);
}

/* A webhook of the payment provider (P10). Its own id tells its refunds apart; when it occurred is
 * checked and not used, since what counts is when we heard of it. */
bool decode_payment_event(struct decoder *decoder)
{
    enum { ID = REPORT_MEMBERS, ORDER_ID, OCCURRED_AT, MEMBERS };
    static const struct bytes names[MEMBERS] = {REPORT_NAMES, [ID] = JSON_NAMED("id"),
        [ORDER_ID] = JSON_NAMED("order_id"), [OCCURRED_AT] = JSON_NAMED("occurred_at")};
    struct json_document *json = &decoder->json;
    struct command *command = &decoder->request->work->command;
    struct json_members members;
    struct bytes text;
    int64_t occurred_wall_ms;
    command->kind = COMMAND_PAYMENT;
    if (!decode_body(decoder))
        return false;
    json_find_members(json, JSON_ROOT, names, MEMBERS, &members);
    decode_string(
        decoder, json_needed(json, &members, ID), PAYMENT_TEXT_SIZE_MAX, &command->refund_id);
    uint32_t order = json_needed(json, &members, ORDER_ID);
    if (json_read_string(json, order, 1, UINT32_MAX, &text) &&
        !order_id_parse(text, command->order_id))
        json_add_fault(json, order, JSON_FAULT_VALUE, "is not the id of an order");
    read_report(decoder, &members);
    uint32_t occurred = json_given(json, &members, OCCURRED_AT);
    if (json_read_string(json, occurred, 1, UINT32_MAX, &text) &&
        !rfc3339_read(text, &occurred_wall_ms))
        json_add_fault(json, occurred, JSON_FAULT_VALUE,
            "must be a time with its offset, as 2026-11-27T09:00:00Z");
    return decode_end(decoder);
}

static void read_cancel_line(struct decoder *decoder, uint32_t token, struct command_item *item)
{
    enum { LINE, QUANTITY, MEMBERS };
    static const struct bytes names[MEMBERS] = {
        [LINE] = JSON_NAMED("line"), [QUANTITY] = JSON_NAMED("quantity")};
    struct json_document *json = &decoder->json;
    struct json_members members;
    *item = (struct command_item){.quantity = 1};
    if (!json_expect(json, token, JSON_OBJECT))
        return;
    json_find_members(json, token, names, MEMBERS, &members);
    json_read_uint32(json, json_needed(json, &members, LINE), 1, LINES_PER_ORDER_MAX, &item->line);
    json_read_uint32(json, json_needed(json, &members, QUANTITY), 1, UINT32_MAX, &item->quantity);
}

static void read_cancel_lines(struct decoder *decoder, uint32_t array)
{
    struct json_document *json = &decoder->json;
    struct request *request = decoder->request;
    if (array == JSON_NONE || !json_expect(json, array, JSON_ARRAY))
        return;
    uint32_t count = json->tokens[array].count;
    if (count == 0 || count > LINES_PER_ORDER_MAX) {
        json_add_fault(
            json, array, JSON_FAULT_SIZE, "must have 1 to 512 lines; leave it out for all");
        return;
    }
    uint32_t at = json_first(json, array);
    for (uint32_t i = 0; at != JSON_NONE; i++, at = json_next(json, at))
        read_cancel_line(decoder, at, &request->work->items[i]);
    request->work->command.items = request->work->items;
    request->work->command.item_count = count;
}

bool decode_cancel(struct decoder *decoder)
{
    enum { LINES, RESTOCK, REASON, MEMBERS };
    static const struct bytes names[MEMBERS] = {[LINES] = JSON_NAMED("lines"),
        [RESTOCK] = JSON_NAMED("restock"),
        [REASON] = JSON_NAMED("reason")};
    static const char *const restocks[] = {"available", "none"};
    struct json_document *json = &decoder->json;
    struct command *command = &decoder->request->work->command;
    struct json_members members;
    uint32_t choice = 0;
    command->kind = COMMAND_CANCEL;
    if (!decode_take_order_id(decoder) || !decode_key(decoder) || !decode_body(decoder))
        return false;
    json_find_members(json, JSON_ROOT, names, MEMBERS, &members);
    read_cancel_lines(decoder, json_given(json, &members, LINES));
    uint32_t restock = json_given(json, &members, RESTOCK);
    if (restock != JSON_NONE)
        json_read_choice(json, restock, restocks, 2, &choice);
    command->restock_none = choice == 1;
    decode_string(
        decoder, json_given(json, &members, REASON), PAYMENT_TEXT_SIZE_MAX, &command->reason);
    if (decoder->caller.role == ROLE_OPERATOR)
        command->actor = decode_keep(decoder, decoder->caller.actor);
    else
        command->actor =
            decoder->caller.role == ROLE_CUSTOMER ? BYTES("customer") : BYTES("service");
    return decode_end(decoder);
}
