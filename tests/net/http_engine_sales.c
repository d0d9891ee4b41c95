/* SPDX-License-Identifier: Apache-2.0 */
/* Sales over HTTP: put, read and listed; what they say of selling and of counts, on every reply. */
#include "tests/net/shop.h"

static struct shop *shop;

#define SALE "/admin/v1/sales/drop"
#define PUT_SALE "PUT " SALE
#define NOTHING_SET                                                                                \
    "\"starts_at\":null,\"ends_at\":null,\"reserve_on\":null,\"hold_seconds\":null,"               \
    "\"payment_seconds\":null,\"review_seconds\":null,\"payment_mode\":null,"                      \
    "\"max_per_customer\":null,\"counts\":\"exact\",\"guests\":true,"

static int open_shop(void **state)
{
    (void)state;
    shop = shop_open(NULL);
    struct product_image image = {.sku = BYTES("S1"), .sale = BYTES("drop"), .stock = 7};
    shop_sell_as(shop, &image);
    shop_sell(shop, "FREE", 3);
    return 0;
}

static int close_shop(void **state)
{
    (void)state;
    shop_close(shop);
    return 0;
}

static void put(const char *body)
{
    int status = shop_ask(shop, PUT_SALE, OPERATOR, body);
    if (status != 200)
        fail_msg("%s", shop->reply);
}

static void a_sale_is_put_read_and_listed(void **state)
{
    (void)state;
    /* T4: one that a product has named exists */
    assert_int_equal(shop_ask(shop, "GET " SALE, VIEWER, NULL), 200);
    assert_string_equal(shop->body, "{\"sale\":\"drop\"," NOTHING_SET "\"version\":1}");
    shop_assert_head(shop, "\r\nETag: \"1\"\r\n");
    assert_int_equal(
        shop_ask(shop, "PUT /admin/v1/sales/Black%20Friday", OPERATOR,
            "{\"starts_at\":\"2026-11-27T10:00:00+01:00\",\"ends_at\":\"2026-11-28T00:00:00Z\","
            "\"reserve_on\":\"cart\",\"hold_seconds\":300,\"payment_seconds\":600,"
            "\"review_seconds\":2592000,\"payment_mode\":\"deferred\",\"max_per_customer\":2,"
            "\"counts\":\"capped:10\",\"guests\":false}"),
        201);
    static const char whole[] =
        "{\"sale\":\"Black Friday\",\"starts_at\":\"2026-11-27T09:00:00.000Z\","
        "\"ends_at\":\"2026-11-28T00:00:00.000Z\",\"reserve_on\":\"cart\",\"hold_seconds\":300,"
        "\"payment_seconds\":600,\"review_seconds\":2592000,\"payment_mode\":\"deferred\","
        "\"max_per_customer\":2,\"counts\":\"capped:10\",\"guests\":false,\"version\":1}";
    assert_string_equal(shop->body, whole);
    assert_int_equal(shop_ask(shop, "GET /admin/v1/sales/Black%20Friday", VIEWER, NULL), 200);
    assert_string_equal(shop->body, whole);
    assert_int_equal(shop_ask(shop, "GET /admin/v1/sales?limit=1", VIEWER, NULL), 200);
    shop_assert_body(shop, "{\"items\":[{\"sale\":\"drop\",");
    const char *cursor = strstr(shop->body, "\"next_cursor\":\"");
    assert_non_null(cursor);
    char line[64];
    snprintf(line, sizeof(line), "GET /admin/v1/sales?cursor=%lu", strtoul(cursor + 15, NULL, 10));
    assert_int_equal(shop_ask(shop, line, VIEWER, NULL), 200);
    shop_assert_body(shop, "{\"items\":[{\"sale\":\"Black Friday\",");
    shop_assert_body(shop, "}],\"next_cursor\":null}");
    assert_null(strstr(shop->body, "seller-1")); /* the name of a seller is no sale */
}

