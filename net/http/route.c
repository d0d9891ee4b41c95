/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pattern is what stands before its one variable segment and what stands after it; a pattern
 * without one has no `after`. Matching is then two comparisons and a look for a slash between them.
 */
#include "net/http/route.h"

#include "core/check.h"
#include "net/http/words.h"

struct route_line {
    struct bytes before;
    struct bytes after;
    bool has_capture;
    uint8_t routes[HTTP_METHOD_COUNT]; /* enum http_route */
};

#define PATTERN(text)                                                                              \
    {                                                                                              \
        (const uint8_t *)(text), (uint32_t)sizeof(text) - 1                                        \
    }
#define PATH(text) .before = PATTERN(text)
#define PATH_OF(text, rest) .before = PATTERN(text), .after = PATTERN(rest), .has_capture = true
#define READ(route) [HTTP_GET] = (route), [HTTP_HEAD] = (route)

static const struct route_line storefront_lines[] = {
    {PATH("/v1/availability"),
        .routes = {READ(ROUTE_AVAILABILITY), [HTTP_POST] = ROUTE_AVAILABILITY_POST}},
    {PATH("/v1/checkout"), .routes = {[HTTP_POST] = ROUTE_CHECKOUT}},
    {PATH_OF("/v1/cart/items/", ""),
        .routes = {[HTTP_PUT] = ROUTE_CART_ITEM_PUT, [HTTP_DELETE] = ROUTE_CART_ITEM_DELETE}},
    {PATH("/v1/cart"), .routes = {READ(ROUTE_CART), [HTTP_DELETE] = ROUTE_CART_CLEAR}},
    {PATH("/v1/cart/extend"), .routes = {[HTTP_POST] = ROUTE_CART_EXTEND}},
    {PATH("/v1/cart/merge"), .routes = {[HTTP_POST] = ROUTE_CART_MERGE}},
    {PATH_OF("/v1/orders/", "/payment"), .routes = {[HTTP_POST] = ROUTE_PAYMENT}},
    {PATH("/v1/guests"), .routes = {[HTTP_POST] = ROUTE_GUESTS}},
    {PATH("/v1/availability/stream"), .routes = {READ(ROUTE_STREAM)}},
    {PATH("/v1/payment-events"), .routes = {[HTTP_POST] = ROUTE_PAYMENT_EVENT}},
    {PATH_OF("/v1/orders/", "/cancel"), .routes = {[HTTP_POST] = ROUTE_CANCEL}},
    {PATH_OF("/v1/orders/", ""), .routes = {READ(ROUTE_ORDER)}},
    {PATH("/v1/orders"), .routes = {READ(ROUTE_ORDERS)}},
    {PATH_OF("/v1/products/", ""), .routes = {READ(ROUTE_PRODUCT)}},
    {PATH("/v1/products"), .routes = {READ(ROUTE_PRODUCTS)}},
    {PATH("/livez"), .routes = {READ(ROUTE_LIVEZ)}},
    {PATH("/readyz"), .routes = {READ(ROUTE_READYZ)}},
    {PATH("/openapi.json"), .routes = {READ(ROUTE_OPENAPI)}},
};

