/* SPDX-License-Identifier: Apache-2.0 */
/* Whole requests for carts and checkouts, against a real engine: every refusal of them. */
#include "tests/net/shop.h"

static struct shop *shop;

static int open_shop(void **state)
{
    (void)state;
    shop = shop_open(NULL);
    shop_sell(shop, "S1", 5);
    shop_sell(shop, "S2", 3);
    return 0;
}

static int close_shop(void **state)
{
    (void)state;
    shop_close(shop);
    return 0;
}

static void a_cart_line_is_put_read_and_removed(void **state)
{
    (void)state;
    assert_int_equal(shop_ask(shop, "GET /v1/cart", ANN, NULL), 200);
    assert_string_equal(
        shop->body, "{\"currency\":null,\"lines\":[],\"items_total\":0,\"version\":0}");
    shop_assert_head(shop, "\r\nCache-Control: private, no-store\r\n");
    assert_int_equal(shop_ask(shop, "PUT /v1/cart/items/S1", ANN, "{\"quantity\":2}"), 200);
    shop_assert_body(shop,
        "{\"currency\":\"GBP\",\"lines\":[{\"sku\":\"S1\",\"quantity\":2,\"unit_price\":250,"
        "\"line_total\":500,\"reservation\":{\"state\":\"none\",\"expires_at\":null,"
        "\"expires_in_ms\":null,\"extensions_left\":0}}],\"items_total\":500,\"version\":3907}");
    assert_int_equal(shop_ask(shop, "DELETE /v1/cart/items/S1", ANN, NULL), 200);
    shop_assert_body(shop, "\"lines\":[]");
    shop_ask(shop, "PUT /v1/cart/items/S1", ANN, "{\"quantity\":2,\"currency\":\"GBP\"}");
    assert_int_equal(shop_ask(shop, "DELETE /v1/cart", ANN, NULL), 204);
    assert_string_equal(shop->body, "");
    assert_null(strstr(shop->reply, "Content-"));
    shop_ask(shop, "GET /v1/cart", ANN, NULL);
    shop_assert_body(shop, "\"lines\":[]");
}

static void a_hold_is_shown_with_its_deadline(void **state)
{
    (void)state;
    struct product_image image = {.sku = BYTES("H"), .stock = 1, .reserve_on = RESERVE_CART};
    shop_sell_as(shop, &image);
    assert_int_equal(shop_ask(shop, "PUT /v1/cart/items/H", ANN, "{\"quantity\":1}"), 200);
    shop_assert_body(shop,
        "\"reservation\":{\"state\":\"held\",\"expires_at\":\"2026-11-21T03:10:00.000Z\","
        "\"expires_in_ms\":600000,\"extensions_left\":1}");
    shop_ask(shop, "PUT /v1/cart/items/H", BOB, "{\"quantity\":1}");
    shop_assert_problem(shop, 409, "held_by_others");
    shop_assert_body(shop, "\"next_release_at\":\"2026-11-21T03:10:00.000Z\"");
    shop_tick(shop, 600000);
    shop_ask(shop, "GET /v1/cart", ANN, NULL);
    shop_assert_body(shop, "\"reservation\":{\"state\":\"expired\",\"expires_at\":null,");
}

static void a_cart_refuses_what_it_cannot_hold(void **state)
{
    (void)state;
    struct product_image euro = {.sku = BYTES("E"),
        .stock = 1,
        .price_count = 1,
        .prices = {{.currency = "EUR", .amount = 1}}};
    shop_sell_as(shop, &euro);
    shop_ask(shop, "PUT /v1/cart/items/NO", ANN, "{\"quantity\":1}");
    shop_assert_problem(shop, 404, "not_found");
    shop_ask(shop, "PUT /v1/cart/items/A%2CB", ANN, "{\"quantity\":1}");
    shop_assert_problem(shop, 404, "not_found");
    shop_ask(shop, "PUT /v1/cart/items/S1", ANN, "{\"quantity\":1000001}");
    shop_assert_problem(shop, 422, "quantity_too_large");
    shop_assert_body(shop, "\"bound\":\"units_per_line\",\"value\":1000000");
    shop_ask(shop, "PUT /v1/cart/items/S1", ANN, "{\"quantity\":1}");
    shop_ask(shop, "PUT /v1/cart/items/E", ANN, "{\"quantity\":1}");
    shop_assert_problem(shop, 422, "currency_mismatch");
    shop_ask(shop, "PUT /v1/cart/items/S1", "", "{\"quantity\":1}");
    shop_assert_problem(shop, 401, "unauthenticated");
    shop_assert_head(shop, "\r\nWWW-Authenticate: Bearer\r\n");
    shop_ask(shop, "GET /v1/cart", SERVICE, NULL);
    shop_assert_problem(shop, 401, "unauthenticated");
}

