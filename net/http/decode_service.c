/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only a back end says of an order: adjustments of its total, further identities of its
 * customer, what its risk engine found. Adjustments become one JSON array with all members of each
 * in one order, so that the same ones written another way are the same request (I3). Identities are
 * hashed here and sorted: what they were is forgotten at once (Q5).
 */
#include "core/check.h"
#include "core/json_writer.h"
#include "core/tables.h"
#include "net/http/decode.h"
#include "net/http/syntax.h"

enum { RISK_SCORE_MAX = 1000, IDENTITY_SIZE_MAX = 127 };

static bool is_service(struct decoder *decoder)
{
    if (decoder->caller.role == ROLE_SERVICE)
        return true;
    decoder->forbidden = "Only role service may send adjustments, identities and risk.";
    return false;
}

static const char *const adjustment_kinds[] = {"shipping", "tax", "discount", "fee"};

struct adjustment {
    uint32_t kind;
    int64_t amount;
    struct bytes seller, reference;
};

static void read_adjustment(struct decoder *decoder, uint32_t token, struct adjustment *adjustment)
{
    enum { KIND, AMOUNT, SELLER, REFERENCE, MEMBERS };
    static const struct bytes names[MEMBERS] = {[KIND] = JSON_NAMED("kind"),
        [AMOUNT] = JSON_NAMED("amount"),
        [SELLER] = JSON_NAMED("seller"),
        [REFERENCE] = JSON_NAMED("reference")};
    struct json_document *json = &decoder->json;
    struct json_members members;
    *adjustment = (struct adjustment){.kind = 0};
    if (!json_expect(json, token, JSON_OBJECT))
        return;
    json_find_members(json, token, names, MEMBERS, &members);
    json_read_choice(
        json, json_needed(json, &members, KIND), adjustment_kinds, 4, &adjustment->kind);
    json_read_int64(
        json, json_needed(json, &members, AMOUNT), INT64_MIN, INT64_MAX, &adjustment->amount);
    uint32_t seller = json_given(json, &members, SELLER);
    if (seller != JSON_NONE)
        json_read_string(json, seller, 1, NAME_SIZE_MAX, &adjustment->seller);
    uint32_t reference = json_given(json, &members, REFERENCE);
    if (reference != JSON_NONE)
        json_read_string(json, reference, 1, PAYMENT_TEXT_SIZE_MAX, &adjustment->reference);
}

static void put_adjustment(struct json_writer *writer, const struct adjustment *adjustment)
{
    json_open_object(writer);
    json_put_member_string(writer, "kind", bytes_of_string(adjustment_kinds[adjustment->kind]));
    json_put_member_integer(writer, "amount", adjustment->amount);
    json_put_member_string_or_null(writer, "seller", adjustment->seller);
    json_put_member_string_or_null(writer, "reference", adjustment->reference);
    json_close_object(writer);
}

static void read_adjustments(struct decoder *decoder, uint32_t array)
{
    struct json_document *json = &decoder->json;
    struct command *command = &decoder->request->work->command;
    uint8_t text[ADJUSTMENTS_SIZE_MAX];
    struct json_writer writer = json_writer_of(text, sizeof(text));
    bool too_large = false;
    json_open_array(&writer);
    for (uint32_t at = json_first(json, array); at != JSON_NONE; at = json_next(json, at)) {
        struct adjustment adjustment;
        read_adjustment(decoder, at, &adjustment);
        put_adjustment(&writer, &adjustment);
        too_large |= __builtin_add_overflow(
            command->adjustments_sum, adjustment.amount, &command->adjustments_sum);
    }
    json_close_array(&writer);
    if (too_large)
        json_add_fault(json, array, JSON_FAULT_OVERFLOW, "must have a sum of at most 64 bits");
    if (writer.overflow)
        json_add_fault(json, array, JSON_FAULT_SIZE, "must have at most 4096 bytes as JSON");
    else if (json->tokens[array].count > 0)
        command->adjustments = decode_keep(decoder, json_bytes(&writer));
}

void decode_adjustments(struct decoder *decoder, uint32_t array)
{
    struct json_document *json = &decoder->json;
    if (array == JSON_NONE || !is_service(decoder) || !json_expect(json, array, JSON_ARRAY))
        return;
    decoder->request->work->command.adjustments_set = true;
    if (json->tokens[array].count > ADJUSTMENTS_MAX)
        json_add_fault(json, array, JSON_FAULT_SIZE, "must have at most 8 adjustments");
    else
        read_adjustments(decoder, array);
}

