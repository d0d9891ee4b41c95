/* SPDX-License-Identifier: Apache-2.0 */
/* Whole requests against a real engine: every call of the contract, and every refusal of it. */
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

static int buy(const char *who, const char *key, const char *body)
{
    char fields[512];
    snprintf(fields, sizeof(fields), "X-Customer-Id: %s\r\nIdempotency-Key: %s\r\n", who, key);
    return shop_ask(shop, "POST /v1/checkout", fields, body);
}

static int ask_order(
    const char *method, const char *id, const char *action, const char *fields, const char *body)
{
    char line[128];
    snprintf(line, sizeof(line), "%s /v1/orders/%s%s", method, id, action);
    return shop_ask(shop, line, fields, body);
}

/* Products and availability */

static void a_product_is_shown_with_its_offer(void **state)
{
    (void)state;
    assert_int_equal(shop_ask(shop, "GET /v1/products/S1", "", NULL), 200);
    shop_assert_body(shop,
        "{\"sku\":\"S1\",\"title\":\"A thing\",\"category\":\"things\",\"seller\":\"seller-1\","
        "\"group\":null,\"option\":null,\"image\":null,\"price\":250,\"currency\":\"GBP\","
        "\"prices\":{\"GBP\":250},\"status\":\"available\",\"available\":5,"
        "\"max_per_customer\":null,\"sale\":null,\"starts_at\":null,\"ends_at\":null,"
        "\"version\":1}");
    shop_assert_head(shop, "HTTP/1.1 200 OK\r\nDate: Sat, 21 Nov 2026 03:00:00 GMT\r\n");
    shop_assert_head(shop, "\r\nContent-Type: application/json\r\n");
    shop_assert_head(shop, "\r\nCache-Control: no-cache\r\n");
    shop_assert_head(shop, "\r\nETag: \"");
}

static void a_product_the_client_has_is_not_sent_again(void **state)
{
    (void)state;
    char fields[128], tag[32];
    shop_ask(shop, "GET /v1/products/S1", "", NULL);
    assert_int_equal(sscanf(strstr(shop->reply, "ETag: "), "ETag: %31s", tag), 1);
    snprintf(fields, sizeof(fields), "If-None-Match: \"other\", W/%s\r\n", tag);
    assert_int_equal(shop_ask(shop, "GET /v1/products/S1", fields, NULL), 304);
    assert_string_equal(shop->body, "");
    assert_null(strstr(shop->reply, "Content-Length"));
    shop_assert_head(shop, tag);
    assert_int_equal(buy("ann", "k", "{\"items\":[{\"sku\":\"S1\",\"quantity\":1}]}"), 201);
    assert_int_equal(shop_ask(shop, "GET /v1/products/S1", fields, NULL), 200);
}

static void head_is_get_without_its_body(void **state)
{
    (void)state;
    shop_ask(shop, "GET /v1/products/S1", "", NULL);
    size_t size = strlen(shop->body);
    char length[64];
    snprintf(length, sizeof(length), "\r\nContent-Length: %zu\r\n", size);
    assert_int_equal(shop_ask(shop, "HEAD /v1/products/S1", "", NULL), 200);
    assert_string_equal(shop->body, "");
    shop_assert_head(shop, length);
}

static void products_are_listed_page_by_page(void **state)
{
    (void)state;
    struct product_image image = {
        .sku = BYTES("T1"), .category = BYTES("toys"), .sale = BYTES("drop"), .group = BYTES("G")};
    shop_sell_as(shop, &image);
    assert_int_equal(shop_ask(shop, "GET /v1/products?limit=2", "", NULL), 200);
    shop_assert_body(shop, "{\"items\":[{\"sku\":\"S1\"");
    shop_assert_body(shop, "\"next_cursor\":\"2\"}");
    assert_int_equal(shop_ask(shop, "GET /v1/products?cursor=2&limit=2", "", NULL), 200);
    shop_assert_body(shop, "{\"items\":[{\"sku\":\"T1\"");
    shop_assert_body(shop, "\"next_cursor\":null}");
    static const char *const found[] = {"category=toys", "sale=drop", "group=G", "seller=seller-1",
        "currency=GBP", "category=toys&sale=drop&group=G"};
    for (uint32_t i = 0; i < sizeof(found) / sizeof(found[0]); i++) {
        char line[128];
        snprintf(line, sizeof(line), "GET /v1/products?%s", found[i]);
        assert_int_equal(shop_ask(shop, line, "", NULL), 200);
        shop_assert_body(shop, "\"sku\":\"T1\"");
    }
    static const char *const empty[] = {
        "category=toy", "sale=seller-1", "group=g", "seller=nobody", "currency=EUR"};
    for (uint32_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
        char line[128];
        snprintf(line, sizeof(line), "GET /v1/products?%s", empty[i]);
        assert_int_equal(shop_ask(shop, line, "", NULL), 200);
        assert_string_equal(shop->body, "{\"items\":[],\"next_cursor\":null}");
    }
}

static void a_full_page_of_products_needs_a_large_reply(void **state)
{
    (void)state;
    char sku[16];
    for (uint32_t i = 0; i < 300; i++) {
        snprintf(sku, sizeof(sku), "P%u", i);
        shop_sell(shop, sku, 1);
    }
    assert_int_equal(shop_ask(shop, "GET /v1/products?limit=200", "", NULL), 200);
    assert_true(shop->enlarged);
    shop_assert_body(shop, "\"next_cursor\":\"200\"}");
    shop->no_large = true;
    shop_ask(shop, "GET /v1/products?limit=200", "", NULL);
    shop_assert_problem(shop, 503, "overloaded");
    shop_assert_head(shop, "\r\nRetry-After: ");
}

