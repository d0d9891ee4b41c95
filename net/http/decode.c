/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the decoders of all routes share: reading bodies, queries and keys, collecting faults, and
 * the one reply that tells them.
 */
#include "net/http/decode.h"

#include <stdio.h>

#include "core/check.h"
#include "core/currency.h"
#include "net/http/syntax.h"
#include "net/http/target.h"
#include "net/http/words.h"

/* JSON of one fault at most: a path and a reason of which every byte may need an escape. */
enum { FAULT_SIZE_MAX = 64 + 6 * JSON_PATH_SIZE + JSON_REASON_SIZE };

bool decode_refuse(struct decoder *decoder, enum problem_code code, const char *detail)
{
    problem_answer(decoder->context, decoder->request, code, detail);
    return false;
}

void decode_fault(struct decoder *decoder, const char *path, const char *reason)
{
    struct json_faults *faults = decoder->faults;
    if (faults->count < JSON_FAULTS_MAX) {
        struct json_fault *fault = &faults->list[faults->count];
        fault->kind = JSON_FAULT_VALUE;
        snprintf(fault->path, sizeof(fault->path), "%s", path);
        snprintf(fault->reason, sizeof(fault->reason), "%s", reason);
    }
    faults->count++;
}

void decode_own_fault(
    struct decoder *decoder, uint32_t token, enum problem_code code, const char *reason)
{
    json_add_fault(&decoder->json, token, JSON_FAULT_VALUE, reason);
    if (decoder->own_count == 0)
        decoder->own_code = code;
    if (decoder->own_code == code)
        decoder->own_count++;
}

void decode_bound(struct decoder *decoder, uint32_t token, enum problem_code code,
    const char *bound, uint64_t value)
{
    char reason[JSON_REASON_SIZE];
    snprintf(reason, sizeof(reason), "is more than %s = %llu", bound, (unsigned long long)value);
    decode_own_fault(decoder, token, code, reason);
    decoder->bound = bound;
    decoder->bound_value = value;
}

static bool is_json(struct bytes type)
{
    static const char name[] = "application/json";
    const uint32_t size = sizeof(name) - 1;
    if (type.size < size || (!words_equal(type.data, (const uint8_t *)name, size) &&
                                !http_equals_ignoring_case(type.data, name, size)))
        return false;
    return type.size == size || type.data[size] == ';' || type.data[size] == ' ';
}

bool decode_body(struct decoder *decoder)
{
    const struct http_request *parsed = decoder->parsed;
    struct decode_room *room = decoder->context->room;
    struct bytes body = parsed->body;
    bool typed = http_has(parsed, HTTP_FIELD_CONTENT_TYPE);
    if (body.size == 0 && !typed)
        body = BYTES("{}");
    else if (!typed || !is_json(parsed->field[HTTP_FIELD_CONTENT_TYPE]))
        return decode_refuse(decoder, PROBLEM_MEDIA_TYPE, "Send the body as application/json.");
    if (http_has(parsed, HTTP_FIELD_CONTENT_ENCODING))
        return decode_refuse(decoder, PROBLEM_MEDIA_TYPE, "Send the body without an encoding.");
    struct json_room json_room = {
        .tokens = room->tokens,
        .token_count_max = room->token_count_max,
        .scratch = room->scratch,
        .scratch_size = room->scratch_size,
        .faults = &room->faults,
    };
    if (!json_parse(&decoder->json, body, &json_room)) {
        char detail[160];
        snprintf(detail, sizeof(detail), "The body is not JSON: at byte %u: %s.",
            decoder->json.error_at, decoder->json.error);
        return decode_refuse(decoder, PROBLEM_MALFORMED, detail);
    }
    if (!json_expect(&decoder->json, JSON_ROOT, JSON_OBJECT))
        return decode_end(decoder);
    return true;
}

/* The text between the quotes, escapes resolved (RFC 8941 3.3.3); false when it is not one. */
static bool unquote(struct bytes quoted, uint8_t *text, struct bytes *key)
{
    if (quoted.size < 2 || quoted.data[quoted.size - 1] != '"')
        return false;
    uint32_t size = 0;
    for (uint32_t i = 1; i < quoted.size - 1; i++) {
        uint8_t byte = quoted.data[i];
        if (byte == '"')
            return false;
        if (byte == '\\') {
            byte = quoted.data[++i];
            if (i == quoted.size - 1 || (byte != '"' && byte != '\\'))
                return false;
        }
        if (size == KEY_SIZE_MAX)
            return false;
        text[size++] = byte;
    }
    *key = bytes_of(text, size);
    return true;
}

