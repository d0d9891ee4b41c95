/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A product that was changed, as everybody sees it once the change is durable. The catalog shows it
 * only then, so the reply is written from the command; it waits for the same disk.
 */
#include "core/check.h"
#include "net/http/problem.h"
#include "net/http/product.h"
#include "net/http/render.h"

void render_product(
    struct http_context *context, struct request *request, const struct answer *answer)
{
    static const uint8_t own_currency[4] = {0};
    const struct catalog *catalog = &context->shelf->catalog;
    const struct product_image *image = request->work->command.product;
    uint32_t sku_index = catalog_find(catalog, image->sku);
    if (sku_index == SKU_NONE) { /* while the change went from shard to shard its sale left */
        problem_answer(context, request, PROBLEM_NOT_FOUND, "The product left with its sale.");
        return;
    }
    CHECK(answer->version != 0);
    struct product_terms terms;
    catalog_terms(catalog, sku_index, &terms);
    terms.sale_number = catalog_name_find(catalog, image->sale);
    terms.max_per_customer = image->max_per_customer;
    terms.starts_wall_ms = image->starts_wall_ms;
    terms.ends_wall_ms = image->ends_wall_ms;
    struct offer offer = offer_exact(context, sku_index, &terms);
    struct json_writer json = head_body(request);
    product_put(&json, image, own_currency, answer->version, &offer);
    render_end(context, request, &json, (struct head){.status = 200});
}
