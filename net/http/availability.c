/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Availability, the most frequent question: answered where it arrives, from the shared counters,
 * waiting for nothing (A1, A2).
 *
 *     ?skus=A,B, or a body      an entry for each SKU asked, in order (A3)
 *     ?sale= or ?group=         the products of it, page by page: next_cursor is there as long as
 *                               there may be more
 *
 * The ETag covers the items, not as_of: it is weak, since the bytes differ while nothing changed.
 */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/check.h"
#include "net/http/decode.h"
#include "net/http/syntax.h"
#include "net/http/target.h"
#include "net/http/walk.h"

enum { SKUS_MAX = DECODE_SKUS_MAX, AS_OF_SIZE = 64 };

_Static_assert(SKUS_MAX <= (int)LINES_PER_ORDER_MAX, "the slot's items hold the SKUs asked for");
_Static_assert(2 * AS_OF_SIZE + SKUS_MAX * (int)OFFER_ITEM_SIZE_MAX <=
                   (int)REQUEST_REPLY_LARGE - (int)REQUEST_HEAD_SIZE,
    "the largest reply fits");

static void begin_reply(const struct decoder *decoder, struct json_writer *json)
{
    json_open_object(json);
    json_put_member_raw(json, "as_of", offer_as_of(decoder->context));
    json_put_name(json, "items");
    json_open_array(json);
}

static void end_reply(struct decoder *decoder, struct json_writer *json, uint32_t items_start)
{
    json_close_object(json);
    struct head head = {
        .status = 200,
        .type = HEAD_JSON,
        .cache = HEAD_NO_CACHE,
        .etag = HEAD_ETAG_WEAK,
        .etag_hash = XXH3_64bits(json->data + items_start, json->size - items_start),
    };
    decode_answer(decoder, json, &head);
}

static void answer_skus(struct decoder *decoder, uint32_t count, bool only_available)
{
    if (!decode_has_room(decoder, AS_OF_SIZE + count * OFFER_ITEM_SIZE_MAX))
        return;
    const struct command_item *items = decoder->request->work->items;
    struct json_writer json = head_body(decoder->request);
    begin_reply(decoder, &json);
    uint32_t items_start = json.size;
    for (uint32_t i = 0; i < count; i++) {
        struct offer offer = offer_find(decoder->context, items[i].sku);
        if (!only_available || offer.status == OFFER_AVAILABLE)
            offer_put_item(&json, items[i].sku, &offer);
    }
    json_close_array(&json);
    end_reply(decoder, &json, items_start);
}

static void answer_list(struct decoder *decoder, struct bytes list)
{
    uint32_t count = decode_skus(decoder, list);
    if (decode_end(decoder))
        answer_skus(decoder, count, false);
}

static void answer_walk(struct decoder *decoder, struct walk *walk)
{
    if (!decode_has_room(decoder, 2 * AS_OF_SIZE + SKUS_MAX * OFFER_ITEM_SIZE_MAX))
        return;
    struct json_writer json = head_body(decoder->request);
    begin_reply(decoder, &json);
    uint32_t items_start = json.size, sku_index;
    struct product_terms terms;
    while (walk_next(walk, &sku_index, &terms)) {
        struct offer offer = offer_of(decoder->context, sku_index, &terms);
        offer_put_item(&json, bytes_of(terms.sku.data, terms.sku.size), &offer);
    }
    json_close_array(&json);
    walk_put_cursor(walk, &json);
    end_reply(decoder, &json, items_start);
}

static void answer_get(struct decoder *decoder)
{
    static const char *const names[] = {"skus", "sale", "group", "cursor", "limit"};
    enum { SKUS, SALE, GROUP, CURSOR, LIMIT, COUNT };
    struct bytes values[COUNT];
    uint64_t cursor = 0, limit = SKUS_MAX;
    if (!decode_query(decoder, names, COUNT, values))
        return;
    int ways =
        (values[SKUS].data != NULL) + (values[SALE].data != NULL) + (values[GROUP].data != NULL);
    if (ways != 1)
        decode_fault(decoder, "skus", "or sale or group must be sent, exactly one of them");
    decode_number(decoder, "cursor", values[CURSOR], 1, UINT32_MAX, &cursor);
    decode_number(decoder, "limit", values[LIMIT], 1, SKUS_MAX, &limit);
    if (!decode_end(decoder))
        return;
    if (values[SKUS].data != NULL) {
        answer_list(decoder, values[SKUS]);
        return;
    }
    struct walk walk = walk_from(decoder->context, cursor, (uint32_t)limit);
    if (values[SALE].data != NULL)
        walk_only_sale(&walk, values[SALE]);
    else
        walk_only_group(&walk, values[GROUP]);
    answer_walk(decoder, &walk);
}

static void read_skus(struct decoder *decoder, uint32_t array, uint32_t *count)
{
    struct json_document *json = &decoder->json;
    struct command_item *items = decoder->request->work->items;
    if (array == JSON_NONE || !json_expect(json, array, JSON_ARRAY))
        return;
    uint32_t size = json->tokens[array].count;
    if (size == 0 || size > SKUS_MAX) {
        json_add_fault(json, array, JSON_FAULT_SIZE, "must name 1 to 500 SKUs");
        return;
    }
    for (uint32_t at = json_first(json, array); at != JSON_NONE; at = json_next(json, at)) {
        struct bytes *sku = &items[*count].sku;
        if (json_read_string(json, at, 1, SKU_SIZE_MAX, sku) && !catalog_sku_is_valid(*sku))
            json_add_fault(json, at, JSON_FAULT_VALUE,
                "must be printable ASCII without space, quote, comma or slash");
        (*count)++;
    }
}

static void answer_post(struct decoder *decoder)
{
    enum { SKUS, ONLY_AVAILABLE, MEMBERS };
    static const struct bytes names[MEMBERS] = {
        [SKUS] = JSON_NAMED("skus"), [ONLY_AVAILABLE] = JSON_NAMED("only_available")};
    struct json_members members;
    uint32_t count = 0;
    bool only_available = false;
    if (!decode_body(decoder))
        return;
    struct json_document *json = &decoder->json;
    json_find_members(json, JSON_ROOT, names, MEMBERS, &members);
    read_skus(decoder, json_needed(json, &members, SKUS), &count);
    uint32_t only = json_given(json, &members, ONLY_AVAILABLE);
    if (only != JSON_NONE)
        json_read_boolean(json, only, &only_available);
    if (decode_end(decoder))
        answer_skus(decoder, count, only_available);
}

/* "skus=S1" and nothing else, nothing encoded: what a product page asks, without the detours. */
static bool answer_one(struct decoder *decoder)
{
    static const char prefix[] = "skus=";
    const uint32_t size = sizeof(prefix) - 1;
    struct bytes query = decoder->parsed->query;
    if (query.size <= size || memcmp(query.data, prefix, size) != 0)
        return false;
    struct bytes sku = bytes_of(query.data + size, query.size - size);
    if (!http_is_bare_value(sku) || !catalog_sku_is_valid(sku))
        return false;
    decoder->request->work->items[0].sku = sku;
    answer_skus(decoder, 1, false);
    return true;
}

void answer_availability(struct decoder *decoder)
{
    if (decoder->request->route == ROUTE_AVAILABILITY_POST)
        answer_post(decoder);
    else if (!answer_one(decoder))
        answer_get(decoder);
}
