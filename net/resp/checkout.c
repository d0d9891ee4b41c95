/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HS.CHECKOUT customer key [ITEM sku quantity].. [CURRENCY c] [EXPECT total] [MODE mode] [TOKEN t]
 *     [REF name value]..
 *
 * Options stand in any order; ITEM and REF come as often as need be, each other one once. No item:
 * the cart.
 */
#include "core/check.h"
#include "net/http/decode.h"
#include "net/http/references.h"
#include "net/resp/argument.h"
#include "net/resp/selling.h"

#include <stdio.h>

struct checkout {
    struct resp_call *call;
    struct command *command;
    struct references references;
};

static bool read_item(struct checkout *checkout, uint32_t at)
{
    struct request *request = checkout->call->request;
    struct command *command = checkout->command;
    uint32_t most = checkout->call->context->config->policy.lines_per_order;
    char why[64];
    CHECK(most <= LINES_PER_ORDER_MAX);
    if (command->item_count == most) {
        (void)snprintf(why, sizeof(why), "bound=lines_per_order value=%u", most);
        return argument_refuse(checkout->call, "LIMIT", "too_many_lines", why);
    }
    struct command_item *item = &request->work->items[command->item_count++];
    *item = (struct command_item){.quantity = 1};
    command->items = request->work->items;
    return argument_sku(checkout->call, at, &item->sku) &&
           argument_quantity(checkout->call, at + 1, 1, &item->quantity);
}

static bool read_currency(struct checkout *checkout, uint32_t at)
{
    return argument_currency(checkout->call, at, checkout->command->currency);
}

static bool read_expected_total(struct checkout *checkout, uint32_t at)
{
    struct command *command = checkout->command;
    command->expected_total_set = true;
    return argument_number(checkout->call, at, "the total", 0, INT64_MAX, &command->expected_total);
}

static bool read_mode(struct checkout *checkout, uint32_t at)
{
    static const char *const modes[] = {"external", "deferred"};
    uint32_t choice;
    if (!argument_choice(checkout->call, at, "the mode", modes, 2, &choice))
        return false;
    checkout->command->mode = choice == 0 ? PAYMENT_EXTERNAL : PAYMENT_DEFERRED;
    return true;
}

static bool read_token(struct checkout *checkout, uint32_t at)
{
    if (decode_has_card_number(checkout->call->arguments[at]))
        return argument_refuse(
            checkout->call, "ERR", "card_number_refused", "send the payment provider's token");
    return argument_text(
        checkout->call, at, "the token", 1, TOKEN_SIZE_MAX, &checkout->command->token);
}

static bool read_reference(struct checkout *checkout, uint32_t at)
{
    struct resp_call *call = checkout->call;
    const struct bytes *arguments = call->arguments;
    if (!argument_is_text(call, at + 1, "the value of a reference", 0, REFERENCE_VALUE_SIZE_MAX))
        return false;
    switch (references_add(&checkout->references, arguments[at], arguments[at + 1])) {
    case REFERENCE_ADDED:
        return true;
    case REFERENCE_NAME:
        return argument_refuse(
            call, "ERR", "a reference", "must have a name of 1 to 32 letters a to z and _");
    case REFERENCE_TWICE:
        return argument_refuse(call, "ERR", "a reference", "stands there twice");
    case REFERENCE_CARD_NUMBER:
        return argument_refuse(
            call, "ERR", "card_number_refused", "a reference looks like a card number");
    case REFERENCE_TOO_MANY:
        return argument_refuse(call, "ERR", "the references", "must be at most 8");
    }
    CHECK(!"every answer is listed");
    return false;
}

static bool keep_references(struct checkout *checkout)
{
    uint8_t text[REFERENCES_SIZE_MAX];
    if (checkout->references.count == 0)
        return true;
    uint32_t size = references_write(&checkout->references, text);
    if (size == 0)
        return argument_refuse(
            checkout->call, "ERR", "the references", "must have at most 2048 bytes as JSON");
    return argument_keep(checkout->call, bytes_of(text, size), &checkout->command->references);
}

static const struct option {
    const char *name;
    uint32_t words; /* behind the name */
    bool once;
    bool (*read)(struct checkout *checkout, uint32_t at);
} options[] = {
    {"ITEM", 2, false, read_item},
    {"REF", 2, false, read_reference},
    {"CURRENCY", 1, true, read_currency},
    {"EXPECT", 1, true, read_expected_total},
    {"MODE", 1, true, read_mode},
    {"TOKEN", 1, true, read_token},
};

enum { OPTIONS = sizeof(options) / sizeof(options[0]) };

static bool read_options(struct checkout *checkout)
{
    struct resp_call *call = checkout->call;
    uint32_t seen = 0;
    for (uint32_t at = 3; at < call->count;) {
        uint32_t i = 0;
        while (i < OPTIONS && !resp_is_word(call->arguments[at], options[i].name))
            i++;
        if (i == OPTIONS || call->count - at - 1 < options[i].words)
            return argument_refuse(call, "ERR", "syntax error in", "HS.CHECKOUT");
        if (options[i].once && (seen >> i & 1) != 0)
            return argument_refuse(call, "ERR", options[i].name, "may be sent once");
        seen |= 1U << i;
        if (!options[i].read(checkout, at + 1))
            return false;
        at += 1 + options[i].words;
    }
    return true;
}

enum resp_verdict selling_checkout(struct resp_call *call)
{
    struct checkout checkout = {.call = call, .command = &call->request->work->command};
    checkout.command->kind = COMMAND_CHECKOUT;
    checkout.command->role = ROLE_SERVICE;
    bool complete = argument_customer(call, 1) && argument_key(call, 2) &&
                    read_options(&checkout) && keep_references(&checkout);
    return complete ? RESP_COMMAND : RESP_ANSWERED;
}
