/* SPDX-License-Identifier: Apache-2.0 */
#include "net/resp/argument.h"

#include <stdio.h>

#include "core/check.h"
#include "core/currency.h"
#include "core/partition.h"
#include "net/http/decode.h"
#include "net/http/guest.h"
#include "net/http/utf8.h"
#include "net/resp/reply.h"

enum { REASON_SIZE = 192 };

bool argument_refuse(struct resp_call *call, const char *word, const char *name, const char *why)
{
    char text[REASON_SIZE];
    (void)snprintf(text, sizeof(text), "%s %s", name, why);
    resp_answer_error(call->request, word, text);
    return false;
}

bool argument_keep(struct resp_call *call, struct bytes bytes, struct bytes *kept)
{
    *kept = (struct bytes){0};
    if (bytes.size == 0)
        return true;
    *kept = request_keep(call->request, bytes);
    return kept->data != NULL ||
           argument_refuse(call, "ERR", "the texts", "are larger together than there is room for");
}

bool argument_customer(struct resp_call *call, uint32_t at)
{
    struct command *command = &call->request->work->command;
    const struct http_context *context = call->context;
    struct bytes customer = call->arguments[at];
    if (!identity_customer_is_valid(customer))
        return argument_refuse(call, "ERR", "a customer", "has 1 to 127 bytes of printable ASCII");
    command->guest = guest_is_token(customer);
    if (command->guest &&
        !guest_token_valid(&context->identity->guests, customer, context->clock_ms))
        return argument_refuse(call, "NOPERM", "the guest's token", "is not valid");
    return argument_keep(call, customer, &command->customer);
}

bool argument_key(struct resp_call *call, uint32_t at)
{
    uint8_t room[KEY_SIZE_MAX];
    struct bytes key;
    if (!decode_read_key(call->arguments[at], room, &key))
        return argument_refuse(call, "ERR", "idempotency_key_invalid",
            "a key is 1 to 255 printable ASCII characters, bare or in quotes");
    return argument_keep(call, key, &call->request->work->command.key);
}

bool argument_order_id(struct resp_call *call, uint32_t at)
{
    if (order_id_parse(call->arguments[at], call->request->work->command.order_id))
        return true;
    struct resp_writer writer = resp_begin(call->request);
    resp_put_null(&writer);
    resp_end(call->request, &writer);
    return false;
}

bool argument_sku(struct resp_call *call, uint32_t at, struct bytes *sku)
{
    char name[32];
    if (catalog_sku_is_valid(call->arguments[at]))
        return argument_keep(call, call->arguments[at], sku);
    (void)snprintf(name, sizeof(name), "argument %u", at);
    return argument_refuse(call, "ERR", name, "cannot be a SKU");
}

/* Digits as a number is written, behind a sign if it may have one; no more than 64 bits. */
static bool read_number(struct bytes text, bool may_be_negative, int64_t *value)
{
    uint32_t at = 0;
    bool negative = may_be_negative && text.size > 0 && text.data[0] == '-';
    if (negative || (may_be_negative && text.size > 0 && text.data[0] == '+'))
        at = 1;
    if (at == text.size || (text.data[at] == '0' && text.size > at + 1))
        return false;
    int64_t number = 0;
    for (; at < text.size; at++) {
        uint8_t byte = text.data[at];
        if (byte < '0' || byte > '9' || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, byte - '0', &number))
            return false;
    }
    *value = negative ? -number : number;
    return true;
}

bool argument_number(struct resp_call *call, uint32_t at, const char *name, int64_t least,
    int64_t most, int64_t *value)
{
    char why[64];
    if (read_number(call->arguments[at], least < 0, value) && *value >= least && *value <= most)
        return true;
    (void)snprintf(
        why, sizeof(why), "must be a number of %lld to %lld", (long long)least, (long long)most);
    return argument_refuse(call, "ERR", name, why);
}

bool argument_quantity(struct resp_call *call, uint32_t at, uint32_t least, uint32_t *quantity)
{
    int64_t value;
    char why[64];
    uint32_t most = call->context->config->policy.units_per_line;
    if (!argument_number(call, at, "the quantity", least, INT64_MAX, &value))
        return false;
    if (value <= most) {
        *quantity = (uint32_t)value;
        return true;
    }
    (void)snprintf(why, sizeof(why), "bound=units_per_line value=%u", most);
    return argument_refuse(call, "LIMIT", "quantity_too_large", why);
}

bool argument_currency(struct resp_call *call, uint32_t at, uint8_t currency[4])
{
    return currency_find(call->arguments[at], currency) ||
           argument_refuse(
               call, "ERR", "the currency", "must be a code of ISO 4217, in capital letters");
}

bool argument_choice(struct resp_call *call, uint32_t at, const char *name,
    const char *const *choices, uint32_t count, uint32_t *choice)
{
    char why[REASON_SIZE] = "must be one of";
    for (*choice = 0; *choice < count; (*choice)++) {
        if (resp_is_word(call->arguments[at], choices[*choice]))
            return true;
        size_t used = strlen(why);
        (void)snprintf(why + used, sizeof(why) - used, " %s", choices[*choice]);
    }
    return argument_refuse(call, "ERR", name, why);
}

bool argument_is_text(
    struct resp_call *call, uint32_t at, const char *name, uint32_t size_min, uint32_t size_max)
{
    char why[64];
    struct bytes text = call->arguments[at];
    if (text.size < size_min || text.size > size_max) {
        (void)snprintf(why, sizeof(why), "must have %u to %u bytes", size_min, size_max);
        return argument_refuse(call, "ERR", name, why);
    }
    if (text.size > 0 && memchr(text.data, 0, text.size) != NULL)
        return argument_refuse(call, "ERR", name, "must not contain U+0000");
    return utf8_is_valid(text) || argument_refuse(call, "ERR", name, "must be UTF-8");
}

bool argument_text(struct resp_call *call, uint32_t at, const char *name, uint32_t size_min,
    uint32_t size_max, struct bytes *text)
{
    return argument_is_text(call, at, name, size_min, size_max) &&
           argument_keep(call, call->arguments[at], text);
}
