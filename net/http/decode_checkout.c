/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A checkout. References become one JSON object with its members in the order of their names, so
 * that the same references in another order are the same request (I3).
 */
#include "core/check.h"
#include "core/json_writer.h"
#include "net/http/decode.h"

enum { REFERENCE_NAME_SIZE_MAX = 32, REFERENCE_VALUE_SIZE_MAX = 127 };

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

struct reference {
    struct bytes name, value;
};

static bool reference_name_is_valid(struct bytes name)
{
    for (uint32_t i = 0; i < name.size; i++) {
        uint8_t byte = name.data[i];
        if (byte != '_' && (byte < 'a' || byte > 'z'))
            return false;
    }
    return name.size >= 1 && name.size <= REFERENCE_NAME_SIZE_MAX;
}

static bool read_reference(struct decoder *decoder, uint32_t name, struct reference *reference)
{
    struct json_document *json = &decoder->json;
    const struct json_token *token = &json->tokens[name];
    reference->name = bytes_of(json->text.data + token->start, token->size);
    uint32_t value = name + 1;
    if (token->has_escapes || !reference_name_is_valid(reference->name)) {
        json_add_fault(
            json, value, JSON_FAULT_VALUE, "must have a name of 1 to 32 letters a to z and _");
        return false;
    }
    if (!json_read_string(json, value, 0, REFERENCE_VALUE_SIZE_MAX, &reference->value))
        return false;
    if (!decode_has_card_number(reference->value))
        return true;
    decode_own_fault(decoder, value, PROBLEM_CARD_NUMBER_REFUSED, "looks like a card number");
    return false;
}

static bool name_before(struct bytes a, struct bytes b)
{
    int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
    return order != 0 ? order < 0 : a.size < b.size;
}

/* Keeps the array sorted; there are at most 8. */
static void insert(struct reference *references, uint32_t count, struct reference reference)
{
    uint32_t at = count;
    for (; at > 0 && name_before(reference.name, references[at - 1].name); at--)
        references[at] = references[at - 1];
    references[at] = reference;
}

static void keep_references(
    struct decoder *decoder, uint32_t object, const struct reference *references, uint32_t count)
{
    uint8_t text[REFERENCES_SIZE_MAX];
    struct json_writer writer = json_writer_of(text, sizeof(text));
    json_open_object(&writer);
    for (uint32_t i = 0; i < count; i++) {
        char name[REFERENCE_NAME_SIZE_MAX + 1] = {0};
        memcpy(name, references[i].name.data, references[i].name.size);
        json_put_member_string(&writer, name, references[i].value);
    }
    json_close_object(&writer);
    if (writer.overflow)
        json_add_fault(
            &decoder->json, object, JSON_FAULT_SIZE, "must have at most 2048 bytes as JSON");
    else
        decoder->request->command.references = decode_keep(decoder, json_bytes(&writer));
}

static void read_references(struct decoder *decoder, uint32_t object)
{
    struct json_document *json = &decoder->json;
    struct reference references[REFERENCES_MAX];
    uint32_t count = 0;
    if (object == JSON_NONE || !json_expect(json, object, JSON_OBJECT))
        return;
    if (json->tokens[object].count > REFERENCES_MAX) {
        json_add_fault(json, object, JSON_FAULT_SIZE, "must have at most 8 members");
        return;
    }
    for (uint32_t at = json_first(json, object); at != JSON_NONE; at = json_next(json, at)) {
        struct reference reference;
        if (read_reference(decoder, at, &reference))
            insert(references, count++, reference);
    }
    if (count > 0)
        keep_references(decoder, object, references, count);
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