static void put_replaces_the_whole_sale(void **state)
{
    (void)state;
    put("{\"hold_seconds\":60,\"counts\":\"boolean\",\"guests\":false}");
    shop_assert_body(shop, "\"version\":2");
    uint32_t events = shop->events;
    put("{\"hold_seconds\":60,\"counts\":\"boolean\",\"guests\":false}");
    shop_assert_body(shop, "\"version\":2");
    assert_int_equal(shop->events, events); /* nothing has changed: nothing is recorded */
    put("{}");
    assert_string_equal(shop->body, "{\"sale\":\"drop\"," NOTHING_SET "\"version\":3}");
    put("{\"starts_at\":null,\"guests\":null,\"counts\":null}");
    shop_assert_body(shop, "\"version\":3");
}

static void put_obeys_if_match(void **state)
{
    (void)state;
    assert_int_equal(
        shop_ask(shop, PUT_SALE, OPERATOR "If-Match: \"1\"\r\n", "{\"hold_seconds\":1}"), 200);
    shop_ask(shop, PUT_SALE, OPERATOR "If-Match: \"1\"\r\n", "{\"hold_seconds\":2}");
    shop_assert_problem(shop, 412, "stale_version");
    assert_int_equal(
        shop_ask(shop, PUT_SALE, OPERATOR "If-Match: *\r\n", "{\"hold_seconds\":2}"), 200);
    shop_ask(shop, "PUT /admin/v1/sales/new", OPERATOR "If-Match: *\r\n", "{}");
    shop_assert_problem(shop, 412, "stale_version");
}

static void all_that_is_wrong_with_a_sale_is_told_at_once(void **state)
{
    (void)state;
    shop_ask(shop, PUT_SALE, OPERATOR,
        "{\"starts_at\":\"2026-11-27T09:00:00\",\"reserve_on\":\"basket\",\"hold_seconds\":86401,"
        "\"payment_seconds\":0,\"review_seconds\":2592001,\"payment_mode\":\"cash\","
        "\"max_per_customer\":0,\"counts\":\"capped:0\",\"guests\":\"no\",\"colour\":1}");
    shop_assert_problem(shop, 422, "invalid");
    shop_assert_body(shop, "\"error_count\":10");
    static const char *const wrong[] = {"{\"counts\":\"capped:\"}", "{\"counts\":\"capped:-1\"}",
        "{\"counts\":\"capped:4294967295\"}", "{\"counts\":\"Exact\"}", "{\"hold_seconds\":1.0}",
        "{\"ends_at\":\"2026-11-27T09:00:00Z\",\"starts_at\":\"2026-11-27T09:00:00Z\"}"};
    for (uint32_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        shop_ask(shop, PUT_SALE, OPERATOR, wrong[i]);
        shop_assert_problem(shop, 422, "invalid");
        shop_assert_body(shop, "\"error_count\":1");
    }
    shop_ask(shop, PUT_SALE, VIEWER, "{}");
    shop_assert_problem(shop, 403, "forbidden");
    shop_ask(shop, PUT_SALE, "", "{}");
    shop_assert_problem(shop, 401, "unauthenticated");
    shop_ask(shop, "GET /admin/v1/sales/nosuch", VIEWER, NULL);
    shop_assert_problem(shop, 404, "not_found");
    shop_ask(shop, "GET /admin/v1/sales/seller-1", VIEWER, NULL);
    shop_assert_problem(shop, 404, "not_found");
}

/* W1: to the millisecond, on products, availability and refusals */
static void the_window_of_a_sale_is_its_products(void **state)
{
    (void)state;
    put("{\"starts_at\":\"2026-11-21T03:00:00.001Z\",\"ends_at\":\"2026-11-21T03:00:00.003Z\"}");
    assert_int_equal(shop_ask(shop, "GET /v1/products/S1", "", NULL), 200);
    shop_assert_body(shop, "\"status\":\"not_started\"");
    shop_assert_body(shop, "\"starts_at\":\"2026-11-21T03:00:00.001Z\"");
    shop_assert_body(shop, "\"ends_at\":\"2026-11-21T03:00:00.003Z\"");
    static const char basket[] = "{\"items\":[{\"sku\":\"S1\",\"quantity\":1}]}";
    shop_buy(shop, "ann", "k", basket);
    shop_assert_problem(shop, 409, "sale_not_started");
    shop_assert_body(shop, "\"starts_at\":\"2026-11-21T03:00:00.001Z\"");
    shop_assert_head(shop, "\r\nRetry-After: 1\r\n");
    shop_tick(shop, 1);
    assert_int_equal(shop_buy(shop, "ann", "k", basket), 201);
    shop_tick(shop, 1);
    assert_int_equal(shop_ask(shop, "GET /v1/availability?sale=drop", "", NULL), 200);
    shop_assert_body(shop, "\"status\":\"available\",\"available\":6");
    shop_tick(shop, 1);
    assert_int_equal(shop_ask(shop, "GET /v1/availability?sale=drop", "", NULL), 200);
    shop_assert_body(shop, "\"status\":\"ended\"");
    shop_buy(shop, "bob", "k", basket);
    shop_assert_problem(shop, 410, "sale_ended");
}

