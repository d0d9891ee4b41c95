/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/decode.h"

bool decode_cart_put(struct decoder *decoder)
{
    static const char *const names[] = {"quantity", "currency"};
    struct command *command = &decoder->request->command;
    command->kind = COMMAND_CART_SET;
    if (!decode_take_sku(decoder) || !decode_body(decoder))
        return false;
    struct json_document *json = &decoder->json;
    json_refuse_unknown(json, JSON_ROOT, names, 2);
    decode_quantity(
        decoder, json_required(json, JSON_ROOT, BYTES("quantity")), 0, &command->quantity);
    decode_currency(decoder, json_optional(json, JSON_ROOT, BYTES("currency")), command->currency);
    return decode_end(decoder);
}

bool decode_cart_delete(struct decoder *decoder)
{
    decoder->request->command.kind = COMMAND_CART_SET;
    return decode_take_sku(decoder) && decode_end(decoder);
}