static void availability_of_one_is_one_item(void **state)
{
    (void)state;
    assert_int_equal(shop_ask(shop, "GET /v1/availability?skus=S1", "", NULL), 200);
    assert_string_equal(shop->body,
        "{\"as_of\":\"2026-11-21T03:00:00.000Z\",\"items\":[{\"sku\":\"S1\",\"status\":"
        "\"available\","
        "\"available\":5,\"next_release_at\":null,\"starts_at\":null}]}");
    shop_assert_head(shop, "\r\nETag: W/\"");
}

static void availability_answers_each_sku_asked_in_order(void **state)
{
    (void)state;
    assert_int_equal(shop_ask(shop, "GET /v1/availability?skus=S2%2CNO,S1,S2", "", NULL), 200);
    const char *second = strstr(shop->body, "\"sku\":\"S2\"");
    const char *unknown = strstr(shop->body,
        "\"sku\":\"NO\",\"status\":\"unknown\",\"available\":0,\"next_release_at\":null");
    const char *first = strstr(shop->body, "\"sku\":\"S1\"");
    assert_true(second != NULL && unknown > second && first > unknown);
    assert_non_null(strstr(first, "\"sku\":\"S2\""));
}

static void availability_can_leave_out_what_is_not_to_be_had(void **state)
{
    (void)state;
    buy("ann", "k", "{\"items\":[{\"sku\":\"S2\",\"quantity\":3}]}");
    assert_int_equal(shop_ask(shop, "POST /v1/availability", "",
                         "{\"skus\":[\"NO\",\"S2\",\"S1\"],\"only_available\":true}"),
        200);
    assert_non_null(strstr(shop->body, "\"items\":[{\"sku\":\"S1\""));
    assert_null(strstr(shop->body, "NO"));
    assert_null(strstr(shop->body, "S2"));
}

static void held_units_are_told_with_a_hint_and_sold_ones_without(void **state)
{
    (void)state;
    buy("ann", "k", "{\"items\":[{\"sku\":\"S2\",\"quantity\":3}]}");
    shop_ask(shop, "GET /v1/availability?skus=S2", "", NULL);
    shop_assert_body(shop, "\"status\":\"held_by_others\",\"available\":0,"
                           "\"next_release_at\":\"2026-11-21T03:10:00.000Z\"");
    assert_int_equal(shop_ask(shop, "POST /v1/checkout", SERVICE BOB KEY("d"),
                         "{\"items\":[{\"sku\":\"S1\",\"quantity\":5}],"
                         "\"payment\":{\"mode\":\"deferred\"}}"),
        201);
    shop_ask(shop, "GET /v1/availability?skus=S1", "", NULL);
    shop_assert_body(shop, "\"status\":\"sold_out\",\"available\":0,\"next_release_at\":null");
}

static void a_sale_is_open_between_its_times(void **state)
{
    (void)state;
    struct product_image image = {.sku = BYTES("SOON"),
        .stock = 1,
        .starts_wall_ms = SHOP_NOW_MS + 5000,
        .ends_wall_ms = SHOP_NOW_MS + 9000};
    shop_sell_as(shop, &image);
    shop_ask(shop, "GET /v1/availability?skus=SOON", "", NULL);
    shop_assert_body(shop, "\"not_started\",\"available\":1,");
    shop_assert_body(shop, "\"starts_at\":\"2026-11-21T03:00:05.000Z\"");
    assert_int_equal(buy("ann", "k", "{\"items\":[{\"sku\":\"SOON\",\"quantity\":1}]}"), 409);
    shop_assert_problem(shop, 409, "sale_not_started");
    shop_assert_head(shop, "\r\nRetry-After: 5\r\n");
    shop_assert_body(shop, "\"starts_at\":\"2026-11-21T03:00:05.000Z\"");
    shop_tick(shop, 9000);
    shop_ask(shop, "GET /v1/availability?skus=SOON", "", NULL);
    shop_assert_body(shop, "\"status\":\"ended\"");
    buy("ann", "k", "{\"items\":[{\"sku\":\"SOON\",\"quantity\":1}]}");
    shop_assert_problem(shop, 410, "sale_ended");
}

static void availability_of_a_sale_is_paged(void **state)
{
    (void)state;
    char sku[16];
    for (uint32_t i = 0; i < 5; i++) {
        snprintf(sku, sizeof(sku), "D%u", i);
        struct product_image image = {
            .sku = bytes_of_string(sku), .sale = BYTES("drop"), .group = BYTES("shirt")};
        shop_sell_as(shop, &image);
    }
    assert_int_equal(shop_ask(shop, "GET /v1/availability?sale=drop&limit=3", "", NULL), 200);
    assert_null(strstr(shop->body, "S1"));
    shop_assert_body(shop, "\"sku\":\"D2\"");
    shop_assert_body(shop, "],\"next_cursor\":\"5\"}");
    assert_int_equal(shop_ask(shop, "GET /v1/availability?group=shirt&cursor=5", "", NULL), 200);
    shop_assert_body(shop, "\"items\":[{\"sku\":\"D3\"");
    shop_assert_body(shop, "\"next_cursor\":null}");
}