bool decode_read_key(struct bytes given, uint8_t room[KEY_SIZE_MAX], struct bytes *key)
{
    *key = given;
    if (given.size > 0 && given.data[0] == '"' && !unquote(given, room, key))
        return false;
    return key->size > 0 && key->size <= KEY_SIZE_MAX && http_is_printable(*key);
}

bool decode_key(struct decoder *decoder)
{
    const struct http_request *parsed = decoder->parsed;
    uint8_t room[KEY_SIZE_MAX];
    struct bytes key;
    if (!http_has(parsed, HTTP_FIELD_IDEMPOTENCY_KEY))
        return decode_refuse(decoder, PROBLEM_KEY_MISSING,
            "Send an Idempotency-Key, a new one for each new request.");
    if (http_repeated(parsed, HTTP_FIELD_IDEMPOTENCY_KEY))
        return decode_refuse(decoder, PROBLEM_KEY_INVALID, "Idempotency-Key may be sent once.");
    if (!decode_read_key(parsed->field[HTTP_FIELD_IDEMPOTENCY_KEY], room, &key))
        return decode_refuse(decoder, PROBLEM_KEY_INVALID,
            "Idempotency-Key is 1 to 255 printable ASCII characters, bare or in quotes.");
    decoder->request->work->command.key = decode_keep(decoder, key);
    return true;
}

static void put_errors(struct json_writer *json, const struct json_faults *faults)
{
    uint32_t kept = faults->count < JSON_FAULTS_MAX ? faults->count : JSON_FAULTS_MAX;
    json_put_name(json, "errors");
    json_open_array(json);
    for (uint32_t i = 0; i < kept && json->size_max - json->size > FAULT_SIZE_MAX; i++) {
        const struct json_fault *fault = &faults->list[i];
        json_open_object(json);
        json_put_member_string(json, "member", bytes_of_string(fault->path));
        json_put_member_string(json, "reason", bytes_of_string(fault->reason));
        json_close_object(json);
    }
    json_close_array(json);
    json_put_member_integer(json, "error_count", faults->count);
}

static bool refuse_faults(struct decoder *decoder)
{
    const struct json_faults *faults = decoder->faults;
    CHECK(faults->count > 0);
    enum problem_code code =
        decoder->own_count == faults->count ? decoder->own_code : PROBLEM_INVALID;
    const struct json_fault *first = &faults->list[0];
    char detail[JSON_PATH_SIZE + JSON_REASON_SIZE + 8];
    snprintf(detail, sizeof(detail), "%s %s.", first->path[0] == 0 ? "The body" : first->path,
        first->reason);
    struct problem problem;
    problem_begin(&problem, decoder->context, decoder->request, code, detail, 0);
    if (decoder->bound != NULL && code != PROBLEM_INVALID) {
        json_put_member_string(&problem.json, "bound", bytes_of_string(decoder->bound));
        json_put_member_integer(&problem.json, "value", (int64_t)decoder->bound_value);
    }
    put_errors(&problem.json, faults);
    problem_end(&problem, decoder->context, decoder->request);
    CHECK(!decoder->request->reply.overflow);
    return false;
}

bool decode_end(struct decoder *decoder)
{
    if (decoder->forbidden != NULL)
        return decode_refuse(decoder, PROBLEM_FORBIDDEN, decoder->forbidden);
    if (decoder->faults->count > 0)
        return refuse_faults(decoder);
    if (decoder->full)
        return decode_refuse(decoder, PROBLEM_BODY_TOO_LARGE,
            "The texts of the request are larger together than there is room for.");
    return true;
}

bool decode_is_stale(const struct decoder *decoder, uint32_t version)
{
    const struct http_request *parsed = decoder->parsed;
    char text[16];
    if (!http_has(parsed, HTTP_FIELD_IF_MATCH))
        return false;
    struct bytes sent = parsed->field[HTTP_FIELD_IF_MATCH];
    (void)snprintf(text, sizeof(text), "\"%u\"", version);
    return version == 0 || http_repeated(parsed, HTTP_FIELD_IF_MATCH) ||
           (!bytes_equal(sent, BYTES("*")) && !bytes_equal(sent, bytes_of_string(text)));
}

