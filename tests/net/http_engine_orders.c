/* SPDX-License-Identifier: Apache-2.0 */
/* Whole requests about orders, against a real engine: who may see them, payment, cancel. */
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

static void an_order_is_read_by_its_customer_and_nobody_else(void **state)
{
    (void)state;
    char born[4096], id[37], foreign[1024];
    shop_buy(shop, "ann", "k", "{\"items\":[{\"sku\":\"S1\",\"quantity\":1}]}");
    snprintf(born, sizeof(born), "%s", shop->body);
    shop_order_id(shop, id);
    shop_tick(shop, 777);
    assert_int_equal(shop_ask_order(shop, "GET", id, "", ANN, NULL), 200);
    assert_string_equal(shop->body, born);
    assert_int_equal(shop_ask_order(shop, "GET", id, "", SERVICE, NULL), 200);
    assert_int_equal(shop_ask_order(shop, "GET", id, "", SERVICE ANN, NULL), 200);
    assert_int_equal(shop_ask_order(shop, "GET", id, "", SERVICE BOB, NULL), 404);
    assert_int_equal(shop_ask_order(shop, "GET", id, "", BOB "X-Request-Id: r\r\n", NULL), 404);
    snprintf(foreign, sizeof(foreign), "%s", shop->body);
    shop_ask_order(
        shop, "GET", "01890a5d-ac96-774b-bcce-b302099a8057", "", BOB "X-Request-Id: r\r\n", NULL);
    assert_string_equal(shop->body, foreign);
    shop_assert_problem(shop, 404, "not_found");
    shop_ask_order(shop, "GET", "no-id", "", ANN, NULL);
    shop_assert_problem(shop, 404, "not_found");
    char line[128];
    snprintf(line, sizeof(line), "GET /admin/v1/orders/%s", id);
    assert_int_equal(shop_ask(shop, line, VIEWER, NULL), 200);
    assert_string_equal(shop->body, born);
}

static void orders_are_listed_newest_first_without_lines(void **state)
{
    (void)state;
    char key[8], cursor[40], line[96];
    shop_sell(shop, "MANY", 100);
    for (uint32_t i = 0; i < 3; i++) {
        snprintf(key, sizeof(key), "k%u", i);
        shop_buy(shop, "ann", key, "{\"items\":[{\"sku\":\"MANY\",\"quantity\":1}]}");
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
        sscanf(strstr(shop->body, "next_cursor\":\""), "next_cursor\":\"%39[0-9a-f-]", cursor), 1);
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
    shop_buy(shop, "ann", "k", "{\"items\":[{\"sku\":\"S1\",\"quantity\":2}]}");
    shop_order_id(shop, id);
    shop_ask_order(shop, "POST", id, "/payment", ANN, REPORT("captured", "1", "500"));
    shop_assert_problem(shop, 403, "forbidden");
    shop_ask_order(shop, "POST", id, "/payment", SERVICE, REPORT("captured", "1", "499"));
    shop_assert_problem(shop, 409, "payment_mismatch");
    shop_assert_body(shop, "\"total\":500");
    assert_int_equal(
        shop_ask_order(shop, "POST", id, "/payment", SERVICE, REPORT("declined", "0", "500")), 200);
    shop_assert_body(shop, "\"status\":\"pending_payment\"");
    assert_int_equal(
        shop_ask_order(shop, "POST", id, "/payment", SERVICE, REPORT("captured", "1", "500")), 200);
    shop_assert_body(shop, "\"status\":\"confirmed\"");
    shop_assert_body(shop, "\"paid\":500");
    assert_int_equal(
        shop_ask_order(shop, "POST", id, "/payment", SERVICE, REPORT("captured", "1", "500")), 200);
    shop_buy(shop, "bob", "k", "{\"items\":[{\"sku\":\"S1\",\"quantity\":2}]}");
    shop_order_id(shop, id);
    shop_ask_order(shop, "POST", id, "/payment", SERVICE, REPORT("captured", "1", "500"));
    shop_assert_problem(shop, 409, "payment_id_used");
    shop_ask_order(shop, "POST", "01890a5d-ac96-774b-bcce-b302099a8057", "/payment", SERVICE,
        REPORT("captured", "9", "500"));
    assert_true(shop->status == 404 || shop->status == 410);
}

static void a_payment_report_needs_all_its_parts(void **state)
{
    (void)state;
    char id[37];
    shop_buy(shop, "ann", "k", "{\"items\":[{\"sku\":\"S1\",\"quantity\":2}]}");
    shop_order_id(shop, id);
    shop_ask_order(shop, "POST", id, "/payment", SERVICE, "{\"result\":\"won\",\"amount\":1.5}");
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
    shop_buy(shop, "ann", "k", "{\"items\":[{\"sku\":\"S2\",\"quantity\":3}]}");
    shop_order_id(shop, id);
    shop_ask_order(shop, "POST", id, "/cancel", ANN, "{}");
    shop_assert_problem(shop, 400, "idempotency_key_missing");
    shop_ask_order(shop, "POST", id, "/cancel", BOB KEY("c"), "{}");
    shop_assert_problem(shop, 404, "not_found");
    shop_ask_order(shop, "POST", id, "/cancel", ANN KEY("c"), "{\"restock\":\"none\"}");
    shop_assert_problem(shop, 403, "forbidden");
    assert_int_equal(shop_ask_order(shop, "POST", id, "/cancel", ANN KEY("c"),
                         "{\"reason\":\"changed my mind\"}"),
        200);
    shop_assert_body(shop, "\"status\":\"cancelled\"");
    assert_int_equal(shop_ask_order(shop, "POST", id, "/cancel", ANN KEY("c"),
                         "{\"reason\":\"changed my mind\"}"),
        200);
    shop_assert_head(shop, "\r\nIdempotency-Replayed: true\r\n");
    shop_ask_order(shop, "POST", id, "/cancel", ANN KEY("d"), NULL);
    shop_assert_problem(shop, 409, "invalid_transition");
    shop_assert_body(shop, "\"order_status\":\"cancelled\"");
    shop_ask_order(
        shop, "POST", id, "/cancel", ANN KEY("e"), "{\"lines\":[{\"line\":0}],\"why\":1}");
    shop_assert_problem(shop, 422, "invalid");
    shop_assert_body(shop, "lines[0].line");
    shop_assert_body(shop, "lines[0].quantity");
    shop_ask(shop, "GET /v1/availability?skus=S2", "", NULL);
    shop_assert_body(shop, "\"available\":3");
}

#define IN_SHOP(test) cmocka_unit_test_setup_teardown(test, open_shop, close_shop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SHOP(an_order_is_read_by_its_customer_and_nobody_else),
        IN_SHOP(orders_are_listed_newest_first_without_lines),
        IN_SHOP(a_long_list_of_orders_comes_back_for_a_large_reply),
        IN_SHOP(a_payment_confirms_an_order),
        IN_SHOP(a_payment_report_needs_all_its_parts),
        IN_SHOP(a_cancel_frees_and_tells_the_order_of_today),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
