/* SPDX-License-Identifier: Apache-2.0 */
/* A checkout. */
#include "core/check.h"
#include "net/http/decode.h"
#include "net/http/references.h"

static void read_item(struct decoder *decoder, uint32_t token, struct command_item *item)
{
    static const char *const names[] = {"sku", "quantity"};
    struct json_document *json = &decoder->json;
    *item = (struct command_item){.quantity = 1};
    if (!json_expect(json, token, JSON_OBJECT))
        return;
    json_refuse_unknown(json, token, names, 2);
    decode_sku(decoder, json_required(json, token, BYTES("sku")), &item->sku);
    decode_quantity(decoder, json_required(json, token, BYTES("quantity")), 1, &item->quantity);
}

static void read_items(struct decoder *decoder, uint32_t array)
{
    struct json_document *json = &decoder->json;
    struct request *request = decoder->request;
    uint32_t most = decoder->context->config->policy.lines_per_order;
    CHECK(most <= LINES_PER_ORDER_MAX);
    if (array == JSON_NONE || !json_expect(json, array, JSON_ARRAY))
        return;
    uint32_t count = json->tokens[array].count;
    if (count == 0)
        json_add_fault(
            json, array, JSON_FAULT_SIZE, "must have an item; leave it out for the cart");
    if (count > most) {
        decode_bound(decoder, array, PROBLEM_TOO_MANY_LINES, "lines_per_order", most);
        return;
    }
    uint32_t at = json_first(json, array);
    for (uint32_t i = 0; at != JSON_NONE; i++, at = json_next(json, at))
        read_item(decoder, at, &request->items[i]);
    request->command.items = request->items;
    request->command.item_count = count;
}

static void read_payment(struct decoder *decoder, uint32_t object)
{
    static const char *const names[] = {"token", "mode"};
    static const char *const modes[] = {"external", "deferred"};
    struct json_document *json = &decoder->json;
    struct command *command = &decoder->request->command;
    if (object == JSON_NONE || !json_expect(json, object, JSON_OBJECT))
        return;
    json_refuse_unknown(json, object, names, 2);
    uint32_t token = json_optional(json, object, BYTES("token"));
    decode_string(decoder, token, TOKEN_SIZE_MAX, &command->token);
    if (decode_has_card_number(command->token))
        decode_own_fault(decoder, token, PROBLEM_CARD_NUMBER_REFUSED,
            "looks like a card number; send the provider's token");
    uint32_t mode = json_optional(json, object, BYTES("mode")), choice;
    if (mode == JSON_NONE)
        return;
    if (decoder->caller.role != ROLE_SERVICE)
        decoder->forbidden = "Only role service may name payment.mode.";
    else if (json_read_choice(json, mode, modes, 2, &choice))
        command->mode = choice == 0 ? PAYMENT_EXTERNAL : PAYMENT_DEFERRED;
}

static void read_reference(struct decoder *decoder, uint32_t name, struct references *references)
{
    struct json_document *json = &decoder->json;
    const struct json_token *token = &json->tokens[name];
    struct bytes text = bytes_of(json->text.data + token->start, token->size), value;
    uint32_t at = name + 1;
    if (token->has_escapes || !references_name_is_valid(text)) {
        json_add_fault(
            json, at, JSON_FAULT_VALUE, "must have a name of 1 to 32 letters a to z and _");
        return;
    }
    if (!json_read_string(json, at, 0, REFERENCE_VALUE_SIZE_MAX, &value))
        return;
    enum reference_fault fault = references_add(references, text, value);
    CHECK(fault == REFERENCE_ADDED || fault == REFERENCE_CARD_NUMBER);
    if (fault == REFERENCE_CARD_NUMBER)
        decode_own_fault(decoder, at, PROBLEM_CARD_NUMBER_REFUSED, "looks like a card number");
}

static void keep_references(
    struct decoder *decoder, uint32_t object, const struct references *references)
{
    uint8_t text[REFERENCES_SIZE_MAX];
    uint32_t size = references_write(references, text);
    if (size == 0)
        json_add_fault(
            &decoder->json, object, JSON_FAULT_SIZE, "must have at most 2048 bytes as JSON");
    else
        decoder->request->command.references = decode_keep(decoder, bytes_of(text, size));
}

static void read_references(struct decoder *decoder, uint32_t object)
{
    struct json_document *json = &decoder->json;
    struct references references = {.count = 0};
    if (object == JSON_NONE || !json_expect(json, object, JSON_OBJECT))
        return;
    if (json->tokens[object].count > REFERENCES_MAX) {
        json_add_fault(json, object, JSON_FAULT_SIZE, "must have at most 8 members");
        return;
    }
    for (uint32_t at = json_first(json, object); at != JSON_NONE; at = json_next(json, at))
        read_reference(decoder, at, &references);
    if (references.count > 0)
        keep_references(decoder, object, &references);
}

bool decode_checkout(struct decoder *decoder)
{
    static const char *const names[] = {"items", "currency", "expected_total", "payment",
        "references", "adjustments", "identities", "risk"};
    struct json_document *json = &decoder->json;
    struct command *command = &decoder->request->command;
    command->kind = COMMAND_CHECKOUT;
    if (!decode_key(decoder) || !decode_if_match(decoder) || !decode_body(decoder))
        return false;
    json_refuse_unknown(json, JSON_ROOT, names, 8);
    read_items(decoder, json_optional(json, JSON_ROOT, BYTES("items")));
    decode_currency(decoder, json_optional(json, JSON_ROOT, BYTES("currency")), command->currency);
    uint32_t total = json_optional(json, JSON_ROOT, BYTES("expected_total"));
    if (total != JSON_NONE)
        command->expected_total_set =
            json_read_int64(json, total, 0, INT64_MAX, &command->expected_total);
    read_payment(decoder, json_optional(json, JSON_ROOT, BYTES("payment")));
    read_references(decoder, json_optional(json, JSON_ROOT, BYTES("references")));
    decode_adjustments(decoder);
    decode_identities(decoder);
    decode_risk(decoder);
    return decode_end(decoder);
}
