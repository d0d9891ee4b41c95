/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/offer.h"

#include "core/check.h"
#include "core/counts.h"

static enum offer_status status_of(enum stock_answer answer)
{
    switch (answer) {
    case STOCK_TAKEN:
    case STOCK_INSUFFICIENT: /* of one unit: not answered, but some are left */
        return OFFER_AVAILABLE;
    case STOCK_SOLD_OUT:
        return OFFER_SOLD_OUT;
    case STOCK_HELD_BY_OTHERS:
        return OFFER_HELD_BY_OTHERS;
    }
    CHECK(!"every answer of the stock has a status");
    return OFFER_UNKNOWN;
}

/* What the product leaves to its sale. */
static struct offer begin(const struct product_terms *terms, const struct sale *sale)
{
    struct offer offer = {
        .starts_wall_ms = terms->starts_wall_ms,
        .ends_wall_ms = terms->ends_wall_ms,
        .max_per_customer = terms->max_per_customer,
    };
    if (offer.starts_wall_ms == 0)
        offer.starts_wall_ms = sale->starts_wall_ms;
    if (offer.ends_wall_ms == 0)
        offer.ends_wall_ms = sale->ends_wall_ms;
    if (offer.max_per_customer == 0)
        offer.max_per_customer = sale->max_per_customer;
    return offer;
}

static struct offer look(struct http_context *context, uint32_t sku_index,
    const struct product_terms *terms, const struct sale *sale)
{
    struct stock *stock = &context->shelf->stock;
    struct offer offer = begin(terms, sale);
    offer.status = status_of(stock_look(stock, sku_index, 1, &offer.available));
    if (offer.status == OFFER_HELD_BY_OTHERS && !context->now.frozen)
        offer.next_release_wall_ms =
            http_wall_of(context, stock_next_release(stock, sku_index, context->now.shelf_ms));
    if (switches_state(&context->shelf->switches, sku_index, terms->sale_number) != 0)
        offer.status = OFFER_PAUSED;
    if (offer.starts_wall_ms != 0 && context->now.wall_ms < offer.starts_wall_ms)
        offer.status = OFFER_NOT_STARTED;
    if (offer.ends_wall_ms != 0 && context->now.wall_ms >= offer.ends_wall_ms)
        offer.status = OFFER_ENDED;
    return offer;
}

struct offer offer_exact(
    struct http_context *context, uint32_t sku_index, const struct product_terms *terms)
{
    struct sale sale;
    catalog_sale(&context->shelf->catalog, terms->sale_number, &sale);
    struct offer offer = look(context, sku_index, terms, &sale);
    offer.is_exact = true;
    return offer;
}

struct offer offer_of(
    struct http_context *context, uint32_t sku_index, const struct product_terms *terms)
{
    struct sale sale;
    catalog_sale(&context->shelf->catalog, terms->sale_number, &sale);
    struct offer offer = look(context, sku_index, terms, &sale);
    offer.is_hidden = counts_are_hidden(&sale);
    offer.available = offer.is_hidden ? 0 : counts_shown(&sale, offer.available);
    return offer;
}

struct offer offer_find(struct http_context *context, struct bytes sku)
{
    const struct catalog *catalog = &context->shelf->catalog;
    uint32_t sku_index = catalog_find(catalog, sku);
    if (sku_index == SKU_NONE)
        return (struct offer){.status = OFFER_UNKNOWN};
    struct product_terms terms;
    catalog_terms(catalog, sku_index, &terms);
    return offer_of(context, sku_index, &terms);
}

struct bytes offer_as_of(struct http_context *context)
{
    _Static_assert(sizeof(context->as_of) == JSON_TIME_SIZE + 2, "as_of is a time in quotes");
    if (context->as_of_wall_ms != context->now.wall_ms) {
        context->as_of_wall_ms = context->now.wall_ms;
        context->as_of[0] = context->as_of[JSON_TIME_SIZE + 1] = '"';
        json_format_time(context->as_of + 1, context->now.wall_ms);
    }
    return bytes_of(context->as_of, sizeof(context->as_of));
}

struct bytes offer_status_name(enum offer_status status)
{
    switch (status) {
    case OFFER_AVAILABLE:
        return BYTES("available");
    case OFFER_SOLD_OUT:
        return BYTES("sold_out");
    case OFFER_HELD_BY_OTHERS:
        return BYTES("held_by_others");
    case OFFER_NOT_STARTED:
        return BYTES("not_started");
    case OFFER_ENDED:
        return BYTES("ended");
    case OFFER_PAUSED:
        return BYTES("paused");
    case OFFER_UNKNOWN:
        break;
    }
    return BYTES("unknown");
}

/* Each answers where it goes on. Inline, so that a literal is a few stores. */
static inline uint8_t *put(uint8_t *at, struct bytes text)
{
    bytes_copy(at, text);
    return at + text.size;
}

static uint8_t *put_number(uint8_t *at, uint32_t number)
{
    uint32_t digits = json_digits(number);
    json_put_digits(at, digits, number);
    return at + digits;
}

static uint8_t *put_sku(uint8_t *at, struct bytes sku)
{
    if (sku.size == 0 || memchr(sku.data, '\\', sku.size) == NULL)
        return put(at, sku);
    for (uint32_t i = 0; i < sku.size; i++) {
        if (sku.data[i] == '\\') /* the one character of a SKU that JSON escapes */
            *at++ = '\\';
        *at++ = sku.data[i];
    }
    return at;
}

static uint8_t *put_time(uint8_t *at, int64_t wall_ms)
{
    if (wall_ms == 0)
        return put(at, BYTES("null"));
    *at++ = '"';
    json_format_time((char *)at, wall_ms);
    at += JSON_TIME_SIZE;
    *at++ = '"';
    return at;
}

/* Put together by hand, where it shall stand: this is most of the most frequent reply. */
void offer_put_item(struct json_writer *json, struct bytes sku, const struct offer *offer)
{
    CHECK(sku.size <= SKU_SIZE_MAX);
    bool has_comma = json->comma;
    uint8_t *room = json_room(json, OFFER_ITEM_SIZE_MAX);
    if (room == NULL)
        return;
    uint8_t *at = room;
    if (has_comma)
        *at++ = ',';
    at = put(at, BYTES("{\"sku\":\""));
    at = put_sku(at, sku);
    at = put(at, BYTES("\",\"status\":\""));
    at = put(at, offer_status_name(offer->status));
    at = put(at, BYTES("\",\"available\":"));
    at = offer->is_hidden ? put(at, BYTES("null")) : put_number(at, offer->available);
    at = put(at, BYTES(",\"next_release_at\":"));
    at = put_time(at, offer->next_release_wall_ms);
    at = put(at, BYTES(",\"starts_at\":"));
    at = put_time(at, offer->starts_wall_ms);
    *at++ = '}';
    json->comma = true;
    json->size -= OFFER_ITEM_SIZE_MAX - (uint32_t)(at - room);
}
