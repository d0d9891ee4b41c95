/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/product.h"

#include "core/check.h"

static struct bytes name_bytes(const struct name *name)
{
    return bytes_of(name->data, name->size);
}

void product_describe(const struct catalog *catalog, const struct product_terms *terms,
    const struct product_texts *texts, struct product_image *image)
{
    *image = (struct product_image){
        .sku = name_bytes(&terms->sku),
        .title = bytes_of(texts->title, texts->title_size),
        .category = name_bytes(&texts->category),
        .seller = catalog_name(catalog, terms->seller_number),
        .sale = catalog_name(catalog, terms->sale_number),
        .group = name_bytes(&texts->group),
        .option = name_bytes(&texts->option),
        .image = bytes_of(texts->image, texts->image_size),
        .max_per_customer = terms->max_per_customer,
        .hold_seconds = terms->hold_seconds,
        .reserve_on = terms->reserve_on,
        .price_count = terms->price_count,
        .starts_wall_ms = terms->starts_wall_ms,
        .ends_wall_ms = terms->ends_wall_ms,
    };
    CHECK(image->price_count <= PRICES_MAX);
    for (uint32_t i = 0; i < image->price_count; i++) {
        memcpy(image->prices[i].currency, terms->prices[i].currency, 4);
        image->prices[i].amount = terms->prices[i].amount;
    }
}

uint32_t product_price_at(const struct product_image *image, const uint8_t currency[4])
{
    for (uint32_t i = 0; i < image->price_count; i++)
        if (memcmp(image->prices[i].currency, currency, 3) == 0)
            return i;
    return PRICES_MAX;
}

uint32_t product_size_max(const struct product_image *image)
{
    uint32_t texts = image->sku.size + image->title.size + image->category.size +
                     image->seller.size + image->sale.size + image->group.size +
                     image->option.size + image->image.size;
    return PRODUCT_SIZE_BASE + 6 * texts;
}

static void put_texts(struct json_writer *json, const struct product_image *image)
{
    json_put_member_string(json, "sku", image->sku);
    json_put_member_string(json, "title", image->title);
    json_put_member_string_or_null(json, "category", image->category);
    json_put_member_string_or_null(json, "seller", image->seller);
    json_put_member_string_or_null(json, "group", image->group);
    json_put_member_string_or_null(json, "option", image->option);
    json_put_member_string_or_null(json, "image", image->image);
}

static void put_prices(
    struct json_writer *json, const struct product_image *image, const uint8_t currency[4])
{
    uint32_t at = currency[0] == 0 ? 0 : product_price_at(image, currency);
    CHECK(at < image->price_count);
    json_put_member_integer(json, "price", image->prices[at].amount);
    json_put_member_currency(json, "currency", image->prices[at].currency);
    json_put_name(json, "prices");
    json_open_object(json);
    for (uint32_t i = 0; i < image->price_count; i++) {
        char code[4] = {0};
        memcpy(code, image->prices[i].currency, 3);
        json_put_member_integer(json, code, image->prices[i].amount);
    }
    json_close_object(json);
}

OF_LITERAL void put_number_or_null(struct json_writer *json, const char *name, uint32_t value)
{
    if (value > 0)
        json_put_member_integer(json, name, value);
    else
        json_put_member_null(json, name);
}

static void put_holding(struct json_writer *json, const struct product_image *image)
{
    struct bytes reserve_on = {0};
    if (image->reserve_on != RESERVE_UNSET)
        reserve_on = image->reserve_on == RESERVE_CART ? BYTES("cart") : BYTES("checkout");
    json_put_member_string_or_null(json, "reserve_on", reserve_on);
    put_number_or_null(json, "hold_seconds", image->hold_seconds);
}

void product_put(struct json_writer *json, const struct product_image *image,
    const uint8_t currency[4], uint32_t version, const struct offer *offer)
{
    json_open_object(json);
    put_texts(json, image);
    put_prices(json, image, currency);
    json_put_member_string(json, "status", offer_status_name(offer->status));
    json_put_name(json, "available");
    if (offer->is_hidden)
        json_put_null(json);
    else
        json_put_integer(json, offer->available);
    bool own = offer->is_exact; /* what the product says itself, and not its sale for it */
    put_number_or_null(
        json, "max_per_customer", own ? image->max_per_customer : offer->max_per_customer);
    json_put_member_string_or_null(json, "sale", image->sale);
    json_put_member_time(json, "starts_at", own ? image->starts_wall_ms : offer->starts_wall_ms);
    json_put_member_time(json, "ends_at", own ? image->ends_wall_ms : offer->ends_wall_ms);
    if (own)
        put_holding(json, image);
    json_put_member_integer(json, "version", version);
    json_close_object(json);
}
