/* SPDX-License-Identifier: Apache-2.0 */
/* Whole requests for stock, and what every request has in common, against a real engine. */
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
    shop_buy(shop, "ann", "k", "{\"items\":[{\"sku\":\"S1\",\"quantity\":3}]}");
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

/* A change of a product */

static int patch(const char *body)
{
    return shop_ask(shop, "PATCH /admin/v1/products/S1", OPERATOR, body);
}

static void a_product_is_changed_column_by_column(void **state)
{
    (void)state;
    uint32_t before = shop->events;
    assert_int_equal(patch("{\"price\":300}"), 200);
    assert_string_equal(shop->body,
        "{\"sku\":\"S1\",\"title\":\"A thing\",\"category\":\"things\",\"seller\":\"seller-1\","
        "\"group\":null,\"option\":null,\"image\":null,\"price\":300,\"currency\":\"GBP\","
        "\"prices\":{\"GBP\":300},\"status\":\"available\",\"available\":5,"
        "\"max_per_customer\":null,\"sale\":null,\"starts_at\":null,\"ends_at\":null,"
        "\"reserve_on\":null,\"hold_seconds\":null,\"version\":2}");
    assert_int_equal(
        patch("{\"title\":\"T \\\"1\\\"\",\"category\":\"toys\",\"seller\":\"s\",\"group\":\"G\","
              "\"option\":\"XL\",\"image\":\"/i\",\"max_per_customer\":2,\"sale\":\"drop\","
              "\"starts_at\":\"2026-11-21T04:00:00+01:00\",\"ends_at\":\"2026-11-22T00:00:00Z\","
              "\"reserve_on\":\"cart\",\"hold_seconds\":60}"),
        200);
    shop_assert_body(shop, "\"title\":\"T \\\"1\\\"\",\"category\":\"toys\",\"seller\":\"s\"");
    shop_assert_body(shop, "\"max_per_customer\":2,\"sale\":\"drop\",\"starts_at\":"
                           "\"2026-11-21T03:00:00.000Z\",\"ends_at\":\"2026-11-22T00:00:00.000Z\","
                           "\"reserve_on\":\"cart\",\"hold_seconds\":60,");
    char changed[2048];
    snprintf(changed, sizeof(changed), "%s", shop->body);
    assert_int_equal(shop_ask(shop, "GET /admin/v1/products/S1", VIEWER, NULL), 200);
    assert_string_equal(shop->body, changed);
    assert_int_equal(shop->events - before, 2);
    assert_int_equal(patch("{\"price\":300,\"sale\":\"drop\",\"prices\":{\"GBP\":300}}"), 200);
    assert_string_equal(shop->body, changed);
    assert_int_equal(patch("{}"), 200);
    assert_int_equal(shop->events - before, 2); /* nothing has changed */
    assert_int_equal(patch("{\"group\":null,\"option\":null,\"image\":null,\"sale\":null,"
                           "\"max_per_customer\":null,\"starts_at\":null,\"ends_at\":null,"
                           "\"reserve_on\":null,\"hold_seconds\":null}"),
        200);
    shop_assert_body(shop, "\"group\":null,\"option\":null,\"image\":null,\"price\":300");
    shop_assert_body(shop,
        "\"max_per_customer\":null,\"sale\":null,\"starts_at\":null,"
        "\"ends_at\":null,\"reserve_on\":null,\"hold_seconds\":null,\"version\":4}");
}

static void prices_are_changed_one_by_one_or_all(void **state)
{
    (void)state;
    static const struct {
        const char *body, *prices;
    } steps[] = {
        {"{\"prices\":{\"USD\":320,\"JPY\":500}}",
            "\"price\":250,\"currency\":\"GBP\",\"prices\":{\"GBP\":250,\"USD\":320,\"JPY\":500}"},
        {"{\"currency\":\"JPY\"}",
            "\"price\":500,\"currency\":\"JPY\",\"prices\":{\"JPY\":500,\"GBP\":250,\"USD\":320}"},
        {"{\"currency\":\"EUR\",\"price\":290}",
            "\"price\":290,\"currency\":\"EUR\",\"prices\":{"
            "\"EUR\":290,\"JPY\":500,\"GBP\":250,\"USD\":320}"},
        {"{\"prices\":{\"USD\":310,\"EUR\":280}}",
            "\"price\":280,\"currency\":\"EUR\",\"prices\":{\"EUR\":280,\"USD\":310}"},
        {"{\"prices\":null,\"price\":9223372036854775807}",
            "\"price\":9223372036854775807,\"currency\":\"EUR\",\"prices\":{\"EUR\":"},
        {"{\"prices\":{\"GBP\":1},\"currency\":\"GBP\"}",
            "\"price\":1,\"currency\":\"GBP\",\"prices\":{\"GBP\":1}"},
    };
    for (uint32_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        assert_int_equal(patch(steps[i].body), 200);
        shop_assert_body(shop, steps[i].prices);
    }
}