/* Q1: of the sale where the SKU has none */
static void the_limit_of_a_sale_is_its_products(void **state)
{
    (void)state;
    put("{\"max_per_customer\":2,\"payment_mode\":\"deferred\"}");
    assert_int_equal(shop_ask(shop, "GET /v1/products/S1", "", NULL), 200);
    shop_assert_body(shop, "\"max_per_customer\":2");
    shop_buy(shop, "ann", "k", "{\"items\":[{\"sku\":\"S1\",\"quantity\":3}]}");
    shop_assert_problem(shop, 409, "limit_exceeded");
    shop_assert_body(shop, "\"limit\":2,\"used\":0");
    assert_null(strstr(shop->body, "\"available\""));
    assert_int_equal(
        shop_buy(shop, "ann", "k", "{\"items\":[{\"sku\":\"S1\",\"quantity\":2}]}"), 201);
    shop_assert_body(shop, "\"status\":\"confirmed\"");
}

/* What everybody sees of S1's count, on every endpoint and error: `count` as JSON. */
static void assert_shown_everywhere(const char *count)
{
    char text[96];
    static const char *const calls[] = {"GET /v1/availability?skus=S1",
        "GET /v1/availability?sale=drop", "GET /v1/products/S1", "GET /v1/products?sale=drop"};
    snprintf(text, sizeof(text), "\"status\":\"available\",\"available\":%s,", count);
    for (uint32_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        assert_int_equal(shop_ask(shop, calls[i], "", NULL), 200);
        shop_assert_body(shop, text);
    }
    shop_ask(shop, "POST /v1/availability", "", "{\"skus\":[\"S1\"],\"only_available\":true}");
    shop_assert_body(shop, text);
    snprintf(text, sizeof(text), "\"available\":%s,\"next_release_at\":null", count);
    shop_ask(shop, "PUT /v1/cart/items/S1", ANN, "{\"quantity\":100}");
    shop_assert_problem(shop, 409, "insufficient");
    shop_assert_body(shop, text);
    shop_buy(shop, "ann", "k", "{\"items\":[{\"sku\":\"S1\",\"quantity\":100}]}");
    shop_assert_problem(shop, 409, "insufficient");
    shop_assert_body(shop, text);
    snprintf(
        text, sizeof(text), "{\"sku\":\"S1\",\"code\":\"insufficient\",\"available\":%s,", count);
    shop_assert_body(shop, text);
    /* A merchant sees what there is. */
    assert_int_equal(shop_ask(shop, "GET /admin/v1/products/S1", VIEWER, NULL), 200);
    shop_assert_body(shop, "\"status\":\"available\",\"available\":7,");
    assert_int_equal(shop_ask(shop, "GET /admin/v1/stock/S1", VIEWER, NULL), 200);
    shop_assert_body(shop, "\"available\":7,");
}

/* A5 */
static void counts_are_shown_as_the_sale_says(void **state)
{
    (void)state;
    put("{\"reserve_on\":\"cart\"}");
    assert_shown_everywhere("7");
    put("{\"reserve_on\":\"cart\",\"counts\":\"capped:8\"}");
    assert_shown_everywhere("7");
    put("{\"reserve_on\":\"cart\",\"counts\":\"capped:3\"}");
    assert_shown_everywhere("3");
    put("{\"reserve_on\":\"cart\",\"counts\":\"boolean\"}");
    assert_shown_everywhere("null");
}

