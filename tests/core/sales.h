/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sales - a merchant's sales and their products, for tests of the core.
 *
 * Ownership  The shop of counter.h.
 * Threads    One.
 * Units      Pence.
 * Errors     Assertions of cmocka.
 * Cost       A command each.
 */
#ifndef HOTSHELF_TESTS_CORE_SALES_H
#define HOTSHELF_TESTS_CORE_SALES_H

#include "tests/core/counter.h"

static inline enum outcome put(const char *name, const struct sale_image *image)
{
    struct command command = {
        .kind = COMMAND_SALE_SET,
        .role = ROLE_OPERATOR,
        .sale = bytes_of_string(name),
        .sale_image = image,
        .actor = BYTES("ann"),
    };
    return shop_run(&shop, &command);
}

static inline void product_of(const char *sku, const char *sale, const struct product_image *more)
{
    struct product_image image = *more;
    image.sku = bytes_of_string(sku);
    image.title = BYTES("A thing");
    image.seller = BYTES("seller-1");
    image.sale = bytes_of_string(sale);
    image.price_count = 1;
    image.prices[0].amount = 100;
    memcpy(image.prices[0].currency, "GBP", 4);
    shop_product_as(&shop, &image);
}

#endif
