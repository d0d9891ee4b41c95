/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/cart/extend as it goes over the wire (L6, L10, C6). */
#include "tests/net/shop.h"

static struct shop *shop;

static void reserve_in_cart(struct config *config)
{
    config->policy.reserve_on = RESERVE_CART;
    config->policy.hold_seconds = 600;
    config->policy.max_extensions = 1;
}

static int open_shop(void **state)
{
    (void)state;
    shop = shop_open(reserve_in_cart);
    shop_sell(shop, "S1", 5);
    return 0;
}

static int close_shop(void **state)
{
    (void)state;
    shop_close(shop);
    return 0;
}

static void an_extension_answers_the_cart(void **state)
{
    (void)state;
    shop_ask(shop, "PUT /v1/cart/items/S1", ANN, "{\"quantity\":2}");
    shop_assert_body(shop, "\"extensions_left\":1");
    shop->http.now.shelf_ms += 60000;
    assert_int_equal(shop_ask(shop, "POST /v1/cart/extend", ANN, NULL), 200);
    shop_assert_body(shop, "\"expires_in_ms\":600000,\"extensions_left\":0");
    shop_assert_head(shop, "\r\nETag: \"");
    assert_int_equal(shop_ask(shop, "POST /v1/cart/extend", ANN, "{}"), 410);
    shop_assert_problem(shop, 410, "reservation_expired");
    shop_assert_body(shop, "\"detail\":\"No reservation of the cart can be extended any more.\"");
    shop_assert_body(shop, "\"bound\":\"max_extensions\"");
}

static void a_cart_without_reservations_is_told_so(void **state)
{
    (void)state;
    shop_ask(shop, "POST /v1/cart/extend", ANN, NULL);
    shop_assert_problem(shop, 410, "reservation_expired");
    shop_assert_body(shop, "\"detail\":\"Nothing in the cart is reserved any more.\"");
}

static void what_it_does_not_know_is_refused(void **state)
{
    (void)state;
    shop_ask(shop, "POST /v1/cart/extend", ANN, "{\"minutes\":5}");
    shop_assert_problem(shop, 422, "invalid");
    shop_ask(shop, "GET /v1/cart/extend", ANN, NULL);
    shop_assert_problem(shop, 405, "method_not_allowed");
    shop_ask(shop, "POST /v1/cart/extend", "", NULL);
    shop_assert_problem(shop, 401, "unauthenticated");
}

/* C5 */
static void a_stale_version_extends_nothing(void **state)
{
    (void)state;
    shop_ask(shop, "PUT /v1/cart/items/S1", ANN, "{\"quantity\":2}");
    shop->http.now.shelf_ms += 60000;
    shop_ask(shop, "POST /v1/cart/extend", ANN "If-Match: \"0\"\r\n", NULL);
    shop_assert_problem(shop, 412, "stale_version");
    shop_ask(shop, "GET /v1/cart", ANN, NULL);
    shop_assert_body(shop, "\"expires_in_ms\":540000,\"extensions_left\":1");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, open_shop, close_shop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_extension_answers_the_cart),
        TEST(a_cart_without_reservations_is_told_so),
        TEST(what_it_does_not_know_is_refused),
        TEST(a_stale_version_extends_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
