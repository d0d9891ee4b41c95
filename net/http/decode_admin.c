/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/decode.h"
#include "net/http/syntax.h"

enum { REASON_ASKED_MAX = PAYMENT_TEXT_SIZE_MAX, LIST_DEFAULT = 200, LIST_MAX = 500 };

bool decode_stock_read(struct decoder *decoder)
{
    decoder->request->work->command.kind = COMMAND_STOCK_READ;
    return decode_take_sku(decoder) && decode_end(decoder);
}

/* A list has no SKU; its filters travel in the slot as texts: sale, then seller. */
bool decode_stock_list(struct decoder *decoder)
{
    static const char *const names[] = {"sale", "seller", "cursor", "limit"};
    enum { SALE, SELLER, CURSOR, LIMIT, COUNT };
    struct bytes values[COUNT];
    struct command *command = &decoder->request->work->command;
    uint64_t limit = LIST_DEFAULT;
    command->kind = COMMAND_STOCK_READ;
    if (!decode_query(decoder, names, COUNT, values))
        return false;
    for (uint32_t i = SALE; i <= SELLER; i++) {
        if (values[i].data != NULL && (values[i].size == 0 || values[i].size > NAME_SIZE_MAX))
            decode_fault(decoder, names[i], "must have 1 to 63 bytes");
    }
    decode_number(decoder, "cursor", values[CURSOR], 1, UINT32_MAX, &command->cursor);
    decode_number(decoder, "limit", values[LIMIT], 1, LIST_MAX, &limit);
    if (!decode_end(decoder))
        return false;
    decoder->request->work->items[0].sku = decode_keep(decoder, values[SALE]);
    decoder->request->work->items[1].sku = decode_keep(decoder, values[SELLER]);
    command->limit = (uint32_t)limit;
    return decode_end(decoder);
}

static void read_stock_set(struct decoder *decoder, uint32_t set, uint32_t compare)
{
    struct json_document *json = &decoder->json;
    struct command *command = &decoder->request->work->command;
    command->stock_set = json_read_uint32(json, set, 0, UINT32_MAX, &command->stock_value);
    if (compare == JSON_NONE)
        decode_fault(decoder, "compare", "must be sent with set: the allotment you believe it has");
    else
        json_read_uint32(json, compare, 0, UINT32_MAX, &command->stock_compare);
}

bool decode_stock_change(struct decoder *decoder)
{
    enum { DELTA, SET, COMPARE, FLOOR, REASON, MEMBERS };
    static const struct bytes names[MEMBERS] = {[DELTA] = JSON_NAMED("delta"),
        [SET] = JSON_NAMED("set"),
        [COMPARE] = JSON_NAMED("compare"),
        [FLOOR] = JSON_NAMED("floor"),
        [REASON] = JSON_NAMED("reason")};
    struct json_document *json = &decoder->json;
    struct command *command = &decoder->request->work->command;
    struct json_members members;
    command->kind = COMMAND_STOCK_CHANGE;
    command->actor = decode_keep(decoder, decoder->caller.actor);
    if (!decode_take_sku(decoder) || !decode_key(decoder) || !decode_body(decoder))
        return false;
    json_find_members(json, JSON_ROOT, names, MEMBERS, &members);
    uint32_t delta = json_given(json, &members, DELTA);
    uint32_t set = json_given(json, &members, SET);
    uint32_t compare = json_given(json, &members, COMPARE);
    if ((delta == JSON_NONE) == (set == JSON_NONE))
        decode_fault(decoder, "delta", "or set must be sent, one of them");
    else if (set != JSON_NONE)
        read_stock_set(decoder, set, compare);
    else if (compare != JSON_NONE)
        json_add_fault(json, compare, JSON_FAULT_VALUE, "belongs to set");
    else if (json_read_int64(
                 json, delta, -(int64_t)UINT32_MAX, UINT32_MAX, &command->stock_delta) &&
             command->stock_delta == 0)
        json_add_fault(json, delta, JSON_FAULT_RANGE, "must not be 0");
    uint32_t floor = json_given(json, &members, FLOOR);
    if (floor != JSON_NONE)
        json_read_boolean(json, floor, &command->stock_floor);
    decode_string(decoder, json_given(json, &members, REASON), REASON_ASKED_MAX, &command->reason);
    return decode_end(decoder);
}

