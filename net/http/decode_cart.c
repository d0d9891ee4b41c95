/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What changes a cart, and If-Match, which asks that it is still the one the client has seen (C5).
 *
 *     If-Match: "7"          the reply that was seen had ETag: "7"
 *     If-Match: "7", "9"     either will do
 *     If-Match: *            any: a cart is always there, if only as an empty one
 *
 * Tags are compared strongly (RFC 9110 13.1.1): W/"7" is well formed and matches nothing. A field
 * that is no list of tags is refused, for a condition that is not understood must not be ignored.
 */
#include "net/http/decode.h"
#include "net/http/guest.h"
#include "net/http/identity.h"
#include "net/http/syntax.h"

static struct bytes skip(struct bytes rest, const char *bytes)
{
    while (rest.size > 0 && strchr(bytes, rest.data[0]) != NULL && rest.data[0] != 0)
        rest = bytes_of(rest.data + 1, rest.size - 1);
    return rest;
}

/* Takes one entity-tag off `rest`; false when there stands none. A tag may hold commas. */
static bool take_tag(struct bytes *rest, bool *weak, struct bytes *tag)
{
    struct bytes at = *rest;
    *weak = at.size >= 2 && at.data[0] == 'W' && at.data[1] == '/';
    if (*weak)
        at = bytes_of(at.data + 2, at.size - 2);
    if (at.size < 2 || at.data[0] != '"')
        return false;
    const uint8_t *end = memchr(at.data + 1, '"', at.size - 1);
    if (end == NULL)
        return false;
    *tag = bytes_of(at.data + 1, (uint32_t)(end - at.data) - 1);
    for (uint32_t i = 0; i < tag->size; i++) {
        if (tag->data[i] <= 0x20 || tag->data[i] == 0x7f)
            return false;
    }
    *rest = skip(bytes_of(end + 1, at.size - tag->size - 2), " \t");
    return rest->size == 0 || rest->data[0] == ',';
}

/* A version as an ETag shows it: decimal, no zeros before it. */
static bool is_version(struct bytes tag, uint32_t *version)
{
    uint64_t value = 0;
    if (tag.size == 0 || tag.size > 10 || (tag.size > 1 && tag.data[0] == '0'))
        return false;
    for (uint32_t i = 0; i < tag.size; i++) {
        if (!http_is_digit(tag.data[i]))
            return false;
        value = value * 10 + (uint64_t)(tag.data[i] - '0');
    }
    *version = (uint32_t)value;
    return value <= UINT32_MAX;
}

static bool refuse_if_match(struct decoder *decoder, const char *detail)
{
    return decode_refuse(decoder, PROBLEM_MALFORMED, detail);
}

bool decode_if_match(struct decoder *decoder)
{
    const struct http_request *parsed = decoder->parsed;
    struct command *command = &decoder->request->work->command;
    if (!http_has(parsed, HTTP_FIELD_IF_MATCH))
        return true;
    if (http_repeated(parsed, HTTP_FIELD_IF_MATCH))
        return refuse_if_match(decoder, "If-Match may be sent once.");
    struct bytes rest = parsed->field[HTTP_FIELD_IF_MATCH], tag;
    if (bytes_equal(rest, BYTES("*")))
        return true;
    uint32_t tags = 0, version;
    bool weak;
    for (rest = skip(rest, " \t,"); rest.size > 0; rest = skip(rest, " \t,"), tags++) {
        if (!take_tag(&rest, &weak, &tag))
            return refuse_if_match(
                decoder, "If-Match is * or a list of ETags, each in quotes as it was sent.");
        if (weak || !is_version(tag, &version))
            continue;
        if (command->if_version_count == IF_VERSIONS_MAX)
            return refuse_if_match(decoder, "If-Match may name 8 versions.");
        command->if_versions[command->if_version_count++] = version;
    }
    if (tags == 0)
        return refuse_if_match(decoder, "If-Match is empty.");
    command->if_version_set = true;
    return true;
}

bool decode_cart_put(struct decoder *decoder)
{
    enum { QUANTITY, CURRENCY, MEMBERS };
    static const struct bytes names[MEMBERS] = {
        [QUANTITY] = JSON_NAMED("quantity"), [CURRENCY] = JSON_NAMED("currency")};
    struct command *command = &decoder->request->work->command;
    command->kind = COMMAND_CART_SET;
    if (!decode_take_sku(decoder) || !decode_if_match(decoder) || !decode_body(decoder))
        return false;
    struct json_document *json = &decoder->json;
    struct json_members members;
    json_find_members(json, JSON_ROOT, names, MEMBERS, &members);
    decode_quantity(decoder, json_needed(json, &members, QUANTITY), 0, &command->quantity);
    decode_currency(decoder, json_given(json, &members, CURRENCY), command->currency);
    return decode_end(decoder);
}

bool decode_cart_delete(struct decoder *decoder)
{
    decoder->request->work->command.kind = COMMAND_CART_SET;
    return decode_take_sku(decoder) && decode_if_match(decoder) && decode_end(decoder);
}

bool decode_cart_clear(struct decoder *decoder)
{
    decoder->request->work->command.kind = COMMAND_CART_CLEAR;
    return decode_if_match(decoder) && decode_end(decoder);
}

bool decode_cart_extend(struct decoder *decoder)
{
    decoder->request->work->command.kind = COMMAND_CART_EXTEND;
    if (!decode_if_match(decoder) || !decode_body(decoder))
        return false;
    json_refuse_unknown(&decoder->json, JSON_ROOT, NULL, 0);
    return decode_end(decoder);
}

/* Whose cart is taken is told by its token alone: who knows it, is the guest. */
static void decode_guest_token(struct decoder *decoder, uint32_t token)
{
    const struct http_context *context = decoder->context;
    struct bytes *guest = &decoder->request->work->command.guest_id;
    decode_string(decoder, token, GUEST_TOKEN_SIZE_MAX, guest);
    if (guest->size > 0 &&
        !guest_token_valid(&context->identity->guests, *guest, context->clock_ms))
        json_add_fault(
            &decoder->json, token, JSON_FAULT_VALUE, "is not one of this server's, or has ended");
}

bool decode_cart_merge(struct decoder *decoder)
{
    static const struct bytes names[] = {JSON_NAMED("guest_token")};
    struct json_members members;
    decoder->request->work->command.kind = COMMAND_CART_MERGE;
    if (!decode_if_match(decoder) || !decode_body(decoder))
        return false;
    struct json_document *json = &decoder->json;
    json_find_members(json, JSON_ROOT, names, 1, &members);
    decode_guest_token(decoder, json_needed(json, &members, 0));
    return decode_end(decoder);
}