static void queries_that_make_no_sense_are_refused_with_their_names(void **state)
{
    (void)state;
    static const struct {
        const char *line, *names;
    } wrong[] = {
        {"GET /v1/products?limit=0", "\"member\":\"limit\""},
        {"GET /v1/products?limit=201", "must be a number from 1 to 200"},
        {"GET /v1/products?limit=2x", "\"member\":\"limit\""},
        {"GET /v1/products?limit=", "\"member\":\"limit\""},
        {"GET /v1/products?limit=1&limit=1", "may be sent once"},
        {"GET /v1/products?colour=red", "\"member\":\"colour\",\"reason\":\"is not a parameter"},
        {"GET /v1/products?currency=XQZ", "\"member\":\"currency\""},
        {"GET /v1/products?cursor=-1", "\"member\":\"cursor\""},
        {"GET /v1/availability", "exactly one of them"},
        {"GET /v1/availability?skus=", "1 to 500"},
        {"GET /v1/availability?skus=A%20B", "\"member\":\"skus\""},
        {"GET /v1/availability?skus=A&sale=B", "exactly one of them"},
    };
    for (uint32_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        shop_ask(shop, wrong[i].line, "", NULL);
        shop_assert_problem(shop, 422, "invalid");
        shop_assert_body(shop, wrong[i].names);
    }
    shop_ask(shop, "GET /v1/products?seller=%zz", "", NULL);
    shop_assert_problem(shop, 400, "malformed");
}

static void availability_of_too_many_is_refused(void **state)
{
    (void)state;
    char body[8192] = "{\"skus\":[\"A\"";
    for (uint32_t i = 1; i < 500; i++)
        strcat(body, ",\"A\"");
    size_t end = strlen(body);
    strcpy(body + end, "]}");
    assert_int_equal(shop_ask(shop, "POST /v1/availability", "", body), 200);
    assert_true(shop->enlarged);
    strcpy(body + end, ",\"A\"]}");
    shop_ask(shop, "POST /v1/availability", "", body);
    shop_assert_problem(shop, 422, "invalid");
    shop_assert_body(shop, "\"member\":\"skus\"");
}

/* Carts */

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
        "\"expires_in_ms\":null,\"extensions_left\":0}}],\"items_total\":500,\"version\":1}");
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
        buy("ann", "k1",
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
    assert_int_equal(buy("ann", "k", body), 201);
    assert_null(strstr(shop->reply, "Idempotency-Replayed"));
    strcpy(first, shop->body);
    shop_order_id(shop, id);
    shop_tick(shop, 1234);
    assert_int_equal(ask_order("POST", id, "/payment", SERVICE,
                         "{\"result\":\"captured\",\"provider\":\"p\",\"payment_id\":\"1\","
                         "\"amount\":500,\"currency\":\"GBP\"}"),
        200);
    assert_int_equal(
        buy("ann", "\"k\"", " {\"items\": [{\"quantity\":2, \"sku\":\"S1\"}] } "), 201);
    assert_string_equal(shop->body, first);
    shop_assert_head(shop, "\r\nIdempotency-Replayed: true\r\n");
    shop_assert_head(shop, "\r\nLocation: /v1/orders/");
    buy("ann", "k", "{\"items\":[{\"sku\":\"S1\",\"quantity\":1}]}");
    shop_assert_problem(shop, 422, "idempotency_key_reused");
}