/* Checkout */

static void a_checkout_makes_an_order(void **state)
{
    (void)state;
    char id[37], location[80];
    assert_int_equal(
        shop_buy(shop, "ann", "k1",
            "{\"items\":[{\"sku\":\"S1\",\"quantity\":2},{\"sku\":\"S2\",\"quantity\":1}],"
            "\"references\":{\"web\":\"1\",\"app\":\"x\\\"y\"}}"),
        201);
    shop_order_id(shop, id);
    snprintf(location, sizeof(location), "\r\nLocation: /v1/orders/%s\r\n", id);
    shop_assert_head(shop, location);
    shop_assert_head(shop, "\r\nCache-Control: private, no-store\r\n");
    shop_assert_body(shop,
        "\"status\":\"pending_payment\",\"version\":1,\"customer\":\"ann\",\"sale\":null,"
        "\"currency\":\"GBP\",\"lines\":[{\"line\":1,\"sku\":\"S1\",\"seller\":\"seller-1\","
        "\"sale\":null,\"quantity\":2,\"cancelled\":0,\"unit_price\":250,\"line_total\":500},");
    shop_assert_body(shop,
        "\"adjustments\":[],\"items_total\":750,\"total\":750,\"paid\":0,\"refund_due\":0,"
        "\"payment_due_at\":\"2026-11-21T03:10:00.000Z\",\"cancel_until\":null,"
        "\"reclaimed\":false,\"references\":{\"app\":\"x\\\"y\",\"web\":\"1\"},"
        "\"created_at\":\"2026-11-21T03:00:00.000Z\",\"confirmed_at\":null}");
}

static void the_same_key_gives_the_same_reply(void **state)
{
    (void)state;
    static const char body[] = "{\"items\":[{\"sku\":\"S1\",\"quantity\":2}]}";
    char first[4096], id[37];
    assert_int_equal(shop_buy(shop, "ann", "k", body), 201);
    assert_null(strstr(shop->reply, "Idempotency-Replayed"));
    snprintf(first, sizeof(first), "%s", shop->body);
    shop_order_id(shop, id);
    shop_tick(shop, 1234);
    assert_int_equal(shop_ask_order(shop, "POST", id, "/payment", SERVICE,
                         "{\"result\":\"captured\",\"provider\":\"p\",\"payment_id\":\"1\","
                         "\"amount\":500,\"currency\":\"GBP\"}"),
        200);
    assert_int_equal(
        shop_buy(shop, "ann", "\"k\"", " {\"items\": [{\"quantity\":2, \"sku\":\"S1\"}] } "), 201);
    assert_string_equal(shop->body, first);
    shop_assert_head(shop, "\r\nIdempotency-Replayed: true\r\n");
    shop_assert_head(shop, "\r\nLocation: /v1/orders/");
    shop_buy(shop, "ann", "k", "{\"items\":[{\"sku\":\"S1\",\"quantity\":1}]}");
    shop_assert_problem(shop, 422, "idempotency_key_reused");
}

static void a_replay_of_references_in_another_order_is_a_replay(void **state)
{
    (void)state;
    assert_int_equal(shop_buy(shop, "ann", "k",
                         "{\"items\":[{\"sku\":\"S1\",\"quantity\":1}],"
                         "\"references\":{\"a\":\"1\",\"b\":\"2\"}}"),
        201);
    assert_int_equal(shop_buy(shop, "ann", "k",
                         "{\"references\":{\"b\":\"2\",\"a\":\"1\"},"
                         "\"items\":[{\"sku\":\"S1\",\"quantity\":1}]}"),
        201);
    shop_assert_head(shop, "\r\nIdempotency-Replayed: true\r\n");
}

static void a_key_is_wanted_and_must_be_one(void **state)
{
    (void)state;
    static const char body[] = "{\"items\":[{\"sku\":\"S1\",\"quantity\":1}]}";
    shop_ask(shop, "POST /v1/checkout", ANN, body);
    shop_assert_problem(shop, 400, "idempotency_key_missing");
    static const char *const wrong[] = {KEY(""), KEY("\""), KEY("\"open"), KEY("\"\""),
        KEY("\"a\"b\""), KEY("\"a\\b\""), KEY("a") KEY("b"), KEY("caf\xc3\xa9")};
    for (uint32_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char fields[128];
        snprintf(fields, sizeof(fields), ANN "%s", wrong[i]);
        shop_ask(shop, "POST /v1/checkout", fields, body);
        shop_assert_problem(shop, 400, "idempotency_key_invalid");
    }
    char fields[512], key[257];
    memset(key, 'x', 256);
    key[256] = 0;
    snprintf(fields, sizeof(fields), ANN "Idempotency-Key: %s\r\n", key);
    shop_ask(shop, "POST /v1/checkout", fields, body);
    shop_assert_problem(shop, 400, "idempotency_key_invalid");
    key[255] = 0;
    snprintf(fields, sizeof(fields), ANN "Idempotency-Key: %s\r\n", key);
    assert_int_equal(shop_ask(shop, "POST /v1/checkout", fields, body), 201);
}