/* "all", "sale:NAME", "sku:SKU" into the command. */
static const char *take_scope(struct command *command, struct bytes scope)
{
    static const struct bytes sale = {(const uint8_t *)"sale:", 5};
    static const struct bytes sku = {(const uint8_t *)"sku:", 4};
    if (bytes_equal(scope, BYTES("all"))) {
        command->switch_scope = SCOPE_ALL;
        return NULL;
    }
    if (scope.size > sale.size && memcmp(scope.data, sale.data, sale.size) == 0) {
        command->switch_scope = SCOPE_SALE;
        command->sale = bytes_of(scope.data + sale.size, scope.size - sale.size);
        return command->sale.size <= NAME_SIZE_MAX ? NULL : "names a sale of more than 63 bytes";
    }
    if (scope.size > sku.size && memcmp(scope.data, sku.data, sku.size) == 0) {
        command->switch_scope = SCOPE_SKU;
        command->sku = bytes_of(scope.data + sku.size, scope.size - sku.size);
        return catalog_sku_is_valid(command->sku) ? NULL : "names what cannot be a SKU";
    }
    return "must be all, sale:NAME or sku:SKU";
}

bool decode_switches(struct decoder *decoder)
{
    decoder->request->work->command.kind = COMMAND_SWITCHES_LIST;
    return decode_end(decoder);
}

bool decode_switch(struct decoder *decoder)
{
    static const uint8_t actions[ROUTE_COUNT] = {
        [ROUTE_ADMIN_PAUSE] = SWITCH_PAUSE,
        [ROUTE_ADMIN_FREEZE] = SWITCH_FREEZE,
        [ROUTE_ADMIN_KILL] = SWITCH_KILL,
        [ROUTE_ADMIN_RESUME] = SWITCH_RESUME,
    };
    static const struct bytes names[] = {JSON_NAMED("scope")};
    enum { SCOPE_TEXT_SIZE_MAX = 255 };
    struct json_document *json = &decoder->json;
    struct command *command = &decoder->request->work->command;
    struct json_members members;
    struct bytes scope = {0};
    command->kind = COMMAND_SWITCH;
    command->switch_action = actions[decoder->request->route];
    command->actor = decode_keep(decoder, decoder->caller.actor);
    if (!decode_body(decoder))
        return false;
    json_find_members(json, JSON_ROOT, names, 1, &members);
    /* It is never guessed: what stops everything must say so. */
    uint32_t token = json_given(json, &members, 0);
    if (token == JSON_NONE) {
        decode_fault(decoder, "scope", "must be sent: all, sale:NAME or sku:SKU");
        return decode_end(decoder);
    }
    decode_string(decoder, token, SCOPE_TEXT_SIZE_MAX, &scope);
    act_add(&decoder->request->act, scope);
    if (decoder->faults->count == 0 && scope.data != NULL) {
        const char *fault = take_scope(command, scope);
        if (fault == NULL && command->switch_action == SWITCH_FREEZE &&
            command->switch_scope != SCOPE_ALL)
            fault = "must be all: one clock runs for everything";
        if (fault != NULL)
            json_add_fault(json, token, JSON_FAULT_VALUE, fault);
    }
    return decode_end(decoder);
}

static bool is_csv(struct bytes type)
{
    static const char name[] = "text/csv";
    const uint32_t size = sizeof(name) - 1;
    if (type.size < size || !http_equals_ignoring_case(type.data, name, size))
        return false;
    return type.size == size || type.data[size] == ';' || type.data[size] == ' ';
}

/* The head of an import; its body goes another way. */
bool decode_import(struct decoder *decoder)
{
    static const char *const names[] = {"dry_run"};
    const struct http_request *parsed = decoder->parsed;
    struct command *command = &decoder->request->work->command;
    struct bytes dry_run;
    command->kind = COMMAND_IMPORT_BEGIN;
    command->actor = decode_keep(decoder, decoder->caller.actor);
    if (!http_has(parsed, HTTP_FIELD_CONTENT_TYPE) ||
        !is_csv(parsed->field[HTTP_FIELD_CONTENT_TYPE]))
        return decode_refuse(decoder, PROBLEM_MEDIA_TYPE, "Send the catalog as text/csv.");
    if (!decode_query(decoder, names, 1, &dry_run))
        return false;
    if (dry_run.data == NULL || bytes_equal(dry_run, BYTES("false")))
        return decode_end(decoder);
    if (!bytes_equal(dry_run, BYTES("true")))
        decode_fault(decoder, "dry_run", "must be true or false");
    decoder->request->route = ROUTE_ADMIN_IMPORT_DRY_RUN;
    act_add(&decoder->request->act, BYTES("dry_run"));
    return decode_end(decoder);
}
