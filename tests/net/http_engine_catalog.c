/* SPDX-License-Identifier: Apache-2.0 */
/* Whole requests for products and availability, against a real engine. */
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
    assert_int_equal(
        shop_buy(shop, "ann", "k", "{\"items\":[{\"sku\":\"S1\",\"quantity\":1}]}"), 201);
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
    assert_int_equal(shop_ask(shop, "GET /v1/products?limit=200", "", NULL), SHOP_WAITS);
    shop->no_large = false;
    assert_int_equal(shop_ask(shop, "GET /v1/products?limit=200", "", NULL), 200);
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
    shop_buy(shop, "ann", "k", "{\"items\":[{\"sku\":\"S2\",\"quantity\":3}]}");
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
    shop_buy(shop, "ann", "k", "{\"items\":[{\"sku\":\"S2\",\"quantity\":3}]}");
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
    assert_int_equal(
        shop_buy(shop, "ann", "k", "{\"items\":[{\"sku\":\"SOON\",\"quantity\":1}]}"), 409);
    shop_assert_problem(shop, 409, "sale_not_started");
    shop_assert_head(shop, "\r\nRetry-After: 5\r\n");
    shop_assert_body(shop, "\"starts_at\":\"2026-11-21T03:00:05.000Z\"");
    shop_tick(shop, 9000);
    shop_ask(shop, "GET /v1/availability?skus=SOON", "", NULL);
    shop_assert_body(shop, "\"status\":\"ended\"");
    shop_buy(shop, "ann", "k", "{\"items\":[{\"sku\":\"SOON\",\"quantity\":1}]}");
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
    char body[8192];
    size_t end = shop_append(body, sizeof(body), 0, "{\"skus\":[\"A\"");
    for (uint32_t i = 1; i < 500; i++)
        end = shop_append(body, sizeof(body), end, ",\"A\"");
    shop_append(body, sizeof(body), end, "]}");
    assert_int_equal(shop_ask(shop, "POST /v1/availability", "", body), 200);
    assert_true(shop->enlarged);
    shop_append(body, sizeof(body), end, ",\"A\"]}");
    shop_ask(shop, "POST /v1/availability", "", body);
    shop_assert_problem(shop, 422, "invalid");
    shop_assert_body(shop, "\"member\":\"skus\"");
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