static void every_line_that_fails_is_told(void **state)
{
    (void)state;
    shop_buy(shop, "bob", "k", "{\"items\":[{\"sku\":\"S2\",\"quantity\":3}]}");
    shop_buy(shop, "ann", "k",
        "{\"items\":[{\"sku\":\"S1\",\"quantity\":6},{\"sku\":\"S2\",\"quantity\":1}]}");
    shop_assert_problem(shop, 409, "lines_refused");
    shop_assert_body(shop,
        "\"lines\":[{\"sku\":\"S1\",\"code\":\"insufficient\",\"available\":5,"
        "\"next_release_at\":null},{\"sku\":\"S2\",\"code\":\"held_by_others\",\"available\":0,"
        "\"next_release_at\":\"2026-11-21T03:10:00.000Z\"}]");
    shop_buy(shop, "ann", "k",
        "{\"items\":[{\"sku\":\"S1\",\"quantity\":1},{\"sku\":\"NO\",\"quantity\":1}]}");
    shop_assert_problem(shop, 422, "unknown_sku");
    shop_assert_body(shop, "\"lines\":[{\"sku\":\"NO\",\"code\":\"unknown_sku\"}]");
    shop_buy(shop, "ann", "k", "{\"items\":[{\"sku\":\"S1\",\"quantity\":9}]}");
    shop_assert_problem(shop, 409, "insufficient");
    shop_assert_body(shop, "\"available\":5");
}

static void a_price_that_changed_is_told(void **state)
{
    (void)state;
    shop_buy(
        shop, "ann", "k", "{\"items\":[{\"sku\":\"S1\",\"quantity\":2}],\"expected_total\":499}");
    shop_assert_problem(shop, 409, "price_changed");
    shop_assert_body(shop, "\"items_total\":500");
    assert_int_equal(shop_buy(shop, "ann", "k",
                         "{\"items\":[{\"sku\":\"S1\",\"quantity\":2}],\"expected_total\":500}"),
        201);
}

static void a_limit_is_told_with_what_is_used(void **state)
{
    (void)state;
    struct product_image image = {.sku = BYTES("L"), .stock = 9, .max_per_customer = 2};
    shop_sell_as(shop, &image);
    assert_int_equal(
        shop_buy(shop, "ann", "k", "{\"items\":[{\"sku\":\"L\",\"quantity\":1}]}"), 201);
    shop_buy(shop, "ann", "k2", "{\"items\":[{\"sku\":\"L\",\"quantity\":2}]}");
    shop_assert_problem(shop, 409, "limit_exceeded");
    shop_assert_body(shop, "\"limit\":2,\"used\":1");
}

static void a_cart_is_bought_once(void **state)
{
    (void)state;
    char id[37], named[80];
    shop_buy(shop, "ann", "k", "{}");
    shop_assert_problem(shop, 409, "cart_empty");
    assert_null(strstr(shop->body, "order_id"));
    shop_ask(shop, "PUT /v1/cart/items/S1", ANN, "{\"quantity\":2}");
    assert_int_equal(shop_ask(shop, "POST /v1/checkout", ANN KEY("k"), NULL), 201);
    shop_order_id(shop, id);
    snprintf(named, sizeof(named), "\"order_id\":\"%s\"", id);
    shop_buy(shop, "ann", "k2", "{}");
    shop_assert_problem(shop, 409, "cart_empty");
    shop_assert_body(shop, named);
    assert_int_equal(shop_buy(shop, "ann", "k", "{}"), 201);
    shop_assert_head(shop, "\r\nIdempotency-Replayed: true\r\n");
}

static void open_orders_are_bounded(void **state)
{
    (void)state;
    char key[8];
    shop_sell(shop, "MANY", 100);
    for (uint32_t i = 0; i < 8; i++) {
        snprintf(key, sizeof(key), "k%u", i);
        assert_int_equal(
            shop_buy(shop, "ann", key, "{\"items\":[{\"sku\":\"MANY\",\"quantity\":1}]}"), 201);
    }
    shop_buy(shop, "ann", "k8", "{\"items\":[{\"sku\":\"MANY\",\"quantity\":1}]}");
    shop_assert_problem(shop, 409, "limit_exceeded");
    shop_assert_body(shop, "\"bound\":\"max_open_orders\",\"value\":8");
}