static void etag_of(const char *call, char tag[64])
{
    assert_int_equal(shop_ask(shop, call, "", NULL), 200);
    const char *found = strstr(shop->reply, "\r\nETag: ");
    assert_non_null(found);
    snprintf(tag, 64, "%.*s", (int)strcspn(found + 8, "\r"), found + 8);
}

/* A5: a tag that changes with a hidden count tells of it */
static void no_etag_tells_of_a_hidden_count(void **state)
{
    (void)state;
    static const char *const calls[] = {
        "GET /v1/availability?skus=S1", "GET /v1/products/S1", "GET /v1/products?sale=drop"};
    char before[3][64], after[64];
    put("{\"counts\":\"boolean\",\"payment_mode\":\"deferred\"}");
    for (uint32_t i = 0; i < 3; i++)
        etag_of(calls[i], before[i]);
    assert_int_equal(
        shop_buy(shop, "ann", "k", "{\"items\":[{\"sku\":\"S1\",\"quantity\":2}]}"), 201);
    for (uint32_t i = 0; i < 3; i++) {
        etag_of(calls[i], after);
        assert_string_equal(after, before[i]);
    }
    assert_int_equal(
        shop_buy(shop, "ann", "l", "{\"items\":[{\"sku\":\"S1\",\"quantity\":5}]}"), 201);
    for (uint32_t i = 0; i < 3; i++) {
        etag_of(calls[i], after);
        assert_string_not_equal(after, before[i]); /* sold out is no secret */
    }
}

static void assert_only_free_is_told(const char *body)
{
    shop_buy(shop, "ann", "k", body);
    assert_null(strstr(shop->body, "\"S1\""));
    shop_assert_body(shop, "\"FREE\"");
}

/* A5: a basket that fails for another line is no free look at a hidden count */
static void what_takes_nothing_tells_no_hidden_count(void **state)
{
    (void)state;
    put("{\"counts\":\"capped:3\"}");
    assert_only_free_is_told(
        "{\"items\":[{\"sku\":\"S1\",\"quantity\":100},{\"sku\":\"FREE\",\"quantity\":4}]}");
    assert_only_free_is_told(
        "{\"items\":[{\"sku\":\"S1\",\"quantity\":7},{\"sku\":\"FREE\",\"quantity\":4}]}");
    put("{\"counts\":\"boolean\"}");
    assert_only_free_is_told(
        "{\"items\":[{\"sku\":\"S1\",\"quantity\":100},{\"sku\":\"FREE\",\"quantity\":4}]}");
    /* what everybody may know is told with the rest (K2) */
    put("{\"counts\":\"capped:8\"}");
    shop_buy(shop, "ann", "k",
        "{\"items\":[{\"sku\":\"S1\",\"quantity\":100},{\"sku\":\"FREE\",\"quantity\":4}]}");
    shop_assert_body(shop, "{\"sku\":\"S1\",\"code\":\"insufficient\",\"available\":7,");
    put("{\"counts\":\"boolean\",\"payment_mode\":\"deferred\"}");
    assert_int_equal(
        shop_buy(shop, "bob", "k", "{\"items\":[{\"sku\":\"S1\",\"quantity\":7}]}"), 201);
    shop_buy(shop, "ann", "k",
        "{\"items\":[{\"sku\":\"S1\",\"quantity\":100},{\"sku\":\"FREE\",\"quantity\":4}]}");
    shop_assert_problem(shop, 409, "lines_refused");
    shop_assert_body(shop, "{\"sku\":\"S1\",\"code\":\"sold_out\",\"available\":null,");
}

#define REMOVE_SALE "DELETE " SALE