static void changes_of_a_product_that_cannot_be_meant_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *body, *member;
    } wrong[] = {{"{\"stock\":1}", "stock"}, {"{\"sku\":\"S2\"}", "sku"},
        {"{\"version\":2}", "version"}, {"{\"title\":null}", "title"},
        {"{\"title\":\"\"}", "title"}, {"{\"title\":\"a\\u0007\"}", "title"},
        {"{\"category\":null}", "category"}, {"{\"seller\":null}", "seller"},
        {"{\"seller\":\"a\\nb\"}", "seller"}, {"{\"group\":\"\"}", "group"},
        {"{\"price\":null}", "price"}, {"{\"price\":-1}", "price"}, {"{\"price\":1.5}", "price"},
        {"{\"price\":9223372036854775808}", "price"}, {"{\"price\":\"1\"}", "price"},
        {"{\"currency\":null}", "currency"}, {"{\"currency\":\"XQZ\"}", "currency"},
        {"{\"currency\":\"USD\"}", "price"}, {"{\"prices\":{\"usd\":1}}", "prices.usd"},
        {"{\"prices\":{\"USD\":1.5}}", "prices.USD"}, {"{\"prices\":[1]}", "prices"},
        {"{\"prices\":{\"GBP\":1},\"price\":2}", "price"},
        {"{\"prices\":{\"GBP\":1,\"CAD\":1,\"CHF\":1,\"CNY\":1,\"DKK\":1,\"EUR\":1,\"JPY\":1,"
         "\"NOK\":1,\"SEK\":1}}",
            "prices.SEK"},
        {"{\"max_per_customer\":0}", "max_per_customer"},
        {"{\"hold_seconds\":86401}", "hold_seconds"}, {"{\"reserve_on\":\"order\"}", "reserve_on"},
        {"{\"starts_at\":\"2026-11-21T04:00:00\"}", "starts_at"},
        {"{\"starts_at\":\"2026-11-21T04:00:00Z\",\"ends_at\":\"2026-11-21T04:00:00Z\"}",
            "ends_at"}};
    uint32_t before = shop->events;
    for (uint32_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char member[64];
        snprintf(member, sizeof(member), "\"member\":\"%s\"", wrong[i].member);
        patch(wrong[i].body);
        shop_assert_problem(shop, 422, "invalid");
        shop_assert_body(shop, member);
        shop_assert_body(shop, "\"error_count\":1");
    }
    patch("{\"stock\":1,\"price\":1.5,\"title\":7,\"prices\":{\"x\":1},\"ends_at\":\"now\"}");
    shop_assert_body(shop, "\"error_count\":5");
    assert_int_equal(shop->events, before);
}

static void a_product_is_changed_by_operators_who_know_it(void **state)
{
    (void)state;
    static const char line[] = "PATCH /admin/v1/products/S1";
    shop_ask(shop, line, VIEWER, "{\"price\":1}");
    shop_assert_problem(shop, 403, "forbidden");
    shop_ask(shop, line, "", "{\"price\":1}");
    shop_assert_problem(shop, 401, "unauthenticated");
    shop_ask(shop, "PATCH /admin/v1/products/NO", OPERATOR, "{\"price\":1}");
    shop_assert_problem(shop, 404, "not_found");
    shop_ask(shop, "PUT /admin/v1/products/S1", OPERATOR, "{\"price\":1}");
    shop_assert_problem(shop, 405, "method_not_allowed");
    shop_assert_head(shop, "\r\nAllow: GET, HEAD, PATCH, OPTIONS\r\n");
    assert_int_equal(shop_ask(shop, line, OPERATOR "If-Match: \"1\"\r\n", "{\"price\":1}"), 200);
    shop_ask(shop, line, OPERATOR "If-Match: \"1\"\r\n", "{\"price\":2}");
    shop_assert_problem(shop, 412, "stale_version");
    assert_int_equal(shop_ask(shop, line, OPERATOR "If-Match: *\r\n", "{\"price\":2}"), 200);
    shop_assert_body(shop, "\"price\":2,");
    shop_assert_body(shop, "\"version\":3}");
}

/* Another change came between the reading and the writing. */
static void a_change_of_an_old_version_is_a_conflict(void **state)
{
    (void)state;
    struct product_image image = {.sku = BYTES("S1"),
        .title = BYTES("New"),
        .price_count = 1,
        .prices = {{.currency = "GBP", .amount = 1}}};
    struct command command = {
        .kind = COMMAND_PRODUCT_SET, .role = ROLE_OPERATOR, .product = &image};
    struct answer answer;
    image.expected_version = 2;
    shop_decide(shop, &command, &answer);
    assert_int_equal(answer.outcome, OUTCOME_VERSION_CONFLICT);
    image.expected_version = 1;
    shop_decide(shop, &command, &answer);
    assert_int_equal(answer.outcome, OUTCOME_OK);
    assert_int_equal(answer.version, 2);
    image.sku = BYTES("NEW");
    shop_decide(shop, &command, &answer);
    assert_int_equal(answer.outcome, OUTCOME_VERSION_CONFLICT);
}