static void a_replay_of_references_in_another_order_is_a_replay(void **state)
{
    (void)state;
    assert_int_equal(buy("ann", "k",
                         "{\"items\":[{\"sku\":\"S1\",\"quantity\":1}],"
                         "\"references\":{\"a\":\"1\",\"b\":\"2\"}}"),
        201);
    assert_int_equal(buy("ann", "k",
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
    buy("bob", "k", "{\"items\":[{\"sku\":\"S2\",\"quantity\":3}]}");
    buy("ann", "k",
        "{\"items\":[{\"sku\":\"S1\",\"quantity\":6},{\"sku\":\"S2\",\"quantity\":1}]}");
    shop_assert_problem(shop, 409, "lines_refused");
    shop_assert_body(shop,
        "\"lines\":[{\"sku\":\"S1\",\"code\":\"insufficient\",\"available\":5,"
        "\"next_release_at\":null},{\"sku\":\"S2\",\"code\":\"held_by_others\",\"available\":0,"
        "\"next_release_at\":\"2026-11-21T03:10:00.000Z\"}]");
    buy("ann", "k",
        "{\"items\":[{\"sku\":\"S1\",\"quantity\":1},{\"sku\":\"NO\",\"quantity\":1}]}");
    shop_assert_problem(shop, 422, "unknown_sku");
    shop_assert_body(shop, "\"lines\":[{\"sku\":\"NO\",\"code\":\"unknown_sku\"}]");
    buy("ann", "k", "{\"items\":[{\"sku\":\"S1\",\"quantity\":9}]}");
    shop_assert_problem(shop, 409, "insufficient");
    shop_assert_body(shop, "\"available\":5");
}

static void a_price_that_changed_is_told(void **state)
{
    (void)state;
    buy("ann", "k", "{\"items\":[{\"sku\":\"S1\",\"quantity\":2}],\"expected_total\":499}");
    shop_assert_problem(shop, 409, "price_changed");
    shop_assert_body(shop, "\"items_total\":500");
    assert_int_equal(
        buy("ann", "k", "{\"items\":[{\"sku\":\"S1\",\"quantity\":2}],\"expected_total\":500}"),
        201);
}

static void a_limit_is_told_with_what_is_used(void **state)
{
    (void)state;
    struct product_image image = {.sku = BYTES("L"), .stock = 9, .max_per_customer = 2};
    shop_sell_as(shop, &image);
    assert_int_equal(buy("ann", "k", "{\"items\":[{\"sku\":\"L\",\"quantity\":1}]}"), 201);
    buy("ann", "k2", "{\"items\":[{\"sku\":\"L\",\"quantity\":2}]}");
    shop_assert_problem(shop, 409, "limit_exceeded");
    shop_assert_body(shop, "\"limit\":2,\"used\":1");
}

static void a_cart_is_bought_once(void **state)
{
    (void)state;
    char id[37], named[80];
    buy("ann", "k", "{}");
    shop_assert_problem(shop, 409, "cart_empty");
    assert_null(strstr(shop->body, "order_id"));
    shop_ask(shop, "PUT /v1/cart/items/S1", ANN, "{\"quantity\":2}");
    assert_int_equal(shop_ask(shop, "POST /v1/checkout", ANN KEY("k"), NULL), 201);
    shop_order_id(shop, id);
    snprintf(named, sizeof(named), "\"order_id\":\"%s\"", id);
    buy("ann", "k2", "{}");
    shop_assert_problem(shop, 409, "cart_empty");
    shop_assert_body(shop, named);
    assert_int_equal(buy("ann", "k", "{}"), 201);
    shop_assert_head(shop, "\r\nIdempotency-Replayed: true\r\n");
}

static void open_orders_are_bounded(void **state)
{
    (void)state;
    char key[8];
    shop_sell(shop, "MANY", 100);
    for (uint32_t i = 0; i < 8; i++) {
        snprintf(key, sizeof(key), "k%u", i);
        assert_int_equal(buy("ann", key, "{\"items\":[{\"sku\":\"MANY\",\"quantity\":1}]}"), 201);
    }
    buy("ann", "k8", "{\"items\":[{\"sku\":\"MANY\",\"quantity\":1}]}");
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
        buy("ann", "k", bodies[i]);
        shop_assert_problem(shop, 403, "forbidden");
    }
    assert_int_equal(shop_ask(shop, "POST /v1/checkout", SERVICE ANN KEY("k"), bodies[0]), 201);
    shop_assert_body(shop, "\"status\":\"confirmed\"");
    shop_ask(shop, "POST /v1/checkout", SERVICE ANN KEY("k2"), bodies[1]);
    shop_assert_problem(shop, 422, "invalid");
    shop_assert_body(shop, "is not supported by this version");
}

static void a_basket_of_many_lines_has_room_for_its_reply(void **state)
{
    (void)state;
    char sku[70], *body = malloc(200000);
    strcpy(body, "{\"items\":[");
    size_t at = strlen(body);
    for (uint32_t i = 0; i < 120; i++) {
        snprintf(sku, sizeof(sku), "WITH-A-LONG-NAME-%040u", i);
        shop_sell(shop, sku, 2);
        at +=
            (size_t)sprintf(body + at, "%s{\"sku\":\"%s\",\"quantity\":1}", i == 0 ? "" : ",", sku);
    }
    strcpy(body + at, "]}");
    assert_int_equal(buy("ann", "k", body), 201);
    assert_true(shop->enlarged);
    shop_assert_body(shop, "\"line\":120,");
    assert_int_equal(buy("bob", "k", body), 201);
    buy("cat", "k", body);
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
    assert_int_equal(buy("ann", "k", "{}"), 201);
    shop_assert_body(shop, "\"line\":40,");
    uint32_t events = shop->events;
    assert_int_equal(buy("ann", "k", "{}"), 201);
    shop_assert_body(shop, "\"line\":40,");
    assert_true(shop->enlarged);
    assert_int_equal(shop->events, events);
}

/* Orders */

static void an_order_is_read_by_its_customer_and_nobody_else(void **state)
{
    (void)state;
    char born[4096], id[37], foreign[1024];
    buy("ann", "k", "{\"items\":[{\"sku\":\"S1\",\"quantity\":1}]}");
    strcpy(born, shop->body);
    shop_order_id(shop, id);
    shop_tick(shop, 777);
    assert_int_equal(ask_order("GET", id, "", ANN, NULL), 200);
    assert_string_equal(shop->body, born);
    assert_int_equal(ask_order("GET", id, "", SERVICE, NULL), 200);
    assert_int_equal(ask_order("GET", id, "", SERVICE ANN, NULL), 200);
    assert_int_equal(ask_order("GET", id, "", SERVICE BOB, NULL), 404);
    assert_int_equal(ask_order("GET", id, "", BOB "X-Request-Id: r\r\n", NULL), 404);
    strcpy(foreign, shop->body);
    ask_order("GET", "01890a5d-ac96-774b-bcce-b302099a8057", "", BOB "X-Request-Id: r\r\n", NULL);
    assert_string_equal(shop->body, foreign);
    shop_assert_problem(shop, 404, "not_found");
    ask_order("GET", "no-id", "", ANN, NULL);
    shop_assert_problem(shop, 404, "not_found");
    char line[128];
    snprintf(line, sizeof(line), "GET /admin/v1/orders/%s", id);
    assert_int_equal(shop_ask(shop, line, VIEWER, NULL), 200);
    assert_string_equal(shop->body, born);
}

static void orders_are_listed_newest_first_without_lines(void **state)
{
    (void)state;
    char key[8], cursor[16], line[64];
    shop_sell(shop, "MANY", 100);
    for (uint32_t i = 0; i < 3; i++) {
        snprintf(key, sizeof(key), "k%u", i);
        buy("ann", key, "{\"items\":[{\"sku\":\"MANY\",\"quantity\":1}]}");
        shop_tick(shop, 1000);
    }
    assert_int_equal(shop_ask(shop, "GET /v1/orders", ANN, NULL), 200);
    const char *newest = strstr(shop->body, "\"created_at\":\"2026-11-21T03:00:02.000Z\"");
    const char *oldest = strstr(shop->body, "\"created_at\":\"2026-11-21T03:00:00.000Z\"");
    assert_true(newest != NULL && oldest > newest);
    assert_null(strstr(shop->body, "\"lines\""));
    shop_assert_body(shop, "\"next_cursor\":null");
    shop_ask(shop, "GET /v1/orders?limit=2", ANN, NULL);
    assert_null(strstr(shop->body, "03:00:00.000Z\",\"confirmed"));
    assert_int_equal(
        sscanf(strstr(shop->body, "next_cursor\":\""), "next_cursor\":\"%15[0-9]", cursor), 1);
    snprintf(line, sizeof(line), "GET /v1/orders?limit=2&cursor=%s", cursor);
    shop_ask(shop, line, ANN, NULL);
    shop_assert_body(shop, "\"created_at\":\"2026-11-21T03:00:00.000Z\"");
    shop_assert_body(shop, "\"next_cursor\":null");
    shop_ask(shop, "GET /v1/orders?from=2026-11-21T03:00:01Z&to=2026-11-21T03:00:02Z", ANN, NULL);
    shop_assert_body(shop, "\"created_at\":\"2026-11-21T03:00:01.000Z\"");
    assert_null(strstr(shop->body, "\"created_at\":\"2026-11-21T03:00:02.000Z\""));
    shop_ask(shop, "GET /v1/orders?from=yesterday", ANN, NULL);
    shop_assert_problem(shop, 422, "invalid");
    shop_ask(shop, "GET /v1/orders", BOB, NULL);
    assert_string_equal(shop->body, "{\"items\":[],\"next_cursor\":null}");
}

static void a_long_list_of_orders_comes_back_for_a_large_reply(void **state)
{
    (void)state;
    char fields[64];
    shop_sell(shop, "MANY", 100);
    for (uint32_t i = 0; i < 12; i++) {
        snprintf(fields, sizeof(fields), SERVICE ANN "Idempotency-Key: k%u\r\n", i);
        assert_int_equal(shop_ask(shop, "POST /v1/checkout", fields,
                             "{\"items\":[{\"sku\":\"MANY\",\"quantity\":1}],"
                             "\"payment\":{\"mode\":\"deferred\"}}"),
            201);
    }
    assert_int_equal(shop_ask(shop, "GET /v1/orders", ANN, NULL), 200);
    assert_true(shop->enlarged);
    uint32_t count = 0;
    for (const char *at = shop->body; (at = strstr(at, "{\"id\":")) != NULL; at++)
        count++;
    assert_int_equal(count, 12);
    shop_assert_body(shop, "\"next_cursor\":null");
}

#define REPORT(result, id, amount)                                                                 \
    "{\"result\":\"" result "\",\"provider\":\"bank\",\"payment_id\":\"" id                        \
    "\",\"amount\":" amount ",\"currency\":\"GBP\"}"

static void a_payment_confirms_an_order(void **state)
{
    (void)state;
    char id[37];
    buy("ann", "k", "{\"items\":[{\"sku\":\"S1\",\"quantity\":2}]}");
    shop_order_id(shop, id);
    ask_order("POST", id, "/payment", ANN, REPORT("captured", "1", "500"));
    shop_assert_problem(shop, 403, "forbidden");
    ask_order("POST", id, "/payment", SERVICE, REPORT("captured", "1", "499"));
    shop_assert_problem(shop, 409, "payment_mismatch");
    shop_assert_body(shop, "\"total\":500");
    assert_int_equal(
        ask_order("POST", id, "/payment", SERVICE, REPORT("declined", "0", "500")), 200);
    shop_assert_body(shop, "\"status\":\"pending_payment\"");
    assert_int_equal(
        ask_order("POST", id, "/payment", SERVICE, REPORT("captured", "1", "500")), 200);
    shop_assert_body(shop, "\"status\":\"confirmed\"");
    shop_assert_body(shop, "\"paid\":500");
    assert_int_equal(
        ask_order("POST", id, "/payment", SERVICE, REPORT("captured", "1", "500")), 200);
    buy("bob", "k", "{\"items\":[{\"sku\":\"S1\",\"quantity\":2}]}");
    shop_order_id(shop, id);
    ask_order("POST", id, "/payment", SERVICE, REPORT("captured", "1", "500"));
    shop_assert_problem(shop, 409, "payment_id_used");
    ask_order("POST", "01890a5d-ac96-774b-bcce-b302099a8057", "/payment", SERVICE,
        REPORT("captured", "9", "500"));
    assert_true(shop->status == 404 || shop->status == 410);
}

static void a_payment_report_needs_all_its_parts(void **state)
{
    (void)state;
    char id[37];
    buy("ann", "k", "{\"items\":[{\"sku\":\"S1\",\"quantity\":2}]}");
    shop_order_id(shop, id);
    ask_order("POST", id, "/payment", SERVICE, "{\"result\":\"won\",\"amount\":1.5}");
    shop_assert_problem(shop, 422, "invalid");
    static const char *const named[] = {"result", "provider", "payment_id", "amount", "currency"};
    for (uint32_t i = 0; i < 5; i++) {
        char member[32];
        snprintf(member, sizeof(member), "\"member\":\"%s\"", named[i]);
        shop_assert_body(shop, member);
    }
    shop_assert_body(shop, "\"error_count\":5");
}

static void a_cancel_frees_and_tells_the_order_of_today(void **state)
{
    (void)state;
    char id[37];
    buy("ann", "k", "{\"items\":[{\"sku\":\"S2\",\"quantity\":3}]}");
    shop_order_id(shop, id);
    ask_order("POST", id, "/cancel", ANN, "{}");
    shop_assert_problem(shop, 400, "idempotency_key_missing");
    ask_order("POST", id, "/cancel", BOB KEY("c"), "{}");
    shop_assert_problem(shop, 404, "not_found");
    ask_order("POST", id, "/cancel", ANN KEY("c"), "{\"restock\":\"none\"}");
    shop_assert_problem(shop, 403, "forbidden");
    assert_int_equal(
        ask_order("POST", id, "/cancel", ANN KEY("c"), "{\"reason\":\"changed my mind\"}"), 200);
    shop_assert_body(shop, "\"status\":\"cancelled\"");
    assert_int_equal(
        ask_order("POST", id, "/cancel", ANN KEY("c"), "{\"reason\":\"changed my mind\"}"), 200);
    shop_assert_head(shop, "\r\nIdempotency-Replayed: true\r\n");
    ask_order("POST", id, "/cancel", ANN KEY("d"), NULL);
    shop_assert_problem(shop, 409, "invalid_transition");
    shop_assert_body(shop, "\"order_status\":\"cancelled\"");
    ask_order("POST", id, "/cancel", ANN KEY("e"), "{\"lines\":[{\"line\":0}],\"why\":1}");
    shop_assert_problem(shop, 422, "invalid");
    shop_assert_body(shop, "lines[0].line");
    shop_assert_body(shop, "lines[0].quantity");
    shop_ask(shop, "GET /v1/availability?skus=S2", "", NULL);
    shop_assert_body(shop, "\"available\":3");
}

/* The merchant */

static void stock_is_changed_and_read(void **state)
{
    (void)state;
    static const char line[] = "POST /admin/v1/products/S1/stock";
    assert_int_equal(shop_ask(shop, "GET /admin/v1/stock/S1", VIEWER, NULL), 200);
    assert_string_equal(
        shop->body, "{\"sku\":\"S1\",\"allotment\":5,\"available\":5,\"held\":0,\"sold\":0}");
    assert_int_equal(
        shop_ask(shop, line, OPERATOR KEY("a"), "{\"delta\":3,\"reason\":\"found\"}"), 200);
    shop_assert_body(shop, "\"allotment\":8,\"available\":8");
    assert_int_equal(
        shop_ask(shop, line, OPERATOR KEY("a"), "{\"delta\":3,\"reason\":\"found\"}"), 200);
    shop_assert_head(shop, "\r\nIdempotency-Replayed: true\r\n");
    shop_ask(shop, line, OPERATOR KEY("b"), "{\"set\":4,\"compare\":5}");
    shop_assert_problem(shop, 409, "version_conflict");
    shop_assert_body(shop, "\"allotment\":8");
    assert_int_equal(shop_ask(shop, line, OPERATOR KEY("b"), "{\"set\":4,\"compare\":8}"), 200);
    buy("ann", "k", "{\"items\":[{\"sku\":\"S1\",\"quantity\":3}]}");
    shop_ask(shop, line, OPERATOR KEY("c"), "{\"delta\":-2}");
    shop_assert_problem(shop, 409, "insufficient");
    shop_assert_body(shop, "\"short\":1");
    assert_int_equal(shop_ask(shop, line, OPERATOR KEY("d"), "{\"delta\":-2,\"floor\":true}"), 200);
    shop_assert_body(shop, "\"allotment\":3,\"available\":0,\"held\":3,\"sold\":0,\"short\":1");
}

static void stock_changes_that_cannot_be_meant_are_refused(void **state)
{
    (void)state;
    static const char line[] = "POST /admin/v1/products/S1/stock";
    static const char *const wrong[] = {"{}", "{\"delta\":1,\"set\":2,\"compare\":5}",
        "{\"set\":2}", "{\"delta\":0}", "{\"delta\":1.5}", "{\"delta\":4294967296}",
        "{\"set\":-1,\"compare\":5}", "{\"delta\":1,\"compare\":5}", "{\"delta\":1,\"floor\":1}"};
    for (uint32_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        shop_ask(shop, line, OPERATOR KEY("k"), wrong[i]);
        shop_assert_problem(shop, 422, "invalid");
    }
    shop_ask(shop, line, OPERATOR, "{\"delta\":1}");
    shop_assert_problem(shop, 400, "idempotency_key_missing");
    shop_ask(shop, line, VIEWER KEY("k"), "{\"delta\":1}");
    shop_assert_problem(shop, 403, "forbidden");
    shop_ask(shop, line, KEY("k"), "{\"delta\":1}");
    shop_assert_problem(shop, 401, "unauthenticated");
    shop_ask(shop, "POST /admin/v1/products/NO/stock", OPERATOR KEY("k"), "{\"delta\":1}");
    shop_assert_problem(shop, 404, "not_found");
    shop_ask(shop, "GET /admin/v1/stock/NO", OPERATOR, NULL);
    shop_assert_problem(shop, 404, "not_found");
}

static void stock_is_listed(void **state)
{
    (void)state;
    struct product_image image = {.sku = BYTES("T1"), .sale = BYTES("drop"), .stock = 7};
    shop_sell_as(shop, &image);
    assert_int_equal(shop_ask(shop, "GET /admin/v1/stock?limit=2", VIEWER, NULL), 200);
    assert_string_equal(shop->body,
        "{\"items\":[{\"sku\":\"S1\",\"allotment\":5,\"available\":5,\"held\":0,\"sold\":0},"
        "{\"sku\":\"S2\",\"allotment\":3,\"available\":3,\"held\":0,\"sold\":0}],"
        "\"next_cursor\":\"2\"}");
    shop_ask(shop, "GET /admin/v1/stock?sale=drop&seller=seller-1", VIEWER, NULL);
    assert_string_equal(shop->body,
        "{\"items\":[{\"sku\":\"T1\",\"allotment\":7,\"available\":7,\"held\":0,\"sold\":0}],"
        "\"next_cursor\":null}");
    shop_ask(shop, "GET /admin/v1/stock?sale=", VIEWER, NULL);
    shop_assert_problem(shop, 422, "invalid");
    assert_int_equal(shop_ask(shop, "GET /admin/v1/products/T1", VIEWER, NULL), 200);
    shop_assert_body(shop, "\"sale\":\"drop\"");
}

/* All else */

static void paths_and_methods_that_nobody_serves_are_told(void **state)
{
    (void)state;
    shop_ask(shop, "GET /v1/basket", ANN, NULL);
    shop_assert_problem(shop, 404, "not_found");
    shop_ask(shop, "PATCH /v1/cart", ANN, NULL);
    shop_assert_problem(shop, 405, "method_not_allowed");
    shop_assert_head(shop, "\r\nAllow: GET, HEAD, DELETE\r\n");
    shop_ask(shop, "GET /v1/products/%zz", "", NULL);
    shop_assert_problem(shop, 400, "malformed");
    shop_assert_head(shop, "\r\nConnection: close\r\n");
    shop_ask(shop, "GET /v1/products/%41%42", "", NULL);
    shop_assert_problem(shop, 404, "not_found");
    shop_ask(shop, "GET /v1/products/%531", "", NULL);
    assert_int_equal(shop->status, 200);
}

static void bytes_that_are_no_request_are_refused(void **state)
{
    (void)state;
    assert_int_equal(
        shop_send(shop, HTTP_STOREFRONT, "GET /livez HTTP/1.1\r\nHost : x\r\n\r\n"), 400);
    shop_assert_problem(shop, 400, "malformed");
    assert_int_equal(shop_send(shop, HTTP_STOREFRONT, "GET /livez HTTP/2.0\r\n\r\n"), 505);
    shop_assert_body(shop, "\"status\":505");
}

static void bodies_must_be_json_and_say_so(void **state)
{
    (void)state;
    assert_int_equal(
        shop_send(shop, HTTP_STOREFRONT,
            "POST /v1/availability HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"),
        415);
    shop_assert_problem(shop, 415, "unsupported_media_type");
    shop_ask(shop, "POST /v1/availability", "Content-Encoding: gzip\r\n", "{}");
    shop_assert_problem(shop, 415, "unsupported_media_type");
    shop_ask(shop, "POST /v1/availability", "", "{\"skus\":[\"S1\"}");
    shop_assert_problem(shop, 400, "malformed");
    shop_assert_body(shop, "at byte 13");
    shop_ask(shop, "POST /v1/checkout", ANN KEY("k"), "");
    shop_assert_problem(shop, 400, "malformed");
}

static void request_ids_come_back(void **state)
{
    (void)state;
    shop_ask(shop, "GET /livez", "X-Request-Id: trace-7\r\n", NULL);
    shop_assert_head(shop, "\r\nX-Request-Id: trace-7\r\n");
    shop_ask(shop, "GET /v1/products/NO", "X-Request-Id: trace-8\r\n", NULL);
    shop_assert_body(shop, "\"request_id\":\"trace-8\"");
    shop_ask(shop, "GET /livez", "X-Request-Id: a b\r\n", NULL);
    assert_null(strstr(shop->reply, "a b"));
    char first[64];
    assert_int_equal(sscanf(strstr(shop->reply, "X-Request-Id: "), "X-Request-Id: %63s", first), 1);
    shop_ask(shop, "GET /livez", "", NULL);
    assert_null(strstr(shop->reply, first));
}

static void connections_close_when_the_client_asks(void **state)
{
    (void)state;
    shop_ask(shop, "GET /livez", "Connection: close\r\n", NULL);
    shop_assert_head(shop, "\r\nConnection: close\r\n");
    shop_ask(shop, "GET /livez", "", NULL);
    assert_null(strstr(shop->reply, "Connection:"));
}

static void a_shop_that_recovers_is_alive_and_closed(void **state)
{
    (void)state;
    shop->http.recovering = true;
    shop_ask(shop, "GET /v1/products/S1", "", NULL);
    shop_assert_problem(shop, 503, "recovering");
    shop_assert_head(shop, "\r\nRetry-After: ");
    shop_ask(shop, "GET /admin/v1/stock/S1", OPERATOR, NULL);
    shop_assert_problem(shop, 503, "recovering");
    assert_int_equal(shop_ask(shop, "GET /livez", "", NULL), 200);
    assert_int_equal(shop_ask(shop, "GET /readyz", "", NULL), 200);
    assert_int_equal(shop_ask(shop, "GET /openapi.json", "", NULL), 200);
    shop_assert_body(shop, "\"openapi\":\"3.1.0\"");
}

static void a_full_journal_is_told(void **state)
{
    (void)state;
    shop->http.now.journal_full = 1;
    buy("ann", "k", "{\"items\":[{\"sku\":\"S1\",\"quantity\":1}]}");
    shop_assert_problem(shop, 503, "journal_full");
    shop_assert_body(shop, "\"retry_after_ms\":");
}

static void small_tables(struct config *config)
{
    config->capacity.orders = 2;
    config->capacity.claims = 16;
    config->policy.lines_per_order = 2;
    config->policy.lines_per_cart = 2;
}

static void full_tables_and_bounds_are_named(void **state)
{
    (void)state;
    struct shop *whole = shop;
    shop = shop_open(small_tables);
    static const char *const skus[] = {"A", "B", "C"};
    for (uint32_t i = 0; i < 3; i++)
        shop_sell(shop, skus[i], 9);
    buy("ann", "k",
        "{\"items\":[{\"sku\":\"A\",\"quantity\":1},{\"sku\":\"B\",\"quantity\":1},"
        "{\"sku\":\"C\",\"quantity\":1}]}");
    shop_assert_problem(shop, 422, "too_many_lines");
    shop_assert_body(shop, "\"bound\":\"lines_per_order\",\"value\":2");
    shop_ask(shop, "PUT /v1/cart/items/A", ANN, "{\"quantity\":1}");
    shop_ask(shop, "PUT /v1/cart/items/B", ANN, "{\"quantity\":1}");
    shop_ask(shop, "PUT /v1/cart/items/C", ANN, "{\"quantity\":1}");
    shop_assert_problem(shop, 422, "too_many_lines");
    shop_assert_body(shop, "\"bound\":\"lines_per_cart\",\"value\":2");
    assert_int_equal(buy("a", "k", "{\"items\":[{\"sku\":\"A\",\"quantity\":1}]}"), 201);
    assert_int_equal(buy("b", "k", "{\"items\":[{\"sku\":\"A\",\"quantity\":1}]}"), 201);
    buy("c", "k", "{\"items\":[{\"sku\":\"A\",\"quantity\":1}]}");
    shop_assert_problem(shop, 503, "capacity_exhausted");
    shop_assert_body(shop, "\"bound\":\"orders\"");
    shop_close(shop);
    shop = whole;
}

#define IN_SHOP(test) cmocka_unit_test_setup_teardown(test, open_shop, close_shop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SHOP(a_product_is_shown_with_its_offer),
        IN_SHOP(a_product_the_client_has_is_not_sent_again),
        IN_SHOP(head_is_get_without_its_body),
        IN_SHOP(products_are_listed_page_by_page),
        IN_SHOP(a_full_page_of_products_needs_a_large_reply),
        IN_SHOP(availability_of_one_is_one_item),
        IN_SHOP(availability_answers_each_sku_asked_in_order),
        IN_SHOP(availability_can_leave_out_what_is_not_to_be_had),
        IN_SHOP(held_units_are_told_with_a_hint_and_sold_ones_without),
        IN_SHOP(a_sale_is_open_between_its_times),
        IN_SHOP(availability_of_a_sale_is_paged),
        IN_SHOP(queries_that_make_no_sense_are_refused_with_their_names),
        IN_SHOP(availability_of_too_many_is_refused),
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
        IN_SHOP(an_order_is_read_by_its_customer_and_nobody_else),
        IN_SHOP(orders_are_listed_newest_first_without_lines),
        IN_SHOP(a_long_list_of_orders_comes_back_for_a_large_reply),
        IN_SHOP(a_payment_confirms_an_order),
        IN_SHOP(a_payment_report_needs_all_its_parts),
        IN_SHOP(a_cancel_frees_and_tells_the_order_of_today),
        IN_SHOP(stock_is_changed_and_read),
        IN_SHOP(stock_changes_that_cannot_be_meant_are_refused),
        IN_SHOP(stock_is_listed),
        IN_SHOP(paths_and_methods_that_nobody_serves_are_told),
        IN_SHOP(bytes_that_are_no_request_are_refused),
        IN_SHOP(bodies_must_be_json_and_say_so),
        IN_SHOP(request_ids_come_back),
        IN_SHOP(connections_close_when_the_client_asks),
        IN_SHOP(a_shop_that_recovers_is_alive_and_closed),
        IN_SHOP(a_full_journal_is_told),
        IN_SHOP(full_tables_and_bounds_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
