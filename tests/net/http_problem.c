/* SPDX-License-Identifier: Apache-2.0 */
/* Problems and the heads before them: every outcome has its code, every code its description. */
#include "net/http/openapi.h"
#include "net/http/problem.h"
#include "net/http/route.h"
#include "tests/net/shop.h"

static struct shop *shop;

static int open_shop(void **state)
{
    (void)state;
    shop = shop_open(NULL);
    shop_reset(shop);
    shop->request->keep_alive = true;
    return 0;
}

static int close_shop(void **state)
{
    (void)state;
    shop_close(shop);
    return 0;
}

static void every_outcome_has_a_code_and_a_status(void **state)
{
    (void)state;
    for (uint32_t outcome = OUTCOME_OK + 1; outcome < OUTCOME_COUNT; outcome++) {
        enum problem_code code = problem_of_outcome((enum outcome)outcome, false);
        assert_int_equal(code == PROBLEM_MALFORMED, false);
        assert_true(problem_status(code) >= 400 && problem_status(code) <= 503);
    }
    assert_int_equal(problem_of_outcome(OUTCOME_UNKNOWN_SKU, true), PROBLEM_NOT_FOUND);
    assert_int_equal(problem_of_outcome(OUTCOME_UNKNOWN_SKU, false), PROBLEM_UNKNOWN_SKU);
    assert_int_equal(problem_status(PROBLEM_SALE_ENDED), 410);
    assert_int_equal(problem_status(PROBLEM_SOLD_OUT), 409);
    assert_int_equal(problem_status(PROBLEM_CAPACITY_EXHAUSTED), 503);
    assert_int_equal(problem_status(problem_of_outcome(OUTCOME_PAYMENT_ID_PENDING, false)), 503);
    assert_int_equal(problem_status(problem_of_outcome(OUTCOME_TOO_MANY_OPEN_ORDERS, false)), 409);
}

static void every_code_is_found_by_its_name_and_described(void **state)
{
    (void)state;
    struct bytes text = openapi_json();
    for (uint32_t code = 0; code < PROBLEM_COUNT; code++) {
        struct bytes name = bytes_of_string(problem_name((enum problem_code)code));
        char quoted[64];
        assert_int_equal(problem_find(name), code);
        int size = snprintf(quoted, sizeof(quoted), "\"%.*s\"", (int)name.size, name.data);
        if (memmem(text.data, text.size, quoted, (size_t)size) == NULL)
            fail_msg("openapi.yaml does not know the code %s", quoted);
    }
    assert_int_equal(problem_find(BYTES("teapot")), PROBLEM_COUNT);
}

static void every_path_is_described(void **state)
{
    (void)state;
    static const char *const paths[] = {"/v1/products", "/v1/products/{sku}", "/v1/guests",
        "/v1/availability", "/v1/cart", "/v1/cart/items/{sku}", "/v1/cart/extend", "/v1/cart/merge",
        "/v1/checkout", "/v1/orders", "/v1/orders/{id}", "/v1/orders/{id}/payment",
        "/v1/payment-events", "/v1/orders/{id}/cancel", "/admin/v1/import",
        "/admin/v1/products/{sku}", "/admin/v1/products/{sku}/stock", "/admin/v1/stock/{sku}",
        "/admin/v1/stock", "/admin/v1/sales", "/admin/v1/sales/{sale}", "/admin/v1/orders/{id}",
        "/admin/v1/orders", "/admin/v1/reservations", "/admin/v1/customers/{customer}",
        "/admin/v1/audit", "/livez", "/readyz", "/openapi.json"};
    struct bytes text = openapi_json();
    for (uint32_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        char quoted[64];
        int size = snprintf(quoted, sizeof(quoted), "\"%s\":{", paths[i]);
        if (memmem(text.data, text.size, quoted, (size_t)size) == NULL)
            fail_msg("openapi.yaml does not know %s", paths[i]);
    }
    assert_int_not_equal(openapi_hash(), 0);
}