static void a_customer_may_not_speak_for_the_service(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{\"items\":[{\"sku\":\"S1\",\"quantity\":1}],\"payment\":{\"mode\":\"deferred\"}}",
        "{\"items\":[{\"sku\":\"S1\",\"quantity\":1}],\"adjustments\":[]}",
        "{\"items\":[{\"sku\":\"S1\",\"quantity\":1}],\"risk\":{\"score\":1}}",
        "{\"items\":[{\"sku\":\"S1\",\"quantity\":1}],\"identities\":[\"x\"]}",
    };
    for (uint32_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        shop_buy(shop, "ann", "k", bodies[i]);
        shop_assert_problem(shop, 403, "forbidden");
    }
    assert_int_equal(shop_ask(shop, "POST /v1/checkout", SERVICE ANN KEY("k"), bodies[0]), 201);
    shop_assert_body(shop, "\"status\":\"confirmed\"");
    for (uint32_t i = 1; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        char key[64];
        snprintf(key, sizeof(key), SERVICE ANN "Idempotency-Key: k%u\r\n", i);
        assert_int_equal(shop_ask(shop, "POST /v1/checkout", key, bodies[i]), 201);
    }
}

static void a_basket_of_many_lines_has_room_for_its_reply(void **state)
{
    (void)state;
    char sku[70], *body = malloc(200000);
    size_t at = shop_append(body, 200000, 0, "{\"items\":[");
    for (uint32_t i = 0; i < 120; i++) {
        snprintf(sku, sizeof(sku), "WITH-A-LONG-NAME-%040u", i);
        shop_sell(shop, sku, 2);
        at = shop_append(
            body, 200000, at, "%s{\"sku\":\"%s\",\"quantity\":1}", i == 0 ? "" : ",", sku);
    }
    shop_append(body, 200000, at, "]}");
    assert_int_equal(shop_buy(shop, "ann", "k", body), 201);
    assert_true(shop->enlarged);
    shop_assert_body(shop, "\"line\":120,");
    assert_int_equal(shop_buy(shop, "bob", "k", body), 201);
    shop_buy(shop, "cat", "k", body);
    shop_assert_problem(shop, 409, "held_by_others");
    shop_assert_body(shop, "0119\",\"code\":\"held_by_others\"");
    free(body);
}

static void a_replay_too_large_for_a_small_reply_comes_back_for_a_large_one(void **state)
{
    (void)state;
    char sku[16], line[64];
    for (uint32_t i = 0; i < 40; i++) {
        snprintf(sku, sizeof(sku), "C%u", i);
        shop_sell(shop, sku, 1);
        snprintf(line, sizeof(line), "PUT /v1/cart/items/C%u", i);
        assert_int_equal(shop_ask(shop, line, ANN, "{\"quantity\":1}"), 200);
    }
    assert_int_equal(shop_buy(shop, "ann", "k", "{}"), 201);
    shop_assert_body(shop, "\"line\":40,");
    uint32_t events = shop->events;
    assert_int_equal(shop_buy(shop, "ann", "k", "{}"), 201);
    shop_assert_body(shop, "\"line\":40,");
    assert_true(shop->enlarged);
    assert_int_equal(shop->events, events);
}

#define IN_SHOP(test) cmocka_unit_test_setup_teardown(test, open_shop, close_shop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SHOP(a_cart_line_is_put_read_and_removed),
        IN_SHOP(a_hold_is_shown_with_its_deadline),
        IN_SHOP(a_cart_refuses_what_it_cannot_hold),
        IN_SHOP(a_checkout_makes_an_order),
        IN_SHOP(the_same_key_gives_the_same_reply),
        IN_SHOP(a_replay_of_references_in_another_order_is_a_replay),
        IN_SHOP(a_key_is_wanted_and_must_be_one),
        IN_SHOP(every_line_that_fails_is_told),
        IN_SHOP(a_price_that_changed_is_told),
        IN_SHOP(a_limit_is_told_with_what_is_used),
        IN_SHOP(a_cart_is_bought_once),
        IN_SHOP(open_orders_are_bounded),
        IN_SHOP(a_customer_may_not_speak_for_the_service),
        IN_SHOP(a_basket_of_many_lines_has_room_for_its_reply),
        IN_SHOP(a_replay_too_large_for_a_small_reply_comes_back_for_a_large_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
