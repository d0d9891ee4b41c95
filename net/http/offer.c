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
    return look(context, sku_index, terms, &sale);
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

static uint32_t append(uint8_t *text, uint32_t size, struct bytes part)
{
    memcpy(text + size, part.data, part.size);
    return size + part.size;
}

static uint32_t append_number(uint8_t *text, uint32_t size, uint32_t number)
{
    uint8_t digits[10];
    uint32_t first = sizeof(digits);
    do {
        digits[--first] = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    return append(text, size, bytes_of(digits + first, (uint32_t)sizeof(digits) - first));
}

static uint32_t append_sku(uint8_t *text, uint32_t size, struct bytes sku)
{
    for (uint32_t i = 0; i < sku.size; i++) {
        if (sku.data[i] == '\\') /* the one character of a SKU that JSON escapes */
            text[size++] = '\\';
        text[size++] = sku.data[i];
    }
    return size;
}

static uint32_t append_time(uint8_t *text, uint32_t size, int64_t wall_ms)
{
    char time[JSON_TIME_SIZE];
    if (wall_ms == 0)
        return append(text, size, BYTES("null"));
    json_format_time(time, wall_ms);
    text[size++] = '"';
    size = append(text, size, bytes_of(time, sizeof(time)));
    text[size++] = '"';
    return size;
}

/* Put together by hand: this is most of the most frequent reply. */
void offer_put_item(struct json_writer *json, struct bytes sku, const struct offer *offer)
{
    uint8_t text[OFFER_ITEM_SIZE_MAX];
    CHECK(sku.size <= SKU_SIZE_MAX);
    uint32_t size = append(text, 0, BYTES("{\"sku\":\""));
    size = append_sku(text, size, sku);
    size = append(text, size, BYTES("\",\"status\":\""));
    size = append(text, size, offer_status_name(offer->status));
    size = append(text, size, BYTES("\",\"available\":"));
    if (offer->is_hidden)
        size = append(text, size, BYTES("null"));
    else
        size = append_number(text, size, offer->available);
    size = append(text, size, BYTES(",\"next_release_at\":"));
    size = append_time(text, size, offer->next_release_wall_ms);
    size = append(text, size, BYTES(",\"starts_at\":"));
    size = append_time(text, size, offer->starts_wall_ms);
    text[size++] = '}';
    json_put_raw(json, bytes_of(text, size));
}
