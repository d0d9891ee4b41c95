/* SPDX-License-Identifier: Apache-2.0 */
/*
 * product - a product as the merchant describes it: out of the catalog, and into JSON.
 *
 *     catalog --describe--> struct product_image --put--> {"sku":..,"title":.., its offer, version}
 *                               |        ^
 *                               +-PATCH--+ decode_product.c
 *
 * Ownership  An image borrows from the terms and texts it was made of, and from the names of the
 *            catalog.
 * Threads    Any shard.
 * Units      Minor units of money; wall milliseconds, 0 for none; sizes in bytes.
 * Errors     The writer's overflow.
 * Cost       One pass over the texts.
 */
#ifndef HOTSHELF_NET_HTTP_PRODUCT_H
#define HOTSHELF_NET_HTTP_PRODUCT_H

#include "core/catalog.h"
#include "core/command.h"
#include "net/http/offer.h"

enum {
    PRODUCT_SIZE_BASE = 1024, /* names of members, numbers, times, eight prices */
    /* every byte of every text escaped */
    PRODUCT_SIZE_MAX =
        PRODUCT_SIZE_BASE + 6 * (SKU_SIZE_MAX + 5 * NAME_SIZE_MAX + 2 * TITLE_SIZE_MAX),
};

/* Of a product whose terms and texts were read; stock and expected_version are 0. */
void product_describe(const struct catalog *catalog, const struct product_terms *terms,
    const struct product_texts *texts, struct product_image *image);

/* Where the price in a currency stands in image->prices; PRICES_MAX: there is none. */
uint32_t product_price_at(const struct product_image *image, const uint8_t currency[4]);

/* Bytes that product_put() writes at most. */
uint32_t product_size_max(const struct product_image *image);

/* `currency` all 0: the product's own. The product has a price in it. */
void product_put(struct json_writer *json, const struct product_image *image,
    const uint8_t currency[4], uint32_t version, const struct offer *offer);

#endif