bool decode_has_room(struct decoder *decoder, uint32_t size)
{
    struct request *request = decoder->request;
    struct http_context *context = decoder->context;
    CHECK(size <= REQUEST_REPLY_LARGE - REQUEST_HEAD_SIZE);
    if (size <= request->reply.size_max - REQUEST_HEAD_SIZE)
        return true;
    decoder->waits = !context->enlarge(context->host, request, size);
    return !decoder->waits;
}

void decode_answer(struct decoder *decoder, const struct json_writer *json, const struct head *head)
{
    const struct http_request *parsed = decoder->parsed;
    CHECK(!json->overflow);
    bool looks = parsed->method == HTTP_GET || parsed->method == HTTP_HEAD; /* RFC 9110 13.1.2 */
    bool known = looks && http_has(parsed, HTTP_FIELD_IF_NONE_MATCH) &&
                 head->etag != HEAD_NO_ETAG &&
                 head_etag_matches(parsed->field[HTTP_FIELD_IF_NONE_MATCH], head->etag_hash);
    if (!known) {
        head_put(decoder->context, decoder->request, head, json->size);
        return;
    }
    struct head short_head = *head;
    short_head.status = 304;
    short_head.type = HEAD_NO_BODY;
    head_put(decoder->context, decoder->request, &short_head, 0);
}

struct bytes decode_keep(struct decoder *decoder, struct bytes bytes)
{
    if (bytes.size == 0)
        return (struct bytes){0};
    struct bytes kept = request_keep(decoder->request, bytes);
    if (kept.data == NULL)
        decoder->full = true;
    return kept;
}

void decode_string(struct decoder *decoder, uint32_t token, uint32_t size_max, struct bytes *value)
{
    struct bytes text;
    if (token != JSON_NONE && json_read_string(&decoder->json, token, 1, size_max, &text))
        *value = decode_keep(decoder, text);
}

void decode_currency(struct decoder *decoder, uint32_t token, uint8_t currency[4])
{
    struct bytes text;
    if (token == JSON_NONE || !json_read_string(&decoder->json, token, 3, 3, &text))
        return;
    if (!currency_find(text, currency))
        json_add_fault(&decoder->json, token, JSON_FAULT_VALUE,
            "must be a currency code of ISO 4217, in capital letters");
}

void decode_sku(struct decoder *decoder, uint32_t token, struct bytes *sku)
{
    struct bytes text;
    if (token == JSON_NONE || !json_read_string(&decoder->json, token, 1, SKU_SIZE_MAX, &text))
        return;
    if (catalog_sku_is_valid(text))
        *sku = decode_keep(decoder, text);
    else
        json_add_fault(&decoder->json, token, JSON_FAULT_VALUE,
            "must be printable ASCII without space, quote, comma or slash");
}

bool decode_take_sku(struct decoder *decoder)
{
    if (!catalog_sku_is_valid(decoder->capture))
        return decode_refuse(decoder, PROBLEM_NOT_FOUND, "There is no such product.");
    decoder->request->work->command.sku = decode_keep(decoder, decoder->capture);
    return true;
}

void decode_quantity(struct decoder *decoder, uint32_t token, uint32_t min, uint32_t *quantity)
{
    int64_t value;
    uint32_t most = decoder->context->config->policy.units_per_line;
    if (token == JSON_NONE || !json_read_int64(&decoder->json, token, min, INT64_MAX, &value))
        return;
    if (value > most)
        decode_bound(decoder, token, PROBLEM_QUANTITY_TOO_LARGE, "units_per_line", most);
    else
        *quantity = (uint32_t)value;
}

static bool luhn(const uint8_t *digits, uint32_t count)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t digit = (uint32_t)(digits[count - 1 - i] - '0');
        if (i % 2 == 1)
            digit = digit < 5 ? digit * 2 : digit * 2 - 9;
        sum += digit;
    }
    return sum % 10 == 0;
}

bool decode_has_card_number(struct bytes text)
{
    uint32_t run = 0;
    for (uint32_t i = 0; i <= text.size; i++) {
        if (i < text.size && http_is_digit(text.data[i])) {
            run++;
            continue;
        }
        if (run >= 13 && run <= 19 && luhn(text.data + i - run, run))
            return true;
        run = 0;
    }
    return false;
}
