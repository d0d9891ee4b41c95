/* SPDX-License-Identifier: Apache-2.0 */
#include "core/check.h"
#include "net/http/render.h"
#include "net/http/walk.h"

enum { STOCK_ITEM_SIZE_MAX = 160 + 2 * SKU_SIZE_MAX };

static void put_numbers(struct json_writer *json, struct bytes sku, struct stock_numbers numbers)
{
    json_open_object(json);
    json_put_member_string(json, "sku", sku);
    json_put_member_integer(json, "allotment", numbers.allotment);
    json_put_member_integer(json, "available", numbers.available);
    json_put_member_integer(json, "held", numbers.held);
    json_put_member_integer(json, "sold", numbers.sold);
}

void render_stock(
    struct http_context *context, struct request *request, const struct answer *answer)
{
    struct stock_numbers numbers = {
        .allotment = answer->allotment,
        .available = answer->stock_available,
        .held = answer->held,
        .sold = answer->sold,
    };
    struct json_writer json = head_body(request);
    put_numbers(&json, request->work->command.sku, numbers);
    if (request->work->command.stock_floor)
        json_put_member_integer(&json, "short", answer->short_units);
    json_close_object(&json);
    render_end(context, request, &json, (struct head){.status = 200, .replayed = answer->replayed});
}

void render_stock_list(struct http_context *context, struct request *request)
{
    CHECK(context->shard == 0); /* which alone may ask for all four numbers */
    const struct command *command = &request->work->command;
    struct bytes sale = request->work->items[0].sku, seller = request->work->items[1].sku;
    struct walk walk = walk_from(context, command->cursor, command->limit);
    if (sale.size > 0)
        walk_only_sale(&walk, sale);
    if (seller.size > 0)
        walk_only_seller(&walk, seller);
    struct json_writer json = head_body(request);
    struct product_terms terms;
    uint32_t sku_index;
    json_open_object(&json);
    json_put_name(&json, "items");
    json_open_array(&json);
    while (walk_next(&walk, &sku_index, &terms)) {
        if (json.size_max - json.size < STOCK_ITEM_SIZE_MAX) {
            walk_back(&walk, sku_index);
            break;
        }
        put_numbers(&json, bytes_of(terms.sku.data, terms.sku.size),
            stock_numbers(&context->shelf->stock, sku_index));
        json_close_object(&json);
    }
    json_close_array(&json);
    walk_put_cursor(&walk, &json);
    json_close_object(&json);
    render_end(context, request, &json, (struct head){.status = 200});
}
