/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All but the checkout. Arguments are read in the order of what a wrong one costs its sender: whose
 * and what first, then how many.
 */
#include "net/resp/selling.h"

#include "core/check.h"
#include "net/resp/argument.h"
#include "net/resp/reply.h"

static struct command *begin(struct resp_call *call, enum command_kind kind)
{
    struct command *command = &call->request->work->command;
    command->kind = kind;
    command->role = ROLE_SERVICE;
    return command;
}

static enum resp_verdict verdict(bool complete)
{
    return complete ? RESP_COMMAND : RESP_ANSWERED;
}

static bool refuse_syntax(struct resp_call *call, const char *name)
{
    return argument_refuse(call, "ERR", "syntax error in", name);
}

/* HS.STOCK sku */
enum resp_verdict selling_stock(struct resp_call *call)
{
    struct command *command = begin(call, COMMAND_STOCK_READ);
    return verdict(argument_sku(call, 1, &command->sku));
}

/* For the log. */
static void note_act(struct resp_call *call, struct bytes actor)
{
    struct act *act = &call->request->act;
    act_begin(act, ROLE_SERVICE, actor);
    for (uint32_t i = 0; i < 3; i++)
        act_add(act, call->arguments[i]);
}

/* HS.STOCK.ADD sku delta reason key: what an operator does over HTTP. The movement has the name of
 * the token that was shown, and so has a line in the log. */
enum resp_verdict selling_stock_add(struct resp_call *call)
{
    struct command *command = begin(call, COMMAND_STOCK_CHANGE);
    struct bytes actor = resp_session_name(call->context, call->session);
    note_act(call, actor);
    if (!argument_sku(call, 1, &command->sku) ||
        !argument_number(
            call, 2, "the delta", -(int64_t)UINT32_MAX, UINT32_MAX, &command->stock_delta) ||
        !argument_text(call, 3, "the reason", 0, PAYMENT_TEXT_SIZE_MAX, &command->reason) ||
        !argument_key(call, 4) || !argument_keep(call, actor, &command->actor))
        return RESP_ANSWERED;
    return verdict(
        command->stock_delta != 0 || argument_refuse(call, "ERR", "the delta", "must not be 0"));
}

/* HS.CART.GET customer */
enum resp_verdict selling_cart_get(struct resp_call *call)
{
    begin(call, COMMAND_CART_READ);
    return verdict(argument_customer(call, 1));
}

/* HS.CART.CLEAR customer */
enum resp_verdict selling_cart_clear(struct resp_call *call)
{
    begin(call, COMMAND_CART_CLEAR);
    return verdict(argument_customer(call, 1));
}

/* HS.CART.SET customer sku quantity [CURRENCY c] */
enum resp_verdict selling_cart_set(struct resp_call *call)
{
    struct command *command = begin(call, COMMAND_CART_SET);
    if (call->count != 4 && !(call->count == 6 && resp_is_word(call->arguments[4], "CURRENCY")))
        return verdict(refuse_syntax(call, "HS.CART.SET"));
    return verdict(argument_customer(call, 1) && argument_sku(call, 2, &command->sku) &&
                   argument_quantity(call, 3, 0, &command->quantity) &&
                   (call->count == 4 || argument_currency(call, 5, command->currency)));
}

/* HS.ORDER id: of whomever. */
enum resp_verdict selling_order(struct resp_call *call)
{
    begin(call, COMMAND_ORDER_READ);
    return verdict(argument_order_id(call, 1));
}

/* HS.PAY id result provider payment_id amount currency [REFUND refund_id] (P2) */
enum resp_verdict selling_pay(struct resp_call *call)
{
    static const char *const results[] = {
        "pending", "authorized", "captured", "declined", "cancelled", "refunded"};
    _Static_assert(RESULT_PENDING == 1 && RESULT_REFUNDED == 6, "results stand in their order");
    struct command *command = begin(call, COMMAND_PAYMENT);
    uint32_t result;
    bool refunds = call->count == 9 && resp_is_word(call->arguments[7], "REFUND");
    if (call->count != 7 && !refunds)
        return verdict(refuse_syntax(call, "HS.PAY"));
    if (!argument_choice(call, 2, "the result", results, 6, &result) ||
        !argument_text(call, 3, "the provider", 1, PAYMENT_TEXT_SIZE_MAX, &command->provider) ||
        !argument_text(call, 4, "payment_id", 1, PAYMENT_TEXT_SIZE_MAX, &command->payment_id) ||
        !argument_number(call, 5, "the amount", 0, INT64_MAX, &command->amount) ||
        !argument_currency(call, 6, command->currency))
        return RESP_ANSWERED;
    if (refunds &&
        !argument_text(call, 8, "refund_id", 1, PAYMENT_TEXT_SIZE_MAX, &command->refund_id))
        return RESP_ANSWERED;
    command->result = (uint8_t)(result + 1);
    return verdict(argument_order_id(call, 1));
}

static bool read_cancel_lines(struct resp_call *call)
{
    struct request *request = call->request;
    struct command *command = &request->work->command;
    command->items = request->work->items;
    for (uint32_t at = 4; at < call->count; at += 3) {
        int64_t line, quantity;
        if (call->count - at < 3 || !resp_is_word(call->arguments[at], "LINE"))
            return refuse_syntax(call, "HS.CANCEL");
        if (command->item_count == LINES_PER_ORDER_MAX)
            return argument_refuse(call, "LIMIT", "too_many_lines", "an order has at most 512");
        if (!argument_number(call, at + 1, "the line", 1, LINES_PER_ORDER_MAX, &line) ||
            !argument_number(call, at + 2, "the quantity", 1, UINT32_MAX, &quantity))
            return false;
        request->work->items[command->item_count++] =
            (struct command_item){.line = (uint32_t)line, .quantity = (uint32_t)quantity};
    }
    return true;
}

/* HS.CANCEL id restock key [LINE line quantity]..: without lines, all of them */
enum resp_verdict selling_cancel(struct resp_call *call)
{
    static const char *const restocks[] = {"available", "none"};
    struct command *command = begin(call, COMMAND_CANCEL);
    uint32_t choice;
    if (!argument_choice(call, 2, "restock", restocks, 2, &choice) || !argument_key(call, 3) ||
        !read_cancel_lines(call))
        return RESP_ANSWERED;
    command->restock_none = choice == 1;
    command->actor = BYTES("service");
    return verdict(argument_order_id(call, 1));
}