static bool hash_before(struct hash128 a, struct hash128 b)
{
    return a.high != b.high ? a.high < b.high : a.low < b.low;
}

/* Keeps the set sorted; there are at most 4, and one that is there twice is one. */
static void insert_identity(struct request *request, struct hash128 hash)
{
    struct hash128 *set = request->work->identities;
    uint32_t at = request->work->command.identity_count;
    for (uint32_t i = 0; i < at; i++) {
        if (hash128_equal(set[i], hash))
            return;
    }
    for (; at > 0 && hash_before(hash, set[at - 1]); at--)
        set[at] = set[at - 1];
    set[at] = hash;
    request->work->command.identity_count++;
}

void decode_identities(struct decoder *decoder, uint32_t array)
{
    struct json_document *json = &decoder->json;
    struct request *request = decoder->request;
    if (array == JSON_NONE || !is_service(decoder) || !json_expect(json, array, JSON_ARRAY))
        return;
    if (json->tokens[array].count > IDENTITIES_MAX) {
        json_add_fault(json, array, JSON_FAULT_SIZE, "must have at most 4 identities");
        return;
    }
    request->work->command.identities = request->work->identities;
    for (uint32_t at = json_first(json, array); at != JSON_NONE; at = json_next(json, at)) {
        struct bytes text;
        if (!json_read_string(json, at, 1, IDENTITY_SIZE_MAX, &text))
            continue;
        if (http_is_printable(text))
            insert_identity(request, hash_parts(&text, 1));
        else
            json_add_fault(json, at, JSON_FAULT_VALUE, "must be printable ASCII");
    }
}

void decode_risk(struct decoder *decoder, uint32_t object)
{
    enum { SCORE, DECISION, MEMBERS };
    static const struct bytes names[MEMBERS] = {
        [SCORE] = JSON_NAMED("score"), [DECISION] = JSON_NAMED("decision")};
    static const char *const decisions[] = {"approve", "review", "decline"};
    _Static_assert(RISK_APPROVE == 1 && RISK_DECLINE == 3, "decisions stand in their order");
    struct json_document *json = &decoder->json;
    struct command *command = &decoder->request->work->command;
    struct json_members members;
    uint32_t choice;
    if (object == JSON_NONE || !is_service(decoder) || !json_expect(json, object, JSON_OBJECT))
        return;
    json_find_members(json, object, names, MEMBERS, &members);
    uint32_t score = json_given(json, &members, SCORE);
    uint32_t decision = json_given(json, &members, DECISION);
    if (score == JSON_NONE && decision == JSON_NONE)
        json_add_fault(json, object, JSON_FAULT_MISSING, "must have a score, a decision or both");
    if (score != JSON_NONE)
        json_read_uint32(json, score, 0, RISK_SCORE_MAX, &command->risk_score);
    if (decision != JSON_NONE && json_read_choice(json, decision, decisions, 3, &choice))
        command->risk_decision = (uint8_t)(choice + 1);
}

bool decode_review(struct decoder *decoder)
{
    enum { DECISION, REASON, MEMBERS };
    static const struct bytes names[MEMBERS] = {
        [DECISION] = JSON_NAMED("decision"), [REASON] = JSON_NAMED("reason")};
    static const char *const decisions[] = {"approve", "decline"};
    struct json_document *json = &decoder->json;
    struct command *command = &decoder->request->work->command;
    struct json_members members;
    uint32_t choice;
    command->kind = COMMAND_REVIEW;
    command->actor = decode_keep(decoder, decoder->caller.actor);
    if (!decode_take_order_id(decoder) || !decode_body(decoder))
        return false;
    json_find_members(json, JSON_ROOT, names, MEMBERS, &members);
    if (json_read_choice(json, json_needed(json, &members, DECISION), decisions, 2, &choice))
        command->review_decision = choice == 0 ? RISK_APPROVE : RISK_DECLINE;
    decode_string(
        decoder, json_given(json, &members, REASON), PAYMENT_TEXT_SIZE_MAX, &command->reason);
    return decode_end(decoder);
}
