/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sizes are estimated before a command runs, so that an effect finds room for its reply. The
 * estimate is what texts without escapes need; the rare reply that is larger, and the replay of a
 * cart that is long gone, come back for a large one and run again, as a retry by the client would.
 */
#include "net/http/render.h"

#include "core/check.h"
#include "net/http/product.h"

enum {
    REFUSAL_BASE = 1024,
    REFUSAL_LINE = 256 + SKU_SIZE_MAX,
    CART_BASE = 128,
    CART_LINE = 256 + SKU_SIZE_MAX,
    ORDER_BASE = 640 + NAME_SIZE_MAX,
    ORDER_LINE = 192 + SKU_SIZE_MAX + 2 * NAME_SIZE_MAX,
    STOCK_ITEM = 96 + 4 * 10 + SKU_SIZE_MAX,
    LARGEST = REQUEST_REPLY_LARGE - REQUEST_HEAD_SIZE,
};

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint32_t bound_of_order(
    const struct engine *engine, const struct request *request, uint32_t lines)
{
    const struct command *command = &request->work->command;
    uint32_t texts = command->customer.size + command->references.size;
    if (command->kind != COMMAND_CHECKOUT)
        texts = CUSTOMER_SIZE_MAX + engine_order_texts(engine, command->order_id);
    texts += command->adjustments.size;
    return larger(ORDER_BASE + texts + lines * ORDER_LINE, REFUSAL_BASE + lines * REFUSAL_LINE);
}

static uint32_t bound_of(const struct engine *engine, const struct request *request)
{
    const struct command *command = &request->work->command;
    uint32_t lines;
    switch (command->kind) {
    case COMMAND_CART_READ:
    case COMMAND_CART_EXTEND:
        lines = engine_cart_lines(engine, command->customer);
        return larger(CART_BASE + lines * CART_LINE, REFUSAL_BASE);
    case COMMAND_CART_SET:
        lines = engine_cart_lines(engine, command->customer) + 1;
        return larger(CART_BASE + lines * CART_LINE, REFUSAL_BASE + REFUSAL_LINE);
    case COMMAND_CHECKOUT:
        lines = command->item_count;
        if (lines == 0)
            lines = engine_cart_lines(engine, command->customer);
        return bound_of_order(engine, request, lines);
    case COMMAND_ORDER_READ:
    case COMMAND_PAYMENT:
    case COMMAND_CANCEL:
    case COMMAND_REVIEW:
        return bound_of_order(engine, request, engine_order_lines(engine, command->order_id));
    case COMMAND_ORDERS_LIST:
        return CART_BASE; /* most customers have few; a long list comes back for more room */
    case COMMAND_STOCK_READ:
        return CART_BASE + larger(command->limit, 1) * STOCK_ITEM;
    case COMMAND_SWITCHES_LIST:
        return render_switches_bound();
    case COMMAND_ORDERS_FIND: /* what they carry stands behind the reply, from the first visit on */
    case COMMAND_RESERVATIONS:
    case COMMAND_AUDIT:
    case COMMAND_CUSTOMER_READ:
    case COMMAND_CART_MERGE:
        return LARGEST;
    case COMMAND_SWITCH:
    case COMMAND_CART_CLEAR:
    case COMMAND_STOCK_CHANGE:
    case COMMAND_IMPORT_BEGIN:
    case COMMAND_IMPORT_END:
        return REFUSAL_BASE;
    case COMMAND_SALE_SET:
    case COMMAND_SALE_REMOVE:
        return REFUSAL_BASE;
    case COMMAND_PRODUCT_SET: /* cannot run twice: it would meet its own change */
        return larger(REFUSAL_BASE, product_size_max(command->product));
    case COMMAND_NONE:
        break;
    }
    CHECK(!"a command that is run has a kind");
    return 0;
}

uint32_t http_reply_bound(const struct engine *engine, const struct request *request)
{
    uint32_t bound = bound_of(engine, request);
    return bound < LARGEST ? bound : LARGEST;
}

void render_end(const struct http_context *context, struct request *request,
    const struct json_writer *json, struct head head)
{
    request->reply.overflow = json->overflow;
    if (json->overflow)
        return;
    head.type = HEAD_JSON;
    head.cache = HEAD_PRIVATE_NO_STORE;
    head_put(context, request, &head, json->size);
}

static void render_cleared(const struct http_context *context, const struct engine *engine,
    struct request *request, const struct answer *answer)
{
    struct cart_view cart;
    engine_cart(engine, answer->customer_index, &cart);
    struct head head = {
        .status = 204,
        .type = HEAD_NO_BODY,
        .cache = HEAD_PRIVATE_NO_STORE,
        .etag = HEAD_ETAG_VERSION,
        .etag_hash = cart.version,
    };
    head_put(context, request, &head, 0);
}

static void render_success(struct http_context *context, const struct engine *engine,
    struct request *request, const struct answer *answer)
{
    switch (request->work->command.kind) {
    case COMMAND_CART_READ:
    case COMMAND_CART_SET:
    case COMMAND_CART_EXTEND:
    case COMMAND_CART_MERGE:
        render_cart(context, engine, request, answer);
        return;
    case COMMAND_CART_CLEAR:
        render_cleared(context, engine, request, answer);
        return;
    case COMMAND_CHECKOUT:
    case COMMAND_ORDER_READ:
    case COMMAND_PAYMENT:
    case COMMAND_CANCEL:
    case COMMAND_REVIEW:
        render_order(context, engine, request, answer);
        return;
    case COMMAND_ORDERS_LIST:
        render_orders(context, engine, request, answer);
        return;
    case COMMAND_STOCK_CHANGE:
    case COMMAND_STOCK_READ:
        render_stock(context, request, answer);
        return;
    case COMMAND_ORDERS_FIND:
        render_orders_found(context, request);
        return;
    case COMMAND_CUSTOMER_READ:
        render_customer(context, engine, request, answer);
        return;
    case COMMAND_RESERVATIONS:
        render_reservations(context, request);
        return;
    case COMMAND_AUDIT:
        render_audit(context, request);
        return;
    case COMMAND_PRODUCT_SET:
        render_product(context, request, answer);
        return;
    case COMMAND_SALE_SET:
    case COMMAND_SALE_REMOVE:
        render_sale(context, request, answer);
        return;
    case COMMAND_SWITCH:
        render_switch(context, request, answer);
        return;
    case COMMAND_SWITCHES_LIST:
        render_switches(context, request);
        return;
    case COMMAND_IMPORT_BEGIN:
    case COMMAND_IMPORT_END:
    case COMMAND_NONE:
        break;
    }
    CHECK(!"imports answer for themselves");
}

bool http_render(struct http_context *context, const struct engine *engine, struct request *request,
    const struct answer *answer)
{
    request->reply.overflow = false;
    request->needs_room = false;
    if (request->route == ROUTE_ADMIN_STOCK_LIST)
        render_stock_list(context, request);
    else if (request->route == ROUTE_PAYMENT_EVENT && render_is_recorded(answer))
        render_payment_event(context, engine, request, answer);
    else if (answer->outcome == OUTCOME_OK)
        render_success(context, engine, request, answer);
    else
        render_refusal(context, engine, request, answer);
    if (!request->reply.overflow)
        return true;
    if (request->large == 0) {
        request->needs_room = true;
        return false;
    }
    problem_answer(context, request, PROBLEM_OVERLOADED,
        "The reply is larger than this server's largest. What was asked has been done.");
    return true;
}
