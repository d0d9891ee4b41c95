/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sale: PUT says the whole of it, and all that is wrong is told in one reply. Reading it waits
 * for nothing: what is durable is published.
 */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/check.h"
#include "core/rfc3339.h"
#include "core/sale_json.h"
#include "net/http/decode.h"

enum {
    DAY = 86400,
    LIST_DEFAULT = 200,
    LIST_MAX = 500,
    NAMES_MAX = 4096, /* looked at for one page: it may end early */
};

static bool is_left_out(const struct decoder *decoder, uint32_t token)
{
    return token == JSON_NONE || json_type_of(&decoder->json, token) == JSON_NULL;
}

static uint32_t member(const struct decoder *decoder, const char *name)
{
    return json_member(&decoder->json, JSON_ROOT, bytes_of_string(name));
}

static void read_number(struct decoder *decoder, const char *name, uint32_t max, uint32_t *number)
{
    uint32_t token = member(decoder, name);
    if (!is_left_out(decoder, token))
        json_read_uint32(&decoder->json, token, 1, max, number);
}

static void read_time(struct decoder *decoder, const char *name, int64_t *wall_ms)
{
    uint32_t token = member(decoder, name);
    struct bytes text;
    int64_t read_ms;
    if (is_left_out(decoder, token) || !json_read_string(&decoder->json, token, 1, 64, &text))
        return;
    if (rfc3339_read(text, &read_ms) && read_ms > 0)
        *wall_ms = read_ms;
    else
        json_add_fault(&decoder->json, token, JSON_FAULT_VALUE,
            "must be a time with its offset, as 2026-11-27T09:00:00Z");
}

static void read_window(struct decoder *decoder, struct sale_image *image)
{
    uint32_t faults_before = decoder->faults->count;
    read_time(decoder, "starts_at", &image->starts_wall_ms);
    read_time(decoder, "ends_at", &image->ends_wall_ms);
    bool are_times = decoder->faults->count == faults_before;
    if (are_times && image->ends_wall_ms != 0 && image->ends_wall_ms <= image->starts_wall_ms)
        decode_fault(decoder, "ends_at", "must be later than starts_at");
}

/* A choice whose first member is the number 1. */
static void read_choice(
    struct decoder *decoder, const char *name, const char *const choices[2], uint8_t *chosen)
{
    uint32_t token = member(decoder, name), choice;
    if (!is_left_out(decoder, token) &&
        json_read_choice(&decoder->json, token, choices, 2, &choice))
        *chosen = (uint8_t)(choice + 1);
}

/* "capped:N", N from 1 to 2^32 - 2: one more stands for a count that is hidden. */
static bool read_cap(struct bytes text, uint32_t *cap)
{
    const struct bytes prefix = BYTES("capped:");
    uint64_t number = 0;
    if (text.size <= prefix.size || text.size > prefix.size + 10 ||
        memcmp(text.data, prefix.data, prefix.size) != 0)
        return false;
    for (uint32_t i = prefix.size; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        number = number * 10 + (uint64_t)(text.data[i] - '0');
    }
    *cap = (uint32_t)number;
    return number >= 1 && number < UINT32_MAX;
}

static void read_counts(struct decoder *decoder, struct sale_image *image)
{
    uint32_t token = member(decoder, "counts");
    struct bytes text;
    if (is_left_out(decoder, token) || !json_read_string(&decoder->json, token, 1, 24, &text))
        return;
    if (bytes_equal(text, BYTES("boolean")))
        image->counts = COUNTS_BOOLEAN;
    else if (read_cap(text, &image->counts_cap))
        image->counts = COUNTS_CAPPED;
    else if (!bytes_equal(text, BYTES("exact")))
        json_add_fault(&decoder->json, token, JSON_FAULT_VALUE,
            "must be exact, capped:N with N at least 1, or boolean");
}

static void read_guests(struct decoder *decoder, struct sale_image *image)
{
    uint32_t token = member(decoder, "guests");
    bool allowed = true;
    if (!is_left_out(decoder, token))
        json_read_boolean(&decoder->json, token, &allowed);
    image->guests = allowed ? GUESTS_ALLOWED : GUESTS_REFUSED;
}

static void read_sale(struct decoder *decoder, struct sale_image *image)
{
    static const char *const names[] = {"starts_at", "ends_at", "reserve_on", "hold_seconds",
        "payment_seconds", "review_seconds", "payment_mode", "max_per_customer", "counts",
        "guests"};
    static const char *const reserve[2] = {"cart", "checkout"};
    static const char *const modes[2] = {"external", "deferred"};
    _Static_assert(RESERVE_CART == 1 && RESERVE_CHECKOUT == 2, "choices stand in their order");
    _Static_assert(PAYMENT_EXTERNAL == 1 && PAYMENT_DEFERRED == 2, "choices stand in their order");
    json_refuse_unknown(&decoder->json, JSON_ROOT, names, sizeof(names) / sizeof(names[0]));
    read_window(decoder, image);
    read_choice(decoder, "reserve_on", reserve, &image->reserve_on);
    read_number(decoder, "hold_seconds", DAY, &image->hold_seconds);
    read_number(decoder, "payment_seconds", DAY, &image->payment_seconds);
    read_number(decoder, "review_seconds", 30 * DAY, &image->review_seconds);
    read_choice(decoder, "payment_mode", modes, &image->payment_mode);
    read_number(decoder, "max_per_customer", UINT32_MAX, &image->max_per_customer);
    read_counts(decoder, image);
    read_guests(decoder, image);
}

