/* SPDX-License-Identifier: Apache-2.0 */
/* A checkout. */
#include "core/check.h"
#include "net/http/decode.h"
#include "net/http/references.h"

static void read_item(struct decoder *decoder, uint32_t token, struct command_item *item)
{
    enum { SKU, QUANTITY, MEMBERS };
    static const struct bytes names[MEMBERS] = {
        [SKU] = JSON_NAMED("sku"), [QUANTITY] = JSON_NAMED("quantity")};
    struct json_document *json = &decoder->json;
    struct json_members members;
    *item = (struct command_item){.quantity = 1};
    if (!json_expect(json, token, JSON_OBJECT))
        return;
    json_find_members(json, token, names, MEMBERS, &members);
    decode_sku(decoder, json_needed(json, &members, SKU), &item->sku);
    decode_quantity(decoder, json_needed(json, &members, QUANTITY), 1, &item->quantity);
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
        read_item(decoder, at, &request->work->items[i]);
    request->work->command.items = request->work->items;
    request->work->command.item_count = count;
}

static void read_payment(struct decoder *decoder, uint32_t object)
{
    enum { TOKEN, MODE, MEMBERS };
    static const struct bytes names[MEMBERS] = {
        [TOKEN] = JSON_NAMED("token"), [MODE] = JSON_NAMED("mode")};
    static const char *const modes[] = {"external", "deferred"};
    struct json_document *json = &decoder->json;
    struct command *command = &decoder->request->work->command;
    struct json_members members;
    if (object == JSON_NONE || !json_expect(json, object, JSON_OBJECT))
        return;
    json_find_members(json, object, names, MEMBERS, &members);
    uint32_t token = json_given(json, &members, TOKEN);
    decode_string(decoder, token, TOKEN_SIZE_MAX, &command->token);
    if (decode_has_card_number(command->token))
        decode_own_fault(decoder, token, PROBLEM_CARD_NUMBER_REFUSED,
            "looks like a card number; send the provider's token");
    uint32_t mode = json_given(json, &members, MODE), choice;
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
        decoder->request->work->command.references = decode_keep(decoder, bytes_of(text, size));
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

static void read_members(struct decoder *decoder)
{
    enum {
        ITEMS,
        CURRENCY,
        EXPECTED_TOTAL,
        PAYMENT,
        REFERENCES,
        ADJUSTMENTS,
        IDENTITIES,
        RISK,
        MEMBERS
    };
    static const struct bytes names[MEMBERS] = {
        [ITEMS] = JSON_NAMED("items"),
        [CURRENCY] = JSON_NAMED("currency"),
        [EXPECTED_TOTAL] = JSON_NAMED("expected_total"),
        [PAYMENT] = JSON_NAMED("payment"),
        [REFERENCES] = JSON_NAMED("references"),
        [ADJUSTMENTS] = JSON_NAMED("adjustments"),
        [IDENTITIES] = JSON_NAMED("identities"),
        [RISK] = JSON_NAMED("risk"),
    };
    struct json_document *json = &decoder->json;
    struct command *command = &decoder->request->work->command;
    struct json_members members;
    json_find_members(json, JSON_ROOT, names, MEMBERS, &members);
    read_items(decoder, json_given(json, &members, ITEMS));
    decode_currency(decoder, json_given(json, &members, CURRENCY), command->currency);
    uint32_t total = json_given(json, &members, EXPECTED_TOTAL);
    if (total != JSON_NONE)
        command->expected_total_set =
            json_read_int64(json, total, 0, INT64_MAX, &command->expected_total);
    read_payment(decoder, json_given(json, &members, PAYMENT));
    read_references(decoder, json_given(json, &members, REFERENCES));
    decode_adjustments(decoder, json_given(json, &members, ADJUSTMENTS));
    decode_identities(decoder, json_given(json, &members, IDENTITIES));
    decode_risk(decoder, json_given(json, &members, RISK));
}

bool decode_checkout(struct decoder *decoder)
{
    decoder->request->work->command.kind = COMMAND_CHECKOUT;
    if (!decode_key(decoder) || !decode_if_match(decoder) || !decode_body(decoder))
        return false;
    read_members(decoder);
    return decode_end(decoder);
}
