/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hotshelf-bench json: the bodies of requests read, those of replies written.
 */
#include <stdlib.h>

#include "bench/modules/core_module.h"
#include "bench/modules/placed.h"
#include "core/check.h"
#include "core/order_json.h"
#include "net/http/json.h"
#include "net/http/offer.h"

enum { BODIES = 20000, BODY = 4096, LINES = 4, TOKENS = BODY / 2, UNITS_MAX = 1000000 };

struct json_bench {
    struct placed placed;
    char body[BODY];
    struct bytes asked;
    uint8_t told[BODY];
    struct json_token tokens[TOKENS];
    uint8_t scratch[BODY];
    struct json_faults faults;
    uint32_t lines;
    struct offer offer; /* not known to the compiler, or it writes the item itself */
    struct bytes sku;
};

static void write_cart(struct json_bench *bench)
{
    int size = snprintf(bench->body, BODY, "{\"quantity\":1}");
    bench->asked = bytes_of(bench->body, (uint32_t)size);
}

static void write_checkout(struct json_bench *bench)
{
    int size = snprintf(bench->body, BODY, "{\"items\":[");
    for (uint32_t i = 0; i < bench->lines; i++)
        size += snprintf(bench->body + size, (size_t)(BODY - size),
            "%s{\"sku\":\"BENCH-CHECKOUT\",\"quantity\":1}", i == 0 ? "" : ",");
    size += snprintf(bench->body + size, (size_t)(BODY - size), "]}");
    bench->asked = bytes_of(bench->body, (uint32_t)size);
}

static void *open_json(const struct measure_case *own)
{
    struct json_bench *bench = calloc(1, sizeof *bench);
    CHECK(bench != NULL);
    bench->lines = own->kind;
    if (bench->lines == 0)
        write_cart(bench);
    else
        write_checkout(bench);
    placed_write(&bench->placed, bench->lines);
    bench->offer = (struct offer){.status = OFFER_AVAILABLE, .available = 123456};
    bench->sku = BYTES("BENCH-CHECKOUT");
    return bench;
}

static void close_json(void *context)
{
    free(context);
}

static void parse(struct json_bench *bench, struct json_document *json)
{
    const struct json_room room = {.tokens = bench->tokens,
        .token_count_max = TOKENS,
        .scratch = bench->scratch,
        .scratch_size = BODY,
        .faults = &bench->faults};
    CHECK(json_parse(json, bench->asked, &room));
}

enum { SKU, QUANTITY, MEMBERS };

static const struct bytes names[MEMBERS] = {
    [SKU] = JSON_NAMED("sku"), [QUANTITY] = JSON_NAMED("quantity")};

static uint32_t read_quantity(struct json_document *json, const struct json_members *members)
{
    uint32_t quantity = 0;
    CHECK(json_read_uint32(json, json_needed(json, members, QUANTITY), 1, UNITS_MAX, &quantity));
    return quantity;
}

static void read_cart(void *context, uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++) {
        struct json_document json;
        struct json_members members;
        parse(context, &json);
        json_find_members(&json, JSON_ROOT, names, MEMBERS, &members);
        measure_keep(read_quantity(&json, &members));
    }
}

static void read_item(struct json_document *json, uint32_t token)
{
    struct json_members members;
    struct bytes sku;
    json_find_members(json, token, names, MEMBERS, &members);
    CHECK(json_read_string(json, json_needed(json, &members, SKU), 1, SKU_SIZE_MAX, &sku));
    measure_keep(sku.size + read_quantity(json, &members));
}

static void read_items(void *context, uint32_t first, uint32_t count)
{
    static const struct bytes items_name[] = {JSON_NAMED("items")};
    for (uint32_t i = first; i < first + count; i++) {
        struct json_document json;
        struct json_members members;
        parse(context, &json);
        json_find_members(&json, JSON_ROOT, items_name, 1, &members);
        uint32_t items = json_needed(&json, &members, 0);
        CHECK(json_expect(&json, items, JSON_ARRAY));
        for (uint32_t at = json_first(&json, items); at != JSON_NONE; at = json_next(&json, at))
            read_item(&json, at);
    }
}

static void write_order(void *context, uint32_t first, uint32_t count)
{
    struct json_bench *bench = context;
    const struct event *event = &bench->placed.event;
    for (uint32_t i = first; i < first + count; i++) {
        struct json_writer json = json_writer_of(bench->told, BODY);
        json_open_object(&json);
        order_json_put_members(&json, event, 1, event->fact.order.payment_due_wall_ms);
        json_close_object(&json);
        CHECK(!json.overflow);
        measure_keep(json.size);
    }
}

static void write_offer(void *context, uint32_t first, uint32_t count)
{
    struct json_bench *bench = context;
    for (uint32_t i = first; i < first + count; i++) {
        struct json_writer json = json_writer_of(bench->told, BODY);
        json_open_array(&json);
        offer_put_item(&json, bench->sku, &bench->offer);
        json_close_array(&json);
        CHECK(!json.overflow);
        measure_keep(json.size);
    }
}

#define BODY_OF(title, what, lines, how)                                                           \
    {                                                                                              \
        .name = (title), .operation = (what), .kind = (lines), .count = BODIES, .open = open_json, \
        .close = close_json, .parts = {                                                            \
            {.run = (how)}                                                                         \
        }                                                                                          \
    }

static const struct measure_case cases[] = {
    BODY_OF("read_cart", "the body of a cart's change", 0, read_cart),
    BODY_OF("read_checkout", "the body of a checkout of one line", 1, read_items),
    BODY_OF("read_checkout_4", "of four lines", LINES, read_items),
    BODY_OF("write_offer", "an item of availability", 0, write_offer),
    BODY_OF("write_order", "an order of one line", 1, write_order),
    BODY_OF("write_order_4", "an order of four lines", LINES, write_order),
};

const struct core_module json_module = {
    .name = "json",
    .summary = "bodies read and written",
    .cases = cases,
    .count = sizeof cases / sizeof cases[0],
};