static bool take_sale(struct decoder *decoder)
{
    if (!catalog_name_is_valid(decoder->capture, 1, NAME_SIZE_MAX))
        return decode_refuse(decoder, PROBLEM_NOT_FOUND, "No sale can have this name.");
    decoder->request->work->command.sale = decode_keep(decoder, decoder->capture);
    return true;
}

/* The published sale of this name; version 0 when there is none. */
static struct sale find_sale(const struct decoder *decoder, struct bytes name)
{
    const struct catalog *catalog = &decoder->context->shelf->catalog;
    struct sale sale;
    catalog_sale(catalog, catalog_name_find(catalog, name), &sale);
    return sale;
}

bool decode_sale_put(struct decoder *decoder)
{
    struct command *command = &decoder->request->work->command;
    struct sale_image *image = &decoder->request->work->sale;
    *image = (struct sale_image){0};
    command->kind = COMMAND_SALE_SET;
    command->actor = decode_keep(decoder, decoder->caller.actor);
    if (!take_sale(decoder) || !decode_body(decoder))
        return false;
    struct sale sale = find_sale(decoder, command->sale);
    if (decode_is_stale(decoder, sale.version))
        return decode_refuse(decoder, PROBLEM_STALE_VERSION,
            "If-Match names the version of the sale in quotes, and it has another one now.");
    if (http_has(decoder->parsed, HTTP_FIELD_IF_MATCH))
        image->expected_version = sale.version;
    read_sale(decoder, image);
    command->sale_image = image;
    return decode_end(decoder);
}

bool decode_sale_delete(struct decoder *decoder)
{
    struct command *command = &decoder->request->work->command;
    command->kind = COMMAND_SALE_REMOVE;
    command->actor = decode_keep(decoder, decoder->caller.actor);
    return take_sale(decoder) && decode_if_match(decoder) && decode_end(decoder);
}

static void answer_json(struct decoder *decoder, const struct json_writer *json)
{
    struct head head = {.status = 200, .type = HEAD_JSON, .cache = HEAD_PRIVATE_NO_STORE};
    decode_answer(decoder, json, &head);
}

void answer_sale(struct decoder *decoder)
{
    struct sale sale = find_sale(decoder, decoder->capture);
    if (sale.version == 0) {
        decode_refuse(decoder, PROBLEM_NOT_FOUND, "There is no such sale.");
        return;
    }
    struct json_writer json = head_body(decoder->request);
    json_open_object(&json);
    sale_json_put_members(&json, decoder->capture, &sale);
    json_close_object(&json);
    struct head head = {.status = 200,
        .type = HEAD_JSON,
        .cache = HEAD_PRIVATE_NO_STORE,
        .etag = HEAD_ETAG_VERSION,
        .etag_hash = sale.version};
    decode_answer(decoder, &json, &head);
}

/* From the name after `cursor` on; *cursor is where to go on, 0 at the end. */
static void put_sales(
    const struct catalog *catalog, struct json_writer *json, uint64_t *cursor, uint64_t limit)
{
    uint32_t count = catalog_name_slots(catalog);
    uint32_t end = count - *cursor < NAMES_MAX ? count : (uint32_t)*cursor + NAMES_MAX;
    uint32_t at = (uint32_t)*cursor;
    for (; at < end && limit > 0; at++) {
        struct sale sale;
        catalog_sale(catalog, catalog_name_at(catalog, at), &sale);
        if (sale.version == 0)
            continue;
        if (json->size_max - json->size < SALE_JSON_SIZE_MAX + 64)
            break;
        json_open_object(json);
        sale_json_put_members(json, catalog_name(catalog, sale.number), &sale);
        json_close_object(json);
        limit--;
    }
    *cursor = at < count ? at : 0;
}

static void answer_page(struct decoder *decoder, uint64_t cursor, uint64_t limit)
{
    const struct catalog *catalog = &decoder->context->shelf->catalog;
    if (!decode_has_room(decoder, REQUEST_REPLY_LARGE - REQUEST_HEAD_SIZE))
        return;
    struct json_writer json = head_body(decoder->request);
    if (cursor > catalog_name_slots(catalog))
        cursor = catalog_name_slots(catalog);
    json_open_object(&json);
    json_put_name(&json, "items");
    json_open_array(&json);
    put_sales(catalog, &json, &cursor, limit);
    json_close_array(&json);
    json_put_member_cursor(&json, "next_cursor", cursor);
    json_close_object(&json);
    answer_json(decoder, &json);
}

void answer_sales(struct decoder *decoder)
{
    static const char *const names[] = {"cursor", "limit"};
    struct bytes values[2];
    uint64_t cursor = 0, limit = LIST_DEFAULT;
    if (!decode_query(decoder, names, 2, values))
        return;
    decode_number(decoder, "cursor", values[0], 1, UINT32_MAX, &cursor);
    decode_number(decoder, "limit", values[1], 1, LIST_MAX, &limit);
    if (decode_end(decoder))
        answer_page(decoder, cursor, limit);
}