static void those_turned_away_together_do_not_return_together(void **state)
{
    (void)state;
    uint32_t different = 0;
    long before = 0;
    for (uint32_t i = 0; i < 100; i++) {
        problem_answer(&shop->http, shop->request, PROBLEM_OVERLOADED, "Later.");
        shop_take_reply(shop);
        const char *found = strstr(shop->body, "\"retry_after_ms\":");
        assert_non_null(found);
        long retry_ms = strtol(found + 17, NULL, 10);
        assert_true(retry_ms >= 1000 && retry_ms < 2000);
        different += retry_ms != before;
        before = retry_ms;
        long seconds = strtol(strstr(shop->reply, "Retry-After: ") + 13, NULL, 10);
        assert_int_equal(seconds, (retry_ms + 999) / 1000);
    }
    assert_true(different > 90);
}

static void a_refusal_of_the_loop_is_a_problem(void **state)
{
    (void)state;
    http_refuse(&shop->http, shop->request, 413, "body_too_large", "Too large.");
    shop_take_reply(shop);
    shop_assert_problem(shop, 413, "body_too_large");
    http_refuse(&shop->http, shop->request, 505, "malformed", "HTTP/1.1 is spoken here.");
    shop_take_reply(shop);
    assert_int_equal(shop->status, 505);
    shop_assert_body(shop, "\"status\":505,\"detail\":\"HTTP/1.1 is spoken here.\"");
}

static void the_longest_head_fits(void **state)
{
    (void)state;
    static const uint8_t id[16] = {1};
    uint8_t request_id[REQUEST_ID_SIZE_MAX];
    memset(request_id, 'r', sizeof(request_id));
    head_take_request_id(&shop->http, shop->request, bytes_of(request_id, sizeof(request_id)));
    struct head head = {
        .status = 431,
        .type = HEAD_PROBLEM,
        .cache = HEAD_PRIVATE_NO_STORE,
        .etag = HEAD_ETAG_WEAK,
        .etag_hash = UINT64_MAX,
        .retry_after_seconds = UINT32_MAX,
        .replayed = true,
        .location_order = id,
        .allowed = (1U << HTTP_METHOD_COUNT) - 1,
    };
    shop->request->keep_alive = false;
    head_put(&shop->http, shop->request, &head, 0);
    shop_take_reply(shop);
    shop_assert_head(shop, "HTTP/1.1 431 Request Header Fields Too Large\r\n");
    shop_assert_head(shop, "\r\nETag: W/\"ffffffffffffffff\"\r\n");
    shop_assert_head(shop, "\r\nAllow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n");
    shop_assert_head(shop, "\r\nIdempotency-Replayed: true\r\n");
    shop_assert_head(shop, "\r\nLocation: /v1/orders/01000000-0000-0000-0000-000000000000\r\n");
    shop_assert_head(shop, "\r\nConnection: close\r\n\r\n");
}

static void etags_are_compared_weakly(void **state)
{
    (void)state;
    static const char *const same[] = {"\"00000000000000ff\"", "W/\"00000000000000ff\"", "*",
        "\"x\", \"00000000000000ff\"", " W/\"y\" ,W/\"00000000000000ff\" "};
    static const char *const other[] = {"", "\"ff\"", "00000000000000ff", "\"00000000000000fe\"",
        "\"00000000000000ff", "W/", "w/\"00000000000000ff\""};
    for (uint32_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
        assert_true(head_etag_matches(bytes_of_string(same[i]), 255));
    for (uint32_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
        assert_false(head_etag_matches(bytes_of_string(other[i]), 255));
}

static void a_deadline_moves_by_how_long_the_shelf_clock_stood_still(void **state)
{
    (void)state;
    int64_t first = http_wall_of(&shop->http, 1600000);
    assert_true(first == SHOP_NOW_MS + 600000);
    shop->http.now.wall_ms += 5000;
    assert_true(http_wall_of(&shop->http, 1600000) == first + 5000);
    assert_true(http_wall_of(&shop->http, 0) == 0);
}

#define IN_SHOP(test) cmocka_unit_test_setup_teardown(test, open_shop, close_shop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_outcome_has_a_code_and_a_status),
        cmocka_unit_test(every_code_is_found_by_its_name_and_described),
        cmocka_unit_test(every_path_is_described),
        IN_SHOP(those_turned_away_together_do_not_return_together),
        IN_SHOP(a_refusal_of_the_loop_is_a_problem),
        IN_SHOP(the_longest_head_fits),
        IN_SHOP(etags_are_compared_weakly),
        IN_SHOP(a_deadline_moves_by_how_long_the_shelf_clock_stood_still),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
