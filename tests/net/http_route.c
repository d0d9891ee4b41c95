/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "net/http/route.h"

struct line {
    enum http_method method;
    const char *path;
    enum http_route route;
    const char *capture; /* NULL: none */
};

static void assert_routes(const struct line *lines, uint32_t count,
    struct route_match (*find)(enum http_method method, struct bytes path))
{
    for (uint32_t i = 0; i < count; i++) {
        struct route_match match = find(lines[i].method, bytes_of_string(lines[i].path));
        if (match.route != lines[i].route)
            fail_msg("%s is route %d", lines[i].path, match.route);
        struct bytes wanted = bytes_of_string(lines[i].capture == NULL ? "" : lines[i].capture);
        if (match.route != ROUTE_NONE)
            assert_true(bytes_equal(match.capture, wanted));
    }
}

static void every_call_of_the_storefront_is_found(void **state)
{
    (void)state;
    static const struct line lines[] = {
        {HTTP_GET, "/v1/availability", ROUTE_AVAILABILITY, NULL},
        {HTTP_HEAD, "/v1/availability", ROUTE_AVAILABILITY, NULL},
        {HTTP_POST, "/v1/availability", ROUTE_AVAILABILITY_POST, NULL},
        {HTTP_GET, "/v1/availability/stream", ROUTE_STREAM, NULL},
        {HTTP_HEAD, "/v1/availability/stream", ROUTE_STREAM, NULL},
        {HTTP_GET, "/v1/products", ROUTE_PRODUCTS, NULL},
        {HTTP_GET, "/v1/products/S1", ROUTE_PRODUCT, "S1"},
        {HTTP_GET, "/v1/products/A%2FB", ROUTE_PRODUCT, "A%2FB"},
        {HTTP_POST, "/v1/guests", ROUTE_GUESTS, NULL},
        {HTTP_GET, "/v1/cart", ROUTE_CART, NULL},
        {HTTP_DELETE, "/v1/cart", ROUTE_CART_CLEAR, NULL},
        {HTTP_PUT, "/v1/cart/items/S1", ROUTE_CART_ITEM_PUT, "S1"},
        {HTTP_DELETE, "/v1/cart/items/S1", ROUTE_CART_ITEM_DELETE, "S1"},
        {HTTP_POST, "/v1/checkout", ROUTE_CHECKOUT, NULL},
        {HTTP_GET, "/v1/orders", ROUTE_ORDERS, NULL},
        {HTTP_GET, "/v1/orders/7", ROUTE_ORDER, "7"},
        {HTTP_POST, "/v1/orders/7/payment", ROUTE_PAYMENT, "7"},
        {HTTP_POST, "/v1/payment-events", ROUTE_PAYMENT_EVENT, NULL},
        {HTTP_POST, "/v1/orders/7/cancel", ROUTE_CANCEL, "7"},
        {HTTP_GET, "/v1/orders/payment", ROUTE_ORDER, "payment"},
        {HTTP_GET, "/openapi.json", ROUTE_OPENAPI, NULL},
        {HTTP_GET, "/livez", ROUTE_LIVEZ, NULL},
        {HTTP_GET, "/readyz", ROUTE_READYZ, NULL},
    };
    assert_routes(lines, sizeof(lines) / sizeof(lines[0]), route_find_storefront);
}

static void every_call_of_the_merchant_is_found(void **state)
{
    (void)state;
    static const struct line lines[] = {
        {HTTP_POST, "/admin/v1/import", ROUTE_ADMIN_IMPORT, NULL},
        {HTTP_GET, "/admin/v1/products/S1", ROUTE_ADMIN_PRODUCT, "S1"},
        {HTTP_PATCH, "/admin/v1/products/S1", ROUTE_ADMIN_PRODUCT_PATCH, "S1"},
        {HTTP_POST, "/admin/v1/products/S1/stock", ROUTE_ADMIN_STOCK_CHANGE, "S1"},
        {HTTP_GET, "/admin/v1/stock/S1", ROUTE_ADMIN_STOCK, "S1"},
        {HTTP_GET, "/admin/v1/stock", ROUTE_ADMIN_STOCK_LIST, NULL},
        {HTTP_GET, "/admin/v1/sales", ROUTE_ADMIN_SALES, NULL},
        {HTTP_GET, "/admin/v1/sales/drop", ROUTE_ADMIN_SALE, "drop"},
        {HTTP_PUT, "/admin/v1/sales/drop", ROUTE_ADMIN_SALE_PUT, "drop"},
        {HTTP_DELETE, "/admin/v1/sales/drop", ROUTE_ADMIN_SALE_DELETE, "drop"},
        {HTTP_GET, "/admin/v1/orders/7", ROUTE_ADMIN_ORDER, "7"},
        {HTTP_GET, "/", ROUTE_ADMIN_HOME, NULL},
        {HTTP_GET, "/livez", ROUTE_LIVEZ, NULL},
        {HTTP_GET, "/readyz", ROUTE_READYZ, NULL},
    };
    assert_routes(lines, sizeof(lines) / sizeof(lines[0]), route_find_admin);
}

static void other_paths_are_nobodys(void **state)
{
    (void)state;
    static const char *const paths[] = {"", "/", "*", "/v1", "/v1/", "/v1/cart/", "/v1/cart/items",
        "/v1/cart/items/", "/v1/products/", "/v1/products/A/B", "/V1/CART", "/v1/cart/x",
        "/v1/orders//cancel", "/v1/orders/7/refund", "/v1/orders/7/cancel/", "/v1/../v1/cart",
        "/v1/availability/stream/", "/v1/availability/streams", "/admin/v1/stock", "/v1/carts",
        "/livez/"};
    for (uint32_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct route_match match = route_find_storefront(HTTP_GET, bytes_of_string(paths[i]));
        if (match.route != ROUTE_NONE || match.allowed != 0)
            fail_msg("%s is served", paths[i]);
    }
    assert_int_equal(route_find_admin(HTTP_GET, BYTES("/v1/cart")).allowed, 0);
    assert_int_equal(route_find_admin(HTTP_GET, BYTES("/admin/v1/products//stock")).allowed, 0);
}

static void other_methods_learn_which_are_allowed(void **state)
{
    (void)state;
    uint8_t text[ROUTE_ALLOW_SIZE];
    static const struct {
        enum http_method method;
        const char *path, *allow;
    } lines[] = {
        {HTTP_PATCH, "/v1/cart", "GET, HEAD, DELETE, OPTIONS"},
        {HTTP_PUT, "/v1/availability", "GET, HEAD, POST, OPTIONS"},
        {HTTP_GET, "/v1/checkout", "POST, OPTIONS"},
        {HTTP_POST, "/v1/cart/items/S1", "PUT, DELETE, OPTIONS"},
        {HTTP_GET, "/v1/orders/7/cancel", "POST, OPTIONS"},
        {HTTP_OPTIONS, "/livez", "GET, HEAD, OPTIONS"},
    };
    for (uint32_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct route_match match =
            route_find_storefront(lines[i].method, bytes_of_string(lines[i].path));
        assert_int_equal(match.route, ROUTE_NONE);
        assert_true(bytes_equal(route_allow(match.allowed, text), bytes_of_string(lines[i].allow)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_of_the_storefront_is_found),
        cmocka_unit_test(every_call_of_the_merchant_is_found),
        cmocka_unit_test(other_paths_are_nobodys),
        cmocka_unit_test(other_methods_learn_which_are_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