static const struct route_line admin_lines[] = {
    {PATH_OF("/admin/v1/products/", "/stock"), .routes = {[HTTP_POST] = ROUTE_ADMIN_STOCK_CHANGE}},
    {PATH_OF("/admin/v1/products/", ""),
        .routes = {READ(ROUTE_ADMIN_PRODUCT), [HTTP_PATCH] = ROUTE_ADMIN_PRODUCT_PATCH}},
    {PATH_OF("/admin/v1/stock/", ""), .routes = {READ(ROUTE_ADMIN_STOCK)}},
    {PATH("/admin/v1/stock"), .routes = {READ(ROUTE_ADMIN_STOCK_LIST)}},
    {PATH_OF("/admin/v1/sales/", ""),
        .routes = {READ(ROUTE_ADMIN_SALE), [HTTP_PUT] = ROUTE_ADMIN_SALE_PUT,
            [HTTP_DELETE] = ROUTE_ADMIN_SALE_DELETE}},
    {PATH("/admin/v1/sales"), .routes = {READ(ROUTE_ADMIN_SALES)}},
    {PATH_OF("/admin/v1/orders/", "/review"), .routes = {[HTTP_POST] = ROUTE_ADMIN_ORDER_REVIEW}},
    {PATH_OF("/admin/v1/orders/", "/cancel"), .routes = {[HTTP_POST] = ROUTE_ADMIN_ORDER_CANCEL}},
    {PATH_OF("/admin/v1/orders/", ""), .routes = {READ(ROUTE_ADMIN_ORDER)}},
    {PATH("/admin/v1/pause"), .routes = {[HTTP_POST] = ROUTE_ADMIN_PAUSE}},
    {PATH("/admin/v1/freeze"), .routes = {[HTTP_POST] = ROUTE_ADMIN_FREEZE}},
    {PATH("/admin/v1/kill"), .routes = {[HTTP_POST] = ROUTE_ADMIN_KILL}},
    {PATH("/admin/v1/resume"), .routes = {[HTTP_POST] = ROUTE_ADMIN_RESUME}},
    {PATH("/admin/v1/switches"), .routes = {READ(ROUTE_ADMIN_SWITCHES)}},
    {PATH("/admin/v1/orders"), .routes = {READ(ROUTE_ADMIN_ORDERS)}},
    {PATH_OF("/admin/v1/customers/", ""), .routes = {READ(ROUTE_ADMIN_CUSTOMER)}},
    {PATH("/admin/v1/reservations"), .routes = {READ(ROUTE_ADMIN_RESERVATIONS)}},
    {PATH("/admin/v1/audit"), .routes = {READ(ROUTE_ADMIN_AUDIT)}},
    {PATH("/admin/v1/import"), .routes = {[HTTP_POST] = ROUTE_ADMIN_IMPORT}},
    {PATH("/livez"), .routes = {READ(ROUTE_LIVEZ)}},
    {PATH("/readyz"), .routes = {READ(ROUTE_READYZ)}},
    {PATH("/"), .routes = {READ(ROUTE_ADMIN_HOME)}},
};

static bool line_matches(const struct route_line *line, struct bytes path, struct bytes *capture)
{
    uint32_t fixed = line->before.size + line->after.size;
    if (line->has_capture ? path.size <= fixed : path.size != fixed)
        return false;
    if (!words_equal(path.data, line->before.data, line->before.size))
        return false;
    if (!line->has_capture)
        return true;
    uint32_t tail = path.size - line->after.size;
    if (!words_equal(path.data + tail, line->after.data, line->after.size))
        return false;
    *capture = bytes_of(path.data + line->before.size, path.size - fixed);
    return memchr(capture->data, '/', capture->size) == NULL;
}

static uint32_t allowed_of(const struct route_line *line)
{
    uint32_t allowed = 1U << HTTP_OPTIONS;
    for (uint32_t method = 0; method < HTTP_METHOD_COUNT; method++) {
        if (line->routes[method] != ROUTE_NONE)
            allowed |= 1U << method;
    }
    return allowed;
}

static struct route_match find(
    const struct route_line *lines, uint32_t line_count, enum http_method method, struct bytes path)
{
    CHECK(method < HTTP_METHOD_COUNT);
    for (uint32_t i = 0; i < line_count; i++) {
        struct route_match match = {.route = ROUTE_NONE};
        if (!line_matches(&lines[i], path, &match.capture))
            continue;
        match.route = lines[i].routes[method];
        if (match.route == ROUTE_NONE)
            match.allowed = allowed_of(&lines[i]);
        return match;
    }
    return (struct route_match){.route = ROUTE_NONE};
}

struct route_match route_find_storefront(enum http_method method, struct bytes path)
{
    return find(
        storefront_lines, sizeof(storefront_lines) / sizeof(storefront_lines[0]), method, path);
}

struct route_match route_find_admin(enum http_method method, struct bytes path)
{
    return find(admin_lines, sizeof(admin_lines) / sizeof(admin_lines[0]), method, path);
}

struct bytes route_allow(uint32_t allowed, uint8_t text[ROUTE_ALLOW_SIZE])
{
    static const char *const names[HTTP_METHOD_COUNT] = {
        [HTTP_GET] = "GET",
        [HTTP_HEAD] = "HEAD",
        [HTTP_POST] = "POST",
        [HTTP_PUT] = "PUT",
        [HTTP_PATCH] = "PATCH",
        [HTTP_DELETE] = "DELETE",
        [HTTP_OPTIONS] = "OPTIONS",
    };
    uint32_t size = 0;
    for (uint32_t method = 0; method < HTTP_METHOD_COUNT; method++) {
        if ((allowed >> method & 1U) == 0)
            continue;
        struct bytes name = bytes_of_string(names[method]);
        CHECK(size + 2 + name.size <= ROUTE_ALLOW_SIZE);
        if (size > 0) {
            memcpy(text + size, ", ", 2);
            size += 2;
        }
        memcpy(text + size, name.data, name.size);
        size += name.size;
    }
    return bytes_of(text, size);
}
