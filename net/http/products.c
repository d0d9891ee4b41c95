/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products: one, or a page of those that match. A page ends at its limit, after a bounded number of
 * slots, or when the next product might not fit any more.
 */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/check.h"
#include "core/currency.h"
#include "net/http/decode.h"
#include "net/http/product.h"
#include "net/http/target.h"
#include "net/http/walk.h"

enum {
    PAGE_DEFAULT = 50,
    PAGE_MAX = 200,
    PRODUCT_SIZE_LIKELY = 768,
};

/* `currency` all 0: the product's own. The product has a price in it. */
static void put_product(struct http_context *context, struct json_writer *json, uint32_t sku_index,
    const struct product_terms *terms, const uint8_t currency[4], const struct offer *offer)
{
    const struct catalog *catalog = &context->shelf->catalog;
    struct product_texts texts;
    struct product_image image;
    catalog_texts(catalog, sku_index, &texts);
    product_describe(catalog, terms, &texts, &image);
    product_put(json, &image, currency, terms->version, offer);
}

static void answer_json(struct decoder *decoder, const struct json_writer *json)
{
    struct head head = {
        .status = 200,
        .type = HEAD_JSON,
        .cache = HEAD_NO_CACHE,
        .etag = HEAD_ETAG_STRONG,
        .etag_hash = XXH3_64bits(json->data, json->size),
    };
    decode_answer(decoder, json, &head);
}

void answer_product(struct decoder *decoder)
{
    static const uint8_t own_currency[4] = {0};
    const struct catalog *catalog = &decoder->context->shelf->catalog;
    uint32_t sku_index = catalog_find(catalog, decoder->capture);
    if (sku_index == SKU_NONE) {
        decode_refuse(decoder, PROBLEM_NOT_FOUND, "There is no such product.");
        return;
    }
    struct product_terms terms;
    catalog_terms(catalog, sku_index, &terms);
    /* Only its merchant sees what the sale hides. */
    bool is_merchant = decoder->request->route == ROUTE_ADMIN_PRODUCT;
    struct offer offer = is_merchant ? offer_exact(decoder->context, sku_index, &terms)
                                     : offer_of(decoder->context, sku_index, &terms);
    struct json_writer json = head_body(decoder->request);
    put_product(decoder->context, &json, sku_index, &terms, own_currency, &offer);
    if (json.overflow) {
        if (!decode_has_room(decoder, PRODUCT_SIZE_MAX))
            return;
        json = head_body(decoder->request);
        put_product(decoder->context, &json, sku_index, &terms, own_currency, &offer);
    }
    answer_json(decoder, &json);
}

static void answer_page(struct decoder *decoder, struct walk *walk)
{
    uint32_t likely = walk->left * PRODUCT_SIZE_LIKELY + PRODUCT_SIZE_MAX;
    if (!decode_has_room(decoder, likely))
        return;
    struct json_writer json = head_body(decoder->request);
    struct product_terms terms;
    uint32_t sku_index;
    json_open_object(&json);
    json_put_name(&json, "items");
    json_open_array(&json);
    while (walk_next(walk, &sku_index, &terms)) {
        if (json.size_max - json.size < PRODUCT_SIZE_MAX) {
            walk_back(walk, sku_index);
            break;
        }
        struct offer offer = offer_of(decoder->context, sku_index, &terms);
        put_product(decoder->context, &json, sku_index, &terms, walk->currency, &offer);
    }
    json_close_array(&json);
    walk_put_cursor(walk, &json);
    json_close_object(&json);
    answer_json(decoder, &json);
}

void answer_products(struct decoder *decoder)
{
    static const char *const names[] = {
        "category", "seller", "sale", "group", "currency", "cursor", "limit"};
    enum { CATEGORY, SELLER, SALE, GROUP, CURRENCY, CURSOR, LIMIT, COUNT };
    struct bytes values[COUNT];
    uint64_t cursor = 0, limit = PAGE_DEFAULT;
    uint8_t currency[4] = {0};
    if (!decode_query(decoder, names, COUNT, values))
        return;
    decode_number(decoder, "cursor", values[CURSOR], 1, UINT32_MAX, &cursor);
    decode_number(decoder, "limit", values[LIMIT], 1, PAGE_MAX, &limit);
    if (values[CURRENCY].data != NULL && !currency_find(values[CURRENCY], currency))
        decode_fault(decoder, "currency", "must be a currency code of ISO 4217");
    if (!decode_end(decoder))
        return;
    struct walk walk = walk_from(decoder->context, cursor, (uint32_t)limit);
    memcpy(walk.currency, currency, 4);
    if (values[CATEGORY].data != NULL)
        walk_only_category(&walk, values[CATEGORY]);
    if (values[SELLER].data != NULL)
        walk_only_seller(&walk, values[SELLER]);
    if (values[SALE].data != NULL)
        walk_only_sale(&walk, values[SALE]);
    if (values[GROUP].data != NULL)
        walk_only_group(&walk, values[GROUP]);
    answer_page(decoder, &walk);
}