/* DELETE: 409 tells until when, and what keeps it; 204 has no body; then nothing of it is known. */
static void a_sale_is_removed_when_nobody_needs_it(void **state)
{
    (void)state;
    char line[128], id[37] = {0};
    shop_buy(shop, "ann", "k", "{\"items\":[{\"sku\":\"S1\",\"quantity\":2}]}");
    const char *found = strstr(shop->body, "\"id\":\"");
    assert_non_null(found);
    memcpy(id, found + 6, 36);
    shop_ask(shop, REMOVE_SALE, OPERATOR, NULL);
    shop_assert_problem(shop, 409, "version_conflict");
    shop_assert_body(shop, "\"detail\":\"The sale has no end; it is kept until a day after it.\"");
    shop_assert_body(shop, "\"removable_at\":null,\"kept_by\":{\"orders_not_final\":1,"
                           "\"orders_not_streamed\":0,\"orders_shared\":0,\"reservations\":0}}");
    put("{\"ends_at\":\"2026-11-20T03:00:00.001Z\"}");
    shop_ask(shop, REMOVE_SALE, OPERATOR, NULL);
    shop_assert_problem(shop, 409, "version_conflict");
    shop_assert_body(shop, "\"removable_at\":\"2026-11-21T03:00:00.001Z\",");
    put("{\"ends_at\":\"2026-11-20T03:00:00Z\",\"payment_mode\":\"deferred\"}");
    shop_ask(shop, REMOVE_SALE, OPERATOR, NULL);
    shop_assert_problem(shop, 409, "version_conflict");
    shop_assert_body(shop, "\"orders_not_final\":1,");
    snprintf(line, sizeof(line), "POST /v1/orders/%.36s/cancel", id);
    assert_int_equal(shop_ask(shop, line, ANN KEY("c"), "{}"), 200);
    assert_int_equal(shop_ask(shop, REMOVE_SALE, OPERATOR, NULL), 204);
    assert_string_equal(shop->body, "");
    shop_ask(shop, REMOVE_SALE, OPERATOR, NULL);
    shop_assert_problem(shop, 404, "not_found");
    assert_int_equal(shop_ask(shop, "GET " SALE, VIEWER, NULL), 404);
    assert_int_equal(shop_ask(shop, "GET /v1/products/S1", "", NULL), 404);
    snprintf(line, sizeof(line), "GET /v1/orders/%s", id);
    assert_int_equal(shop_ask(shop, line, ANN, NULL), 404);
    assert_int_equal(shop_ask(shop, "GET /v1/products/FREE", "", NULL), 200);
    assert_int_equal(shop_ask(shop, "GET /admin/v1/sales", VIEWER, NULL), 200);
    assert_string_equal(shop->body, "{\"items\":[],\"next_cursor\":null}");
}

static void only_an_operator_removes_a_sale_and_the_version_he_names(void **state)
{
    (void)state;
    put("{\"ends_at\":\"2020-01-01T00:00:00Z\"}");
    assert_int_equal(shop_ask(shop, REMOVE_SALE, VIEWER, NULL), 403);
    shop_ask(shop, REMOVE_SALE, OPERATOR "If-Match: \"1\"\r\n", NULL);
    shop_assert_problem(shop, 412, "stale_version");
    shop_assert_body(shop, "\"version\":2");
    assert_int_equal(shop_ask(shop, REMOVE_SALE, OPERATOR "If-Match: 2\r\n", NULL), 400);
    assert_int_equal(shop_ask(shop, "DELETE /admin/v1/sales/nobody", OPERATOR, NULL), 404);
    assert_int_equal(shop_ask(shop, REMOVE_SALE, OPERATOR "If-Match: \"2\"\r\n", NULL), 204);
}

int main(void)
{
#define SHOP(test) cmocka_unit_test_setup_teardown(test, open_shop, close_shop)
    const struct CMUnitTest tests[] = {
        SHOP(a_sale_is_put_read_and_listed),
        SHOP(put_replaces_the_whole_sale),
        SHOP(put_obeys_if_match),
        SHOP(a_sale_is_removed_when_nobody_needs_it),
        SHOP(only_an_operator_removes_a_sale_and_the_version_he_names),
        SHOP(all_that_is_wrong_with_a_sale_is_told_at_once),
        SHOP(the_window_of_a_sale_is_its_products),
        SHOP(the_limit_of_a_sale_is_its_products),
        SHOP(counts_are_shown_as_the_sale_says),
        SHOP(no_etag_tells_of_a_hidden_count),
        SHOP(what_takes_nothing_tells_no_hidden_count),
    };
    return cmocka_run_group_tests_name("http_engine_sales", tests, NULL, NULL);
}