static void the_longest_product_can_be_changed(void **state)
{
    (void)state;
    char body[4096], quotes[2 * TITLE_SIZE_MAX + 1];
    size_t end = 0;
    for (uint32_t i = 0; i < TITLE_SIZE_MAX; i++)
        end = shop_append(quotes, sizeof(quotes), end, "\\\"");
    snprintf(body, sizeof(body),
        "{\"title\":\"%s\",\"image\":\"%s\",\"category\":\"%.126s\","
        "\"seller\":\"%.126s\",\"group\":\"%.126s\",\"option\":\"%.126s\",\"sale\":\"%.126s\"}",
        quotes, quotes, quotes, quotes, quotes, quotes, quotes);
    assert_int_equal(patch(body), 200);
    shop_assert_body(shop, "\"version\":2}");
    assert_true(shop->enlarged);
}

/* All else */

static void paths_and_methods_that_nobody_serves_are_told(void **state)
{
    (void)state;
    shop_ask(shop, "GET /v1/basket", ANN, NULL);
    shop_assert_problem(shop, 404, "not_found");
    shop_ask(shop, "PATCH /v1/cart", ANN, NULL);
    shop_assert_problem(shop, 405, "method_not_allowed");
    shop_assert_head(shop, "\r\nAllow: GET, HEAD, DELETE, OPTIONS\r\n");
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
    assert_int_equal(strlen(first), 24);
    assert_int_equal(strspn(first, "0123456789abcdef"), 24);
    shop_ask(shop, "GET /livez", "", NULL);
    assert_null(strstr(shop->reply, first));
}

/* The moment, the shard and a counter, so that they sort; one moment or the next. */
static void made_request_ids_are_of_their_moment(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        char wanted[40];
        snprintf(wanted, sizeof wanted, "\r\nX-Request-Id: %012llx00",
            (unsigned long long)shop->http.now.wall_ms);
        for (uint32_t twice = 0; twice < 2; twice++) {
            shop_ask(shop, "GET /livez", "", NULL);
            shop_assert_head(shop, wanted);
        }
        shop->http.now.wall_ms += 1000;
    }
    shop->http.now.wall_ms -= 3000;
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
    shop_buy(shop, "ann", "k", "{\"items\":[{\"sku\":\"S1\",\"quantity\":1}]}");
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
    shop_buy(shop, "ann", "k",
        "{\"items\":[{\"sku\":\"A\",\"quantity\":1},{\"sku\":\"B\",\"quantity\":1},"
        "{\"sku\":\"C\",\"quantity\":1}]}");
    shop_assert_problem(shop, 422, "too_many_lines");
    shop_assert_body(shop, "\"bound\":\"lines_per_order\",\"value\":2");
    shop_ask(shop, "PUT /v1/cart/items/A", ANN, "{\"quantity\":1}");
    shop_ask(shop, "PUT /v1/cart/items/B", ANN, "{\"quantity\":1}");
    shop_ask(shop, "PUT /v1/cart/items/C", ANN, "{\"quantity\":1}");
    shop_assert_problem(shop, 422, "too_many_lines");
    shop_assert_body(shop, "\"bound\":\"lines_per_cart\",\"value\":2");
    assert_int_equal(shop_buy(shop, "a", "k", "{\"items\":[{\"sku\":\"A\",\"quantity\":1}]}"), 201);
    assert_int_equal(shop_buy(shop, "b", "k", "{\"items\":[{\"sku\":\"A\",\"quantity\":1}]}"), 201);
    shop_buy(shop, "c", "k", "{\"items\":[{\"sku\":\"A\",\"quantity\":1}]}");
    shop_assert_problem(shop, 503, "capacity_exhausted");
    shop_assert_body(shop, "\"bound\":\"orders\"");
    shop_close(shop);
    shop = whole;
}

#define IN_SHOP(test) cmocka_unit_test_setup_teardown(test, open_shop, close_shop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SHOP(stock_is_changed_and_read),
        IN_SHOP(stock_changes_that_cannot_be_meant_are_refused),
        IN_SHOP(stock_is_listed),
        IN_SHOP(a_product_is_changed_column_by_column),
        IN_SHOP(prices_are_changed_one_by_one_or_all),
        IN_SHOP(changes_of_a_product_that_cannot_be_meant_are_refused),
        IN_SHOP(a_product_is_changed_by_operators_who_know_it),
        IN_SHOP(a_change_of_an_old_version_is_a_conflict),
        IN_SHOP(the_longest_product_can_be_changed),
        IN_SHOP(paths_and_methods_that_nobody_serves_are_told),
        IN_SHOP(bytes_that_are_no_request_are_refused),
        IN_SHOP(bodies_must_be_json_and_say_so),
        IN_SHOP(request_ids_come_back),
        IN_SHOP(made_request_ids_are_of_their_moment),
        IN_SHOP(connections_close_when_the_client_asks),
        IN_SHOP(a_shop_that_recovers_is_alive_and_closed),
        IN_SHOP(a_full_journal_is_told),
        IN_SHOP(full_tables_and_bounds_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
